#pragma once
// Isolates of one kind, lent to whoever runs a script. Thread-safe.

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "js/isolate.h"

namespace entente::gov {

class IsolatePool {
 public:
  /// At most `kept` isolates wait for work; `options` as of each of them.
  IsolatePool(js::IsolateOptions options, size_t kept)
      : options_(std::move(options)), kept_(kept) {}
  IsolatePool(const IsolatePool&) = delete;
  IsolatePool& operator=(const IsolatePool&) = delete;

  /// An isolate for as long as this lives. Not to outlive the pool.
  class Loan {
   public:
    explicit Loan(IsolatePool& pool) : pool_(pool), isolate_(pool.take()) {}
    ~Loan() { pool_.give_back(std::move(isolate_)); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    js::Isolate& operator*() { return *isolate_; }

   private:
    IsolatePool& pool_;
    std::unique_ptr<js::Isolate> isolate_;
  };

 private:
  std::unique_ptr<js::Isolate> take();
  void give_back(std::unique_ptr<js::Isolate> isolate);

  const js::IsolateOptions options_;
  const size_t kept_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<js::Isolate>> idle_;
};

}  // namespace entente::gov
