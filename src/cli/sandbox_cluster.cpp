#include "cli/sandbox_cluster.h"

#include <algorithm>

#include "cli/commands.h"
#include "cli/service_client.h"
#include "crypto/x509.h"

namespace entente::cli {
namespace {

constexpr int patience_seconds = 5;
constexpr unsigned last_port = 65535;

/// By the certificate that the node leaves in its folder; empty as long as there is none.
std::string node_id(const SandboxFolder& folder) {
  const auto text = read_text(folder.file("node_cert.pem"));
  if (!text) return "";
  const auto certificate = crypto::Certificate::from_pem(*text);
  if (!certificate) return "";
  const auto key = certificate->public_key();
  return key ? key->id() : "";
}

}  // namespace

SandboxCluster::SandboxCluster(SandboxFolder home, SandboxPlan plan,
                               std::vector<std::string> arguments)
    : home_(std::move(home)), plan_(std::move(plan)), arguments_(std::move(arguments)) {}

Result<SandboxMember*> SandboxCluster::start(unsigned number) {
  const SandboxFolder folder = home_.node(number);
  auto process = SandboxNode::start(folder, arguments_);
  if (!process) return process.error();
  members_.push_back({number, folder, std::move(*process), "", ""});
  return &members_.back();
}

Result<SandboxMember*> SandboxCluster::start_first() {
  return start(next_number_++);
}

Result<SandboxMember*> SandboxCluster::start_joining(const std::string& target) {
  const unsigned number = next_number_++;
  // Replacements get new numbers, so that the ports may run out: then any free one will do.
  const unsigned port =
      plan_.port == 0 || plan_.port + number > last_port ? 0 : plan_.port + number;
  auto prepared = home_.node(number).prepare_to_join(home_, target, static_cast<uint16_t>(port));
  if (!prepared) return prepared.error();
  return start(number);
}

Result<void> SandboxCluster::try_member(SandboxMember& member) const {
  const auto address = member.folder.rpc_address();
  if (!address) return address.error();
  const auto context = TlsContext::make({member.folder.service_certificate(), "", ""});
  if (!context) return context.error();
  ServiceClient client(*context, *address, patience_seconds);
  if (const auto open = client.get("/app/commit"); !open) return open.error();
  member.id = node_id(member.folder);
  if (member.id.empty()) return Error{member.folder.path() + " holds no node certificate"};
  member.address = *address;
  return {};
}

std::vector<EndedMember> SandboxCluster::take_ended() {
  std::vector<EndedMember> out;
  members_.remove_if([&](SandboxMember& member) {
    if (member.id.empty()) member.id = node_id(member.folder);
    const auto code = member.process.ended();
    if (!code) return false;
    out.push_back(
        {member.number, member.folder, member.process.pid(), *code, member.id, member.address});
    return true;
  });
  return out;
}

int SandboxCluster::stop(const std::string& primary) {
  int worst = 0;
  const auto end = [&](bool last) {
    const auto due = [&](const SandboxMember& member) {
      return (!primary.empty() && member.id == primary) == last;
    };
    for (SandboxMember& member : members_) {
      if (due(member)) member.process.ask_to_end();
    }
    members_.remove_if([&](SandboxMember& member) {
      if (!due(member)) return false;
      const int code = member.process.stop();
      if (worst == 0) worst = code;
      return true;
    });
  };
  end(false);
  end(true);
  return worst;
}

}  // namespace entente::cli
