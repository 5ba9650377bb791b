#pragma once
// The states that are held or being fetched, by handle. Workers ask and never wait; the history
// thread fetches. Bounded: by bytes (least recently asked first), by expiry, by the number of
// transactions under one handle. Source: docs/http-api.md (cache semantics).

#include <compare>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "base/environment.h"
#include "base/occasional.h"
#include "entente/history.h"
#include "history/past_ledger.h"

namespace entente::history {

/// Who chose a handle. Handles of different owners never collide.
enum class Owner : uint8_t { application, system };

struct RequestKey {
  Owner owner = Owner::application;
  Handle handle = 0;
  auto operator<=>(const RequestKey&) const = default;
};

class StateCache {
 public:
  struct Limits {
    size_t soft_bytes = size_t{512} << 20;
    std::chrono::seconds expiry{1800};
    uint64_t batch_bytes = uint64_t{16} << 20;  ///< fetched between two looks at the queue
  };

  /// `committed`: last globally committed seqno; `wake`: called when there is something to fetch.
  /// Both thread-safe.
  StateCache(std::function<SeqNo()> committed, const Clock& clock, std::function<void()> wake,
             Limits limits);

  // -- any thread --------------------------------------------------------------------------------
  /// `seqnos` ascending, without repeats, not empty.
  Fetched<std::vector<StatePtr>> get(RequestKey key, std::vector<SeqNo> seqnos);
  bool drop(RequestKey key);
  void set_expiry(std::chrono::seconds expiry);
  void set_soft_limit(size_t bytes);
  size_t bytes() const;
  size_t requests() const;
  size_t queued() const;  ///< entries of the queue, those of replaced requests included

  // -- history thread ----------------------------------------------------------------------------
  /// Fetches one batch of one request. False if there was nothing to do.
  bool fetch_some(PastLedger& ledger);
  /// Forgets what expired.
  void expire();

 private:
  struct Request {
    uint64_t id = 0;  ///< differs from that of an earlier request under the same handle
    std::vector<SeqNo> seqnos;
    std::vector<StatePtr> states;  ///< in step; null: missing
    size_t missing = 0;
    size_t bytes = 0;
    std::optional<Error> failure;
    MonotonicTime expires{0};
    std::list<RequestKey>::iterator use;
  };
  using Requests = std::map<RequestKey, Request>;

  struct Run {
    RequestKey key;
    uint64_t id;
    SeqNo first, last;
  };
  std::optional<Run> next_run();  // the rest under mutex_
  void store(const Run& run, Result<std::vector<StatePtr>> states);
  void erase(Requests::iterator request);
  void evict(RequestKey keep);
  void tidy_queue();
  void fail(Request& request, Error error);

  const std::function<SeqNo()> committed_;
  const Clock& clock_;
  Occasional complaints_{std::chrono::seconds(10)};  // the history thread's
  const std::function<void()> wake_;

  mutable std::mutex mutex_;
  Limits limits_;
  uint64_t next_id_ = 1;
  Requests requests_;
  std::list<RequestKey> uses_;                         ///< asked for least recently first
  std::deque<std::pair<RequestKey, uint64_t>> queue_;  ///< requests with missing states
  size_t bytes_ = 0;
};

}  // namespace entente::history
