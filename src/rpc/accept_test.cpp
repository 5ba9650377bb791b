#include "rpc/accept.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace entente::rpc {
namespace {

std::string check(std::string_view header) {
  const auto refusal = check_accepts_json(header);
  return refusal ? std::to_string(refusal->status) + " " + std::string(refusal->code) : "ok";
}

TEST(Accept, takes_json_where_any_range_covers_it) {
  for (const char* header :
       {"*/*", "application/*", "application/json", "text/html, application/json",
        "text/html;q=0.9,image/jpeg;video/mpeg;q=0.8,*/*;q=0.1", " application / json ",
        "application/json;q=0", "application/json;charset=utf-8;q=1.0"}) {
    EXPECT_EQ(check(header), "ok") << header;
  }
}

TEST(Accept, refuses_other_types_with_406) {
  for (const char* header : {"text/html", "text/html;q=0.9,image/jpeg;video/mpeg;q=0.8",
                             "application/jsonx", "text/*", "Application/JSON"}) {
    EXPECT_EQ(check(header), "406 UnsupportedContentType") << header;
  }
  EXPECT_EQ(check_accepts_json("text/html")->message,
            "No supported content type in accept header: text/html\n"
            "Only application/json is currently supported");
}

TEST(Accept, refuses_malformed_headers_with_400) {
  for (const char* header : {"nonsense", "", "a/b/c", "/json", "application/", "text/html;q=x",
                             "text/html;q=", "text/html,nonsense", ",", "text/html;q=-1"}) {
    EXPECT_EQ(check(header), "400 InvalidHeaderValue") << header;
  }
  EXPECT_EQ(check_accepts_json("nonsense")->message,
            "Entry in Accept header is not a valid MIME type: nonsense");
}

RC_GTEST_PROP(Accept, parses_what_was_written, ()) {
  const auto token =
      rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string("abz.+-"))));
  const auto ranges =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<std::pair<std::string, std::string>>>(
          rc::gen::pair(token, token)));
  std::string header;
  for (const auto& [type, subtype] : ranges) {
    if (!header.empty()) header += ',';
    header += type + "/" + subtype + ";q=0.25";
  }
  const auto parsed = parse_accept(header);
  RC_ASSERT(parsed.ok());
  RC_ASSERT(parsed->size() == ranges.size());
  for (size_t i = 0; i < ranges.size(); ++i) {
    RC_ASSERT((*parsed)[i].type == ranges[i].first);
    RC_ASSERT((*parsed)[i].subtype == ranges[i].second);
    RC_ASSERT((*parsed)[i].quality == 0.25);
  }
}

}  // namespace
}  // namespace entente::rpc
