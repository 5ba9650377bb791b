#include "history/indexer.h"

#include <algorithm>

#include "base/log.h"

namespace entente::indexing {

bool Indexer::install(StrategyPtr strategy) {
  {
    const std::lock_guard lock(mutex_);
    if (std::find(strategies_.begin(), strategies_.end(), strategy) != strategies_.end()) {
      return false;
    }
    strategies_.push_back(std::move(strategy));
  }
  wake_();
  return true;
}

bool Indexer::uninstall(const StrategyPtr& strategy) {
  const std::lock_guard feeding(feeding_);  // held for one transaction, never while files are read
  const std::lock_guard lock(mutex_);
  return std::erase(strategies_, strategy) != 0;
}

json::array Indexer::describe() const {
  json::array all;
  for (const StrategyPtr& strategy : installed()) all.emplace_back(strategy->describe());
  return all;
}

bool Indexer::has(const StrategyPtr& strategy) const {
  const std::lock_guard lock(mutex_);
  return std::find(strategies_.begin(), strategies_.end(), strategy) != strategies_.end();
}

bool Indexer::empty() const {
  const std::lock_guard lock(mutex_);
  return strategies_.empty();
}

Indexer::Installed Indexer::installed() const {
  const std::lock_guard lock(mutex_);
  return strategies_;
}

Result<bool> Indexer::step(history::PastLedger& ledger) {
  const Installed strategies = installed();
  const SeqNo committed = committed_();
  bool worked = false;
  for (const StrategyPtr& strategy : strategies) {
    const auto fed = feed_again(strategy, ledger, committed);
    if (!fed) return fed.error();
    worked = worked || *fed;
  }
  const auto fed = feed_next(strategies, ledger, committed);
  if (!fed) return fed.error();
  return worked || *fed;
}

Result<bool> Indexer::feed_next(const Installed& strategies, history::PastLedger& ledger,
                                SeqNo committed) {
  std::optional<SeqNo> first;
  for (const StrategyPtr& strategy : strategies) {
    std::optional<SeqNo> next;
    with(strategy, "asked", [&] { next = strategy->next_requested(); });
    if (next && *next <= committed && (!first || *next < *first)) first = next;
  }
  if (!first) return false;
  const SeqNo last = std::min(committed, *first + (batch_transactions - 1));
  const auto states = ledger.read(*first, last, committed, batch_bytes);
  if (!states) return states.error();
  for (const StrategyPtr& strategy : strategies) {
    for (const history::StatePtr& state : *states) {
      if (!give_next(strategy, *state)) break;
    }
  }
  return true;
}

Result<bool> Indexer::feed_again(const StrategyPtr& strategy, history::PastLedger& ledger,
                                 SeqNo committed) {
  std::optional<SeqNoRange> range;
  with(strategy, "asked", [&] { range = strategy->wanted_again(); });
  if (!range || range->last > committed) return false;
  const SeqNo last = std::min(range->last, range->first + (batch_transactions - 1));
  const auto states = ledger.read(range->first, last, committed, batch_bytes);
  if (!states) return states.error();
  for (const history::StatePtr& state : *states) {
    if (!give_again(strategy, *state)) break;
  }
  return true;
}

namespace {
constexpr const char* no_progress = "it asks for the same again";
}  // namespace

bool Indexer::give_next(const StrategyPtr& strategy, const history::State& state) {
  const SeqNo seqno = state.id().seqno;
  bool wants_more = false;
  return with(strategy, state.id().text(),
              [&] {
                std::optional<SeqNo> next = strategy->next_requested();
                if (next == seqno) {
                  strategy->handle_committed_transaction(state);
                  next = strategy->next_requested();
                  if (next == seqno) throw std::logic_error(no_progress);
                }
                wants_more = next.has_value();
              }) &&
         wants_more;
}

bool Indexer::give_again(const StrategyPtr& strategy, const history::State& state) {
  return with(strategy, state.id().text(), [&] {
    strategy->handle_again(state);
    const auto left = strategy->wanted_again();
    if (left && left->first == state.id().seqno) throw std::logic_error(no_progress);
  });
}

template <typename Use>
bool Indexer::with(const StrategyPtr& strategy, std::string_view place, const Use& use) {
  const std::lock_guard feeding(feeding_);
  if (!has(strategy)) return false;
  std::string failure;
  try {
    use();
    return true;
  } catch (const std::exception& thrown) {
    failure = thrown.what();
  } catch (...) {
    failure = "an exception that is no std::exception";
  }
  log::fail("history", "Strategy {} failed at {} and is uninstalled: {}", strategy->name(), place,
            failure);
  const std::lock_guard lock(mutex_);
  std::erase(strategies_, strategy);
  return false;
}

// ------------------------------------------------------------------------------------ Strategies

bool Strategies::install(StrategyPtr strategy) {
  return indexer_->install(std::move(strategy));
}
bool Strategies::uninstall(const StrategyPtr& strategy) {
  return indexer_->uninstall(strategy);
}
bool Strategies::installed(const StrategyPtr& strategy) const {
  return indexer_->has(strategy);
}
json::array Strategies::describe() const {
  return indexer_->describe();
}

}  // namespace entente::indexing
