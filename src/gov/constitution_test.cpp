// What can be a constitution, what its functions may touch, and that no proposal puts one into
// force that could not decide any more.

#include "gov/constitution.h"

#include <rapidcheck.h>

#include "gov/governance_fixture.h"

namespace entente::gov::test {
namespace {

class Constitutions : public testing::Test {
 protected:
  js::Isolate bare{{.random = &crypto::system_random(), .clock = &system_clock()}};
  std::string fault(const std::string& text) {
    const auto valid = validate_constitution(bare, {}, text);
    return valid ? "" : valid.error().message;
  }
  GovernanceService service;
  const TestMember& alice = service.members[0];
};

constexpr std::string_view default_files[] = {"default/actions.js", "default/validate.js",
                                              "default/resolve.js", "default/apply.js"};
std::string default_constitution() {
  return joined({default_files, default_files + std::size(default_files)});
}

TEST_F(Constitutions, what_can_be_one) {
  EXPECT_EQ(fault(TinyConstitution{}.text()), "");
  EXPECT_EQ(fault(default_constitution()), "");
  const std::string validate = "export function validate(a) {}",
                    resolve = "export function resolve(a, b, c) {}",
                    apply = "export function apply(a, b) {}";
  EXPECT_EQ(fault(validate + resolve + apply), "");
  EXPECT_EQ(fault(""), "constitution is empty");
  EXPECT_NE(fault("this is none").find("Failed to compile"), std::string::npos);
  EXPECT_NE(fault(validate + resolve).find("Failed to find export 'apply'"), std::string::npos);
  EXPECT_NE(fault(validate + apply).find("Failed to find export 'resolve'"), std::string::npos);
  EXPECT_NE(fault(apply + resolve).find("Failed to find export 'validate'"), std::string::npos);
  EXPECT_NE(fault(validate + resolve + "export const apply = 7;").find("is not a function"),
            std::string::npos);
  EXPECT_NE(fault(validate + apply + "export function resolve(a) {}")
                .find("exports function resolve with 1 arg, expected between 3 and 4 args"),
            std::string::npos);
  EXPECT_NE(fault(validate + apply + "export function resolve(a, b, c, d, e) {}")
                .find("exports function resolve with 5 args, expected between 3 and 4 args"),
            std::string::npos);
  EXPECT_NE(fault(resolve + apply + "export function validate(a, b, c) {}")
                .find("exports function validate with 3 args, expected 1 arg"),
            std::string::npos);
  EXPECT_NE(fault(resolve + validate + "export function apply() {}")
                .find("exports function apply with 0 args, expected 2 args"),
            std::string::npos);
  EXPECT_EQ(fault("ccf.kv; console.log(1);" + validate + resolve + apply), "")
      << "the top level may need what is not there";
}

TEST_F(Constitutions, the_check_that_scripts_call) {
  service.use({.validate = R"(
    try {
      const {call} = JSON.parse(proposal);
      return {valid: eval(call) === true, description: 'was not true'};
    } catch (error) { return {valid: false, description: String(error)}; })"});
  const auto call = [&](const std::string& expression) {
    return summary(service.propose(alice, json::dump(json::object{{"call", expression}})));
  };
  const std::string prefix = "400 ProposalFailedToValidate: Proposal failed to validate: ";
  const auto quoted = [](const std::string& text) { return json::dump(json::value(text)); };
  EXPECT_EQ(
      call("ccf.gov.validateConstitution(" + quoted(TinyConstitution{}.text()) + ")").substr(0, 3),
      "200");
  EXPECT_EQ(call("ccf.gov.validateConstitution('')"), prefix + "TypeError: constitution is empty");
  for (const char* arguments : {"", "7", "'a', 'b'", "undefined", "{}"}) {
    EXPECT_EQ(call("ccf.gov.validateConstitution(" + std::string(arguments) + ")")
                  .substr(0, prefix.size() + 10),
              prefix + "TypeError:")
        << arguments;
  }
  EXPECT_EQ(call("ccf.gov.validateConstitution('while (true) {}')"),
            prefix + "TypeError: Operation took too long to complete.");
}

TEST_F(Constitutions, globals_of_each_phase) {
  const std::string look =
      "const seen = [typeof console, typeof ccf.kv, typeof ccf.crypto, typeof ccf.gov,"
      " typeof ccf.strToBuf, typeof ccf.node, typeof ccf.network,"
      " typeof ccf.refreshAppBytecodeCache, typeof ccf.setJwtPublicSigningKeys,"
      " typeof ccf.removeJwtPublicSigningKeys, typeof ccf.rpc, typeof ccf.consensus,"
      " typeof ccf.historical].join();";
  const std::string reading =
      "object,object,object,object,function,undefined,undefined,undefined,undefined,undefined,"
      "undefined,undefined,undefined";
  const std::string applying =
      "object,object,object,object,function,object,object,function,function,function,"
      "undefined,undefined,undefined";
  service.use({.validate = look + "return {valid: false, description: seen};"});
  EXPECT_EQ(summary(service.propose(alice)),
            "400 ProposalFailedToValidate: Proposal failed to validate: " + reading);
  service.use({.resolve = look + "throw seen;"});
  EXPECT_EQ(summary(service.propose(alice)),
            "500 InternalError: Failed to resolve(): " + reading + "\nTrace: N/A");
  service.use({.resolve = "return 'Accepted';", .apply = look + "throw seen;"});
  EXPECT_EQ(summary(service.propose(alice)),
            "500 InternalError: Failed to apply(): " + applying + "\nTrace: N/A");
}

TEST_F(Constitutions, access_to_tables_in_each_phase) {
  service.put("public:ccf.gov.own", "k", "v");
  service.put("public:ccf.internal.own", "k", "v");
  service.put("public:app", "k", "v");
  service.put("app", "k", "v");
  const auto probe = [](std::string_view table) {
    const std::string handle = "ccf.kv['" + std::string(table) + "']";
    return "(() => { let can = '';"
           " try { " +
           handle +
           ".get(ccf.strToBuf('k')); can += 'r'; } catch (e) {"
           "   if (!(e instanceof TypeError)) can += '!'; }"
           " try { " +
           handle +
           ".set(ccf.strToBuf('k'), ccf.strToBuf('v')); can += 'w'; }"
           " catch (e) { if (!(e instanceof TypeError)) can += '!'; }"
           " return can; })()";
  };
  std::string list;
  for (const char* table : {"public:ccf.gov.own", "public:ccf.internal.own", "public:app", "app",
                            "ccf.gov.own", "ccf.internal.own"}) {
    if (!list.empty()) list += ",";
    list += probe(table);
  }
  const std::string throwing = "throw [" + list + "].join('|');";
  service.use({.resolve = throwing});
  EXPECT_EQ(summary(service.propose(alice)),
            "500 InternalError: Failed to resolve(): r|r||||\nTrace: N/A");
  service.use({.resolve = "return 'Accepted';", .apply = throwing});
  EXPECT_EQ(summary(service.propose(alice)),
            "500 InternalError: Failed to apply(): rw|r|w|||\nTrace: N/A");
}

TEST_F(Constitutions, a_reserved_name_ends_the_request) {
  for (const char* name : {"ccf.other", "public:ccf.other"}) {
    const std::string touch = "try { ccf.kv['" + std::string(name) + "']; } catch (e) {}";
    const TinyConstitution broken[] = {{.validate = touch + "return {valid: true};"},
                                       {.resolve = touch + "return 'Open';"},
                                       {.resolve = "return 'Accepted';", .apply = touch}};
    for (const TinyConstitution& constitution : broken) {
      service.use(constitution);
      const std::string text = summary(service.propose(alice));
      EXPECT_EQ(text.substr(0, 18), "500 InternalError:");
      EXPECT_NE(text.find("reserved"), std::string::npos) << text;
    }
  }
}

TEST_F(Constitutions, limits_of_each_phase) {
  const TinyConstitution endless[] = {
      {.validate = "while (true) {}"},
      {.resolve = "while (true) {}"},
      {.resolve = "return 'Accepted';", .apply = "try { while (true) {} } finally { throw 1; }"},
      {.top = "while (true) {}"}};
  for (const TinyConstitution& constitution : endless) {
    service.use(constitution);
    const std::string text = summary(service.propose(alice));
    EXPECT_EQ(text.substr(0, 18), "500 InternalError:");
    EXPECT_NE(text.find("Operation took too long to complete."), std::string::npos) << text;
  }
  service.use({.resolve = "const all = []; while (true) all.push(new Uint8Array(1e6));"});
  EXPECT_EQ(summary(service.propose(alice)).substr(0, 68),
            "500 InternalError: Failed to resolve(): InternalError: out of memory");
  service.use({});
  EXPECT_EQ(GovernanceService::state_in(service.propose(alice)), "Open");
}

TEST_F(Constitutions, limits_may_be_raised_and_not_lowered) {
  // About 200 MB: too much by default.
  service.use({.resolve = "const a = []; for (let i = 0; i < 200; ++i) a.push(new Uint8Array(1e6));"
                          " return 'Open';"});
  EXPECT_EQ(service.propose(alice).status, 500);
  service.put_unit(tables::js_runtime_options, json::object{{"max_heap_bytes", 1000},
                                                            {"max_stack_bytes", 1000},
                                                            {"max_execution_time_ms", 1}});
  EXPECT_EQ(service.propose(alice).status, 500);
  service.use({});
  EXPECT_EQ(GovernanceService::state_in(service.propose(alice)), "Open");
  service.use({.resolve = "const a = []; for (let i = 0; i < 200; ++i) a.push(new Uint8Array(1e6));"
                          " return 'Open';"});
  service.put_unit(tables::js_runtime_options, json::object{{"max_heap_bytes", 400u << 20},
                                                            {"max_stack_bytes", 1u << 20},
                                                            {"max_execution_time_ms", 5000}});
  EXPECT_EQ(GovernanceService::state_in(service.propose(alice)), "Open");
}

TEST_F(Constitutions, hoisted_functions_work_though_the_top_level_throws) {
  service.use({.top = "throw new Error('top');"});
  EXPECT_EQ(GovernanceService::state_in(service.propose(alice)), "Open");
}

/// Whatever apply puts in its own place must be able to decide about the next change.
TEST_F(Constitutions, none_comes_into_force_that_could_not_decide) {
  const std::string tiny = TinyConstitution{.resolve = "return 'Rejected';"}.text();
  const auto replace_by = [&](const std::string& value) {
    service.use(
        {.resolve = "return 'Accepted';",
         .apply = "ccf.kv['public:ccf.gov.constitution'].set(new ArrayBuffer(8), " + value + ");"});
    return summary(service.propose(alice));
  };
  const auto text = [](const std::string& source) {
    return "ccf.jsonCompatibleToBuf(" + json::dump(json::value(source)) + ")";
  };
  for (const std::string& broken :
       {text("broken ("), text(""), text("export function validate(a) {}"),
        text("export function validate() {} export function resolve(a,b,c) {} export function "
             "apply(a,b) {}"),
        std::string("ccf.strToBuf('no JSON')"), std::string("ccf.jsonCompatibleToBuf(7)"),
        text("while (true) {}")}) {
    EXPECT_EQ(replace_by(broken).substr(0, 37), "500 InternalError: Failed to apply():") << broken;
  }
  service.use(
      {.resolve = "return 'Accepted';", .apply = "ccf.kv['public:ccf.gov.constitution'].clear();"});
  EXPECT_EQ(service.propose(alice).status, 500);
  EXPECT_EQ(replace_by(text(tiny)).substr(0, 3), "200");
  EXPECT_EQ(GovernanceService::state_in(service.propose(alice)), "Rejected") << "the new one rules";
}

TEST_F(Constitutions, nodes_that_consensus_could_not_act_on_are_refused) {
  service.use({.resolve = "return 'Accepted';",
               .apply = "ccf.kv['public:ccf.gov.nodes.info'].set(ccf.strToBuf('" + service.node_id +
                        "'), ccf.strToBuf('junk'));"});
  EXPECT_EQ(summary(service.propose(alice)).substr(0, 37), "500 InternalError: Failed to apply():");
}

/// The default constitution against a model of a strict majority: over thousands of random sets of
/// votes, by members who are active, have not acknowledged yet, or are gone.
TEST_F(Constitutions, the_default_one_decides_by_strict_majority) {
  service.set_constitution(default_constitution());
  Scripts scripts(service.governance.surroundings());
  EXPECT_TRUE(rc::check([&] {
    for (int repetition = 0; repetition < 20; ++repetition) {
      kv::Tx tx = service.store.begin();
      tx.rw(tables::members_info).clear();
      const auto people =
          *rc::gen::container<std::vector<uint8_t>>(rc::gen::inRange<uint8_t>(0, 3 * 3));
      std::vector<Vote> votes;
      size_t active = 0, in_favour = 0;
      for (size_t i = 0; i < people.size(); ++i) {
        const std::string id = EffectsService::id_of('a').substr(2) + std::to_string(10 + i % 90);
        const int standing = people[i] / 3, says = people[i] % 3;
        if (i >= 90) break;
        if (standing == 0)
          tables::put(tx, tables::members_info, std::string_view(id),
                      MemberInfo{MemberStatus::active, {}, {}});
        if (standing == 1)
          tables::put(tx, tables::members_info, std::string_view(id), MemberInfo{});
        active += standing == 0;
        if (says < 2) votes.push_back({id, says == 0});
        in_favour += standing == 0 && says == 0;
      }
      const auto constitution = scripts.constitution(tx);
      const auto decided =
          scripts.resolve(tx, {*constitution, nothing, "an id", "a proposer"}, votes);
      RC_ASSERT(std::get<std::string>(decided) == (in_favour * 2 > active ? "Accepted" : "Open"));
    }
  }));
}

/// The same through the interface: the first vote that makes a majority decides, and no later one.
TEST_F(Constitutions, the_default_one_through_the_interface) {
  for (size_t active = 1; active <= 5; ++active) {
    GovernanceService voting(active);
    voting.set_constitution(default_constitution());
    const std::string id = voting.proposal(voting.members[0]);
    size_t in_favour = 0;
    for (size_t i = 0; i < active; ++i) {
      const bool decided = in_favour * 2 > active;
      const auto response = voting.vote(voting.members[i], id, i % 4 == 1 ? no : yes);
      if (decided) {
        EXPECT_EQ(response.status, 400);
        continue;
      }
      in_favour += i % 4 != 1;
      EXPECT_EQ(GovernanceService::state_in(response),
                in_favour * 2 > active ? "Accepted" : "Open");
    }
  }
}

}  // namespace
}  // namespace entente::gov::test
