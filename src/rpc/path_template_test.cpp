#include "rpc/path_template.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>

namespace entente::rpc {
namespace {

/// `name=value` of each parameter, or `-` if the path does not match.
std::string match(std::string_view text, std::string_view path) {
  const auto parsed = PathTemplate::parse(text);
  if (!parsed.ok()) return parsed.error().message;
  std::array<std::string_view, PathTemplate::max_parameters> values;
  if (!parsed->match(path, values)) return "-";
  std::string out;
  for (size_t i = 0; i < parsed->names().size(); ++i) {
    if (i != 0) out += ' ';
    out += parsed->names()[i] + '=' + std::string(values[i]);
  }
  return out;
}

TEST(PathTemplate, matches) {
  struct Case {
    const char *text, *path, *expected;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"/records/{key}", "/records/a", "key=a"},
           {"/records/{key}", "/records/a%2Fb", "key=a%2Fb"},
           {"/records/{key}", "/records/", "-"},
           {"/records/{key}", "/records", "-"},
           {"/records/{key}", "/records/a/b", "-"},
           {"/records/{key}", "/records/a/", "-"},
           {"/records/{key}", "/Records/a", "-"},
           {"/{a}/{b}", "/x/y", "a=x b=y"},
           {"/{a}/{b}", "//y", "-"},
           {"/m/{id}:approve", "/m/1:approve", "id=1"},
           {"/m/{id}:approve", "/m/1:2:approve", "-"},
           {"/m/{id}:approve", "/m/:approve", "-"},
           {"/m/{id}:approve", "/m/1:approver", "-"},
           {"/m/{id}:approve", "/m/1", "-"},
           {"/m/{id}", "/m/1:approve", "id=1:approve"},
           {"/{a}-{b}.{c}", "/1-2.3", "a=1 b=2 c=3"},
           {"/{a}/fixed/{b}", "/1/fixed/2", "a=1 b=2"},
           {"/{a}/fixed/{b}", "/1/other/2", "-"},
           {"/exact", "/exact", ""},
           {"/exact", "/exact/", "-"},
       }) {
    EXPECT_EQ(match(c.text, c.path), c.expected) << c.text << " against " << c.path;
  }
}

TEST(PathTemplate, refuses_what_cannot_be_matched_without_choice) {
  for (const char* text : {"records", "", "/{a", "/a}", "/{}", "/{a}{b}", "/{a}/{a}", "/{a{b}}",
                           "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"}) {
    EXPECT_FALSE(PathTemplate::parse(text).ok()) << text;
  }
  EXPECT_EQ(PathTemplate::parse("/{a}{b}").error().message,
            "path template '/{a}{b}': two parameters without anything between them");
}

RC_GTEST_PROP(PathTemplate, finds_the_values_that_were_put_in, ()) {
  const auto segments = *rc::gen::container<std::vector<std::string>>(rc::gen::nonEmpty(
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab.:%2F-_~!")))));
  RC_PRE(!segments.empty() && segments.size() <= PathTemplate::max_parameters);
  std::string text, path;
  for (size_t i = 0; i < segments.size(); ++i) {
    text += "/{p" + std::to_string(i) + "}";
    path += "/" + segments[i];
  }
  const auto parsed = PathTemplate::parse(text);
  RC_ASSERT(parsed.ok());
  std::array<std::string_view, PathTemplate::max_parameters> values;
  RC_ASSERT(parsed->match(path, values));
  for (size_t i = 0; i < segments.size(); ++i) RC_ASSERT(values[i] == segments[i]);
  RC_ASSERT(!parsed->match(path + "/", values));
  RC_ASSERT(!parsed->match(path + "/x", values));
}

}  // namespace
}  // namespace entente::rpc
