// What the actions of the constitutions that come with the program do to the tables, case by case:
// constitution_actions_cases.json. And what their resolve() decides.
//
// The file has
//   texts        name → text; strings that begin with @ stand for them
//   raw_tables   tables whose values are text and not JSON
//   cases        action, args, before: {table: {key: value}}, and one of
//                  invalid   part of the reason that validate() gives
//                  fails     part of what apply() throws
//                  after     what changed: {table: {key: value, or null for a removed row}}, and
//                            calls: the native effects in their order
// Tables are named without `public:ccf.gov.` or `public:ccf.`; `$unit` are the 8 zero bytes.

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "base/json.h"
#include "crypto/random.h"
#include "gov/tables.h"
#include "js/ccf.h"
#include "js/ccf_kv.h"
#include "js/use.h"
#include "kv/store.h"

namespace entente::gov {
namespace {

std::string read(const std::string& path) {
  std::ifstream file(std::string(ENTENTE_SOURCE_DIR) + "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string joined(const std::vector<std::string>& scripts) {
  std::string out;
  for (const std::string& script : scripts) {
    if (!out.empty()) out += '\n';
    out += read("constitutions/" + script);
  }
  return out;
}

/// Records native effects in place of having them. Also for the host objects of governance that
/// have tests of their own.
constexpr std::string_view recorder = R"(
const calls = [];
const text = (value) => (value instanceof ArrayBuffer ? ccf.bufToStr(value) : String(value));
const record = (name, result) => (...args) => {
  calls.push(`${name}(${args.map(text).join(",")})`);
  return result?.(...args);
};
const all = (prefix, names) =>
  Object.fromEntries(names.map((name) => [name, record(`${prefix}.${name}`)]));
ccf.gov = { validateConstitution: () => true };
ccf.node = all("node", ["triggerLedgerRekey", "transitionServiceToOpen",
  "triggerRecoverySharesRefresh", "triggerLedgerChunk", "triggerSnapshot"]);
ccf.network = {
  getLatestLedgerSecretSeqno: record("network.getLatestLedgerSecretSeqno", () => 42),
  generateEndorsedCertificate: record("network.generateEndorsedCertificate",
    (request, from, days) => `endorsed ${request} from ${from} for ${days}`),
  generateNetworkCertificate: record("network.generateNetworkCertificate",
    (from, days) => `service certificate from ${from} for ${days}`),
};
ccf.setJwtPublicSigningKeys = (issuer) => { calls.push(`setJwtPublicSigningKeys(${issuer})`); };
ccf.removeJwtPublicSigningKeys = record("removeJwtPublicSigningKeys");
ccf.refreshAppBytecodeCache = record("refreshAppBytecodeCache");
export function recorded() { return calls; }
)";

struct SteadyClock final : Clock {
  MonotonicTime now() const override { return MonotonicTime(0); }
  UnixTime unix_time() const override { return UnixTime(1700000000); }
};

using Rows = std::map<std::pair<std::string, std::string>, std::string>;  // (table, key) → value

class Cases {
 public:
  Cases() : document_(*json::parse(read("src/gov/constitution_actions_cases.json"))) {
    for (const json::value& table : document_.at("raw_tables").as_array()) {
      raw_tables_.insert(std::string(table.as_string()));
    }
    for (const json::value& one : all()) {
      for (const char* part : {"before", "after"}) {
        if (!one.as_object().contains(part)) continue;
        for (const auto& table : one.at(part).as_object()) tables_.insert(table.key());
      }
    }
  }

  const json::array& all() const { return document_.at("cases").as_array(); }
  const std::set<std::string>& tables() const { return tables_; }
  std::string text(const std::string& name) const {
    return std::string(document_.at("texts").at(name).as_string());
  }

  /// With the texts in place of their names.
  json::value filled(const json::value& value) const {
    if (value.is_string()) return json::value(filled(std::string(value.get_string())));
    if (value.is_array()) {
      json::array out;
      for (const json::value& one : value.get_array()) out.push_back(filled(one));
      return out;
    }
    if (!value.is_object()) return value;
    json::object out;
    for (const auto& field : value.get_object()) {
      out[filled(std::string(field.key()))] = filled(field.value());
    }
    return out;
  }
  std::string filled(const std::string& word) const {
    return word.starts_with('@') ? text(word.substr(1)) : word;
  }
  /// Texts within a text: `f(@cert_a,1)`.
  std::string filled_within(std::string words) const {
    for (const auto& one : document_.at("texts").as_object()) {
      const std::string name = "@" + std::string(one.key());
      for (size_t at; (at = words.find(name)) != std::string::npos;) {
        words.replace(at, name.size(), std::string(one.value().as_string()));
      }
    }
    return words;
  }

  std::string key(const std::string& word) const {
    return word == "$unit" ? to_text(tables::unit()) : filled(word);
  }
  /// As it is stored; JSON in canonical form.
  std::string stored(const std::string& table, const json::value& value) const {
    if (value.is_string() && value.get_string() == "$unit") return to_text(tables::unit());
    const json::value full = filled(value);
    return raw_tables_.contains(table) ? std::string(full.as_string()) : json::dump(full);
  }
  std::string canonical(const std::string& table, const std::string& value) const {
    if (raw_tables_.contains(table)) return value;
    const auto document = json::parse(value);
    return document ? json::dump(*document) : value;
  }

 private:
  json::value document_;
  std::set<std::string> raw_tables_, tables_;
};

std::string full_name(const std::string& table) {
  if (table.starts_with("public:")) return table;
  return (table.starts_with("internal.") ? "public:ccf." : "public:ccf.gov.") + table;
}

class ConstitutionActions : public testing::Test {
 protected:
  ConstitutionActions()
      : isolate_({.bindings = js::ccf_bindings(),
                  .random = &crypto::system_random(),
                  .clock = &clock_,
                  .date_now = {}}) {}

  /// The exported function of the module, called; its result as JSON text, or the failure.
  js::Outcome<std::string> call(js::Use& use, const std::string& script, const char* function,
                                std::initializer_list<js::Argument> arguments) {
    const auto module = use.compile("constitution", script);
    if (!module) return module.failure();
    const auto evaluated = use.evaluate(*module);
    if (!evaluated) return evaluated.failure();
    if (evaluated->thrown) return *evaluated->thrown;
    const auto exported = use.exported_function(*module, function);
    if (!exported) return exported.failure();
    const auto result = use.call(*exported, arguments);
    if (!result) return result.failure();
    const auto text = use.json(*result);
    if (!text) return text.failure();
    return text->value_or("undefined");
  }

  /// Makes `recorder` part of the use; its function afterwards.
  js::Outcome<js::Value> record(js::Use& use) {
    const auto module = use.compile("recorder", recorder);
    if (!module) return module.failure();
    const auto evaluated = use.evaluate(*module);
    if (!evaluated) return evaluated.failure();
    if (evaluated->thrown) return *evaluated->thrown;
    return use.exported_function(*module, "recorded");
  }

  Rows rows(kv::Tx& tx) {
    Rows out;
    for (const std::string& table : cases_.tables()) {
      tx.ro(full_name(table)).foreach ([&](BytesView key, BytesView value) {
        out[{table, to_text(key)}] = cases_.canonical(table, to_text(value));
        return true;
      });
    }
    return out;
  }

  void put(kv::Tx& tx, const json::value& tables) {
    for (const auto& table : tables.as_object()) {
      auto handle = tx.rw(full_name(table.key()));
      for (const auto& row : table.value().as_object()) {
        handle.put(as_bytes(cases_.key(row.key())),
                   as_bytes(cases_.stored(table.key(), row.value())));
      }
    }
  }

  void run(const json::object& one);
  void check_valid(kv::Tx& tx, const json::object& one, const std::string& proposal, bool& valid);
  void check_applied(kv::Tx& tx, const json::object& one, const std::string& proposal);

  const Cases cases_;
  const std::string constitution_ =
      joined({"default/actions.js", "virtual/virtual_attestation_actions.js",
              "roles/set_role_definition.js", "test/test_actions.js", "default/validate.js",
              "default/resolve.js", "default/apply.js"});
  SteadyClock clock_;
  kv::Store store_;
  js::Isolate isolate_;
};

void ConstitutionActions::check_valid(kv::Tx& tx, const json::object& one,
                                      const std::string& proposal, bool& valid) {
  js::KvTransaction reading(static_cast<kv::ReadOnlyTx&>(tx), kv::Context::read_only_governance);
  js::Use use(isolate_);
  use.attach(reading);
  const auto recorded = record(use);
  ASSERT_TRUE(recorded.ok()) << recorded.failure().text;
  const auto result = call(use, constitution_, "validate", {std::string_view(proposal)});
  ASSERT_TRUE(result.ok()) << result.failure().text << result.failure().trace.value_or("");
  const json::value document = *json::parse(*result);
  valid = document.at("valid").as_bool();
  const std::string description(document.at("description").as_string());
  if (!one.contains("invalid")) {
    ASSERT_TRUE(valid) << description;
    return;
  }
  const std::string wanted(one.at("invalid").as_string());
  EXPECT_FALSE(valid);
  EXPECT_NE(description.find(wanted), std::string::npos) << description << "\nwanted " << wanted;
}

void ConstitutionActions::check_applied(kv::Tx& tx, const json::object& one,
                                        const std::string& proposal) {
  Rows wanted = rows(tx);
  js::KvTransaction writing(tx, kv::Context::governance);
  js::Use use(isolate_);
  use.attach(writing);
  const auto recorded = record(use);
  ASSERT_TRUE(recorded.ok()) << recorded.failure().text;
  const std::string id = cases_.text("this");
  const auto result =
      call(use, constitution_, "apply", {std::string_view(proposal), std::string_view(id)});
  if (one.contains("fails")) {
    ASSERT_FALSE(result.ok());
    const std::string text(one.at("fails").as_string());
    EXPECT_NE(result.failure().text.find(text), std::string::npos)
        << result.failure().text << "\nwanted " << text;
    return;
  }
  ASSERT_TRUE(result.ok()) << result.failure().text << result.failure().trace.value_or("");
  for (const auto& table : one.at("after").as_object()) {
    for (const auto& row : table.value().as_object()) {
      const std::pair place{std::string(table.key()), cases_.key(row.key())};
      if (row.value().is_null()) {
        wanted.erase(place);
      } else {
        wanted[place] = cases_.stored(table.key(), row.value());
      }
    }
  }
  EXPECT_EQ(rows(tx), wanted);
  json::array calls;
  if (one.contains("calls")) {
    for (const json::value& call : one.at("calls").as_array()) {
      calls.push_back(json::value(cases_.filled_within(std::string(call.as_string()))));
    }
  }
  const auto seen = use.call(*recorded, {});
  ASSERT_TRUE(seen.ok());
  EXPECT_EQ(*json::parse(use.json(*seen)->value()), json::value(calls));
}

void ConstitutionActions::run(const json::object& one) {
  json::object action{{"name", one.at("action")}};
  if (one.contains("args")) action["args"] = cases_.filled(one.at("args"));
  const std::string proposal = json::dump(json::object{{"actions", json::array{action}}});
  kv::Tx tx = store_.begin(kv::Context::framework);
  if (one.contains("before")) put(tx, one.at("before"));
  bool valid = false;
  ASSERT_NO_FATAL_FAILURE(check_valid(tx, one, proposal, valid));
  if (valid) check_applied(tx, one, proposal);
}

TEST_F(ConstitutionActions, ChangeTheTablesAsTheirCasesSay) {
  ASSERT_GT(cases_.all().size(), 200u);
  for (const json::value& one : cases_.all()) {
    SCOPED_TRACE(json::dump(one).substr(0, 300));
    run(one.as_object());
  }
}

TEST_F(ConstitutionActions, AreAllCovered) {
  js::Use use(isolate_);
  const auto names =
      call(use, constitution_ + "\nexport function names() { return [...actions.keys()]; }",
           "names", {});
  ASSERT_TRUE(names.ok()) << names.failure().text;
  std::set<std::string> covered;
  for (const json::value& one : cases_.all()) {
    if (one.as_object().contains("after"))
      covered.insert(std::string(one.at("action").as_string()));
  }
  const json::value list = *json::parse(*names);
  EXPECT_GT(list.as_array().size(), 50u);
  const std::set<std::string> only_by_resolve{
      "always_reject_noop",           "always_accept_with_one_vote",
      "always_reject_with_one_vote",  "always_accept_with_two_votes",
      "always_reject_with_two_votes", "always_accept_if_voted_by_operator",
      "always_throw_in_resolve",      "always_accept_if_proposed_by_operator",
      "always_throw_in_apply"};
  for (const json::value& name : list.as_array()) {
    const std::string text(name.as_string());
    EXPECT_TRUE(only_by_resolve.contains(text) || covered.contains(text)) << text;
  }
}

TEST_F(ConstitutionActions, AProposalThatIsNoneIsRefused) {
  js::Use use(isolate_);
  for (const char* proposal : {"{}", "[]", "null", R"({"actions": {}})", R"({"actions": [null]})",
                               R"({"actions": [{"args": {}}]})", R"({"actions": [{"name": 7}]})"}) {
    const auto result = call(use, constitution_, "validate", {std::string_view(proposal)});
    ASSERT_TRUE(result.ok()) << proposal << ": " << result.failure().text;
    EXPECT_FALSE(json::parse(*result)->at("valid").as_bool()) << proposal;
  }
  const auto broken = call(use, constitution_, "validate", {std::string_view("{\"actions\": [")});
  ASSERT_FALSE(broken.ok());
  EXPECT_TRUE(broken.failure().text.starts_with("SyntaxError: ")) << broken.failure().text;
}

// --------------------------------------------------------------------------------------- resolve()

/// Members a, b, c vote; o is an operator and p an operator's provisioner, without keys; n is not
/// yet active. Votes: "+a" for, "-b" against.
struct Decision {
  const char* constitution;
  const char* action;  ///< as JSON
  char proposer;
  const char* votes;
  const char* decision;
};
constexpr const char* user = R"({"name": "remove_user", "args": {"user_id": "u"}})";
constexpr const char* code = R"({"name": "set_js_app", "args": {}})";
constexpr const char* trust = R"({"name": "transition_node_to_trusted", "args": {}})";
constexpr const char* remove_operator = R"({"name": "remove_member", "args": {"member_id": "O"}})";
constexpr const char* remove_member = R"({"name": "remove_member", "args": {"member_id": "A"}})";
constexpr const char* new_operator =
    R"({"name": "set_member", "args": {"cert": "CERT", "member_data": {"is_operator": true}}})";
constexpr const char* voting_operator =
    R"({"name": "set_member",
        "args": {"cert": "CERT", "encryption_pub_key": "k", "member_data": {"is_operator": true}}})";
constexpr const char* known_member =
    R"({"name": "set_member", "args": {"cert": "KNOWN", "member_data": {"is_operator": true}}})";

constexpr Decision decisions[] = {
    // Five active members: o and p count, too.
    {"default", user, 'a', "", "Open"},
    {"default", user, 'a', "+a +b", "Open"},
    {"default", user, 'a', "+a +b -c", "Open"},
    {"default", user, 'a', "+a +b +c", "Accepted"},
    {"default", user, 'a', "-a -b -c -o -p", "Open"},
    {"default", user, 'a', "+a +b +n", "Open"},
    {"default", user, 'a', "+a +b +x", "Open"},
    {"sandbox", user, 'a', "", "Accepted"},
    {"veto", user, 'a', "+a +b", "Open"},
    {"veto", user, 'a', "+a +b +c", "Accepted"},
    {"veto", user, 'a', "+a +b +c -o", "Rejected"},
    {"veto", user, 'a', "-a", "Rejected"},
    {"veto", user, 'a', "-n", "Open"},
    // p is a voter here: 4 voters.
    {"operator", user, 'o', "", "Open"},
    {"operator", user, 'a', "+a +b", "Open"},
    {"operator", user, 'a', "+a +b +o", "Open"},
    {"operator", user, 'a', "+a +b +c", "Accepted"},
    {"operator", trust, 'o', "", "Accepted"},
    {"operator", trust, 'a', "", "Open"},
    {"operator", R"({"name": "add_node_code", "args": {"code_id": "x"}})", 'o', "", "Open"},
    {"operator", remove_operator, 'o', "", "Accepted"},
    {"operator", remove_member, 'o', "", "Open"},
    {"operator", new_operator, 'o', "", "Accepted"},
    {"operator", voting_operator, 'o', "", "Open"},
    {"operator", known_member, 'o', "", "Open"},
    {"operator", known_member, 'a', "+a +b +c", "Accepted"},
    {"operator_provisioner", new_operator, 'p', "", "Accepted"},
    {"operator_provisioner", remove_operator, 'p', "", "Accepted"},
    {"operator_provisioner", remove_member, 'p', "", "Rejected"},
    {"operator_provisioner", known_member, 'p', "", "Rejected"},
    {"operator_provisioner", voting_operator, 'p', "", "Rejected"},
    {"operator_provisioner", user, 'p', "+a +b +c", "Rejected"},
    {"operator_provisioner", user, 'a', "+a", "Open"},
    {"operator_provisioner", user, 'a', "+a +o +p", "Open"},
    {"operator_provisioner", user, 'a', "+a +b", "Accepted"},
    {"test", R"({"name": "always_accept_noop"})", 'a', "", "Accepted"},
    {"test", R"({"name": "always_reject_noop"})", 'a', "", "Rejected"},
    {"test", R"({"name": "always_accept_with_one_vote"})", 'a', "", "Open"},
    {"test", R"({"name": "always_accept_with_one_vote"})", 'a', "+b", "Accepted"},
    {"test", R"({"name": "always_accept_with_one_vote"})", 'a', "-b", "Open"},
    {"test", R"({"name": "always_reject_with_one_vote"})", 'a', "-b", "Rejected"},
    {"test", R"({"name": "always_accept_with_two_votes"})", 'a', "+b", "Open"},
    {"test", R"({"name": "always_accept_with_two_votes"})", 'a', "+b +c", "Accepted"},
    {"test", R"({"name": "always_reject_with_two_votes"})", 'a', "-b", "Open"},
    {"test", R"({"name": "always_reject_with_two_votes"})", 'a', "-b -c", "Rejected"},
    {"test", R"({"name": "always_accept_if_voted_by_operator"})", 'a', "+a", "Open"},
    {"test", R"({"name": "always_accept_if_voted_by_operator"})", 'a', "+o", "Accepted"},
    {"test", R"({"name": "always_accept_if_proposed_by_operator"})", 'a', "", "Open"},
    {"test", R"({"name": "always_accept_if_proposed_by_operator"})", 'o', "", "Accepted"},
    {"test", R"({"name": "always_throw_in_apply"})", 'a', "", "Accepted"},
    {"test", R"({"name": "always_throw_in_resolve"})", 'a', "", "Error: Resolve message"},
    {"test", new_operator, 'p', "", "Accepted"},
    {"test", user, 'p', "", "Rejected"},
    {"test", user, 'a', "+a", "Open"},
    {"test", user, 'a', "+a +o", "Accepted"},
    // p is a voter here, too: 4 voters, of whom 3 are two thirds.
    {"example", trust, 'o', "", "Accepted"},
    {"example", trust, 'a', "", "Open"},
    {"example", user, 'o', "", "Open"},
    {"example", user, 'a', "+a +b", "Open"},
    {"example", user, 'a', "+a +b +o", "Open"},
    {"example", user, 'a', "+a +b +c", "Accepted"},
    {"example", user, 'a', "-a", "Open"},
    {"example", user, 'a', "-a -b", "Rejected"},
    {"example", code, 'a', "+a +b +c", "Accepted"},
    {"example", code, 'a', "+a +b", "Open"},
    {"example", code, 'o', "", "Open"},
    {"example", code, 'a', "-a -b", "Rejected"},
};

class ConstitutionDecisions : public ConstitutionActions {
 protected:
  std::string id_of(char member) const { return std::string(64, member); }

  void add_member(kv::Tx& tx, const std::string& id, const char* status, const json::object& data,
                  bool key) {
    json::object info{{"status", status}};
    if (!data.empty()) info["member_data"] = data;
    tx.rw("public:ccf.gov.members.info").put(as_bytes(id), as_bytes(json::dump(info)));
    if (key) {
      tx.rw("public:ccf.gov.members.encryption_public_keys").put(as_bytes(id), as_bytes("key"));
    }
  }

  std::string filled(std::string action) const {
    const std::pair<std::string, std::string> words[] = {
        {"\"O\"", json::dump(json::value(id_of('o')))},
        {"\"A\"", json::dump(json::value(id_of('a')))},
        {"\"CERT\"", json::dump(json::value(cases_.text("cert_a")))},
        {"\"KNOWN\"", json::dump(json::value(cases_.text("cert_b")))}};
    for (const auto& [word, text] : words) {
      if (const size_t at = action.find(word); at != std::string::npos) {
        action.replace(at, word.size(), text);
      }
    }
    return action;
  }

  std::string decide(const Decision& one, bool known_is_member) {
    kv::Tx tx = store_.begin(kv::Context::framework);
    for (const char member : {'a', 'b', 'c'}) add_member(tx, id_of(member), "Active", {}, true);
    add_member(tx, id_of('o'), "Active", {{"is_operator", true}}, false);
    add_member(tx, id_of('p'), "Active", {{"is_operator_provisioner", true}}, false);
    add_member(tx, id_of('n'), "Accepted", {}, true);
    if (known_is_member) add_member(tx, cases_.text("id_b"), "Accepted", {}, true);
    json::array votes;
    for (const char* at = one.votes; *at != '\0'; ++at) {
      if (*at != '+' && *at != '-') continue;
      votes.push_back(json::object{{"member_id", id_of(at[1])}, {"vote", *at == '+'}});
    }
    const std::string proposal = R"({"actions": [)" + filled(one.action) + "]}";
    const std::string votes_text = json::dump(votes), proposer = id_of(one.proposer);
    js::KvTransaction reading(static_cast<kv::ReadOnlyTx&>(tx), kv::Context::read_only_governance);
    js::Use use(isolate_);
    use.attach(reading);
    const auto result =
        call(use, joined({std::string(one.constitution) + "/resolve.js"}), "resolve",
             {std::string_view(proposal), std::string_view(proposer), js::Json{votes_text},
              std::string_view("id")});
    if (!result) return result.failure().text;
    return std::string(json::parse(*result)->as_string());
  }
};

TEST_F(ConstitutionDecisions, AreAsTheirRulesSay) {
  for (const Decision& one : decisions) {
    SCOPED_TRACE(std::string(one.constitution) + " " + one.action + " by " + one.proposer + ": " +
                 one.votes);
    EXPECT_EQ(decide(one, std::string_view(one.action) == known_member), one.decision);
  }
}

TEST_F(ConstitutionDecisions, EveryConstitutionHasTheFunctionsThatAreNeeded) {
  for (const char* name :
       {"default", "sandbox", "veto", "operator", "operator_provisioner", "example", "test"}) {
    js::Use use(isolate_);
    const auto module =
        use.compile(name, joined({"default/actions.js", "default/validate.js",
                                  std::string(name) + "/resolve.js", "default/apply.js"}));
    ASSERT_TRUE(module.ok()) << name << ": " << module.failure().text;
    const auto evaluated = use.evaluate(*module);
    ASSERT_TRUE(evaluated.ok()) << name;
    EXPECT_FALSE(evaluated->thrown) << name << ": " << evaluated->thrown->text;
    const std::pair<const char*, int64_t> functions[] = {
        {"validate", 1}, {"resolve", 4}, {"apply", 2}};
    for (const auto& [function, parameters] : functions) {
      const auto exported = use.exported_function(*module, function);
      ASSERT_TRUE(exported.ok()) << name << ": " << exported.failure().text;
      EXPECT_EQ(*use.parameter_count(*exported), parameters) << name << " " << function;
    }
  }
}

}  // namespace
}  // namespace entente::gov
