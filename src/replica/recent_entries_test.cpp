#include "replica/recent_entries.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace entente::replica {
namespace {

std::shared_ptr<const Bytes> bytes_of(std::string_view text) {
  return std::make_shared<const Bytes>(to_bytes(as_bytes(text)));
}

std::string copied(const RecentEntries& recent, uint64_t first, uint64_t last, uint64_t view) {
  Bytes out = to_bytes(as_bytes("|"));
  const bool found = recent.copy({first}, {last}, {view}, out);
  const std::string text = to_text(out);
  EXPECT_EQ(text.front(), '|');
  if (!found) {
    EXPECT_EQ(text, "|");
  }
  return found ? text.substr(1) : "-";
}

TEST(RecentEntries, GivesBackWhatIsHeldOfOneView) {
  RecentEntries recent;
  recent.append({1}, {2}, bytes_of("abbccc"), {1, 2, 3});
  recent.append({4}, {2}, bytes_of("dd"), {2});
  recent.append({5}, {4}, bytes_of("ef"), {1, 1});
  EXPECT_EQ(copied(recent, 1, 3, 2), "abbccc");
  EXPECT_EQ(copied(recent, 2, 4, 2), "bbcccdd");
  EXPECT_EQ(copied(recent, 5, 6, 4), "ef");
  EXPECT_EQ(copied(recent, 4, 5, 2), "-");
  EXPECT_EQ(copied(recent, 6, 7, 4), "-");
  EXPECT_EQ(copied(recent, 0, 1, 2), "-");
  recent.truncate({2});
  EXPECT_EQ(copied(recent, 1, 3, 2), "-");
  recent.append({3}, {6}, bytes_of("CCCC"), {4});
  EXPECT_EQ(copied(recent, 1, 2, 2), "abb");
  EXPECT_EQ(copied(recent, 3, 3, 6), "CCCC");
}

TEST(RecentEntries, DropsTheOldestBlocks) {
  RecentEntries recent(4);
  recent.append({1}, {2}, bytes_of("aaa"), {3});
  recent.append({2}, {2}, bytes_of("bbb"), {3});
  EXPECT_EQ(recent.first(), SeqNo{2});
  recent.append({3}, {2}, bytes_of("0123456789"), {10});
  EXPECT_EQ(recent.first(), SeqNo{3});
  EXPECT_EQ(copied(recent, 3, 3, 2), "0123456789");
}

RC_GTEST_PROP(RecentEntries, BehavesLikeAMap, ()) {
  RecentEntries recent;
  std::map<uint64_t, std::pair<uint64_t, std::string>> model;
  uint64_t next = 1, view = 2;
  const auto rounds = *rc::gen::inRange(1, 40);
  for (int i = 0; i < rounds; ++i) {
    if (*rc::gen::inRange(0, 4) == 0 && next > 1) {
      const auto last = *rc::gen::inRange<uint64_t>(0, next);
      recent.truncate({last});
      model.erase(model.upper_bound(last), model.end());
      next = last + 1;
      ++view;
      continue;
    }
    std::string all;
    std::vector<uint32_t> sizes;
    const auto first = next;
    const auto count = *rc::gen::inRange(1, 5);
    for (int k = 0; k < count; ++k) {
      const std::string content(*rc::gen::inRange<size_t>(1, 4), char('a' + next % 26));
      model[next++] = {view, content};
      all += content;
      sizes.push_back(static_cast<uint32_t>(content.size()));
    }
    recent.append({first}, {view}, bytes_of(all), sizes);
  }
  const auto from = *rc::gen::inRange<uint64_t>(0, next + 1);
  const auto to = *rc::gen::inRange<uint64_t>(from, next + 2);
  const auto wanted = *rc::gen::inRange<uint64_t>(2, view + 1);
  std::string expected;
  for (uint64_t at = from; at <= to; ++at) {
    if (!model.contains(at) || model[at].first != wanted) {
      expected = "-";
      break;
    }
    expected += model[at].second;
  }
  RC_ASSERT(copied(recent, from, to, wanted) == expected);
}

}  // namespace
}  // namespace entente::replica
