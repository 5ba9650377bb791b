// A replica among others: what consensus asks of it, entries that come from the leader, entries
// that go to those who lack them.

#include "base/assert.h"
#include "base/json.h"
#include "base/log.h"
#include "crypto/x509.h"
#include "replica/ledger_sink.h"
#include "replica/replica_tail.h"
#include "replica/transport.h"

namespace entente::replica {
namespace {

constexpr std::chrono::milliseconds verification_interval{10};
/// Entries that a learner may lack when it is to vote: as many as may be uncommitted, usually.
constexpr uint64_t promotion_lag = 10'000;

kv::Epoch to_kv(consensus::Epoch epoch) {
  return {epoch.value};
}

}  // namespace

// ----------------------------------------------------------------------- what consensus asks for

void Replica::obey(consensus::Outputs outputs, const Arrival* arrival) {
  Tail& tail = *tail_;
  if (outputs.alarm) log::fail("consensus", "{}", *outputs.alarm);
  if (outputs.truncate) truncate(*outputs.truncate);
  // Before entries of the leader are installed, the store must have become a follower.
  if (outputs.role) take_role(*outputs.role, outputs.want_signature);
  if (outputs.append) install(*outputs.append, *arrival);
  if (outputs.commit) commit_up_to(*outputs.commit);
  if (outputs.peers) {
    std::map<NodeId, std::string> addresses;
    for (const auto& [id, peer] : *outputs.peers) addresses.emplace(id, peer.address);
    tail.has_peers = !addresses.empty();
    if (!tail.has_peers) tail.recent = RecentEntries();  // nothing is added to it for now
    transport_.set_peers(addresses);
  }
  for (const auto& read : outputs.reads) confirmations_->finish(read.id, read.ready);
  for (auto& send : outputs.sends) tail.sends.push_back(std::move(send));
  if (!outputs.need_snapshot.empty() && tail.lacks.due(tail.now)) {
    log::fail("consensus", "node {} (of {}) lacks entries that this ledger no longer has",
              outputs.need_snapshot.front().value, outputs.need_snapshot.size());
  }
  if (outputs.want_signature && !tail.signature_slot) {
    tail.signature_slot = store_.reserve(to_kv(tail.epoch));
    if (!tail.signature_slot) tail.core.step(consensus::input::SignatureAbandoned{});
  }
  if (!outputs.want_retired.empty()) retire(outputs.want_retired);
  if (outputs.wake_at && (!tail.wake_at || *outputs.wake_at < *tail.wake_at)) {
    tail.wake_at = outputs.wake_at;
  }
}

/// Whatever an older epoch left in flight is dropped from here on.
void Replica::enter_epoch(consensus::Epoch epoch) {
  Tail& tail = *tail_;
  if (epoch == tail.epoch) return;
  write_ledger();  // what was installed belongs to the epoch before
  tail.epoch = epoch;
  tail.signature_slot.reset();
  tail.missing_since.reset();
  tail.to_propose.clear();
}

void Replica::truncate(const consensus::Outputs::Truncate& cut) {
  Tail& tail = *tail_;
  enter_epoch(cut.epoch);
  // First nobody may write any more, then what they wrote goes.
  store_.set_follower(to_kv(cut.epoch));
  store_.rollback(cut.last, cut.next_view, to_kv(cut.epoch));
  nodes_->truncate(cut.last);
  secrets_->truncate(cut.last);
  tail.tree.truncate(cut.last.value + 1);
  tail.recent.truncate(cut.last);
  tail.sequencer.begin_epoch(cut.epoch, cut.last + 1);
  sink_.truncate(cut.last);
  while (!tail.signatures.empty() && tail.signatures.back().seqno > cut.last)
    tail.signatures.pop_back();
  const SeqNo committed = tail.core.committed().seqno;
  published_->last_signed =
      (tail.signatures.empty() ? committed : tail.signatures.back().seqno).value;
  log::info("consensus", "Rolled back to {}", cut.last.value);
}

void Replica::take_role(const consensus::Outputs::Role& role, bool opens_view) {
  Tail& tail = *tail_;
  const bool leads = role.leadership == consensus::Leadership::leader;
  if (role.epoch != tail.epoch) {
    enter_epoch(role.epoch);
    tail.sequencer.begin_epoch(role.epoch, tail.installed() + 1);
  }
  if (!leads) {
    store_.set_follower(to_kv(role.epoch));
    if (store_.last().seqno > tail.installed()) {
      // Committed here by workers, and never reached the log.
      store_.rollback(tail.installed(), role.view, to_kv(role.epoch));
      nodes_->truncate(tail.installed());
      secrets_->truncate(tail.installed());
    }
  } else if (!published_->primary || published_->view != role.view.value) {
    write_ledger();
    if (opens_view) {
      tail.signature_slot = store_.open_view(role.view, to_kv(role.epoch));
    } else {
      store_.set_primary(role.view, to_kv(role.epoch));
    }
  }
  if (leads != published_->primary || role.view.value != published_->view) {
    log::info("consensus", "{} in view {}{}", consensus::to_text(role.leadership), role.view.value,
              role.primary && !leads ? ", primary is " + role.primary->value : "");
  }
  published_->view = role.view.value;
  published_->primary = leads;
  publish_details();
}

/// One transaction that changes the rows of these nodes. Nothing if it was not taken.
std::optional<TxId> Replica::rewrite_rows(const std::set<NodeId>& nodes,
                                          const std::function<void(json::object&)>& change) {
  auto tx = store_.begin();
  auto table = tx.rw(nodes_info_map);
  for (const NodeId& node : nodes) {
    const auto text = table.get(as_bytes(node.value));
    auto row = text ? json::parse(as_text(*text)) : Result<json::value>(Error{"no row"});
    if (!row.ok() || !row->is_object()) continue;  // deleted by hand: nobody waits for it
    change(row->as_object());
    table.put(as_bytes(node.value), as_bytes(json::dump(*row)));
  }
  const auto result = tail_->lane->commit(tx, {.urgent = true});
  tail_->lane->hand_over();
  if (result.status != kv::CommitStatus::committed) return std::nullopt;  // asked again soon
  return result.id;
}

/// Says in the ledger, and thereby to every later leader, that these nodes may be deleted.
void Replica::retire(const std::set<NodeId>& nodes) {
  Tail& tail = *tail_;
  if (tail.retiring && tail.retiring->first == tail.epoch && tail.retiring->second == nodes) return;
  const auto id = rewrite_rows(nodes, [](json::object& row) { row["retired_committed"] = true; });
  if (!id) return;
  tail.retiring = {tail.epoch, nodes};
  for (const NodeId& node : nodes) {
    log::info("consensus", "Node {} is retired; it may be stopped once {} is committed", node.value,
              id->text());
  }
}

/// Nobody counted on them: once their leaving is committed they may go.
void Replica::retire_learners() {
  if (tail_->core.role() != consensus::Leadership::leader) return;
  const auto left = nodes_->retired_learners(tail_->core.committed().seqno);
  if (!left.empty()) retire(left);
}

/// A leader lets those vote who have caught up.
void Replica::promote_learners() {
  Tail& tail = *tail_;
  if (tail.core.role() != consensus::Leadership::leader) return;
  const auto& active = tail.core.configurations().all();
  if (active.empty() || active.back().learners.empty() ||
      active.back().seqno > tail.core.committed().seqno) {
    return;
  }
  std::set<NodeId> ready;
  const consensus::Details details = tail.core.details();
  for (const auto& [id, address] : active.back().learners) {
    const auto ack = details.acks.find(id);
    if (ack == details.acks.end() || ack->second.match.value == 0) continue;
    if (ack->second.match + promotion_lag >= tail.core.last().seqno) ready.insert(id);
  }
  if (ready.empty() || !rewrite_rows(ready, [](json::object& row) { row.erase("learning"); })) {
    return;
  }
  for (const NodeId& id : ready)
    log::info("consensus", "Node {} has caught up: it votes", id.value);
}

// ------------------------------------------------------------------------------------- receiving

void Replica::receive(Incoming message, MonotonicTime now) {
  Tail& tail = *tail_;
  const Known known{[&](View view) {
                      const auto& starts = tail.core.views().all();
                      const auto found = starts.find(view);
                      if (found == starts.end()) return SeqNo{};
                      const auto next = std::next(found);
                      return next == starts.end() ? tail.core.last().seqno : next->second - 1;
                    },
                    *nodes_};
  auto arrival = decode_message(std::move(message.bytes), known);
  std::optional<std::string> refused;
  if (arrival.ok()) {
    auto outputs =
        tail.core.step(consensus::input::Recv{message.from, std::move(arrival->message), now});
    refused = outputs.reject;
    obey(std::move(outputs), &*arrival);
  } else {
    refused = arrival.error().message;
  }
  if (!refused) return;
  ++published_->refused_messages;
  if (const auto left_out = tail.refusals.due(now)) {
    log::fail("consensus", "a message from node {} was refused: {} (and {} others not logged)",
              message.from.value, *refused, *left_out);
  }
}

void Replica::install(const consensus::Outputs::Append& append, const Arrival& arrival) {
  Tail& tail = *tail_;
  const SeqNo first = arrival.entries.front().txid.seqno;
  for (const consensus::EntryMeta& meta : append.entries) {
    const ledger::EntryView& entry = arrival.entries[meta.id.seqno - first];
    const auto installed = install(meta, entry);
    if (installed.ok()) continue;
    log::fail("consensus", "entry {} is refused: {}", meta.id.text(), installed.error().message);
    obey(tail.core.step(consensus::input::ValidationFailed{append.epoch, meta.id.seqno}));
    return;
  }
}

Result<void> Replica::install(const consensus::EntryMeta& meta, const ledger::EntryView& entry) {
  Tail& tail = *tail_;
  // The evidence digest is covered by the leaf, and the leaf by the root of the next signature.
  use_newest(*secrets_, tail.sealer, tail.generation);
  const auto writes = tail.sealer.open_maps(entry, tail.plaintext);
  if (!writes) return writes.error();
  const bool signs = meta.kind == consensus::EntryKind::signature;
  if (signs) {
    if (auto checked = check_signature(meta.id, *writes); !checked) return checked;
  }
  if (auto applied = store_.apply(meta.id, *writes); !applied) return applied;
  extend(meta, entry.bytes);
  if (entry.flags & ledger::close_chunk_after) tail.chunk_bytes = 0;
  if (signs) note_signature({meta.id.seqno, std::nullopt});
  return {};
}

/// The root is this node's own, and a node of the service and the service itself signed it. The
/// root covers all signatures before it, so that under load only some are verified themselves, and
/// only their trees read.
Result<void> Replica::check_signature(const TxId& id, const kv::WriteSet& writes) {
  const Digest root = tail_->tree.root();
  const auto node = ledger::read_node_signature(writes, id);
  if (!node) return node.error();
  if (!*node) return Error{"is no signature"};
  if ((*node)->root != root) return Error{"signs another root than that of this ledger"};
  if (tail_->verified_at && tail_->now - *tail_->verified_at < verification_interval) return {};
  const auto signature = ledger::read_signature(writes, id);
  if (!signature) return signature.error();
  const ledger::SignatureTransaction& signed_by = **signature;
  const auto key = signer_key(signed_by.node);
  if (!key) return key.error();
  if (auto valid = ledger::verify_node_signature(signed_by.node, **key); !valid) return valid;
  if (!signed_by.cose) return Error{"has no signature of the service"};
  const auto& service = options_.signer->service_key.public_key();
  auto valid = ledger::verify_cose_signature(*signed_by.cose, root, service);
  if (valid) tail_->verified_at = tail_->now;
  return valid;
}

/// A node is called after its key: the certificate only brings the key.
Result<const crypto::PublicKey*> Replica::signer_key(const ledger::NodeSignature& signature) {
  if (!signature.certificate) return Error{"names no certificate"};
  auto& known = tail_->signers;
  const auto found = known.find(signature.node);
  if (found != known.end() && found->second.first == *signature.certificate) {
    return &found->second.second;
  }
  const auto certificate = crypto::Certificate::from_pem(*signature.certificate);
  if (!certificate) return certificate.error();
  auto key = certificate->public_key();
  if (!key) return key.error();
  if (key->id() != signature.node.value) return Error{"is by another key than the node's"};
  const auto rows = nodes_->rows();
  const auto row = rows.find(signature.node);
  if (row == rows.end() || row->second.status == NodeRow::Status::pending) {
    return Error{"is by node " + signature.node.value + ", which is not trusted"};
  }
  const auto kept =
      known.insert_or_assign(signature.node, std::pair{*signature.certificate, std::move(*key)});
  return &kept.first->second.second;
}

// --------------------------------------------------------------------------------------- sending

void Replica::transmit() {
  Tail& tail = *tail_;
  for (auto& send : tail.sends) transmit(std::move(send));
  tail.sends.clear();
  if (!tail.letters.empty()) transport_.send(std::exchange(tail.letters, {}));
}

void Replica::transmit(consensus::Outputs::Send send) {
  Tail& tail = *tail_;
  auto* append = std::get_if<consensus::message::AppendEntries>(&send.message.body);
  if (append != nullptr) append->entries.clear();  // the receiver reads them from the content
  Bytes bytes = encode_message(send.message);
  if (append == nullptr || append->end == append->prev.seqno) {
    tail.letters.push_back({std::move(send.to), std::move(bytes)});
    return;
  }
  // What was rolled back since is of no use to anybody.
  if (tail.core.views().view_of(append->end, tail.core.last().seqno) != append->entries_view)
    return;
  if (tail.recent.copy(append->prev.seqno + 1, append->end, append->entries_view, bytes)) {
    tail.letters.push_back({std::move(send.to), std::move(bytes)});
    return;
  }
  // One read at a time for each: the others would carry the same again.
  const auto [reading, first] = tail.reading.try_emplace(send.to, send.message.view);
  if (!first && reading->second == send.message.view) {
    append->end = append->prev.seqno;
    append->entries_view = append->prev.view;
    tail.letters.push_back({std::move(send.to), encode_message(send.message)});
    return;
  }
  reading->second = send.message.view;
  sink_.read({std::move(send.to), std::move(send.message), {}, {}});
}

void Replica::catch_up(LedgerRead read) {
  Tail& tail = *tail_;
  const auto reading = tail.reading.find(read.to);
  if (reading != tail.reading.end() && reading->second == read.message.view) {
    tail.reading.erase(reading);
  }
  auto& append = std::get<consensus::message::AppendEntries>(read.message.body);
  const bool stands =
      tail.core.role() == consensus::Leadership::leader && tail.core.view() == read.message.view;
  if (!stands || read.last == append.prev.seqno) return;
  append.end = read.last;
  Bytes bytes = encode_message(read.message);
  entente::append(bytes, read.entries);
  tail.letters.push_back({std::move(read.to), std::move(bytes)});
}

}  // namespace entente::replica
