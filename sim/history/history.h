#pragma once
// What clients of a service saw, in one order of real time, and the rules that every such history
// must keep. Clients append numbers to lists, one list for each key, and read lists; so whoever
// observes a list says which writes came before, in which order. A number is appended by one
// request only: a client that tries again uses a new number.
// Source: docs/verification.md (client histories).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "entente/types.h"

namespace entente::sim {

struct ClientEvent {
  enum class Kind : uint8_t {
    write_sent,      ///< append `request` to the list of `key`
    write_answered,  ///< `observed` is the list with `request` at its end, `id` is new
    read_sent,       ///< `barrier`: must see everything answered before
    read_answered,   ///< `id` is the last write that the reader could have observed
    status,          ///< a node says `status` of `id`
    session_ended    ///< the node gave the session up with an error
  };
  Kind kind;
  uint64_t request = 0;  ///< unique among reads and writes
  uint64_t session = 0;
  std::string key = {};
  std::vector<uint64_t> observed = {};
  TxId id = {};
  TxStatus status = TxStatus::unknown;
  bool barrier = false;
};

using ClientHistory = std::vector<ClientEvent>;

/// "AtMostOnceObserved: what is wrong" for each rule that the history breaks, in the order of
/// rule_names().
std::vector<std::string> broken_rules(const ClientHistory& history);
std::vector<std::string_view> rule_names();

}  // namespace entente::sim
