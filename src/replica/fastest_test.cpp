#include "replica/fastest.h"

#include <gtest/gtest.h>

namespace entente::replica {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

TEST(Fastest, IsTheShortestOfTheLastIntervals) {
  Fastest fastest{seconds(5)};
  EXPECT_FALSE(fastest.get());
  fastest.add(microseconds(70), seconds(100));
  EXPECT_EQ(fastest.get(), microseconds(70));
  fastest.add(microseconds(50), seconds(101));
  fastest.add(microseconds(60), seconds(102));
  EXPECT_EQ(fastest.get(), microseconds(50));
  fastest.add(microseconds(80), seconds(105));  // the next interval: the last one still counts
  EXPECT_EQ(fastest.get(), microseconds(50));
  fastest.add(microseconds(90), seconds(110));
  EXPECT_EQ(fastest.get(), microseconds(80));
  fastest.add(microseconds(95), seconds(200));  // nothing for long: all before is forgotten
  EXPECT_EQ(fastest.get(), microseconds(95));
}

}  // namespace
}  // namespace entente::replica
