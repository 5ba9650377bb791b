#pragma once
// What consensus knows of a log entry; its content stays with the driver.
// Source: docs/consensus.md (vocabulary).

#include <cstdint>
#include <set>

#include "consensus/configuration.h"
#include "consensus/shared_value.h"
#include "entente/types.h"

namespace entente::consensus {

/// Incarnation of the log tail. It rises with every truncation and every gain or loss of
/// leadership; whatever an older epoch left in flight is dropped wherever it turns up.
struct Epoch {
  uint64_t value = 0;
  auto operator<=>(const Epoch&) const = default;
};

enum class EntryKind : uint8_t {
  data,
  signature,      ///< the only kind that can be a commit point
  configuration,  ///< who votes from here on
  retired         ///< names nodes whose removal is known to be committed
};

struct EntryMeta {
  TxId id;
  EntryKind kind = EntryKind::data;
  bool urgent = false;                       ///< somebody waits for its commit
  uint64_t bytes = 0;                        ///< size in the ledger
  Digest leaf;                               ///< Merkle leaf: binds the content to this entry
  SharedValue<Configuration> configuration;  ///< of a configuration entry; its seqno is id.seqno
  SharedValue<std::set<NodeId>> retired;     ///< of a retired entry
  bool operator==(const EntryMeta&) const = default;
};

}  // namespace entente::consensus
