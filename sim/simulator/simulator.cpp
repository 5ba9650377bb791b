#include "sim/simulator/simulator.h"

#include <algorithm>
#include <sstream>

namespace entente::sim {
namespace {

constexpr size_t remembered_messages = 500;
constexpr size_t remembered_notes = 60;
constexpr size_t most_under_way = 200;
constexpr uint64_t longest_calm_delay = 2'000;

// Letters, so that the order of ids says nothing about their age.
NodeId name_of(uint64_t number) {
  return {std::string(1, static_cast<char>('a' + number * 7 % 26)) + std::to_string(number)};
}

}  // namespace

Simulator::Simulator(Plan plan, bool tracing, bool recording)
    : plan_(std::move(plan)),
      tracing_(tracing),
      random_(plan_.seed),
      cluster_(plan_.core),
      fingerprint_(nobody_) {
  if (recording) recorder_.emplace(plan_.core);
  cluster_.send = [this](Packet packet) { post(std::move(packet)); };
  std::vector<NodeId> voters;
  for (uint64_t i = 0; i < plan_.nodes; ++i) {
    if (i == 0) {
      const NodeId id = name_of(next_id_++);
      Host& host = hosts_[id];
      host.node = &cluster_.add(id, MonotonicTime(0), {Habits::Signing::always, true, true});
      record("start " + id.value);
      host.node->start();
      host.node->flush();
      schedule(0, Happening::Kind::tick, &host);
      voters.push_back(id);
    } else {
      voters.push_back(add_joiner({}));
    }
  }
  std::map<NodeId, std::string> first;
  for (const NodeId& id : voters) first[id] = "host" + id.value;
  record("config latest " + braced(voters));
  cluster_.at(voters[0]).configure(first);
  cluster_.at(voters[0]).flush();
  record("sign latest");
  cluster_.at(voters[0]).sign();
  cluster_.at(voters[0]).flush();
  for (uint64_t i = 0; i < plan_.spare; ++i) add_joiner({});
  schedule(0, Happening::Kind::action);
}

NodeId Simulator::add_joiner(const Snapshot& snapshot, const std::string& donor) {
  const NodeId id = name_of(next_id_++);
  const std::string from =
      donor.empty() ? ""
                    : " snapshot=" + std::to_string(snapshot.join.last.seqno.value) + "@" + donor;
  record("join " + id.value + from);
  Host& host = hosts_[id];
  host.node = &cluster_.add(id, MonotonicTime(static_cast<int64_t>(now_)),
                            {Habits::Signing::always, true, true});
  host.node->join(snapshot);
  host.node->flush();
  schedule(random_.below(10'000), Happening::Kind::tick, &host);
  return id;
}

bool Simulator::alive(const NodeId& id) const {
  const auto host = hosts_.find(id);
  return host != hosts_.end() && !host->second.dead;
}

void Simulator::note(std::string what) {
  notes_.push_back(std::to_string(now_) + " " + std::move(what));
  if (notes_.size() > remembered_notes) notes_.pop_front();
}

StateHash Simulator::fingerprint() const {
  StateHasher hasher = fingerprint_;
  for (const auto& [id, node] : cluster_.nodes()) {
    const StateHash state = node->core().state_hash();
    hasher.add(state.low);
    hasher.add(state.high);
  }
  return hasher.finish();
}

std::string Simulator::report() const {
  std::ostringstream out;
  out << plan_.text() << "\n";
  for (const std::string& line : notes_) out << "  " << line << "\n";
  out << cluster_.table();
  return out.str();
}

// --------------------------------------------------------------------------------------- the loop

void Simulator::schedule(uint64_t delay, Happening::Kind kind, Host* host, uint32_t packet) {
  queue_.push({now_ + delay, order_++, kind, packet, host});
}

void Simulator::send_after(uint64_t delay, Sent packet) {
  Host* to = &hosts_.at(packet.packet.to);
  // Queues are bounded. Otherwise resending feeds on itself where everything arrives out of order.
  if (to->under_way >= most_under_way) return;
  ++to->under_way;
  uint32_t place = static_cast<uint32_t>(packets_.size());
  if (free_packets_.empty()) {
    packets_.push_back(std::move(packet));
  } else {
    place = free_packets_.back();
    free_packets_.pop_back();
    packets_[place] = std::move(packet);
  }
  schedule(delay, Happening::Kind::message, to, place);
}

Simulator::Happening Simulator::next() {
  const Happening happening = queue_.top();
  queue_.pop();
  return happening;
}

std::optional<std::string> Simulator::run(uint64_t events) {
  while (events_ < events) {
    happen(next());
    if (const auto& violation = cluster_.checker().violation()) return violation;
  }
  return recover();
}

void Simulator::happen(const Happening& happening) {
  ++events_;
  now_ = std::max(now_, happening.at);
  fingerprint_.add(now_);
  switch (happening.kind) {
    case Happening::Kind::message:
      return deliver(*happening.host, happening.packet);
    case Happening::Kind::tick:
      return tick(*happening.host);
    case Happening::Kind::action:
      if (!faults_) return;
      act();
      return schedule(random_.below(2 * plan_.action_gap), Happening::Kind::action);
  }
}

void Simulator::tick(Host& host) {
  if (host.dead) return;
  schedule(host.tick_us, Happening::Kind::tick, &host);
  if (host.paused) return;
  Node& node = *host.node;
  if (!node.habits().stable && host.slow_until <= now_) {
    record("stable " + node.id().value + " auto");
    node.set_habits({Habits::Signing::always, true, true});
    node.flush();
  }
  record("tick " + node.id().value + " 1");
  node.tick(std::chrono::milliseconds(10));
  node.flush();
}

// ---------------------------------------------------------------------------------------- network

void Simulator::post(Packet packet) {
  Sent sent{std::move(packet), 0};
  if (recorder_) sent.number = recorder_->posted(sent.packet);
  const NodeId& from = sent.packet.from;
  const NodeId& to = sent.packet.to;
  if (!alive(to)) return;
  uint64_t copies = 1;
  if (faults_) {
    if (random_.chance(plan_.short_sends)) shorten(sent);
    if (plan_.replays != 0) {
      history_.push_back(sent);
      if (history_.size() > remembered_messages) history_.pop_front();
    }
    if (random_.chance(plan_.replays)) {
      send_after(random_.below(plan_.longest_delay), history_[random_.below(history_.size())]);
    }
    if (random_.chance(plan_.loss) || cut_.contains({from, to})) return;
    if (random_.chance(plan_.duplicates)) copies = 2;
  }
  if (!faults_ && !plan_.disorder) return send_in_order(std::move(sent));
  const uint64_t longest = faults_ ? plan_.longest_delay : longest_calm_delay;
  for (uint64_t i = 0; i < copies; ++i) {
    uint64_t delay = random_.between(plan_.shortest_delay, longest);
    if (faults_ && random_.chance(plan_.burst)) delay += random_.below(1'000'000);
    if (i + 1 < copies) {
      send_after(delay, sent);
    } else {
      send_after(delay, std::move(sent));
    }
  }
}

// As connections do.
void Simulator::send_in_order(Sent sent) {
  uint64_t& last = last_arrivals_[{sent.packet.from, sent.packet.to}];
  last = std::max(last, now_ + random_.between(plan_.shortest_delay, longest_calm_delay));
  send_after(last - now_, std::move(sent));
}

void Simulator::deliver(Host& host, uint32_t place) {
  if (!host.dead && host.paused && random_.chance(500)) {
    // It lies in the buffers of the host until the node wakes.
    return schedule(50'000, Happening::Kind::message, &host, place);
  }
  Sent sent = std::move(packets_[place]);
  Packet& packet = sent.packet;
  free_packets_.push_back(place);
  --host.under_way;
  if (host.dead || host.paused) return;
  fingerprint_.add(packet.message.view);
  fingerprint_.add(packet.message.body.index());
  if (tracing_) note(describe(packet));
  if (recorder_) recorder_->delivered(packet, sent.number, sent.first);
  host.node->receive(packet.from, std::move(packet.message));
  host.node->flush();
}

}  // namespace entente::sim
