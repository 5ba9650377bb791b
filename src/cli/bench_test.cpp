#include "cli/bench.h"

#include <flatbuffers/flatbuffers.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <mutex>

#include "cli/scratch_folder.h"
#include "cli/stub_service.h"
#include "smallbank_generated.h"

namespace entente::cli {
namespace {

using test::ScratchFolder;
using test::stub_answer;
using test::StubRequest;
using test::StubService;

/// Records in memory, as the basic application keeps them.
struct Records {
  std::mutex mutex;
  std::map<std::string, std::string> values;

  std::string operator()(const StubRequest& request) {
    const std::lock_guard lock(mutex);
    if (request.method == "PUT") {
      values[request.target] = request.body;
      const bool waits = request.header.find("\r\nprefer: wait=") != std::string::npos;
      return "HTTP/1.1 204 No Content\r\n" +
             std::string(waits ? "preference-applied: wait=1\r\n" : "") + "\r\n";
    }
    const auto found = values.find(request.target);
    return found == values.end() ? stub_answer(404) : stub_answer(200, found->second);
  }
};

BenchOptions options_for(const StubService& service) {
  BenchOptions options;
  options.load.addresses = {service.address()};
  options.load.identity.service_certificate_file = service.certificate_file();
  options.requests = 1000;
  return options;
}

TEST(Bench, AnswersEveryRequestOnce) {
  ScratchFolder folder;
  Records records;
  StubService service(folder.path, [&](const StubRequest& r) { return records(r); });
  BenchOptions options = options_for(service);
  options.load.connections = 5;
  options.load.depth = 16;
  options.load.threads = 2;
  options.requests = 10007;
  options.workload.read_percent = 50;
  options.workload.keys = 301;
  options.server_pid = getpid();
  const auto report = run_bench(options);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->result.answers, 10007u);
  EXPECT_EQ(report->result.latencies.count(), 10007u);
  EXPECT_EQ(report->errors(WorkloadKind::basic), 0u);
  EXPECT_EQ(report->result.unanswered, 0u);
  EXPECT_EQ(records.values.size(), 301u);
  EXPECT_GT(report->result.statuses[200], 0u);
  EXPECT_GT(report->result.statuses[204], 0u);
  EXPECT_GT(report->server_resident_bytes.value_or(0), 0u);
  EXPECT_EQ(to_json(options, *report).at("requests").to_number<uint64_t>(), 10007u);
  EXPECT_NE(to_text(options, *report).find("status 204"), std::string::npos);
}

TEST(Bench, RunsForATimeAndCountsAnswersAtCommit) {
  ScratchFolder folder;
  Records records;
  StubService service(folder.path, [&](const StubRequest& r) { return records(r); });
  BenchOptions options = options_for(service);
  options.requests.reset();
  options.duration = std::chrono::milliseconds(200);
  options.warm_up = std::chrono::milliseconds(50);
  options.workload.prefer_wait_seconds = 1;
  const auto report = run_bench(options);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_GT(report->result.answers, 0u);
  EXPECT_EQ(report->result.preferences_applied, report->result.answers);
}

TEST(Bench, CountsErrors) {
  ScratchFolder folder;
  StubService service(folder.path, [&](const StubRequest&) { return stub_answer(503, "busy"); });
  const auto report = run_bench(options_for(service));
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->errors(WorkloadKind::basic), 1000u);
  EXPECT_EQ(report->result.writes.failed, 1000u);
  EXPECT_FALSE(report->ok(WorkloadKind::basic));
}

TEST(Bench, RefusesAForeignServerAndBadOptions) {
  ScratchFolder folder, other;
  StubService service(folder.path, [&](const StubRequest&) { return stub_answer(204); });
  const auto identity = make_identity({other.path, "other", crypto::Curve::p256, 1, false});
  ASSERT_TRUE(identity.ok());
  BenchOptions options = options_for(service);
  options.load.identity.service_certificate_file = identity->certificate;
  auto report = run_bench(options);
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.error().message.find("not endorsed"), std::string::npos)
      << report.error().message;

  options = options_for(service);
  options.load.addresses = {"127.0.0.1:1"};
  EXPECT_FALSE(run_bench(options).ok());
  options = options_for(service);
  options.verify = true;
  EXPECT_FALSE(run_bench(options).ok());
  options = options_for(service);
  options.server_pid = 1 << 30;
  EXPECT_FALSE(run_bench(options).ok());
  options = options_for(service);
  options.load.identity.certificate_file = "/does/not/exist";
  EXPECT_FALSE(run_bench(options).ok());
}

/// The procedures of the bank behind HTTP, written from their description alone.
struct Bank {
  std::map<std::string, std::pair<int64_t, int64_t>> accounts;  // savings, checking

  template <typename T>
  static const T* body(const StubRequest& request) {
    return flatbuffers::GetRoot<T>(reinterpret_cast<const uint8_t*>(request.body.data()));
  }

  std::string operator()(const StubRequest& request) {
    const std::string procedure = request.target.substr(std::string("/app/SmallBank_").size());
    if (procedure == "create_batch") {
      if (!accounts.empty()) return stub_answer(400, "Account already exists");
      const auto* batch = body<smallbank::Accounts>(request);
      for (uint64_t i = batch->from(); i < batch->to(); ++i) {
        accounts[std::to_string(i)] = {batch->savings_amt(), batch->checking_amt()};
      }
      return stub_answer(204);
    }
    if (procedure == "amalgamate") {
      auto& from = accounts.at(body<smallbank::Amalgamate>(request)->name_src()->str());
      auto& to = accounts.at(body<smallbank::Amalgamate>(request)->name_dest()->str());
      to.second += from.first + from.second;
      from = {0, 0};
      return stub_answer(204);
    }
    const auto* transaction = body<smallbank::Transaction>(request);
    auto& [savings, checking] = accounts.at(transaction->name()->str());
    const int64_t value = transaction->value();
    if (procedure == "balance") {
      flatbuffers::FlatBufferBuilder builder;
      builder.Finish(smallbank::CreateBalance(builder, savings + checking));
      return stub_answer(
          200, {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()});
    }
    if (procedure == "transact_savings") {
      if (savings + value < 0) return stub_answer(400, "Not enough money in savings account");
      savings += value;
    } else if (procedure == "deposit_checking") {
      checking += value;
    } else {
      const int64_t amount = savings + checking < value ? value + 1 : value;
      checking = savings + checking - amount;
    }
    return stub_answer(204);
  }
};

TEST(Bench, VerifiesSmallBankAgainstTheModel) {
  ScratchFolder folder;
  Bank bank;
  bool steal = false;
  StubService service(folder.path, [&](const StubRequest& request) {
    std::string answer = bank(request);
    if (steal && request.target.ends_with("deposit_checking")) --bank.accounts.at("3").second;
    return answer;
  });
  BenchOptions options = options_for(service);
  options.workload.kind = WorkloadKind::smallbank;
  options.requests = 2000;
  options.load.depth = 50;
  options.verify = true;
  auto report = run_bench(options);
  ASSERT_TRUE(report.ok()) << report.error().message;
  ASSERT_TRUE(report->balances);
  EXPECT_TRUE(report->balances->ok());
  EXPECT_EQ(report->balances->found, "52, 32, 0, 41951, 0, 5, 94, 737, 493, 0");
  EXPECT_EQ(report->balances->refused_found, 126u);
  EXPECT_EQ(report->errors(WorkloadKind::smallbank), 0u);

  EXPECT_FALSE(run_bench(options).ok()) << "the accounts exist";
  bank.accounts.clear();
  steal = true;
  report = run_bench(options);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_FALSE(report->balances->ok());
}

TEST(IdentityFiles, AreWhatTheirNamesSayAndNeverOverwritten) {
  ScratchFolder folder;
  const IdentityRequest request{folder.path + "/new", "member0", crypto::Curve::p384, 10, true};
  const auto files = make_identity(request);
  ASSERT_TRUE(files.ok()) << files.error().message;
  for (const std::string& path : files->all()) {
    const auto mode = std::filesystem::status(path).permissions();
    const bool is_private = path.find("privk") != std::string::npos;
    EXPECT_EQ((mode & std::filesystem::perms::others_read) == std::filesystem::perms::none,
              is_private)
        << path;
  }
  ASSERT_TRUE(identity_id(files->certificate).ok());
  EXPECT_EQ(identity_id(files->certificate)->size(), 64u);
  const auto again = make_identity(request);
  ASSERT_FALSE(again.ok());
  EXPECT_NE(again.error().message.find("exists already"), std::string::npos);
  for (const char* name : {"", "../x", "a/b", ".hidden", "a b"}) {
    EXPECT_FALSE(make_identity({folder.path, name, crypto::Curve::p256, 1, false}).ok()) << name;
  }
}

}  // namespace
}  // namespace entente::cli
