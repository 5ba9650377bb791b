#include "cli/sandbox_governance.h"

#include <map>

#include "cli/gov_actions.h"
#include "cli/gov_ballot.h"

namespace entente::cli {
namespace {

constexpr int patience_seconds = 5;

using Arguments = std::map<std::string, std::string>;

Result<json::object> action(const char* name, const Arguments& arguments,
                            const std::string& service_certificate) {
  return make_action(*find_action(name), arguments, service_certificate);
}

std::string text_at(const json::value& object, std::string_view key) {
  const json::object* fields = object.if_object();
  const json::value* found = fields == nullptr ? nullptr : fields->if_contains(key);
  return found == nullptr || !found->is_string() ? "" : std::string(found->get_string());
}

Result<GovAnswer> accepted(Result<GovAnswer> answer) {
  if (answer && !answer->accepted()) return Error{"the service refused: " + answer->refusal};
  return answer;
}

}  // namespace

SandboxGovernance::SandboxGovernance(SandboxFolder home, std::vector<MemberSigner> members)
    : home_(std::move(home)), members_(std::move(members)) {}

Result<SandboxGovernance> SandboxGovernance::make(const SandboxFolder& home, unsigned members) {
  std::vector<MemberSigner> signers;
  for (unsigned i = 0; i < members; ++i) {
    const IdentityFiles files = home.member(i);
    auto signer = signer_with_key(files.certificate, files.private_key);
    if (!signer) return signer.error();
    signers.push_back(std::move(*signer));
  }
  return SandboxGovernance(home, std::move(signers));
}

Result<GovClient> SandboxGovernance::client(const std::string& address) const {
  auto context = TlsContext::make({home_.service_certificate(), "", ""});
  if (!context) return context.error();
  return GovClient(std::move(*context), address, patience_seconds);
}

Result<void> SandboxGovernance::try_node(const std::string& address) const {
  auto client = this->client(address);
  if (!client) return client.error();
  if (const auto info = client->get_value("/service/info"); !info) return info.error();
  return {};
}

Result<void> SandboxGovernance::decide(GovClient& client, std::vector<json::object> actions) {
  const std::string content = proposal_text(std::move(actions));
  auto answer = accepted(propose(client, members_[0], content));
  for (const MemberSigner& member : members_) {
    if (!answer) return answer.error();
    if (text_at(answer->body, "proposalState") != "Open") break;
    answer = accepted(submit_ballot(client, member, text_at(answer->body, "proposalId"),
                                    accepting_ballot(content, members_[0].id())));
  }
  if (!answer) return answer.error();
  const std::string state = text_at(answer->body, "proposalState");
  if (state != "Accepted") {
    return Error{"with the votes of all members a proposal is " + state +
                 ": this constitution wants something else"};
  }
  return client.wait_for_commit(answer->transaction_id);
}

Result<void> SandboxGovernance::open(const std::string& address, unsigned users) {
  auto client = this->client(address);
  if (!client) return client.error();
  for (const MemberSigner& member : members_) {
    if (auto done = accepted(acknowledge(*client, member)); !done) return done.error();
  }
  std::vector<json::object> actions;
  for (unsigned i = 0; i < users; ++i) {
    auto user = action("set_user", {{"cert", home_.user(i).certificate}}, "");
    if (!user) return user.error();
    actions.push_back(std::move(*user));
  }
  auto opening = action("transition_service_to_open", {}, home_.service_certificate());
  if (!opening) return opening.error();
  actions.push_back(std::move(*opening));
  return decide(*client, std::move(actions));
}

Result<bool> SandboxGovernance::trust(const std::string& address, const std::string& node_id) {
  auto client = this->client(address);
  if (!client) return client.error();
  const auto node = client->get("/service/nodes/" + node_id);
  if (!node) return node.error();
  if (node->status == 404) return false;
  if (!node->accepted()) return Error{node->refusal};
  const std::string status = text_at(node->body, "status");
  if (status == "Trusted") return true;
  if (status != "Pending") return Error{"the node is " + status};
  auto trusting = action("transition_node_to_trusted", {{"node_id", node_id}}, "");
  if (!trusting) return trusting.error();
  if (auto decided = decide(*client, {std::move(*trusting)}); !decided) return decided.error();
  return true;
}

Result<void> SandboxGovernance::retire(const std::string& address, const std::string& node_id) {
  auto client = this->client(address);
  if (!client) return client.error();
  auto retiring = action("remove_node", {{"node_id", node_id}}, "");
  if (!retiring) return retiring.error();
  return decide(*client, {std::move(*retiring)});
}

}  // namespace entente::cli
