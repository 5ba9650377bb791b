// What scripts do to time and to messages.

#include <algorithm>
#include <stdexcept>

#include "sim/scenarios/scenario.h"

namespace entente::sim {

void Scenario::post(Packet packet) {
  const Link link{packet.from, packet.to};
  sent_[{link, std::string(kind_of(packet.message))}].push_back(packet.message);
  if (cut_.contains(link)) return;
  links_[link].push_back(std::move(packet.message));
}

// ------------------------------------------------------------------------------------------ time

void Scenario::tick(Node& one, uint64_t ticks) {
  for (uint64_t i = 0; i < ticks; ++i) {
    one.tick(MonotonicTime(static_cast<int64_t>(us_per_tick_)));
    one.flush();
  }
}

Scenario::Failure Scenario::tick(const Words& words) {
  const uint64_t ticks = words.size() > 2 ? std::stoull(words[2]) : 1;
  if (words.at(1) != "*") {
    tick(node(words[1]), ticks);
    return std::nullopt;
  }
  for (uint64_t i = 0; i < ticks; ++i) {
    for (const auto& [id, one] : cluster_.nodes()) {
      if (alive(id)) tick(*one, 1);
    }
  }
  return std::nullopt;
}

// Exactly to the node's deadline. The others' clocks run too, but stop short of their own; those of
// leaders stand still.
Scenario::Failure Scenario::timeout(const Words& words) {
  Node& one = node(words.at(1));
  const auto deadline = one.core().deadline();
  if (!deadline) return "node " + words[1] + " waits for no deadline";
  const MonotonicTime later = std::max(*deadline - one.now(), MonotonicTime(0));
  for (const auto& [id, other] : cluster_.nodes()) {
    if (id == one.id() || !alive(id) || other->leads()) continue;
    MonotonicTime step = later;
    if (const auto own = other->core().deadline()) {
      step = std::min(step, std::max(*own - MonotonicTime(1) - other->now(), MonotonicTime(0)));
    }
    other->tick(step);
    act(*other);
  }
  one.tick(later);
  act(one);
  return std::nullopt;
}

// elect N {voters}: N leads the next view by these votes, and nobody has heard from it yet.
Scenario::Failure Scenario::elect(const Words& words) {
  constexpr int attempts = 6;
  Node& one = node(words.at(1));
  const auto voters = names_in(words.at(2));
  const auto exchange = [&](const std::string& ask, const std::string& answer) {
    for (const std::string& voter : voters) {
      deliver({"deliver", words[1] + ">" + voter, "all", "type=" + ask});
    }
    for (const std::string& voter : voters) {
      deliver({"deliver", voter + ">" + words[1], "all", "type=" + answer});
    }
  };
  for (int i = 0; i < attempts && !one.leads(); ++i) {
    if (auto why = timeout({"timeout", words[1]})) return why;
    exchange("PV", "PVR");
    exchange("RV", "VR");
    for (const auto& [id, other] : cluster_.nodes()) {
      for (const char* type : {"PV", "RV"}) {
        move({"drop", words[1] + ">" + id.value, std::string("type=") + type});
      }
    }
  }
  if (!one.leads()) return "it is not elected";
  return std::nullopt;
}

// inject A>B FROM TO: the leader A sends the entries above FROM up to TO once more.
Scenario::Failure Scenario::inject(const Words& words) {
  for (const Link& link : links_of(words.at(1))) {
    const Node& from = cluster_.at(link.first);
    const Log& log = from.core().log();
    const uint64_t first = std::stoull(words.at(2));
    message::AppendEntries append;
    append.prev = log.id_of({first});
    append.end = {std::stoull(words.at(3))};
    append.entries_view = append.end.value == first ? append.prev.view : log.view_of({first + 1});
    append.commit = log.commit();
    for (uint64_t i = first; i < append.end.value; ++i) {
      append.entries.push_back(from.ledger().at(i));
    }
    post({link.first, link.second, {from.core().view(), std::move(append)}});
  }
  return std::nullopt;
}

// -------------------------------------------------------------------------------------- messages

void Scenario::deliver_one(const Link& link) {
  auto& queue = links_[link];
  Message message = std::move(queue.front());
  queue.pop_front();
  if (!cluster_.has(link.second) || !alive(link.second)) return;
  Node& to = cluster_.at(link.second);
  to.receive(link.first, std::move(message));
  act(to);
}

// Everything that is under way now, but not what comes of it.
void Scenario::deliver_pending() {
  std::vector<std::pair<Link, size_t>> pending;
  for (const auto& [link, queue] : links_) pending.emplace_back(link, queue.size());
  for (const auto& [link, count] : pending) {
    for (size_t i = 0; i < count; ++i) deliver_one(link);
  }
}

bool Scenario::deliver_all() {
  constexpr int enough = 1000;
  for (int round = 0; round < enough; ++round) {
    const bool any = std::any_of(links_.begin(), links_.end(),
                                 [](const auto& one) { return !one.second.empty(); });
    if (!any) return true;
    deliver_pending();
  }
  return false;
}

std::vector<Scenario::Link> Scenario::links_of(const std::string& word) const {
  const size_t one_way = word.find('>');
  const size_t both = word.find('-');
  const size_t at = one_way != std::string::npos ? one_way : both;
  if (at == std::string::npos) throw std::invalid_argument("expected A>B or A-B");
  std::vector<Link> links;
  const auto expand = [&](const std::string& side) {
    if (side != "*") return names_in(side);
    std::vector<std::string> all;
    for (const auto& [id, one] : cluster_.nodes()) all.push_back(id.value);
    return all;
  };
  for (const std::string& a : expand(word.substr(0, at))) {
    for (const std::string& b : expand(word.substr(at + 1))) {
      if (a == b) continue;
      links.push_back({{a}, {b}});
      if (one_way == std::string::npos) links.push_back({{b}, {a}});
    }
  }
  return links;
}

// deliver A>B no=K type=T [first=N]: of all messages of this type that were ever sent there, the
// one after the first K, whatever became of it; only N of its entries.
Scenario::Failure Scenario::deliver_again(const Words& words) {
  const Link link = links_of(words.at(1)).at(0);
  const uint64_t later = std::stoull(words.at(2).substr(5));
  const auto& sent = sent_[{link, words.at(3).substr(5)}];
  if (later >= sent.size()) return "nothing to deliver";
  Message message = sent[sent.size() - 1 - later];
  auto* append = std::get_if<message::AppendEntries>(&message.body);
  if (words.size() > 4 && append != nullptr) keep_first(*append, std::stoull(words[4].substr(6)));
  if (!cluster_.has(link.second) || !alive(link.second)) return std::nullopt;
  Node& to = cluster_.at(link.second);
  to.receive(link.first, std::move(message));
  act(to);
  return std::nullopt;
}

// deliver * | deliver A>B [n|all] [type=T] | rounds K
Scenario::Failure Scenario::deliver(const Words& words) {
  if (words[0] == "rounds") {
    for (uint64_t i = std::stoull(words.at(1)); i > 0; --i) deliver_pending();
    return std::nullopt;
  }
  if (words.at(1) == "*") {
    if (!deliver_all()) return "messages never end";
    return std::nullopt;
  }
  uint64_t count = 1;
  std::string type;
  for (size_t i = 2; i < words.size(); ++i) {
    if (words[i].starts_with("back=")) return deliver_again(words);
    if (words[i].starts_with("type=")) {
      type = words[i].substr(5);
    } else {
      count = words[i] == "all" ? UINT64_MAX : std::stoull(words[i]);
    }
  }
  bool any = false;
  for (const Link& link : links_of(words[1])) {
    auto& queue = links_[link];
    uint64_t left = std::min<uint64_t>(count, queue.size());
    for (size_t i = 0; i < queue.size() && left > 0;) {
      if (!type.empty() && kind_of(queue[i]) != type) {
        ++i;
        continue;
      }
      std::rotate(queue.begin(), queue.begin() + static_cast<ptrdiff_t>(i),
                  queue.begin() + static_cast<ptrdiff_t>(i) + 1);
      deliver_one(link);
      --left;
      any = true;
    }
  }
  if (!any && words.back() != "all") return "nothing to deliver";
  return std::nullopt;
}

// drop A>B [type=T] | hold A>B NAME [type=T] | dup A>B | release NAME | replay NAME
Scenario::Failure Scenario::move(const Words& words) {
  const std::string& verb = words[0];
  if (verb == "release" || verb == "replay") {
    const std::string& name = words.at(1);
    for (const Packet& packet : held_.at(name)) {
      links_[{packet.from, packet.to}].push_back(packet.message);
    }
    if (verb == "release") held_.erase(name);
    return std::nullopt;
  }
  std::string type;
  if (words.back().starts_with("type=")) type = words.back().substr(5);
  bool any = false;
  for (const Link& link : links_of(words.at(1))) {
    std::deque<Message> kept;
    for (Message& message : links_[link]) {
      const bool matches = type.empty() || kind_of(message) == type;
      any = any || matches;
      if (!matches) {
        kept.push_back(std::move(message));
      } else if (verb == "hold") {
        held_[words.at(2)].push_back({link.first, link.second, std::move(message)});
      } else if (verb == "dup") {
        kept.push_back(message);
        kept.push_back(std::move(message));
      }
    }
    links_[link] = std::move(kept);
  }
  if (!any && verb != "drop") return "there is no such message";
  return std::nullopt;
}

// ----------------------------------------------------------------------------------------- faults

void Scenario::isolate(const NodeId& id) {
  for (const auto& [other, one] : cluster_.nodes()) {
    if (other == id) continue;
    cut_.insert({id, other});
    cut_.insert({other, id});
    links_[{id, other}].clear();
    links_[{other, id}].clear();
  }
}

Scenario::Failure Scenario::cut(const Words& words) {
  const std::string& verb = words[0];
  if (verb == "heal") {
    cut_.clear();
    return std::nullopt;
  }
  if (verb == "cut") {
    for (const Link& link : links_of(words.at(1))) {
      cut_.insert(link);
      links_[link].clear();
    }
    return std::nullopt;
  }
  for (const std::string& name : names_in(words.at(1))) {
    const NodeId id{name};
    node(name);
    if (verb == "isolate") isolate(id);
    if (verb == "pause") paused_.insert(id);
    if (verb == "resume") paused_.erase(id);
    if (verb == "kill") {
      killed_.insert(id);
      for (auto& [link, queue] : links_) {
        if (link.second == id) queue.clear();
      }
    }
  }
  return std::nullopt;
}

bool Scenario::settled(SeqNo written) {
  const Node* leads = cluster_.latest_leader([this](const NodeId& id) { return alive(id); });
  if (leads == nullptr || !leads->core().opened()) return false;
  const Log& log = leads->core().log();
  if (written.value == 0) return log.commit().value != 0;
  if (log.commit() < written || log.configurations().all().size() != 1) return false;
  for (const auto& [voter, address] : log.configurations().all().back().voters) {
    if (!cluster_.has(voter) || !alive(voter)) continue;
    const Log& other = cluster_.at(voter).core().log();
    if (other.commit() < written || other.id_of(written) != log.id_of(written)) return false;
  }
  return true;
}

// The network heals, drivers do all they should, time passes: the service must work.
Scenario::Failure Scenario::settle(uint64_t ticks) {
  cut_.clear();
  paused_.clear();
  held_.clear();
  for (const auto& [id, one] : cluster_.nodes()) {
    if (alive(id)) one->set_habits({Habits::Signing::always, true, true});
  }
  SeqNo written{};
  for (uint64_t i = 0; i < ticks; ++i) {
    for (const auto& [id, one] : cluster_.nodes()) {
      if (alive(id)) tick(*one, 1);
    }
    deliver_pending();
    if (cluster_.checker().violation()) return std::nullopt;
    if (!settled(written)) continue;
    if (written.value != 0) return std::nullopt;
    Node* leads = cluster_.latest_leader([this](const NodeId& id) { return alive(id); });
    if (leads->write("settled", true)) continue;
    if (leads->sign()) continue;
    act(*leads);
    written = leads->core().log().last();
  }
  return "the service does not settle";
}

}  // namespace entente::sim
