#pragma once
// The work folder of a sandbox: identities, constitution, configuration, and what its first node
// writes; in it, a folder of the same layout for every further node.

#include <optional>
#include <string>
#include <vector>

#include "cli/identity_files.h"
#include "cli/sandbox_configuration.h"
#include "entente/result.h"

namespace entente::cli {

struct SandboxPlan {
  std::string application;
  uint16_t port = 8000;  ///< 0: any free one
  unsigned users = 2;
  unsigned members = 1;
  std::string constitution;  ///< folder of its scripts, see constitution_files()
  unsigned nodes = 1;        ///< how many the service is to have
};

class SandboxFolder {
 public:
  explicit SandboxFolder(std::string path);

  const std::string& path() const { return path_; }  ///< absolute
  std::string file(const std::string& name) const;
  std::string configuration() const { return file("node.json"); }
  std::string service_certificate() const { return file(sandbox_service_certificate); }
  std::string output() const { return file("out"); }
  std::string errors() const { return file("err"); }
  IdentityFiles user(unsigned number) const;
  IdentityFiles member(unsigned number) const;

  /// Where the node of this number works: this folder for 0, `node<number>` in it for others.
  SandboxFolder node(unsigned number) const;
  /// The folders of all nodes that ever were, by number.
  std::vector<SandboxFolder> nodes() const;

  /// Nothing there, or an empty folder.
  bool is_free() const;
  /// What an earlier start left, for people. Only if not free.
  std::string description() const;

  /// Makes the folder with everything that a node needs. It must be free.
  Result<void> prepare(const SandboxPlan& plan) const;
  /// Makes the folder of a node that joins the service of `home` through the node at `target`
  /// (host:port), to be reached by clients at `port`. It must be free.
  Result<void> prepare_to_join(const SandboxFolder& home, const std::string& target,
                               uint16_t port) const;

  /// host:port of the one interface, once its node listens.
  Result<std::string> rpc_address() const;
  /// Process id of the node that runs on this folder, if one does.
  std::optional<int> running_node() const;

 private:
  Result<void> write_configuration(const SandboxPlan& plan,
                                   std::vector<std::string> constitution) const;
  std::string path_;
};

}  // namespace entente::cli
