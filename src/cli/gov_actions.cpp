#include "cli/gov_actions.h"

#include <algorithm>

namespace entente::cli {
namespace {

using K = ArgumentKind;
constexpr bool required = true, optional = false;

constexpr ActionArgument member_id{"member_id", K::id, required, "The member"};
constexpr ActionArgument user_id{"user_id", K::id, required, "The user"};
constexpr ActionArgument node_id{"node_id", K::id, required, "The node"};
constexpr ActionArgument valid_from{"valid_from", K::time, optional,
                                    "Beginning of the validity: 220101143018Z, 2022-01-01 14:30:18",
                                    "now"};
constexpr ActionArgument days{"validity_period_days", K::integer, optional,
                              "Validity in days; without it the service's maximum"};
constexpr ActionArgument issuer{"issuer", K::text, required, "The issuer, usually its URL"};
constexpr ActionArgument cpuid{"cpuid", K::text, required, "8 lower-case hex digits"};

constexpr ActionArgument set_constitution[] = {
    {"constitution", K::constitution, required,
     "A script, or a folder with those of a constitution"}};
constexpr ActionArgument set_member[] = {
    {"cert", K::certificate, required, "The member's certificate"},
    {"encryption_pub_key", K::file, optional,
     "RSA public key (PEM): the member holds a recovery share"},
    {"member_data", K::json, optional, "What the constitution may want to know of the member"},
    {"recovery_role", K::text, optional,
     "NonParticipant, Participant or Owner (of the whole key)"}};
constexpr ActionArgument remove_member[] = {member_id};
constexpr ActionArgument set_member_data[] = {
    member_id, {"member_data", K::json, required, "Replaces what was there"}};
constexpr ActionArgument set_user[] = {
    {"cert", K::certificate, required, "The user's certificate"},
    {"user_data", K::json, optional, "What the application may want to know of the user"}};
constexpr ActionArgument remove_user[] = {user_id};
constexpr ActionArgument set_user_data[] = {
    user_id,
    {"user_data", K::json, optional, "Replaces what was there; without it that is removed"}};
constexpr ActionArgument set_recovery_threshold[] = {
    {"recovery_threshold", K::integer, required, "How many shares recover the service, 1 to 254"}};
constexpr ActionArgument set_service_configuration[] = {
    {"recovery_threshold", K::integer, optional, "How many shares recover the service, 1 to 254"},
    {"recent_cose_proposals_window_size", K::integer, optional,
     "How many proposals are remembered against replays, 1 to 10000"},
    {"reconfiguration_type", K::text, optional, "TwoTransaction"}};
constexpr ActionArgument transition_service_to_open[] = {
    {"next_service_identity", K::certificate, optional,
     "The service's certificate; without it that of --service-cert", "@service"},
    {"previous_service_identity", K::certificate, optional,
     "After a recovery: the certificate that it had before"}};
constexpr ActionArgument assert_service_identity[] = {
    {"service_identity", K::certificate, optional,
     "The service's certificate; without it that of --service-cert", "@service"}};
constexpr ActionArgument service_validity[] = {valid_from, days};
constexpr ActionArgument node_validity[] = {node_id, valid_from, days};
constexpr ActionArgument remove_node[] = {node_id};
constexpr ActionArgument set_node_data[] = {
    node_id, {"node_data", K::json, required, "Replaces what was there"}};
constexpr ActionArgument code_id[] = {{"code_id", K::text, required, "The measurement, hex"}};
constexpr ActionArgument measurement[] = {{"measurement", K::text, required, "The measurement"}};
constexpr ActionArgument add_uvm[] = {
    {"did", K::text, required, "Issuer of the endorsement: did:x509:..."},
    {"feed", K::text, required, "Its feed"},
    {"svn", K::text, required, "The oldest version that may join"}};
constexpr ActionArgument remove_uvm[] = {add_uvm[0], add_uvm[1]};
constexpr ActionArgument add_host_data[] = {
    {"host_data", K::text, required, "SHA-256 of the policy, hex"},
    {"security_policy", K::file, optional, "The policy; without it only the digest is known",
     "@empty"}};
constexpr ActionArgument host_data[] = {{"host_data", K::text, required, "As it was added"}};
constexpr ActionArgument tcb_parts[] = {
    cpuid, {"tcb_version", K::json, required, "{boot_loader, tee, snp, microcode}"}};
constexpr ActionArgument tcb_hex[] = {
    cpuid, {"tcb_version", K::text, required, "16 lower-case hex digits"}};
constexpr ActionArgument tcb_cpuid[] = {cpuid};
constexpr ActionArgument set_js_app[] = {
    {"bundle", K::bundle, required, "JSON of the application, or a folder with app.json and src/"},
    {"disable_bytecode_cache", K::boolean, optional, "Compile at every use"}};
constexpr ActionArgument set_js_runtime_options[] = {
    {"max_heap_bytes", K::integer, required, "Memory of one call"},
    {"max_stack_bytes", K::integer, required, "Stack of one call"},
    {"max_execution_time_ms", K::integer, required, "Time of one call"},
    {"log_exception_details", K::boolean, optional, "Exceptions are written to the log"},
    {"return_exception_details", K::boolean, optional, "Exceptions are sent to the client"},
    {"max_cached_interpreters", K::integer, optional, "How many are kept for re-use"}};
constexpr ActionArgument set_ca_cert_bundle[] = {
    {"name", K::text, required, "How issuers name the bundle"},
    {"cert_bundle", K::certificate, required, "The certificates, one after the other"}};
constexpr ActionArgument bundle_name[] = {{"name", K::text, required, "The bundle"}};
constexpr ActionArgument set_jwt_issuer[] = {
    issuer,
    {"auto_refresh", K::boolean, optional, "The service fetches the issuer's keys by itself"},
    {"ca_cert_bundle_name", K::text, optional, "Against which its server is checked then"},
    {"jwks", K::json, optional, "The issuer's keys, a JSON web key set"}};
constexpr ActionArgument set_jwt_keys[] = {issuer,
                                           {"jwks", K::json, required, "A JSON web key set"}};
constexpr ActionArgument remove_jwt_issuer[] = {issuer};
constexpr ActionArgument cleanup_jwt[] = {{"ensure_new_records_exist", K::boolean, optional,
                                           "Refuse if there are no keys in the new form"}};

constexpr std::span<const ActionArgument> none;
constexpr ActionDescription actions[] = {
    {"set_user", "Add a user, or give a known one other data", set_user},
    {"remove_user", "Remove a user", remove_user},
    {"set_user_data", "Replace what the application knows of a user", set_user_data},
    {"set_member", "Add a member, who then acknowledges, or register a known one anew", set_member},
    {"remove_member", "Remove a member; its recovery share is worthless then", remove_member},
    {"set_member_data", "Replace what the constitution knows of a member", set_member_data},
    {"set_constitution", "Replace the constitution; other open proposals are dropped",
     set_constitution},
    {"transition_service_to_open", "Open the service to its users", transition_service_to_open},
    {"transition_node_to_trusted", "Let a pending node take part", node_validity},
    {"remove_node", "Retire a node, or forget a pending one", remove_node},
    {"set_node_data", "Replace the data of a node", set_node_data},
    {"set_node_certificate_validity", "Renew the certificate of a node", node_validity},
    {"set_all_nodes_certificate_validity", "Renew those of all trusted nodes", service_validity},
    {"set_service_certificate_validity", "Renew the service's certificate; its key stays",
     service_validity},
    {"assert_service_identity", "Refuse the whole proposal at any other service",
     assert_service_identity},
    {"set_recovery_threshold", "Change how many shares recover the service",
     set_recovery_threshold},
    {"set_service_configuration", "Change several settings at once", set_service_configuration},
    {"trigger_recovery_shares_refresh", "Give all recovery members new shares", none},
    {"trigger_ledger_rekey", "Encrypt the ledger with a new secret from here on", none},
    {"trigger_ledger_chunk", "End the present ledger file at the next signature", none},
    {"trigger_snapshot", "Take a snapshot at the next signature", none},
    {"add_virtual_measurement", "Virtual nodes of this measurement may join", measurement},
    {"remove_virtual_measurement", "They may no longer join", measurement},
    {"add_virtual_host_data", "Virtual nodes running this program may join", host_data},
    {"remove_virtual_host_data", "They may no longer join", host_data},
    {"add_snp_measurement", "SEV-SNP nodes of this measurement may join", measurement},
    {"remove_snp_measurement", "They may no longer join", measurement},
    {"add_snp_host_data", "SEV-SNP nodes under this policy may join", add_host_data},
    {"remove_snp_host_data", "They may no longer join", host_data},
    {"add_snp_uvm_endorsement", "SEV-SNP nodes with this endorsement may join", add_uvm},
    {"remove_snp_uvm_endorsement", "They may no longer join", remove_uvm},
    {"set_snp_minimum_tcb_version", "Oldest firmware of a processor that may join", tcb_parts},
    {"set_snp_minimum_tcb_version_hex", "The same, as the processor reports it", tcb_hex},
    {"remove_snp_minimum_tcb_version", "No node on such a processor may join", tcb_cpuid},
    {"add_node_code", "SGX nodes of this measurement may join", code_id},
    {"remove_node_code", "They may no longer join", code_id},
    {"set_js_app", "Install a JavaScript application", set_js_app},
    {"remove_js_app", "Remove the JavaScript application", none},
    {"set_js_runtime_options", "Limits of JavaScript calls", set_js_runtime_options},
    {"refresh_js_app_bytecode_cache", "Compile the application anew", none},
    {"set_ca_cert_bundle", "Certificates against which other servers are checked",
     set_ca_cert_bundle},
    {"remove_ca_cert_bundle", "Remove such certificates", bundle_name},
    {"set_jwt_issuer", "Accept JSON web tokens of an issuer", set_jwt_issuer},
    {"remove_jwt_issuer", "Accept them no longer", remove_jwt_issuer},
    {"set_jwt_public_signing_keys", "Replace the keys of an issuer", set_jwt_keys},
    {"cleanup_legacy_jwt_records", "Remove keys as old releases stored them", cleanup_jwt},
};

}  // namespace

std::span<const ActionDescription> known_actions() {
  return actions;
}

const ActionDescription* find_action(std::string_view name) {
  const auto found = std::find_if(std::begin(actions), std::end(actions),
                                  [&](const ActionDescription& one) { return one.name == name; });
  return found == std::end(actions) ? nullptr : found;
}

std::string option_of(const ActionArgument& argument) {
  std::string out = "--" + std::string(argument.name);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

std::string proposal_text(std::vector<json::object> list) {
  json::array out;
  for (json::object& one : list) out.push_back(std::move(one));
  return json::dump(json::object{{"actions", std::move(out)}});
}

}  // namespace entente::cli
