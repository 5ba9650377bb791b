#pragma once
// Crash-fault-tolerant consensus for a signed ledger: Raft whose only commit points are signature
// entries and whose nodes persist no vote. This is the single-voter part: the rules for appending,
// signing, stability and commit. Source: docs/consensus.md.

#include <deque>

#include "consensus/core.h"
#include "consensus/signature_policy.h"

namespace entente::consensus {

struct RaftOptions {
  NodeId self;
  SignatureLimits signatures;
};

class Raft final : public Core {
 public:
  explicit Raft(RaftOptions options);

  Outputs step(const Input& input) override;
  TxStatus status(TxId id) const override;
  TxId committed() const override { return {views_.view_of(commit_, last_), commit_}; }
  TxId last() const override { return {views_.view_of(last_, last_), last_}; }
  const ViewHistory& views() const override { return views_; }
  Details details() const override;
  Epoch epoch() const override { return epoch_; }
  const ActiveConfigurations& configurations() const override { return configurations_; }
  const Removals& removals() const override { return removals_; }
  std::optional<std::string> refusal(const Configuration& next) const override;
  StateHash state_hash(const Renaming& renaming) const override;

 private:
  void on(const input::Start& start, Outputs& out);
  void on(const input::Tick& tick, Outputs& out);
  void on(const input::Propose& propose, Outputs& out);
  void on(const input::Stable& stable, Outputs& out);
  void on(const input::Flush& flush, Outputs& out);
  void on(const input::SignatureAbandoned& abandoned, Outputs& out);
  template <typename Other>
  void on(const Other&, Outputs& out) {
    out.reject = "a single voter does not take this";
  }

  std::optional<std::string> refusal(const input::Propose& propose) const;
  void append(const EntryMeta& entry, MonotonicTime now);
  void advance_commit(Outputs& out);
  void consider_signing(MonotonicTime now, Outputs& out);
  void check_invariants() const;

  const RaftOptions options_;
  bool started_ = false;
  Leadership role_ = Leadership::none;
  View view_;
  Epoch epoch_;
  SeqNo last_;     // appended
  SeqNo stable_;   // validated and held
  SeqNo commit_;   // globally committed
  ViewHistory views_;
  ActiveConfigurations configurations_;
  Removals removals_;
  std::deque<SeqNo> committable_;  // signatures above commit_, ascending
  SignaturePolicy policy_;
  bool signing_ = false;  // WantSignature is outstanding
};

}  // namespace entente::consensus
