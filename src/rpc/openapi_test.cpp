#include "rpc/openapi.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/environment.h"
#include "entente/json_adapter.h"
#include "rpc/common_endpoints.h"
#include "rpc/test_service.h"

namespace entente::rpc {
namespace {

using http::Method;

struct LoggingRecord {
  static constexpr std::string_view schema_name = "LoggingRecord::In";
  uint64_t id = 0;
  std::string msg;
  std::optional<bool> record_claim;
};
BOOST_DESCRIBE_STRUCT(LoggingRecord, (), (id, msg, record_claim))
struct LoggingGet {
  static constexpr std::string_view schema_name = "LoggingGet__Out";
  std::string msg;
};
BOOST_DESCRIBE_STRUCT(LoggingGet, (), (msg))
struct RangeEntry {
  static constexpr std::string_view schema_name = "LoggingGetHistoricalRange__Entry";
  uint64_t seqno = 0;
  uint64_t id = 0;
  std::string msg;
};
BOOST_DESCRIBE_STRUCT(RangeEntry, (), (seqno, id, msg))
struct Range {
  static constexpr std::string_view schema_name = "LoggingGetHistoricalRange__Out";
  static constexpr std::string_view json_name(std::string_view member) {
    return member == "next_link" ? "@nextLink" : member;
  }
  std::vector<RangeEntry> entries;
  std::optional<std::string> next_link;
};
BOOST_DESCRIBE_STRUCT(Range, (), (entries, next_link))

/// Some endpoints of the logging application as its published document describes them.
void install_some_of_logging(EndpointRegistry& app) {
  app.openapi_info = {.title = "CCF Sample Logging App",
                      .description =
                          "This CCF sample app implements a simple logging application, securely "
                          "recording messages at client-specified IDs. It demonstrates most of the "
                          "features available to CCF apps.",
                      .version = "2.8.0"};
  const AuthPolicies policies = {auth::jwt(), auth::user_cert(), auth::user_cose_sign1()};
  const auto write = [](EndpointContext&) {};
  const auto read = [](ReadOnlyEndpointContext&) {};
  app.make_endpoint("/log/private", Method::post, write, policies)
      .set_auto_schema<LoggingRecord, bool>()
      .install();
  app.make_read_only_endpoint("/log/private", Method::get, read, policies)
      .set_auto_schema<void, LoggingGet>()
      .add_query_parameter<uint64_t>("id")
      .install();
  app.make_endpoint("/log/private", Method::del, write, policies)
      .set_auto_schema<void, bool>()
      .add_query_parameter<uint64_t>("id")
      .install();
  app.make_read_only_endpoint("/log/public/historical/range", Method::get, read, policies)
      .set_auto_schema<void, Range>()
      .add_query_parameter<uint64_t>("from_seqno", false)
      .add_query_parameter<uint64_t>("to_seqno", false)
      .add_query_parameter<uint64_t>("id")
      .set_forwarding_required(Forwarding::never)
      .install();
  app.make_endpoint("/log/private/raw_text/{id}", Method::post, write, policies).install();
  app.make_endpoint("/multi_auth", Method::post, write,
                    {auth::all_of({auth::user_cert(), auth::jwt(), auth::user_cose_sign1()}),
                     auth::user_cert(), auth::member_cert(), auth::any_cert(), auth::jwt(),
                     auth::user_cose_sign1(), auth::no_auth()})
      .set_auto_schema<void, std::string>()
      .install();
  app.make_endpoint("/log/cose_signed_content", Method::post, write, {auth::member_cose_sign1()})
      .set_auto_schema<void, std::string>()
      .install();
  app.make_read_only_endpoint("/log/public/cose_receipt", Method::get, read, policies)
      .set_auto_schema<void, void>()
      .set_forwarding_required(Forwarding::never)
      .install();
  app.make_command_endpoint(
         "/secret", Method::get, [](CommandEndpointContext&) {}, auth::none)
      .set_openapi_hidden()
      .install();
}

std::filesystem::path golden(const char* name) {
  const char* set = std::getenv("ENTENTE_SHARED_DATA");
  const std::filesystem::path root =
      set != nullptr ? std::filesystem::path(set)
                     : std::filesystem::path(ENTENTE_SOURCE_DIR) / "../shared/data";
  return root / "openapi" / name;
}

TEST(OpenApi, equals_the_published_document_where_endpoints_are_the_same) {
  const auto path = golden("app_openapi.json");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const auto published = *json::parse(as_text(*read_file(system_disk(), path.string())));

  test::Service service;
  install_some_of_logging(service.app());
  install_common_endpoints(service.app(), service.node);
  install_receipt_endpoint(service.app(), [](ReadOnlyEndpointContext&) {});
  const auto ours = openapi_document(service.app());

  for (const char* part : {"openapi", "info", "servers"}) {
    EXPECT_EQ(json::dump_indented(ours.at(part)), json::dump_indented(published.at(part)));
  }
  EXPECT_EQ(ours.at("paths").get_object().size(), 10u);
  for (const auto& [name, ours_path] : ours.at("paths").get_object()) {
    const json::value* theirs = published.at("paths").get_object().if_contains(name);
    ASSERT_NE(theirs, nullptr) << std::string_view(name);
    EXPECT_EQ(json::dump_indented(ours_path), json::dump_indented(*theirs));
  }
  const auto& components = ours.at("components");
  const auto& published_components = published.at("components");
  for (const char* part : {"responses", "securitySchemes", "x-ccf-forwarding"}) {
    EXPECT_EQ(json::dump_indented(components.at(part)),
              json::dump_indented(published_components.at(part)));
  }
  EXPECT_EQ(components.get_object().size(), published_components.get_object().size());
  for (const auto& [name, schema] : components.at("schemas").get_object()) {
    const json::value* theirs = published_components.at("schemas").get_object().if_contains(name);
    ASSERT_NE(theirs, nullptr) << std::string_view(name);
    EXPECT_EQ(json::dump_indented(schema), json::dump_indented(*theirs));
  }
}

TEST(OpenApi, published_text_is_reproduced_by_our_printer) {
  for (const char* name : {"app_openapi.json", "node_openapi.json"}) {
    const auto path = golden(name);
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
    const auto text = *read_file(system_disk(), path.string());
    EXPECT_EQ(json::dump_indented(*json::parse(as_text(text))), as_text(text));
  }
}

TEST(OpenApi, describes_endpoints) {
  EndpointRegistry registry("gov");
  registry.openapi_info = {.title = "T", .description = "D", .version = "1"};
  registry
      .make_command_endpoint("/a/{b-c}/{d}:do_it", Method::patch, [](CommandEndpointContext&) {},
                             {auth::no_auth()})
      .set_openapi_summary("S")
      .set_openapi_deprecated_replaced("2.0", "/new")
      .set_forwarding_required(Forwarding::never)
      .install();
  registry
      .make_command_endpoint(
          "/raw", Method::get, [](CommandEndpointContext&) {}, auth::none)
      .set_openapi(json::object{{"verbatim", 1}})
      .install();
  registry
      .make_command_endpoint(
          "/hidden", Method::get, [](CommandEndpointContext&) {}, auth::none)
      .set_openapi_hidden()
      .install();
  registry.set_default([](EndpointContext&) {}, auth::none);
  const auto document = openapi_document(registry);
  EXPECT_EQ(json::dump(document.at("paths")),
            R"({"/gov/a/{b-c}/{d}:do_it":{"parameters":[)"
            R"({"in":"path","name":"b-c","required":true,"schema":{"type":"string"}},)"
            R"({"in":"path","name":"d","required":true,"schema":{"type":"string"}}],)"
            R"("patch":{"deprecated":true,"description":"Deprecated since 2.0, replaced by /new.",)"
            R"("operationId":"PatchGovABCDDoIt","responses":{)"
            R"("200":{"description":"Default response description"},)"
            R"("default":{"$ref":"#/components/responses/default"}},"summary":"S",)"
            R"("x-ccf-forwarding":{"$ref":"#/components/x-ccf-forwarding/never"}}},)"
            R"("/gov/raw":{"get":{"verbatim":1}}})");
  EXPECT_FALSE(document.at("components").get_object().contains("securitySchemes"));
  EXPECT_EQ(json::dump(document.at("info")), R"({"description":"D","title":"T","version":"1"})");
}

TEST(OpenApi, is_served) {
  test::Service service;
  install_common_endpoints(service.app(), service.node);
  service.start();
  const auto response = service.get_request("/app/api");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(test::header_of(response, "content-type"), "application/json");
  EXPECT_EQ(test::body_text(response), json::dump(openapi_document(service.app())));
}

}  // namespace
}  // namespace entente::rpc
