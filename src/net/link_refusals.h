#pragma once
// Why a connection between nodes was refused or cut off: counted by reason, and logged so that a
// peer that misbehaves cannot fill the log. Source: docs/node-to-node.md (errors).

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace entente::net {

enum class LinkRefusal : uint8_t {
  not_tls,              ///< the TLS handshake failed for any other reason than these
  tls_version,          ///< an older TLS than 1.3
  no_certificate,       ///< the dialler presented none
  protocol,             ///< another ALPN protocol than this one
  unusable_key,         ///< a certificate that does not parse or a key that no node can have
  wrong_node,           ///< a listener with another key than that of the node that was dialled
  unknown_node,         ///< a dialler that is not known, or no longer
  handshake_timeout,    ///< no proof of identity in time
  too_many_handshakes,  ///< ended in favour of a newer one
  bad_record,           ///< TLS found the stream damaged
  unknown_kind,         ///< a frame of no known kind
  oversized,            ///< a frame larger than max_payload
  unexpected_data,      ///< a message on a connection that only carries messages the other way
  bad_introduction,     ///< one that is no address, or not the first message
};
inline constexpr size_t link_refusal_count = 14;
/// `wrong node`: the name in lower case, for logs and metrics.
std::string_view name_of(LinkRefusal reason);

using RefusalCounts = std::array<uint64_t, link_refusal_count>;

/// Counts may be read by any thread; refuse() is called by one.
class LinkRefusals {
 public:
  /// `who`: a node id or address; `detail` may be empty.
  void refuse(LinkRefusal reason, std::string_view who, std::string_view detail);
  RefusalCounts counts() const;

 private:
  static constexpr unsigned lines_per_second = 5;

  std::array<std::atomic<uint64_t>, link_refusal_count> counts_{};
  std::chrono::steady_clock::time_point second_begin_{};
  unsigned lines_ = 0;
  uint64_t suppressed_ = 0;
};

}  // namespace entente::net
