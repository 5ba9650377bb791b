#include "rpc/common_endpoints.h"

#include <gtest/gtest.h>

#include "rpc/test_service.h"

namespace entente::rpc {
namespace {

using test::summary;

class CommonEndpointsTest : public testing::Test {
 protected:
  CommonEndpointsTest() {
    install_common_endpoints(service.app(), service.node);
    install_common_endpoints(service.frontends.registry(Actor::node), service.node);
    service.start();
    for (int i = 0; i < 5; ++i) service.put("m", "k", "v");
    service.status.committed_id = {first_view, SeqNo{3}};
  }
  std::string get(const std::string& target) { return summary(service.get_request(target)); }

  test::Service service;
};

TEST_F(CommonEndpointsTest, commit) {
  EXPECT_EQ(get("/app/commit"), R"(200 {"transaction_id":"2.3"})");
  EXPECT_EQ(get("/commit"), R"(200 {"transaction_id":"2.3"})");
  EXPECT_EQ(get("/node/commit"), R"(200 {"transaction_id":"2.3"})");
  EXPECT_EQ(service.get_request("/commit").header("x-ms-ccf-transaction-id"), nullptr);
}

TEST_F(CommonEndpointsTest, commit_with_view_history) {
  service.status.starts = {SeqNo{1}, SeqNo{1}, SeqNo{4}, SeqNo{4}, SeqNo{5}};
  service.status.current_view = View{5};
  const std::string all =
      R"(200 {"transaction_id":"2.3","view_history":["1.1","2.1","3.4","4.4","5.5"]})";
  EXPECT_EQ(get("/commit?view_history=true"), all);
  EXPECT_EQ(get("/commit?view_history=true&view_history_since=4"), all);
  EXPECT_EQ(get("/commit?view_history=false"), R"(200 {"transaction_id":"2.3"})");
  EXPECT_EQ(get("/commit?view_history=false&view_history_since=4"),
            R"(200 {"transaction_id":"2.3"})");
  EXPECT_EQ(get("/commit?view_history=yes"),
            "400 InvalidQueryParameterValue: Invalid value for view_history, must be one of [true, "
            "false] when present");
  EXPECT_EQ(get("/commit?view_history_since=4"),
            R"(200 {"transaction_id":"2.3","view_history":["4.4","5.5"]})");
  EXPECT_EQ(get("/commit?view_history_since=1"), all);
  constexpr auto out_of_range =
      "InvalidQueryParameterValue: Invalid value for view_history_since, must be in range [1, "
      "current_term]";
  EXPECT_EQ(get("/commit?view_history_since=0"), std::string("400 ") + out_of_range);
  EXPECT_EQ(get("/commit?view_history_since=6"), std::string("404 ") + out_of_range);
  EXPECT_EQ(get("/commit?view_history_since=x"), R"(200 {"transaction_id":"2.3"})");
}

TEST_F(CommonEndpointsTest, tx) {
  const auto status = [&](const std::string& id) {
    const auto response = service.get_request("/app/tx?transaction_id=" + id);
    EXPECT_EQ(response.header("x-ms-ccf-transaction-id"), nullptr);
    return summary(response);
  };
  EXPECT_EQ(status("2.1"), R"(200 {"status":"Committed","transaction_id":"2.1"})");
  EXPECT_EQ(status("2.3"), R"(200 {"status":"Committed","transaction_id":"2.3"})");
  EXPECT_EQ(status("2.4"), R"(200 {"status":"Pending","transaction_id":"2.4"})");
  EXPECT_EQ(status("2.6"), R"(200 {"status":"Unknown","transaction_id":"2.6"})");
  EXPECT_EQ(status("1.1"), R"(200 {"status":"Invalid","transaction_id":"1.1"})");
  EXPECT_EQ(status("1.6"), R"(200 {"status":"Invalid","transaction_id":"1.6"})");
  EXPECT_EQ(status("99999.1"), R"(200 {"status":"Invalid","transaction_id":"99999.1"})");
  EXPECT_EQ(status("99999.999999"), R"(200 {"status":"Unknown","transaction_id":"99999.999999"})");
  for (const char* bad : {"a.b", "-1.-1", "0.0", "1.0", "0.1", "2.0", "", "2", "2.1x"}) {
    EXPECT_EQ(status(bad), "400 InvalidQueryParameterValue: The value '" + std::string(bad) +
                               "' passed as query parameter 'transaction_id' could not be "
                               "converted to a valid Transaction ID.");
  }
  EXPECT_EQ(get("/app/tx"),
            "400 InvalidQueryParameterValue: Missing query parameter 'transaction_id'");
}

}  // namespace
}  // namespace entente::rpc
