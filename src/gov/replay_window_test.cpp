// The window against replayed proposals, as a function of its keys and against a model.

#include "gov/replay_window.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

#include "crypto/digest.h"

namespace entente::gov {
namespace {

std::string key(uint64_t time, int tag = 0) {
  return window_key(time, crypto::sha256(as_bytes(std::to_string(tag))));
}

TEST(ReplayWindow, keys_have_ten_digits_and_the_digest_of_the_signature) {
  EXPECT_EQ(key(12), "0000000012:" + crypto::sha256(as_bytes("0")).hex());
  EXPECT_EQ(key(max_created_at).substr(0, 11), "9999999999:");
}

TEST(ReplayWindow, the_first_proposal_may_have_any_time) {
  const WindowChange change = slide_window({}, key(0), 100);
  EXPECT_FALSE(change.too_old);
  EXPECT_EQ(change.dropped, 0u);
}

TEST(ReplayWindow, times_below_the_one_in_the_middle_are_too_old) {
  const std::vector<std::string> keys{key(10), key(20), key(30), key(40)};
  EXPECT_EQ(slide_window(keys, key(29), 100).too_old, "0000000030");
  EXPECT_FALSE(slide_window(keys, key(30, 7), 100).too_old) << "an equal time is in";
  EXPECT_EQ(slide_window(std::span(keys).first(3), key(19), 100).too_old, "0000000020");
  EXPECT_EQ(slide_window(std::span(keys).first(1), key(9), 100).too_old, "0000000010");
}

TEST(ReplayWindow, the_oldest_leave_when_it_is_full) {
  const std::vector<std::string> keys{key(10), key(20), key(30), key(40)};
  EXPECT_EQ(slide_window(keys, key(50), 6).dropped, 0u);
  EXPECT_EQ(slide_window(keys, key(50), 5).dropped, 0u);
  EXPECT_EQ(slide_window(keys, key(50), 4).dropped, 1u);
  EXPECT_EQ(slide_window(keys, key(50), 2).dropped, 3u) << "a window that was made smaller";
  EXPECT_EQ(slide_window(keys, key(50), 1).dropped, 4u);
  EXPECT_EQ(slide_window(keys, key(50), 0).dropped, 4u) << "no window is one of one";
}

TEST(ReplayWindow, what_scripts_put_in_does_no_harm) {
  const std::vector<std::string> keys{"", "junk", "zzz"};
  EXPECT_EQ(slide_window(keys, key(50), 100).too_old, "junk");
}

/// With times that differ, nothing that was taken once is ever taken again, however the window
/// slides.
TEST(ReplayWindow, nothing_is_taken_twice) {
  EXPECT_TRUE(rc::check([] {
    const auto window = *rc::gen::inRange<size_t>(1, 12);
    std::set<std::string> stored, taken;
    const auto times = *rc::gen::container<std::vector<uint64_t>>(rc::gen::inRange(0, 60));
    for (const uint64_t time : times) {
      const std::string fresh = key(time);
      const std::vector<std::string> keys(stored.begin(), stored.end());
      if (stored.contains(fresh)) continue;
      const WindowChange change = slide_window(keys, fresh, window);
      if (change.too_old) {
        RC_ASSERT(fresh.substr(0, 10) < keys[keys.size() / 2].substr(0, 10));
        continue;
      }
      RC_ASSERT(taken.insert(fresh).second);
      stored.insert(fresh);
      for (size_t i = 0; i < change.dropped; ++i) stored.erase(keys[i]);
      RC_ASSERT(stored.size() <= window);
    }
  }));
}

}  // namespace
}  // namespace entente::gov
