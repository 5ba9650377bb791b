#include "sim/simulator/simulator.h"

#include <algorithm>
#include <sstream>

namespace entente::sim {
namespace {

constexpr size_t remembered_messages = 500;
constexpr size_t remembered_notes = 60;

// Letters, so that the order of ids says nothing about their age.
NodeId name_of(uint64_t number) {
  return {std::string(1, static_cast<char>('a' + number * 7 % 26)) + std::to_string(number)};
}

}  // namespace

Simulator::Simulator(Plan plan, bool tracing)
    : plan_(std::move(plan)),
      tracing_(tracing),
      random_(plan_.seed),
      cluster_(plan_.core),
      fingerprint_(nobody_) {
  cluster_.send = [this](Packet packet) { post(std::move(packet)); };
  std::vector<NodeId> voters;
  for (uint64_t i = 0; i < plan_.nodes; ++i) {
    if (i == 0) {
      const NodeId id = name_of(next_id_++);
      hosts_[id];
      cluster_.add(id, MonotonicTime(0), {Habits::Signing::always, true, true}).start();
      schedule(0, {0, 0, Happening::Kind::tick, {}, id});
      voters.push_back(id);
    } else {
      voters.push_back(add_joiner({}));
    }
  }
  std::map<NodeId, std::string> first;
  for (const NodeId& id : voters) first[id] = "host" + id.value;
  cluster_.at(voters[0]).configure(first);
  cluster_.at(voters[0]).sign();
  for (uint64_t i = 0; i < plan_.spare; ++i) add_joiner({});
  schedule(0, {0, 0, Happening::Kind::action, {}, {}});
}

NodeId Simulator::add_joiner(const Snapshot& snapshot) {
  const NodeId id = name_of(next_id_++);
  hosts_[id];
  Node& node = cluster_.add(id, MonotonicTime(static_cast<int64_t>(now_)),
                            {Habits::Signing::always, true, true});
  node.join(snapshot);
  schedule(random_.below(10'000), {0, 0, Happening::Kind::tick, {}, id});
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

std::string Simulator::report() const {
  std::ostringstream out;
  out << plan_.text() << "\n";
  for (const std::string& line : notes_) out << "  " << line << "\n";
  out << cluster_.table();
  return out.str();
}

// --------------------------------------------------------------------------------------- the loop

void Simulator::schedule(uint64_t delay, Happening happening) {
  happening.at = now_ + delay;
  happening.order = order_++;
  queue_.push(std::move(happening));
}

std::optional<std::string> Simulator::run(uint64_t events) {
  while (events_ < events) {
    Happening next = std::move(const_cast<Happening&>(queue_.top()));
    queue_.pop();
    happen(next);
    if (const auto& violation = cluster_.checker().violation()) return violation;
  }
  return recover();
}

void Simulator::happen(Happening& happening) {
  ++events_;
  now_ = std::max(now_, happening.at);
  fingerprint_.add(now_);
  switch (happening.kind) {
    case Happening::Kind::message:
      return deliver(happening.packet);
    case Happening::Kind::tick:
      return tick(happening.node);
    case Happening::Kind::action:
      if (!faults_) return;
      act();
      return schedule(random_.below(2 * plan_.action_gap), {0, 0, Happening::Kind::action, {}, {}});
  }
}

void Simulator::tick(const NodeId& id) {
  Host& host = hosts_.at(id);
  if (host.dead) return;
  schedule(host.tick_us, {0, 0, Happening::Kind::tick, {}, id});
  if (host.paused) return;
  Node& node = cluster_.at(id);
  if (!node.habits().stable && host.slow_until <= now_) {
    node.set_habits({Habits::Signing::always, true, true});
  }
  node.tick(std::chrono::milliseconds(10));
  node.flush();
}

// ---------------------------------------------------------------------------------------- network

void Simulator::post(Packet packet) {
  if (!alive(packet.to)) return;
  uint64_t copies = 1;
  if (faults_) {
    history_.push_back(packet);
    if (history_.size() > remembered_messages) history_.pop_front();
    if (random_.chance(plan_.replays)) {
      Packet old = history_[random_.below(history_.size())];
      schedule(random_.below(plan_.longest_delay),
               {0, 0, Happening::Kind::message, std::move(old), {}});
    }
    if (random_.chance(plan_.loss) || cut_.contains({packet.from, packet.to})) return;
    if (random_.chance(plan_.duplicates)) copies = 2;
  }
  const uint64_t longest = faults_ ? plan_.longest_delay : 2'000;
  for (uint64_t i = 0; i < copies; ++i) {
    uint64_t delay = random_.between(plan_.shortest_delay, longest);
    if (faults_ && random_.chance(plan_.burst)) delay += random_.below(1'000'000);
    schedule(delay, {0, 0, Happening::Kind::message, packet, {}});
  }
}

void Simulator::deliver(Packet& packet) {
  const Host& host = hosts_.at(packet.to);
  if (host.dead) return;
  if (host.paused) {
    // It lies in the buffers of the host until the node wakes.
    if (random_.chance(500)) {
      schedule(50'000, {0, 0, Happening::Kind::message, std::move(packet), {}});
    }
    return;
  }
  fingerprint_.add(packet.message.view);
  fingerprint_.add(packet.message.body.index());
  if (tracing_) note(describe(packet));
  Node& node = cluster_.at(packet.to);
  node.receive(packet.from, std::move(packet.message));
  node.flush();
}

}  // namespace entente::sim
