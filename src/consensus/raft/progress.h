#pragma once
// What a leader knows of one peer. Source: docs/consensus.md (replication).

#include <cstdint>
#include <deque>

#include "base/environment.h"
#include "entente/types.h"

namespace entente::consensus {

struct Progress {
  enum class Mode : uint8_t {
    probe,      ///< where its log agrees is unknown: one message at a time, `sent` stays
    replicate,  ///< entries stream, `sent` moves with every message
    snapshot    ///< what it lacks is not stored any more
  };
  struct Flight {
    SeqNo end;
    uint64_t bytes;
  };

  SeqNo match;  ///< validated by the peer; never decreases while this node leads
  SeqNo sent;   ///< the next message starts after it; match <= sent <= last
  Mode mode = Mode::probe;
  bool waiting = false;  ///< a message that must be answered, or lost, before the next
  SeqNo commit_sent;     ///< the commit point that it was last told
  uint64_t round_acked = 0;
  MonotonicTime last_ack{0};
  uint32_t invalid = 0;  ///< refusals as invalid, in a row
  std::deque<Flight> in_flight;
  uint64_t bytes_in_flight = 0;

  void start_probing(SeqNo from) {
    mode = Mode::probe;
    waiting = false;
    sent = from;
    in_flight.clear();
    bytes_in_flight = 0;
  }
  void fly(SeqNo end, uint64_t bytes) {
    in_flight.push_back({end, bytes});
    bytes_in_flight += bytes;
  }
  void landed(SeqNo upto) {
    while (!in_flight.empty() && in_flight.front().end <= upto) {
      bytes_in_flight -= in_flight.front().bytes;
      in_flight.pop_front();
    }
  }
};

}  // namespace entente::consensus
