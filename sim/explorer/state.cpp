#include "sim/explorer/state.h"

#include <algorithm>

#include "base/assert.h"

namespace entente::sim {
namespace {

constexpr size_t link_capacity = 2;

// Every bit of the input reaches every bit of the output.
uint64_t mixed(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

// Places in Message::body.
enum Body : uint8_t {
  append_entries,
  append_response,
  request_pre_vote,
  request_vote,
  pre_vote_response,
  vote_response,
  propose_vote,
  removed_notice
};
template <Body place, typename As>
constexpr bool stands_at =
    std::is_same_v<std::variant_alternative_t<place, decltype(Message::body)>, As>;
static_assert(stands_at<append_entries, message::AppendEntries> &&
              stands_at<append_response, message::AppendResponse> &&
              stands_at<pre_vote_response, message::PreVoteResponse> &&
              stands_at<vote_response, message::VoteResponse> &&
              stands_at<propose_vote, message::ProposeVote>);

}  // namespace

State& State::operator=(const State& other) {
  actors = other.actors;
  configurations_left = other.configurations_left;
  writes_left = other.writes_left;
  transfers_left = other.transfers_left;
  letter_count = other.letter_count;
  leaders = other.leaders;
  std::copy_n(other.letters.begin(), letter_count, letters.begin());
  return *this;
}

void State::erase_letter(size_t at) {
  std::copy(letters.begin() + at + 1, letters.begin() + letter_count, letters.begin() + at);
  --letter_count;
}

void State::push_letter(uint32_t letter) {
  ENTENTE_ASSERT(letter_count < most_letters);
  letters[letter_count++] = letter;
}

void append(std::vector<uint32_t>& words, const State& state, size_t nodes) {
  for (size_t i = 0; i < nodes; ++i) words.push_back(state.actors[i]);
  words.push_back(uint32_t{state.configurations_left} | uint32_t{state.writes_left} << 8 |
                  uint32_t{state.transfers_left} << 16 | uint32_t{state.letter_count} << 24);
  uint32_t leaders = 0;
  for (size_t i = 0; i < State::most_views; ++i) leaders |= uint32_t{state.leaders[i]} << (4 * i);
  words.push_back(leaders);
  words.insert(words.end(), state.letters.begin(), state.letters.begin() + state.letter_count);
}

State extract(const std::vector<uint32_t>& words, size_t& at, size_t nodes) {
  State out;
  for (size_t i = 0; i < nodes; ++i) out.actors[i] = words[at++];
  const uint32_t left = words[at++];
  out.configurations_left = left & 0xff;
  out.writes_left = left >> 8 & 0xff;
  out.transfers_left = left >> 16 & 0xff;
  out.letter_count = static_cast<uint8_t>(left >> 24);
  const uint32_t leaders = words[at++];
  for (size_t i = 0; i < State::most_views; ++i) out.leaders[i] = leaders >> (4 * i) & 0xf;
  for (size_t i = 0; i < out.letter_count; ++i) out.letters[i] = words[at++];
  return out;
}

World::World(const Bounds& bounds)
    : bounds_(bounds), last_view_{first_view.value + bounds.view_changes}, cast_(bounds) {
  ENTENTE_ASSERT(bounds.view_changes < State::most_views && nodes() <= Profile::most_nodes);
}

State World::first() {
  State state;
  const auto actors = cast_.first();
  std::copy(actors.begin(), actors.end(), state.actors.begin());
  state.configurations_left = static_cast<uint8_t>(bounds_.configurations.size() - 1);
  state.writes_left = static_cast<uint8_t>(bounds_.writes);
  state.transfers_left = static_cast<uint8_t>(bounds_.transfers);
  for (size_t i = 0; i < nodes(); ++i) {
    if (profile(state, i).leads) state.leaders[0] = static_cast<uint8_t>(i + 1);
  }
  return state;
}

uint64_t World::digest(const State& state) const {
  // On ordered links, where in its link each letter stands.
  std::array<uint8_t, Profile::most_nodes * Profile::most_nodes> before{};
  std::array<uint64_t, State::most_letters> factors;
  for (size_t i = 0; i < state.letter_count; ++i) {
    const bool counts = bounds_.network == Network::ordered;
    const uint64_t place = counts ? before[cast_.traits(state.letters[i]).link]++ : 0;
    factors[i] = 2 * place + 1;
  }
  uint64_t left = state.configurations_left;
  left = left << 8 | state.writes_left;
  left = left << 8 | state.transfers_left;
  uint64_t least = UINT64_MAX;
  for (size_t r = 0; r < cast_.renamings().size(); ++r) {
    // The digest of a node or letter says whose it is, so their sum says all.
    uint64_t sum = left;
    for (size_t i = 0; i < nodes(); ++i) sum += cast_.digests_of_actor(state.actors[i])[r];
    for (size_t i = 0; i < state.letter_count; ++i) {
      sum += cast_.digests_of_letter(state.letters[i])[r] * factors[i];
    }
    uint64_t led = 0;
    for (const uint8_t leader : state.leaders) {
      led = led << 8 | (leader == 0 ? 0 : cast_.renamed(r, leader - 1u));
    }
    least = std::min(least, mixed(sum ^ mixed(led)));
  }
  return least;
}

std::string World::describe(const Successor& step) const {
  if (step.deed.kind == Kind::deliver) {
    return "deliver " + sim::describe(cast_.letter(step.deed.argument));
  }
  constexpr std::string_view names[] = {"",     "timeout",   "hear nobody", "heartbeat", "write",
                                        "sign", "configure", "retire",      "transfer",  "stable"};
  return std::string(names[static_cast<size_t>(step.deed.kind)]) + " at " +
         cast_.names()[step.node].value;
}

// ---------------------------------------------------------------------------------------- network

// Ordered links: what will be lost stays in its link until a later letter of it is delivered, which
// is as good as gone, so losing needs no action of its own. Only a full link must choose what to
// lose at once.
void World::post(const State& state, const std::vector<uint32_t>& letters) {
  variants_.assign(1, state);
  for (const uint32_t letter : letters) {
    const size_t variants = variants_.size();
    for (size_t v = 0; v < variants; ++v) {
      if (bounds_.network == Network::ordered) {
        post_ordered(v, letter);
      } else {
        post_anyhow(variants_[v], letter);
      }
    }
  }
}

void World::post_anyhow(State& state, uint32_t letter) const {
  const auto end = state.letters.begin() + state.letter_count;
  const auto at = std::lower_bound(state.letters.begin(), end, letter);
  if (at != end && *at == letter) return;
  state.push_letter(letter);
  std::rotate(at, end, end + 1);
}

void World::post_ordered(size_t variant, uint32_t letter) {
  std::array<size_t, link_capacity> there{};
  size_t count = 0;
  State& state = variants_[variant];
  for (size_t i = 0; i < state.letter_count; ++i) {
    if (same_link(state.letters[i], letter)) there[count++] = i;
  }
  // Saying the same twice in a row says nothing more.
  if (count > 0 && state.letters[there[count - 1]] == letter) return;
  if (count < link_capacity) return state.push_letter(letter);
  for (const size_t lost : there) {
    State other = variants_[variant];
    other.erase_letter(lost);
    other.push_letter(letter);
    variants_.push_back(other);
  }
}

void World::clear_links(State& state, uint8_t node, std::optional<uint8_t> other) const {
  if (bounds_.network == Network::anyhow) return;
  for (size_t i = 0; i < state.letter_count;) {
    const LetterTraits& letter = cast_.traits(state.letters[i]);
    const bool out = letter.from == node && (!other || letter.to == *other);
    const bool in = letter.to == node && (!other || letter.from == *other);
    if (out || in) {
      state.erase_letter(i);
    } else {
      ++i;
    }
  }
}

// Letters that change nothing, now or later.
bool World::ineffective(const State& state, const LetterTraits& letter) const {
  const Profile& to = profile(state, letter.to);
  switch (letter.kind) {
    case append_response:
      if (letter.view == to.view) return !to.leads && !to.stands;  // nobody leads a view again
      return letter.view < to.view;
    case vote_response:
      if (letter.view == to.view) return !letter.yes || !to.stands;
      return letter.view < to.view;
    case pre_vote_response:
      if (letter.view == to.view) return !letter.yes;
      return letter.view < to.view;
    case propose_vote:
      return letter.view < to.view;
    default:
      break;
  }
  // The answer could only tell the sender of a view that it knows; or that it is out.
  const Profile& from = profile(state, letter.from);
  if (letter.view >= to.view || from.view != last_view_.value) return false;
  if (letter.kind == append_entries) return !from.leads && !from.stands;
  return letter.kind != removed_notice && bounds_.configurations.size() == 1;
}

void World::drop_ineffective(State& state) const {
  for (size_t i = 0; i < state.letter_count;) {
    if (ineffective(state, cast_.traits(state.letters[i]))) {
      state.erase_letter(i);
    } else {
      ++i;
    }
  }
}

// ------------------------------------------------------------------------------------- what
// follows

std::string World::broken(const State& state, uint8_t changed) const {
  std::array<const Profile*, Profile::most_nodes> profiles{};
  for (size_t i = 0; i < nodes(); ++i) profiles[i] = &profile(state, i);
  return broken_between({profiles.data(), nodes()}, changed).value_or("");
}

void World::happen(const State& before, uint8_t node, Deed deed, std::vector<Successor>& out) {
  State state = before;
  const bool led = profile(state, node).leads;
  const Reaction& reaction = cast_.react(state.actors[node], deed);
  std::string_view violation = reaction.violation;
  state.actors[node] = reaction.actor;
  const Profile& now = profile(state, node);
  if (now.leads && !led) {
    uint8_t& leader = state.leaders.at(now.view - first_view.value);
    if (leader != 0 && leader != node + 1) violation = "I-2: two leaders in one view";
    leader = static_cast<uint8_t>(node + 1);
  }
  for (const uint32_t number : reaction.letters) {
    const LetterTraits& letter = cast_.traits(number);
    if (letter.kind != append_response || !letter.yes) continue;
    if (acknowledges_falsely(profile(state, letter.to), now, letter.view, letter.match)) {
      violation = "I-20: an acknowledgement of what differs";
    }
  }
  drop_ineffective(state);
  post(state, reaction.letters);
  for (State& variant : variants_) {
    if (!reaction.letters.empty()) drop_ineffective(variant);
    out.push_back({variant, deed, node, violation});
  }
}

void World::deliveries(const State& state, std::vector<Successor>& out) {
  for (size_t i = 0; i < state.letter_count; ++i) {
    const LetterTraits& letter = cast_.traits(state.letters[i]);
    const bool too_far =
        letter.kind == propose_vote && profile(state, letter.to).view >= last_view_.value;
    if (too_far) continue;
    State after = state;
    if (bounds_.network == Network::ordered) {
      // What stands before it on its link is lost.
      after.erase_letter(i);
      for (size_t k = i; k-- > 0;) {
        if (same_link(state.letters[k], state.letters[i])) after.erase_letter(k);
      }
    }
    happen(after, letter.to, {Kind::deliver, state.letters[i]}, out);
  }
}

void World::node_events(const State& state, uint8_t node, std::vector<Successor>& out) {
  const Actor& actor = cast_.actor(state.actors[node]);
  const Raft& core = actor.core;
  const auto deed = [&](Deed what) { happen(state, node, what, out); };
  if (!actor.waiting.empty()) deed({Kind::stable});
  const bool more_views = core.view() < last_view_;
  if (core.role() != Leadership::leader) {
    if (!core.deadline() || !more_views) return;
    // It stands again only when nothing can come of its last attempt any more.
    State quiet = state;
    if (core.role() != Leadership::follower) clear_links(quiet, node, std::nullopt);
    return happen(quiet, node, {Kind::timeout}, out);
  }
  const Log& log = core.log();
  for (const auto& [peer, progress] : core.progress()) {
    const bool behind = progress.match < log.last() || progress.commit_sent < log.commit();
    if (!behind) continue;
    // Heartbeats come when nothing else will.
    State quiet = state;
    const auto place = std::find(cast_.names().begin(), cast_.names().end(), peer);
    clear_links(quiet, node, static_cast<uint8_t>(place - cast_.names().begin()));
    happen(quiet, node, {Kind::heartbeat}, out);
    if (bounds_.network == Network::anyhow) break;
  }
  if (bounds_.quorum_checks && bounds_.view_changes > 0 && !core.progress().empty()) {
    deed({Kind::hear_nobody});
  }
  const bool signed_tail = log.signature_upto(log.last()).value_or(log.commit()) == log.last();
  if (!core.opened() || !signed_tail) deed({Kind::sign});
  if (!core.opened()) return;
  if (state.writes_left > 0) {
    State less = state;
    --less.writes_left;
    happen(less, node, {Kind::write}, out);
  }
  if (state.configurations_left > 0) {
    State less = state;
    const size_t which = bounds_.configurations.size() - state.configurations_left;
    --less.configurations_left;
    happen(less, node, {Kind::configure, static_cast<uint32_t>(which)}, out);
  }
  if (!log.removals().to_name(log.commit()).empty()) deed({Kind::retire});
  if (state.transfers_left == 0 || !more_views) return;
  State less = state;
  --less.transfers_left;
  for (uint32_t target = 0; target < nodes(); ++target) {
    if (target != node) happen(less, node, {Kind::transfer, target}, out);
  }
}

void World::successors(const State& state, std::vector<Successor>& out) {
  out.clear();
  deliveries(state, out);
  for (uint8_t node = 0; node < nodes(); ++node) node_events(state, node, out);
}

}  // namespace entente::sim
