#pragma once
// Feeds the indexing strategies: every globally committed transaction, in order, in batches, on the
// history thread. Source: docs/http-api.md (indexing).

#include <functional>
#include <mutex>
#include <vector>

#include "entente/indexing.h"
#include "history/past_ledger.h"

namespace entente::indexing {

/// Transactions read between two looks at the requests of clients.
inline constexpr uint64_t batch_transactions = 500;
inline constexpr uint64_t batch_bytes = uint64_t{16} << 20;

class Indexer {
 public:
  /// `committed`: last globally committed seqno; `wake`: called when there is something new to do.
  /// Both thread-safe.
  explicit Indexer(
      std::function<SeqNo()> committed, std::function<void()> wake = [] {})
      : committed_(std::move(committed)), wake_(std::move(wake)) {}

  // -- any thread, but not from within a strategy ------------------------------------------------
  bool install(StrategyPtr strategy);
  /// Waits at most for the one transaction that is being handled, never for files.
  bool uninstall(const StrategyPtr& strategy);
  bool has(const StrategyPtr& strategy) const;
  json::array describe() const;
  bool empty() const;

  // -- history thread ----------------------------------------------------------------------------
  /// One batch. False if there was nothing to do. An error is that of the ledger; it is tried again
  /// at the next call.
  Result<bool> step(history::PastLedger& ledger);

 private:
  using Installed = std::vector<StrategyPtr>;
  Result<bool> feed_next(const Installed& strategies, history::PastLedger& ledger, SeqNo committed);
  Result<bool> feed_again(const StrategyPtr& strategy, history::PastLedger& ledger,
                          SeqNo committed);
  // Each of them false if no more should be given; a strategy that misbehaves is uninstalled.
  bool give_next(const StrategyPtr& strategy, const history::State& state);
  bool give_again(const StrategyPtr& strategy, const history::State& state);
  template <typename Use>
  bool with(const StrategyPtr& strategy, std::string_view place, const Use& use);
  Installed installed() const;

  const std::function<SeqNo()> committed_;
  const std::function<void()> wake_;
  std::mutex feeding_;  ///< held while a strategy is called; taken before mutex_
  mutable std::mutex mutex_;
  Installed strategies_;  ///< guarded by mutex_
};

}  // namespace entente::indexing
