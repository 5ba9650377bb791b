#include "sim/world/node.h"

#include "base/assert.h"

namespace entente::sim {
namespace {

constexpr SeqNo everything{UINT64_MAX};

// Stands for the Merkle leaf: who proposed what, where.
Digest leaf_of(const NodeId& proposer, TxId id, const std::string& content) {
  const Renaming nobody;
  Digest leaf;
  for (uint64_t part = 0; part < 4; ++part) {
    StateHasher hasher(nobody);
    hasher.add(part);
    hasher.add(proposer);
    hasher.add(id);
    hasher.add(std::string_view(content));
    const uint64_t word = hasher.finish().low;
    for (size_t k = 0; k < 8; ++k) {
      leaf.bytes[part * 8 + k] = static_cast<uint8_t>(word >> (8 * k));
    }
  }
  return leaf;
}

}  // namespace

Node::Node(RaftOptions options, MonotonicTime now)
    : id_(options.self), core_(std::move(options)), now_(now) {}

void Node::set_habits(Habits habits) {
  habits_ = habits;
  if (habits_.stable) report_stable(everything);
  if (signature_due_) fulfil(true, {});
}

void Node::start() {
  step(input::Start{"host" + id_.value});
}

void Node::join(const Snapshot& snapshot) {
  ledger_ = snapshot.ledger;
  step(snapshot.join);
}

void Node::receive(const NodeId& from, Message message) {
  step(input::Recv{from, std::move(message), now_});
}

void Node::tick(MonotonicTime later) {
  now_ += later;
  step(input::Tick{now_});
}

void Node::flush() {
  step(input::Flush{now_});
}

// ------------------------------------------------------------------------------------- proposals

EntryMeta Node::next_entry(EntryKind kind, const std::string& content) const {
  EntryMeta entry;
  entry.id = {core_.view(), core_.log().last() + 1};
  entry.kind = kind;
  entry.bytes = kind == EntryKind::signature ? 2000 : 200;
  entry.leaf = leaf_of(id_, entry.id, content);
  return entry;
}

std::optional<std::string> Node::propose(EntryMeta entry) {
  return submit({core_.epoch(), std::move(entry)});
}

std::optional<std::string> Node::submit(const Held& held) {
  const std::vector<EntryMeta> entries{held.entry};
  auto outputs = step(input::Propose{held.epoch, entries, now_});
  if (outputs.reject) return outputs.reject;
  return std::nullopt;
}

std::optional<Node::Held> Node::prepare(const std::string& text) const {
  if (!leads()) return std::nullopt;
  return Held{core_.epoch(), next_entry(EntryKind::data, text)};
}

std::optional<std::string> Node::write(const std::string& text, bool urgent, uint64_t bytes) {
  EntryMeta entry = next_entry(EntryKind::data, text);
  entry.urgent = urgent;
  entry.bytes = bytes;
  return propose(std::move(entry));
}

std::optional<std::string> Node::sign() {
  signature_due_ = false;
  return propose(next_entry(EntryKind::signature, "signature"));
}

std::optional<std::string> Node::configure(std::map<NodeId, std::string> voters,
                                           std::map<NodeId, std::string> learners) {
  EntryMeta entry = next_entry(EntryKind::configuration, "configuration");
  entry.configuration = Configuration{entry.id.seqno, std::move(voters), std::move(learners)};
  return propose(std::move(entry));
}

std::optional<std::string> Node::name_retired(std::set<NodeId> nodes) {
  EntryMeta entry = next_entry(EntryKind::retired, "retired");
  entry.retired = std::move(nodes);
  return propose(std::move(entry));
}

std::optional<std::string> Node::transfer(std::optional<NodeId> target) {
  return step(input::TransferLeadership{std::move(target)}).reject;
}

std::optional<std::string> Node::barrier(uint64_t id) {
  return step(input::ReadBarrier{id, now_}).reject;
}

// ------------------------------------------------------------------------------------ validation

void Node::report_stable(SeqNo upto) {
  while (!waiting_.empty()) {
    const Waiting next = waiting_.front();
    if (next.upto > upto) {
      step(input::Stable{next.epoch, upto});
      break;
    }
    waiting_.pop_front();
    step(input::Stable{next.epoch, next.upto});
  }
}

void Node::report_next(bool newest) {
  if (waiting_.empty()) return;
  const Waiting next = newest ? waiting_.back() : waiting_.front();
  if (newest) {
    waiting_.pop_back();
  } else {
    waiting_.pop_front();
  }
  step(input::Stable{next.epoch, next.upto});
}

void Node::report_invalid(SeqNo at) {
  for (auto one = waiting_.rbegin(); one != waiting_.rend(); ++one) {
    if (one->upto < at) continue;
    step(input::ValidationFailed{one->epoch, at});
    return;
  }
}

std::optional<Snapshot> Node::snapshot_at(SeqNo upto) const {
  if (upto > core_.log().commit()) return std::nullopt;
  Snapshot snapshot;
  snapshot.ledger.assign(ledger_.begin(), ledger_.begin() + static_cast<ptrdiff_t>(upto.value));
  Log replay(0);
  replay.begin({}, {}, {}, {});
  for (const EntryMeta& entry : snapshot.ledger) replay.append(entry);
  ActiveConfigurations configurations = replay.configurations();
  configurations.commit(upto);
  snapshot.join = {replay.id_of(upto), replay.views(), configurations.all(),
                   replay.removals().all()};
  return snapshot;
}

void Node::forget_before(SeqNo first) {
  step(input::FirstStored{first});
}

// ------------------------------------------------------------------------------------- obedience

Outputs Node::step(const Input& input) {
  Outputs outputs = core_.step(input);
  if (const auto* propose = std::get_if<input::Propose>(&input); propose && !outputs.reject) {
    for (const EntryMeta& entry : propose->entries) ledger_.push_back(entry);
    waiting_.push_back({core_.epoch(), core_.log().last()});
  }
  if (outputs.truncate) ledger_.resize(outputs.truncate->last.value);
  if (outputs.append) {
    for (const EntryMeta& entry : outputs.append->entries) ledger_.push_back(entry);
    waiting_.push_back({outputs.append->epoch, core_.log().last()});
  }
  if (observe) observe({&input, &outputs});
  obey(outputs);
  return outputs;
}

void Node::obey(Outputs& outputs) {
  if (outputs.pressure) pressure_ = *outputs.pressure;
  if (outputs.alarm) ++alarms_;
  if (outputs.wake_at) wake_at_ = outputs.wake_at;
  if (!leads()) signature_due_ = false;
  for (const auto& read : outputs.reads) reads_[read.id] = read.ready;
  for (const NodeId& peer : outputs.need_snapshot) snapshots_wanted_.insert(peer);
  for (auto& send : outputs.sends) {
    if (auto* append = std::get_if<message::AppendEntries>(&send.message.body)) {
      const uint64_t promised = append->end - append->prev.seqno;
      // Entries that the core no longer holds come from the ledger.
      for (uint64_t i = append->entries.size(); i < promised; ++i) {
        append->entries.push_back(ledger_.at(append->prev.seqno.value + i));
      }
    }
    if (transmit) transmit(send.to, std::move(send.message));
  }
  if (habits_.stable) report_stable(everything);
  fulfil(outputs.want_signature, outputs.want_retired);
}

void Node::fulfil(bool want_signature, const std::set<NodeId>& want_retired) {
  if (want_signature) {
    ++signatures_wanted_;
    signature_due_ = true;
  }
  if (signature_due_ && leads()) {
    const bool opening = !core_.opened();
    const bool sign_now = habits_.sign == Habits::Signing::always ||
                          (habits_.sign == Habits::Signing::openings && opening);
    if (sign_now) sign();
  }
  if (habits_.retire && !want_retired.empty() && leads()) name_retired(want_retired);
}

}  // namespace entente::sim
