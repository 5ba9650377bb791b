// ccf.kv on transactions of a real store.
#include "js/ccf_kv.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "js/test_ccf.h"

namespace entente::js {
namespace {

using kv::Context;

std::unique_ptr<kv::Store> primary_store() {
  auto store = std::make_unique<kv::Store>();
  store->set_primary(View{2}, kv::Epoch{1});
  return store;
}

/// For scripts beside that of a fixture: an isolate has one use at a time.
Isolate& other_isolate() {
  static TestIsolate isolate(ccf_bindings());
  return isolate;
}

/// Commits what a script writes as an application.
void committed(kv::Store& store, std::string_view code, Context context = Context::application) {
  kv::Tx tx = store.begin(context);
  KvTransaction kv(tx);
  CcfUse script(other_isolate());
  script.use().attach(kv);
  auto outcome = script.run(code);
  ASSERT_TRUE(outcome) << outcome.failure().text;
  ASSERT_EQ(store.commit(tx).status, kv::CommitStatus::committed);
}

class CcfKv : public testing::Test {
 protected:
  void SetUp() override { script.use().attach(kv); }

  std::unique_ptr<kv::Store> store = primary_store();
  kv::Tx tx = store->begin(Context::application);
  KvTransaction kv{tx};
  CcfUse script{ccf_isolate()};
};

// Checklist 61, 63.
TEST_F(CcfKv, round_trip) {
  EXPECT_EQ(
      script(R"(
    const m = ccf.kv['m'];
    const seen = [m.get(b('k')), m.has(b('k')), m.size];
    seen.push(m.set(b('k'), b('v')) === m, t(m.get(b('k'))), m.has(b('k')), m.size);
    m.set(b('k'), b('w')).set(b('l'), b('x'));
    seen.push(t(m.get(b('k'))), m.size, m.delete(b('k')), m.get(b('k')), m.size, m.delete(b('no')));
    seen.push(m.clear(), m.size, m.has(b('l')));
    seen.map(String).join())"),
      "undefined,false,0,true,v,true,1,w,2,undefined,undefined,1,undefined,undefined,0,false");
}

TEST_F(CcfKv, keys_and_values_are_any_bytes) {
  EXPECT_EQ(script(R"(
    const m = ccf.kv.bytes, empty = new ArrayBuffer(0), all = Uint8Array.from({length: 256}, (_, i) => i);
    m.set(empty, all.buffer).set(all.buffer, empty);
    [new Uint8Array(m.get(empty)).join() === all.join(), m.get(all.buffer).byteLength, m.size].join())"),
            "true,0,2");
  const auto value = tx.ro("bytes").get({});
  ASSERT_TRUE(value);
  EXPECT_EQ(value->size(), 256u);
}

TEST_F(CcfKv, what_get_returns_is_a_copy) {
  EXPECT_EQ(script(R"(
    const m = ccf.kv['m'].set(b('k'), b('v'));
    new Uint8Array(m.get(b('k')))[0] = 0;
    const value = b('value');
    m.set(b('l'), value);
    new Uint8Array(value)[0] = 0;
    t(m.get(b('k'))) + t(m.get(b('l'))))"),
            "vvalue");
}

// Checklist 62.
TEST_F(CcfKv, arguments_of_other_types_are_type_errors) {
  for (const std::string_view wrong :
       {"'text'", "new Uint8Array(2)", "new DataView(new ArrayBuffer(2))", "5", "null", "undefined",
        "{}", "[]"}) {
    const std::string key(wrong);
    for (const std::string_view method : {"has", "get", "delete", "getVersionOfPreviousWrite"}) {
      EXPECT_EQ(script("e(() => ccf.kv.m." + std::string(method) + "(" + key + "))"),
                "TypeError: Argument must be an ArrayBuffer");
    }
    EXPECT_EQ(script("e(() => ccf.kv.m.set(" + key + ", b('v')))"),
              "TypeError: Arguments must be ArrayBuffers");
    EXPECT_EQ(script("e(() => ccf.kv.m.set(b('k'), " + key + "))"),
              "TypeError: Arguments must be ArrayBuffers");
    EXPECT_EQ(script("e(() => ccf.kv.m.forEach(" + key + "))"),
              "TypeError: Argument must be a function");
  }
  EXPECT_EQ(script("ccf.kv.m.size"), "0");
  EXPECT_EQ(script("const s = new SharedArrayBuffer(2); ccf.kv.m.set(s, s).has(s)"), "true");
}

TEST_F(CcfKv, the_number_of_arguments_is_checked) {
  const std::pair<std::string_view, int> methods[] = {
      {"has", 1}, {"get", 1},     {"delete", 1}, {"getVersionOfPreviousWrite", 1},
      {"set", 2}, {"forEach", 1}, {"clear", 0}};
  for (const auto& [method, wanted] : methods) {
    for (int given = 0; given < 4; ++given) {
      if (given == wanted) continue;
      const std::string code = "e(() => ccf.kv.m." + std::string(method) +
                               "(...[b('1'), b('2'), b('3')]"
                               ".slice(0, " +
                               std::to_string(given) + ")))";
      const std::string text = script(code);
      EXPECT_TRUE(text.starts_with("TypeError: Passed " + std::to_string(given) + " argument"))
          << method << ": " << text;
      EXPECT_TRUE(text.ends_with("but expected " + (wanted == 0 ? "none" : std::to_string(wanted))))
          << method << ": " << text;
    }
  }
}

TEST_F(CcfKv, methods_need_a_handle) {
  EXPECT_TRUE(script("e(() => ccf.kv.m.get.call({}, b('k')))").starts_with("TypeError"));
  EXPECT_TRUE(
      script("e(() => ccf.kv.m.set.call(ccf.kv, b('k'), b('v')))").starts_with("TypeError"));
  EXPECT_TRUE(
      script("e(() => { const get = ccf.kv.m.get; get(b('k')); })").starts_with("TypeError"));
  EXPECT_TRUE(script("e(() => Object.create(ccf.kv.m).size)").starts_with("TypeError"));
}

// Checklist 65, 66.
TEST_F(CcfKv, for_each_visits_a_view_fixed_at_the_call) {
  committed(*store, "ccf.kv.f.set(b('a'), b('1')).set(b('b'), b('2')).set(b('c'), b('3'))");
  EXPECT_EQ(script(R"(
    const m = ccf.kv.f, seen = [];
    m.set(b('d'), b('4')).delete(b('b'));
    const result = m.forEach((value, key, handle) => {
      seen.push(t(key) + t(value) + (handle === m));
      m.set(b('new ' + t(key)), b('x'));
      m.delete(key);
      m.delete(b('c'));
      return false;
    });
    seen.join() + ' ' + result + ' ' + m.size)"),
            "a1true,c3true,d4true undefined 3");
}

TEST_F(CcfKv, for_each_ends_with_what_its_callback_throws) {
  EXPECT_EQ(script(R"(
    const m = ccf.kv.f.set(b('a'), b('1')).set(b('b'), b('2'));
    let calls = 0;
    e(() => m.forEach(() => { ++calls; throw new RangeError('mine'); })) + calls)"),
            "RangeError: mine1");
  EXPECT_EQ(script("let depth = 0; ccf.kv.f.forEach(() => ccf.kv.f.forEach(() => ++depth)); depth"),
            "4");
}

TEST_F(CcfKv, a_callback_that_never_ends_is_stopped) {
  script.use().set_limits(small_limits());
  auto outcome = script.run("ccf.kv.f.set(b('a'), b('1')).forEach(() => { for (;;); })");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.failure().kind, FailureKind::time_limit);
}

// Checklist 64.
TEST_F(CcfKv, writes_are_seen_by_others_after_the_commit) {
  EXPECT_EQ(script("t(ccf.kv.w.set(b('k'), b('mine')).get(b('k')))"), "mine");
  kv::Tx other = store->begin(Context::application);
  EXPECT_FALSE(other.ro("w").has(as_bytes("k")));
  EXPECT_EQ(store->commit(tx).status, kv::CommitStatus::committed);
  kv::Tx later = store->begin(Context::application);
  EXPECT_EQ(entente::to_text(*later.ro("w").get(as_bytes("k"))), "mine");
}

// Checklist 67.
TEST_F(CcfKv, version_of_the_previous_write) {
  committed(*store, "ccf.kv.v.set(b('first'), b('1'))");
  committed(*store, "ccf.kv.v.set(b('second'), b('1')).set(b('gone'), b('1'))");
  committed(*store, "ccf.kv.v.delete(b('gone'))");
  EXPECT_EQ(script(R"(
    const m = ccf.kv.v, of = key => m.getVersionOfPreviousWrite(b(key));
    m.set(b('first'), b('2')).set(b('own'), b('2')).delete(b('second'));
    [of('first'), of('second'), of('gone'), of('own'), of('never'), typeof of('first')].map(String).join())"),
            "1,2,undefined,undefined,undefined,number");
}

// Checklist 68.
TEST_F(CcfKv, the_object_itself) {
  EXPECT_EQ(script("e(() => { 'use strict'; ccf.kv.x = 1; })"), "TypeError: 'x' is read-only");
  EXPECT_EQ(script("e(() => { ccf.kv['public:x'] = 1; })"), "TypeError: 'public:x' is read-only");
  EXPECT_EQ(script("e(() => { ccf.kv[5] = 1; })"), "TypeError: '5' is read-only");
  EXPECT_EQ(script("e(() => Object.defineProperty(ccf.kv, 'x', {value: 1}))"),
            "TypeError: 'x' is read-only");
  EXPECT_EQ(script("e(() => delete ccf.kv.x)"), "TypeError: 'x' is read-only");
  EXPECT_EQ(script("JSON.stringify([Object.keys(ccf.kv), Reflect.ownKeys(ccf.kv), ccf.kv])"),
            "[[],[],{}]");
  EXPECT_EQ(script("[('x' in ccf.kv), (Symbol.iterator in ccf.kv), ccf.kv[Symbol.iterator], "
                   "Object.hasOwn(ccf.kv, 'x')].join()"),
            "true,false,,false");
  EXPECT_EQ(script("ccf.kv.a !== ccf.kv.a"), "true");
  EXPECT_EQ(script("for (const name in ccf.kv) throw name; 'none'"), "none");
  EXPECT_EQ(script("ccf.kv[7].set(b('k'), b('v')); t(ccf.kv['7'].get(b('k')))"), "v");
}

TEST_F(CcfKv, a_handle_itself) {
  EXPECT_EQ(script("ccf.kv['public:ä\\0x']._map_name === 'public:ä\\0x'"), "true");
  EXPECT_EQ(script("JSON.stringify([Object.keys(ccf.kv.m), ccf.kv.m])"),
            R"([["_map_name"],{"_map_name":"m"}])");
  EXPECT_EQ(script("const d = Object.getOwnPropertyDescriptor(ccf.kv.m, 'size');"
                   "[typeof d.get, d.set, d.enumerable].join()"),
            "function,,false");
  EXPECT_EQ(script("e(() => { 'use strict'; ccf.kv.m.size = 5; })").substr(0, 9), "TypeError");
}

TEST_F(CcfKv, names_are_any_text) {
  EXPECT_EQ(script(R"(
    const names = ['ä', 'a b', 'x\0y', '\ud800', 'CCF.x', 'public:', '__proto__', 'constructor', 'toString'];
    for (const [i, name] of names.entries()) ccf.kv[name].set(b('k'), b(name + i));
    names.map((name, i) => t(ccf.kv[name].get(b('k'))) === t(b(name + i))).join())"),
            "true,true,true,true,true,true,true,true,true");
  EXPECT_TRUE(tx.ro("public:").has(as_bytes("k")));
}

TEST_F(CcfKv, maps_without_a_possible_name) {
  for (const std::string_view code : {"ccf.kv['']", "ccf.kv['x'.repeat(1025)]"}) {
    for (const std::string_view call :
         {".get(b('k'))", ".set(b('k'), b('v'))", ".size", ".clear()", ".forEach(() => {})"}) {
      const std::string text = script("e(() => " + std::string(code) + std::string(call) + ")");
      EXPECT_TRUE(text.starts_with("TypeError: Cannot call ")) << text;
      EXPECT_NE(text.find("This table is inaccessible"), std::string::npos) << text;
    }
  }
}

TEST_F(CcfKv, a_reserved_name_ends_the_call) {
  for (const std::string_view name : {"ccf.x", "public:ccf.x", "ccf.", "public:ccf.govern"}) {
    kv::Tx own = store->begin(Context::application);
    KvTransaction own_kv(own);
    CcfUse call(other_isolate());
    call.use().attach(own_kv);
    auto outcome =
        call.run("try { ccf.kv[args[0]]; } catch { } finally { globalThis.after = 1; } 1", {name});
    ASSERT_FALSE(outcome) << name;
    EXPECT_EQ(outcome.failure().kind, FailureKind::aborted);
    EXPECT_EQ(outcome.failure().text,
              "Map name '" + std::string(name) + "' includes disallowed reserved prefix 'ccf.'");
    EXPECT_FALSE(call.run("1"));  // nothing more runs in this use
  }
}

// ------------------------------------------------------------------------ access

struct Row {
  std::string_view map;
  std::string_view access;  ///< of each context below: r, w, b (both), - (neither)
};
constexpr Context contexts[] = {Context::application, Context::read_only_application,
                                Context::read_only_governance, Context::governance};
// The access table of docs/javascript.md, spelled out.
constexpr Row access_rows[] = {
    {"public:ccf.gov.members.info", "rrrb"},
    {"public:ccf.internal.nodes", "rrrr"},
    {"ccf.gov.x", "----"},
    {"ccf.internal.x", "----"},
    {"public:app", "br-w"},
    {"app", "br--"},
    {"public:CCF.gov.x", "br-w"},
    {"public:ccfgov", "br-w"},
};

// Checklist 69, 70, 71; docs/governance.md (what scripts may read and write).
TEST(CcfKvAccess, follows_the_table) {
  constexpr std::string_view reads[] = {"has(b('k'))", "get(b('k'))", "size", "forEach(() => {})",
                                        "getVersionOfPreviousWrite(b('k'))"};
  constexpr std::string_view writes[] = {"set(b('k'), b('v'))", "delete(b('k'))", "clear()"};
  const auto store = primary_store();
  for (size_t column = 0; column < std::size(contexts); ++column) {
    for (const Row& row : access_rows) {
      const char access = row.access[column];
      kv::Tx tx = store->begin(contexts[column]);
      KvTransaction kv(tx);
      CcfUse script(ccf_isolate());
      script.use().attach(kv);
      const auto check = [&](std::string_view call, bool allowed) {
        const std::string text =
            script("e(() => ccf.kv[args[0]]." + std::string(call) + ")", {row.map});
        const std::string place = std::string(row.map) + " " + access + ": " + text;
        if (allowed) {
          EXPECT_EQ(text, "nothing thrown") << place;
          return;
        }
        const std::string method(call.substr(0, call.find('(')));
        constexpr std::string_view words[] = {"inaccessible", "read-only", "write-only"};
        const std::string_view word = words[access == 'r' ? 1 : access == 'w' ? 2 : 0];
        EXPECT_TRUE(text.starts_with("TypeError: Cannot call \"" + method + "\" on table named " +
                                     std::string(row.map) + ". This table is " + std::string(word) +
                                     " in current (" + std::string(kv::to_text(contexts[column])) +
                                     ") execution context"))
            << place;
      };
      for (const std::string_view call : reads) check(call, access == 'r' || access == 'b');
      for (const std::string_view call : writes) check(call, access == 'w' || access == 'b');
    }
  }
}

TEST(CcfKvAccess, a_map_that_is_only_written_can_be_cleared) {
  const auto store = primary_store();
  committed(*store, "ccf.kv['public:app'].set(b('k'), b('v'))");
  committed(*store, "ccf.kv['public:app'].set(b('l'), b('v')).clear()", Context::governance);
  kv::Tx tx = store->begin();
  EXPECT_EQ(tx.ro("public:app").size(), 0u);
}

TEST(CcfKvAccess, the_arguments_do_not_matter_where_nothing_is_allowed) {
  const auto store = primary_store();
  kv::ReadOnlyTx tx = store->begin_read_only(Context::read_only_application);
  KvTransaction kv(tx);
  CcfUse script(ccf_isolate());
  script.use().attach(kv);
  for (const std::string_view call : {"set()", "set('x')", "set(b('k'), b('v'))"}) {
    EXPECT_TRUE(script("e(() => ccf.kv.m." + std::string(call) + ")")
                    .starts_with("TypeError: Cannot call \"set\" on table named m. "));
  }
}

TEST(CcfKvAccess, a_transaction_that_only_reads_is_not_written_whatever_the_context) {
  const auto store = primary_store();
  kv::ReadOnlyTx tx = store->begin_read_only(Context::application);
  KvTransaction kv(tx);
  CcfUse script(ccf_isolate());
  script.use().attach(kv);
  EXPECT_EQ(script("ccf.kv.m.has(b('k'))"), "false");
  EXPECT_TRUE(script("e(() => ccf.kv.m.set(b('k'), b('v')))")
                  .starts_with("TypeError: Cannot call \"set\" on table named m. This table is "
                               "read-only in current (application)"));
}

TEST(CcfKvAccess, the_host_names_a_narrower_context) {
  const auto store = primary_store();
  kv::Tx tx = store->begin(Context::framework);
  KvTransaction kv(tx, Context::read_only_governance);
  CcfUse script(ccf_isolate());
  script.use().attach(kv);
  EXPECT_EQ(script("ccf.kv['public:ccf.gov.x'].has(b('k'))"), "false");
  EXPECT_NE(script("e(() => ccf.kv['public:ccf.gov.x'].set(b('k'), b('v')))").find("read-only gov"),
            std::string::npos);
  EXPECT_NE(script("e(() => ccf.kv.app.get(b('k')))").find("inaccessible"), std::string::npos);
}

// ------------------------------------------------------------------------ lifetimes

TEST(CcfKvLifetime, without_a_transaction_methods_are_internal_errors) {
  CcfUse script(ccf_isolate());
  EXPECT_EQ(script("ccf.kv.m._map_name"), "m");
  for (const std::string_view call : {"get(b('k'))", "set(b('k'), b('v'))", "size", "clear()"}) {
    EXPECT_EQ(script("e(() => ccf.kv.m." + std::string(call) + ")"),
              "InternalError: Internal: Unable to access MapHandle");
  }
}

// Checklist 102.
TEST(CcfKvLifetime, a_kept_handle_works_on_the_transaction_of_the_present_use) {
  TestIsolate isolate(ccf_bindings());
  const auto store = primary_store();
  for (int round = 0; round < 5; ++round) {
    kv::Tx tx = store->begin(Context::application);
    KvTransaction kv(tx);
    CcfUse script(isolate, {}, round == 0 ? Start::restored : Start::kept);
    script.use().attach(kv);
    if (round == 0) script("globalThis.kept = ccf.kv.counter");
    EXPECT_EQ(script("const n = Number(t(kept.get(b('n'))) ?? 0);"
                     "kept.set(b('n'), b(String(n + 1))); n"),
              std::to_string(round));
    ASSERT_EQ(store->commit(tx).status, kv::CommitStatus::committed);
  }
  CcfUse script(isolate, {}, Start::kept);
  EXPECT_EQ(script("e(() => kept.size)"), "InternalError: Internal: Unable to access MapHandle");
}

// Checklist 72, for one store.
TEST(CcfKvLifetime, conflicting_increments_are_executed_again) {
  const auto store = primary_store();
  constexpr std::string_view increment =
      "const m = ccf.kv.c, n = Number(t(m.get(b('n'))) ?? 0); m.set(b('n'), b(String(n + 1)))";
  const auto attempt = [&](kv::Tx& tx) {
    KvTransaction kv(tx);
    CcfUse script(ccf_isolate());
    script.use().attach(kv);
    ASSERT_TRUE(script.run(increment));
  };
  for (int i = 0; i < 10; ++i) {
    kv::Tx one = store->begin(Context::application);
    kv::Tx two = store->begin(Context::application);
    attempt(one);
    attempt(two);
    EXPECT_EQ(store->commit(one).status, kv::CommitStatus::committed);
    EXPECT_EQ(store->commit(two).status, kv::CommitStatus::conflict);
    kv::Tx again = store->begin(Context::application);
    attempt(again);
    EXPECT_EQ(store->commit(again).status, kv::CommitStatus::committed);
  }
  kv::Tx tx = store->begin();
  EXPECT_EQ(entente::to_text(*tx.ro("c").get(as_bytes("n"))), "20");
}

// ------------------------------------------------------------------------ limits

TEST_F(CcfKv, what_is_over_a_limit_of_the_store_is_a_range_error) {
  EXPECT_EQ(script("e(() => ccf.kv.m.set(new ArrayBuffer((16 << 20) + 1), b('v')))"),
            "RangeError: Key is too large");
  EXPECT_EQ(script("e(() => ccf.kv.m.delete(new ArrayBuffer((16 << 20) + 1)))"),
            "RangeError: Key is too large");
  EXPECT_EQ(script("e(() => ccf.kv.m.set(b('k'), new ArrayBuffer((32 << 20) + 1)))"),
            "RangeError: Value is too large");
  EXPECT_EQ(script("const big = new ArrayBuffer(32 << 20); let n = 0;"
                   "e(() => { for (;;) { ccf.kv.m.set(b('k'), big); ++n; } }) + n"),
            "RangeError: Transaction is too large1");
  EXPECT_EQ(script("ccf.kv.m.size"), "1");
}

TEST_F(CcfKv, memory_that_runs_out_is_the_script_s_problem) {
  ASSERT_EQ(script("ccf.kv.m.set(b('k'), new ArrayBuffer(1 << 20)); 1"), "1");
  for (const std::string_view code :
       {"const all = []; for (;;) all.push(ccf.kv['m' + all.length]);",
        "const all = []; for (;;) all.push(ccf.kv.m.get(b('k')));",
        "const all = []; ccf.kv.m.forEach((v, k) => { for (;;) all.push(ccf.kv.m.get(k)); });"}) {
    kv::Tx own = store->begin(Context::application);
    KvTransaction own_kv(own);
    CcfUse call(other_isolate(), small_limits());
    call.use().attach(own_kv);
    own.rw("m").put(as_bytes("k"), Bytes(1 << 20));
    auto outcome = call.run(code);
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.failure().kind == FailureKind::out_of_memory ||
                outcome.failure().kind == FailureKind::time_limit)
        << outcome.failure().text;
  }
}

// ------------------------------------------------------------------------ a model

// Random sequences of operations give what a std::map gives.
RC_GTEST_PROP(CcfKvModel, random_operations, ()) {
  const auto store = primary_store();
  std::map<std::string, std::string> before{{"a", "0"}, {"c", "0"}};
  committed(*store, "ccf.kv.m.set(b('a'), b('0')).set(b('c'), b('0'))");
  kv::Tx tx = store->begin(Context::application);
  KvTransaction kv(tx);
  CcfUse script(ccf_isolate());
  script.use().attach(kv);
  std::map<std::string, std::string> model = before;
  const int steps = *rc::gen::inRange(1, 30);
  for (int step = 0; step < steps; ++step) {
    const std::string key(1, static_cast<char>('a' + *rc::gen::inRange(0, 5)));
    const std::string value = std::to_string(step);
    switch (*rc::gen::inRange(0, 5)) {
      case 0:
        model[key] = value;
        script("ccf.kv.m.set(b(args[0]), b(args[1]))",
               {std::string_view(key), std::string_view(value)});
        break;
      case 1:
        model.erase(key);
        script("ccf.kv.m.delete(b(args[0]))", {std::string_view(key)});
        break;
      case 2:
        if (step % 3 == 0) {
          model.clear();
          script("ccf.kv.m.clear()");
        }
        break;
      default: {
        const auto found = model.find(key);
        RC_ASSERT(script("[ccf.kv.m.has(b(args[0])), t(ccf.kv.m.get(b(args[0])))].join()",
                         {std::string_view(key)}) ==
                  (found == model.end() ? "false," : "true," + found->second));
      }
    }
    std::string all = std::to_string(model.size());
    for (const auto& [k, v] : model) all += " " + k + "=" + v;
    RC_ASSERT(script("let all = String(ccf.kv.m.size);"
                     "ccf.kv.m.forEach((v, k) => { all += ' ' + t(k) + '=' + t(v); }); all") ==
              all);
  }
}

}  // namespace
}  // namespace entente::js
