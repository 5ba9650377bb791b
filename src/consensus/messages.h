#pragma once
// What the cores of different nodes say to each other, as values. The channel tells who sent a
// message; the core relies neither on order nor on single delivery. As bytes:
// consensus/raft/messages_codec.h. Source: docs/consensus.md (messages).

#include <cstdint>
#include <variant>
#include <vector>

#include "consensus/entry.h"
#include "entente/bytes.h"

namespace entente::consensus {

/// Limits on what one message may carry; the codec refuses more.
namespace message_limit {
inline constexpr size_t entries = 4096;
inline constexpr size_t nodes = 256;  ///< in one configuration or retired entry
inline constexpr size_t receipt_bytes = 64 << 10;
}  // namespace message_limit

namespace message {

/// The leader to every peer. A heartbeat carries nothing and has prev.seqno = end.
///
/// What is sent: `entries` holds either all entries prev.seqno+1 … end, or none of them although
/// end > prev.seqno: then the core no longer holds them, and the driver reads them from its ledger,
/// fills them in (it may stop earlier: end is the last one carried) and adds their content.
/// What is received always holds all entries.
struct AppendEntries {
  TxId prev;          ///< the entry before the first one carried
  SeqNo end;          ///< the last one carried
  View entries_view;  ///< the one view of all entries carried
  SeqNo commit;       ///< of the leader
  uint64_t round = 0;
  std::vector<EntryMeta> entries;
  bool operator==(const AppendEntries&) const = default;
};

enum class AppendRefusal : uint8_t { none, stale_view, gap, mismatch, invalid };

struct AppendResponse {
  AppendRefusal refusal = AppendRefusal::none;  ///< none: accepted, validated and held
  SeqNo match;                                  ///< if accepted: up to here equal to the leader's
  TxId hint;                                    ///< if not: the highest entry that could be equal
  uint64_t round = 0;                           ///< of the request
  bool operator==(const AppendResponse&) const = default;
};

struct RequestPreVote {
  TxId last_committable;
  bool operator==(const RequestPreVote&) const = default;
};
struct RequestVote {
  TxId last_committable;
  bool operator==(const RequestVote&) const = default;
};
struct PreVoteResponse {
  bool granted = false;
  bool operator==(const PreVoteResponse&) const = default;
};
struct VoteResponse {
  bool granted = false;
  bool operator==(const VoteResponse&) const = default;
};
/// The leader to the successor that it chose: stand for election at once.
struct ProposeVote {
  bool operator==(const ProposeVote&) const = default;
};
/// To a node that was removed and may not know: the entry that says so is committed. The sending
/// driver attaches the receipt; the receiving driver checks it and that it names this node before
/// the core sees the message.
struct RemovedNotice {
  TxId retired_committed;
  Bytes receipt;
  bool operator==(const RemovedNotice&) const = default;
};

}  // namespace message

struct Message {
  View view;  ///< the sender's current view
  std::variant<message::AppendEntries, message::AppendResponse, message::RequestPreVote,
               message::RequestVote, message::PreVoteResponse, message::VoteResponse,
               message::ProposeVote, message::RemovedNotice>
      body;
  bool operator==(const Message&) const = default;
};

}  // namespace entente::consensus
