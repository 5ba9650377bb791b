// The whole of it: thread, adapter, /receipt, through requests.
#include "history/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "history/test_service.h"

namespace entente::history {
namespace {

using http::Method;
using rpc::test::body_json;
using rpc::test::body_text;
using rpc::test::header_of;
using rpc::test::summary;

class HistoryTest : public testing::Test {
 protected:
  HistoryTest() {
    service.app()
        .make_endpoint(
            "/put", Method::put,
            [](EndpointContext& ctx) {
              ctx.tx.wo("m").put(as_bytes("k"), ctx.call.body());
              ctx.call.set_claims_digest(crypto::sha256(as_bytes("claims")));
            },
            auth::none)
        .install();
    service.app()
        .make_read_only_endpoint(
            "/past", Method::get,
            read_only_adapter(
                [](ReadOnlyEndpointContext& ctx, const StatePtr& state) {
                  ctx.call.set_body(as_text(*state->begin().ro("m").get(as_bytes("k"))));
                },
                service.node),
            auth::none)
        .install();
    service.app()
        .make_endpoint("/again", Method::post,
                       read_write_adapter(
                           [](EndpointContext& ctx, const StatePtr& state) {
                             ctx.tx.wo("m").put(as_bytes("k"),
                                                **state->diff("m").get(as_bytes("k")));
                           },
                           service.node),
                       auth::none)
        .install();
    service.start();
  }

  TxId put(std::string_view body) {
    const auto response = service.send(Method::put, "/app/put", body);
    return *TxId::parse(header_of(response, "x-ms-ccf-transaction-id"));
  }
  http::Response past(const std::string& id) {
    return service.get_request("/app/past", {{"x-ms-ccf-transaction-id", id}});
  }

  test::TestService service;
};

TEST_F(HistoryTest, AnswersEachStatusAsDocumented) {
  const TxId id = put("first");
  EXPECT_EQ(summary(service.get_request("/app/past")),
            "404 TransactionInvalid: Could not extract Transaction Id");
  for (const char* malformed : {"", "2", "a.b", "2.0", "0.1", "-1.1", "2.1 ", "2.1.1"}) {
    EXPECT_EQ(summary(past(malformed)), "404 TransactionInvalid: Could not extract Transaction Id");
  }
  auto pending = past(id.text());
  EXPECT_EQ(summary(pending),
            "404 TransactionPendingOrUnknown: Only committed transactions can be queried. "
            "Transaction 2.1 is Pending");
  EXPECT_EQ(header_of(pending, "cache-control"), "no-cache");
  auto unknown = past("2.99");
  EXPECT_EQ(summary(unknown),
            "404 TransactionPendingOrUnknown: Only committed transactions can be queried. "
            "Transaction 2.99 is Unknown");
  EXPECT_EQ(header_of(unknown, "cache-control"), "no-cache");
  service.commit_all();
  const auto invalid = past("3.1");
  EXPECT_EQ(summary(invalid),
            "404 TransactionInvalid: Only committed transactions can be queried. "
            "Transaction 3.1 is Invalid");
  EXPECT_EQ(header_of(invalid, "cache-control"), "(absent)");
  const auto first = past(id.text());
  if (first.status == 202) {
    EXPECT_EQ(body_text(first), "Historical transaction 2.1 is not currently available.");
    EXPECT_EQ(header_of(first, "retry-after"), "3");
    EXPECT_EQ(header_of(first, "content-type"), "text/plain");
  }
  const auto ready = service.historical("/app/past", id);
  EXPECT_EQ(summary(ready), "200 first") << body_text(ready);
}

TEST_F(HistoryTest, GivesTheStateOfThatTransactionAndNoOther) {
  std::vector<TxId> ids;
  for (int i = 0; i < 30; ++i) {
    ids.push_back(put("value " + std::to_string(i)));
    if (i % 7 == 6) service.commit_all();
  }
  service.commit_all();
  for (int i = 29; i >= 0; --i) {
    EXPECT_EQ(body_text(service.historical("/app/past", ids[static_cast<size_t>(i)])),
              "value " + std::to_string(i));
  }
  const auto written =
      service.until_ready(Method::post, "/app/again", {{"x-ms-ccf-transaction-id", ids[3].text()}});
  EXPECT_EQ(written.status, 200);
  EXPECT_EQ(service.get("m", "k"), "value 3");
}

TEST_F(HistoryTest, ReceiptsVerify) {
  const TxId id = put("with claims");
  const TxId signature = service.commit_all();
  const ledger::ReceiptTrust trust{.service = service.files.identity.service};

  const auto response =
      service.until_ready(Method::get, "/app/receipt?transaction_id=" + id.text());
  EXPECT_EQ(response.status, 200) << body_text(response);
  EXPECT_EQ(header_of(response, "content-type"), "application/json");
  const auto report = ledger::verify_receipt(response.body, trust);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->txid, id);
  EXPECT_EQ(report->claims_digest, crypto::sha256(as_bytes("claims")));

  const auto of_signature =
      service.until_ready(Method::get, "/receipt?transaction_id=" + signature.text());
  const json::value document = body_json(of_signature);
  EXPECT_TRUE(document.at("proof").as_array().empty());
  EXPECT_TRUE(document.as_object().contains("leaf"));
  EXPECT_FALSE(document.as_object().contains("leaf_components"));
  EXPECT_TRUE(ledger::verify_receipt(of_signature.body, trust).ok());

  EXPECT_EQ(summary(service.get_request("/app/receipt")),
            "404 TransactionInvalid: Could not extract Transaction Id");
  EXPECT_EQ(summary(service.get_request("/app/receipt?transaction_id=2.0")),
            "404 TransactionInvalid: Could not extract Transaction Id");
}

TEST_F(HistoryTest, OnlyOwnCoseReceiptsAreAccepted) {
  const TxId id = put("x");
  service.commit_all();
  auto fetched = service.node.get<States>()->at(1, id.seqno);
  while (fetched.pending()) fetched = service.node.get<States>()->at(1, id.seqno);
  ASSERT_TRUE(fetched.value.has_value());
  const Bytes receipt = *describe_cose_receipt(**fetched.value);
  EXPECT_TRUE(verify_self_issued_receipt(service.node, receipt).ok());
  for (size_t i = 0; i < receipt.size(); i += 5) {
    Bytes tampered = receipt;
    tampered[i] ^= 1;
    EXPECT_FALSE(verify_self_issued_receipt(service.node, tampered).ok()) << i;
  }
  const ledger::TestLedger stranger(crypto::Curve::p256);
  const Bytes foreign = ledger::make_cose_receipt(
      stranger.components(3), {3}, stranger.signed_tree(), stranger.cose_signature());
  EXPECT_FALSE(verify_self_issued_receipt(service.node, foreign).ok());
  EXPECT_FALSE(verify_self_issued_receipt(service.node, as_bytes("")).ok());
  EXPECT_TRUE(describe_cose_endorsements(**fetched.value).empty());
}

TEST_F(HistoryTest, StrategiesAreFedInTheBackground) {
  const auto strategies = service.node.get<indexing::Strategies>();
  const auto index = std::make_shared<indexing::SeqnosByKeyInMemory>("m");
  EXPECT_TRUE(strategies->install(index));
  EXPECT_EQ(strategies->describe().size(), 1u);
  for (int i = 0; i < 100; ++i) put("x");
  const TxId last = service.commit_all();
  while (index->watermark() != last) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(index->all(as_bytes("k")).size(), 100u);
  EXPECT_TRUE(strategies->uninstall(index));
  EXPECT_TRUE(strategies->describe().empty());
}

TEST_F(HistoryTest, ADamagedLedgerIsA500) {
  const TxId id = put("x");
  service.commit_all();
  ASSERT_TRUE(service.files.disk.flip_bit("ledger/ledger_1", 60, 0).ok());
  const auto response = service.historical("/app/past", id);
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(summary(response), testing::StartsWith("500 TransactionPendingOrUnknown: Historical "
                                                     "transaction 2.1 failed with error: ledger "
                                                     "at 1"));
}

}  // namespace
}  // namespace entente::history
