#include "gov/api_document.h"

#include <string>
#include <string_view>

namespace entente::gov {
namespace {

using json::array;
using json::object;
using json::value;

// ------------------------------------------------------------------------------------------ tables

/// Which versions have it.
enum class In : uint8_t { all, stable, preview };
bool present(In in, ApiVersion version) {
  return in == In::all || (in == In::stable) == (version == ApiVersion::stable_2024_07_01);
}

enum class Does : uint8_t { read, write, read_unmarked };

struct Operation {
  std::string_view path;
  std::string_view id;
  Does does;
  std::string_view answer;  ///< name of a definition; empty: no body
  std::string_view description;
  In in = In::all;
  bool text = false;  ///< answers with a script
};

constexpr Operation operations[] = {
    {"/gov/members/proposals", "Proposals_List", Does::read, "PagedProposal",
     "Every proposal that is still stored."},
    {"/gov/members/proposals:create", "Proposals_Create", Does::write, "Proposals.Proposal",
     "Makes a proposal out of the signed payload."},
    {"/gov/members/proposals/{proposalId}", "Proposals_Get", Does::read, "Proposals.Proposal",
     "One proposal and where it stands."},
    {"/gov/members/proposals/{proposalId}:withdraw", "Proposals_Withdraw", Does::write,
     "Proposals.Proposal", "Withdraws an open proposal, signed by its proposer."},
    {"/gov/members/proposals/{proposalId}/actions", "Proposals_GetActions", Does::read,
     "Proposals.ProposalActions", "The payload of a proposal as its proposer signed it."},
    {"/gov/members/proposals/{proposalId}/ballots/{memberId}:submit", "Ballots_Submit", Does::write,
     "Proposals.Proposal", "Votes on an open proposal."},
    {"/gov/members/proposals/{proposalId}/ballots/{memberId}", "Ballots_Get", Does::read,
     "Proposals.Ballot", "The script by which a member votes.", In::all, true},
    {"/gov/members/state-digests/{memberId}", "StateDigests_Get", Does::read, "Acks.StateDigest",
     "The digest that a member is asked to acknowledge."},
    {"/gov/members/state-digests/{memberId}:update", "StateDigests_Update", Does::write,
     "Acks.StateDigest", "Replaces that digest by the one of the latest signed state."},
    {"/gov/members/state-digests/{memberId}:ack", "StateDigests_Acknowledge", Does::write, "",
     "Acknowledges the digest; the member is active from then on."},
    {"/gov/recovery/encrypted-shares/{memberId}", "EncryptedShares_Get", Does::read_unmarked,
     "Recovery.EncryptedRecoveryShare", "The recovery share of a member, encrypted for it."},
    {"/gov/recovery/members/{memberId}:recover", "Shares_Submit", Does::write,
     "Recovery.RecoveryResponse", "Hands in a decrypted recovery share."},
    {"/gov/service/constitution", "ServiceState_GetConstitution", Does::read,
     "ServiceState.ConstitutionResponse", "The constitution in force.", In::all, true},
    {"/gov/service/info", "ServiceState_GetServiceInfo", Does::read, "ServiceState.ServiceInfo",
     "Identity, status and configuration of the service."},
    {"/gov/service/javascript-app", "ServiceState_GetJsApp", Does::read, "ServiceState.JsApp",
     "The endpoints of the JavaScript application.", In::stable},
    {"/gov/service/js-modules", "ServiceState_ListJsModules", Does::read, "PagedJsModuleNames",
     "Names of the modules; served at /gov/service/javascript-modules.", In::stable},
    {"/gov/service/js-modules/{moduleName}", "ServiceState_GetJsModule", Does::read,
     "ServiceState.JsModuleResponse",
     "Source of a module; served at /gov/service/javascript-modules/{moduleName}.", In::stable,
     true},
    {"/gov/service/javascript-modules", "ServiceState_ListJavaScriptModules", Does::read,
     "PagedJsModuleNames", "Names of the modules of the JavaScript application.", In::stable},
    {"/gov/service/javascript-modules/{moduleName}", "ServiceState_GetJavaScriptModule", Does::read,
     "ServiceState.JsModuleResponse", "Source of a module.", In::stable, true},
    {"/gov/service/join-policy", "ServiceState_GetJoinPolicies", Does::read,
     "ServiceState.JoinPolicies", "What the evidence of a joining node must match."},
    {"/gov/service/jwk", "ServiceState_GetJwkInfo", Does::read, "ServiceState.JwkInfo",
     "Issuers of tokens and their keys."},
    {"/gov/service/members", "ServiceState_ListMembers", Does::read, "PagedMember",
     "The members of the consortium."},
    {"/gov/service/members/{memberId}", "ServiceState_GetMember", Does::read, "ServiceState.Member",
     "One member."},
    {"/gov/service/users", "ServiceState_ListUsers", Does::read, "PagedUser", "The users."},
    {"/gov/service/users/{userId}", "ServiceState_GetUser", Does::read, "ServiceState.User",
     "One user."},
    {"/gov/service/nodes", "ServiceState_ListNodes", Does::read, "PagedNode",
     "The nodes of the service."},
    {"/gov/service/nodes/{nodeId}", "ServiceState_GetNode", Does::read, "ServiceState.Node",
     "One node."},
    {"/gov/service/transactions/{transactionId}", "Transactions_GetStatus", Does::read_unmarked,
     "Transactions.Transaction", "What is known of a transaction."},
    {"/gov/service/transactions/commit", "Transactions_GetCommit", Does::read_unmarked,
     "Transactions.CommittedTransaction", "The last transaction that is committed."},
};

/// Fields are `name:type`, with `!` behind those that are always there. Types: text, bytes, uri,
/// number, flag, any, `[type]` a list, `{type}` an object with names of its own, else a definition.
struct Definition {
  std::string_view name;
  std::string_view fields;
  In in = In::all;
};
constexpr Definition definitions[] = {
    {"Acks.StateDigest", "memberId:memberId! stateDigest:text!"},
    {"Azure.Core.Foundations.Error",
     "code:text! message:text! target:text details:[Azure.Core.Foundations.Error] "
     "innererror:Azure.Core.Foundations.InnerError"},
    {"Azure.Core.Foundations.ErrorResponse", "error:Azure.Core.Foundations.Error!"},
    {"Azure.Core.Foundations.InnerError", "code:text innererror:Azure.Core.Foundations.InnerError"},
    {"PagedJsModuleNames", "value:[ServiceState.JsModuleNames]! nextLink:uri", In::stable},
    {"PagedMember", "value:[ServiceState.Member]! nextLink:uri"},
    {"PagedNode", "value:[ServiceState.Node]! nextLink:uri"},
    {"PagedProposal", "value:[Proposals.Proposal]! nextLink:uri"},
    {"PagedUser", "value:[ServiceState.User]! nextLink:uri"},
    {"Proposals.Action", "name:text! args:any"},
    {"Proposals.Ballot", "script:text!"},
    {"Proposals.FailureInfo", "reason:text! trace:text"},
    {"Proposals.Proposal",
     "proposalId:proposalId! proposerId:memberId! proposalState:Proposals.ProposalState! "
     "ballotCount:safeuint! finalVotes:Proposals.MemberVotes voteFailures:Proposals.VoteFailures "
     "failure:Proposals.FailureInfo"},
    {"Proposals.ProposalActions", "actions:[Proposals.Action]!"},
    {"Recovery.EncryptedRecoveryShare", "memberId:memberId! encryptedShare:bytes!"},
    {"Recovery.Member", ""},
    {"Recovery.RecoveryResponse",
     "message:text! submittedCount:safeuint! recoveryThreshold:safeuint! fullKeySubmitted:flag"},
    {"Recovery.RecoveryShare", "share:bytes!"},
    {"ServiceState.ConstitutionResponse", "constitution:text!"},
    {"ServiceState.FeedInfo", "svn:text!"},
    {"ServiceState.JoinPolicies",
     "sgx:ServiceState.JoinPolicy! snp:ServiceState.SnpJoinPolicy! "
     "virtual:ServiceState.VirtualJoinPolicy!",
     In::stable},
    {"ServiceState.JoinPolicies", "sgx:ServiceState.JoinPolicy! snp:ServiceState.SnpJoinPolicy!",
     In::preview},
    {"ServiceState.JoinPolicy", "measurements:[text]!"},
    {"ServiceState.JsApp", "endpoints:{ServiceState.JsOperations}!", In::stable},
    {"ServiceState.JsEndpointInfo",
     "jsModule:text! jsFunction:text! forwardingRequired:ServiceState.ForwardingRequired! "
     "redirectionStrategy:text authnPolicies:[text]! mode:ServiceState.JsExecMode! openApi:{any}!",
     In::stable},
    {"ServiceState.JsModuleNames", "moduleName:text!", In::stable},
    {"ServiceState.JsModuleResponse", "source:text!", In::stable},
    {"ServiceState.Jwk",
     "certificate:ServiceState.pem publicKey:ServiceState.pem! issuer:text! constraint:text"},
    {"ServiceState.JwkInfo",
     "issuers:{ServiceState.JwtIssuer}! caCertBundles:{ServiceState.caCertBundle}! "
     "keys:{ServiceState.Jwk}!"},
    {"ServiceState.JwtIssuer", "keyPolicy:{text} autoRefresh:flag! caCertBundleName:text",
     In::stable},
    {"ServiceState.JwtIssuer",
     "keyFilter:text! keyPolicy:{text} autoRefresh:flag! caCertBundleName:text", In::preview},
    {"ServiceState.Member",
     "memberId:memberId! status:ServiceState.MemberStatus! memberData:any "
     "certificate:ServiceState.pem! publicEncryptionKey:ServiceState.pem recoveryRole:text!"},
    {"ServiceState.NetworkInterface", "publishedAddress:text! protocol:text!"},
    {"ServiceState.Node",
     "nodeId:nodeId! status:ServiceState.NodeStatus! nodeData:any certificate:ServiceState.pem! "
     "retiredCommitted:flag! quoteInfo:ServiceState.QuoteInfo! "
     "rpcInterfaces:{ServiceState.NetworkInterface}!"},
    {"ServiceState.QuoteInfo", "format:text!"},
    {"ServiceState.ServiceConfiguration",
     "recoveryThreshold:safeuint! maximumNodeCertificateValidityDays:safeuint! "
     "maximumServiceCertificateValidityDays:safeuint! recentCoseProposalsWindowSize:safeuint!"},
    {"ServiceState.ServiceInfo",
     "status:ServiceState.ServiceStatus! certificate:ServiceState.pem! recoveryCount:safeuint! "
     "creationTransactionId:transactionId! previousServiceCreationTransactionId:transactionId "
     "serviceData:any configuration:ServiceState.ServiceConfiguration!"},
    {"ServiceState.SgxQuoteInfo", "quote:bytes! endorsements:bytes!"},
    {"ServiceState.SnpJoinPolicy",
     "measurements:[text]! hostData:{text}! uvmEndorsements:{ServiceState.UvmEndorsementFeeds}! "
     "tcbVersions:{ServiceState.TcbVersion}!",
     In::stable},
    {"ServiceState.SnpJoinPolicy",
     "measurements:[text]! hostData:{text}! uvmEndorsements:{ServiceState.UvmEndorsementFeeds}!",
     In::preview},
    {"ServiceState.SnpQuoteInfo", "uvmEndorsements:bytes endorsedTcb:bytes"},
    {"ServiceState.TcbVersion",
     "hexstring:text boot_loader:number tee:number snp:number microcode:number fmc:number",
     In::stable},
    {"ServiceState.User", "userId:userId! certificate:ServiceState.pem! userData:any"},
    {"ServiceState.VirtualJoinPolicy", "measurements:[text]! hostData:[text]!", In::stable},
    {"Transactions.CommittedTransaction",
     "transactionId:transactionId! status:Transactions.TransactionStatus!"},
    {"Transactions.NamedTransaction", "status:Transactions.TransactionStatus!"},
    {"Transactions.Transaction",
     "transactionId:transactionId! status:Transactions.TransactionStatus!"},
};

/// Objects whose members all have one type.
struct Dictionary {
  std::string_view name, element;
  In in = In::all;
};
constexpr Dictionary dictionaries[] = {
    {"Proposals.MemberVotes", "flag"},
    {"Proposals.VoteFailures", "Proposals.FailureInfo"},
    {"ServiceState.JsOperations", "ServiceState.JsEndpointInfo", In::stable},
    {"ServiceState.MinimumTcbVersion", "ServiceState.TcbVersion", In::stable},
    {"ServiceState.UvmEndorsementFeeds", "ServiceState.FeedInfo"},
};

struct Enumeration {
  std::string_view name, values;
};
constexpr Enumeration enumerations[] = {
    {"Proposals.ProposalState", "Open Accepted Withdrawn Rejected Failed Dropped"},
    {"ServiceState.ForwardingRequired", "sometimes always never Sometimes Always Never"},
    {"ServiceState.JsExecMode", "readwrite readonly historical ReadWrite ReadOnly Historical"},
    {"ServiceState.MemberStatus", "Accepted Active"},
    {"ServiceState.NodeStatus", "Pending Trusted Retired"},
    {"ServiceState.ServiceStatus", "Opening Open WaitingForRecoveryShares Recovering"},
    {"Transactions.TransactionStatus", "Unknown Pending Committed Invalid"},
};

constexpr std::string_view id_pattern = "^[a-f0-9]{64}$", transaction_pattern = "^[0-9]+\\.[0-9]+$";
struct TextType {
  std::string_view name, pattern;
};
constexpr TextType text_types[] = {{"ServiceState.caCertBundle", ""},
                                   {"ServiceState.pem", ""},
                                   {"memberId", id_pattern},
                                   {"nodeId", id_pattern},
                                   {"proposalId", id_pattern},
                                   {"transactionId", transaction_pattern},
                                   {"userId", id_pattern}};

// ---------------------------------------------------------------------------------------- document

/// Splits at the first separator; the rest stays in `text`.
std::string_view next(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return part;
}

object reference(std::string_view name) {
  return {{"$ref", "#/definitions/" + std::string(name)}};
}

object schema(std::string_view type) {
  if (type.starts_with('[')) {
    return {{"type", "array"}, {"items", schema(type.substr(1, type.size() - 2))}};
  }
  if (type.starts_with('{')) {
    return {{"type", "object"}, {"additionalProperties", schema(type.substr(1, type.size() - 2))}};
  }
  if (type == "any") return {};
  if (type == "text") return {{"type", "string"}};
  if (type == "bytes") return {{"type", "string"}, {"format", "byte"}};
  if (type == "uri") return {{"type", "string"}, {"format", "uri"}};
  if (type == "number") return {{"type", "integer"}};
  if (type == "flag") return {{"type", "boolean"}};
  return reference(type);
}

object object_schema(std::string_view fields) {
  object properties;
  array required;
  while (!fields.empty()) {
    std::string_view type = next(fields, ' ');
    const std::string_view name = next(type, ':');
    if (type.ends_with('!')) {
      required.push_back(value(name));
      type.remove_suffix(1);
    }
    properties[name] = schema(type);
  }
  object out{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) out["required"] = std::move(required);
  return out;
}

array words(std::string_view text) {
  array out;
  while (!text.empty()) out.push_back(value(next(text, ' ')));
  return out;
}

object text_schema(std::string_view pattern) {
  object out{{"type", "string"}};
  if (!pattern.empty()) out["pattern"] = pattern;
  return out;
}

object all_definitions(ApiVersion version) {
  object out;
  for (const Definition& definition : definitions) {
    if (present(definition.in, version)) out[definition.name] = object_schema(definition.fields);
  }
  for (const Dictionary& dictionary : dictionaries) {
    if (!present(dictionary.in, version)) continue;
    out[dictionary.name] =
        object{{"type", "object"}, {"additionalProperties", schema(dictionary.element)}};
  }
  for (const Enumeration& enumeration : enumerations) {
    out[enumeration.name] = object{{"type", "string"}, {"enum", words(enumeration.values)}};
  }
  for (const TextType& type : text_types) out[type.name] = text_schema(type.pattern);
  out["Versions"] = object{{"type", "string"}, {"enum", array{value(to_text(version))}}};
  out["safeuint"] = object{{"type", "integer"}, {"format", "int64"}, {"minimum", 0}};
  return out;
}

array parameters(const Operation& operation) {
  array out{object{{"$ref", "#/parameters/Azure.Core.Foundations.ApiVersionParameter"}}};
  std::string_view path = operation.path;
  while (next(path, '{'), !path.empty()) {
    const std::string_view name = next(path, '}');
    const bool id = name.ends_with("Id");
    const std::string_view pattern = name == "transactionId" ? transaction_pattern : id_pattern;
    object parameter = text_schema(id ? pattern : "");
    parameter["name"] = name;
    parameter["in"] = "path";
    parameter["required"] = true;
    out.push_back(std::move(parameter));
  }
  if (operation.does == Does::write) {
    out.push_back(object{{"$ref", "#/parameters/CoseSignature.body"}});
  }
  return out;
}

object responses(const Operation& operation) {
  object success{{"description", operation.answer.empty() ? "Done." : "The request succeeded."}};
  if (!operation.answer.empty()) success["schema"] = reference(operation.answer);
  if (operation.does != Does::read_unmarked) {
    success["headers"] =
        object{{"x-ms-ccf-transaction-id",
                object{{"type", "string"},
                       {"pattern", transaction_pattern},
                       {"description", operation.does == Does::write
                                           ? "The transaction that this request became."
                                           : "The transaction after which the state was read."}}}};
  }
  object out{{operation.answer.empty() ? "204" : "200", std::move(success)}};
  out["default"] = object{{"description", "The request was refused."},
                          {"schema", reference("Azure.Core.Foundations.ErrorResponse")}};
  return out;
}

object describe(const Operation& operation) {
  object out{{"operationId", operation.id},
             {"description", operation.description},
             {"parameters", parameters(operation)},
             {"responses", responses(operation)}};
  if (operation.does == Does::write) out["consumes"] = array{"application/cose"};
  if (operation.text) out["produces"] = array{"text/javascript", "application/json"};
  return out;
}

object shared_parameters() {
  return {
      {"Azure.Core.Foundations.ApiVersionParameter",
       object{{"name", "api-version"},
              {"in", "query"},
              {"description", "Version of this interface that the client speaks."},
              {"required", true},
              {"type", "string"},
              {"minLength", 1}}},
      {"CoseSignature.body", object{{"name", "body"},
                                    {"in", "body"},
                                    {"description", "A COSE_Sign1 message signed by a member."},
                                    {"required", true},
                                    {"schema", object{{"type", "string"}, {"format", "binary"}}}}}};
}

}  // namespace

json::value api_document(ApiVersion version) {
  object paths;
  for (const Operation& operation : operations) {
    if (!present(operation.in, version)) continue;
    const std::string_view verb = operation.does == Does::write ? "post" : "get";
    paths[operation.path] = object{{verb, describe(operation)}};
  }
  const bool preview = version == ApiVersion::preview_2023_06_01;
  return object{{"swagger", "2.0"},
                {"info", object{{"title", preview ? "Managed CCF Governance" : "CCF Governance"},
                                {"version", to_text(version)}}},
                {"schemes", array{"https"}},
                {"consumes", array{"application/json"}},
                {"produces", array{"application/json"}},
                {"tags", array{}},
                {"paths", std::move(paths)},
                {"definitions", all_definitions(version)},
                {"parameters", shared_parameters()}};
}

std::vector<rpc::PublishedDocument> api_documents() {
  std::vector<rpc::PublishedDocument> documents;
  for (const ApiVersion version : {ApiVersion::preview_2023_06_01, ApiVersion::stable_2024_07_01}) {
    documents.push_back({std::string(to_text(version)), json::dump(api_document(version))});
  }
  return documents;
}

}  // namespace entente::gov
