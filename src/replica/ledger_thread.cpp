#include "replica/ledger_thread.h"

#include "base/assert.h"
#include "base/log.h"

namespace entente::replica {
namespace {
constexpr auto retry_pause = std::chrono::milliseconds(200);
constexpr size_t kept_bytes = 4 << 20;
constexpr uint64_t max_read_bytes = 4 << 20;  // for one message
}  // namespace

LedgerThread::LedgerThread(ledger::LedgerWriter& writer, Inbox& inbox, const Clock& clock,
                           MonotonicTime slow)
    : writer_(writer), inbox_(inbox), clock_(clock), slow_(slow), thread_([this] { run(); }) {}

LedgerThread::~LedgerThread() {
  finish();
}

bool LedgerThread::finish() {
  if (!thread_.joinable()) return !gave_up_;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
  return !gave_up_;
}

void LedgerThread::append(consensus::Epoch epoch, SeqNo last,
                          std::shared_ptr<const Bytes> entries) {
  put(Append{epoch, last, std::move(entries)});
}
void LedgerThread::commit(SeqNo seqno) {
  put(Commit{seqno});
}
void LedgerThread::truncate(SeqNo last) {
  put(Truncate{last});
}

void LedgerThread::read(LedgerRead wanted) {
  put(std::move(wanted));
}

void LedgerThread::put(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
}

bool LedgerThread::take(std::vector<Task>& tasks) {
  tasks.clear();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
  std::swap(tasks, tasks_);
  return !tasks.empty();
}

void LedgerThread::run() {
  std::vector<Task> tasks;
  while (take(tasks)) perform(tasks);
}

void LedgerThread::perform(std::vector<Task>& tasks) {
  // After a batch was given up nothing may follow it: the ledger would have a hole.
  for (size_t i = 0; i < tasks.size() && !gave_up_; ++i) {
    if (const auto* append = std::get_if<Append>(&tasks[i])) {
      // Batches that queued up while the disk was busy become one write.
      BytesView entries = *append->entries;
      SeqNo last = append->last;
      for (; i + 1 < tasks.size(); ++i) {
        const auto* more = std::get_if<Append>(&tasks[i + 1]);
        if (more == nullptr || more->epoch != append->epoch) break;
        if (entries.data() != gathered_.data()) gathered_.assign(entries.begin(), entries.end());
        entente::append(gathered_, *more->entries);
        entries = gathered_;
        last = more->last;
      }
      perform(append->epoch, last, entries);
      if (gathered_.capacity() > kept_bytes) gathered_ = {};
    } else if (const auto* commit = std::get_if<Commit>(&tasks[i])) {
      retry("rename a committed chunk", [&] { return writer_.commit(commit->seqno); });
    } else if (const auto* truncate = std::get_if<Truncate>(&tasks[i])) {
      retry("cut the ledger back", [&] { return writer_.truncate(truncate->last); });
    } else if (auto* wanted = std::get_if<LedgerRead>(&tasks[i])) {
      perform(std::move(*wanted));
    }
  }
}

void LedgerThread::perform(consensus::Epoch epoch, SeqNo last, BytesView entries) {
  const auto write = [&]() -> Result<void> {
    auto written = writer_.append(entries);
    if (!written.ok()) stop_if_unwritable(entries);
    return written;
  };
  if (retry("write the ledger", write)) {
    inbox_.put(StableNotice{epoch, last});
    return;
  }
  gave_up_ = true;
  log::fatal("ledger", "the ledger ends at {}; what comes after it up to {} is lost",
             writer_.last().value, last.value);
}

void LedgerThread::perform(LedgerRead wanted) {
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
void LedgerThread::stop_if_unwritable(BytesView entries) const {
  const auto accepted = writer_.accepts(entries);
  if (!accepted.ok()) log::fatal("ledger", "{}", accepted.error().message);
  ENTENTE_ASSERT(accepted.ok());
}

bool LedgerThread::retry(const char* what, const std::function<Result<void>()>& action) {
  for (size_t attempt = 0;; ++attempt) {
    const auto result = timed(what, action);
    if (result.ok()) {
      if (attempt > 0) log::info("ledger", "could {} after {} attempts", what, attempt + 1);
      return true;
    }
    // About one line in five seconds while it lasts.
    if (attempt % 25 == 0) log::fail("ledger", "could not {}: {}", what, result.error().message);
    if (pause_after_failure()) return false;
  }
}

Result<void> LedgerThread::timed(const char* what, const std::function<Result<void>()>& action) {
  const MonotonicTime begin = clock_.now();
  auto result = action();
  const MonotonicTime end = clock_.now();
  if (end - begin >= slow_) {
    if (const auto left_out = slow_lines_.due(end)) {
      log::fail("ledger", "Slow disk: {} us to {}, up to {} (and {} times not logged)",
                (end - begin).count(), what, writer_.last().value, *left_out);
    }
  }
  return result;
}

bool LedgerThread::pause_after_failure() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, retry_pause, [this] { return stopping_; });
}

}  // namespace entente::replica
