// GET /gov/service/*, as whole requests.

#include "gov/service_endpoints.h"

#include <gtest/gtest.h>

#include "gov/effects_fixture.h"
#include "gov/jwt_keys.h"
#include "tee/virtual_platform.h"

namespace entente::gov {
namespace {

using rpc::test::body_json;
using rpc::test::body_text;
using rpc::test::header_of;
using rpc::test::summary;

class ServiceEndpointsTest : public testing::Test {
 protected:
  ServiceEndpointsTest() {
    install_service_endpoints(service.frontends.registry(rpc::Actor::gov), service.surroundings);
    service.start();
  }
  json::value get(const std::string& path) {
    const auto response = service.get_gov(path);
    EXPECT_EQ(response.status, 200) << path << ": " << summary(response);
    EXPECT_EQ(header_of(response, "content-type"), "application/json") << path;
    return body_json(response);
  }
  std::string code(const std::string& path, std::string_view version = "2024-07-01") {
    const auto text = summary(service.get_gov(path, version));
    return text.substr(0, text.find(':'));
  }
  static json::value parsed(std::string_view text) { return *json::parse(text); }

  test::EffectsService service;
};

TEST_F(ServiceEndpointsTest, versions) {
  const std::vector<std::string> both{"/service/info",
                                      "/service/join-policy",
                                      "/service/jwk",
                                      "/service/members",
                                      "/service/users",
                                      "/service/nodes",
                                      "/service/transactions/2.1",
                                      "/service/transactions/commit"};
  const std::vector<std::string> stable_only{"/service/javascript-app",
                                             "/service/javascript-modules"};
  for (const std::string& path : both) {
    EXPECT_EQ(summary(service.get_gov(path, "2023-06-01-preview")), summary(service.get_gov(path)))
        << path;
  }
  for (const std::string& path : stable_only) {
    EXPECT_EQ(code(path, "2023-06-01-preview"), "400 UnsupportedApiVersionValue") << path;
  }
  for (const auto& list : {both, stable_only}) {
    for (const std::string& path : list) {
      EXPECT_EQ(service.get_gov(path).status, 200) << path;
      EXPECT_EQ(code(path, "2024-07-02"), "400 UnsupportedApiVersionValue") << path;
      EXPECT_EQ(summary(service.get_request("/gov" + path)).substr(0, 31),
                "400 MissingApiVersionParameter:")
          << path;
    }
  }
}

TEST_F(ServiceEndpointsTest, constitution) {
  EXPECT_EQ(code("/service/constitution"), "404 ResourceNotFound");
  service.put_unit(tables::constitution, json::value("export function apply() { /* \u00e9 */ }"));
  const auto response = service.get_gov("/service/constitution");
  EXPECT_EQ(body_text(response), "export function apply() { /* \u00e9 */ }");
  EXPECT_EQ(header_of(response, "content-type"), "text/javascript");
  EXPECT_NE(header_of(response, "x-ms-ccf-transaction-id"), "(absent)");
  service.put_unit(tables::constitution, json::value(1));
  EXPECT_EQ(code("/service/constitution"), "500 InternalError");
}

TEST_F(ServiceEndpointsTest, info) {
  json::object expected{{"status", "Opening"},
                        {"certificate", service.service_certificate.pem()},
                        {"recoveryCount", 0},
                        {"creationTransactionId", "2.1"},
                        {"serviceData", nullptr},
                        {"configuration",
                         {{"recoveryThreshold", 1},
                          {"maximumNodeCertificateValidityDays", 365},
                          {"maximumServiceCertificateValidityDays", 365},
                          {"recentCoseProposalsWindowSize", 100}}}};
  EXPECT_EQ(get("/service/info"), json::value(expected));
  service.put_unit(tables::service_config,
                   json::object{{"recovery_threshold", 3},
                                {"maximum_node_certificate_validity_days", 4},
                                {"maximum_service_certificate_validity_days", 5},
                                {"recent_cose_proposals_window_size", 6}});
  // The create transaction of the previous service is at seqno 1, in the first view.
  service.put_info("Recovering", {{"recovery_count", 2},
                                  {"service_data", {{"name", "x"}}},
                                  {"previous_service_identity_version", 1},
                                  {"current_service_create_txid", "4.9"}});
  expected["status"] = "Recovering";
  expected["recoveryCount"] = 2;
  expected["creationTransactionId"] = "4.9";
  expected["previousServiceCreationTransactionId"] = "2.1";
  expected["serviceData"] = {{"name", "x"}};
  expected["configuration"] = {{"recoveryThreshold", 3},
                               {"maximumNodeCertificateValidityDays", 4},
                               {"maximumServiceCertificateValidityDays", 5},
                               {"recentCoseProposalsWindowSize", 6}};
  EXPECT_EQ(get("/service/info"), json::value(expected));
  service.put_info("Open", {{"previous_service_identity_version", 1000000}});
  EXPECT_EQ(get("/service/info").at("previousServiceCreationTransactionId"),
            json::value("0.1000000"));
  service.transact([](kv::Tx& tx) -> Result<void> {
    tx.wo(tables::service_info).clear();
    return {};
  });
  EXPECT_EQ(code("/service/info"), "404 ResourceNotFound");
  service.put_unit(tables::service_info, json::object{{"status", "Closed"}, {"cert", ""}});
  EXPECT_EQ(code("/service/info"), "500 InternalError");
}

TEST_F(ServiceEndpointsTest, members) {
  EXPECT_EQ(get("/service/members"), parsed(R"({"value":[]})"));
  const auto with_key = service.add_member("Active", true);
  const auto without = service.add_member("Accepted", false);
  const auto owner = service.add_member("Active", true, "Owner");
  service.put(tables::members_info, without.id(),
              R"({"status":"Accepted","member_data":{"is_operator":true}})");
  EXPECT_EQ(get("/service/members").at("value").as_array().size(), 3u);
  const std::string path = "/service/members/";
  EXPECT_EQ(
      get(path + with_key.id()),
      json::value(json::object{{"memberId", with_key.id()},
                               {"status", "Active"},
                               {"memberData", nullptr},
                               {"certificate", with_key.certificate.pem()},
                               {"publicEncryptionKey", test::encryption_key(0).public_key().pem()},
                               {"recoveryRole", "Participant"}}));
  EXPECT_EQ(get(path + without.id()),
            json::value(json::object{{"memberId", without.id()},
                                     {"status", "Accepted"},
                                     {"memberData", {{"is_operator", true}}},
                                     {"certificate", without.certificate.pem()},
                                     {"recoveryRole", "NonParticipant"}}));
  EXPECT_EQ(get(path + owner.id()).at("recoveryRole"), json::value("Owner"));
  EXPECT_EQ(code(path + std::string(64, 'f')), "404 ResourceNotFound");
  EXPECT_EQ(code(path + std::string(63, 'f')), "400 InvalidResourceName");
  EXPECT_EQ(code(path + std::string(63, 'f') + "g"), "400 InvalidResourceName");
  // Either case is well-formed, but only one is found.
  std::string upper = with_key.id();
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  EXPECT_EQ(code(path + upper), "404 ResourceNotFound");
}

TEST_F(ServiceEndpointsTest, users) {
  const std::string with_data(64, '1'), without(64, '2');
  service.put(tables::users_certs, with_data, "PEM 1");
  service.put(tables::users_info, with_data, R"({"user_data":{"admin":true}})");
  service.put(tables::users_certs, without, "PEM 2");
  const auto first = parsed(R"({"userId":")" + with_data +
                            R"(","certificate":"PEM 1","userData":{"user_data":{"admin":true}}})");
  const auto second =
      parsed(R"({"userId":")" + without + R"(","certificate":"PEM 2","userData":null})");
  EXPECT_EQ(get("/service/users/" + with_data), first);
  EXPECT_EQ(get("/service/users/" + without), second);
  EXPECT_EQ(get("/service/users"), json::value(json::object{{"value", {first, second}}}));
  EXPECT_EQ(code("/service/users/" + std::string(64, '3')), "404 ResourceNotFound");
  EXPECT_EQ(code("/service/users/x"), "400 InvalidResourceName");
}

TEST_F(ServiceEndpointsTest, nodes) {
  const auto evidence = tee::virtual_platform::make_evidence(crypto::sha256(as_bytes("key")),
                                                             crypto::sha256(as_bytes("host")));
  json::object quote = evidence.to_json();
  service.add_node(service.node_id, "Trusted", 100,
                   {{"quote_info", quote},
                    {"node_data", "here"},
                    {"rpc_interfaces",
                     {{"one", {{"bind_address", "0.0.0.0:1"}, {"published_address", "a:1"}}},
                      {"two",
                       {{"bind_address", "0.0.0.0:2"},
                        {"published_address", "a:2"},
                        {"app_protocol", "HTTP2"}}}}}});
  service.put(tables::nodes_endorsed_certificates, service.node_id, "PEM");
  const auto claims = parsed(as_text(evidence.quote));
  EXPECT_EQ(
      get("/service/nodes/" + service.node_id),
      json::value(json::object{{"nodeId", service.node_id},
                               {"status", "Trusted"},
                               {"nodeData", "here"},
                               {"certificate", "PEM"},
                               {"retiredCommitted", false},
                               {"quoteInfo",
                                {{"format", "Insecure_Virtual"},
                                 {"rawQuote", to_base64(evidence.quote)},
                                 {"details",
                                  {{"measurement", claims.at("measurement")},
                                   {"reportData", claims.at("report_data")},
                                   {"hostData", claims.at("host_data")}}}}},
                               {"rpcInterfaces",
                                {{"one", {{"publishedAddress", "a:1"}}},
                                 {"two", {{"publishedAddress", "a:2"}, {"protocol", "HTTP2"}}}}}}));

  const std::string snp = test::EffectsService::id_of('b');
  service.add_node(snp, "Retired", 100,
                   {{"retired_committed", true},
                    {"quote_info",
                     {{"format", "AMD_SEV_SNP_v1"},
                      {"quote", "cXVvdGU="},
                      {"endorsements", "ZQ=="},
                      {"uvm_endorsements", "dXZt"},
                      {"endorsed_tcb", "d315000000000004"}}}});
  const auto retired = get("/service/nodes/" + snp);
  EXPECT_EQ(retired.at("retiredCommitted"), json::value(true));
  EXPECT_EQ(retired.at("nodeData"), json::value(nullptr));
  EXPECT_FALSE(retired.as_object().contains("certificate"));
  EXPECT_EQ(retired.at("quoteInfo"),
            json::value(json::object{{"format", "AMD_SEV_SNP_v1"},
                                     {"uvmEndorsements", "dXZt"},
                                     {"endorsedTcb", to_base64(*from_hex("d315000000000004"))}}));

  const std::string sgx = test::EffectsService::id_of('c');
  service.add_node(
      sgx, "Pending", 100,
      {{"quote_info", {{"format", "OE_SGX_v1"}, {"quote", "cQ=="}, {"endorsements", "ZQ=="}}}});
  EXPECT_EQ(get("/service/nodes/" + sgx).at("quoteInfo"),
            parsed(R"({"format":"OE_SGX_v1","quote":"cQ==","endorsements":"ZQ=="})"));
  EXPECT_EQ(get("/service/nodes").at("value").as_array().size(), 3u);
  EXPECT_EQ(code("/service/nodes/" + test::EffectsService::id_of('d')), "404 ResourceNotFound");
  EXPECT_EQ(code("/service/nodes/self"), "400 InvalidResourceName");
  // A quote that is none spoils nothing else.
  service.add_node(sgx, "Pending", 100,
                   {{"quote_info", {{"format", "Insecure_Virtual"}, {"quote", 1}}}});
  EXPECT_EQ(get("/service/nodes").at("value").as_array().size(), 3u);
}

TEST_F(ServiceEndpointsTest, join_policy) {
  const auto empty = parsed(R"({"sgx":{"measurements":[]},
      "virtual":{"measurements":[],"hostData":[]},
      "snp":{"measurements":[],"hostData":{},"uvmEndorsements":{},"tcbVersions":{}}})");
  EXPECT_EQ(get("/service/join-policy"), empty);
  service.put(tables::nodes_code_ids, "aa", "\"AllowedToJoin\"");
  service.put(tables::nodes_virtual_measurements, "text", "\"AllowedToJoin\"");
  service.put(tables::nodes_virtual_host_data, "bb", as_text(tables::unit()));
  service.put(tables::nodes_snp_measurements, "cc", "\"AllowedToJoin\"");
  service.put(tables::nodes_snp_host_data, "dd", "\"policy\"");
  service.put(tables::nodes_snp_uvm_endorsements, "did:x", R"({"feed":{"svn":"1"}})");
  service.put(tables::nodes_snp_tcb_versions, "00a00f11", R"({"hexstring":"d3","snp":21})");
  EXPECT_EQ(get("/service/join-policy"), parsed(R"({"sgx":{"measurements":["aa"]},
      "virtual":{"measurements":["text"],"hostData":["bb"]},
      "snp":{"measurements":["cc"],"hostData":{"dd":"policy"},
             "uvmEndorsements":{"did:x":{"feed":{"svn":"1"}}},
             "tcbVersions":{"00a00f11":{"hexstring":"d3","snp":21}}}})"));
  service.put(tables::nodes_snp_tcb_versions, "00a00f11", "no JSON");
  EXPECT_EQ(code("/service/join-policy"), "500 InternalError");
}

TEST_F(ServiceEndpointsTest, token_issuers) {
  EXPECT_EQ(get("/service/jwk"), parsed(R"({"issuers":{},"keys":{},"caCertBundles":{}})"));
  service.put(tables::jwt_issuers, "https://a", R"({"issuer":"https://a"})");
  service.put(tables::jwt_issuers, "https://b",
              R"({"issuer":"https://b","auto_refresh":true,"ca_cert_bundle_name":"roots"})");
  service.put(tables::ca_cert_bundles, "roots", "\"PEM\"");
  const auto key = crypto::KeyPair::generate(crypto::Curve::p256).public_key();
  const auto& rsa = test::encryption_key(0).public_key();
  service.put(tables::jwt_keys, "k",
              json::dump(json::from(std::vector<JwtKey>{{"https://a", key.der(), std::nullopt},
                                                        {"https://b", rsa.der(), "https://c"}})));
  EXPECT_EQ(get("/service/jwk"),
            json::value(json::object{
                {"issuers",
                 {{"https://a", {{"autoRefresh", false}}},
                  {"https://b", {{"autoRefresh", true}, {"caCertBundleName", "roots"}}}}},
                {"keys",
                 {{"k", json::array{json::object{{"publicKey", key.pem()},
                                                 {"issuer", "https://a"},
                                                 {"constraint", nullptr}},
                                    json::object{{"publicKey", rsa.pem()},
                                                 {"issuer", "https://b"},
                                                 {"constraint", "https://c"}}}}}},
                {"caCertBundles", {{"roots", "PEM"}}}}));
}

TEST_F(ServiceEndpointsTest, javascript_app) {
  EXPECT_EQ(get("/service/javascript-app"), parsed(R"({"endpoints":{}})"));
  const std::string stored = R"({"js_module":"/a.js","js_function":"f","mode":"readonly",
      "forwarding_required":"never","redirection_strategy":"to_backup","openapi":{"x":1},
      "authn_policies":["user_cert",{"all_of":["jwt"]}],"openapi_hidden":true})";
  service.put(tables::endpoints, "GET /log/{id}", stored);
  service.put(tables::endpoints, "POST /log/{id}", R"({"js_module":"/a.js","js_function":"g"})");
  EXPECT_EQ(get("/service/javascript-app"), parsed(R"({"endpoints":{"/log/{id}":{
      "GET":{"jsModule":"/a.js","jsFunction":"f","mode":"readonly","forwardingRequired":"never",
             "redirectionStrategy":"to_backup","openApi":{"x":1},
             "authnPolicies":["user_cert",{"all_of":["jwt"]}]},
      "POST":{"jsModule":"/a.js","jsFunction":"g","mode":"readwrite","forwardingRequired":"always",
              "redirectionStrategy":"none","openApi":null,"authnPolicies":[]}}}})"));
  const auto original = get("/service/javascript-app?case=original");
  EXPECT_EQ(original.at("endpoints").at("/log/{id}").at("GET"), parsed(stored));
  EXPECT_EQ(code("/service/javascript-app?case=camel"), "400 InvalidQueryParameterValue");
  EXPECT_EQ(code("/service/javascript-app?case="), "400 InvalidQueryParameterValue");
}

TEST_F(ServiceEndpointsTest, javascript_modules) {
  EXPECT_EQ(get("/service/javascript-modules"), parsed(R"({"value":[]})"));
  service.put(tables::modules, "/a.js", "export const a = '\u00e9\0';");
  service.put(tables::modules, "/lib/b c.js", "b");
  EXPECT_EQ(get("/service/javascript-modules"),
            parsed(R"({"value":[{"moduleName":"/a.js"},{"moduleName":"/lib/b c.js"}]})"));
  const auto response = service.get_gov("/service/javascript-modules/%2Fa.js");
  EXPECT_EQ(body_text(response), "export const a = '\u00e9\0';");
  EXPECT_EQ(header_of(response, "content-type"), "text/javascript");
  EXPECT_EQ(body_text(service.get_gov("/service/javascript-modules/%2flib%2Fb%20c.js")), "b");
  EXPECT_EQ(code("/service/javascript-modules/a.js"), "404 ResourceNotFound");
}

TEST_F(ServiceEndpointsTest, transactions) {
  const TxId last = service.store.last();
  service.status.committed_id = last;
  const auto status = [&](const std::string& id) {
    const auto document = get("/service/transactions/" + id);
    EXPECT_EQ(document.at("transactionId"), json::value(id));
    return std::string(document.at("status").get_string());
  };
  EXPECT_EQ(status(last.text()), "Committed");
  service.put("public:x", "k", "v");
  EXPECT_EQ(status(service.store.last().text()), "Pending");
  EXPECT_EQ(status("2.1000000"), "Unknown");
  EXPECT_EQ(status("1.1"), "Invalid");
  EXPECT_EQ(get("/service/transactions/commit"),
            json::value(json::object{{"status", "Committed"}, {"transactionId", last.text()}}));
  for (const char* id : {"0.1", "1.0", "1", "1.", ".1", "a.b", "1.1.1", "-1.1", "+1.1", "1.1x",
                         "99999999999999999999.1", "Commit"}) {
    EXPECT_EQ(code(std::string("/service/transactions/") + id), "400 InvalidQueryParameterValue")
        << id;
  }
}

TEST_F(ServiceEndpointsTest, other_verbs_and_paths) {
  EXPECT_EQ(service.send(http::Method::post, "/gov/service/info?api-version=2024-07-01").status,
            405);
  EXPECT_EQ(code("/service/js-modules"), "404 ResourceNotFound");
}

}  // namespace
}  // namespace entente::gov
