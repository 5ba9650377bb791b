#pragma once
// The work folder of a sandbox: identities, constitution, configuration, and what its node writes.

#include <optional>
#include <string>
#include <vector>

#include "cli/identity_files.h"
#include "entente/result.h"

namespace entente::cli {

struct SandboxPlan {
  std::string application;
  uint16_t port = 8000;  ///< 0: any free one
  unsigned users = 2;
  std::string constitution_folder;  ///< its *.js files, see constitution_files()
};

class SandboxFolder {
 public:
  explicit SandboxFolder(std::string path);

  const std::string& path() const { return path_; }  ///< absolute
  std::string file(const std::string& name) const;
  std::string configuration() const { return file("node.json"); }
  std::string service_certificate() const { return file("service_cert.pem"); }
  std::string output() const { return file("out"); }
  std::string errors() const { return file("err"); }
  IdentityFiles user(unsigned number) const;
  IdentityFiles member(unsigned number) const;

  /// Nothing there, or an empty folder.
  bool is_free() const;
  /// What an earlier start left, for people. Only if not free.
  std::string description() const;

  /// Makes the folder with everything that a node needs. It must be free.
  Result<void> prepare(const SandboxPlan& plan) const;

  /// host:port of the one interface, once its node listens.
  Result<std::string> rpc_address() const;
  /// Process id of the node that runs on this folder, if one does.
  std::optional<int> running_node() const;

 private:
  Result<void> write_configuration(const SandboxPlan& plan) const;
  std::string path_;
};

/// actions.js, validate.js, resolve.js, apply.js of a folder, in this order: together they are one
/// module. An error if one is missing.
Result<std::vector<std::string>> constitution_files(const std::string& folder);

}  // namespace entente::cli
