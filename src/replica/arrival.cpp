#include "replica/arrival.h"

#include "base/wire.h"
#include "consensus/raft/messages_codec.h"
#include "crypto/digest.h"
#include "ledger/signature.h"

namespace entente::replica {
namespace {

Result<void> read_entries(Arrival& arrival, BytesView content, const Known& known) {
  auto& append = std::get<consensus::message::AppendEntries>(arrival.message.body);
  NodeRows rows;
  bool rows_known = false;
  const SeqNo held = known.held_through(append.entries_view);
  append.entries.reserve(append.end - append.prev.seqno);
  arrival.entries.reserve(append.end - append.prev.seqno);
  for (SeqNo seqno = append.prev.seqno + 1; seqno <= append.end; ++seqno) {
    const TxId id{append.entries_view, seqno};
    const auto offset = static_cast<uint64_t>(content.data() - arrival.bytes.data());
    const auto size = ledger::entry_size(content, offset);
    if (!size) return size.error();
    if (*size > content.size()) return Error{"entry " + id.text() + ": ends beyond the message"};
    auto entry = ledger::parse_entry(content.first(*size), offset);
    if (!entry) return entry.error();
    if (entry->txid != id) {
      return Error{"entry " + id.text() + ": is " + entry->txid.text()};
    }
    if (!rows_known && !entry->public_maps.empty()) {
      rows = known.nodes.rows(append.prev.seqno);
      rows_known = true;
    }
    auto meta = describe_entry(*entry, seqno > held, rows);
    if (!meta) return meta.error().at("entry " + id.text());
    append.entries.push_back(std::move(*meta));
    arrival.entries.push_back(std::move(*entry));
    content = content.subspan(*size);
  }
  if (!content.empty()) return Error{"bytes after the last entry"};
  return {};
}

}  // namespace

Bytes encode_message(const consensus::Message& message) {
  const Bytes head = consensus::encode_head(message);
  Bytes bytes;
  wire::Writer(bytes).bytes(head);
  return bytes;
}

Result<consensus::EntryMeta> describe_entry(const ledger::EntryView& entry, bool with_leaf,
                                            NodeRows& rows) {
  consensus::EntryMeta meta;
  meta.id = entry.txid;
  meta.bytes = entry.bytes.size();
  if (with_leaf) meta.leaf = ledger::entry_leaf(entry, crypto::sha256(entry.bytes));
  if (entry.public_maps.empty()) return meta;
  const auto maps = ledger::read_maps(entry.public_maps);
  if (!maps) return maps.error();
  for (const kv::MapWrites& map : *maps) {
    if (map.map == ledger::maps::signatures) {
      meta.kind = consensus::EntryKind::signature;
    } else if (map.map == nodes_info_map) {
      NodeChange change = change_rows(rows, entry.txid.seqno, map.writes);
      meta.kind = change.kind;
      meta.configuration = std::move(change.configuration);
      meta.retired = std::move(change.retired);
    }
  }
  return meta;
}

Result<Arrival> decode_message(Bytes bytes, const Known& known) {
  Arrival arrival;
  arrival.bytes = std::move(bytes);
  wire::Reader reader(arrival.bytes);
  const BytesView head = reader.bytes();
  if (!reader.good()) return Error{"message: ends within its head"};
  auto message = consensus::decode_head(head);
  if (!message) return message.error().at("message");
  arrival.message = std::move(*message);
  const BytesView content = reader.rest();
  const auto* append = std::get_if<consensus::message::AppendEntries>(&arrival.message.body);
  if (append == nullptr) {
    if (!content.empty()) return Error{"message: carries entries that it must not carry"};
    return arrival;
  }
  if (append->end < append->prev.seqno ||
      append->end - append->prev.seqno > consensus::message_limit::entries) {
    return Error{"message: end " + std::to_string(append->end.value) + " does not follow " +
                 std::to_string(append->prev.seqno.value)};
  }
  if (auto read = read_entries(arrival, content, known); !read) return read.error();
  return arrival;
}

}  // namespace entente::replica
