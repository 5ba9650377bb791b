#pragma once
// A client history put in order for the rules: requests with their answers, and what is known to
// have become of each transaction id.

#include <map>
#include <unordered_map>

#include "sim/history/history.h"

namespace entente::sim {

/// A request and its first answer.
struct Call {
  const ClientEvent* sent = nullptr;
  size_t sent_at = 0;
  const ClientEvent* answered = nullptr;
  size_t answered_at = 0;
  bool writes() const { return sent->kind == ClientEvent::Kind::write_sent; }
};

struct HistoryDigest {
  explicit HistoryDigest(const ClientHistory& history);

  const ClientHistory& events;
  std::unordered_map<uint64_t, Call> calls;  ///< by request
  std::vector<const Call*> answered;         ///< in order of their answers
  std::map<TxId, size_t> committed;          ///< to the event that said so
  std::map<TxId, size_t> invalid;
  /// Answered and committed writes, by id.
  std::map<TxId, const Call*> committed_writes;

  const Call* find(uint64_t request) const {
    const auto found = calls.find(request);
    return found == calls.end() ? nullptr : &found->second;
  }
};

inline bool is_answer(const ClientEvent& event) {
  return event.kind == ClientEvent::Kind::write_answered ||
         event.kind == ClientEvent::Kind::read_answered;
}
inline bool is_request(const ClientEvent& event) {
  return event.kind == ClientEvent::Kind::write_sent || event.kind == ClientEvent::Kind::read_sent;
}

}  // namespace entente::sim
