#include "cli/sandbox_start.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "cli/commands.h"
#include "cli/sandbox_repair.h"
#include "cli/sandbox_signals.h"
#include "cli/sandbox_watch.h"

namespace entente::cli {
namespace {

constexpr std::chrono::seconds longest_start{60};
constexpr std::chrono::milliseconds between_tries{20};

int not_started(const SandboxCluster& cluster, const std::string& which,
                const SandboxFolder& folder, const std::string& why) {
  return failed((cluster.plan().nodes == 1 ? std::string("The node") : "N" + which.substr(1)) +
                " did not start: " + why + "\n" + end_of_log(folder));
}

/// One step on the way: true once it is done, false as long as it is not possible yet. Errors too
/// may pass, unless they are `final`.
struct Step {
  const char* waiting_for;
  std::function<Result<bool>(bool& final)> attempt;
};

/// Tries until it is done, the node has ended, or the time is over.
FailedStart wait_until(SandboxCluster& cluster, SandboxMember& member, const sigset_t& signals,
                       const Step& step) {
  Progress progress;
  std::string last_reason = "nothing";
  const auto give_up = [&](const std::string& why) {
    const std::string which = member.name();
    const SandboxFolder folder = member.folder;
    cluster.stop("");
    return not_started(cluster, which, folder, why);
  };
  const auto end = std::chrono::steady_clock::now() + longest_start;
  while (std::chrono::steady_clock::now() < end) {
    if (signalled(signals, between_tries)) return cluster.stop("");
    for (const EndedMember& ended : cluster.take_ended()) {
      return not_started(cluster, ended.name(), ended.folder,
                         "it ended " + exit_in_words(ended.exit_code));
    }
    bool final = false;
    const auto done = step.attempt(final);
    if (done && *done) return std::nullopt;
    if (!done) last_reason = done.error().message;
    if (final) return give_up(last_reason);
    progress.say(std::string("waiting for ") + step.waiting_for);
  }
  return give_up("no success within " + std::to_string(longest_start.count()) +
                 " seconds; the last try said: " + last_reason);
}

Result<bool> done(const Result<void>& result) {
  if (!result) return result.error();
  return true;
}

Step application_answers(SandboxCluster& cluster, SandboxMember& member) {
  return {"the application to answer", [&](bool&) { return done(cluster.try_member(member)); }};
}

Step service_opens(SandboxCluster& cluster, SandboxGovernance& governance, SandboxMember& member) {
  return {"the members to open the service", [&](bool& final) -> Result<bool> {
            const auto address = member.folder.rpc_address();
            if (!address) return address.error();
            if (auto ready = governance.try_node(*address); !ready) return ready.error();
            final = true;
            return done(governance.open(*address, cluster.plan().users));
          }};
}

Step node_is_trusted(SandboxGovernance& governance, SandboxMember& member,
                     const std::string& address) {
  return {"the members to trust the node", [&](bool& final) -> Result<bool> {
            if (member.id.empty()) return false;
            auto trusted = governance.trust(address, member.id);
            final = !trusted;
            return trusted;
          }};
}

}  // namespace

FailedStart start_nodes(SandboxCluster& cluster, SandboxGovernance& governance,
                        const sigset_t& signals) {
  const unsigned nodes = cluster.plan().nodes;
  fmt::print(stderr, "{}\n", nodes == 1 ? "starting the node" : "starting node 0");
  auto member = cluster.start_first();
  if (!member) return failed(member.error().message);
  const Step opening = service_opens(cluster, governance, **member);
  if (auto code = wait_until(cluster, **member, signals, opening)) return code;
  fmt::print(stderr, "opened by its members\n");
  const Step first_answers = application_answers(cluster, **member);
  if (auto code = wait_until(cluster, **member, signals, first_answers)) return code;
  const std::string first = (*member)->address;
  for (unsigned i = 1; i < nodes; ++i) {
    fmt::print(stderr, "starting node {}, which joins\n", i);
    member = cluster.start_joining(first);
    if (!member) return failed(member.error().message);
    const Step trusted = node_is_trusted(governance, **member, first);
    if (auto code = wait_until(cluster, **member, signals, trusted)) return code;
    const Step answers = application_answers(cluster, **member);
    if (auto code = wait_until(cluster, **member, signals, answers)) return code;
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
