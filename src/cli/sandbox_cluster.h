#pragma once
// The nodes of a sandbox as processes: the one that starts the service, those that join it, and the
// end of all of them. Everything is called on the thread that made it, because the processes end
// with that thread.

#include <list>
#include <string>
#include <vector>

#include "cli/sandbox_folder.h"
#include "cli/sandbox_node.h"
#include "cli/tls_client.h"

namespace entente::cli {

struct SandboxMember {
  unsigned number = 0;
  SandboxFolder folder;
  SandboxNode process;
  std::string id;       ///< of the node; empty until it has made its key
  std::string address;  ///< host:port for clients; empty until its application answers

  bool serves() const { return !address.empty(); }
  std::string name() const { return "node " + std::to_string(number); }
};

/// A node whose process has ended.
struct EndedMember {
  unsigned number = 0;
  SandboxFolder folder;
  int pid = 0;
  int exit_code = 0;
  std::string id, address;  ///< as of SandboxMember

  bool served() const { return !address.empty(); }
  std::string name() const { return "node " + std::to_string(number); }
};

class SandboxCluster {
 public:
  /// `arguments`: the program and what runs a node on `node.json` of its working folder. The folder
  /// `home` is prepared for the first node.
  SandboxCluster(SandboxFolder home, SandboxPlan plan, std::vector<std::string> arguments);

  /// Starts the process of the first node.
  Result<SandboxMember*> start_first();
  /// Prepares the next folder and starts a process there that asks the node at `target` to be
  /// admitted.
  Result<SandboxMember*> start_joining(const std::string& target);

  /// Does its application answer? Then its address is known. An error as long as not.
  Result<void> try_member(SandboxMember& member) const;

  std::list<SandboxMember>& members() { return members_; }
  const std::list<SandboxMember>& members() const { return members_; }
  /// Takes out those whose process ended since the last call, and learns the ids of the others.
  std::vector<EndedMember> take_ended();

  const SandboxFolder& home() const { return home_; }
  const SandboxPlan& plan() const { return plan_; }

  /// Ends all: backups first and together, then the node with the id `primary`, so that nobody is
  /// elected meanwhile. The first exit code that is not 0, or 0.
  int stop(const std::string& primary);

 private:
  Result<SandboxMember*> start(unsigned number);

  SandboxFolder home_;
  SandboxPlan plan_;
  std::vector<std::string> arguments_;
  std::list<SandboxMember> members_;
  unsigned next_number_ = 0;
};

}  // namespace entente::cli
