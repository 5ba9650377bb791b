#pragma once
// What a load client sends: one stream of requests per connection, cheap to produce.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cli/bench_smallbank.h"
#include "entente/result.h"

namespace entente::cli {

enum class WorkloadKind { basic, logging, smallbank };

struct WorkloadOptions {
  WorkloadKind kind = WorkloadKind::basic;
  uint32_t read_percent = 0;  ///< 0…100; the rest are writes. Not for smallbank
  uint32_t keys = 1000;       ///< keys are drawn uniformly from so many
  uint32_t value_size = 20;   ///< bytes
  uint32_t seed = 42;
  uint32_t prefer_wait_seconds = 0;  ///< 0: writes do not ask to wait for global commit
};

/// Values that differ for every key and every run, so that they can be told apart afterwards.
struct RecordedValues {
  std::string tag;    ///< of the run
  uint32_t size = 0;  ///< bytes, at least those of the tag and a key
  static constexpr uint32_t smallest = 17;
  std::string key(uint32_t key) const;
  std::string value(uint32_t key) const;
};

/// What was appended to a stream of requests.
struct SentRequest {
  bool write = true;
  uint32_t key = 0;  ///< of what is written; not for smallbank
};

/// One endless stream of requests. Not thread-safe.
class RequestStream {
 public:
  virtual ~RequestStream() = default;
  /// Appends the bytes of exactly one request.
  virtual SentRequest append_next(std::string& out) = 0;
};

/// The stream of connection number `connection`; equal arguments give equal streams.
std::unique_ptr<RequestStream> make_stream(const WorkloadOptions& options, uint32_t connection);

/// Writes every `step`-th key once, from key `first` on, then starts over. Not for smallbank.
std::unique_ptr<RequestStream> make_filling_stream(const WorkloadOptions& options, uint32_t first,
                                                   uint32_t step);

/// Writes each key once, every `step`-th from `first` on, with values of their own. Not for
/// smallbank.
std::unique_ptr<RequestStream> make_recorded_stream(const WorkloadOptions& options,
                                                    const RecordedValues& values, uint32_t first,
                                                    uint32_t step);

/// SmallBank operations in order, each also applied to a model of the bank.
class ModelledSmallBank : public RequestStream {
 public:
  explicit ModelledSmallBank(const WorkloadOptions& options);
  SentRequest append_next(std::string& out) override;
  const SmallBankModel& model() const { return model_; }
  uint64_t refused() const { return refused_; }

 private:
  SmallBankGenerator generator_;
  SmallBankModel model_;
  SmallBankWriter writer_;
  uint64_t refused_ = 0;
};

}  // namespace entente::cli
