#include "crypto/key_wrap.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "crypto/test_data.h"

namespace entente::crypto {
namespace {

const RsaKeyPair& fixed_pair() {
  static const RsaKeyPair pair = RsaKeyPair::from_pem(throw_away_rsa_key).value();
  return pair;
}

// RFC 5649 §6.
TEST(AesKeyWrap, VectorsOfTheRfc) {
  const Bytes key = hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"c37b7e6492584340bed12207808941155068f738",
       "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"},
      {"466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"}};
  for (const auto& [payload, wrapped] : vectors) {
    EXPECT_EQ(*wrap_aes_kwp(key, hex(payload)), hex(wrapped));
    EXPECT_EQ(*unwrap_aes_kwp(key, hex(wrapped)), hex(payload));
  }
}

RC_GTEST_PROP(AesKeyWrap, RoundTripsAndNothingElseUnwraps,
              (const std::vector<uint8_t>& seed, const Bytes& more)) {
  const size_t key_size = 16 + 8 * (seed.size() % 3);
  const Bytes key(key_size, static_cast<uint8_t>(seed.size()));
  Bytes payload{0};
  append(payload, more);
  const Bytes wrapped = wrap_aes_kwp(key, payload).value();
  RC_ASSERT(wrapped.size() == (payload.size() + 7) / 8 * 8 + 8);
  RC_ASSERT(unwrap_aes_kwp(key, wrapped).value() == payload);
  const size_t bit = *rc::gen::inRange<size_t>(0, 8 * wrapped.size());
  RC_ASSERT(!unwrap_aes_kwp(key, flipped(wrapped, bit)).ok());
  RC_ASSERT(!unwrap_aes_kwp(flipped(key, bit % (8 * key_size)), wrapped).ok());
}

TEST(AesKeyWrap, SizesThatAreRefused) {
  const Bytes key(32);
  EXPECT_FALSE(wrap_aes_kwp(key, {}).ok());
  EXPECT_FALSE(wrap_aes_kwp(key, Bytes(max_wrapped_payload + 1)).ok());
  for (const size_t size : {0u, 15u, 17u, 31u, 33u, 64u}) {
    EXPECT_FALSE(wrap_aes_kwp(Bytes(size), Bytes(8)).ok()) << size;
    EXPECT_FALSE(unwrap_aes_kwp(Bytes(size), Bytes(16)).ok()) << size;
  }
  for (const size_t size : {0u, 8u, 15u, 17u, 16u, 24u}) {
    EXPECT_FALSE(unwrap_aes_kwp(key, Bytes(size)).ok()) << size;
  }
  EXPECT_FALSE(unwrap_aes_kwp(key, Bytes(max_wrapped_payload + 24)).ok());
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(RsaAesKeyWrap, UnwrapsWhatAnotherImplementationWrapped) {
  const Bytes wrapped = *from_base64(
      "Wp25pcWOYu4w8uPXrVyRMS/Y7YfIwdwhvLp7jf3Qrtgwc1a0HZ7NDGG5HvkdmNJEfwrrlGQm2wkzdTvRzCRx"
      "s66RVBqsJbLi7LQ2YIVm4A4BvIQUuu2ouJcGLqe3nqsC35DVTA6FrTnE+nrgydSRsAbg/0M5camCDWYKdYHt"
      "5bXX3vxWdTqyKC6tjvT4unp1c1rCCsxCrGhADt4z+8kHADlDDW9Fp/4t4EfoAl19qjZ7MWsmO6gaTJFdrIBI"
      "GASXKboavHS26PQtwdT1aY8JR5PMDD37eHZBCXHnsXUBz/Sg/aulccu7nitz4kR1+uByTEX1RAGbnNf79RSR"
      "rs8bOPn9mx7djGsIexPCLcCcfEbfjtnG4eh2uiFG3vIqNz0A");
  const auto payload = unwrap_rsa_aes_kwp(fixed_pair(), as_bytes("label"), wrapped);
  ASSERT_TRUE(payload.ok()) << payload.error().message;
  EXPECT_EQ(to_text(*payload), "a payload of 23 bytes..");
  EXPECT_FALSE(unwrap_rsa_aes_kwp(fixed_pair(), {}, wrapped).ok());
  for (size_t bit = 0; bit < 8 * wrapped.size(); bit += 113) {
    EXPECT_FALSE(unwrap_rsa_aes_kwp(fixed_pair(), as_bytes("label"), flipped(wrapped, bit)).ok());
  }
  for (const size_t size : {size_t{0}, size_t{255}, size_t{256}, size_t{264}, wrapped.size() - 1}) {
    EXPECT_FALSE(
        unwrap_rsa_aes_kwp(fixed_pair(), as_bytes("label"), BytesView(wrapped).first(size)).ok());
  }
}

TEST(RsaAesKeyWrap, RoundTripsAnyLength) {
  for (const unsigned bits : {128u, 192u, 256u}) {
    for (const size_t size : {1u, 8u, 300u, 5000u}) {
      const Bytes payload(size, 7);
      const auto wrapped =
          wrap_rsa_aes_kwp(fixed_pair().public_key(), bits, as_bytes("l"), payload);
      ASSERT_TRUE(wrapped.ok()) << wrapped.error().message;
      EXPECT_EQ(wrapped->size(), 256 + (size + 7) / 8 * 8 + 8);
      EXPECT_EQ(unwrap_rsa_aes_kwp(fixed_pair(), as_bytes("l"), *wrapped).value(), payload);
    }
  }
  for (const unsigned bits : {0u, 64u, 127u, 512u}) {
    EXPECT_FALSE(wrap_rsa_aes_kwp(fixed_pair().public_key(), bits, {}, Bytes(8)).ok());
  }
}

}  // namespace
}  // namespace entente::crypto
