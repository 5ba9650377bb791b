#include "crypto/pem.h"

#include <openssl/err.h>
#include <rapidcheck.h>

#include "crypto/test_data.h"

namespace entente::crypto {
namespace {

TEST(Pem, RoundTripsAnyBytes) {
  EXPECT_TRUE(rc::check([](const Bytes& first, const Bytes& second) {
    RC_PRE(!first.empty() && !second.empty());
    const std::string text =
        "text before\n" + to_pem("FIRST", first) + "between\n" + to_pem("SECOND", second) + "after";
    const auto blocks = parse_pem(text);
    RC_ASSERT(blocks.ok());
    RC_ASSERT(blocks->size() == 2u);
    RC_ASSERT(blocks->at(0).label == "FIRST");
    RC_ASSERT(blocks->at(0).der == first);
    RC_ASSERT(blocks->at(1).label == "SECOND");
    RC_ASSERT(blocks->at(1).der == second);
    RC_ASSERT(*parse_pem(text, "FIRST") == first);
    RC_ASSERT(!parse_pem(text, "SECOND").ok());
  }));
}

TEST(Pem, HasLinesOf64ColumnsAndAFinalNewline) {
  EXPECT_EQ(to_pem("X", Bytes(49, 0)),
            "-----BEGIN X-----\n" + std::string(64, 'A') + "\nAA==\n" + "-----END X-----\n");
}

TEST(Pem, AcceptsCarriageReturnsAndOneLongLine) {
  EXPECT_EQ(*parse_pem("-----BEGIN X-----\r\nAAAA\r\n-----END X-----\r\n", "X"), Bytes(3));
  const std::string one_line =
      "-----BEGIN X-----\n" + std::string(200, 'A') + "\n-----END X-----\n";
  EXPECT_EQ(*parse_pem(one_line, "X"), Bytes(150));
}

TEST(Pem, MalformedTextIsAnErrorAndLeavesNoOpenSslErrors) {
  for (const std::string_view text :
       {"", "hello", "-----BEGIN X-----\n", "-----BEGIN X-----\nAAAA\n",
        "-----BEGIN X-----\nAAAA\n-----END Y-----\n", "-----BEGIN X-----\n????\n-----END X-----\n",
        "-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END X-----\n"}) {
    EXPECT_FALSE(parse_pem(text).ok()) << text;
    EXPECT_EQ(ERR_peek_error(), 0u);
  }
  const std::string good = to_pem("X", Bytes(3));
  EXPECT_FALSE(parse_pem(good + "-----BEGIN X-----\nAAAA\n").ok());
  EXPECT_FALSE(parse_pem(std::string(max_pem_size, ' ') + good).ok());
}

}  // namespace
}  // namespace entente::crypto
