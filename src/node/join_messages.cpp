#include "node/join_messages.h"

#include "base/encoding.h"
#include "crypto/rsa.h"

namespace entente::node {
namespace {

constexpr std::string_view network_members[] = {"node_to_node_interface",
                                                "rpc_interfaces",
                                                "nodehost",
                                                "nodeport",
                                                "rpchost",
                                                "rpcport",
                                                "pubhost",
                                                "pubport",
                                                "will_locally_seal_ledger_secrets"};

/// The text at `name`, required.
Result<std::string> text_at(const json::Reader& reader, std::string_view name) {
  const auto member = reader.member(name);
  if (!member) return member.error();
  return member->as_string();
}

Result<std::string> published_address(const json::Reader& network) {
  const auto interface = network.member("node_to_node_interface");
  if (!interface) return interface.error();
  auto text = text_at(*interface, "published_address");
  if (!text) return text.error();
  const auto address = Address::parse(*text);
  if (!address) return interface->member("published_address")->error(address.error().message);
  return text;
}

Result<json::object> known_members(const json::Reader& network) {
  const auto all = network.as_object();
  if (!all) return all.error();
  json::object kept;
  for (const std::string_view name : network_members) {
    if (const auto* value = (*all)->if_contains(name)) kept[name] = *value;
  }
  const auto interfaces = network.member("rpc_interfaces");
  if (!interfaces) return interfaces.error();
  if (const auto object = interfaces->as_object(); !object) return object.error();
  return kept;
}

Result<std::shared_ptr<const ledger::LedgerSecrets>> read_secrets(const json::Reader& reader) {
  const auto list = reader.as_array();
  if (!list) return list.error();
  auto secrets = std::make_shared<ledger::LedgerSecrets>();
  for (size_t i = 0; i < (*list)->size(); ++i) {
    const json::Reader pair = reader.element(i);
    const auto both = pair.as_array();
    if (!both) return both.error();
    if ((*both)->size() != 2) return pair.error("is not a pair of seqno and secret");
    const auto seqno = pair.element(0).as_uint64();
    if (!seqno) return seqno.error();
    const auto text = text_at(pair.element(1), "raw_key");
    if (!text) return text.error();
    auto raw = from_base64(*text);
    if (!raw || raw->size() != 32) return pair.error("raw_key is not 32 bytes in base64");
    crypto::SymmetricKey key;
    std::copy(raw->begin(), raw->end(), key.writable().begin());
    crypto::wipe(*raw);
    if (auto added = secrets->add(SeqNo{*seqno}, key); !added) {
      return pair.error(added.error().message);
    }
  }
  if (secrets->empty()) return reader.error("holds no secret");
  return std::shared_ptr<const ledger::LedgerSecrets>(std::move(secrets));
}

}  // namespace

json::value JoinRequest::to_json() const {
  json::object out{{"node_info_network", node_info_network},
                   {"quote_info", evidence.to_json()},
                   {"public_encryption_key", public_encryption_key},
                   {"startup_seqno", startup_seqno.value_or(SeqNo{}).value},
                   {"certificate_signing_request", certificate_signing_request.pem()}};
  if (node_data) out["node_data"] = *node_data;
  return out;
}

Result<JoinRequest> JoinRequest::from_json(const json::value& document) {
  const json::Reader reader(document);
  const auto network = reader.member("node_info_network");
  if (!network) return network.error();
  auto members = known_members(*network);
  if (!members) return members.error();
  auto address = published_address(*network);
  if (!address) return address.error();
  const auto quote = reader.member("quote_info");
  if (!quote) return quote.error();
  auto evidence = tee::Evidence::from_json(*quote);
  if (!evidence) return evidence.error();
  auto encryption_key = text_at(reader, "public_encryption_key");
  if (!encryption_key) return encryption_key.error();
  // Secrets of the service will be sent under it: it must be usable when that time comes.
  if (auto key = crypto::RsaPublicKey::from_pem(*encryption_key); !key) {
    return reader.member("public_encryption_key")->error(key.error().message);
  }
  const auto pem = text_at(reader, "certificate_signing_request");
  if (!pem) return pem.error();
  auto request = crypto::CertificateRequest::from_pem(*pem);
  if (!request) {
    return reader.member("certificate_signing_request")->error(request.error().message);
  }
  JoinRequest out{
      std::move(*members), std::move(*address), std::move(*evidence), std::move(*encryption_key),
      std::nullopt,        std::move(*request), std::nullopt};
  if (reader.has("startup_seqno")) {
    const auto seqno = reader.member("startup_seqno")->as_uint64();
    if (!seqno) return seqno.error();
    out.startup_seqno = SeqNo{*seqno};
  }
  if (reader.has("node_data")) out.node_data = reader.member("node_data")->document();
  return out;
}

json::object Welcome::to_json() const {
  json::array keys;
  for (const ledger::LedgerSecret& secret : secrets->all()) {
    keys.push_back(json::array{
        secret.start.value, json::object{{"raw_key", to_base64(BytesView(secret.key.bytes()))}}});
  }
  return {
      {"public_only", false},
      {"last_recovered_signed_idx", 0},
      {"ledger_secrets", std::move(keys)},
      {"identity", {{"cert", service.certificate.pem()}, {"priv_key", service.key.private_pem()}}},
      {"service_status", service_status},
      {"endorsed_certificate", endorsed_certificate.pem()},
      {"cose_signatures_config", {{"issuer", cose_issuer}, {"subject", cose_subject}}}};
}

Result<Welcome> Welcome::from_json(const json::Reader& info) {
  const auto identity = info.member("identity");
  if (!identity) return identity.error();
  const auto certificate_pem = text_at(*identity, "cert");
  if (!certificate_pem) return certificate_pem.error();
  auto certificate = crypto::Certificate::from_pem(*certificate_pem);
  if (!certificate) return identity->member("cert")->error(certificate.error().message);
  auto key_pem = text_at(*identity, "priv_key");
  if (!key_pem) return key_pem.error();
  const crypto::WipeAtExit wiped(*key_pem);
  auto key = crypto::KeyPair::from_pem(*key_pem);
  if (!key) return identity->member("priv_key")->error(key.error().message);
  if (key->public_key().der() != certificate->spki()) {
    return identity->error("holds a key of another certificate");
  }
  const auto secrets = info.member("ledger_secrets");
  if (!secrets) return secrets.error();
  auto known = read_secrets(*secrets);
  if (!known) return known.error();
  const auto endorsed_pem = text_at(info, "endorsed_certificate");
  if (!endorsed_pem) return endorsed_pem.error();
  auto endorsed = crypto::Certificate::from_pem(*endorsed_pem);
  if (!endorsed) return info.member("endorsed_certificate")->error(endorsed.error().message);

  Welcome out{{std::move(*key), std::move(*certificate)},
              std::move(*known),
              std::move(*endorsed),
              {},
              {},
              {}};
  if (info.has("service_status")) {
    if (auto status = text_at(info, "service_status")) out.service_status = std::move(*status);
  }
  if (info.has("cose_signatures_config")) {
    const auto cose = info.member("cose_signatures_config");
    if (auto issuer = text_at(*cose, "issuer")) out.cose_issuer = std::move(*issuer);
    if (auto subject = text_at(*cose, "subject")) out.cose_subject = std::move(*subject);
  }
  return out;
}

Result<JoinAnswer> JoinAnswer::from_json(const json::value& document) {
  const json::Reader reader(document);
  auto status = text_at(reader, "node_status");
  if (!status) return status.error();
  JoinAnswer answer{std::move(*status), std::nullopt};
  if (reader.has("network_info") && !reader.member("network_info")->document().is_null()) {
    auto welcome = Welcome::from_json(*reader.member("network_info"));
    if (!welcome) return welcome.error();
    answer.welcome = std::move(*welcome);
  }
  if (answer.node_status == "Trusted" && !answer.welcome) {
    return reader.error("is Trusted but brings no network_info");
  }
  return answer;
}

}  // namespace entente::node
