#pragma once
// Writes the ledger on a thread of its own, so that a slow or full disk never holds up a request.
// A failed write is tried again until it succeeds: meanwhile nothing becomes committed, and the
// bound on uncommitted transactions turns new requests away with 503. A batch that the writer can
// never take (not whole entries, or not the next ones) is a broken invariant and ends the process.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "replica/ledger_work.h"

namespace entente::replica {

class LedgerThread final : public LedgerSink {
 public:
  /// Everything handed in must outlive this object. What takes `slow` or longer is logged. The
  /// writer is used by the thread alone until the destructor returns (its reading functions stay
  /// free for everybody).
  LedgerThread(ledger::LedgerWriter& writer, Inbox& inbox, const Clock& clock = system_clock(),
               MonotonicTime slow = MonotonicTime::max());
  /// finish().
  ~LedgerThread() override;

  /// Writes what is queued and joins the thread. When the disk refuses now, everything from there
  /// on is given up. False if something was. Idempotent.
  bool finish();

  void append(consensus::Epoch epoch, SeqNo last, std::shared_ptr<const Bytes> entries) override;
  void commit(SeqNo seqno) override;
  void truncate(SeqNo last) override;
  void read(LedgerRead wanted) override;

 private:
  void put(LedgerTask task);
  void run();
  /// Takes all waiting tasks; false when the thread should end.
  bool take(std::deque<LedgerTask>& tasks);
  /// Until all are done, or the process ends and the disk refuses.
  void perform(std::deque<LedgerTask>& tasks);
  void give_up(std::deque<LedgerTask>& tasks);
  /// True when the destructor waits.
  bool pause_after_failure();

  ledger::LedgerWriter& writer_;
  LedgerWork work_;  // the thread's
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<LedgerTask> tasks_;  // guarded by mutex_
  bool stopping_ = false;         // guarded by mutex_
  bool gave_up_ = false;          // the thread's; read after it has ended
  std::thread thread_;
};

}  // namespace entente::replica
