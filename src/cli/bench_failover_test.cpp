// The load client when nodes go away: what it counts, where it goes, what it records.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include "cli/bench.h"
#include "cli/bench_check.h"
#include "cli/scratch_folder.h"
#include "cli/stub_service.h"

namespace entente::cli {
namespace {

using test::ScratchFolder;
using test::stub_answer;
using test::StubRequest;
using test::StubService;

/// A primary that keeps records, gives each write a transaction id, and knows their status.
struct Primary {
  std::mutex mutex;
  std::map<std::string, std::string> values;
  std::map<std::string, std::string> statuses;  ///< of transactions; others are Committed
  uint64_t last = 0;

  std::string operator()(const StubRequest& request) {
    const std::lock_guard lock(mutex);
    if (request.method == "HEAD") return stub_answer(200);
    constexpr std::string_view status_of = "/node/tx?transaction_id=";
    if (request.target.starts_with(status_of)) {
      const auto known = statuses.find(request.target.substr(status_of.size()));
      const std::string status = known == statuses.end() ? "Committed" : known->second;
      return stub_answer(200, R"({"status":")" + status + R"("})");
    }
    if (request.method == "PUT") {
      values[request.target] = request.body;
      const bool waits = request.header.find("\r\nprefer: wait=") != std::string::npos;
      return stub_answer(200, "",
                         "x-ms-ccf-transaction-id: 2." + std::to_string(++last) + "\r\n" +
                             (waits ? "preference-applied: wait=1\r\n" : ""));
    }
    const auto found = values.find(request.target);
    return found == values.end() ? stub_answer(404) : stub_answer(200, found->second);
  }
};

BenchOptions options_for(std::vector<std::string> addresses) {
  BenchOptions options;
  options.load.addresses = std::move(addresses);
  options.requests = 1000;
  return options;
}

void expect_every_write_once(const LoadResult& result, uint64_t sent) {
  EXPECT_EQ(result.writes.sent(), sent);
  EXPECT_EQ(result.answers + result.unanswered, sent);
  EXPECT_EQ(result.writes.acknowledged + result.writes.failed, result.answers);
}

TEST(BenchFailover, ConnectionsThatAreLostAreMadeAgainAndNothingIsCountedTwice) {
  ScratchFolder folder;
  Primary primary;
  StubService service(folder.path, [&](const StubRequest& request) { return primary(request); });
  service.answers_per_connection = 50;
  BenchOptions options = options_for({service.address()});
  options.load.connections = 3;
  options.load.depth = 4;
  options.load.threads = 2;
  const auto report = run_bench(options);
  ASSERT_TRUE(report.ok()) << report.error().message;
  const LoadResult& result = report->result;
  expect_every_write_once(result, 1000);
  EXPECT_EQ(result.writes.failed, 0u);
  EXPECT_GT(result.writes.unknown, 0u);
  EXPECT_EQ(result.writes.unknown, result.unanswered);
  EXPECT_GE(result.lost_connections, 15u);
  EXPECT_GE(result.reconnections, 15u);
  EXPECT_GT(result.longest_gap.count(), 0);
  EXPECT_TRUE(report->ok(WorkloadKind::basic));
  EXPECT_NE(to_text(options, *report).find("writes unknown"), std::string::npos);
  EXPECT_EQ(to_json(options, *report).at("writes").at("unknown").to_number<uint64_t>(),
            result.writes.unknown);
}

TEST(BenchFailover, ANodeThatSendsWritesAwayIsLeftForThePrimary) {
  ScratchFolder near, far;
  Primary primary;
  StubService there(far.path, [&](const StubRequest& request) { return primary(request); });
  StubService here(near.path, [&](const StubRequest& request) {
    if (request.method == "HEAD") {
      return stub_answer(308, "", "location: https://" + there.address() + "/node/primary\r\n");
    }
    return stub_answer(503, R"({"error":{"code":"TransactionReplicationFailed"}})");
  });
  BenchOptions options = options_for({here.address()});
  options.load.connections = 2;
  options.load.depth = 5;
  options.record_file = near.file("record");
  auto report = run_bench(options);
  ASSERT_TRUE(report.ok()) << report.error().message;
  expect_every_write_once(report->result, 1000);
  EXPECT_EQ(report->result.writes.failed, 10u) << "what was in flight when it became known";
  EXPECT_EQ(report->result.writes.acknowledged, 990u);
  EXPECT_EQ(report->result.reconnections, 2u);
  EXPECT_TRUE(report->ok(WorkloadKind::basic)) << "it is no error that a node is not primary";
  const auto record = read_record(options.record_file);
  ASSERT_TRUE(record.ok()) << record.error().message;
  EXPECT_EQ(record->writes.size(), 990u);

  // Of several addresses the primary is chosen at once.
  options.load.addresses = {here.address(), there.address()};
  options.record_file.clear();
  report = run_bench(options);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->result.writes.acknowledged, 1000u);
}

TEST(BenchFailover, GivesUpWhenNobodyTakesRequests) {
  ScratchFolder folder;
  StubService service(folder.path, [&](const StubRequest& request) {
    return stub_answer(request.method == "HEAD" ? 503 : 200);
  });
  service.answers_per_connection = 20;
  BenchOptions options = options_for({service.address()});
  options.load.patience = std::chrono::milliseconds(50);
  options.load.connections = 2;
  const auto report = run_bench(options);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->result.answers, 40u);
  EXPECT_EQ(report->result.abandoned, 2u);
  EXPECT_FALSE(report->ok(WorkloadKind::basic));
  ASSERT_FALSE(report->result.problems.empty());
  EXPECT_NE(report->result.problems.back().find("knows no primary"), std::string::npos);
}

struct Recorded : ::testing::Test {
  ScratchFolder folder;
  Primary primary;
  StubService service{folder.path, [this](const StubRequest& request) { return primary(request); }};
  BenchOptions options = options_for({service.address()});
  RecordFile record;

  void load(uint32_t prefer_wait) {
    options.record_file = folder.file("record");
    options.workload.prefer_wait_seconds = prefer_wait;
    options.load.connections = 3;
    options.load.depth = 7;
    options.requests = 500;
    options.load.patience = std::chrono::milliseconds(100);
    const auto report = run_bench(options);
    ASSERT_TRUE(report.ok()) << report.error().message;
    auto read = read_record(options.record_file);
    ASSERT_TRUE(read.ok()) << read.error().message;
    record = std::move(*read);
    ASSERT_EQ(record.writes.size(), 500u);
  }
  RecordCheck check() {
    const auto checked = check_record(options.load, record);
    EXPECT_TRUE(checked.ok()) << checked.error().message;
    return checked ? *checked : RecordCheck{};
  }
};

TEST_F(Recorded, EveryWriteHasAKeyAndAValueOfItsOwnAndIsFoundAgain) {
  load(1);
  EXPECT_EQ(primary.values.size(), 500u);
  std::map<std::string, int> values;
  for (const RecordedWrite& write : record.writes) {
    EXPECT_TRUE(write.committed);
    EXPECT_EQ(primary.values["/app/records/" + write.key], write.value);
    ++values[write.value];
  }
  EXPECT_EQ(values.size(), 500u);
  const RecordCheck checked = check();
  EXPECT_TRUE(checked.ok());
  EXPECT_EQ(checked.promised, 500u);
  EXPECT_EQ(checked.committed, 500u);
  EXPECT_NE(to_text(checked).find("nothing is missing"), std::string::npos);
  EXPECT_FALSE(run_bench(options).ok()) << "a record is not overwritten";
}

TEST_F(Recorded, WhatIsMissingIsFound) {
  load(1);
  primary.values.erase("/app/records/" + record.writes[3].key);
  primary.values["/app/records/" + record.writes[4].key] = "another";
  primary.statuses[record.writes[5].id.text()] = "Invalid";
  primary.statuses[record.writes[6].id.text()] = "Unknown";
  primary.statuses[record.writes[7].id.text()] = "Pending";
  const RecordCheck checked = check();
  EXPECT_FALSE(checked.ok());
  EXPECT_EQ(checked.missing, 2u);
  EXPECT_EQ(checked.lost, 1u);
  EXPECT_EQ(checked.undecided, 2u);
  EXPECT_EQ(checked.committed, 495u);
  EXPECT_EQ(checked.wrong.size(), 5u);
  EXPECT_NE(to_text(checked).find("SOMETHING IS MISSING"), std::string::npos);
}

TEST_F(Recorded, WhatWasNotPromisedMayHaveBeenOvertaken) {
  load(0);
  primary.statuses[record.writes[5].id.text()] = "Invalid";
  const RecordCheck checked = check();
  EXPECT_TRUE(checked.ok());
  EXPECT_EQ(checked.promised, 0u);
  EXPECT_EQ(checked.overtaken, 1u);
  EXPECT_EQ(checked.committed, 499u);
}

TEST_F(Recorded, AFileThatIsNoneIsRefusedWithItsLine) {
  const auto refused = [&](const std::string& text) {
    std::ofstream(folder.file("bad")) << text;
    const auto read = read_record(folder.file("bad"));
    return read ? std::string() : read.error().message;
  };
  EXPECT_NE(refused("").find("no record"), std::string::npos);
  const std::string first = "# entente bench record 1 basic\n";
  EXPECT_NE(refused(first + "k v 2.1 committed\nk v\n").find(":3"), std::string::npos);
  EXPECT_NE(refused(first + "k v 2 committed\n").find("no transaction id"), std::string::npos);
  EXPECT_NE(refused(first + "k v 2.1 perhaps\n").find("last column"), std::string::npos);
  EXPECT_FALSE(read_record(folder.file("none")).ok());
}

TEST_F(Recorded, WhatCannotBeRecordedIsRefused) {
  options.record_file = folder.file("record");
  options.workload.read_percent = 10;
  EXPECT_FALSE(run_bench(options).ok());
  options.workload.read_percent = 0;
  options.workload.value_size = 16;
  EXPECT_FALSE(run_bench(options).ok());
  options.workload.value_size = 20;
  options.workload.kind = WorkloadKind::smallbank;
  EXPECT_FALSE(run_bench(options).ok());
  EXPECT_FALSE(std::filesystem::exists(options.record_file));
}

}  // namespace
}  // namespace entente::cli
