#include "entente/query.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace entente::http {
namespace {

/// `key=value` pairs joined by `|`.
std::string parse(std::string_view query) {
  std::string out;
  const auto parameters = QueryParameters::parse(query);
  for (const auto& [key, value] : parameters.all()) {
    if (!out.empty()) out += '|';
    out += key + '=' + value;
  }
  return out;
}

TEST(Query, splits_after_decoding) {
  EXPECT_EQ(parse(""), "");
  EXPECT_EQ(parse("a=1&b=2"), "a=1|b=2");
  EXPECT_EQ(parse("a"), "a=");
  EXPECT_EQ(parse("a="), "a=");
  EXPECT_EQ(parse("a=1=2"), "a=1=2");
  EXPECT_EQ(parse("a=1&a=2"), "a=1|a=2");
  EXPECT_EQ(parse("a=b%26c%3dd"), "a=b|c=d") << "an encoded separator separates";
  EXPECT_EQ(parse("a=x+y%2Bz"), "a=x y+z");
  EXPECT_EQ(parse("a=%"), "a=%");
  EXPECT_EQ(parse("a=%4"), "a=%4");
  EXPECT_EQ(parse("a=%zz%41"), "a=%zzA");
  EXPECT_EQ(parse("&&a=1&"), "a=1");
  EXPECT_EQ(parse("=v"), "=v");
  EXPECT_EQ(QueryParameters::parse("a=1&a=2").get<uint64_t>("a").value(), 1u);
}

TEST(Query, types_its_values) {
  const auto query = QueryParameters::parse("n=12&neg=-3&big=18446744073709551616&t=true&x=1a&e=");
  EXPECT_EQ(query.get<uint64_t>("n").value(), 12u);
  EXPECT_EQ(query.get<int>("neg").value(), -3);
  EXPECT_EQ(query.get<bool>("t").value(), true);
  EXPECT_EQ(query.get<std::string>("e").value(), "");
  EXPECT_EQ(query.get<uint64_t>("absent").error().message, "Missing query parameter 'absent'");
  EXPECT_EQ(query.get<uint64_t>("x").error().message,
            "Unable to parse value '1a' in parameter 'x'");
  EXPECT_EQ(query.get<uint64_t>("neg").error().message,
            "Unable to parse value '-3' in parameter 'neg'");
  EXPECT_EQ(query.get<uint64_t>("big").error().message,
            "Unable to parse value '18446744073709551616' in parameter 'big'");
  EXPECT_EQ(query.get<uint64_t>("e").error().message, "Unable to parse value '' in parameter 'e'");
  EXPECT_EQ(query.get<bool>("n").error().message,
            "Unable to parse value '12' as bool in parameter 'n'");
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

RC_GTEST_PROP(Query, every_byte_survives_encoding, (const std::string& text)) {
  RC_ASSERT(decode_query(percent_encode(text)) == text);
  RC_ASSERT(percent_decode(percent_encode(text)) == text);
}

RC_GTEST_PROP(Query, never_grows_and_never_loses_fields, (const std::string& text)) {
  const std::string decoded = decode_query(text);
  RC_ASSERT(decoded.size() <= text.size());
  size_t bytes = 0;
  const auto parameters = QueryParameters::parse(text);
  for (const auto& [key, value] : parameters.all()) {
    bytes += key.size() + value.size() + 1;
  }
  RC_ASSERT(bytes <= decoded.size() + 1);
}

}  // namespace
}  // namespace entente::http
