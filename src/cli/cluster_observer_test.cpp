#include "cli/cluster_observer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "cli/command_line.h"
#include "cli/stub_service.h"

namespace entente::cli {
namespace {

using test::stub_answer;
using test::StubRequest;
using test::StubService;

/// A service of stubs: each knows all, and says of itself what it was told to say.
class Observed : public testing::Test {
 protected:
  struct Stub {
    std::string id, leadership = "Follower", state = "PartOfNetwork";
    std::string status = "Trusted", address;  // as listed
    int view = 3, committed = 20;
    bool broken = false;
    std::unique_ptr<StubService> service;
    std::atomic<int> requests{0};
  };

  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "entente-cli-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  void TearDown() override {
    nodes_.clear();
    std::filesystem::remove_all(folder_);
  }

  Stub& add(const std::string& id, const std::string& leadership = "Follower") {
    nodes_.push_back(std::make_unique<Stub>());
    Stub& stub = *nodes_.back();
    stub.id = id;
    stub.leadership = leadership;
    stub.service = std::make_unique<StubService>(folder_ + "/" + id,
                                                 [this, &stub](const StubRequest& request) {
                                                   ++stub.requests;
                                                   return answer(stub, request);
                                                 });
    stub.address = stub.service->address();
    return stub;
  }

  std::string answer(const Stub& stub, const StubRequest& request) const {
    if (stub.broken) return stub_answer(503, "not now");
    const std::string id = "x-ms-ccf-transaction-id: " + std::to_string(stub.view) + "." +
                           std::to_string(stub.committed + 3) + "\r\n";
    if (request.target == "/node/state") {
      return stub_answer(200, json::dump(json::object{{"node_id", stub.id}, {"state", stub.state}}),
                         id);
    }
    if (request.target == "/node/commit") {
      return stub_answer(
          200, json::dump(json::object{{"transaction_id", std::to_string(stub.view) + "." +
                                                              std::to_string(stub.committed)}}));
    }
    if (request.target == "/node/consensus") return stub_answer(200, consensus(stub));
    if (request.target == "/node/network") {
      json::object out{{"service_status", "Open"}, {"primary_id", nullptr}};
      for (const auto& one : nodes_) {
        if (one->leadership == "Leader") out["primary_id"] = one->id;
      }
      return stub_answer(200, json::dump(out));
    }
    if (request.target == "/node/network/nodes") return stub_answer(200, list(""));
    if (request.target == "/node/network/removable_nodes") return stub_answer(200, list("Retired"));
    return stub_answer(404);
  }

  std::string consensus(const Stub& stub) const {
    json::object voters;
    for (const auto& one : nodes_) {
      if (one->status == "Trusted") voters[one->id] = json::object{{"address", "x"}};
    }
    const json::object configuration{{"idx", 7}, {"nodes", voters}, {"rid", 7}};
    return json::dump(json::object{{"details", json::object{{"configs", json::array{configuration}},
                                                            {"membership_state", "Active"},
                                                            {"leadership_state", stub.leadership},
                                                            {"current_view", stub.view}}}});
  }

  std::string list(const std::string& status) const {
    json::array rows;
    for (const auto& one : nodes_) {
      if (!status.empty() && one->status != status) continue;
      const json::object interfaces{
          {"operators", json::object{{"published_address", "127.0.0.1:1"}}},
          {"clients", json::object{{"published_address", one->address}}}};
      rows.push_back(json::object{
          {"node_id", one->id}, {"status", one->status}, {"rpc_interfaces", interfaces}});
    }
    return json::dump(json::object{{"nodes", rows}});
  }

  ClusterObserver observer(std::vector<std::string> entries) const {
    return ClusterObserver(TlsContext::make({}).value(), std::move(entries), 30);
  }

  int call(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"/some/where/entente", "cluster", "status"});
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = main(static_cast<int>(pointers.size()), pointers.data(), {});
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return code;
  }

  std::string folder_, out_, err_;
  std::vector<std::unique_ptr<Stub>> nodes_;
};

TEST_F(Observed, EveryNodeIsAskedAtTheInterfaceThatWasNamed) {
  add("aa", "Leader");
  add("bb").committed = 12;
  Stub& last = add("cc");
  auto asking = observer({last.address});
  const ClusterView view = asking.look();
  ASSERT_EQ(view.problem, "");
  ASSERT_EQ(view.nodes.size(), 3u);
  EXPECT_EQ(view.service_status, "Open");
  for (const NodeView& one : view.nodes) EXPECT_EQ(one.problem, "");
  EXPECT_EQ(primary_of(view)->id, "aa");
  EXPECT_EQ(view.nodes[1].committed, (TxId{{3}, {12}}));
  EXPECT_EQ(view.nodes[1].last, (TxId{{3}, {15}}));
  EXPECT_EQ(view.nodes[1].configurations.at(0).seqno, 7u);
  EXPECT_EQ(lag_of(view.nodes[1], view), 8u);
  EXPECT_EQ(complaint(view), std::nullopt);
}

TEST_F(Observed, ANodeThatEndsIsSeenAndAnotherOneListsTheRest) {
  add("aa", "Leader");
  Stub& second = add("bb");
  add("cc");
  auto asking = observer({second.address});
  ASSERT_EQ(complaint(asking.look()), std::nullopt);
  second.service.reset();  // it was the one that was asked for the list
  const ClusterView view = asking.look();
  ASSERT_EQ(view.problem, "");
  EXPECT_TRUE(view.nodes[0].answers());
  EXPECT_FALSE(view.nodes[1].answers());
  EXPECT_NE(view.nodes[1].problem.find(second.address), std::string::npos);
  EXPECT_EQ(complaint(view), std::nullopt);
}

TEST_F(Observed, ConnectionsThatEndBetweenQuestionsAreMadeAgain) {
  Stub& only = add("aa", "Leader");
  only.service->answers_per_connection = 1;
  auto asking = observer({only.address});
  EXPECT_EQ(complaint(asking.look()), std::nullopt);
  EXPECT_EQ(complaint(asking.look()), std::nullopt);
}

TEST_F(Observed, AConnectionOfAnOvertakenBranchIsMadeAgain) {
  std::atomic<int> asked{0};
  StubService service(folder_ + "/s", [&](const StubRequest&) {
    return ++asked == 2 ? stub_answer(500, R"({"error":{"code":"SessionConsistencyLost"}})")
                        : stub_answer(200, "{}");
  });
  ServiceClient client(TlsContext::make({}).value(), service.address(), 30);
  EXPECT_TRUE(client.get("/node/commit").ok());
  EXPECT_TRUE(client.get("/node/commit").ok());
  EXPECT_EQ(asked, 3);
  // On a connection that was just made it is an answer like any other.
  asked = 1;
  ServiceClient fresh(TlsContext::make({}).value(), service.address(), 30);
  EXPECT_FALSE(fresh.get("/node/commit").ok());
}

TEST_F(Observed, AnotherNodeAtTheAddressIsNoAnswer) {
  Stub& first = add("aa", "Leader");
  add("bb").address = first.address;
  const ClusterView view = observer({first.address}).look();
  EXPECT_TRUE(view.nodes[0].answers());
  EXPECT_NE(view.nodes[1].problem.find("another node answers there: aa"), std::string::npos);
}

TEST_F(Observed, RemovableNodesAreListed) {
  add("aa", "Leader");
  add("bb").status = "Retired";
  const ClusterView view = observer({nodes_[0]->address}).look();
  EXPECT_EQ(view.removable, std::set<std::string>{"bb"});
}

TEST_F(Observed, AnswersThatMakeNoSenseAreProblemsOfThatNode) {
  NodeView node;
  node.id = "aa";
  const auto document = [](const char* text) { return Document{json::parse(text).value(), "2.9"}; };
  const Document state = document(R"({"node_id":"aa","state":"PartOfNetwork"})");
  const Document commit = document(R"({"transaction_id":"2.7"})");
  for (const char* wrong :
       {"[]", "null", "{}", R"({"details":7})", R"({"details":{"configs":{},"current_view":1}})",
        R"({"details":{"configs":[1],"current_view":1}})",
        R"({"details":{"configs":[{"idx":"x","nodes":{}}],"current_view":1}})",
        R"({"details":{"configs":[{"idx":1,"nodes":[]}],"current_view":1}})",
        R"({"details":{"configs":[],"current_view":-1}})"}) {
    NodeView fresh = node;
    EXPECT_FALSE(read_node(fresh, state, document(wrong), commit).ok()) << wrong;
  }
  EXPECT_FALSE(read_node(node, document("7"), document("{}"), commit).ok());
}

TEST_F(Observed, StatusSaysByItsExitCodeWhetherTheServiceWorks) {
  Stub& first = add("aa", "Leader");
  Stub& second = add("bb");
  Stub& third = add("cc");
  EXPECT_EQ(call({"--address", second.address}), exit_code::success) << out_ << err_;
  for (const char* part : {"primary", "backup", "PartOfNetwork", "3 of 3 nodes answer", "3.20"}) {
    EXPECT_NE(out_.find(part), std::string::npos) << part << "\n" << out_;
  }
  third.broken = true;
  EXPECT_EQ(call({"--address", second.address, "--json"}), exit_code::success);
  const auto document = json::parse(out_);
  ASSERT_TRUE(document.ok()) << out_;
  EXPECT_TRUE(document->at("healthy").as_bool());
  EXPECT_NE(std::string(document->at("nodes").at(2).at("error").as_string()).find("503: not now"),
            std::string::npos);
  first.leadership = "Follower";
  EXPECT_EQ(call({"--address", second.address}), exit_code::failure);
  EXPECT_NE(out_.find("there is no primary"), std::string::npos) << out_;
  first.leadership = "Leader";
  second.broken = true;
  EXPECT_EQ(call({"--address", first.address}), exit_code::failure);
  EXPECT_NE(out_.find("no majority"), std::string::npos) << out_;
  first.broken = true;
  EXPECT_EQ(call({"--address", first.address, "--json"}), exit_code::failure);
  EXPECT_NE(out_.find("no node answers"), std::string::npos) << out_;
}

TEST_F(Observed, StatusTrustsOnlyTheServiceThatWasNamed) {
  Stub& first = add("aa", "Leader");
  Stub& second = add("bb");
  const std::string own = first.service->certificate_file();
  EXPECT_EQ(call({"--address", second.address, "--service-cert", own}), exit_code::failure);
  EXPECT_NE(out_.find("not endorsed"), std::string::npos) << out_;
  EXPECT_EQ(call({"--address", first.address, "--service-cert", folder_ + "/nothing"}),
            exit_code::file_not_readable);
}

TEST_F(Observed, StatusNeedsToKnowWhichServiceIsMeant) {
  EXPECT_EQ(call({}), exit_code::missing_option);
  EXPECT_NE(err_.find("--sandbox"), std::string::npos) << err_;
  EXPECT_EQ(call({"--sandbox", folder_}), exit_code::failure);
  EXPECT_NE(err_.find("no node of this sandbox runs"), std::string::npos) << err_;
}

// -------------------------------------------------------------------------------------
// redirections

TEST_F(Observed, CallsGoWhereTheyAreSent) {
  StubService primary(folder_ + "/p", [](const StubRequest& request) {
    return stub_answer(request.method == "POST" && request.target == "/node/x" ? 200 : 404, "done");
  });
  StubService backup(folder_ + "/b", [&](const StubRequest&) {
    return stub_answer(307, "", "Location: https://" + primary.address() + "/node/x\r\n");
  });
  StubService circle(folder_ + "/c", [&](const StubRequest&) {
    return stub_answer(308, "", "location: https://" + circle.address() + "/again\r\n");
  });
  StubService nowhere(folder_ + "/n", [](const StubRequest&) {
    return stub_answer(308, "", "location: elsewhere\r\n");
  });
  const TlsContext any = TlsContext::make({}).value();
  const auto sent = call_following(any, backup.address(), "POST", "/node/x", 30);
  ASSERT_TRUE(sent.ok()) << sent.error().message;
  EXPECT_EQ(sent->status, 200);
  EXPECT_EQ(sent->body, "done");
  const auto round = call_following(any, circle.address(), "POST", "/node/x", 30);
  ASSERT_FALSE(round.ok());
  EXPECT_NE(round.error().message.find("once too often"), std::string::npos);
  EXPECT_FALSE(call_following(any, nowhere.address(), "POST", "/node/x", 30).ok());
}

}  // namespace
}  // namespace entente::cli
