#include "sim/explorer/cast.h"

#include <algorithm>
#include <set>

#include "base/assert.h"

namespace entente::sim {
namespace {

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
    for (const EntryMeta& entry : append->entries) {
      hasher.add(entry.id);
      hasher.add(static_cast<uint64_t>(entry.kind));
    }
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

LetterTraits traits_of(const Packet& packet, uint8_t from, uint8_t to) {
  const auto& body = packet.message.body;
  LetterTraits out{};
  out.from = from;
  out.to = to;
  out.link = static_cast<uint8_t>(from * Profile::most_nodes + to);
  out.view = static_cast<uint8_t>(packet.message.view.value);
  out.kind = static_cast<uint8_t>(body.index());
  if (const auto* answer = std::get_if<message::AppendResponse>(&body)) {
    out.yes = answer->refusal == message::AppendRefusal::none;
    out.match = static_cast<uint8_t>(answer->match.value);
  } else if (const auto* vote = std::get_if<message::VoteResponse>(&body)) {
    out.yes = vote->granted;
  } else if (const auto* pre = std::get_if<message::PreVoteResponse>(&body)) {
    out.yes = pre->granted;
  }
  return out;
}

RaftOptions options_of(const NodeId& self) {
  RaftOptions options;
  options.self = self;
  options.signatures.adaptive = false;  // signing is an action
  options.signatures.max_count = UINT64_MAX;
  options.signatures.max_delay = std::chrono::hours(24 * 365 * 100);
  options.heartbeat = beat;
  options.election_timeout = timeout;
  options.max_uncommitted_entries = 0;
  return options;
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

struct Cast::Step {
  Raft core;
  std::deque<Node::Waiting> waiting = {};
  std::vector<Outputs::Send> sends = {};
  std::optional<std::string> violation = {};
};

Cast::Cast(const Bounds& bounds) : bounds_(bounds), renamings_(symmetries(bounds)) {
  for (const auto& [name, number] : renamings_.front()) names_.push_back(name);
  for (const Renaming& renaming : renamings_) {
    for (const NodeId& name : names_) renamed_.push_back(renaming.at(name));
  }
}

uint8_t Cast::place_of(const NodeId& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  ENTENTE_ASSERT(found != names_.end());
  return static_cast<uint8_t>(found - names_.begin());
}

// ------------------------------------------------------------------------------ known by a number

uint32_t Cast::known(Raft core, std::deque<Node::Waiting> waiting) {
  const auto digest = [&](const Renaming& renaming) {
    StateHasher hasher(renaming);
    const StateHash state = core.state_hash(renaming);
    hasher.add(state.low);
    hasher.add(state.high);
    for (const Node::Waiting& one : waiting) {
      hasher.add(core.epoch().value - one.epoch.value);
      hasher.add(one.upto);
    }
    return hasher.finish();
  };
  const auto number = static_cast<uint32_t>(actors_.size());
  const auto [found, fresh] = actor_numbers_.try_emplace(digest(renamings_.front()), number);
  if (!fresh) return found->second;
  for (const Renaming& renaming : renamings_) actor_digests_.push_back(digest(renaming).high);
  profiles_.push_back(profile_of(core, names_));
  actors_.push_back({std::move(core), std::move(waiting)});
  return number;
}

uint32_t Cast::known(Packet packet) {
  const auto number = static_cast<uint32_t>(letters_.size());
  const StateHash digest = digest_of(packet, renamings_.front());
  const auto [found, fresh] = letter_numbers_.try_emplace(digest, number);
  if (!fresh) return found->second;
  for (const Renaming& renaming : renamings_) {
    letter_digests_.push_back(digest_of(packet, renaming).high);
  }
  traits_.push_back(traits_of(packet, place_of(packet.from), place_of(packet.to)));
  letters_.push_back(std::move(packet));
  return number;
}

// ------------------------------------------------------------------------------------ what happens

void Cast::act(Step& step, const Input& input) const {
  const Raft before = step.core;
  Outputs outputs = step.core.step(input);
  if (!step.violation) step.violation = broken_by_step(before, step.core, input, outputs);
  const bool grew =
      outputs.append || (std::holds_alternative<input::Propose>(input) && !outputs.reject);
  for (auto& send : outputs.sends) step.sends.push_back(std::move(send));
  if (!grew) return;
  const input::Stable stable{step.core.epoch(), step.core.log().last()};
  if (bounds_.late_validation) {
    step.waiting.push_back({stable.epoch, stable.upto});
  } else {
    act(step, stable);
  }
}

void Cast::propose(Step& step, EntryMeta entry) const {
  entry.id = {step.core.view(), step.core.log().last() + 1};
  if (entry.kind == EntryKind::configuration) {
    Configuration next = *entry.configuration;
    next.seqno = entry.id.seqno;
    entry.configuration = std::move(next);
  }
  const std::vector<EntryMeta> entries{std::move(entry)};
  act(step, input::Propose{step.core.epoch(), entries, step.core.now()});
}

void Cast::perform(Step& step, Deed deed) const {
  const MonotonicTime now = step.core.now();
  EntryMeta entry;
  switch (deed.kind) {
    case Kind::deliver: {
      const Packet& packet = letters_[deed.argument];
      act(step, input::Recv{packet.from, packet.message, now});
      // Nobody refuses a pre-vote because it hears a leader: that would be as if it were lost.
      const bool hears = step.core.hears_leader() && step.core.role() != Leadership::leader;
      if (hears) act(step, input::Tick{now + timeout / 2});
      return;
    }
    case Kind::timeout:
      return act(step, input::Tick{*step.core.deadline()});
    case Kind::hear_nobody:
      return act(step, input::Tick{now + timeout});
    case Kind::heartbeat:
      return act(step, input::Tick{now + beat});
    case Kind::write:
      return propose(step, std::move(entry));
    case Kind::sign:
      entry.kind = EntryKind::signature;
      return propose(step, std::move(entry));
    case Kind::retire:
      entry.kind = EntryKind::retired;
      entry.retired = step.core.removals().to_name(step.core.log().commit());
      return propose(step, std::move(entry));
    case Kind::configure: {
      Configuration next{};
      for (const auto& voter : bounds_.configurations[deed.argument]) next.voters[{voter}] = "";
      entry.kind = EntryKind::configuration;
      entry.configuration = std::move(next);
      return propose(step, std::move(entry));
    }
    case Kind::transfer:
      return act(step, input::TransferLeadership{names_[deed.argument]});
    case Kind::stable: {
      const auto waiting = step.waiting.front();
      step.waiting.pop_front();
      return act(step, input::Stable{waiting.epoch, waiting.upto});
    }
  }
}

const Reaction& Cast::react(uint32_t actor, Deed deed) {
  const uint64_t key =
      uint64_t{actor} << 32 | static_cast<uint64_t>(deed.kind) << 28 | deed.argument;
  const auto number = static_cast<uint32_t>(reactions_.size());
  const auto [found, fresh] = reaction_numbers_.try_emplace(key, number);
  if (!fresh) return reactions_[found->second];
  Step step{actors_[actor].core, actors_[actor].waiting};
  perform(step, deed);
  act(step, input::Flush{step.core.now()});
  Reaction reaction;
  const NodeId self = step.core.id();
  reaction.violation = step.violation.value_or("");
  reaction.actor = known(std::move(step.core), std::move(step.waiting));
  for (auto& send : step.sends) {
    reaction.letters.push_back(known({self, std::move(send.to), std::move(send.message)}));
  }
  reactions_.push_back(std::move(reaction));
  return reactions_.back();
}

// ----------------------------------------------------------------------------------- the beginning

std::vector<uint32_t> Cast::first() {
  std::vector<Step> steps;
  const auto& voters = bounds_.configurations.front();
  const auto settle = [&](Step& step) {
    while (!step.waiting.empty()) perform(step, {Kind::stable});
    act(step, input::Flush{step.core.now()});
  };
  for (const NodeId& name : names_) {
    steps.push_back({Raft(options_of(name))});
    if (name.value == voters.front()) {
      act(steps.back(), input::Start{""});
    } else {
      act(steps.back(), input::Join{});
    }
  }
  Step& leader = steps[place_of({voters.front()})];
  perform(leader, {Kind::configure, 0});
  settle(leader);
  perform(leader, {Kind::sign});
  settle(leader);
  for (bool quiet = false; !quiet;) {
    quiet = true;
    for (size_t i = 0; i < names_.size(); ++i) {
      for (auto& send : std::exchange(steps[i].sends, {})) {
        quiet = false;
        Step& to = steps[place_of(send.to)];
        const uint32_t letter = known({names_[i], send.to, std::move(send.message)});
        perform(to, {Kind::deliver, letter});
        settle(to);
      }
    }
  }
  std::vector<uint32_t> out;
  for (Step& step : steps) {
    ENTENTE_ASSERT(!step.violation);
    out.push_back(known(std::move(step.core), std::move(step.waiting)));
  }
  return out;
}

}  // namespace entente::sim
