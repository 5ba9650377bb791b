#pragma once
// The consensus core as its driver sees it: a pure state machine. step() takes one input and
// returns what the driver must do; it does no I/O, reads no clock and starts no thread, so the
// same inputs give the same outputs everywhere. Source: docs/consensus.md (the core).

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/environment.h"
#include "consensus/configuration.h"
#include "consensus/view_history.h"
#include "entente/types.h"

namespace entente::consensus {

/// Incarnation of the log tail. It rises with every truncation or loss of leadership; whatever an
/// older epoch left in flight is dropped wherever it turns up.
struct Epoch {
  uint64_t value = 0;
  auto operator<=>(const Epoch&) const = default;
};

enum class EntryKind : uint8_t { data, signature, configuration };

/// What consensus knows of a log entry; the content stays with the replica.
struct EntryMeta {
  TxId id;
  EntryKind kind = EntryKind::data;
  bool urgent = false;   ///< somebody waits for its commit
  uint64_t bytes = 0;    ///< size in the ledger
  Digest leaf;           ///< Merkle leaf
  std::optional<Configuration> configuration;  ///< of a configuration entry
};

enum class Leadership : uint8_t { none, follower, pre_vote_candidate, candidate, leader };
enum class Membership : uint8_t { active, retired };
/// As /node/consensus prints them: `Leader`, `PreVoteCandidate` …
std::string_view to_text(Leadership leadership);
std::string_view to_text(Membership membership);

namespace input {
/// A new service: this node is the only voter. Once, before anything else.
struct Start {
  std::string address;
};
/// Time as the host tells it. It moves liveness only, never safety.
struct Tick {
  MonotonicTime now;
};
/// Entries that this leader's replica sequenced: contiguous, of the current view and epoch.
struct Propose {
  Epoch epoch;
  std::span<const EntryMeta> entries;
  MonotonicTime now;
};
/// Everything up to here is validated and held as the durability policy demands.
struct Stable {
  Epoch epoch;
  SeqNo upto;
};
/// The driver has drained its queues: decide now whether to sign.
struct Flush {
  MonotonicTime now;
};
/// The signature that WantSignature asked for could not be made in its epoch.
struct SignatureAbandoned {};
}  // namespace input

using Input = std::variant<input::Start, input::Tick, input::Propose, input::Stable, input::Flush,
                           input::SignatureAbandoned>;

/// What the driver must do, in this order.
struct Outputs {
  struct Truncate {
    SeqNo last;       ///< everything above goes
    Epoch epoch;      ///< of what comes after
    View next_view;
  };
  struct Role {
    Leadership leadership;
    View view;
    Epoch epoch;
    std::optional<NodeId> primary;
  };
  std::optional<Truncate> truncate;
  std::optional<SeqNo> commit;
  std::optional<Role> role;
  /// Build the signature entry at the next seqno and propose it. At most one is outstanding.
  bool want_signature = false;
  std::optional<MonotonicTime> wake_at;  ///< call step(Flush) then, if nothing happens before
  std::optional<std::string> reject;     ///< the input was refused, without side effect
};

/// What /node/consensus shows.
struct Details {
  std::vector<Configuration> configurations;
  Membership membership = Membership::active;
  Leadership leadership = Leadership::none;
  std::optional<NodeId> primary;
  View view;
};

class Core {
 public:
  virtual ~Core() = default;
  virtual Outputs step(const Input& input) = 0;
  virtual TxStatus status(TxId id) const = 0;
  virtual TxId committed() const = 0;
  virtual TxId last() const = 0;
  virtual const ViewHistory& views() const = 0;
  virtual Details details() const = 0;
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
