// Every accepted form of a time, and what is close to one but none.

#include "gov/validity.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

namespace entente::gov {
namespace {

/// 2022-01-01 14:30:18 UTC
constexpr int64_t new_year = 1641047418;

TEST(ValidFrom, every_form) {
  const std::vector<std::pair<std::string, int64_t>> cases{
      {"220101143018Z", new_year},
      {"20220101143018Z", new_year},
      {"2022-01-01 14:30:18", new_year},
      {"2022-01-01T14:30:18", new_year},
      {"2022-01-01 14:30:18.5", new_year},
      {"2022-01-01T14:30:18.123456", new_year},
      {"2022-01-01 14:30:18+01:00", new_year - 3600},
      {"2022-01-01 14:30:18-01:30", new_year + 5400},
      {"2022-01-01T14:30:18 +01:00", new_year - 3600},
      {"2022-01-01T14:30:18 +01 00", new_year - 3600},
      {"2022-01-01T14:30:18+01 00", new_year - 3600},
      {"2022-01-01T14:30:18.000001+00:01", new_year - 60},
      {"220101143018+0100", new_year - 3600},
      {"20220101143018-0030", new_year + 1800},
      {"500101000000Z", -631152000},
      {"491231235959Z", 2524607999},
      {"19700101000000Z", 0},
      {"2024-02-29 00:00:00", 1709164800}};
  for (const auto& [text, expected] : cases) {
    const auto time = parse_valid_from(text);
    ASSERT_TRUE(time.ok()) << text;
    EXPECT_EQ(time->count(), expected) << text;
  }
}

TEST(ValidFrom, everything_else) {
  for (const char* text : {"",
                           "Z",
                           "now",
                           "220101143018",
                           "20220101143018",
                           "2201011430Z",
                           "220101143018z",
                           "220101143018Z ",
                           " 220101143018Z",
                           "220101143018ZZ",
                           "220101143018+01:00",
                           "220101143018+01",
                           "0220101143018Z",
                           "2022-01-01",
                           "2022-01-01 14:30",
                           "2022-1-01 14:30:18",
                           "2022-01-01 14:30:18Z",
                           "2022-01-01  14:30:18",
                           "2022-01-01 14:30:18.",
                           "2022-01-01 14:30:18.x",
                           "2022-01-01 14:30:18+0100",
                           "2022-01-01 14:30:18+01",
                           "2022-01-01 14:30:18 ",
                           "2022-01-01 14:30:18  +01:00",
                           "2022-01-01 14:30:18+24:00",
                           "2022-01-01 14:30:18+01:60",
                           "2022-02-29 00:00:00",
                           "2022-13-01 00:00:00",
                           "2022-00-01 00:00:00",
                           "2022-01-00 00:00:00",
                           "2022-01-01 24:00:00",
                           "2022-01-01 00:60:00",
                           "2022-01-01 00:00:60",
                           "20220230000000Z",
                           "-220101143018Z",
                           "2022/01/01 14:30:18",
                           "2022-01-01t14:30:18",
                           "+2022-01-01 14:30:18"}) {
    EXPECT_FALSE(parse_valid_from(text).ok()) << text;
  }
  EXPECT_FALSE(parse_valid_from(std::string(1000, '1')).ok());
  EXPECT_FALSE(parse_valid_from("2022-01-01 14:30:18." + std::string(100, '0')).ok());
}

std::string print(const char* format, const tm& t, int year) {
  char text[64];
  std::snprintf(text, sizeof text, format, year, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min,
                t.tm_sec);
  return text;
}

RC_GTEST_PROP(ValidFromProperty, forms_agree_with_the_calendar, ()) {
  // 1950 to 2049, where every form can say it.
  const int64_t seconds = *rc::gen::inRange<int64_t>(-631152000, 2524608000);
  const int minutes = *rc::gen::inRange(-1439, 1440);
  const time_t local = seconds + minutes * 60;
  tm t{};
  gmtime_r(&local, &t);
  const int year = t.tm_year + 1900;
  RC_PRE(year >= 1950 && year < 2050);
  char offset[3][16];
  const int size = std::abs(minutes);
  const char sign = minutes < 0 ? '-' : '+';
  std::snprintf(offset[0], 16, "%c%02d%02d", sign, size / 60, size % 60);
  std::snprintf(offset[1], 16, "%c%02d:%02d", sign, size / 60, size % 60);
  std::snprintf(offset[2], 16, " %c%02d %02d", sign, size / 60, size % 60);
  const std::string texts[] = {print("%02d%02d%02d%02d%02d%02d", t, year % 100) + offset[0],
                               print("%04d%02d%02d%02d%02d%02d", t, year) + offset[0],
                               print("%04d-%02d-%02d %02d:%02d:%02d", t, year) + offset[1],
                               print("%04d-%02d-%02dT%02d:%02d:%02d.25", t, year) + offset[2]};
  for (const std::string& text : texts) {
    const auto time = parse_valid_from(text);
    RC_ASSERT(time.ok());
    RC_ASSERT(time->count() == seconds);
  }
}

RC_GTEST_PROP(ValidFromProperty, damaged_text_is_an_error_or_a_time_but_nothing_worse, ()) {
  std::string text = *rc::gen::element<std::string>("220101143018Z", "2022-01-01 14:30:18.5+01:00");
  const size_t at = *rc::gen::inRange<size_t>(0, text.size());
  text[at] = *rc::gen::arbitrary<char>();
  const auto time = parse_valid_from(text.substr(0, *rc::gen::inRange<size_t>(0, text.size() + 1)));
  RC_ASSERT(time.ok() || !time.error().message.empty());
}

TEST(Validity, days) {
  EXPECT_FALSE(parse_validity("220101143018Z", 0).ok());
  EXPECT_FALSE(parse_validity("220101143018Z", UINT64_MAX).ok());
  EXPECT_FALSE(parse_validity("220101143018Z", uint64_t{1} << 32).ok());
  EXPECT_FALSE(parse_validity("never", 1).ok());
  const auto validity = parse_validity("220101143018Z", 2);
  ASSERT_TRUE(validity.ok());
  EXPECT_EQ(validity->not_after().count(), new_year + 2 * 86400 - 1);
}

}  // namespace
}  // namespace entente::gov
