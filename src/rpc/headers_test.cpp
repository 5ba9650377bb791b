// Prefer and entity tags.

#include <gtest/gtest.h>

#include "entente/etag.h"
#include "rpc/prefer.h"

namespace entente {
namespace {

int64_t wait(std::string_view header) {
  const auto seconds = rpc::preferred_wait(header);
  return seconds ? seconds->count() : -1;
}

TEST(Prefer, finds_the_wait) {
  EXPECT_EQ(wait("wait=10"), 10);
  EXPECT_EQ(wait("Wait = 3"), 3);
  EXPECT_EQ(wait("wait=\"7\""), 7);
  EXPECT_EQ(wait("respond-async, wait=10"), 10);
  EXPECT_EQ(wait("foo=\"a, wait=3\"; x=y, wait=4;z"), 4);
  EXPECT_EQ(wait("wait=1, wait=2"), 1);
  EXPECT_EQ(wait("wait=0"), 0);
  EXPECT_EQ(wait("wait=99999999999999999999"), 4294967295);
}

TEST(Prefer, finds_linearizable) {
  for (const char* yes : {"linearizable", "wait=5, linearizable", " Linearizable ;x=1,wait=1",
                          "a=\"b,c\",linearizable"}) {
    EXPECT_TRUE(rpc::prefers_linearizable(yes)) << yes;
  }
  for (const char* no :
       {"", "wait=5", "linearizable=1", "linear", "a=\"linearizable\"", "a=\"x,linearizable,y\""}) {
    EXPECT_FALSE(rpc::prefers_linearizable(no)) << no;
  }
}

TEST(Prefer, ignores_what_it_does_not_understand) {
  for (const char* header : {"", "wait", "wait=", "wait=x", "wait=1x", "wait=-1", "wait=1.5",
                             "awaits=3", "await=3", "handling=strict", ",,;=", "foo=\"wait=3"}) {
    EXPECT_EQ(wait(header), -1) << header;
  }
}

TEST(EntityTag, matches_lists_and_star) {
  const auto any = http::EntityTagMatcher::parse(" * ");
  ASSERT_TRUE(any.ok());
  EXPECT_TRUE(any->is_any());
  EXPECT_TRUE(any->matches("x"));
  const auto list = http::EntityTagMatcher::parse("\"ab\" , \"cd\"");
  ASSERT_TRUE(list.ok());
  EXPECT_TRUE(list->matches("ab"));
  EXPECT_TRUE(list->matches("cd"));
  EXPECT_FALSE(list->matches("abcd"));
  EXPECT_FALSE(list->is_any());
}

TEST(EntityTag, refuses_weak_and_malformed_lists) {
  for (const char* header : {"", "ab", "W/\"ab\"", "\"ab", "\"ab\",", "\"ab\" \"cd\"", "*,\"a\"",
                             "\"a\",W/\"b\"", ","}) {
    EXPECT_FALSE(http::EntityTagMatcher::parse(header).ok()) << header;
  }
}

}  // namespace
}  // namespace entente
