#pragma once
// What governance needs of the node that it runs on, filled by the composition root. Everything may
// be called on any worker thread. What a node has not yet (or never) is an empty function or a null
// result, and leads to an answer that says so.

#include <functional>
#include <memory>
#include <optional>

#include "base/environment.h"
#include "crypto/key.h"
#include "crypto/secret.h"
#include "entente/kv.h"
#include "entente/node_context.h"
#include "entente/types.h"
#include "ledger/secrets.h"
#include "ledger/shares.h"
#include "replica/node_table.h"

namespace entente::gov {

/// How far the node has come.
enum class Stage : uint8_t {
  outside,          ///< creates a service or asks to join one
  public_only,      ///< recovers: knows the public part of the ledger only
  reading_private,  ///< recovers: has the ledger secrets and replays the private part
  part_of_network
};

struct Surroundings {
  const Clock& clock;
  RandomSource& random;     ///< thread-safe
  const NodeContext& node;  ///< own id, views, what is committed
  std::function<Stage()> stage;

  /// Null while the node has not been given it. The key lives as long as the node.
  std::function<const crypto::KeyPair*()> service_key;
  /// Null likewise. A rekey replaces the value.
  std::function<std::shared_ptr<const ledger::LedgerSecrets>()> secrets;
  /// Merkle root over all entries up to and including this one, committed or not. May block
  /// briefly, until the entry is in the tree. Error if the entry is not in this node's ledger.
  std::function<Result<Digest>(TxId)> root_at;

  /// Asked for after the local commit of the transaction that wants it: the next signature ends the
  /// ledger's chunk, or is followed by a snapshot.
  std::function<void()> request_chunk;
  std::function<void()> request_snapshot;

  /// The value of `historical_encrypted_ledger_secret` as written at an older seqno. Only a node
  /// that recovers has it; if empty, the private ledger cannot be recovered here. What follows from
  /// the recovered secrets is in the tables: a node takes its item of `encrypted_ledger_secrets`
  /// when the transaction that wrote it is globally committed.
  ledger::HistoricalSecretAt historical_secret_at;

  /// What consensus would not take, see replica/node_table.h. Empty: no such bounds here.
  std::function<size_t()> pending_configurations;
  std::function<replica::Standing(const NodeId&)> standing;
};

/// What an accepted proposal asks of the node beside its writes. It is kept by the call and carried
/// out once its transaction is locally committed: an attempt that conflicted asks for nothing.
struct Requests {
  bool chunk = false;
  bool snapshot = false;
  /// Of a rekey in this transaction: what comes after it in the same transaction counts with it.
  std::optional<crypto::SymmetricKey> new_secret;
};
void carry_out(const Requests& requests, const Surroundings& surroundings);

}  // namespace entente::gov
