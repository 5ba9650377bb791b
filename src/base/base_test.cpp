#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <regex>

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "base/occasional.h"
#include "base/units.h"
#include "entente/types.h"

namespace entente {
namespace {

TEST(Encoding, RoundTripsAnyBytes) {
  EXPECT_TRUE(rc::check([](const Bytes& bytes) {
    RC_ASSERT(from_hex(to_hex(bytes)) == bytes);
    RC_ASSERT(from_base64(to_base64(bytes)) == bytes);
    RC_ASSERT(from_base64url(to_base64url(bytes)) == bytes);
  }));
}

TEST(Encoding, VectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
    EXPECT_EQ(from_base64(encoded), to_bytes(std::string_view(plain)));
  }
}

TEST(Encoding, RefusesWhatIsNotCanonical) {
  for (const char* text :
       {"Zg", "Zg=", "Zh==", "Zm9=", "Zg===", "Z g=", "Zg==\n", "=Zg=", "Zm9v="}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
  for (const char* text : {"0", "0g", " 00"}) EXPECT_FALSE(from_hex(text)) << text;
}

TEST(TxIdText, AcceptsOnlyTwoPositiveDecimals) {
  EXPECT_EQ(TxId::parse("2.17"), (TxId{{2}, {17}}));
  EXPECT_EQ((TxId{{2}, {17}}.text()), "2.17");
  for (const char* text : {"", ".", "2", "2.", ".1", "0.1", "1.0", "0.0", "a.b", "-1.-1", "1.1 ",
                           " 1.1", "1.1.1", "+1.1", "99999999999999999999.1"}) {
    EXPECT_FALSE(TxId::parse(text)) << text;
  }
}

TEST(Units, SizesAndTimes) {
  EXPECT_EQ(*parse_size("5MB"), 5u << 20);
  EXPECT_EQ(*parse_size("20"), 20u);
  EXPECT_EQ(*parse_duration("100ms"), std::chrono::milliseconds(100));
  EXPECT_EQ(*parse_duration("7"), std::chrono::microseconds(7));
  for (const char* text :
       {"", "MB", "5XB", "5 MB", "-1", "1.5MB", "99999999999999999999", "9999999999PB"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Json, DumpIsCanonical) {
  const auto document = json::parse(R"( {"b":[1,true,null,"\u0001\n/é"],"a":{"z":1.5,"B":-2}} )");
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(json::dump(*document), R"({"a":{"B":-2,"z":1.5},"b":[1,true,null,"\u0001\n/é"]})");
  EXPECT_EQ(json::dump(json::value("\xff ok")), "\"\xef\xbf\xbd ok\"");
}

TEST(Json, ErrorsNameThePlace) {
  const auto broken = json::parse(R"({"a":1,})");
  ASSERT_FALSE(broken.ok());
  EXPECT_NE(broken.error().message.find("byte 7"), std::string::npos) << broken.error().message;
  EXPECT_FALSE(json::parse("{} x").ok());
  EXPECT_FALSE(json::parse(std::string(100, '[') + std::string(100, ']')).ok());

  const auto document = json::parse(R"({"a":{"b":"x"}})");
  const auto place = json::Reader(*document).member("a");
  const auto wrong = place->member("b")->as_uint64();
  EXPECT_EQ(wrong.error().message, "At #/a/b: Expected unsigned integer, found: \"x\"");
  EXPECT_EQ(place->member("c").error().message,
            "At #/a: Missing required field 'c' in object: {\"b\":\"x\"}");
}

TEST(Log, ALineNamesThePlaceOfTheCall) {
  const auto here = std::source_location::current();
  const std::string place = "src/base/base_test.cpp:" + std::to_string(here.line());
  const std::string text =
      log::line(log::Format::text, log::Level::fail, "ledger", here, "no space");
  EXPECT_TRUE(std::regex_match(
      text, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \d+ \[fail \]\[ledger\] )" +
                       place + R"( +\| no space)")))
      << text;
  const auto fields =
      json::parse(log::line(log::Format::json, log::Level::info, "a\"b", here, "two\nlines"));
  ASSERT_TRUE(fields.ok());
  EXPECT_EQ(fields->at("level"), "info");
  EXPECT_EQ(fields->at("tag"), "a\"b");
  EXPECT_EQ(fields->at("file"), "src/base/base_test.cpp");
  EXPECT_EQ(fields->at("number"), here.line());
  EXPECT_EQ(fields->at("msg"), "two\nlines");
  EXPECT_TRUE(fields->as_object().contains("h_ts") && fields->as_object().contains("thread_id"));
  EXPECT_EQ(fields->as_object().size(), 7u);
}

TEST(Occasional, SpeaksOncePerIntervalAndCountsTheRest) {
  using std::chrono::seconds;
  Occasional often(seconds(10));
  EXPECT_EQ(often.due(seconds(5)), 0u);
  EXPECT_EQ(often.due(seconds(5)), std::nullopt);
  EXPECT_EQ(often.due(seconds(14)), std::nullopt);
  EXPECT_EQ(often.due(seconds(15)), 2u);
  EXPECT_EQ(often.due(seconds(30)), 0u);
}

TEST(Log, TheFormatStringBringsThePlaceAlong) {
  testing::internal::CaptureStdout();
  log::info("test", "{} and {}", 1, "two");
  const auto before = std::source_location::current();
  log::debug("test", "below the level {}", 3);
  log::flush();
  const std::string printed = testing::internal::GetCapturedStdout();
  const std::string place = "base_test.cpp:" + std::to_string(before.line() - 1);
  EXPECT_NE(printed.find(place), std::string::npos) << printed;
  EXPECT_TRUE(printed.ends_with("| 1 and two\n")) << printed;
}

}  // namespace
}  // namespace entente
