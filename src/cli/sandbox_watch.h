#pragma once
// A sandbox while it runs: says how it is, what happened to nodes that end, and replaces them if
// asked to.

#include <chrono>
#include <csignal>
#include <map>
#include <optional>
#include <string>

#include "cli/cluster_observer.h"
#include "cli/sandbox_cluster.h"
#include "cli/sandbox_governance.h"
#include "cli/sandbox_repair.h"
#include "cli/status_line.h"

namespace entente::cli {

class SandboxWatch {
 public:
  /// All nodes of the cluster serve. `heal`: replace nodes that end, as `governance` decides.
  SandboxWatch(SandboxCluster& cluster, SandboxGovernance& governance, ClusterObserver observer,
               TlsContext context, bool heal);

  /// Until one of `signals` comes (then all nodes are ended), or no node is left. A service that
  /// has lost its majority is kept: its nodes hold what was committed. Exit code: 1 after such a
  /// loss.
  int run(const sigset_t& signals);

 private:
  using Clock = std::chrono::steady_clock;

  void look();
  void bury(const EndedMember& ended);
  void say_what_remains(const EndedMember& ended);
  int end_of_the_only_node(const EndedMember& ended);
  void welcome_joining();
  void trust(const SandboxMember& joining);
  void repair();
  void replace();
  void retire(const std::string& id);
  void remove(const std::string& id);
  void failed_to_join();
  bool alive(const std::string& id) const;
  std::string name(const std::string& id) const;
  int end_all();

  SandboxCluster& cluster_;
  SandboxGovernance& governance_;
  ClusterObserver observer_;
  TlsContext context_;
  bool heal_;
  StatusLine line_;

  ClusterView last_;  ///< of the last look
  Clock::time_point looked_at_;
  std::vector<VotersView> configurations_;    ///< of the last look that found some
  std::string primary_;                       ///< id of the last one that was seen
  std::map<std::string, std::string> names_;  ///< by id, of all that ever joined
  std::map<std::string, EndedMember> dead_;   ///< by id, until the service forgets them
  std::optional<Clock::time_point> joining_since_;
  int failures_ = 0;  ///< replacements in a row that did not join
  std::string complaint_;
  bool majority_lost_ = false;
};

/// The end of a node's log, for people.
std::string end_of_log(const SandboxFolder& folder);

}  // namespace entente::cli
