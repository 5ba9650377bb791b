#include "replica/ledger_work.h"

#include "base/assert.h"
#include "base/log.h"

namespace entente::replica {
namespace {
constexpr size_t kept_bytes = 4 << 20;
constexpr uint64_t max_read_bytes = 4 << 20;  // for one message
}  // namespace

LedgerWork::LedgerWork(ledger::LedgerWriter& writer, Inbox& inbox, const Clock& clock,
                       MonotonicTime slow)
    : writer_(writer), inbox_(inbox), clock_(clock), slow_(slow) {}

std::optional<LedgerWork::Refusal> LedgerWork::perform(std::deque<LedgerTask>& tasks) {
  while (!tasks.empty()) {
    LedgerTask& task = tasks.front();
    std::optional<Refusal> refused;
    if (std::holds_alternative<ledger_task::Append>(task)) {
      refused = append(tasks);  // removes what it wrote
      if (refused) return refused;
      continue;
    }
    if (const auto* commit = std::get_if<ledger_task::Commit>(&task)) {
      refused = timed("rename a committed chunk", [&] { return writer_.commit(commit->seqno); });
    } else if (const auto* truncate = std::get_if<ledger_task::Truncate>(&task)) {
      refused = timed("cut the ledger back", [&] { return writer_.truncate(truncate->last); });
    } else {
      read(std::move(std::get<LedgerRead>(task)));
    }
    if (refused) return refused;
    tasks.pop_front();
  }
  return std::nullopt;
}

// Batches that queued up while the disk was busy become one write.
std::optional<LedgerWork::Refusal> LedgerWork::append(std::deque<LedgerTask>& tasks) {
  const auto& first = std::get<ledger_task::Append>(tasks.front());
  BytesView entries = *first.entries;
  SeqNo last = first.last;
  size_t count = 1;
  for (; count < tasks.size(); ++count) {
    const auto* more = std::get_if<ledger_task::Append>(&tasks[count]);
    if (more == nullptr || more->epoch != first.epoch) break;
    if (entries.data() != gathered_.data()) gathered_.assign(entries.begin(), entries.end());
    entente::append(gathered_, *more->entries);
    entries = gathered_;
    last = more->last;
  }
  auto refused = timed("write the ledger", [&] { return writer_.append(entries); });
  if (refused) {
    stop_if_unwritable(entries);
  } else {
    inbox_.put(StableNotice{first.epoch, last});
    tasks.erase(tasks.begin(), tasks.begin() + static_cast<ptrdiff_t>(count));
  }
  if (gathered_.capacity() > kept_bytes) gathered_ = {};
  return refused;
}

void LedgerWork::read(LedgerRead wanted) {
  const auto& append = std::get<consensus::message::AppendEntries>(wanted.message.body);
  wanted.last = append.prev.seqno;
  // One range is what stands in one chunk.
  while (wanted.last < append.end && wanted.entries.size() < max_read_bytes) {
    auto range = writer_.read_range(wanted.last + 1, append.end, max_read_bytes);
    if (!range.ok()) {
      if (const auto left_out = failed_reads_.due(clock_.now())) {
        log::fail("ledger", "could not read for a node that lacks entries: {} ({} more not logged)",
                  range.error().message, *left_out);
      }
      break;
    }
    entente::append(wanted.entries, range->bytes);
    wanted.last = range->last;
  }
  inbox_.put(std::move(wanted));
}

// What this node sequenced itself does not follow what it wrote before: no disk is to blame, and
// trying again would hide it.
void LedgerWork::stop_if_unwritable(BytesView entries) const {
  const auto accepted = writer_.accepts(entries);
  if (!accepted.ok()) log::fatal("ledger", "{}", accepted.error().message);
  ENTENTE_ASSERT(accepted.ok());
}

template <typename Action>
std::optional<LedgerWork::Refusal> LedgerWork::timed(const char* what, const Action& action) {
  const MonotonicTime begin = clock_.now();
  const Result<void> result = action();
  const MonotonicTime end = clock_.now();
  if (end - begin >= slow_) {
    if (const auto left_out = slow_lines_.due(end)) {
      log::fail("ledger", "Slow disk: {} us to {}, up to {} (and {} times not logged)",
                (end - begin).count(), what, writer_.last().value, *left_out);
    }
  }
  if (result.ok()) return std::nullopt;
  return Refusal{what, result.error().message};
}

}  // namespace entente::replica
