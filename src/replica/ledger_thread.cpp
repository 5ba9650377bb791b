#include "replica/ledger_thread.h"

#include "base/log.h"

namespace entente::replica {
namespace {
constexpr auto retry_pause = std::chrono::milliseconds(200);
}  // namespace

LedgerThread::LedgerThread(ledger::LedgerWriter& writer, Inbox& inbox, const Clock& clock,
                           MonotonicTime slow)
    : writer_(writer), work_(writer, inbox, clock, slow), thread_([this] { run(); }) {}

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
  put(ledger_task::Append{epoch, last, std::move(entries)});
}
void LedgerThread::commit(SeqNo seqno) {
  put(ledger_task::Commit{seqno});
}
void LedgerThread::truncate(SeqNo last) {
  put(ledger_task::Truncate{last});
}

void LedgerThread::read(LedgerRead wanted) {
  put(std::move(wanted));
}

void LedgerThread::put(LedgerTask task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
}

bool LedgerThread::take(std::deque<LedgerTask>& tasks) {
  tasks.clear();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
  std::swap(tasks, tasks_);
  return !tasks.empty();
}

void LedgerThread::run() {
  std::deque<LedgerTask> tasks;
  while (take(tasks)) perform(tasks);
}

void LedgerThread::perform(std::deque<LedgerTask>& tasks) {
  // After a batch was given up nothing may follow it: the ledger would have a hole.
  if (gave_up_) return;
  for (size_t attempt = 0; !tasks.empty(); ++attempt) {
    const auto refused = work_.perform(tasks);
    if (!refused) {
      if (attempt > 0) log::info("ledger", "the disk works again after {} attempts", attempt + 1);
      return;
    }
    // About one line in five seconds while it lasts.
    if (attempt % 25 == 0) log::fail("ledger", "could not {}: {}", refused->what, refused->why);
    if (pause_after_failure()) give_up(tasks);
  }
}

void LedgerThread::give_up(std::deque<LedgerTask>& tasks) {
  const auto* append = std::get_if<ledger_task::Append>(&tasks.front());
  if (append == nullptr) {  // a name or a tail that start-up puts right
    tasks.pop_front();
    return;
  }
  gave_up_ = true;
  log::fatal("ledger", "the ledger ends at {}; what comes after it up to {} is lost",
             writer_.last().value, append->last.value);
  tasks.clear();
}

bool LedgerThread::pause_after_failure() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, retry_pause, [this] { return stopping_; });
}

}  // namespace entente::replica
