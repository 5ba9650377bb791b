#pragma once
// The members of a sandbox at work: they acknowledge, open the service, add its users, trust and
// retire its nodes, by proposals and votes as the members of any service do.
// Source: docs/governance.md.

#include <string>
#include <vector>

#include "base/json.h"
#include "cli/gov_client.h"
#include "cli/sandbox_folder.h"
#include "entente/result.h"

namespace entente::cli {

class SandboxGovernance {
 public:
  /// Reads the keys of the members of this sandbox. Nothing is asked yet.
  static Result<SandboxGovernance> make(const SandboxFolder& home, unsigned members);

  /// An error as long as the node at `address` does not answer members.
  Result<void> try_node(const std::string& address) const;

  /// Every member acknowledges, then one proposal adds the users and opens the service.
  Result<void> open(const std::string& address, unsigned users);
  /// Lets a node take part that has asked to. False: it has not yet asked.
  Result<bool> trust(const std::string& address, const std::string& node_id);
  Result<void> retire(const std::string& address, const std::string& node_id);

 private:
  SandboxGovernance(SandboxFolder home, std::vector<MemberSigner> members);
  Result<GovClient> client(const std::string& address) const;
  /// The first member proposes; the members vote one after the other until it is decided.
  Result<void> decide(GovClient& client, std::vector<json::object> actions);

  SandboxFolder home_;
  std::vector<MemberSigner> members_;
};

}  // namespace entente::cli
