#pragma once
// The consensus core as its driver sees it: a pure state machine. step() takes one input and
// returns what the driver must do; it does no I/O, reads no clock and starts no thread, so the
// same inputs give the same outputs everywhere. A core is a value: a copy is a snapshot.
// Source: docs/consensus.md (the core).

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/environment.h"
#include "consensus/configuration.h"
#include "consensus/entry.h"
#include "consensus/membership.h"
#include "consensus/messages.h"
#include "consensus/state_hash.h"
#include "consensus/view_history.h"
#include "entente/types.h"

namespace entente::consensus {

enum class Leadership : uint8_t { none, follower, pre_vote_candidate, candidate, leader };
enum class Membership : uint8_t { active, retired };
/// As /node/consensus prints them: `Leader`, `PreVoteCandidate` …
std::string_view to_text(Leadership leadership);
std::string_view to_text(Membership membership);

namespace input {
/// A new service: this node is the only voter. Start, Join or Recover come once, before the rest.
struct Start {
  std::string address;
};
/// A node with the state of a verified snapshot, or with none (last = 0.0): no role until a
/// leader's first message.
struct Join {
  TxId last;  ///< of the snapshot; committed
  ViewHistory views;
  std::vector<Configuration> configurations;  ///< active at `last`
  std::map<NodeId, Removal> removals;
};
/// A service that goes on, with this node as only voter, after the last verified signature of an
/// older one. It opens at view last.view + 2.
struct Recover {
  std::string address;
  TxId last;
  ViewHistory views;
  std::map<NodeId, Removal> removals;
};
/// Time as the host tells it, on any occasion. It moves liveness only, never safety.
struct Tick {
  MonotonicTime now;
};
/// A message from an authenticated peer.
struct Recv {
  NodeId from;
  Message message;
  MonotonicTime now;
};
/// Entries that this leader's replica sequenced: contiguous, of the current view and epoch.
struct Propose {
  Epoch epoch;
  std::span<const EntryMeta> entries;
  MonotonicTime now;
};
/// Everything up to here, as appended in `epoch`, is validated and held as the durability policy
/// demands. Of an older epoch, it counts as far as that epoch's tail still stands.
struct Stable {
  Epoch epoch;
  SeqNo upto;
};
/// The entry at `at`, as appended in `epoch`, is not what a correct leader sends (bad content,
/// root, signature or configuration), or its content was damaged on the way.
struct ValidationFailed {
  Epoch epoch;
  SeqNo at;
};
/// The driver has drained its queues: send what is due, decide whether to sign.
struct Flush {
  MonotonicTime now;
};
/// The signature that WantSignature asked for could not be made in its epoch.
struct SignatureAbandoned {};
/// Hand leadership over, to `target` or to whoever is furthest.
struct TransferLeadership {
  std::optional<NodeId> target;
};
/// Leader only, else refused: answer with ReadReady when leadership was certainly current after
/// this moment.
struct ReadBarrier {
  uint64_t id;
  MonotonicTime now;
};
/// What the driver measured; tunes when to sign.
struct Measured {
  std::chrono::microseconds round_trip;
  std::chrono::microseconds signing;
};
/// Below this seqno the driver can no longer read its ledger.
struct FirstStored {
  SeqNo first;
};
}  // namespace input

using Input = std::variant<input::Start, input::Join, input::Recover, input::Tick, input::Recv,
                           input::Propose, input::Stable, input::ValidationFailed, input::Flush,
                           input::SignatureAbandoned, input::TransferLeadership, input::ReadBarrier,
                           input::Measured, input::FirstStored>;

enum class PeerKind : uint8_t { voter, learner, leaving };
struct Peer {
  std::string address;
  PeerKind kind = PeerKind::voter;
  bool operator==(const Peer&) const = default;
};

/// What the driver must do, in this order.
struct Outputs {
  struct Truncate {
    SeqNo last;   ///< everything above goes
    Epoch epoch;  ///< of what comes after
    View next_view;
  };
  /// Decode, check and hold these entries, whose content came with the message of this input; then
  /// report Stable or ValidationFailed with `epoch`.
  struct Append {
    Epoch epoch;
    std::vector<EntryMeta> entries;
  };
  struct Role {
    Leadership leadership;
    View view;
    Epoch epoch;
    std::optional<NodeId> primary;
    MembershipPhase phase = MembershipPhase::active;
    bool operator==(const Role&) const = default;
  };
  struct Send {
    NodeId to;
    Message message;  ///< may be lost, late or repeated
  };
  struct ReadReady {
    uint64_t id;
    bool ready;  ///< false: leadership ended first
  };
  enum class Pressure : uint8_t { none, transactions, bytes };

  std::optional<Truncate> truncate;
  std::optional<Append> append;
  std::optional<SeqNo> commit;
  std::optional<Role> role;
  std::vector<Send> sends;
  /// Build the signature entry at the next seqno and propose it. At most one is outstanding.
  bool want_signature = false;
  /// Propose a `retired` entry that names these. Repeated until such an entry is in the log.
  std::set<NodeId> want_retired;
  /// All nodes to hold a channel with, when they changed.
  std::optional<std::map<NodeId, Peer>> peers;
  /// These need a snapshot: what they lack is below the first stored entry.
  std::vector<NodeId> need_snapshot;
  std::vector<ReadReady> reads;
  /// Stop application writes, or (none) take them again.
  std::optional<Pressure> pressure;
  /// Call step(Tick or Flush) then, if not before. Every output names the next deadline of the core
  /// as it is after the input; when to sign comes into it with a Tick or a Flush only.
  std::optional<MonotonicTime> wake_at;
  /// The input was refused, without side effect.
  std::optional<std::string> reject;
  /// Something that cannot happen among correct nodes; for operators.
  std::optional<std::string> alarm;
};

/// What /node/consensus shows.
struct Details {
  struct Ack {
    SeqNo match;
    std::chrono::microseconds last_heard{0};  ///< time since its last answer
  };
  std::vector<Configuration> configurations;
  Membership membership = Membership::active;
  MembershipPhase phase = MembershipPhase::active;
  Leadership leadership = Leadership::none;
  std::optional<NodeId> primary;
  View view;
  std::map<NodeId, Ack> acks;  ///< of a leader
};

class Core {
 public:
  virtual ~Core() = default;
  virtual Outputs step(const Input& input) = 0;
  virtual TxStatus status(TxId id) const = 0;
  virtual TxId committed() const = 0;
  virtual TxId last() const = 0;
  virtual Epoch epoch() const = 0;
  virtual const ViewHistory& views() const = 0;
  virtual const ActiveConfigurations& configurations() const = 0;
  virtual const Removals& removals() const = 0;
  /// Why a leader could not accept this as its next configuration; nothing if it could. Ask before
  /// a transaction that changes membership gets its id.
  virtual std::optional<std::string> refusal(const Configuration& next) const = 0;
  virtual Details details() const = 0;
  /// Of everything that decides later outputs, times excepted.
  virtual StateHash state_hash(const Renaming& renaming = {}) const = 0;
};

/// The status of `target`, given the view in which this node holds that seqno (0 if it does not)
/// and the last committed transaction.
inline TxStatus evaluate_status(TxId target, View local_view, TxId committed) {
  if (committed.seqno >= target.seqno) {
    return local_view == target.view ? TxStatus::committed : TxStatus::invalid;
  }
  if (local_view == target.view) return TxStatus::pending;
  if (committed.view > target.view) return TxStatus::invalid;
  return TxStatus::unknown;
}

}  // namespace entente::consensus
