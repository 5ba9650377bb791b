#pragma once
// The past of one node, put together: cache, indexer and the thread that serves both. The node
// makes one, installs its parts for applications to find, and adds `/receipt` to its registries.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "entente/history.h"
#include "entente/indexing.h"
#include "history/indexer.h"
#include "history/past_ledger.h"
#include "history/state_cache.h"
#include "replica/replica.h"

namespace entente::history {

class History {
 public:
  /// Everything handed in must outlive this object. The thread starts here.
  History(LedgerSources sources, const replica::Status& status, const Clock& clock,
          StateCache::Limits limits = {});
  /// Ends the thread. No request may be running.
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  /// Makes States and indexing::Strategies known to applications, which may use them as long as
  /// this object lives.
  void install(NodeContext& node);

  StateCache& cache() { return cache_; }
  indexing::Indexer& indexer() { return indexer_; }
  const LedgerSources& sources() const { return sources_; }

 private:
  void run();
  void wake();

  const LedgerSources sources_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool work_ = false;      // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  StateCache cache_;
  indexing::Indexer indexer_;
  std::thread thread_;
};

/// `GET /receipt?transaction_id=`. History::install() must have been called on `node` before the
/// first request; both must outlive the registry.
void install_receipt_endpoint(EndpointRegistry& registry, const NodeContext& node);

}  // namespace entente::history
