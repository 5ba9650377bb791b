#pragma once
// Protection against replayed proposals: a window of the proposals received last, ordered by the
// time that their proposers signed. No clock is consulted. Source: docs/governance.md.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "entente/kv.h"
#include "entente/types.h"

namespace entente::gov {

/// Largest time that a key has room for: 10 decimal digits.
inline constexpr uint64_t max_created_at = 9'999'999'999;

/// Key of the window: ten digits, `:`, hex of the digest of the signature. `created_at` must not be
/// above max_created_at.
std::string window_key(uint64_t created_at, const Digest& signature);

/// What a new proposal does to the window. `keys`: those present, ascending.
struct WindowChange {
  std::optional<std::string> too_old;  ///< refused: signed before this time
  size_t dropped = 0;                  ///< otherwise: so many of the first keys leave
};
WindowChange slide_window(std::span<const std::string> keys, std::string_view fresh, size_t window);

/// Checks a proposal against the window and puts it in. Throws RpcException 400 InvalidCreatedAt,
/// ProposalReplay or ProposalCreatedTooLongAgo.
void admit_to_window(kv::Tx& tx, uint64_t created_at, BytesView signature,
                     std::string_view proposal_id);

}  // namespace entente::gov
