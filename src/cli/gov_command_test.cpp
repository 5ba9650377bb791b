// The parts of `gov` that need no service: actions out of words, ballots, where messages go.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cli/constitution_files.h"
#include "cli/gov_actions.h"
#include "cli/gov_ballot.h"
#include "cli/gov_client.h"
#include "cli/identity_files.h"
#include "cli/scratch_folder.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "js/ccf.h"
#include "js/use.h"

namespace entente::cli {
namespace {

namespace fs = std::filesystem;
const std::string shipped = std::string(ENTENTE_SOURCE_DIR) + "/constitutions/";

class GovParts : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& content) const {
    const fs::path path = fs::path(folder_) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << content;
    return path.string();
  }
  std::string user_certificate() const {
    return make_identity({folder_, "user", crypto::Curve::p256, 5, false})->certificate;
  }
  Result<json::object> make(const char* action, const std::map<std::string, std::string>& given,
                            const std::string& service_certificate = "") const {
    return make_action(*find_action(action), given, service_certificate);
  }

  const test::ScratchFolder scratch_;
  const std::string& folder_ = scratch_.path;
};

TEST_F(GovParts, EveryActionOfTheConstitutionsCanBeProposed) {
  std::ifstream script(shipped + "default/actions.js");
  const std::string text{std::istreambuf_iterator<char>(script), {}};
  for (const ActionDescription& action : known_actions()) {
    const bool is_virtual = action.name.find("_virtual_") != std::string_view::npos;
    EXPECT_TRUE(is_virtual || text.find("\"" + std::string(action.name) + "\"") != text.npos)
        << action.name;
    EXPECT_FALSE(action.help.empty());
    for (const ActionArgument& argument : action.arguments) EXPECT_FALSE(argument.help.empty());
  }
  EXPECT_EQ(known_actions().size(), 46u);
  EXPECT_EQ(find_action("make_coffee"), nullptr);
}

TEST_F(GovParts, WordsBecomeArguments) {
  const std::string certificate = user_certificate();
  const auto user = make("set_user", {{"cert", certificate}, {"user_data", R"({"a": [1]})"}});
  ASSERT_TRUE(user.ok()) << user.error().message;
  EXPECT_EQ(user->at("name"), "set_user");
  EXPECT_EQ(user->at("args").at("user_data"), *json::parse(R"({"a":[1]})"));
  EXPECT_TRUE(std::string(user->at("args").at("cert").as_string()).starts_with("-----BEGIN"));

  const auto data = make("set_user_data", {{"user_id", std::string(64, 'a')},
                                           {"user_data", "@" + file("data.json", "[true]")}});
  ASSERT_TRUE(data.ok());
  EXPECT_EQ(data->at("args").at("user_data"), *json::parse("[true]"));

  const auto opening = make("transition_service_to_open", {}, certificate);
  ASSERT_TRUE(opening.ok());
  EXPECT_TRUE(opening->at("args").as_object().contains("next_service_identity"));
  EXPECT_FALSE(opening->at("args").as_object().contains("previous_service_identity"));

  const auto trust = make("transition_node_to_trusted", {{"node_id", std::string(64, 'a')}});
  ASSERT_TRUE(trust.ok());
  EXPECT_EQ(trust->at("args").at("valid_from").as_string().size(), 13u);  // YYMMDDhhmmssZ
  EXPECT_FALSE(trust->at("args").as_object().contains("validity_period_days"));

  EXPECT_FALSE(make("trigger_snapshot", {})->contains("args"));
  EXPECT_EQ(proposal_text({*make("trigger_snapshot", {})}),
            R"({"actions":[{"name":"trigger_snapshot"}]})");
}

TEST_F(GovParts, WrongWordsAreRefusedWithTheirOption) {
  struct Case {
    const char* action;
    std::map<std::string, std::string> given;
    const char* error;
  };
  const Case cases[] = {
      {"set_user", {}, "--cert is missing"},
      {"set_user", {{"cert", "/nowhere"}}, "--cert: "},
      {"set_user", {{"cert", file("no.pem", "text")}}, "--cert: "},
      {"set_user_data", {{"user_id", std::string(64, 'a')}, {"user_data", "{"}}, "--user-data: "},
      {"remove_user", {{"user_id", "abc"}}, "--user-id: an id has 64 hex digits; this has 3"},
      {"set_recovery_threshold", {{"recovery_threshold", "two"}}, "--recovery-threshold: 'two'"},
      {"set_recovery_threshold", {{"recovery_threshold", "-2"}}, "--recovery-threshold: '-2'"},
      {"cleanup_legacy_jwt_records", {{"ensure_new_records_exist", "maybe"}}, "neither true nor"},
      {"transition_service_to_open", {}, "--next-service-identity or --service-cert is needed"},
  };
  for (const Case& one : cases) {
    const auto made = make(one.action, one.given);
    ASSERT_FALSE(made.ok()) << one.action;
    EXPECT_NE(made.error().message.find(one.error), std::string::npos) << made.error().message;
  }
}

TEST_F(GovParts, FoldersBecomeApplicationsAndConstitutions) {
  file("app/app.json", R"({"endpoints": {}})");
  file("app/src/b.js", "b");
  file("app/src/lib/a.js", "a");
  const auto app = make("set_js_app", {{"bundle", folder_ + "/app"}});
  ASSERT_TRUE(app.ok()) << app.error().message;
  EXPECT_EQ(json::dump(app->at("args").at("bundle")),
            R"({"metadata":{"endpoints":{}},"modules":[{"module":"b","name":"b.js"},)"
            R"({"module":"a","name":"lib/a.js"}]})");

  const auto constitution = make("set_constitution", {{"constitution", shipped + "veto"}});
  ASSERT_TRUE(constitution.ok()) << constitution.error().message;
  const std::string text(constitution->at("args").at("constitution").as_string());
  EXPECT_LT(text.find("set_user"), text.find("add_virtual_measurement"));
  EXPECT_LT(text.find("add_virtual_measurement"), text.find("export function validate"));
  EXPECT_LT(text.find("export function validate"), text.find("One vote against"));
  EXPECT_LT(text.find("One vote against"), text.find("export function apply"));
}

TEST_F(GovParts, AConstitutionTakesFromTheDefaultWhatItDoesNotHave) {
  const auto names = [&](const std::string& folder) {
    std::vector<std::string> out;
    const auto files = constitution_files(folder);
    if (!files) return std::vector<std::string>{files.error().message};
    for (const std::string& path : *files) {
      out.push_back(fs::path(path).lexically_relative(shipped).string());
    }
    return out;
  };
  EXPECT_EQ(
      names(shipped + "default"),
      (std::vector<std::string>{"default/actions.js", "virtual/virtual_attestation_actions.js",
                                "default/validate.js", "default/resolve.js", "default/apply.js"}));
  EXPECT_EQ(
      names(shipped + "test"),
      (std::vector<std::string>{"default/actions.js", "virtual/virtual_attestation_actions.js",
                                "test/test_actions.js", "default/validate.js", "test/resolve.js",
                                "default/apply.js"}));
  EXPECT_EQ(names(shipped + "veto"), names(shipped + "veto/"));
  for (const char* name : {"actions.js", "validate.js", "resolve.js", "apply.js"}) {
    file(std::string("own/") + name, "");
  }
  EXPECT_EQ(constitution_files(folder_ + "/own")->size(), 4u);
  file("some/resolve.js", "");
  EXPECT_NE(constitution_files(folder_ + "/some").error().message.find("actions.js is missing"),
            std::string::npos);
}

TEST(GovBallot, SaysYesToExactContentOnly) {
  const std::string small = R"({"actions": ["\"\\\n"]})", id(64, 'a');
  EXPECT_EQ(recognise_ballot(accepting_ballot(small, id), small, id), KnownBallot::accepting);
  EXPECT_EQ(recognise_ballot(accepting_ballot(small, id), small + " ", id), KnownBallot::other);
  EXPECT_EQ(recognise_ballot(accepting_ballot(small, id), small, std::string(64, 'b')),
            KnownBallot::other);
  EXPECT_EQ(recognise_ballot(rejecting_ballot(), small, id), KnownBallot::rejecting);
  const std::string large(100000, 'x');
  const std::string ballot = accepting_ballot(large, id);
  EXPECT_LT(ballot.size(), 1000u);
  EXPECT_NE(ballot.find(crypto::sha256(as_bytes(large)).hex()), std::string::npos);
}

/// What the ballot says when it is run.
bool votes(const std::string& ballot, std::string_view proposal, std::string_view proposer) {
  js::Isolate isolate({.bindings = js::ccf_bindings(),
                       .random = &crypto::system_random(),
                       .clock = &system_clock(),
                       .date_now = {}});
  js::Use use(isolate);
  const auto module = use.compile("ballot", ballot);
  if (!module) throw std::runtime_error(module.failure().text);
  if (const auto evaluated = use.evaluate(*module); !evaluated || evaluated->thrown) {
    throw std::runtime_error("the ballot does not run");
  }
  const auto vote = use.exported_function(*module, "vote");
  if (!vote) throw std::runtime_error(vote.failure().text);
  const auto result = use.call(*vote, {proposal, proposer});
  if (!result) throw std::runtime_error(result.failure().text);
  return use.truthy(*result);
}

TEST(GovBallot, RunsAsItSays) {
  const std::string id(64, 'a'), other(64, 'b');
  const std::string separators = "{\"actions\": \"\\u2028 \xe2\x80\xa8 \\\\ ' ` ${x}\"}";
  for (const std::string& proposal : {separators, std::string(100000, 'x')}) {
    EXPECT_TRUE(votes(accepting_ballot(proposal, id), proposal, id));
    EXPECT_FALSE(votes(accepting_ballot(proposal, id), proposal + " ", id));
    EXPECT_FALSE(votes(accepting_ballot(proposal, id), proposal, other));
    EXPECT_FALSE(votes(rejecting_ballot(), proposal, id));
  }
}

TEST(GovSigner, ReadsSignaturesOfOthers) {
  EXPECT_EQ(signature_in(R"({"kid": "x", "value": "AQID"})").value(), (Bytes{1, 2, 3}));
  for (const char* text : {"", "{}", "[]", R"({"value": 7})", R"({"value": "+/=="})"}) {
    EXPECT_FALSE(signature_in(text).ok()) << text;
  }
}

}  // namespace
}  // namespace entente::cli
