#include "crypto/cbor.h"

#include <rapidcheck.h>

#include <cmath>
#include <limits>

#include "crypto/test_data.h"

namespace entente::crypto::cbor {
namespace {

struct Example {
  std::string_view encoded;
  Value value;
};

Value simple(Kind kind, uint64_t number = 0) {
  Value out;
  out.kind = kind;
  out.number = number;
  return out;
}
Value number(uint64_t n) {
  return simple(Kind::unsigned_integer, n);
}
Value negative(uint64_t n) {
  return simple(Kind::negative_integer, n);
}
Value real(double value) {
  Value out = simple(Kind::floating);
  out.real = value;
  return out;
}
Value bytes(std::string_view digits) {
  return Value::byte_string(hex(digits));
}
Value text(std::string_view utf8) {
  return Value::text_string(utf8);
}
Value tagged(uint64_t tag, Value inner) {
  Value out = simple(Kind::tag, tag);
  out.items.push_back(std::move(inner));
  return out;
}

bool same(const Value& a, const Value& b) {
  const bool same_real = a.real == b.real || (std::isnan(a.real) && std::isnan(b.real));
  return a.kind == b.kind && a.number == b.number && same_real &&
         std::signbit(a.real) == std::signbit(b.real) && a.string == b.string &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same);
}

// RFC 8949 appendix A: the examples whose encoding is the shortest definite-length one (bignums
// are tagged byte strings here).
std::vector<Example> rfc8949_shortest() {
  const double infinity = std::numeric_limits<double>::infinity();
  std::vector<Value> one_to_25;
  for (uint64_t i = 1; i <= 25; ++i) one_to_25.push_back(number(i));
  return {{"00", number(0)},
          {"01", number(1)},
          {"0a", number(10)},
          {"17", number(23)},
          {"1818", number(24)},
          {"1819", number(25)},
          {"1864", number(100)},
          {"1903e8", number(1000)},
          {"1a000f4240", number(1000000)},
          {"1b000000e8d4a51000", number(1000000000000)},
          {"1bffffffffffffffff", number(UINT64_MAX)},
          {"c249010000000000000000", tagged(2, bytes("010000000000000000"))},
          {"3bffffffffffffffff", negative(UINT64_MAX)},
          {"c349010000000000000000", tagged(3, bytes("010000000000000000"))},
          {"20", negative(0)},
          {"29", negative(9)},
          {"3863", negative(99)},
          {"3903e7", negative(999)},
          {"f90000", real(0.0)},
          {"f98000", real(-0.0)},
          {"f93c00", real(1.0)},
          {"fb3ff199999999999a", real(1.1)},
          {"f93e00", real(1.5)},
          {"f97bff", real(65504.0)},
          {"fa47c35000", real(100000.0)},
          {"fa7f7fffff", real(3.4028234663852886e+38)},
          {"fb7e37e43c8800759c", real(1.0e+300)},
          {"f90001", real(5.960464477539063e-8)},
          {"f90400", real(0.00006103515625)},
          {"f9c400", real(-4.0)},
          {"fbc010666666666666", real(-4.1)},
          {"f97c00", real(infinity)},
          {"f97e00", real(std::numeric_limits<double>::quiet_NaN())},
          {"f9fc00", real(-infinity)},
          {"f4", simple(Kind::boolean, 0)},
          {"f5", simple(Kind::boolean, 1)},
          {"f6", simple(Kind::null)},
          {"f7", simple(Kind::undefined)},
          {"f0", simple(Kind::simple, 16)},
          {"f8ff", simple(Kind::simple, 255)},
          {"c074323031332d30332d32315432303a30343a30305a", tagged(0, text("2013-03-21T20:04:00Z"))},
          {"c11a514b67b0", tagged(1, number(1363896240))},
          {"c1fb41d452d9ec200000", tagged(1, real(1363896240.5))},
          {"d74401020304", tagged(23, bytes("01020304"))},
          {"d818456449455446", tagged(24, bytes("6449455446"))},
          {"d82076687474703a2f2f7777772e6578616d706c652e636f6d",
           tagged(32, text("http://www.example.com"))},
          {"40", bytes("")},
          {"4401020304", bytes("01020304")},
          {"60", text("")},
          {"6161", text("a")},
          {"6449455446", text("IETF")},
          {"62225c", text("\"\\")},
          {"62c3bc", text("\xc3\xbc")},
          {"63e6b0b4", text("\xe6\xb0\xb4")},
          {"64f0908591", text("\xf0\x90\x85\x91")},
          {"80", Value::array({})},
          {"83010203", Value::array({number(1), number(2), number(3)})},
          {"8301820203820405", Value::array({number(1), Value::array({number(2), number(3)}),
                                             Value::array({number(4), number(5)})})},
          {"98190102030405060708090a0b0c0d0e0f101112131415161718181819", Value::array(one_to_25)},
          {"a0", Value::map({})},
          {"a201020304", Value::map({number(1), number(2), number(3), number(4)})},
          {"a26161016162820203",
           Value::map({text("a"), number(1), text("b"), Value::array({number(2), number(3)})})},
          {"826161a161626163", Value::array({text("a"), Value::map({text("b"), text("c")})})},
          {"a56161614161626142616361436164614461656145",
           Value::map({text("a"), text("A"), text("b"), text("B"), text("c"), text("C"), text("d"),
                       text("D"), text("e"), text("E")})}};
}

TEST(Cbor, ShortestExamplesOfRfc8949) {
  for (const Example& example : rfc8949_shortest()) {
    const Result<Value> value = parse(hex(example.encoded));
    ASSERT_TRUE(value.ok()) << example.encoded << ": " << value.error().message;
    EXPECT_TRUE(same(*value, example.value)) << example.encoded;
    EXPECT_EQ(to_hex(encode(example.value)), example.encoded);
  }
}

// The rest of appendix A: other widths and indefinite lengths, which only the reader knows.
TEST(Cbor, OtherExamplesOfRfc8949) {
  const double infinity = std::numeric_limits<double>::infinity();
  const Value nested = Value::array(
      {number(1), Value::array({number(2), number(3)}), Value::array({number(4), number(5)})});
  const Example examples[] = {
      {"fa7f800000", real(infinity)},
      {"fa7fc00000", real(std::numeric_limits<double>::quiet_NaN())},
      {"faff800000", real(-infinity)},
      {"fb7ff0000000000000", real(infinity)},
      {"fb7ff8000000000000", real(std::numeric_limits<double>::quiet_NaN())},
      {"fbfff0000000000000", real(-infinity)},
      {"5f42010243030405ff", bytes("0102030405")},
      {"7f657374726561646d696e67ff", text("streaming")},
      {"9fff", Value::array({})},
      {"9f018202039f0405ffff", nested},
      {"9f01820203820405ff", nested},
      {"83018202039f0405ff", nested},
      {"83019f0203ff820405", nested},
      {"bf61610161629f0203ffff",
       Value::map({text("a"), number(1), text("b"), Value::array({number(2), number(3)})})},
      {"826161bf61626163ff", Value::array({text("a"), Value::map({text("b"), text("c")})})},
      {"bf6346756ef563416d7421ff",
       Value::map({text("Fun"), simple(Kind::boolean, 1), text("Amt"), negative(1)})},
      {"1800", number(0)},  // longer than necessary
      {"1b0000000000000001", number(1)},
      {"3900ff", negative(255)}};
  for (const Example& example : examples) {
    const Result<Value> value = parse(hex(example.encoded));
    ASSERT_TRUE(value.ok()) << example.encoded << ": " << value.error().message;
    EXPECT_TRUE(same(*value, example.value)) << example.encoded;
  }
}

struct Refusal {
  std::string_view encoded, place, reason;
};

// RFC 8949 appendix F (what is not well-formed), and what this reader refuses besides.
TEST(Cbor, RefusalsNameThePlace) {
  const Refusal refusals[] = {{"", "byte 0", "ends inside"},
                              {"18", "byte 0", "ends inside"},
                              {"19 01", "byte 0", "ends inside"},
                              {"1a 010203", "byte 0", "ends inside"},
                              {"41", "byte 0", "ends inside"},
                              {"61", "byte 0", "ends inside"},
                              {"5bffffffffffffffff 010203", "byte 0", "ends inside"},
                              {"81", "byte 0", "more items announced"},
                              {"8200", "byte 0", "more items announced"},
                              {"9bffffffffffffffff", "byte 0", "more items announced"},
                              {"bbffffffffffffffff 00", "byte 0", "more items announced"},
                              {"a100", "byte 0", "more items announced"},
                              {"c0", "byte 0", "more items announced"},
                              {"9f00", "byte 2", "ends inside"},
                              {"bf00", "byte 2", "ends inside"},
                              {"5f4100", "byte 3", "ends inside"},
                              {"1c", "byte 0", "malformed"},
                              {"3d", "byte 0", "malformed"},
                              {"5e", "byte 0", "malformed"},
                              {"fc", "byte 0", "malformed"},
                              {"f800", "byte 0", "malformed"},
                              {"f81f", "byte 0", "malformed"},
                              {"1f", "byte 0", "malformed"},
                              {"df", "byte 0", "malformed"},
                              {"ff", "byte 0", "break"},
                              {"81ff", "byte 1", "break"},
                              {"a1ff", "byte 0", "more items announced"},
                              {"a1ff00", "byte 1", "break"},
                              {"bf00ff", "byte 2", "break"},
                              {"c1ff", "byte 1", "break"},
                              {"5f00ff", "byte 1", "chunk"},
                              {"5f6100ff", "byte 1", "chunk"},
                              {"5f5f4100ffff", "byte 1", "chunk"},
                              {"7f4100ff", "byte 1", "chunk"},
                              {"7f61c361bcff", "byte 1", "UTF-8"},
                              {"0000", "byte 1", "after the item"},
                              {"62c328", "byte 0", "UTF-8"},
                              {"62c080", "byte 0", "UTF-8"},
                              {"63eda080", "byte 0", "UTF-8"},
                              {"64f4908080", "byte 0", "UTF-8"},
                              {"8161ff", "byte 1", "UTF-8"},
                              {"a2010001f6", "byte 0", "repeated key"},
                              {"a2616100616101", "byte 0", "repeated key"},
                              {"a20100180100", "byte 0", "repeated key"},
                              {"a18000", "byte 1", "map key"},
                              {"a1f500", "byte 1", "map key"},
                              {"8201a1f90000 00", "byte 3", "map key"}};
  for (const Refusal& refusal : refusals) {
    const Result<Value> value = parse(hex(refusal.encoded));
    ASSERT_FALSE(value.ok()) << refusal.encoded;
    const std::string& message = value.error().message;
    EXPECT_NE(message.find(std::string(refusal.place) + ":"), std::string::npos)
        << refusal.encoded << ": " << message;
    EXPECT_NE(message.find(refusal.reason), std::string::npos)
        << refusal.encoded << ": " << message;
  }
}

TEST(Cbor, LimitsHold) {
  Bytes nested(16, 0x81);
  nested.push_back(0);
  EXPECT_TRUE(parse(nested).ok());
  nested.insert(nested.begin(), 0x81);
  EXPECT_FALSE(parse(nested).ok());
  EXPECT_FALSE(parse(Bytes(1000000, 0x81)).ok());
  EXPECT_FALSE(parse(Bytes(1000000, 0x9f)).ok());
  EXPECT_FALSE(parse(Bytes(1000000, 0xd2)).ok());

  Bytes wide = Writer().array(9).take();
  wide.resize(wide.size() + 9);
  EXPECT_TRUE(parse(wide, {.items = 10}).ok());
  EXPECT_FALSE(parse(wide, {.items = 9}).ok());
  EXPECT_TRUE(parse(wide, {.bytes = 10}).ok());
  EXPECT_FALSE(parse(wide, {.bytes = 9}).ok());
}

rc::Gen<Value> any_value(int depth) {
  const auto text_of = rc::gen::map(rc::gen::container<std::string>(rc::gen::inRange(' ', '~')),
                                    [](const std::string& t) { return text(t); });
  const auto leaf = rc::gen::oneOf(
      rc::gen::map(rc::gen::arbitrary<uint64_t>(), number),
      rc::gen::map(rc::gen::arbitrary<uint64_t>(), negative),
      rc::gen::map(rc::gen::arbitrary<int64_t>(), Value::integer),
      rc::gen::map(rc::gen::arbitrary<double>(), real), text_of,
      rc::gen::map(rc::gen::arbitrary<float>(), [](float f) { return real(f); }),
      rc::gen::map(rc::gen::arbitrary<Bytes>(),
                   [](const Bytes& b) { return Value::byte_string(b); }),
      rc::gen::element(simple(Kind::boolean, 0), simple(Kind::boolean, 1), simple(Kind::null),
                       simple(Kind::undefined), simple(Kind::simple, 3), simple(Kind::simple, 99)));
  if (depth == 0) return leaf;
  const auto items =
      rc::gen::resize(5, rc::gen::container<std::vector<Value>>(any_value(depth - 1)));
  return rc::gen::oneOf(
      leaf, rc::gen::map(items, [](std::vector<Value> i) { return Value::array(std::move(i)); }),
      rc::gen::map(items,
                   [](std::vector<Value> values) {
                     std::vector<Value> pairs;
                     for (Value& value : values) {
                       pairs.push_back(Value::integer(static_cast<int64_t>(pairs.size()) - 4));
                       pairs.push_back(std::move(value));
                     }
                     return Value::map(std::move(pairs));
                   }),
      rc::gen::map(rc::gen::pair(rc::gen::arbitrary<uint64_t>(), any_value(depth - 1)),
                   [](std::pair<uint64_t, Value> p) { return tagged(p.first, p.second); }));
}

TEST(Cbor, AnyValueRoundTrips) {
  EXPECT_TRUE(rc::check([] {
    const Value value = *rc::gen::noShrink(any_value(3));
    const Bytes encoded = encode(value);
    const Result<Value> back = parse(encoded);
    RC_ASSERT(back.ok());
    RC_ASSERT(same(*back, value));
    RC_ASSERT(encode(*back) == encoded);
    for (size_t size = 0; size < encoded.size(); ++size) {
      RC_ASSERT(!parse(BytesView(encoded).first(size)).ok());
    }
  }));
}

TEST(Cbor, AnyBytesAreReadOrRefused) {
  EXPECT_TRUE(rc::check([](const Bytes& input) {
    const Result<Value> value = parse(input);
    if (value.ok()) RC_ASSERT(parse(encode(*value)).ok());
  }));
}

TEST(CborValue, ReadsAsTheWantedTypeOrNotAtAll) {
  EXPECT_EQ(Value::integer(-7).as_integer(), -7);
  EXPECT_EQ(Value::integer(INT64_MIN).as_integer(), INT64_MIN);
  EXPECT_EQ(Value::integer(INT64_MAX).as_integer(), INT64_MAX);
  EXPECT_FALSE(number(uint64_t{1} << 63).as_integer());
  EXPECT_FALSE(negative(uint64_t{1} << 63).as_integer());
  EXPECT_FALSE(text("7").as_integer());
  EXPECT_EQ(text("abc").as_text(), "abc");
  EXPECT_FALSE(bytes("61").as_text());
  EXPECT_FALSE(text("a").as_bytes());
  EXPECT_TRUE(equal(*bytes("6162").as_bytes(), hex("6162")));
}

TEST(CborValue, FindsByLabel) {
  const Value map = Value::map({Value::integer(-1), text("minus"), text("ccf.v1"),
                                Value::integer(5), bytes("63"), Value::integer(6)});
  EXPECT_EQ(map.find(-1)->as_text(), "minus");
  EXPECT_EQ(map.find("ccf.v1")->as_integer(), 5);
  EXPECT_EQ(map.find(1), nullptr);
  EXPECT_EQ(map.find("c"), nullptr);  // a byte string is no text
  EXPECT_EQ(text("x").find(1), nullptr);
}

TEST(CborWriter, WritesTheProtectedHeaderOfALedgerSignature) {
  const Bytes written = Writer()
                            .map(3)
                            .integer(1)
                            .integer(-35)
                            .integer(395)
                            .integer(2)
                            .text("ccf.v1")
                            .map(1)
                            .text("txid")
                            .text("2.2")
                            .take();
  EXPECT_EQ(to_hex(written), "a301382219018b02666363662e7631a1647478696463322e32");
}

}  // namespace
}  // namespace entente::crypto::cbor
