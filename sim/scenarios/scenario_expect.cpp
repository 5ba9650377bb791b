// What scripts expect.

#include <algorithm>
#include <stdexcept>

#include "sim/scenarios/scenario.h"

namespace entente::sim {
namespace {

std::string joined(const std::vector<std::string>& words, size_t from) {
  std::string out;
  for (size_t i = from; i < words.size(); ++i) out += (i == from ? "" : " ") + words[i];
  return out;
}

bool holds(const std::string& left, const std::string& relation, const std::string& right) {
  if (relation == "=") return left == right;
  if (relation == "!=") return left != right;
  const auto a = std::stoull(left);
  const auto b = std::stoull(right);
  if (relation == "<") return a < b;
  if (relation == "<=") return a <= b;
  if (relation == ">") return a > b;
  if (relation == ">=") return a >= b;
  throw std::invalid_argument("no such relation: " + relation);
}

}  // namespace

std::string Scenario::field(const Node& one, const std::string& name) {
  const Raft& core = one.core();
  const auto yes = [](bool value) { return std::string(value ? "yes" : "no"); };
  const auto id = [](const std::optional<NodeId>& who) { return who ? who->value : "none"; };
  const size_t dot = name.find('.');
  const std::string of = dot == std::string::npos ? "" : name.substr(dot + 1);
  using Getter = std::function<std::string()>;
  const std::map<std::string, Getter> fields{
      {"role", [&] { return std::string(to_text(core.role())); }},
      {"view", [&] { return std::to_string(core.view().value); }},
      {"commit", [&] { return std::to_string(core.log().commit().value); }},
      {"stable", [&] { return std::to_string(core.log().stable().value); }},
      {"last", [&] { return std::to_string(core.log().last().value); }},
      {"base", [&] { return std::to_string(core.log().base().value); }},
      {"leader", [&] { return id(core.leader()); }},
      {"voted", [&] { return id(core.voted_for()); }},
      {"phase", [&] { return std::string(to_text(core.phase())); }},
      {"configs", [&] { return configurations_text(core); }},
      {"opened", [&] { return yes(core.opened()); }},
      {"eligible", [&] { return yes(core.eligible()); }},
      {"waits", [&] { return yes(core.deadline().has_value()); }},
      {"pressure", [&] { return yes(one.pressure() != Outputs::Pressure::none); }},
      {"signatures", [&] { return std::to_string(one.signatures_wanted()); }},
      {"alarms", [&] { return std::to_string(one.alarms()); }},
      {"committable", [&] { return core.log().last_committable().text(); }},
      {"snapshots", [&] { return std::to_string(one.snapshots_wanted().size()); }},
      {"match", [&] { return std::to_string(core.progress().at({of}).match.value); }},
      {"sent", [&] { return std::to_string(core.progress().at({of}).sent.value); }}};
  const auto getter = fields.find(name.substr(0, dot));
  if (getter == fields.end()) throw std::invalid_argument("no such field: " + name);
  return getter->second();
}

// expect N.field REL VALUE | log N = … | status N TXID = S | pending A>B = … | read NAME = … |
// leader VIEW = N | led = yes | views A = B
Scenario::Failure Scenario::expect(const Words& words) {
  std::string found;
  std::string relation;
  std::string wanted;
  const std::string& what = words.at(1);
  if (what == "log") {
    found = log_text(node(words.at(2)));
    relation = words.at(3);
    wanted = joined(words, 4);
  } else if (what == "status") {
    const auto id = TxId::parse(words.at(3));
    if (!id) return "not a transaction id: " + words[3];
    found = to_text(node(words.at(2)).core().status(*id));
    relation = words.at(4);
    wanted = words.at(5);
  } else if (what == "pending") {
    for (const Link& link : links_of(words.at(2))) {
      for (const Message& message : links_[link]) {
        if (!found.empty()) found += ",";
        found += kind_of(message);
      }
    }
    if (found.empty()) found = "none";
    relation = words.at(3);
    wanted = words.at(4);
  } else if (what == "read") {
    found = "waiting";
    for (const auto& [id, one] : cluster_.nodes()) {
      const auto read = one->reads().find(barriers_.at(words.at(2)));
      if (read != one->reads().end()) found = read->second ? "ready" : "lost";
    }
    relation = words.at(3);
    wanted = words.at(4);
  } else if (what == "views") {
    const bool same = node(words.at(2)).core().views() == node(words.at(4)).core().views();
    return same ? Failure{} : "the view histories differ";
  } else if (what == "led") {
    const auto* leads = cluster_.latest_leader([this](const NodeId& id) { return alive(id); });
    found = leads != nullptr && leads->core().opened() ? "yes" : "no";
    relation = words.at(2);
    wanted = words.at(3);
  } else if (what == "leader") {
    found = leader(words.at(2)).id().value;
    relation = words.at(3);
    wanted = words.at(4);
  } else {
    const size_t dot = what.find('.');
    const std::string name = what.substr(dot + 1);
    relation = words.at(2);
    wanted = words.at(3);
    for (const std::string& who : names_in(what.substr(0, dot))) {
      found = field(node(who), name);
      if (!holds(found, relation, wanted)) return "node " + who + ": it is " + found;
    }
    return std::nullopt;
  }
  if (holds(found, relation, wanted)) return std::nullopt;
  return "it is " + found;
}

// expect-within TICKS CONDITION: everything runs, message delay one tick, until it holds.
Scenario::Failure Scenario::expect_within(const Words& words) {
  Words condition(words.begin() + 1, words.end());
  const uint64_t ticks = std::stoull(words.at(1));
  condition[0] = "expect";
  Failure why = "it takes longer";
  for (uint64_t i = 0; i <= ticks; ++i) {
    try {
      why = expect(condition);
      if (!why) return why;
    } catch (const std::out_of_range& nobody) {
      why = nobody.what();
    }
    for (const auto& [id, one] : cluster_.nodes()) {
      if (alive(id)) tick(*one, 1);
    }
    deliver_pending();
    if (auto violated = cluster_.checker().violation()) return violated;
  }
  return why;
}

// expect-never EVENT: from here on to the end of the script; its settling is not part of the story.
Scenario::Failure Scenario::expect_never(const Words& words) {
  const std::string name = joined(words, 1);
  const auto counted = cluster_.checker().probes().find(name);
  if (counted == cluster_.checker().probes().end()) return "nobody counts: " + name;
  forbidden_[name] = counted->second;
  return std::nullopt;
}

Scenario::Failure Scenario::forbidden_happened() {
  for (const auto& [name, before] : forbidden_) {
    if (cluster_.checker().probes().at(name) > before) return "it happened: " + name;
  }
  return std::nullopt;
}

}  // namespace entente::sim
