#pragma once
// What a replica asks of its ledger, as tasks, and performing them. Apart from threads, so that a
// simulator does the same work at times of its choice (sim/replicas).

#include <deque>
#include <optional>
#include <string>
#include <variant>

#include "base/occasional.h"
#include "ledger/ledger_writer.h"
#include "replica/inbox.h"
#include "replica/ledger_sink.h"

namespace entente::replica {

namespace ledger_task {
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
}  // namespace ledger_task
using LedgerTask =
    std::variant<ledger_task::Append, ledger_task::Commit, ledger_task::Truncate, LedgerRead>;

class LedgerWork {
 public:
  /// Everything handed in must outlive this object. What takes `slow` or longer is logged.
  LedgerWork(ledger::LedgerWriter& writer, Inbox& inbox, const Clock& clock, MonotonicTime slow);

  /// The disk would not do the first task that is left.
  struct Refusal {
    const char* what;  ///< "write the ledger"
    std::string why;
  };
  /// Performs tasks from the front and removes them, until none is left or the disk refuses one.
  /// The inbox gets notices of what is stable and what was read. A batch that the writer can never
  /// take is a broken invariant and ends the process.
  std::optional<Refusal> perform(std::deque<LedgerTask>& tasks);

 private:
  std::optional<Refusal> append(std::deque<LedgerTask>& tasks);
  void read(LedgerRead wanted);
  void stop_if_unwritable(BytesView entries) const;
  template <typename Action>
  std::optional<Refusal> timed(const char* what, const Action& action);

  ledger::LedgerWriter& writer_;
  Inbox& inbox_;
  const Clock& clock_;
  const MonotonicTime slow_;
  Bytes gathered_;  // kept for its memory
  Occasional slow_lines_{std::chrono::seconds(1)};
  Occasional failed_reads_{std::chrono::seconds(10)};
};

}  // namespace entente::replica
