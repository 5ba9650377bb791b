#pragma once
// Isolates of one kind, lent to whoever runs a script. One that was lent for a constitution keeps
// that module compiled: later uses only evaluate it. Thread-safe.

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "gov/constitution.h"
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
    explicit Loan(IsolatePool& pool) : pool_(pool), lent_(pool.take(nullptr)) {}
    /// One in which module() is that constitution, unless it does not compile.
    Loan(IsolatePool& pool, const Constitution& constitution, const js::Limits& limits);
    ~Loan() { pool_.give_back(std::move(lent_)); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;

    js::Isolate& operator*() { return *lent_.isolate; }
    /// Compiled, not evaluated; for any use of this isolate. Null: see above, or none was wanted.
    const js::Module* module() const { return lent_.module ? &*lent_.module : nullptr; }

   private:
    friend class IsolatePool;
    struct Lent {
      std::unique_ptr<js::Isolate> isolate;
      std::shared_ptr<const Constitution> constitution;  ///< that `module` was made of
      std::optional<js::Module> module;                  ///< goes before the isolate
    };
    IsolatePool& pool_;
    Lent lent_;
  };

 private:
  Loan::Lent take(const Constitution* wanted);
  void give_back(Loan::Lent lent);

  const js::IsolateOptions options_;
  const size_t kept_;
  std::mutex mutex_;
  /// Guarded by the mutex. Never assigned: a module must go before its isolate.
  std::list<Loan::Lent> idle_;
};

}  // namespace entente::gov
