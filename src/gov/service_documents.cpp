#include "gov/service_documents.h"

#include "base/encoding.h"
#include "crypto/pem.h"
#include "gov/jwt_keys.h"
#include "gov/tables.h"
#include "tee/virtual_platform.h"

namespace entente::gov::documents {
namespace {

std::optional<std::string> text_at(kv::ReadOnlyTx& tx, std::string_view table,
                                   const std::string& key) {
  const auto value = tx.ro(table).get(as_bytes(key));
  if (!value) return std::nullopt;
  return to_text(*value);
}

/// A member of an object, or what to show in its place.
json::value member_or(const json::object& object, std::string_view name, json::value otherwise) {
  const json::value* found = object.if_contains(name);
  return found == nullptr ? std::move(otherwise) : *found;
}

void copy_if_present(const json::object& from, std::string_view name, json::object& to,
                     std::string_view as) {
  if (const json::value* found = from.if_contains(name)) to[as] = *found;
}

/// Rows of a table of JSON values, by key.
json::object rows(kv::ReadOnlyTx& tx, std::string_view table) {
  json::object out;
  tx.ro(table).foreach ([&](BytesView key, BytesView value) {
    auto document = json::parse(as_text(value));
    if (!document) tables::refuse(table, key, document.error().message);
    out[as_text(key)] = std::move(*document);
    return true;
  });
  return out;
}

json::array keys(kv::ReadOnlyTx& tx, std::string_view table) {
  json::array out;
  tx.ro(table).foreach_key([&](BytesView key) {
    out.emplace_back(as_text(key));
    return true;
  });
  return out;
}

// ------------------------------------------------------------------------------------------ nodes

json::object virtual_details(const json::object& quote_info) {
  json::object details;
  const auto quote = from_base64(member_or(quote_info, "quote", "").as_string());
  const auto document = quote ? json::parse(as_text(*quote)) : Result<json::value>(Error{});
  const json::object* claims = document ? document->if_object() : nullptr;
  if (claims == nullptr) return details;
  copy_if_present(*claims, "measurement", details, "measurement");
  copy_if_present(*claims, "report_data", details, "reportData");
  copy_if_present(*claims, "host_data", details, "hostData");
  return details;
}

json::object quote_document(const json::object& info) {
  json::object out;
  const json::value format = member_or(info, "format", nullptr);
  out["format"] = format;
  if (format == json::value(tee::virtual_platform::format)) {
    copy_if_present(info, "quote", out, "rawQuote");
    if (info.contains("quote") && info.at("quote").is_string()) {
      out["details"] = virtual_details(info);
    }
  } else if (format == json::value("AMD_SEV_SNP_v1")) {
    copy_if_present(info, "uvm_endorsements", out, "uvmEndorsements");
    const json::value* tcb = info.if_contains("endorsed_tcb");
    if (tcb != nullptr && tcb->is_string()) {
      if (const auto bytes = from_hex(tcb->get_string())) out["endorsedTcb"] = to_base64(*bytes);
    }
  } else {
    copy_if_present(info, "quote", out, "quote");
    copy_if_present(info, "endorsements", out, "endorsements");
  }
  return out;
}

json::object interface_documents(const json::object& interfaces) {
  json::object out;
  for (const auto& [name, stored] : interfaces) {
    const json::object* one = stored.if_object();
    if (one == nullptr) continue;
    json::object shown;
    shown["publishedAddress"] =
        member_or(*one, "published_address", member_or(*one, "bind_address", ""));
    copy_if_present(*one, "app_protocol", shown, "protocol");
    out[name] = std::move(shown);
  }
  return out;
}

// --------------------------------------------------------------------------------- token issuers

json::object issuers(kv::ReadOnlyTx& tx) {
  json::object out;
  for (const auto& [name, stored] : rows(tx, tables::jwt_issuers)) {
    const json::object* issuer = stored.if_object();
    json::object& shown = out[name].emplace_object();
    shown["autoRefresh"] = issuer == nullptr ? false : member_or(*issuer, "auto_refresh", false);
    if (issuer != nullptr) {
      copy_if_present(*issuer, "ca_cert_bundle_name", shown, "caCertBundleName");
    }
  }
  return out;
}

json::object signing_keys(kv::ReadOnlyTx& tx) {
  json::object out;
  tx.ro(tables::jwt_keys).foreach_key([&](BytesView kid) {
    json::array& list = out[as_text(kid)].emplace_array();
    const auto entries = tables::get<std::vector<JwtKey>>(tx, tables::jwt_keys, kid);
    for (const JwtKey& key : entries.value_or(std::vector<JwtKey>{})) {
      list.push_back(json::object{
          {"publicKey", crypto::to_pem("PUBLIC KEY", key.public_key)},
          {"issuer", key.issuer},
          {"constraint", key.constraint ? json::value(*key.constraint) : json::value(nullptr)}});
    }
    return true;
  });
  return out;
}

// ----------------------------------------------------------------------------------- applications

json::object operation(const json::object& stored) {
  return {{"jsModule", member_or(stored, "js_module", "")},
          {"jsFunction", member_or(stored, "js_function", "")},
          {"forwardingRequired", member_or(stored, "forwarding_required", "always")},
          {"redirectionStrategy", member_or(stored, "redirection_strategy", "none")},
          {"authnPolicies", member_or(stored, "authn_policies", json::array())},
          {"mode", member_or(stored, "mode", "readwrite")},
          {"openApi", member_or(stored, "openapi", nullptr)}};
}

}  // namespace

std::optional<json::object> service_info(kv::ReadOnlyTx& tx, const NodeContext& node) {
  const auto info = tables::get<ServiceInfo>(tx, tables::service_info, tables::unit());
  if (!info) return std::nullopt;
  json::object out{{"status", to_text(info->status)},
                   {"certificate", info->cert},
                   {"recoveryCount", info->recovery_count.value_or(0)},
                   {"serviceData", info->service_data.value_or(nullptr)}};
  if (info->current_service_create_txid) {
    out["creationTransactionId"] = info->current_service_create_txid->text();
  }
  if (info->previous_service_identity_version) {
    const SeqNo seqno{*info->previous_service_identity_version};
    out["previousServiceCreationTransactionId"] = TxId{node.view_of(seqno), seqno}.text();
  }
  const ServiceConfig config = service_config(tx);
  constexpr uint64_t days = ServiceConfig::default_certificate_days;
  out["configuration"] = json::object{
      {"recoveryThreshold", config.recovery_threshold},
      {"maximumNodeCertificateValidityDays",
       config.maximum_node_certificate_validity_days.value_or(days)},
      {"maximumServiceCertificateValidityDays",
       config.maximum_service_certificate_validity_days.value_or(days)},
      {"recentCoseProposalsWindowSize",
       config.recent_cose_proposals_window_size.value_or(ServiceConfig::default_window)}};
  return out;
}

std::optional<json::object> member(kv::ReadOnlyTx& tx, const std::string& id) {
  const auto info = tables::get<MemberInfo>(tx, tables::members_info, id);
  if (!info) return std::nullopt;
  const auto key = text_at(tx, tables::members_encryption_keys, id);
  json::object out{{"memberId", id},
                   {"status", to_text(info->status)},
                   {"memberData", info->member_data.value_or(nullptr)},
                   {"certificate", text_at(tx, tables::members_certs, id).value_or("")}};
  if (key) out["publicEncryptionKey"] = *key;
  out["recoveryRole"] = to_text(info->recovery_role.value_or(key ? RecoveryRole::participant
                                                                 : RecoveryRole::non_participant));
  return out;
}

std::optional<json::object> user(kv::ReadOnlyTx& tx, const std::string& id) {
  const auto certificate = text_at(tx, tables::users_certs, id);
  if (!certificate) return std::nullopt;
  return json::object{
      {"userId", id},
      {"certificate", *certificate},
      {"userData",
       tables::get_json(tx, tables::users_info, as_bytes(id)).value_or(json::value(nullptr))}};
}

std::optional<json::object> node(kv::ReadOnlyTx& tx, const std::string& id) {
  const auto row = tables::get<NodeInfo>(tx, tables::nodes_info, id);
  if (!row) return std::nullopt;
  json::object out{
      {"nodeId", id},
      {"status", to_text(row->status)},
      {"nodeData", row->node_data.value_or(nullptr)},
      {"retiredCommitted", row->retired_committed},
      {"quoteInfo", quote_document(row->quote_info.value_or(json::object()))},
      {"rpcInterfaces", interface_documents(row->rpc_interfaces.value_or(json::object()))}};
  if (const auto pem = text_at(tx, tables::nodes_endorsed_certificates, id)) {
    out["certificate"] = *pem;
  }
  return out;
}

json::object join_policy(kv::ReadOnlyTx& tx) {
  return {{"sgx", {{"measurements", keys(tx, tables::nodes_code_ids)}}},
          {"virtual",
           {{"measurements", keys(tx, tables::nodes_virtual_measurements)},
            {"hostData", keys(tx, tables::nodes_virtual_host_data)}}},
          {"snp",
           {{"measurements", keys(tx, tables::nodes_snp_measurements)},
            {"hostData", rows(tx, tables::nodes_snp_host_data)},
            {"uvmEndorsements", rows(tx, tables::nodes_snp_uvm_endorsements)},
            {"tcbVersions", rows(tx, tables::nodes_snp_tcb_versions)}}}};
}

json::object jwk(kv::ReadOnlyTx& tx) {
  return {{"issuers", issuers(tx)},
          {"keys", signing_keys(tx)},
          {"caCertBundles", rows(tx, tables::ca_cert_bundles)}};
}

json::object javascript_app(kv::ReadOnlyTx& tx, bool verbatim) {
  json::object endpoints;
  for (const auto& [key, stored] : rows(tx, tables::endpoints)) {
    const std::string_view name = key;
    const size_t space = name.find(' ');
    const json::object* object = stored.if_object();
    if (space == std::string_view::npos || object == nullptr) continue;
    json::value& path = endpoints[name.substr(space + 1)];
    if (!path.is_object()) path.emplace_object();
    path.get_object()[name.substr(0, space)] = verbatim ? *object : operation(*object);
  }
  return {{"endpoints", std::move(endpoints)}};
}

json::array module_names(kv::ReadOnlyTx& tx) {
  json::array names;
  tx.ro(tables::modules).foreach_key([&](BytesView name) {
    names.push_back(json::object{{"moduleName", as_text(name)}});
    return true;
  });
  return names;
}

}  // namespace entente::gov::documents
