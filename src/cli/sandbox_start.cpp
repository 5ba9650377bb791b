#include "cli/sandbox_start.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/commands.h"
#include "cli/sandbox_repair.h"
#include "cli/sandbox_signals.h"
#include "cli/sandbox_watch.h"

namespace entente::cli {
namespace {

constexpr std::chrono::seconds longest_start{60};

int not_started(const SandboxCluster& cluster, const std::string& which,
                const SandboxFolder& folder, const std::string& why) {
  return failed((cluster.plan().nodes == 1 ? std::string("The node") : "N" + which.substr(1)) +
                " did not start: " + why + "\n" + end_of_log(folder));
}

/// Until the application of this node answers.
FailedStart wait_until_ready(SandboxCluster& cluster, SandboxMember& member,
                             const sigset_t& signals) {
  Progress progress;
  std::string last_reason;
  const auto end = std::chrono::steady_clock::now() + longest_start;
  while (std::chrono::steady_clock::now() < end) {
    if (signalled(signals, std::chrono::milliseconds(50))) return cluster.stop("");
    for (const EndedMember& ended : cluster.take_ended()) {
      return not_started(cluster, ended.name(), ended.folder,
                         "it ended " + exit_in_words(ended.exit_code));
    }
    const auto answered = cluster.try_member(member);
    if (answered) return std::nullopt;
    last_reason = answered.error().message;
    progress.say("waiting for the application to answer");
  }
  const std::string which = member.name();
  const SandboxFolder folder = member.folder;
  cluster.stop("");
  return not_started(cluster, which, folder,
                     "no answer within " + std::to_string(longest_start.count()) +
                         " seconds; the last try said: " + last_reason);
}

}  // namespace

FailedStart start_nodes(SandboxCluster& cluster, const sigset_t& signals) {
  const unsigned nodes = cluster.plan().nodes;
  fmt::print(stderr, "{}\n", nodes == 1 ? "starting the node" : "starting node 0");
  auto member = cluster.start_first();
  if (!member) return failed(member.error().message);
  if (auto code = wait_until_ready(cluster, **member, signals)) return code;
  const std::string first = (*member)->address;
  for (unsigned i = 1; i < nodes; ++i) {
    fmt::print(stderr, "starting node {}, which joins\n", i);
    member = cluster.start_joining(first);
    if (!member) return failed(member.error().message);
    if (auto code = wait_until_ready(cluster, **member, signals)) return code;
  }
  return std::nullopt;
}

FailedStart wait_until_complete(SandboxCluster& cluster, ClusterObserver& observer,
                                const sigset_t& signals) {
  Progress progress;
  ClusterView seen;
  const auto complete = [&] {
    return !complaint(seen) && seen.nodes.size() == cluster.plan().nodes &&
           std::all_of(seen.nodes.begin(), seen.nodes.end(),
                       [&](const NodeView& node) { return caught_up(node, seen); });
  };
  const auto end = std::chrono::steady_clock::now() + longest_start;
  while (std::chrono::steady_clock::now() < end) {
    seen = observer.look();
    if (complete()) return std::nullopt;
    if (signalled(signals, std::chrono::milliseconds(50))) return cluster.stop("");
    for (const EndedMember& ended : cluster.take_ended()) {
      return not_started(cluster, ended.name(), ended.folder,
                         "it ended " + exit_in_words(ended.exit_code));
    }
    progress.say("waiting for all nodes to catch up");
  }
  cluster.stop("");
  return failed("The nodes did not become one service within " +
                std::to_string(longest_start.count()) + " seconds:\n" + to_text(seen));
}

}  // namespace entente::cli
