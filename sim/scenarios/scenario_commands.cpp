// What scripts make nodes do.

#include <stdexcept>

#include "sim/scenarios/scenario.h"

namespace entente::sim {
namespace {

std::map<NodeId, std::string> addressed(const std::vector<std::string>& names) {
  std::map<NodeId, std::string> out;
  for (const std::string& name : names) out[{name}] = "host" + name;
  return out;
}

}  // namespace

Scenario::Failure Scenario::set_option(const Words& words) {
  RaftOptions& options = cluster_.options();
  const std::string& key = words.at(1);
  const uint64_t value = std::stoull(words.at(2));
  const auto us = std::chrono::microseconds(value);
  const std::map<std::string, std::function<void()>> settings{
      {"tick_us", [&] { us_per_tick_ = value; }},
      {"heartbeat_ms", [&] { options.heartbeat = us * 1000; }},
      {"election_timeout_ms", [&] { options.election_timeout = us * 1000; }},
      {"seed", [&] { options.seed = value; }},
      {"append_entries", [&] { options.append_entries = value; }},
      {"retained_entries", [&] { options.retained_entries = value; }},
      {"stream_bytes", [&] { options.stream_bytes = value; }},
      {"in_flight_bytes", [&] { options.in_flight_bytes = value; }},
      {"max_uncommitted", [&] { options.max_uncommitted_entries = value; }},
      {"max_pending_configs", [&] { options.max_pending_configurations = value; }},
      {"learner_lag", [&] { options.learner_lag = value; }},
      {"adaptive",
       [&] {
         options.signatures = SignatureLimits{};
         options.signatures.adaptive = value != 0;
       }},
      {"sig_max_count", [&] { options.signatures.max_count = value; }}};
  const auto setting = settings.find(key);
  if (setting == settings.end()) return "no such option: " + key;
  setting->second();
  return std::nullopt;
}

Scenario::Failure Scenario::start(const Words& words) {
  add(words.at(1));
  Node& first = node(words[1]);
  first.start();
  act(first);
  return std::nullopt;
}

// A service that runs already: the first one started it, the others joined empty, one signed
// configuration names all of them and everybody knows.
Scenario::Failure Scenario::nodes(const Words& words) {
  const auto names = names_in(words.at(1));
  const Habits before = habits_;
  start({"start", names.at(0)});
  for (size_t i = 1; i < names.size(); ++i) join({"join", names[i]});
  Node& first = node(names[0]);
  if (auto why = first.configure(addressed(names))) return why;
  if (auto why = first.sign()) return why;
  act(first);
  if (!deliver_all()) return "messages never end";
  habits_ = before;
  return std::nullopt;
}

Scenario::Failure Scenario::join(const Words& words) {
  constexpr std::string_view from = "snapshot=";
  Snapshot snapshot;
  for (size_t i = 2; i < words.size(); ++i) {
    if (!words[i].starts_with(from)) return "expected snapshot=SEQNO@NODE";
    const size_t at = words[i].find('@');
    const SeqNo upto{std::stoull(words[i].substr(from.size()))};
    auto taken = node(words[i].substr(at + 1)).snapshot_at(upto);
    if (!taken) return "that is not committed there";
    snapshot = std::move(*taken);
  }
  add(words.at(1));
  node(words[1]).join(snapshot);
  act(node(words[1]));
  return std::nullopt;
}

Scenario::Failure Scenario::configure(const Words& words) {
  Node& at = leader(words.at(1));
  const auto named = names_in(words.at(2));
  Failure refused;
  if (words[0] == "config") {
    constexpr std::string_view learners = "learners=";
    const bool has = words.size() > 3 && words[3].starts_with(learners);
    refused =
        at.configure(addressed(named), has ? addressed(names_in(words[3].substr(learners.size())))
                                           : std::map<NodeId, std::string>{});
  } else if (words[0] == "learner") {
    auto voters = at.core().configurations().all().back().voters;
    refused = at.configure(std::move(voters), addressed(named));
  } else {
    std::set<NodeId> nodes;
    for (const std::string& name : named) nodes.insert({name});
    refused = at.name_retired(std::move(nodes));
  }
  act(at);
  return refused;
}

Scenario::Failure Scenario::write(const Words& words) {
  Node& at = leader(words.at(1));
  if (words[0] == "sign") {
    const auto refused = at.sign();
    act(at);
    return refused;
  }
  bool urgent = false;
  uint64_t count = 1;
  for (size_t i = 3; i < words.size(); ++i) {
    if (words[i] == "urgent") urgent = true;
    if (words[i].starts_with("x")) count = std::stoull(words[i].substr(1));
  }
  for (uint64_t i = 0; i < count; ++i) {
    const auto refused = at.write(words.at(2) + std::to_string(i), urgent);
    if (refused) return refused;
  }
  act(at);
  return std::nullopt;
}

Scenario::Failure Scenario::habits(const Words& words) {
  const std::map<std::string, Habits::Signing> signing{{"off", Habits::Signing::never},
                                                       {"opening", Habits::Signing::openings},
                                                       {"on", Habits::Signing::always}};
  if (words[0] == "autosign") habits_.sign = signing.at(words.at(1));
  if (words[0] == "autoretire") habits_.retire = words.at(1) == "on";
  for (const auto& [id, one] : cluster_.nodes()) {
    Habits changed = one->habits();
    changed.sign = habits_.sign;
    changed.retire = habits_.retire;
    one->set_habits(changed);
    if (alive(id)) act(*one);
  }
  return std::nullopt;
}

// A transaction whose id is given and which reaches consensus later, if at all.
Scenario::Failure Scenario::hold_write(const Words& words) {
  if (words[0] == "hold-tx") {
    Node& at = leader(words.at(1));
    const std::string& name = words.at(2);
    Node::Held held = *at.prepare(name);
    constexpr std::string_view later = "later=";  // it is not the next one
    if (words.size() > 3 && words[3].starts_with(later)) {
      held.entry.id.seqno = held.entry.id.seqno + std::stoull(words[3].substr(later.size()));
    }
    held_writes_.insert_or_assign(name, std::pair{at.id(), std::move(held)});
    return std::nullopt;
  }
  const auto& [id, held] = held_writes_.at(words.at(1));
  Node& at = cluster_.at(id);
  const auto refused = at.submit(held);
  act(at);
  return refused;
}

Scenario::Failure Scenario::transfer(const Words& words) {
  Node& from = node(words.at(1));
  std::optional<NodeId> to;
  if (words.size() > 2) to = NodeId{words[2]};
  const auto refused = from.transfer(to);
  act(from);
  return refused;
}

Scenario::Failure Scenario::barrier(const Words& words) {
  Node& at = node(words.at(1));
  const uint64_t id = barriers_[words.at(2)] = barriers_.size() + 1;
  const auto refused = at.barrier(id);
  act(at);
  return refused;
}

Scenario::Failure Scenario::stable(const Words& words) {
  Node& at = node(words.at(1));
  const std::string& what = words.at(2);
  if (words[0] == "invalid") {
    at.report_invalid({std::stoull(what)});
  } else if (what == "manual" || what == "auto") {
    Habits habits = at.habits();
    habits.stable = what == "auto";
    at.set_habits(habits);
  } else if (what == "next" || what == "newest") {
    at.report_next(what == "newest");
  } else {
    at.report_stable({std::stoull(what)});
  }
  act(at);
  return std::nullopt;
}

// stored N SEQNO: N holds nothing below SEQNO any more.
Scenario::Failure Scenario::stored(const Words& words) {
  Node& at = node(words.at(1));
  at.forget_before({std::stoull(words.at(2))});
  act(at);
  return std::nullopt;
}

}  // namespace entente::sim
