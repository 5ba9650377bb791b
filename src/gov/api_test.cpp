// The conventions of the interface: versions, paths and verbs, the published document.

#include <set>

#include "gov/governance_fixture.h"

namespace entente::gov::test {
namespace {

class Api : public testing::Test {
 protected:
  GovernanceService service;
};

TEST_F(Api, versions) {
  EXPECT_EQ(service.get_request("/gov/members/proposals?api-version=2024-07-01").status, 200);
  EXPECT_EQ(service.get_request("/gov/members/proposals?api-version=2023-06-01-preview").status,
            200);
  const std::string missing = summary(service.get_request("/gov/members/proposals"));
  EXPECT_EQ(missing.substr(0, 33), "400 MissingApiVersionParameter: T");
  EXPECT_NE(missing.find("api-version"), std::string::npos);
  EXPECT_NE(missing.find("2023-06-01-preview, 2024-07-01"), std::string::npos);
  for (const char* other : {"", "2024-07-01%20", "2024-7-1", "2024-07-01-preview", "latest"}) {
    EXPECT_EQ(
        summary(service.get_request(std::string("/gov/members/proposals?api-version=") + other))
            .substr(0, 31),
        "400 UnsupportedApiVersionValue:")
        << other;
  }
  EXPECT_EQ(summary(service.get_request("/gov/members/proposals?api-version=1")),
            "400 UnsupportedApiVersionValue: Unsupported api-version '1'. The supported "
            "api-versions are: 2023-06-01-preview, 2024-07-01");
}

TEST_F(Api, authentication_comes_before_the_version) {
  EXPECT_EQ(service.send(http::Method::post, "/gov/members/proposals:create").status, 401);
  const TestMember& alice = service.members[0];
  EXPECT_EQ(summary(service.post("/gov/members/proposals:create",
                                 service.sign(alice, "proposal", nothing)))
                .substr(0, 30),
            "400 MissingApiVersionParameter");
}

TEST_F(Api, paths_and_verbs) {
  EXPECT_EQ(summary(service.get_request("/gov/nothing?api-version=2024-07-01")),
            "404 ResourceNotFound: Unknown path: /nothing.");
  EXPECT_EQ(summary(service.get_request("/gov/proposals")).substr(0, 21), "404 ResourceNotFound:")
      << "the interface without versions is gone";
  const auto wrong = service.get_request("/gov/members/proposals:create?api-version=2024-07-01");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(header_of(wrong, "allow"), "OPTIONS, POST");
  const auto options = service.send(http::Method::options, "/gov/members/proposals");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(header_of(options, "allow"), "OPTIONS, GET");
  service.frontends.close(rpc::Actor::gov);
  EXPECT_EQ(summary(service.get_gov("/members/proposals")).substr(0, 20), "404 FrontendNotOpen:");
}

TEST_F(Api, too_many_pending_transactions) {
  service.status.full = true;
  EXPECT_EQ(summary(service.propose(service.members[0])).substr(0, 31),
            "503 TooManyPendingTransactions:");
}

TEST_F(Api, a_node_that_does_not_lead_any_more) {
  service.store.set_follower(kv::Epoch{2});
  EXPECT_EQ(summary(service.propose(service.members[0])),
            "503 TransactionReplicationFailed: Transaction failed to replicate.");
}

TEST_F(Api, the_document_without_a_version_hides_what_has_one) {
  const json::value document = body_json(service.get_request("/gov/api"));
  std::set<std::string> paths;
  for (const auto& path : document.at("paths").as_object()) paths.emplace(path.key());
  EXPECT_EQ(paths, (std::set<std::string>{"/gov/api", "/gov/commit", "/gov/tx"}));
}

TEST_F(Api, the_document_of_a_version_names_what_is_served) {
  const auto response = service.get_request("/gov/api?api-version=2024-07-01");
  EXPECT_EQ(header_of(response, "content-type"), "application/json");
  const json::value document = body_json(response);
  EXPECT_EQ(document.at("info").at("version"), "2024-07-01");
  std::set<std::string> served, named;
  for (const auto& endpoint : service.frontends.registry(rpc::Actor::gov).endpoints()) {
    if (endpoint->hidden) {
      served.insert(std::string(http::to_text(endpoint->method)) + " " + endpoint->full_path);
    }
  }
  for (const auto& [path, operations] : document.at("paths").as_object()) {
    for (const auto& operation : operations.as_object()) {
      std::string verb(operation.key());
      for (char& c : verb) c = static_cast<char>(std::toupper(c));
      named.insert(verb + " " + std::string(path));
    }
  }
  // Names that clients know, but which no service ever served.
  EXPECT_EQ(named.erase("GET /gov/service/js-modules"), 1u);
  EXPECT_EQ(named.erase("GET /gov/service/js-modules/{moduleName}"), 1u);
  EXPECT_EQ(named, served);

  const json::value preview =
      body_json(service.get_request("/gov/api?api-version=2023-06-01-preview"));
  EXPECT_EQ(preview.at("info").at("title"), "Managed CCF Governance");
  EXPECT_FALSE(preview.at("paths").as_object().contains("/gov/service/javascript-modules"));
  EXPECT_TRUE(preview.at("definitions")
                  .at("ServiceState.JwtIssuer")
                  .at("properties")
                  .as_object()
                  .contains("keyFilter"));
  EXPECT_EQ(summary(service.get_request("/gov/api?api-version=1")).substr(0, 31),
            "400 UnsupportedApiVersionValue:");
}

/// Every reference in a document leads somewhere.
void check_references(const json::value& at, const json::value& document) {
  if (const auto* list = at.if_array()) {
    for (const auto& element : *list) check_references(element, document);
  }
  const auto* members = at.if_object();
  if (members == nullptr) return;
  for (const auto& [key, value] : *members) {
    if (key != "$ref") {
      check_references(value, document);
      continue;
    }
    const std::string_view text = value.get_string();
    const bool parameter = text.starts_with("#/parameters/");
    const std::string_view name = text.substr(text.rfind('/') + 1);
    EXPECT_TRUE(document.at(parameter ? "parameters" : "definitions").as_object().contains(name))
        << text;
  }
}

TEST(ApiDocument, references_lead_somewhere) {
  for (const ApiVersion version : {ApiVersion::preview_2023_06_01, ApiVersion::stable_2024_07_01}) {
    const json::value document = api_document(version);
    check_references(document, document);
  }
}

/// Names of a parameter and where it stands.
std::set<std::string> parameters_of(const json::value& operation, const json::value& document) {
  std::set<std::string> names;
  for (const json::value& parameter : operation.at("parameters").as_array()) {
    const json::value* real = &parameter;
    if (const auto* reference = parameter.as_object().if_contains("$ref")) {
      const std::string_view text = reference->get_string();
      real = &document.at("parameters").at(text.substr(text.rfind('/') + 1));
    }
    names.insert(std::string(real->at("in").get_string()) + " " +
                 std::string(real->at("name").get_string()));
  }
  return names;
}

/// The schema that a definition or a member has, references followed.
const json::value& resolved(const json::value& schema, const json::value& document) {
  const auto* reference = schema.as_object().if_contains("$ref");
  if (reference == nullptr) return schema;
  const std::string_view text = reference->get_string();
  return resolved(document.at("definitions").at(text.substr(text.rfind('/') + 1)), document);
}

void check_fields(const json::value& known, const json::value& known_document,
                  const json::value& ours, const json::value& our_document,
                  const std::string& name) {
  const auto* properties = known.as_object().if_contains("properties");
  if (properties == nullptr) return;
  const auto* mine = ours.as_object().if_contains("properties");
  ASSERT_NE(mine, nullptr) << name;
  for (const auto& [field, schema] : properties->as_object()) {
    ASSERT_TRUE(mine->as_object().contains(field)) << name << "." << field;
    if (schema.as_object().contains("properties")) {
      check_fields(schema, known_document, resolved(mine->at(field), our_document), our_document,
                   name + "." + std::string(field));
    }
  }
}

TEST(ApiDocument, has_all_that_the_published_one_has) {
  const char* folder = std::getenv("ENTENTE_SHARED_DATA");
  const std::string path = (folder != nullptr ? std::string(folder)
                                              : std::string(ENTENTE_SOURCE_DIR "/../shared/data")) +
                           "/openapi/gov-2024-07-01.json";
  std::ifstream file(path);
  if (!file) GTEST_SKIP() << path << " is not there";
  std::stringstream text;
  text << file.rdbuf();
  const json::value known = *json::parse(text.str());
  const json::value ours = api_document(ApiVersion::stable_2024_07_01);
  for (const char* member : {"swagger", "info", "schemes", "consumes", "produces"}) {
    if (std::string(member) != "info") {
      EXPECT_EQ(ours.at(member), known.at(member)) << member;
    }
  }
  EXPECT_EQ(ours.at("info").at("title"), known.at("info").at("title"));
  for (const auto& [path_name, operations] : known.at("paths").as_object()) {
    ASSERT_TRUE(ours.at("paths").as_object().contains(path_name)) << path_name;
    for (const auto& [verb, operation] : operations.as_object()) {
      const auto& mine = ours.at("paths").at(path_name).as_object();
      ASSERT_TRUE(mine.contains(verb)) << path_name;
      EXPECT_EQ(parameters_of(mine.at(verb), ours), parameters_of(operation, known)) << path_name;
      for (const auto& [code, response] : operation.at("responses").as_object()) {
        ASSERT_TRUE(mine.at(verb).at("responses").as_object().contains(code)) << path_name << code;
        const auto& my_response = mine.at(verb).at("responses").at(code).as_object();
        const auto* schema = response.as_object().if_contains("schema");
        EXPECT_EQ(schema != nullptr, my_response.contains("schema")) << path_name;
        if (schema != nullptr) {
          EXPECT_EQ(my_response.at("schema"), *schema) << path_name;
        }
      }
      for (const char* list : {"consumes", "produces"}) {
        const auto* theirs = operation.as_object().if_contains(list);
        const auto* my_list = mine.at(verb).as_object().if_contains(list);
        EXPECT_EQ(theirs != nullptr, my_list != nullptr) << path_name << list;
        if (theirs != nullptr && my_list != nullptr) {
          EXPECT_EQ(*theirs, *my_list);
        }
      }
    }
  }
  for (const auto& [name, schema] : known.at("definitions").as_object()) {
    ASSERT_TRUE(ours.at("definitions").as_object().contains(name)) << name;
    check_fields(schema, known, ours.at("definitions").at(name), ours, std::string(name));
  }
  for (const auto& parameter : known.at("parameters").as_object()) {
    EXPECT_TRUE(ours.at("parameters").as_object().contains(parameter.key()));
  }
}

}  // namespace
}  // namespace entente::gov::test
