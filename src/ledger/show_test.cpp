#include "ledger/show.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "ledger/ledger_image.h"

namespace entente::ledger {
namespace {

using test::LedgerImage;
using test::TestLedger;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Printable, text_or_hex) {
  EXPECT_EQ(printable(as_bytes("key 1")), "key 1");
  EXPECT_EQ(printable(as_bytes("grün €")), "grün €");
  EXPECT_EQ(printable(as_bytes("a\nb")), "0x610a62");
  EXPECT_EQ(printable(as_bytes("\x1b[31m")), "0x1b5b33316d") << "no terminal escapes";
  EXPECT_EQ(printable(as_bytes("\xc2\x9b")), "0xc29b") << "nor their C1 form";
  EXPECT_EQ(printable(as_bytes("\xc0\xaf")), "0xc0af") << "overlong";
  EXPECT_EQ(printable(as_bytes("\xed\xa0\x80")), "0xeda080") << "surrogate";
  EXPECT_EQ(printable(Bytes(8)), "0x0000000000000000");
  EXPECT_EQ(printable(as_bytes("abcdefgh"), 4), "abc… (8 bytes)");
  EXPECT_EQ(printable(as_bytes("€€€€"), 7), "€€… (12 bytes)") << "cut between characters";
  EXPECT_EQ(printable(Bytes(8), 4), "0x0000… (8 bytes)");
  EXPECT_EQ(printable({}), "");
}

class Show : public testing::Test {
 protected:
  void SetUp() override {
    ledger_.standard();
    LedgerImage::of(ledger_).write(disk_);
    options_.folders = {LedgerImage::folder};
  }
  std::vector<std::string> lines() {
    std::vector<std::string> out;
    const auto shown = show_ledger(disk_, options_, [&](std::string_view line) {
      out.emplace_back(line);
      return true;
    });
    EXPECT_TRUE(shown.ok()) << shown.error().message;
    shown_ = shown ? *shown : 0;
    return out;
  }
  std::string text() {
    std::string out;
    for (const std::string& line : lines()) out += line + "\n";
    return out;
  }
  TestLedger ledger_;
  MemoryDisk disk_;
  ShowOptions options_;
  uint64_t shown_ = 0;
};

TEST_F(Show, every_entry_for_people) {
  const auto all = lines();
  EXPECT_EQ(shown_, ledger_.entries.size());
  EXPECT_THAT(all[0], StartsWith("2.1  "));
  const std::string text = this->text();
  EXPECT_THAT(text, HasSubstr("2.2  "));
  EXPECT_THAT(text, HasSubstr("signature, closes the chunk"));
  EXPECT_THAT(text, HasSubstr("  public:ccf.gov.service.info"));
  EXPECT_THAT(text, HasSubstr("    2  removed\n"));
  EXPECT_THAT(text, HasSubstr("encrypted bytes"));
  EXPECT_THAT(text, Not(HasSubstr("not for everybody")));
}

TEST_F(Show, ranges_maps_values_and_secrets) {
  options_.first = SeqNo{3};
  options_.last = SeqNo{4};
  EXPECT_EQ(lines().size(), 4u);
  EXPECT_EQ(shown_, 2u);

  options_.values = true;
  options_.secrets = *ledger_.secrets;
  const std::string text = this->text();
  EXPECT_THAT(text, HasSubstr("1 = in clear"));
  EXPECT_THAT(text, HasSubstr("2 = not for everybody"));

  options_.first = SeqNo{1};
  options_.last = SeqNo{1000};
  options_.map = "secret";
  for (const std::string& line : lines()) EXPECT_THAT(line, Not(HasSubstr("public:")));
  EXPECT_EQ(shown_, 5u);
  options_.map = "no such map";
  EXPECT_TRUE(lines().empty());
}

TEST_F(Show, json_lines) {
  options_.json = true;
  options_.values = true;
  options_.secrets = *ledger_.secrets;
  const auto all = lines();
  ASSERT_EQ(all.size(), ledger_.entries.size());
  for (size_t i = 0; i < all.size(); ++i) {
    const auto document = json::parse(all[i]);
    ASSERT_TRUE(document.ok());
    EXPECT_EQ(document->at("seqno").to_number<uint64_t>(), i + 1);
    EXPECT_EQ(document->at("size").to_number<uint64_t>(), ledger_.entries[i].size());
  }
  const auto fourth = *json::parse(all[3]);
  EXPECT_EQ(json::dump(fourth.at("maps")),
            R"({"secret":[{"key":"2","size":17,"value":"not for everybody"}]})");
  EXPECT_EQ(json::parse(all[1])->at("signature").as_bool(), true);
}

TEST_F(Show, stops_when_told_and_says_where_a_file_is_damaged) {
  int left = 3;
  const auto shown = show_ledger(disk_, options_, [&](std::string_view) { return --left > 0; });
  ASSERT_TRUE(shown.ok());
  EXPECT_EQ(left, 0);

  ASSERT_TRUE(disk_.flip_bit("/l/ledger_3-7.committed", 8, 1).ok());
  const auto damaged = show_ledger(disk_, options_, [](std::string_view) { return true; });
  ASSERT_FALSE(damaged.ok());
  EXPECT_THAT(damaged.error().message, StartsWith("ledger_3-7.committed: byte 8: entry version"));

  options_.secrets = {};
  test::must(options_.secrets.add(SeqNo{1}, crypto::random_key()));
  options_.first = SeqNo{9};
  const auto wrong_key = show_ledger(disk_, options_, [](std::string_view) { return true; });
  ASSERT_FALSE(wrong_key.ok());
  EXPECT_THAT(wrong_key.error().message, HasSubstr("GCM tag"));
}

}  // namespace
}  // namespace entente::ledger
