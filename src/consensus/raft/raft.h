#pragma once
// Crash-fault-tolerant consensus for a signed ledger: Raft whose only commit points are signature
// entries, whose configurations are log entries, and whose nodes persist no vote: a process that
// restarts is a new node. One value; each file of this folder holds one part of the protocol.
// Source: docs/consensus.md.

#include <chrono>

#include "consensus/core.h"
#include "consensus/raft/log.h"
#include "consensus/raft/mutants.h"
#include "consensus/raft/progress.h"
#include "consensus/signature_policy.h"

namespace entente::consensus {

struct RaftOptions {
  NodeId self;
  SignatureLimits signatures;
  std::chrono::microseconds heartbeat{100'000};
  std::chrono::microseconds election_timeout{5'000'000};
  uint64_t seed = 0;                          ///< of the election deadlines
  uint64_t append_entries = 2'000;            ///< at most, in one message
  uint64_t append_bytes = 256 << 10;          ///< content, in one message, if more than one entry
  uint64_t stream_bytes = 64 << 10;           ///< unsigned entries are held back up to here
  uint64_t in_flight_bytes = 8 << 20;         ///< unacknowledged, per peer
  uint64_t retained_entries = 20'000;         ///< committed ones that stay in memory
  uint64_t max_uncommitted_entries = 10'000;  ///< then back-pressure; 0: unlimited
  uint64_t max_uncommitted_bytes = 64 << 20;
  size_t max_pending_configurations = 3;
  uint64_t learner_lag = 1'000;  ///< entries that a learner may lack when promoted
};

class Raft final : public Core {
 public:
  explicit Raft(RaftOptions options);

  Outputs step(const Input& input) override;
  TxStatus status(TxId id) const override;
  TxId committed() const override { return log_.id_of(log_.commit()); }
  TxId last() const override { return log_.id_of(log_.last()); }
  Epoch epoch() const override { return epoch_; }
  const ViewHistory& views() const override { return log_.views(); }
  const ActiveConfigurations& configurations() const override { return log_.configurations(); }
  const Removals& removals() const override { return log_.removals(); }
  std::optional<std::string> refusal(const Configuration& next) const override;
  Details details() const override;
  StateHash state_hash(const Renaming& renaming = {}) const override;

  // For checkers and tests.

  const NodeId& id() const { return options_.self; }
  const RaftOptions& options() const { return options_; }
  MonotonicTime now() const { return now_; }
  const Log& log() const { return log_; }
  Leadership role() const { return role_; }
  View view() const { return view_; }
  std::optional<NodeId> leader() const { return leader_; }
  std::optional<NodeId> voted_for() const { return voted_for_; }
  MembershipPhase phase() const;
  bool opened() const { return opened_; }
  bool eligible() const;
  /// Leader only: what it knows of its peers.
  const std::map<NodeId, Progress>& progress() const { return peers_; }
  /// Candidates only: who voted for it.
  const std::set<NodeId>& granted() const { return granted_; }
  /// When it stands for election, unless it hears from a leader.
  std::optional<MonotonicTime> deadline() const { return deadline_; }
  /// Whether it would refuse to help depose the leader that it hears.
  bool hears_leader() const;

 private:
  // raft.cpp: bootstrap, dispatch, what every step ends with
  void on(const input::Start& start, Outputs& out);
  void on(const input::Join& join, Outputs& out);
  void on(const input::Recover& recover, Outputs& out);
  void on(const input::Tick& tick, Outputs& out);
  void on(const input::Recv& received, Outputs& out);
  void on(const input::Flush& flush, Outputs& out);
  void on(const input::Measured& measured, Outputs& out);
  void on(const input::FirstStored& stored, Outputs& out);
  void lead_alone(View view);
  void run_timers(Outputs& out);
  void conclude(Outputs& out);
  void schedule(Outputs& out) const;
  void send(const NodeId& to, Outputs& out, decltype(Message::body) body);
  Epoch next_epoch(SeqNo floor);
  void truncate(SeqNo last, View next_view, Outputs& out);
  std::optional<SeqNo> surviving(Epoch epoch, SeqNo upto) const;

  // proposals.cpp: what a leader takes into the log, and when it signs
  void on(const input::Propose& propose, Outputs& out);
  void on(const input::SignatureAbandoned& abandoned, Outputs& out);
  std::optional<std::string> refusal(const input::Propose& propose) const;
  std::optional<std::string> refusal(const EntryMeta& entry) const;
  void append_own(const EntryMeta& entry);
  void consider_signing(Outputs& out);
  Outputs::Pressure pressure_now() const;

  // append_entries.cpp: following
  void receive(const NodeId& from, View view, const message::AppendEntries& append, Outputs& out);
  void take(const message::AppendEntries& append, Outputs& out);
  void refuse(message::AppendRefusal why, TxId hint, uint64_t round, Outputs& out);
  void acknowledge(Outputs& out);
  void follow_commit(Outputs& out);
  void on(const input::Stable& stable, Outputs& out);
  void on(const input::ValidationFailed& failed, Outputs& out);

  // replication.cpp: leading
  void receive(const NodeId& from, View view, const message::AppendResponse& answer, Outputs& out);
  void accepted(Progress& peer, const message::AppendResponse& answer, Outputs& out);
  void refused(const NodeId& id, Progress& peer, const message::AppendResponse& answer,
               Outputs& out);
  void send_append(const NodeId& to, Progress& peer, Outputs& out);
  void fill(message::AppendEntries& append, Progress& peer) const;
  void send_due(Outputs& out);
  bool worth_sending(const Progress& peer) const;
  void heartbeat(Outputs& out);
  bool hears_quorum() const;

  // commit.cpp
  void advance_commit(Outputs& out);
  void committed_upto(SeqNo upto, Outputs& out);
  void on(const input::ReadBarrier& barrier, Outputs& out);
  void release_reads(Outputs& out);

  // election.cpp
  void adopt(View view, Outputs& out);
  void enter_view(View view);
  void leave_role(Outputs& out);
  void reset_deadline();
  void stand(Outputs& out);
  void campaign(Outputs& out);
  bool won() const;
  void become_leader(Outputs& out);
  void step_down(Outputs& out);
  bool up_to_date(TxId last_committable) const;
  void receive(const NodeId& from, View view, const message::RequestPreVote& ask, Outputs& out);
  void receive(const NodeId& from, View view, const message::RequestVote& ask, Outputs& out);
  void receive(const NodeId& from, View view, const message::PreVoteResponse& vote, Outputs& out);
  void receive(const NodeId& from, View view, const message::VoteResponse& vote, Outputs& out);
  void receive(const NodeId& from, View view, const message::ProposeVote& nomination, Outputs& out);

  // reconfiguration.cpp: peers, leaving, handing over
  void receive(const NodeId& from, View view, const message::RemovedNotice& notice, Outputs& out);
  bool notify_removed(const NodeId& from, Outputs& out);
  void update_peers(Outputs& out);
  void update_progress(const std::map<NodeId, Peer>& peers, Outputs& out);
  SeqNo added_at(const NodeId& node) const;
  void want_retired(Outputs& out) const;
  void retire(Outputs& out);
  std::optional<NodeId> successor() const;
  void on(const input::TransferLeadership& transfer, Outputs& out);
  void hand_over(Outputs& out);

  void check_invariants() const;

  struct Barrier {
    uint64_t id;
    uint64_t round;
  };
  struct Transfer {
    std::optional<NodeId> target;
    SeqNo at_least;  ///< what the successor must hold
    MonotonicTime until;
  };

  RaftOptions options_;
  uint64_t random_;
  MonotonicTime now_{0};
  bool started_ = false;
  Leadership role_ = Leadership::none;
  View view_;
  std::optional<NodeId> voted_for_;  ///< in this view
  std::optional<NodeId> leader_;     ///< of this view
  Epoch epoch_;
  std::map<Epoch, SeqNo> floors_;  ///< of older epochs: up to where their tails still stand
  Log log_;
  bool removed_ = false;  ///< told so by a notice
  std::optional<MonotonicTime> deadline_;
  std::optional<MonotonicTime> heard_;  ///< from the leader of this view
  std::set<NodeId> granted_;

  // Following, in this view.
  SeqNo verified_;      ///< up to here equal to the leader's log
  SeqNo known_commit_;  ///< of the leader
  SeqNo acknowledged_;
  uint64_t round_seen_ = 0;

  // Leading.
  bool opened_ = false;   ///< the view's first signature is in the log
  bool signing_ = false;  ///< WantSignature is outstanding
  bool sign_soon_ = false;
  SignaturePolicy policy_;
  std::map<NodeId, Progress> peers_;
  MonotonicTime heartbeat_at_{0};
  uint64_t round_ = 0;
  bool round_wanted_ = false;
  std::vector<Barrier> barriers_;
  std::optional<Transfer> transfer_;
  SeqNo first_stored_{1};

  // What the driver was last told.
  Outputs::Role reported_role_{};
  std::map<NodeId, Peer> reported_peers_;
  Outputs::Pressure reported_pressure_ = Outputs::Pressure::none;
  bool membership_changed_ = false;
};

}  // namespace entente::consensus
