#pragma once
// One node of a simulated cluster: the real consensus core and, around it, the least that a driver
// must be: a ledger, a clock of its own, validation that takes as long as the test wants. Whole
// replicas take this place through the same few calls. Single-threaded.

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "consensus/raft/raft.h"

namespace entente::sim {

using namespace consensus;

/// Which wishes of the core a node fulfils by itself.
struct Habits {
  enum class Signing { never, openings, always };
  Signing sign = Signing::openings;
  bool retire = false;  ///< proposes `retired` entries
  bool stable = true;   ///< reports stability at once
};

/// What happened in one step, for checkers.
struct Event {
  const Input* input;
  const Outputs* outputs;
};

/// Entries [1…upto] as a joiner gets them from a donor.
struct Snapshot {
  input::Join join;
  std::vector<EntryMeta> ledger;
};

class Node {
 public:
  Node(RaftOptions options, MonotonicTime now);

  /// Called after every step of the core, before its outputs are obeyed.
  std::function<void(const Event&)> observe;
  /// Receives what the core sends, complete.
  std::function<void(const NodeId& to, Message message)> transmit;

  const NodeId& id() const { return id_; }
  const Raft& core() const { return core_; }
  const std::vector<EntryMeta>& ledger() const { return ledger_; }
  MonotonicTime now() const { return now_; }
  bool leads() const { return core_.role() == Leadership::leader; }
  const Habits& habits() const { return habits_; }
  void set_habits(Habits habits);

  void start();
  void join(const Snapshot& snapshot);
  void receive(const NodeId& from, Message message);
  /// Moves the clock and lets the core look at it.
  void tick(MonotonicTime later);
  /// Moves the clock alone.
  void let_pass(MonotonicTime later) { now_ += later; }
  void flush();

  // Leader only; what was refused, or nothing.

  std::optional<std::string> write(const std::string& text, bool urgent, uint64_t bytes = 200);
  std::optional<std::string> sign();
  std::optional<std::string> configure(std::map<NodeId, std::string> voters,
                                       std::map<NodeId, std::string> learners = {});
  std::optional<std::string> name_retired(std::set<NodeId> nodes);
  std::optional<std::string> transfer(std::optional<NodeId> target);
  std::optional<std::string> barrier(uint64_t id);

  /// A transaction got its id and is not yet proposed.
  struct Held {
    Epoch epoch;
    EntryMeta entry;
  };
  std::optional<Held> prepare(const std::string& text) const;
  std::optional<std::string> submit(const Held& held);

  /// Reports what waits, up to `upto`.
  void report_stable(SeqNo upto);
  void report_invalid(SeqNo at);
  /// Validation that has not been reported.
  struct Waiting {
    Epoch epoch;
    SeqNo upto;
  };
  const std::deque<Waiting>& waiting() const { return waiting_; }
  /// Reports the oldest or, if so, the newest first.
  void report_next(bool newest);

  std::optional<Snapshot> snapshot_at(SeqNo upto) const;
  /// What is older is no longer stored.
  void forget_before(SeqNo first);

  uint64_t signatures_wanted() const { return signatures_wanted_; }
  const std::map<uint64_t, bool>& reads() const { return reads_; }
  Outputs::Pressure pressure() const { return pressure_; }
  const std::set<NodeId>& snapshots_wanted() const { return snapshots_wanted_; }
  uint64_t alarms() const { return alarms_; }
  std::optional<MonotonicTime> wake_at() const { return wake_at_; }

 private:
  Outputs step(const Input& input);
  void obey(Outputs& outputs);
  void fulfil(bool want_signature, const std::set<NodeId>& want_retired);
  std::optional<std::string> propose(EntryMeta entry);
  EntryMeta next_entry(EntryKind kind, const std::string& content) const;

  NodeId id_;
  Raft core_;
  MonotonicTime now_;
  Habits habits_;
  std::vector<EntryMeta> ledger_;  // from the first entry on
  std::deque<Waiting> waiting_;
  bool signature_due_ = false;
  uint64_t signatures_wanted_ = 0;
  std::map<uint64_t, bool> reads_;
  Outputs::Pressure pressure_ = Outputs::Pressure::none;
  std::set<NodeId> snapshots_wanted_;
  uint64_t alarms_ = 0;
  std::optional<MonotonicTime> wake_at_;
};

}  // namespace entente::sim
