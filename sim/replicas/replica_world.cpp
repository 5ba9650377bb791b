#include "sim/replicas/replica_world.h"

#include <algorithm>
#include <cstring>
#include <sstream>

#include "base/assert.h"
#include "ledger/entry.h"
#include "sim/replicas/seeded_crypto.h"

namespace entente::sim {
namespace {

constexpr size_t remembered_letters = 300;
constexpr size_t remembered_notes = 60;
constexpr uint64_t most_under_way = 4 << 20;  // bytes to one node, as of a bounded queue
constexpr uint64_t longest_calm_delay = 1'000;
constexpr uint64_t disk_retry = 200'000;

std::shared_ptr<const ledger::LedgerSecrets> make_secrets() {
  auto secrets = std::make_shared<ledger::LedgerSecrets>();
  crypto::SymmetricKey key;
  std::fill(key.writable().begin(), key.writable().end(), uint8_t{7});
  ENTENTE_ASSERT(secrets->add(SeqNo{1}, key).ok());
  return secrets;
}

crypto::KeyPair make_key(uint64_t seed) {
  seed_crypto(seed);
  return crypto::KeyPair::generate(crypto::Curve::p256);
}

}  // namespace

ReplicaWorld::ReplicaWorld(ReplicaPlan plan)
    : plan_(std::move(plan)),
      random_(plan_.seed),
      service_{make_key(plan_.seed), make_secrets()},
      fingerprint_(nobody_) {
  for (uint64_t i = 0; i < plan_.nodes; ++i) voters_.insert(static_cast<uint32_t>(i));
  add_node().start();
  step_soon(*nodes_[0], 1);
  std::vector<const ReplicaNode*> all{nodes_[0].get()};
  for (uint64_t i = 1; i < plan_.nodes; ++i) {
    ReplicaNode& node = add_node();
    node.join(service_);
    step_soon(node, 1);
    all.push_back(&node);
  }
  nodes_[0]->set_status({all[0]}, "Trusted");
  if (all.size() > 1) nodes_[0]->set_status({all.begin() + 1, all.end()}, "Trusted");
  // Until all of them are there, nothing fails.
  const uint64_t first = all.size() > 1 ? 3 : 2;
  const auto there = [&](const auto& node) {
    return node->replica->committed().seqno.value >= first;
  };
  while (!std::all_of(nodes_.begin(), nodes_.end(), there) && now_ < 60'000'000) advance();
  if (now_ >= 60'000'000) checker_.fail("liveness: the service does not even begin");
  faults_ = true;
  clients_.resize(plan_.clients);
  for (uint32_t i = 0; i < clients_.size(); ++i) {
    new_session(clients_[i], 0);
    schedule(random_.below(plan_.client_gap), Kind::client, i);
  }
  schedule(plan_.deed_gap, Kind::deed);
}

ReplicaNode& ReplicaWorld::add_node() {
  const auto post_letter = [this](ReplicaNode& from, replica::Letter letter) {
    post(from, std::move(letter));
  };
  nodes_.push_back(
      std::make_unique<ReplicaNode>(nodes_.size(), plan_, service_, now_, post_letter));
  indexes_[nodes_.back()->id] = static_cast<uint32_t>(nodes_.size() - 1);
  return *nodes_.back();
}

void ReplicaWorld::note(std::string what) {
  notes_.push_back(std::to_string(now_) + " " + std::move(what));
  if (notes_.size() > remembered_notes) notes_.pop_front();
}

std::string ReplicaWorld::report() const {
  std::ostringstream out;
  out << plan_.text() << "\n";
  for (const std::string& line : notes_) out << "  " << line << "\n";
  for (const auto& node : nodes_) {
    const auto tip = node->replica->tip();
    out << "  node " << node->index << (node->dead ? " dead" : "")
        << (node->paused ? " paused" : "") << (node->leads() ? " leads" : "") << " view "
        << node->replica->view().value << " log " << tip.log.text() << " tree " << tip.tree.value
        << " store " << node->store.last().text() << " committed " << tip.committed.text()
        << " ledger " << node->writer->last().value << (node->ledger->idle() ? "" : " disk busy")
        << " " << consensus::to_text(node->replica->details().phase) << "\n";
  }
  out << "  voters";
  for (const uint32_t voter : voters_) out << " " << voter;
  if (pending_) {
    out << "; pending " << pending_->id.text() << ":";
    for (const uint32_t voter : pending_->voters) out << " " << voter;
  }
  out << "\n";
  return out.str();
}

// --------------------------------------------------------------------------------------- the loop

void ReplicaWorld::schedule(uint64_t delay, Kind kind, uint32_t who, uint64_t detail) {
  queue_.push({now_ + delay, order_++, kind, who, detail});
}

void ReplicaWorld::advance() {
  const Happening next = queue_.top();
  queue_.pop();
  ++events_;
  now_ = std::max(now_, next.at);
  fingerprint_.add(now_);
  fingerprint_.add(static_cast<uint64_t>(next.kind));
  happen(next);
}

void ReplicaWorld::happen(const Happening& happening) {
  switch (happening.kind) {
    case Kind::step:
      if (nodes_[happening.who]->step_number == happening.detail) step(*nodes_[happening.who]);
      return;
    case Kind::letter:
      return deliver(happening.detail);
    case Kind::disk:
      return work_disk(*nodes_[happening.who]);
    case Kind::deed:
      if (!faults_) return;
      act();
      return schedule(random_.between(1, 2 * plan_.deed_gap), Kind::deed);
    case Kind::client:
      return client_turn(happening.who);
    case Kind::request:
      return execute(happening.detail);
    case Kind::answer:
      return take_answer(happening.detail);
  }
}

std::optional<std::string> ReplicaWorld::run(uint64_t events) {
  while (events_ < events && !checker_.violation()) advance();
  if (checker_.violation()) return checker_.violation();
  return recover();
}

// ------------------------------------------------------------------------------------------ nodes

void ReplicaWorld::step_soon(ReplicaNode& node, uint64_t delay) {
  schedule(delay, Kind::step, static_cast<uint32_t>(node.index), ++node.step_number);
}

void ReplicaWorld::step(ReplicaNode& node) {
  if (node.dead) return;
  if (node.paused) return step_soon(node, 10'000);
  const bool led = node.leads();
  const SeqNo before = node.replica->tip().log.seqno;
  const auto again = node.replica->step();
  checker_.after_step(node);
  if (!led && node.leads()) probe("elections won");
  if (led && !node.leads()) probe("leaders deposed");
  if (node.replica->tip().log.seqno < before) probe("roll-backs");
  fingerprint_.add(node.replica->tip().log);
  if (!node.ledger->idle() && !node.disk_scheduled) {
    node.disk_scheduled = true;
    schedule(random_.between(1, node.disk_delay), Kind::disk, static_cast<uint32_t>(node.index));
  }
  // Exactly when it asked for, so that a wake-up which it forgot to ask for shows.
  if (again) step_soon(node, std::max<uint64_t>(node.clock.until(*again), 1));
}

void ReplicaWorld::work_disk(ReplicaNode& node) {
  node.disk_scheduled = false;
  if (node.dead) return;
  const bool done = !node.paused && node.ledger->work();
  if (!done) {
    if (!node.paused) probe("disk refused");
    node.disk_scheduled = true;
    schedule(disk_retry, Kind::disk, static_cast<uint32_t>(node.index));
  }
  step_soon(node, random_.between(1, node.step_delay));
}

// ---------------------------------------------------------------------------------------- network

void ReplicaWorld::post(ReplicaNode& from, replica::Letter letter) {
  const auto sender = static_cast<uint32_t>(from.index);
  const auto known = indexes_.find(letter.to);
  if (known == indexes_.end()) return;  // a name out of a damaged entry: nobody is there
  const uint32_t to = known->second;
  fingerprint_.add(letter.bytes.size());
  uint64_t copies = 1;
  if (faults_) {
    if (plan_.replays != 0) {
      old_letters_.push_back({sender, to, letter.bytes});
      if (old_letters_.size() > remembered_letters) old_letters_.pop_front();
      if (random_.chance(plan_.replays)) {
        const Letter& old = old_letters_[random_.below(old_letters_.size())];
        send_after(random_.below(plan_.longest_delay), old.from, old.to, old.bytes);
      }
    }
    if (random_.chance(plan_.loss) || cut_.contains({sender, to})) return;
    if (random_.chance(plan_.duplicates)) copies = 2;
    if (random_.chance(plan_.damage) && damage_entries(letter.bytes)) probe("damaged letters");
  }
  for (uint64_t i = 0; i < copies; ++i) {
    if (!faults_) {
      uint64_t& last = last_arrivals_[{sender, to}];
      last = std::max(last, now_ + random_.between(plan_.shortest_delay, longest_calm_delay));
      send_after(last - now_, sender, to, std::move(letter.bytes));
      return;
    }
    uint64_t delay = random_.between(plan_.shortest_delay, plan_.longest_delay);
    if (random_.chance(plan_.burst)) delay += random_.below(1'000'000);
    send_after(delay, sender, to, letter.bytes);
  }
}

void ReplicaWorld::send_after(uint64_t delay, uint32_t from, uint32_t to, Bytes bytes) {
  ReplicaNode& receiver = *nodes_[to];
  if (receiver.dead || receiver.under_way > most_under_way) return;
  receiver.under_way += bytes.size();
  uint64_t place = letters_.size();
  if (free_letters_.empty()) {
    letters_.push_back({from, to, std::move(bytes)});
  } else {
    place = free_letters_.back();
    free_letters_.pop_back();
    letters_[place] = {from, to, std::move(bytes)};
  }
  schedule(delay, Kind::letter, to, place);
}

void ReplicaWorld::deliver(uint64_t place) {
  ReplicaNode& to = *nodes_[letters_[place].to];
  if (!to.dead && to.paused && random_.chance(700)) {
    return schedule(50'000, Kind::letter, letters_[place].to, place);
  }
  Letter letter = std::move(letters_[place]);
  free_letters_.push_back(place);
  to.under_way -= letter.bytes.size();
  if (to.dead || to.paused) return;
  to.inbox.put(replica::Incoming{nodes_[letter.from]->id, std::move(letter.bytes)});
  step_soon(to, random_.between(1, to.step_delay));
}

// One byte of one entry, behind its header. What the links authenticate is the envelope; hosts may
// put other content into it.
bool ReplicaWorld::damage_entries(Bytes& bytes) {
  constexpr size_t length_size = 4;
  constexpr uint64_t header = 8;
  uint32_t head = 0;
  if (bytes.size() < length_size) return false;
  std::memcpy(&head, bytes.data(), length_size);
  size_t begin = length_size + head;
  if (begin >= bytes.size()) return false;
  const size_t wanted = begin + random_.below(bytes.size() - begin);
  while (begin < bytes.size()) {
    const auto size = ledger::entry_size(BytesView(bytes).subspan(begin));
    if (!size.ok() || *size <= header) return false;
    if (wanted < begin + *size) {
      bytes[begin + header + random_.below(*size - header)] ^= 0x40;
      return true;
    }
    begin += *size;
  }
  return false;
}

}  // namespace entente::sim
