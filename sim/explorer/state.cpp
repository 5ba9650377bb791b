#include "sim/explorer/state.h"

#include <algorithm>
#include <set>

namespace entente::sim {
namespace {

constexpr ptrdiff_t link_capacity = 2;
constexpr MonotonicTime beat{1'000'000};
constexpr MonotonicTime timeout{1'000'000'000'000};  // so far off that heartbeats do not add up

StateHash digest_of(const Packet& packet, const Renaming& renaming) {
  StateHasher hasher(renaming);
  hasher.add(packet.from);
  hasher.add(packet.to);
  hasher.add(packet.message.view);
  hasher.add(static_cast<uint64_t>(packet.message.body.index()));
  if (const auto* append = std::get_if<message::AppendEntries>(&packet.message.body)) {
    hasher.add(append->prev);
    hasher.add(append->end);
    hasher.add(append->entries_view);
    hasher.add(append->commit);
    hasher.add(append->round);
    for (const EntryMeta& entry : append->entries) hasher.add(static_cast<uint64_t>(entry.kind));
  } else if (const auto* answer = std::get_if<message::AppendResponse>(&packet.message.body)) {
    hasher.add(static_cast<uint64_t>(answer->refusal));
    hasher.add(answer->match);
    hasher.add(answer->hint);
    hasher.add(answer->round);
  } else if (const auto* ask = std::get_if<message::RequestVote>(&packet.message.body)) {
    hasher.add(ask->last_committable);
  } else if (const auto* pre = std::get_if<message::RequestPreVote>(&packet.message.body)) {
    hasher.add(pre->last_committable);
  } else if (const auto* vote = std::get_if<message::VoteResponse>(&packet.message.body)) {
    hasher.add(uint64_t{vote->granted});
  } else if (const auto* free = std::get_if<message::PreVoteResponse>(&packet.message.body)) {
    hasher.add(uint64_t{free->granted});
  } else if (const auto* notice = std::get_if<message::RemovedNotice>(&packet.message.body)) {
    hasher.add(notice->retired_committed);
  }
  return hasher.finish();
}

}  // namespace

std::vector<Renaming> symmetries(const Bounds& bounds) {
  std::set<std::string> names;
  for (const auto& one : bounds.configurations) names.insert(one.begin(), one.end());
  std::vector<std::string> order(names.begin(), names.end());
  std::vector<std::string> renamed = order;
  std::vector<Renaming> out;
  do {
    std::map<std::string, std::string> to;
    for (size_t i = 0; i < order.size(); ++i) to[order[i]] = renamed[i];
    // Only if every configuration to come stays what it is.
    const bool same = std::all_of(bounds.configurations.begin(), bounds.configurations.end(),
                                  [&](const auto& one) {
                                    const std::set<std::string> before(one.begin(), one.end());
                                    std::set<std::string> after;
                                    for (const std::string& name : one) after.insert(to[name]);
                                    return before == after;
                                  });
    if (!same) continue;
    Renaming renaming;
    for (const auto& [from, into] : to) renaming[{from}] = std::stoull(into);
    out.push_back(std::move(renaming));
  } while (std::next_permutation(renamed.begin(), renamed.end()));
  return out;
}

StateHash digest_of(const State& state, const std::vector<Renaming>& renamings, bool ordered) {
  // On ordered links, where in its link each letter stands.
  std::vector<std::pair<const Letter*, uint64_t>> places;
  for (size_t i = 0; i < state.letters.size(); ++i) {
    uint64_t before = 0;
    for (size_t k = 0; ordered && k < i; ++k) {
      const Packet& other = state.letters[k]->packet;
      const Packet& packet = state.letters[i]->packet;
      before += other.from == packet.from && other.to == packet.to ? 1 : 0;
    }
    places.emplace_back(state.letters[i].get(), before);
  }
  StateHash least{UINT64_MAX, UINT64_MAX};
  for (size_t i = 0; i < renamings.size(); ++i) {
    StateHasher hasher(renamings[i]);
    hasher.add(state.configurations_left);
    hasher.add(state.writes_left);
    hasher.add_unordered(state.nodes, [&](StateHasher& one, const auto& node) {
      one.add(node->digests[i].low);
      one.add(node->digests[i].high);
    });
    hasher.add_unordered(places, [&](StateHasher& one, const auto& place) {
      one.add(place.first->digests[i].low);
      one.add(place.first->digests[i].high);
      one.add(place.second);
    });
    for (const auto& [view, leader] : state.leaders) {
      hasher.add(view);
      hasher.add(leader);
    }
    least = std::min(least, hasher.finish());
  }
  return least;
}

std::string describe(const Action& action, const State& state) {
  using Kind = Action::Kind;
  if (action.kind <= Kind::lose) {
    constexpr std::string_view verbs[] = {"deliver ", "repeat ", "lose "};
    return std::string(verbs[static_cast<size_t>(action.kind)]) +
           describe(state.letters[action.which]->packet);
  }
  constexpr std::string_view names[] = {
      "",          "",      "",     "timeout",   "lease ends", "hear nobody",
      "heartbeat", "write", "sign", "configure", "retire",     "stable"};
  return std::string(names[static_cast<size_t>(action.kind)]) + " at " +
         std::to_string(action.which + 1);
}

// ------------------------------------------------------------------------------------ transitions

struct Transitions::Step {
  Raft core;
  std::deque<Node::Waiting> waiting;
  std::vector<Outputs::Send> sends;
  MonotonicTime now{0};
};

Transitions::Transitions(Bounds bounds)
    : bounds_(std::move(bounds)), renamings_(sim::symmetries(bounds_)) {
  for (const auto& [name, number] : renamings_.front()) names_.push_back(name);
}

std::shared_ptr<const Seen> Transitions::seen(Raft core, std::deque<Node::Waiting> waiting) const {
  Seen out{std::move(core), std::move(waiting), {}};
  for (const Renaming& renaming : renamings_) {
    StateHasher hasher(renaming);
    const StateHash digest = out.core.state_hash(renaming);
    hasher.add(digest.low);
    hasher.add(digest.high);
    for (const Node::Waiting& one : out.waiting) {
      hasher.add(out.core.epoch().value - one.epoch.value);
      hasher.add(one.upto);
    }
    out.digests.push_back(hasher.finish());
  }
  return std::make_shared<const Seen>(std::move(out));
}

void Transitions::add_letter(State& state, Packet packet) const {
  Letter letter{std::move(packet), {}};
  for (const Renaming& renaming : renamings_) {
    letter.digests.push_back(digest_of(letter.packet, renaming));
  }
  if (bounds_.ordered) {
    // A full link loses what comes; saying the same twice in a row says nothing more.
    const auto under_way =
        std::count_if(state.letters.begin(), state.letters.end(), [&](const auto& one) {
          return one->packet.from == letter.packet.from && one->packet.to == letter.packet.to;
        });
    if (under_way >= link_capacity) return;
    for (auto last = state.letters.rbegin(); last != state.letters.rend(); ++last) {
      const Packet& other = (*last)->packet;
      if (other.from != letter.packet.from || other.to != letter.packet.to) continue;
      if ((*last)->digests[0] == letter.digests[0]) return;
      break;
    }
    state.letters.push_back(std::make_shared<const Letter>(std::move(letter)));
    return;
  }
  const auto less = [](const auto& one, const StateHash& digest) {
    return one->digests[0] < digest;
  };
  const auto at =
      std::lower_bound(state.letters.begin(), state.letters.end(), letter.digests[0], less);
  if (at != state.letters.end() && (*at)->digests[0] == letter.digests[0]) return;
  state.letters.insert(at, std::make_shared<const Letter>(std::move(letter)));
}

void Transitions::act(Step& step, const Input& input, std::optional<std::string>& violation) const {
  Outputs outputs = step.core.step(input);
  const bool grew =
      outputs.append || (std::holds_alternative<input::Propose>(input) && !outputs.reject);
  for (auto& send : outputs.sends) step.sends.push_back(std::move(send));
  if (outputs.commit && step.core.role() == Leadership::leader &&
      step.core.log().view_of(*outputs.commit) != step.core.view()) {
    violation = "A-8: a leader commits an entry of an earlier view";
  }
  if (!grew) return;
  const input::Stable stable{step.core.epoch(), step.core.log().last()};
  if (bounds_.late_validation) {
    step.waiting.push_back({stable.epoch, stable.upto});
  } else {
    act(step, stable, violation);
  }
}

State Transitions::first() const {
  State state;
  state.configurations_left = bounds_.configurations.size() - 1;
  state.writes_left = bounds_.writes;
  std::vector<Step> steps;
  std::optional<std::string> none;
  for (const NodeId& name : names_) {
    RaftOptions options;
    options.self = name;
    options.signatures.adaptive = false;
    options.signatures.max_count = UINT64_MAX;
    options.signatures.max_delay = std::chrono::hours(24 * 365 * 100);
    options.heartbeat = beat;
    options.election_timeout = timeout;
    options.max_uncommitted_entries = 0;
    steps.push_back({Raft(std::move(options)), {}, {}, {}});
  }
  const auto& voters = bounds_.configurations.front();
  for (size_t i = 0; i < names_.size(); ++i) {
    if (names_[i].value == voters.front()) {
      act(steps[i], input::Start{""}, none);
    } else {
      act(steps[i], input::Join{}, none);
    }
  }
  // The first configuration is signed, committed and known to its voters when the search begins.
  for (size_t i = 0; i < names_.size(); ++i) {
    if (names_[i].value != voters.front()) continue;
    std::vector<EntryMeta> entries(2);
    entries[0].id = {first_view, {1}};
    entries[0].kind = EntryKind::configuration;
    Configuration configuration{{1}, {}, {}};
    for (const std::string& voter : voters) configuration.voters[{voter}] = "";
    entries[0].configuration = std::move(configuration);
    entries[1].id = {first_view, {2}};
    entries[1].kind = EntryKind::signature;
    act(steps[i], input::Propose{steps[i].core.epoch(), entries, {}}, none);
    while (!steps[i].waiting.empty()) {
      const auto waiting = steps[i].waiting.front();
      steps[i].waiting.pop_front();
      act(steps[i], input::Stable{waiting.epoch, waiting.upto}, none);
    }
    act(steps[i], input::Flush{}, none);
  }
  for (bool quiet = false; !quiet;) {
    quiet = true;
    for (size_t i = 0; i < names_.size(); ++i) {
      for (auto& send : std::exchange(steps[i].sends, {})) {
        quiet = false;
        Step& to = steps[static_cast<size_t>(std::find(names_.begin(), names_.end(), send.to) -
                                             names_.begin())];
        act(to, input::Recv{names_[i], send.message, {}}, none);
        while (!to.waiting.empty()) {
          const auto waiting = to.waiting.front();
          to.waiting.pop_front();
          act(to, input::Stable{waiting.epoch, waiting.upto}, none);
        }
        act(to, input::Flush{}, none);
      }
    }
  }
  for (Step& step : steps) {
    if (step.core.role() == Leadership::leader) state.leaders[step.core.view()] = NodeId{voters[0]};
    state.nodes.push_back(seen(std::move(step.core), {}));
  }
  return state;
}

// An answer of an older view than its receiver's changes nothing, now or later.
void Transitions::drop_ineffective(State& state) const {
  std::erase_if(state.letters, [&](const auto& letter) {
    const auto& body = letter->packet.message.body;
    const bool answers = std::holds_alternative<message::AppendResponse>(body) ||
                         std::holds_alternative<message::VoteResponse>(body) ||
                         std::holds_alternative<message::PreVoteResponse>(body);
    const auto to = std::find(names_.begin(), names_.end(), letter->packet.to);
    const auto& core = state.nodes[static_cast<size_t>(to - names_.begin())]->core;
    return answers && letter->packet.message.view < core.view();
  });
}

bool Transitions::first_of_link(const State& state, size_t letter) const {
  const Packet& packet = state.letters[letter]->packet;
  for (size_t i = 0; i < letter; ++i) {
    const Packet& other = state.letters[i]->packet;
    if (other.from == packet.from && other.to == packet.to) return false;
  }
  return true;
}

bool Transitions::heartbeat_helps(const State& state, size_t node) const {
  const Raft& core = state.nodes[node]->core;
  for (const auto& [peer, progress] : core.progress()) {
    const bool behind =
        progress.match < core.log().last() || progress.commit_sent < core.log().commit();
    const bool under_way =
        std::any_of(state.letters.begin(), state.letters.end(), [&, id = peer](const auto& letter) {
          const Packet& packet = letter->packet;
          return (packet.from == names_[node] && packet.to == id) ||
                 (packet.to == names_[node] && packet.from == id);
        });
    if (behind && !under_way) return true;
  }
  return false;
}

std::vector<Action> Transitions::actions(const State& state) const {
  using Kind = Action::Kind;
  std::vector<Action> out;
  for (size_t i = 0; i < state.letters.size(); ++i) {
    if (bounds_.ordered && !first_of_link(state, i)) continue;
    out.push_back({Kind::deliver, i});
    if (bounds_.ordered) out.push_back({Kind::lose, i});
    if (bounds_.duplicates) out.push_back({Kind::repeat, i});
  }
  const View last_view{first_view.value + bounds_.view_changes};
  for (size_t i = 0; i < state.nodes.size(); ++i) {
    const Raft& core = state.nodes[i]->core;
    if (!state.nodes[i]->waiting.empty()) out.push_back({Kind::stable, i});
    if (core.role() != Leadership::leader) {
      // It stands again only when nothing can come of its last attempt any more.
      const bool standing = core.role() != Leadership::follower;
      const bool open =
          std::any_of(state.letters.begin(), state.letters.end(), [&](const auto& letter) {
            return letter->packet.from == names_[i] || letter->packet.to == names_[i];
          });
      const bool may_stand = core.deadline() && core.view() < last_view && !(standing && open);
      if (may_stand) out.push_back({Kind::timeout, i});
      if (core.hears_leader() && core.view() < last_view) out.push_back({Kind::lease_ends, i});
      continue;
    }
    const auto& log = core.log();
    if (heartbeat_helps(state, i)) out.push_back({Kind::heartbeat, i});
    if (bounds_.quorum_checks && bounds_.view_changes > 0 && !core.progress().empty()) {
      out.push_back({Kind::hear_nobody, i});
    }
    const bool signed_tail = log.signature_upto(log.last()).value_or(log.commit()) == log.last();
    if (!core.opened() || !signed_tail) out.push_back({Kind::sign, i});
    if (!core.opened()) continue;
    if (state.writes_left > 0) out.push_back({Kind::write, i});
    if (state.configurations_left > 0) out.push_back({Kind::configure, i});
    if (!log.removals().to_name(log.commit()).empty()) out.push_back({Kind::retire, i});
  }
  return out;
}

State Transitions::after(const State& state, const Action& action,
                         std::optional<std::string>& violation) const {
  State next = state;
  if (action.kind == Action::Kind::lose) {
    next.letters.erase(next.letters.begin() + static_cast<ptrdiff_t>(action.which));
    return next;
  }
  size_t node = action.which;
  if (action.kind == Action::Kind::deliver || action.kind == Action::Kind::repeat) {
    const NodeId& to = state.letters[action.which]->packet.to;
    node = static_cast<size_t>(std::find(names_.begin(), names_.end(), to) - names_.begin());
    if (action.kind == Action::Kind::deliver) {
      next.letters.erase(next.letters.begin() + static_cast<ptrdiff_t>(action.which));
    }
  } else if (action.kind == Action::Kind::write) {
    --next.writes_left;
  } else if (action.kind == Action::Kind::configure) {
    --next.configurations_left;
  }
  Step step{state.nodes[node]->core, state.nodes[node]->waiting, {}, {}};
  step.now = step.core.now();
  const bool led = step.core.role() == Leadership::leader;
  perform(step, state, action, violation);
  act(step, input::Flush{step.core.now()}, violation);
  if (step.core.role() == Leadership::leader && !led) {
    const auto [leader, fresh] = next.leaders.try_emplace(step.core.view(), names_[node]);
    if (!fresh && leader->second != names_[node]) violation = "I-2: two leaders in one view";
  }
  next.nodes[node] = seen(std::move(step.core), std::move(step.waiting));
  for (auto& send : step.sends) {
    add_letter(next, {names_[node], std::move(send.to), std::move(send.message)});
  }
  drop_ineffective(next);
  if (!violation) violation = broken_invariant(next);
  return next;
}

void Transitions::perform(Step& step, const State& before, const Action& action,
                          std::optional<std::string>& violation) const {
  using Kind = Action::Kind;
  const auto propose = [&](EntryKind kind, auto&& complete) {
    std::vector<EntryMeta> entries(1);
    entries[0].id = {step.core.view(), step.core.log().last() + 1};
    entries[0].kind = kind;
    complete(entries[0]);
    act(step, input::Propose{step.core.epoch(), entries, step.now}, violation);
  };
  switch (action.kind) {
    case Kind::deliver:
    case Kind::repeat: {
      const Packet& packet = before.letters[action.which]->packet;
      return act(step, input::Recv{packet.from, packet.message, step.now}, violation);
    }
    case Kind::lose:
      return;
    case Kind::timeout:
      return act(step, input::Tick{*step.core.deadline()}, violation);
    case Kind::lease_ends:
      // Short of any deadline, and long enough not to hear the leader any more.
      return act(step, input::Tick{step.now + timeout / 2}, violation);
    case Kind::hear_nobody:
      return act(step, input::Tick{step.now + timeout}, violation);
    case Kind::heartbeat:
      return act(step, input::Tick{step.now + beat}, violation);
    case Kind::write:
      return propose(EntryKind::data, [](EntryMeta&) {});
    case Kind::sign:
      return propose(EntryKind::signature, [](EntryMeta&) {});
    case Kind::retire:
      return propose(EntryKind::retired, [&](EntryMeta& entry) {
        entry.retired = step.core.removals().to_name(step.core.log().commit());
      });
    case Kind::configure:
      return propose(EntryKind::configuration, [&](EntryMeta& entry) {
        Configuration next{entry.id.seqno, {}, {}};
        const size_t which = bounds_.configurations.size() - before.configurations_left;
        for (const std::string& voter : bounds_.configurations[which]) next.voters[{voter}] = "";
        entry.configuration = std::move(next);
      });
    case Kind::stable: {
      const auto waiting = step.waiting.front();
      step.waiting.pop_front();
      return act(step, input::Stable{waiting.epoch, waiting.upto}, violation);
    }
  }
}

// ------------------------------------------------------------------------------------- invariants

std::optional<std::string> broken_invariant(const State& state) {
  for (const auto& a : state.nodes) {
    const Log& log = a->core.log();
    const auto commit = log.commit();
    if (commit.value != 0 && commit > log.base() && log.at(commit).kind != EntryKind::signature) {
      return "I-8: the commit point is no signature";
    }
    for (const auto& b : state.nodes) {
      if (a == b) continue;
      const Log& other = b->core.log();
      const SeqNo both = std::min(commit, other.commit());
      if (log.id_of(both) != other.id_of(both)) return "I-1: committed prefixes differ";
      bool equal = false;
      for (SeqNo at = std::min(log.last(), other.last()); at.value > 0; at = at - 1) {
        if (log.id_of(at) == other.id_of(at)) {
          equal = true;
        } else if (equal) {
          return "I-5: equal ids after different ones";
        }
      }
      if (b->core.role() == Leadership::leader && log.view_of(commit) <= b->core.view() &&
          commit.value != 0 && other.id_of(commit) != log.id_of(commit)) {
        return "I-7: a leader lacks a committed entry";
      }
    }
    if (a->core.role() != Leadership::leader) continue;
    for (const auto& b : state.nodes) {
      const auto peer = a->core.progress().find(b->core.id());
      if (peer == a->core.progress().end() || b->core.view() != a->core.view()) continue;
      const SeqNo match = peer->second.match;
      if (b->core.log().stable() < match || b->core.log().id_of(match) != log.id_of(match)) {
        return "I-18: a peer does not hold what the leader thinks";
      }
    }
  }
  return std::nullopt;
}

}  // namespace entente::sim
