#include "cli/sandbox_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/sandbox_signals.h"
#include "cli/sandbox_status.h"

namespace entente::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds attention{200};
constexpr seconds between_looks{1};
constexpr seconds longest_join{120};
constexpr int most_failures = 3;
constexpr int patience_seconds = 5;

size_t voters_that_live(const std::vector<VotersView>& configurations,
                        const std::function<bool(const std::string&)>& lives) {
  if (configurations.empty()) return 0;
  const auto& newest = configurations.back().nodes;
  return static_cast<size_t>(std::count_if(newest.begin(), newest.end(), lives));
}

bool votes(const std::vector<VotersView>& configurations, const std::string& id) {
  return std::any_of(configurations.begin(), configurations.end(),
                     [&](const VotersView& one) { return one.nodes.contains(id); });
}

}  // namespace

std::string end_of_log(const SandboxFolder& folder) {
  constexpr size_t lines_shown = 10;
  std::string text;
  for (const std::string& path : {folder.errors(), folder.output()}) {
    const std::string lines = last_lines(path, lines_shown);
    if (!lines.empty()) text += "The end of " + path + ":\n" + lines;
  }
  return text + "The whole log is " + folder.output();
}

SandboxWatch::SandboxWatch(SandboxCluster& cluster, SandboxGovernance& governance,
                           ClusterObserver observer, TlsContext context, bool heal)
    : cluster_(cluster),
      governance_(governance),
      observer_(std::move(observer)),
      context_(std::move(context)),
      heal_(heal),
      line_(StatusLine::on_standard_error()) {
  for (const SandboxMember& member : cluster_.members()) names_[member.id] = member.name();
}

bool SandboxWatch::alive(const std::string& id) const {
  const auto& members = cluster_.members();
  return std::any_of(members.begin(), members.end(),
                     [&](const SandboxMember& member) { return member.id == id; });
}

std::string SandboxWatch::name(const std::string& id) const {
  const auto found = names_.find(id);
  return found == names_.end() ? short_id(id) : found->second;
}

int SandboxWatch::run(const sigset_t& signals) {
  const bool alone = cluster_.plan().nodes == 1;
  Clock::time_point next_look = Clock::now();
  while (!signalled(signals, attention)) {
    for (const EndedMember& ended : cluster_.take_ended()) {
      if (alone) return end_of_the_only_node(ended);
      bury(ended);
    }
    if (cluster_.members().empty()) {
      line_.clear();
      return failed(
          "The service has ENDED: no node is left. What was committed is in the ledgers.");
    }
    if (alone || Clock::now() < next_look) continue;
    look();
    if (heal_) {
      welcome_joining();
      repair();
    }
    next_look = Clock::now() + between_looks;
  }
  return end_all();
}

/// Asks all nodes and shows what they say.
void SandboxWatch::look() {
  const auto before = committed_of(last_);
  const auto last_time = looked_at_;
  last_ = observer_.look();
  looked_at_ = Clock::now();
  const auto now = committed_of(last_);
  std::optional<double> rate;
  if (before && now && now->seqno >= before->seqno) {
    const std::chrono::duration<double> passed = looked_at_ - last_time;
    rate = static_cast<double>(now->seqno.value - before->seqno.value) / passed.count();
  }
  if (auto found = configurations_of(last_); !found.empty()) configurations_ = std::move(found);
  if (const NodeView* primary = primary_of(last_)) primary_ = primary->id;
  line_.show(sandbox_status(
      last_, [this](const std::string& id) { return name(id); }, rate));
}

int SandboxWatch::end_of_the_only_node(const EndedMember& ended) {
  return failed("The service has ENDED: its node ended by itself, " +
                exit_in_words(ended.exit_code) + "\n" + end_of_log(ended.folder));
}

/// Says what happened.
void SandboxWatch::bury(const EndedMember& ended) {
  line_.say(fmt::format("{} ({}, process {}) ended, {}\n{}", ended.name(),
                        ended.served() ? ended.address : "not yet joined", ended.pid,
                        exit_in_words(ended.exit_code), end_of_log(ended.folder)));
  if (!ended.served()) failed_to_join();
  if (ended.id.empty()) return;
  names_[ended.id] = ended.name();
  dead_.emplace(ended.id, ended);
  look();  // what the others say now
  say_what_remains(ended);
}

void SandboxWatch::say_what_remains(const EndedMember& ended) {
  const auto lives = [this](const std::string& id) { return alive(id); };
  const std::string counted =
      configurations_.empty()
          ? "no node says who the others are"
          : fmt::format("{} of {} nodes live", voters_that_live(configurations_, lives),
                        configurations_.back().nodes.size());
  if (!majority(configurations_, lives)) {
    majority_lost_ = true;
    return line_.say("The service has LOST ITS MAJORITY: " + counted +
                     ". Nothing can be committed any more, and no dead node can be replaced.\n"
                     "Nothing that was committed is lost: those that are left have it in their "
                     "ledgers and answer reads. Ctrl-C ends them.");
  }
  if (!votes(configurations_, ended.id)) {
    return line_.say("The service goes on: that node had no vote in it.");
  }
  line_.say(fmt::format("The service goes on: {}, a majority. {}", counted,
                        heal_ ? "The dead one is being replaced."
                              : "The dead one is not replaced (with --heal it would be)."));
}

int SandboxWatch::end_all() {
  line_.clear();
  const bool one = cluster_.members().size() == 1;
  fmt::print(stderr, "\nending {}\n", one ? "the node" : "the nodes");
  if (!one) {  // who is primary now?
    last_ = observer_.look();
    if (const NodeView* primary = primary_of(last_)) primary_ = primary->id;
  }
  const int code = cluster_.stop(primary_);
  if (code != 0) {
    return failed(std::string(one ? "the node" : "a node") + " ended with exit code " +
                  std::to_string(code));
  }
  fmt::print(stderr, "ended\n");
  return majority_lost_ ? exit_code::failure : exit_code::success;
}

// --------------------------------------------------------------------------------------- healing

void SandboxWatch::failed_to_join() {
  joining_since_.reset();
  if (++failures_ < most_failures) {
    line_.say("The replacement did not join. Another one will be started.");
    return;
  }
  heal_ = false;
  line_.say(fmt::format("{} replacements in a row did not join: nothing is replaced any more.",
                        most_failures));
}

/// Has the replacement joined meanwhile?
void SandboxWatch::welcome_joining() {
  if (!joining_since_) return;
  for (SandboxMember& member : cluster_.members()) {
    if (member.serves()) continue;
    if (!member.id.empty()) trust(member);
    const auto answers = cluster_.try_member(member);
    if (answers) {
      joining_since_.reset();
      failures_ = 0;
      names_[member.id] = member.name();
      line_.say(member.name() + " (" + member.address + ") has joined and catches up");
      return;
    }
    if (Clock::now() - *joining_since_ < longest_join) return;
    line_.say(fmt::format("{} did not answer within {} seconds; the last try said: {}",
                          member.name(), longest_join.count(), answers.error().message));
    member.process.stop();  // bury() says the rest
    return;
  }
}

void SandboxWatch::repair() {
  Fleet fleet;
  fleet.wanted = cluster_.plan().nodes;
  fleet.joining = joining_since_.has_value();
  for (const SandboxMember& member : cluster_.members()) {
    if (member.serves()) fleet.alive.insert(member.id);
  }
  for (const auto& [id, ended] : dead_) fleet.dead.insert(id);
  const Repair next = next_repair(last_, fleet);
  switch (next.kind) {
    case Repair::Kind::none:
      return;
    case Repair::Kind::start_node:
      return replace();
    case Repair::Kind::retire:
      return retire(next.id);
    case Repair::Kind::remove:
      return remove(next.id);
  }
}

void SandboxWatch::replace() {
  const auto member = cluster_.start_joining(primary_of(last_)->address);
  if (!member) {
    line_.say(member.error().message);
    return failed_to_join();
  }
  joining_since_ = Clock::now();
  line_.say("starting " + (*member)->name() + " in " + (*member)->folder.path());
}

/// The members let the replacement take part, once it has asked to.
void SandboxWatch::trust(const SandboxMember& joining) {
  const NodeView* primary = primary_of(last_);
  if (primary == nullptr) return;
  const auto trusted = governance_.trust(primary->address, joining.id);
  if (trusted) return;
  const std::string why = trusted.error().message;
  if (why != complaint_) {
    line_.say(joining.name() + " is not trusted yet, trying again: " + why);
  }
  complaint_ = why;
}

void SandboxWatch::retire(const std::string& id) {
  const auto retired = governance_.retire(primary_of(last_)->address, id);
  if (retired) return line_.say(name(id) + " is retired by its members' votes");
  const std::string why = retired.error().message;
  if (why != complaint_) line_.say(name(id) + " is not retired yet, trying again: " + why);
  complaint_ = why;
}

void SandboxWatch::remove(const std::string& id) {
  const auto answer = call_following(context_, primary_of(last_)->address, "DELETE",
                                     "/node/network/nodes/" + id, patience_seconds);
  if (answer && (answer->status == 200 || answer->status == 404)) {
    dead_.erase(id);
    return line_.say(name(id) + " is gone from the service: healed");
  }
  const std::string why = answer ? in_words(*answer) : answer.error().message;
  if (why != complaint_) line_.say(name(id) + " is not deleted yet, trying again: " + why);
  complaint_ = why;
}

}  // namespace entente::cli
