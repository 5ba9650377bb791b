#include <flatbuffers/flatbuffers.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>

#include "cli/bench_histogram.h"
#include "cli/bench_response.h"
#include "cli/bench_smallbank.h"
#include "cli/bench_workload.h"
#include "smallbank_generated.h"

namespace entente::cli {
namespace {

using std::chrono::nanoseconds;

TEST(Histogram, PercentilesAreWithinOnePart128OfTheTrueOnes) {
  EXPECT_TRUE(rc::check([](const std::vector<uint32_t>& drawn) {
    if (drawn.empty()) return;
    LatencyHistogram histogram;
    std::vector<uint64_t> values;
    for (const uint32_t one : drawn) {
      const uint64_t value = uint64_t{one} * 97 % (uint64_t{1} << (one % 40));
      values.push_back(value);
      histogram.record(nanoseconds(static_cast<int64_t>(value)));
    }
    std::sort(values.begin(), values.end());
    RC_ASSERT(histogram.count() == values.size());
    for (const double fraction : {0.0, 0.5, 0.9, 0.999, 1.0}) {
      const auto rank = static_cast<size_t>(
          std::max(1.0, std::ceil(fraction * static_cast<double>(values.size()))));
      const auto exact = static_cast<double>(values[rank - 1]);
      const auto found = static_cast<double>(histogram.percentile(fraction).count());
      RC_ASSERT(found >= exact);
      RC_ASSERT(found <= exact + exact / 128 + 1);
    }
  }));
}

TEST(Histogram, MergesAndKeepsExtremes) {
  LatencyHistogram a, b;
  EXPECT_EQ(a.percentile(0.5).count(), 0);
  a.record(nanoseconds(5));
  b.record(nanoseconds(-3));
  b.record(std::chrono::hours(100));
  a.merge(b);
  EXPECT_EQ(a.count(), 3u);
  EXPECT_EQ(a.percentile(0.01).count(), 0);
  EXPECT_EQ(a.percentile(0.5).count(), 5);
  EXPECT_GE(a.maximum(), std::chrono::hours(1));
}

TEST(ResponseFrames, ReadsWhatServersSend) {
  const std::string_view text =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-ms-ccf-transaction-id: 2.10\r\n"
      "Preference-Applied: wait=5\r\n\r\nhelloHTTP/1.1 204 No Content\r\n\r\n";
  auto first = parse_response(text);
  ASSERT_TRUE(first.ok() && *first);
  EXPECT_EQ((*first)->status, 200);
  EXPECT_EQ((*first)->body_size, 5u);
  EXPECT_TRUE((*first)->preference_applied);
  EXPECT_FALSE((*first)->close);
  auto second = parse_response(text.substr((*first)->size()));
  ASSERT_TRUE(second.ok() && *second);
  EXPECT_EQ((*second)->status, 204);
  EXPECT_EQ((*second)->size(), std::string_view("HTTP/1.1 204 No Content\r\n\r\n").size());
  auto closing = parse_response("HTTP/1.1 503 x\r\nconnection: Close\r\ncontent-length:0\r\n\r\n");
  ASSERT_TRUE(closing.ok() && *closing);
  EXPECT_TRUE((*closing)->close);
}

TEST(ResponseFrames, EveryPrefixOfAHeaderIsIncompleteAndNotAnError) {
  const std::string_view text = "HTTP/1.1 404 Not Found\r\ncontent-length: 12\r\n\r\n";
  for (size_t size = 0; size < text.size(); ++size) {
    const auto frame = parse_response(text.substr(0, size));
    ASSERT_TRUE(frame.ok()) << size;
    EXPECT_FALSE(*frame) << size;
  }
}

TEST(ResponseFrames, RefusesWhatItCannotFrame) {
  for (const char* text :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 \r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1,1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"}) {
    EXPECT_FALSE(parse_response(text).ok()) << text;
  }
  EXPECT_FALSE(parse_response("HTTP/1.1 200 OK\r\nx: " + std::string(100000, 'x')).ok());
  EXPECT_TRUE(rc::check([](const std::string& noise) {
    (void)parse_response("HTTP/1.1 200 OK\r\n" + noise + "\r\n\r\n");
  }));
}

TEST(SmallBank, GeneratorAndModelGiveThePublishedBalances) {
  struct Row {
    int operations;
    std::array<int64_t, 10> balances;
    uint64_t refused;
  };
  const Row rows[] = {{2000, {52, 32, 0, 41951, 0, 5, 94, 737, 493, 0}, 126},
                      {20000, {120018, 0, 187, 42, -35, 36, 1189, 6, 0, 39}, 1567},
                      {50000, {49, 43, 1764, 43, 244, -38, -42, 248231, 0, -8}, 3939},
                      {200000, {0, 0, 28, 890665, 19, 322, 40, 43, 19, 63}, 16330},
                      {500000, {15, 79, 2181296, 37, 30, 0, -40, 505, -34, 0}, 40807}};
  SmallBankGenerator generator;
  SmallBankModel model;
  uint64_t refused = 0;
  int done = 0;
  for (const Row& row : rows) {
    for (; done < row.operations; ++done) refused += model.apply(generator.next()) ? 0 : 1;
    for (uint32_t account = 0; account < smallbank_accounts; ++account) {
      EXPECT_EQ(model.balance(account), row.balances[account]) << done << ", account " << account;
    }
    EXPECT_EQ(refused, row.refused) << done;
  }
}

TEST(SmallBank, RequestsCarryTheirOperation) {
  SmallBankWriter writer("prefer: wait=3\r\n");
  std::string text;
  writer.append({SmallBankOperation::Kind::amalgamate, 3, 8, 0}, text);
  EXPECT_TRUE(text.starts_with("POST /app/SmallBank_amalgamate HTTP/1.1\r\n"));
  EXPECT_NE(text.find("\r\nprefer: wait=3\r\n"), std::string::npos);
  std::string body = text.substr(text.find("\r\n\r\n") + 4);
  EXPECT_NE(text.find("\r\ncontent-length: " + std::to_string(body.size()) + "\r\n"),
            std::string::npos);
  const auto bytes = [&] { return reinterpret_cast<const uint8_t*>(body.data()); };
  flatbuffers::Verifier verifier(bytes(), body.size());
  ASSERT_TRUE(verifier.VerifyBuffer<smallbank::Amalgamate>(nullptr));
  EXPECT_EQ(flatbuffers::GetRoot<smallbank::Amalgamate>(bytes())->name_src()->str(), "3");
  EXPECT_EQ(flatbuffers::GetRoot<smallbank::Amalgamate>(bytes())->name_dest()->str(), "8");

  body = smallbank_population_body();
  const auto* accounts = flatbuffers::GetRoot<smallbank::Accounts>(bytes());
  EXPECT_EQ(accounts->from(), 0u);
  EXPECT_EQ(accounts->to(), 10u);
  EXPECT_EQ(accounts->checking_amt(), 1000);
  EXPECT_EQ(accounts->savings_amt(), 1000);
  int64_t balance = 0;
  EXPECT_FALSE(smallbank_read_balance("", balance));
  EXPECT_FALSE(smallbank_read_balance("xxxxxxxxxxxxxxxx", balance));
}

TEST(Streams, WritesHaveAFixedWidthAndKeysInRange) {
  for (const WorkloadKind kind : {WorkloadKind::basic, WorkloadKind::logging}) {
    WorkloadOptions options;
    options.kind = kind;
    options.keys = 7;
    auto stream = make_stream(options, 0);
    std::string one;
    stream->append_next(one);
    std::array<int, 7> seen{};
    for (int i = 0; i < 500; ++i) {
      std::string text;
      stream->append_next(text);
      ASSERT_EQ(text.size(), one.size());
      const size_t key = text.find("10000000");
      ASSERT_NE(key, std::string::npos);
      ASSERT_LT(text[key + 8] - '0', 7);
      ++seen[static_cast<size_t>(text[key + 8] - '0')];
    }
    for (const int count : seen) EXPECT_GT(count, 0);
  }
}

TEST(Streams, MixHasItsShareOfReadsAndFillingCoversEveryKey) {
  WorkloadOptions options;
  options.read_percent = 30;
  options.keys = 100;
  auto stream = make_stream(options, 1);
  int reads = 0;
  for (int i = 0; i < 10000; ++i) {
    std::string text;
    stream->append_next(text);
    reads += text.starts_with("GET ") ? 1 : 0;
  }
  EXPECT_NEAR(reads, 3000, 300);

  std::vector<int> writes(options.keys, 0);
  for (uint32_t first = 0; first < 3; ++first) {
    auto filling = make_filling_stream(options, first, 3);
    for (int i = 0; i < 34; ++i) {
      std::string text;
      filling->append_next(text);
      ASSERT_TRUE(text.starts_with("PUT /app/records/"));
      ++writes[std::stoul(text.substr(17, 9)) - 100'000'000];
    }
  }
  for (const int count : writes) EXPECT_GT(count, 0);
}

}  // namespace
}  // namespace entente::cli
