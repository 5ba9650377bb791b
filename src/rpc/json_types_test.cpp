#include "entente/json_types.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace entente {
namespace {

enum class Colour { red, green };
std::string_view to_text(Colour colour) {
  return colour == Colour::red ? "Red" : "Green";
}
BOOST_DESCRIBE_ENUM(Colour, red, green)
enum class Plain { one, two };
BOOST_DESCRIBE_ENUM(Plain, one, two)

struct Inner {
  uint32_t number = 0;
  std::vector<std::string> texts;
};
BOOST_DESCRIBE_STRUCT(Inner, (), (number, texts))

struct Outer {
  static constexpr std::string_view schema_name = "Test::Outer";
  static constexpr std::array optional_fields{std::string_view("with_default")};
  static constexpr std::string_view json_name(std::string_view member) {
    return member == "next_link" ? "@nextLink" : member;
  }
  std::string name;
  std::optional<bool> flag;
  Nullable<uint64_t> maybe;
  int8_t with_default = 7;
  std::optional<std::string> next_link;
  Inner inner;
  std::map<std::string, Inner> by_name;
  std::map<uint64_t, Colour> by_number;
  Bytes blob;
  Colour colour{};
  Plain plain{};
  json::value any;
};
BOOST_DESCRIBE_STRUCT(Outer, (),
                      (name, flag, maybe, with_default, next_link, inner, by_name, by_number, blob,
                       colour, plain, any))

constexpr std::string_view full = R"({"@nextLink":"/n","any":[1,{}],"blob":"AQI=",)"
                                  R"("by_name":{"k":{"number":1,"texts":[]}},)"
                                  R"("by_number":[[3,"Green"]],"colour":"Red","flag":true,)"
                                  R"("inner":{"number":5,"texts":["a","b"]},"maybe":9,"name":"n",)"
                                  R"("plain":"two","with_default":-8})";

TEST(JsonTypes, reads_and_writes_every_kind_of_field) {
  const auto outer = json::to<Outer>(*json::parse(full));
  EXPECT_EQ(outer.name, "n");
  EXPECT_EQ(outer.flag, true);
  EXPECT_EQ(outer.maybe, 9u);
  EXPECT_EQ(outer.with_default, -8);
  EXPECT_EQ(outer.inner.texts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(outer.by_number.at(3), Colour::green);
  EXPECT_EQ(outer.blob, (Bytes{1, 2}));
  EXPECT_EQ(outer.plain, Plain::two);
  EXPECT_EQ(json::dump(json::from(outer)), full);
}

TEST(JsonTypes, leaves_out_optional_fields_and_keeps_nullable_ones) {
  EXPECT_EQ(json::dump(json::from(Outer{})),
            R"({"any":null,"blob":"","by_name":{},"by_number":[],"colour":"Red",)"
            R"("inner":{"number":0,"texts":[]},"maybe":null,"name":"","plain":"one"})");
}

TEST(JsonTypes, missing_optional_fields_keep_their_defaults_and_unknown_ones_are_ignored) {
  const auto inner = json::to<Inner>(*json::parse(R"({"number":1,"texts":[],"unknown":2})"));
  EXPECT_EQ(inner.number, 1u);
  auto document = *json::parse(full);
  document.get_object().erase("with_default");
  document.get_object().erase("flag");
  const auto outer = json::to<Outer>(document);
  EXPECT_EQ(outer.with_default, 7);
  EXPECT_FALSE(outer.flag.has_value());
}

std::string refusal(std::string_view pointer_to_replace, std::string_view with) {
  std::string text(full);
  const size_t at = text.find(pointer_to_replace);
  text.replace(at, pointer_to_replace.size(), with);
  try {
    json::to<Outer>(*json::parse(text));
  } catch (const JsonException& error) {
    return error.what();
  }
  return "accepted";
}

TEST(JsonTypes, errors_name_the_place) {
  EXPECT_EQ(refusal(R"("name":"n",)", ""),
            "At #: Missing required field 'name' in object: " + json::dump([] {
              auto document = *json::parse(full);
              document.get_object().erase("name");
              return document;
            }()));
  EXPECT_EQ(refusal(R"("number":5,)", ""),
            R"(At #/inner: Missing required field 'number' in object: {"texts":["a","b"]})");
  EXPECT_EQ(refusal(R"("a","b")", R"("a",1)"), "At #/inner/texts/1: Expected a string, found: 1");
  EXPECT_EQ(refusal(R"("number":1)", R"("number":-1)"),
            "At #/by_name/k/number: Expected an unsigned integer, found: -1");
  EXPECT_EQ(refusal(R"("number":1)", R"("number":4294967296)"),
            "At #/by_name/k/number: Expected an unsigned integer of at most 4294967295, found: "
            "4294967296");
  EXPECT_EQ(refusal(R"("number":1)", R"("number":1.5)"),
            "At #/by_name/k/number: Expected an unsigned integer, found: 1.5");
  EXPECT_EQ(refusal(R"(-8)", "128"),
            "At #/with_default: Expected an integer between -128 and 127, found: 128");
  EXPECT_EQ(refusal(R"("Green")", R"("Blue")"),
            R"(At #/by_number/0/1: Unknown enum value: "Blue")");
  EXPECT_EQ(refusal(R"("AQI=")", R"("A")"), R"(At #/blob: Expected a base64 string, found: "A")");
  EXPECT_EQ(refusal(R"("/n")", "{}"), "At #/@nextLink: Expected a string, found: {}");
  EXPECT_EQ(refusal(R"({"k":{)", R"({"a/b~c":{"texts":[]},"k":{)"),
            R"(At #/by_name/a~1b~0c: Missing required field 'number' in object: {"texts":[]})");
  EXPECT_THROW(json::to<Outer>(json::value(3)), JsonException);
}

RC_GTEST_PROP(JsonTypes, survives_text, (const std::string& key, uint32_t number, bool flag)) {
  Inner inner{number, {key, "x"}};
  (void)flag;
  const auto again = json::parse(json::dump(json::from(inner)));
  RC_PRE(again.ok());
  RC_ASSERT(json::to<Inner>(*again).number == number);
}

TEST(Schema, names_and_shapes_of_types) {
  SchemaSet schemas;
  EXPECT_EQ(json::dump(schema_of<Outer>(schemas)),
            R"({"$ref":"#/components/schemas/Test__Outer"})");
  const auto body = [&](const char* name) { return json::dump(schemas.all().at(name)); };
  EXPECT_EQ(body("Inner"), R"({"properties":{"number":{"$ref":"#/components/schemas/uint32"},)"
                           R"("texts":{"$ref":"#/components/schemas/string_array"}},)"
                           R"("required":["number","texts"],"type":"object"})");
  EXPECT_EQ(json::dump(schemas.all().at("Test__Outer").at("required")),
            R"(["name","maybe","inner","by_name","by_number","blob","colour","plain","any"])");
  EXPECT_EQ(body("Colour"), R"({"enum":["Red","Green"],"type":"string"})");
  EXPECT_EQ(body("string_to_Inner"),
            R"({"additionalProperties":{"$ref":"#/components/schemas/Inner"},"type":"object"})");
  EXPECT_EQ(body("uint64_to_Colour"),
            R"({"items":{"$ref":"#/components/schemas/uint64_and_Colour"},"type":"array"})");
  EXPECT_EQ(body("uint64_and_Colour"),
            R"({"items":[{"$ref":"#/components/schemas/uint64"},)"
            R"({"$ref":"#/components/schemas/Colour"}],"type":"array"})");
  EXPECT_EQ(body("uint64"), R"({"maximum":18446744073709551615,"minimum":0,"type":"integer"})");
  EXPECT_EQ(body("int8"), R"({"maximum":127,"minimum":-128,"type":"integer"})");
  EXPECT_EQ(body("base64string"), R"({"format":"base64","type":"string"})");
  EXPECT_EQ(body("json"), "{}");
  EXPECT_EQ(json::dump(schema_of<TxStatus>(schemas)),
            R"({"$ref":"#/components/schemas/TxStatus"})");
  EXPECT_EQ(body("TxStatus"),
            R"({"enum":["Unknown","Pending","Committed","Invalid"],"type":"string"})");
}

struct Other {
  static constexpr std::string_view schema_name = "Inner";
  bool different = false;
};
BOOST_DESCRIBE_STRUCT(Other, (), (different))
struct Same {
  static constexpr std::string_view schema_name = "Inner";
  uint32_t number = 0;
  std::vector<std::string> texts;
};
BOOST_DESCRIBE_STRUCT(Same, (), (number, texts))

TEST(Schema, two_schemas_of_one_name_must_be_equal) {
  SchemaSet schemas;
  schema_of<Inner>(schemas);
  EXPECT_NO_THROW(schema_of<Same>(schemas));
  EXPECT_THROW(schema_of<Other>(schemas), std::logic_error);
}

}  // namespace
}  // namespace entente
