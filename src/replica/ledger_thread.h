#pragma once
// Writes the ledger on a thread of its own, so that a slow or full disk never holds up a request.
// A failed write is tried again until it succeeds: meanwhile nothing becomes committed, and the
// bound on uncommitted transactions turns new requests away with 503. A batch that the writer can
// never take (not whole entries, or not the next ones) is a broken invariant and ends the process.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "base/occasional.h"
#include "ledger/ledger_writer.h"
#include "replica/inbox.h"
#include "replica/ledger_sink.h"

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
  struct Append {
    consensus::Epoch epoch;
    SeqNo last;
    std::shared_ptr<const Bytes> entries;
  };
  struct Commit {
    SeqNo seqno;
  };
  struct Truncate {
    SeqNo last;
  };
  using Task = std::variant<Append, Commit, Truncate, LedgerRead>;

  void put(Task task);
  void run();
  /// Takes all waiting tasks; false when the thread should end.
  bool take(std::vector<Task>& tasks);
  void perform(std::vector<Task>& tasks);
  void perform(consensus::Epoch epoch, SeqNo last, BytesView entries);
  void perform(LedgerRead wanted);
  /// Asserts that it was the disk that refused this batch.
  void stop_if_unwritable(BytesView entries) const;
  /// False if it was given up.
  bool retry(const char* what, const std::function<Result<void>()>& action);
  Result<void> timed(const char* what, const std::function<Result<void>()>& action);
  /// True when the destructor waits.
  bool pause_after_failure();

  ledger::LedgerWriter& writer_;
  Inbox& inbox_;
  const Clock& clock_;
  const MonotonicTime slow_;
  Bytes gathered_;                                     // the thread's, kept for its memory
  Occasional slow_lines_{std::chrono::seconds(1)};     // the thread's
  Occasional failed_reads_{std::chrono::seconds(10)};  // the thread's
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Task> tasks_;  // guarded by mutex_
  bool stopping_ = false;    // guarded by mutex_
  bool gave_up_ = false;     // the thread's; read after it has ended
  std::thread thread_;
};

}  // namespace entente::replica
