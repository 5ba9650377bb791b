// The application through requests, over a store and a ledger in memory.
#include "logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "entente/digest.h"
#include "entente/indexing.h"
#include "history/test_service.h"
#include "rpc/openapi.h"

namespace {

using namespace entente;
using history::test::TestService;
using http::Method;
using rpc::test::body_json;
using rpc::test::body_text;
using rpc::test::header_of;
using rpc::test::summary;

constexpr std::string_view id_header = "x-ms-ccf-transaction-id";

struct Logging : testing::Test {
  Logging() {
    ::logging::register_endpoints(service.app(), service.node);
    service.start();
    service.show_user();
  }

  std::string record(uint64_t id, std::string_view msg, std::string_view more = "") {
    return "{\"id\":" + std::to_string(id) + ",\"msg\":\"" + std::string(msg) + "\"" +
           std::string(more) + "}";
  }
  http::Response post(std::string_view target, const std::string& body,
                      const TestService::Headers& headers = {}) {
    return service.send(Method::post, target, body, headers);
  }
  http::Response get(std::string_view target, const TestService::Headers& headers = {}) {
    return service.send(Method::get, target, {}, headers);
  }
  http::Response remove(std::string_view target, const TestService::Headers& headers = {}) {
    return service.send(Method::del, target, {}, headers);
  }
  /// Stores a record and gives its transaction id.
  TxId stored(std::string_view target, uint64_t id, std::string_view msg,
              std::string_view more = "") {
    const auto response = post(target, record(id, msg, more));
    EXPECT_EQ(summary(response), "200 true");
    return *TxId::parse(header_of(response, id_header));
  }

  TestService service;
};

struct LoggingTables : Logging, testing::WithParamInterface<std::string> {
  std::string path = "/app/log/" + GetParam();
};
INSTANTIATE_TEST_SUITE_P(Each, LoggingTables, testing::Values("private", "public"),
                         [](const auto& table) { return table.param; });

TEST_P(LoggingTables, PutGetDeleteCount) {
  EXPECT_EQ(summary(post(path, record(42, "hello"))), "200 true");
  const auto got = get(path + "?id=42");
  EXPECT_EQ(summary(got), R"(200 {"msg":"hello"})");
  EXPECT_EQ(header_of(got, "content-type"), "application/json");
  EXPECT_EQ(summary(get(path + "/backup?id=42")), R"(200 {"msg":"hello"})");
  EXPECT_EQ(summary(get(path + "?id=7")), "404 ResourceNotFound: No such record: 7.");
  EXPECT_EQ(summary(get(path)), "400 InvalidQueryParameterValue: Missing query parameter 'id'");
  EXPECT_EQ(summary(get(path + "?id=x")),
            "400 InvalidQueryParameterValue: Unable to parse value 'x' in parameter 'id'");
  EXPECT_EQ(summary(post(path, record(1, ""))),
            "400 InvalidInput: Cannot record an empty log message.");
  EXPECT_EQ(post(path, R"({"id":1})").status, 400);
  EXPECT_EQ(post(path, R"({"id":-1,"msg":"x"})").status, 400);
  EXPECT_EQ(post(path, "nonsense").status, 400);

  post(path, record(43, "other"));
  EXPECT_EQ(summary(get(path + "/count")), "200 2");
  EXPECT_EQ(summary(remove(path + "?id=42")), "200 true");
  EXPECT_EQ(summary(remove(path + "?id=42")), "200 false");
  EXPECT_EQ(summary(get(path + "/count")), "200 1");
  EXPECT_EQ(summary(remove(path + "/all")), "200 true");
  EXPECT_EQ(summary(get(path + "/count")), "200 0");
}

TEST_P(LoggingTables, ScopesAreTablesOfTheirOwn) {
  post(path, record(1, "plain"));
  post(path + "?scope=a", record(1, "scoped"));
  EXPECT_EQ(summary(get(path + "?id=1")), R"(200 {"msg":"plain"})");
  EXPECT_EQ(summary(get(path + "?id=1&scope=a")), R"(200 {"msg":"scoped"})");
  EXPECT_EQ(summary(get(path + "?id=1&scope=b")), "404 ResourceNotFound: No such record: 1.");
  EXPECT_EQ(summary(remove(path + "/all?scope=a")), "200 true");
  EXPECT_EQ(summary(get(path + "/count?scope=a")), "200 0");
  EXPECT_EQ(summary(get(path + "/count")), "200 1");
  const std::string table = GetParam() == "public" ? "public:records" : "records";
  EXPECT_EQ(service.get(table, "1"), "\"plain\"");
}

TEST_P(LoggingTables, OnlyKnownCallersAreServed) {
  service.show_user("null", false);
  EXPECT_EQ(post(path, record(1, "x")).status, 401);
  EXPECT_EQ(get(path + "?id=1").status, 401);
  EXPECT_EQ(remove(path + "?id=1").status, 401);
  EXPECT_EQ(remove(path + "/all").status, 401);
  EXPECT_EQ(get(path + "/count").status, 401);
  EXPECT_EQ(get(path + "/historical_receipt?id=1").status, 401);
}

TEST_F(Logging, ClaimsAreTheDigestOfTheMessage) {
  stored("/app/log/public", 1, "hello", ",\"record_claim\":true");
  EXPECT_EQ(service.commits.back().claims, sha256(as_bytes("hello")));
  stored("/app/log/public", 1, "hello", ",\"record_claim\":false");
  EXPECT_EQ(service.commits.back().claims, Digest{});
  stored("/app/log/private", 1, "hello", ",\"record_claim\":true");
  EXPECT_EQ(service.commits.back().claims, Digest{});
}

// --------------------------------------------------------------------------------- entity tags

struct EntityTags : Logging {
  const std::string path = "/app/log/public";
  const std::string tag = sha256(as_bytes("hello")).hex();
  const std::string other = sha256(as_bytes("other")).hex();
  std::string quoted(const std::string& text) { return "\"" + text + "\""; }
};

TEST_F(EntityTags, AreSentUnquoted) {
  EXPECT_EQ(header_of(post(path, record(1, "hello")), "etag"), tag);
  EXPECT_EQ(header_of(get(path + "?id=1"), "etag"), tag);
  EXPECT_EQ(header_of(remove(path + "?id=1"), "etag"), "(absent)");
}

TEST_F(EntityTags, GuardPost) {
  // Absent records have nothing to match.
  EXPECT_EQ(summary(post(path, record(1, "hello"), {{"if-match", quoted(other)}})), "200 true");
  EXPECT_EQ(summary(post(path, record(1, "x"), {{"if-match", quoted(other)}})),
            "412 PreconditionFailed: Resource has changed.");
  EXPECT_EQ(summary(post(path, record(1, "x"), {{"if-none-match", quoted(tag)}})),
            "412 PreconditionFailed: Resource has changed.");
  EXPECT_EQ(summary(post(path, record(1, "x"), {{"if-none-match", "*"}})),
            "412 PreconditionFailed: Resource has changed.");
  EXPECT_EQ(summary(get(path + "?id=1")), R"(200 {"msg":"hello"})");
  const auto listed =
      post(path, record(1, "other"), {{"if-match", quoted(other) + ", " + quoted(tag)}});
  EXPECT_EQ(summary(listed), "200 true");
  EXPECT_EQ(header_of(listed, "etag"), other);
  EXPECT_EQ(summary(post(path, record(1, "hello"), {{"if-match", "*"}})), "200 true");
  EXPECT_EQ(summary(post(path, record(1, "hello"), {{"if-none-match", quoted(other)}})),
            "200 true");
}

TEST_F(EntityTags, GuardGet) {
  EXPECT_EQ(get(path + "?id=1", {{"if-match", "*"}}).status, 404);
  post(path, record(1, "hello"));
  EXPECT_EQ(summary(get(path + "?id=1", {{"if-match", quoted(tag)}})), R"(200 {"msg":"hello"})");
  EXPECT_EQ(summary(get(path + "?id=1", {{"if-match", quoted(other)}})),
            "412 PreconditionFailed: Resource has changed.");
  const auto unchanged = get(path + "?id=1", {{"if-none-match", quoted(tag)}});
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_TRUE(unchanged.body.empty());
  EXPECT_EQ(get(path + "?id=1", {{"if-none-match", quoted(other)}}).status, 200);
}

TEST_F(EntityTags, GuardDelete) {
  EXPECT_EQ(summary(remove(path + "?id=1", {{"if-match", quoted(tag)}})), "200 false");
  post(path, record(1, "hello"));
  EXPECT_EQ(summary(remove(path + "?id=1", {{"if-match", quoted(other)}})),
            "412 PreconditionFailed: Resource has changed.");
  EXPECT_EQ(remove(path + "?id=1", {{"if-none-match", quoted(tag)}}).status, 304);
  EXPECT_EQ(get(path + "?id=1").status, 200);
  EXPECT_EQ(summary(remove(path + "?id=1", {{"if-match", quoted(tag)}})), "200 true");
  EXPECT_EQ(get(path + "?id=1").status, 404);
}

TEST_F(EntityTags, ContradictingAndMalformedHeaders) {
  post(path, record(1, "hello"));
  const TestService::Headers both = {{"if-match", "*"}, {"if-none-match", "*"}};
  const char* refusal =
      "400 InvalidHeaderValue: Cannot have both If-Match and If-None-Match headers.";
  EXPECT_EQ(summary(post(path, record(1, "x"), both)), refusal);
  EXPECT_EQ(summary(post(path, record(2, "x"), both)), refusal);
  EXPECT_EQ(summary(get(path + "?id=1", both)), refusal);
  EXPECT_EQ(summary(remove(path + "?id=1", both)), refusal);
  for (const char* bad : {"W/\"abc\"", "abc", "\"abc", "", ","}) {
    EXPECT_EQ(get(path + "?id=1", {{"if-match", bad}}).status, 500) << bad;
    EXPECT_EQ(remove(path + "?id=1", {{"if-none-match", bad}}).status, 500) << bad;
  }
  EXPECT_EQ(summary(get(path + "?id=1")), R"(200 {"msg":"hello"})");
}

// ------------------------------------------------------------------------------------- callers

TEST_F(Logging, AnonymousWriters) {
  service.session.certificate = nullptr;
  EXPECT_EQ(summary(post("/app/log/private/anonymous", record(1, "hi"))), "200 true");
  const auto v2 = post("/app/log/private/anonymous/v2?fail=false", record(2, "hi"));
  EXPECT_EQ(v2.status, 200);
  const std::string id = header_of(v2, id_header);
  EXPECT_TRUE(TxId::parse(id).has_value()) << id;
  EXPECT_EQ(body_text(v2), R"({"success":true,"tx_id":")" + id + R"("})");
  const auto failed = post("/app/log/private/anonymous/v2?fail=true", record(3, "hi"));
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(body_text(failed),
            R"({"error":{"code":"InternalError","message":"Failed to execute local commit handler )"
            R"(func: didn't set user_data!"}})");
  EXPECT_TRUE(TxId::parse(header_of(failed, id_header)).has_value());
  EXPECT_EQ(post("/app/log/private/anonymous/v2?fail=maybe", record(4, "hi")).status, 400);
  service.show_user();
  for (const char* id_text : {"1", "2", "3"}) {
    EXPECT_EQ(summary(get("/app/log/private?id=" + std::string(id_text))),
              R"(200 {"msg":"Anonymous: hi"})");
  }
  EXPECT_EQ(get("/app/log/private?id=4").status, 404);
}

TEST_F(Logging, PrefixedByTheWriter) {
  const auto user = service.show_user();
  EXPECT_EQ(summary(post("/app/log/private/prefix_cert", record(1, "hi"))), "200 true");
  EXPECT_EQ(body_json(get("/app/log/private?id=1")).at("msg").as_string(), user.id() + ": hi");
}

TEST_F(Logging, AdministratorsOnly) {
  const char* refusal = "403 AuthorizationFailed: Only admins may access this endpoint.";
  for (const char* data : {"null", "{}", R"({"isAdmin":false})", R"({"isAdmin":"yes"})", "[]"}) {
    service.show_user(data);
    EXPECT_EQ(summary(post("/app/log/private/admin_only", record(1, "hi"))), refusal) << data;
  }
  service.show_user(R"({"isAdmin":true})");
  EXPECT_EQ(summary(post("/app/log/private/admin_only", record(1, "hi"))), "200 true");
}

TEST_F(Logging, RawText) {
  const std::string path = "/app/log/private/raw_text/";
  const auto response = post(path + "12", "plain words", {{"content-type", "text/plain"}});
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body.empty());
  EXPECT_EQ(summary(get("/app/log/private?id=12")), R"(200 {"msg":"plain words"})");
  EXPECT_EQ(summary(post(path + "12", "x", {{"content-type", "text/html"}})),
            "415 InvalidHeaderValue: Expected content-type 'text/plain'. Got 'text/html'.");
  EXPECT_EQ(summary(post(path + "12", "x")),
            "415 InvalidHeaderValue: Expected content-type 'text/plain'. Got ''.");
  EXPECT_EQ(post(path + "twelve", "x", {{"content-type", "text/plain"}}).status, 400);
  EXPECT_EQ(post(path + "99999999999999999999", "x", {{"content-type", "text/plain"}}).status, 400);
}

TEST_F(Logging, EveryCallerIsDescribed) {
  std::set<std::string> descriptions;
  const auto describe = [&](std::string_view start) {
    const auto response = post("/app/multi_auth", "");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(header_of(response, "content-type"), "text/plain");
    const std::string text = body_text(response);
    EXPECT_THAT(text, testing::StartsWith(std::string(start)));
    EXPECT_EQ(text.find("undefined"), std::string::npos);
    EXPECT_TRUE(descriptions.insert(text).second) << text;
    return text;
  };
  const auto user = service.show_user("{\"a\":1}");
  describe("User TLS cert");
  service.write("public:ccf.gov.users.info", user.id(), R"({"user_data":{"a":2}})");
  EXPECT_NE(describe("User TLS cert").find(R"({"a":2})"), std::string::npos);
  service.show_user();
  describe("User TLS cert");
  service.show_user("null", false);
  describe("Any TLS cert");
  const auto member = service.show_user("null", false);
  service.write("public:ccf.gov.members.certs", member.id(), member.pem());
  service.write("public:ccf.gov.members.info", member.id(), R"({"status":"Active"})");
  describe("Member TLS cert");
  service.write("public:ccf.gov.members.info", member.id(),
                R"({"member_data":"x","status":"Active"})");
  describe("Member TLS cert");
  service.session.certificate = nullptr;
  describe("Unauthenticated");
}

TEST_F(Logging, ApplicationsHavePoliciesOfTheirOwn) {
  service.session.certificate = nullptr;
  const auto ask = [&](const TestService::Headers& headers) {
    return get("/app/custom_auth", headers);
  };
  const auto accepted = ask({{"x-custom-auth-name", "Alice"}, {"x-custom-auth-age", "16"}});
  EXPECT_EQ(accepted.status, 200);
  const json::value document = body_json(accepted);
  EXPECT_EQ(document.at("name"), "Alice");
  EXPECT_EQ(document.at("age"), 16);
  EXPECT_TRUE(document.at("description").is_string());
  EXPECT_EQ(ask({}).status, 401);
  EXPECT_EQ(ask({{"x-custom-auth-name", "Alice"}}).status, 401);
  EXPECT_EQ(ask({{"x-custom-auth-name", ""}, {"x-custom-auth-age", "42"}}).status, 401);
  EXPECT_EQ(ask({{"x-custom-auth-name", "Alice"}, {"x-custom-auth-age", "15"}}).status, 401);
  EXPECT_EQ(ask({{"x-custom-auth-name", "Alice"}, {"x-custom-auth-age", "old"}}).status, 401);
  EXPECT_EQ(ask({{"x-custom-auth-name", "Alice"},
                 {"x-custom-auth-age", "42"},
                 {"x-custom-auth-explode", "true"}})
                .status,
            500);
}

TEST_F(Logging, QueriesComeBackDecoded) {
  service.session.certificate = nullptr;
  EXPECT_EQ(body_text(get("/app/log/request_query?a=b&c=%26%C3%BC+%00z")),
            std::string("a=b&c=&\xC3\xBC \0z", 12));
  EXPECT_EQ(body_text(get("/app/log/request_query")), "");
}

// -------------------------------------------------------------------------------- committed index

TEST_F(Logging, TheCommittedIndexIsInstalledAndRemovedAtRunTime) {
  service.session.certificate = nullptr;
  const auto strategies = service.node.get<indexing::Strategies>();
  const size_t before = strategies->describe().size();
  EXPECT_EQ(summary(get("/app/log/private/committed?id=1")), "412 Not currently installed");
  EXPECT_EQ(summary(post("/app/log/private/uninstall_committed_index", "")),
            "412 Not currently installed");
  service.commit_all();
  EXPECT_EQ(summary(post("/app/log/private/install_committed_index", "")), "200");
  EXPECT_EQ(summary(post("/app/log/private/install_committed_index", "")), "412 Already installed");
  EXPECT_EQ(strategies->describe().size(), before + 1);
  EXPECT_EQ(strategies->describe().back().at("name"), "CommittedRecords records");

  post("/app/log/private/anonymous", record(1, "first"));
  const auto pending = get("/app/log/private/committed?id=1");
  EXPECT_EQ(pending.status, 400);
  const json::value error = body_json(pending).at("error");
  EXPECT_EQ(error.at("code"), "ResourceNotFound");
  EXPECT_EQ(error.at("message"), "No such record: 1.");
  EXPECT_TRUE(error.at("current_txid").is_string());

  const auto committed_message = [&](std::string_view expected) {
    std::string seen;
    for (int i = 0; i < 5000; ++i) {
      seen = summary(get("/app/log/private/committed?id=1"));
      if (seen.starts_with(expected)) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_THAT(seen, testing::StartsWith(std::string(expected)));
  };
  service.commit_all();
  committed_message(R"(200 {"msg":"Anonymous: first"})");
  post("/app/log/private/anonymous", record(1, "second"));
  EXPECT_EQ(summary(get("/app/log/private/committed?id=1")), R"(200 {"msg":"Anonymous: first"})");
  service.commit_all();
  committed_message(R"(200 {"msg":"Anonymous: second"})");
  service.show_user();
  remove("/app/log/private?id=1");
  service.commit_all();
  committed_message("400 ResourceNotFound");
  EXPECT_EQ(summary(post("/app/log/private/uninstall_committed_index", "")), "200");
  EXPECT_EQ(strategies->describe().size(), before);
}

// ------------------------------------------------------------------------------------ historical

TEST_F(Logging, RecordsAsTheyWere) {
  const TxId first = stored("/app/log/private", 1, "first");
  const TxId second = stored("/app/log/private", 1, "second");
  const TxId elsewhere = stored("/app/log/private", 2, "elsewhere");
  service.commit_all();
  const std::string path = "/app/log/private/historical?id=1";
  EXPECT_EQ(summary(service.historical(path, first)), R"(200 {"msg":"first"})");
  EXPECT_EQ(summary(service.historical(path, second)), R"(200 {"msg":"second"})");
  EXPECT_EQ(summary(service.historical(path, elsewhere)), "204");
  EXPECT_EQ(service.historical("/app/log/private/historical", first).status, 400);
}

TEST_F(Logging, ReceiptsOfRecords) {
  const TxId claimed = stored("/app/log/public", 1, "hello", ",\"record_claim\":true");
  const TxId plain = stored("/app/log/private", 2, "quiet");
  service.commit_all();
  const ledger::ReceiptTrust trust{.service = service.files.identity.service};

  const auto answer = service.historical("/app/log/public/historical_receipt?id=1", claimed);
  ASSERT_EQ(answer.status, 200) << body_text(answer);
  const json::value document = body_json(answer);
  EXPECT_EQ(document.at("msg"), "hello");
  const std::string receipt = json::dump(document.at("receipt"));
  EXPECT_EQ(receipt.find("claims_digest"), std::string::npos);
  auto with_claims = trust;
  with_claims.claims_digest = sha256(as_bytes("hello"));
  EXPECT_TRUE(ledger::verify_receipt(as_bytes(receipt), with_claims).ok());
  with_claims.claims_digest = sha256(as_bytes("hullo"));
  EXPECT_FALSE(ledger::verify_receipt(as_bytes(receipt), with_claims).ok());

  const auto other = service.historical("/app/log/private/historical_receipt?id=2", plain);
  const std::string private_receipt = json::dump(body_json(other).at("receipt"));
  EXPECT_TRUE(ledger::verify_receipt(as_bytes(private_receipt), trust).ok());
  EXPECT_EQ(summary(service.historical("/app/log/private/historical_receipt?id=3", plain)), "204");
}

TEST_F(Logging, RangesThroughTheIndexInPages) {
  std::vector<std::pair<uint64_t, std::string>> expected;
  for (int i = 0; i < 60; ++i) {
    const std::string msg = "m" + std::to_string(i);
    const TxId id = stored("/app/log/public", i % 3 == 0 ? 1 : 2, msg);
    if (i % 3 == 0) expected.emplace_back(id.seqno.value, msg);
    if (i % 20 == 10) service.commit_all();
  }
  const TxId removed = *TxId::parse(header_of(remove("/app/log/public?id=1"), id_header));
  const TxId again = stored("/app/log/public", 1, "again");
  expected.emplace_back(again.seqno.value, "again");
  const TxId last = service.commit_all();

  const auto entries_of = [](const json::value& document) {
    std::vector<std::pair<uint64_t, std::string>> entries;
    for (const json::value& entry : document.at("entries").as_array()) {
      EXPECT_EQ(entry.at("id"), 1);
      entries.emplace_back(entry.at("seqno").to_number<uint64_t>(),
                           std::string(entry.at("msg").as_string()));
    }
    return entries;
  };
  const std::string path = "/app/log/public/historical/range?id=1";
  const auto all = service.until_ready(Method::get, path);
  ASSERT_EQ(all.status, 200) << body_text(all);
  EXPECT_EQ(entries_of(body_json(all)), expected);
  EXPECT_FALSE(body_json(all).as_object().contains("@nextLink"));

  const SeqNo from{expected[3].first}, to{expected[7].first};
  const auto some =
      service.until_ready(Method::get, path + "&from_seqno=" + std::to_string(from.value) +
                                           "&to_seqno=" + std::to_string(to.value));
  EXPECT_EQ(entries_of(body_json(some)),
            decltype(expected)(expected.begin() + 3, expected.begin() + 8));
  const auto gone =
      service.until_ready(Method::get, path + "&from_seqno=" + std::to_string(removed.seqno.value) +
                                           "&to_seqno=" + std::to_string(removed.seqno.value));
  EXPECT_EQ(body_text(gone), R"({"entries":[]})");
  const auto unknown_key =
      service.until_ready(Method::get, "/app/log/public/historical/range?id=77");
  EXPECT_EQ(body_text(unknown_key), R"({"entries":[]})");

  EXPECT_EQ(summary(get(path + "&from_seqno=5&to_seqno=4")),
            "400 InvalidInput: Invalid range: Starts at 5 but ends at 4");
  const std::string beyond = std::to_string(last.seqno.value + 1);
  EXPECT_THAT(summary(get(path + "&to_seqno=" + beyond)),
              testing::StartsWith("400 InvalidInput: Only committed transactions can be queried. "
                                  "Transaction at seqno " +
                                  beyond + " is "));
  stored("/app/log/public", 1, "not committed");
  EXPECT_THAT(summary(get(path)),
              testing::StartsWith("400 InvalidInput: Only committed transactions can be queried. "
                                  "Transaction at seqno " +
                                  beyond + " is Pending"));
  EXPECT_EQ(get("/app/log/public/historical/range").status, 400);
}

TEST_F(Logging, LongRangesHaveANextLink) {
  for (int i = 0; i < 10100; ++i)
    service.write("public:records", i % 1000 == 0 ? "1" : "2", "\"x\"");
  const TxId last = service.commit_all();
  const auto first =
      service.until_ready(Method::get, "/app/log/public/historical/range?id=1&to_seqno=" +
                                           std::to_string(last.seqno.value));
  ASSERT_EQ(first.status, 200) << body_text(first);
  const json::value page = body_json(first);
  EXPECT_EQ(page.at("entries").as_array().size(), 10u);
  const std::string link(page.at("@nextLink").as_string());
  EXPECT_EQ(link, "/app/log/public/historical/range?from_seqno=10001&to_seqno=" +
                      std::to_string(last.seqno.value) + "&id=1");
  const auto second = service.until_ready(Method::get, link);
  ASSERT_EQ(second.status, 200) << body_text(second);
  EXPECT_EQ(body_json(second).at("entries").as_array().size(), 1u);
  EXPECT_FALSE(body_json(second).as_object().contains("@nextLink"));
}

TEST_F(Logging, SparseRangesNameTheirSeqnos) {
  const TxId a = stored("/app/log/private", 1, "a");
  const TxId b = stored("/app/log/private", 2, "b");
  const TxId c = stored("/app/log/private", 1, "c");
  service.commit_all();
  const auto list = [](std::initializer_list<TxId> ids) {
    std::string text;
    for (const TxId& id : ids) {
      text += (text.empty() ? "" : ",") + std::to_string(id.seqno.value);
    }
    return text;
  };
  const std::string path = "/app/log/private/historical/sparse?id=1&seqnos=";
  const auto found = service.until_ready(Method::get, path + list({c, a, b, a}));
  EXPECT_EQ(body_text(found),
            R"({"entries":[{"id":1,"msg":"a","seqno":)" + std::to_string(a.seqno.value) +
                R"(},{"id":1,"msg":"c","seqno":)" + std::to_string(c.seqno.value) + "}]}");
  EXPECT_EQ(summary(get(path + "1,x")),
            "400 InvalidQueryParameterValue: Unable to parse 'x' as a seqno");
  EXPECT_EQ(summary(get(path)), "400 InvalidQueryParameterValue: Unable to parse '' as a seqno");
  EXPECT_THAT(summary(get(path + "1,9999")),
              testing::StartsWith("400 InvalidInput: Only committed transactions can be queried. "
                                  "Transaction at seqno 9999 is "));
}

TEST_F(Logging, HandlesAreChosenByTheCaller) {
  const TxId id = stored("/app/log/private", 1, "a");
  const std::string path = "/app/log/private/historical/handle?handle=42&seqno=";
  EXPECT_THAT(summary(get(path + std::to_string(id.seqno.value))),
              testing::StartsWith("400 InvalidHeaderValue: Only committed transactions"));
  service.commit_all();
  for (const uint64_t seqno : {id.seqno.value, id.seqno.value - 1, id.seqno.value}) {
    const auto answer = service.until_ready(Method::get, path + std::to_string(seqno));
    ASSERT_EQ(answer.status, 200) << body_text(answer);
    const auto report = ledger::verify_receipt(
        answer.body, ledger::ReceiptTrust{.service = service.files.identity.service});
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(report->txid->seqno, SeqNo{seqno});
  }
}

TEST_F(Logging, ProofsInCbor) {
  const TxId id = stored("/app/log/public", 1, "a");
  const TxId signature = service.commit_all();
  const ledger::ReceiptTrust trust{.service = service.files.identity.service};

  const auto receipt = service.historical("/app/log/public/cose_receipt", id);
  EXPECT_EQ(receipt.status, 200);
  EXPECT_EQ(header_of(receipt, "content-type"), "application/cose");
  const auto report = ledger::verify_receipt(receipt.body, trust);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->txid, id);
  EXPECT_EQ(summary(service.historical("/app/log/public/cose_receipt", signature)),
            "404 ResourceNotFound: No merkle proof available for this transaction");

  const auto signed_root = service.historical("/app/log/public/cose_signature", id);
  const auto cose =
      from_base64(std::string_view(body_json(signed_root).at("cose_signature").as_string()));
  ASSERT_TRUE(cose.has_value());
  const auto parsed = ledger::parse_cose_signature(*cose);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->txid, signature);
  EXPECT_EQ(summary(service.historical("/app/log/public/cose_endorsements", id)),
            "404 ResourceNotFound: No COSE endorsements available for this transaction");

  const std::string verify = "/app/log/public/verify_cose_receipt";
  const std::string body = body_text(receipt);
  service.session.certificate = nullptr;
  const TestService::Headers type = {{"content-type", "application/cose"}};
  EXPECT_EQ(summary(service.send(Method::get, verify, body, type)), "204");
  EXPECT_EQ(service.send(Method::get, verify, body).status, 415);
  std::string tampered = body;
  tampered[tampered.size() / 2] ^= 1;
  EXPECT_THAT(summary(service.send(Method::get, verify, tampered, type)),
              testing::StartsWith("400 InvalidInput: COSE receipt verification failed: "));
  EXPECT_THAT(summary(service.send(Method::get, verify, "", type)),
              testing::StartsWith("400 InvalidInput: COSE receipt verification failed: "));
}

TEST_F(Logging, TheSignatureConfigurationIsPublished) {
  EXPECT_EQ(body_text(get("/app/cose_signatures_config")),
            R"({"issuer":"service.example.com","subject":"ledger.signature"})");
}

// --------------------------------------------------------------------------------------- document

std::string published_document() {
  const char* given = std::getenv("ENTENTE_SHARED_DATA");
  const std::filesystem::path data =
      given != nullptr ? std::filesystem::path(given)
                       : std::filesystem::path(ENTENTE_SOURCE_DIR) / ".." / "shared" / "data";
  std::ifstream file(data / "openapi" / "app_openapi.json");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(Logging, TheDocumentIsThePublishedOne) {
  std::string published = published_document();
  if (published.empty()) GTEST_SKIP() << "no published document: set ENTENTE_SHARED_DATA";
  while (published.back() == '\n') published.pop_back();
  std::string ours = json::dump_indented(rpc::openapi_document(service.app()));
  while (ours.back() == '\n') ours.pop_back();
  EXPECT_EQ(ours, published);
}

TEST_F(Logging, TheDocumentDescribesEveryEndpoint) {
  const auto response = get("/app/api");
  EXPECT_EQ(response.status, 200);
  const json::value document = body_json(response);
  EXPECT_EQ(document.at("info").at("title"), "CCF Sample Logging App");
  size_t operations = 0;
  for (const auto& path : document.at("paths").as_object()) {
    for (const auto& member : path.value().as_object()) operations += member.key() != "parameters";
  }
  EXPECT_EQ(operations, service.app().endpoints().size());
}

}  // namespace
