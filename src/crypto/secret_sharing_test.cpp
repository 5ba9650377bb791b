#include "crypto/secret_sharing.h"

#include <rapidcheck.h>

#include <algorithm>

#include "crypto/random.h"
#include "crypto/rsa.h"
#include "crypto/test_data.h"

namespace entente::crypto {
namespace {

// docs/ledger-format.md, the example of recovery shares.
constexpr std::string_view example_share =
    "01000000 96937a71 5cef1160 95e7645e d312d44e abb67b61 06065d6e 3c718c3b a8b8b835 ce422a0d "
    "24c54d36";
constexpr std::string_view example_wrapping_key =
    "c210863d3a90d12cf776a2690c08fc0418386536abcb2e7b04b96f6e04feec14";

TEST(SecretSharing, WorkedExample) {
  const Result<Share> share = Share::parse(hex(example_share));
  ASSERT_TRUE(share.ok());
  EXPECT_EQ(share->x, 1u);
  EXPECT_EQ(share->encode(), hex(example_share));
  const Result<SharedSecret> secret = SharedSecret::combine(std::span(&*share, 1), 1);
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ(to_hex(secret->wrapping_key()), example_wrapping_key);
}

// The member's RSA-OAEP decryption of the share that a real service encrypted to it.
TEST(SecretSharing, ShareInTheSampleLedger) {
  ENTENTE_SAMPLE_OR_SKIP(folder, "cose_flipflop_service");
  const std::string ledger = read_text(folder + "/ledger/ledger_1-14.committed");
  const std::string shares = between(ledger, "\"encrypted_shares\":{", "}");
  const std::string encoded = between(shares, "\":\"", "\"");
  const auto key = RsaKeyPair::from_pem(read_text(folder + "/common/member0_enc_privk.pem"));
  ASSERT_TRUE(key.ok());
  const Result<Bytes> share = key->decrypt_oaep_sha256(from_base64(encoded).value());
  ASSERT_TRUE(share.ok()) << share.error().message;
  EXPECT_EQ(*share, hex(example_share));
}

TEST(SecretSharing, AnyThresholdSharesGiveTheSecretBack) {
  EXPECT_TRUE(rc::check([] {
    const size_t count = *rc::gen::inRange<size_t>(1, 12);
    const size_t threshold = *rc::gen::inRange<size_t>(1, count + 1);
    const SharedSecret secret = SharedSecret::generate(system_random());
    auto shares = secret.split(threshold, count, system_random());
    RC_ASSERT(shares.ok());
    RC_ASSERT(shares->size() == count);
    for (size_t i = 0; i + 1 < count; ++i) {
      std::swap((*shares)[i], (*shares)[*rc::gen::inRange<size_t>(i, count)]);
    }
    const std::span<const Share> all(*shares);
    const auto back = SharedSecret::combine(all.first(threshold), threshold);
    RC_ASSERT(back.ok());
    RC_ASSERT(back->wrapping_key() == secret.wrapping_key());
    const auto from_all = SharedSecret::combine(all, threshold);
    RC_ASSERT(from_all.ok());
    RC_ASSERT(from_all->wrapping_key() == secret.wrapping_key());
    RC_ASSERT(!SharedSecret::combine(all.first(threshold - 1), threshold).ok());
  }));
}

TEST(SecretSharing, FewerSharesThanNeededDoNotInterpolateToTheSecret) {
  const SharedSecret secret = SharedSecret::generate(system_random());
  const auto shares = secret.split(3, 5, system_random());
  ASSERT_TRUE(shares.ok());
  const auto wrong = SharedSecret::combine(std::span(*shares).first(2), 2);
  ASSERT_TRUE(wrong.ok());
  EXPECT_FALSE(wrong->wrapping_key() == secret.wrapping_key());
}

TEST(SecretSharing, AChangedShareChangesTheSecret) {
  const SharedSecret secret = SharedSecret::generate(system_random());
  auto shares = secret.split(3, 3, system_random());
  ASSERT_TRUE(shares.ok());
  (*shares)[1].y[9] = ((*shares)[1].y[9] + 1) % share_prime;
  const auto wrong = SharedSecret::combine(*shares, 3);
  ASSERT_TRUE(wrong.ok());
  EXPECT_FALSE(wrong->wrapping_key() == secret.wrapping_key());
}

TEST(SecretSharing, AFullShareAloneSuffices) {
  const SharedSecret secret = SharedSecret::generate(system_random());
  const Result<Share> owner = Share::parse(secret.full_share().encode());
  ASSERT_TRUE(owner.ok());
  EXPECT_TRUE(owner->is_full());
  auto shares = secret.split(3, 3, system_random());
  ASSERT_TRUE(shares.ok());
  const std::vector<Share> one_and_full = {(*shares)[0], *owner};
  const auto back = SharedSecret::combine(one_and_full, 3);
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back->wrapping_key() == secret.wrapping_key());
}

TEST(SecretSharing, RepeatedSharesCountOnceAndContradictionsAreErrors) {
  const SharedSecret secret = SharedSecret::generate(system_random());
  auto shares = secret.split(2, 3, system_random());
  ASSERT_TRUE(shares.ok());
  const std::vector<Share> twice = {(*shares)[0], (*shares)[0]};
  EXPECT_FALSE(SharedSecret::combine(twice, 2).ok());
  Share liar = (*shares)[1];
  liar.y[0] = (liar.y[0] + 1) % share_prime;
  const std::vector<Share> contradiction = {(*shares)[0], (*shares)[1], liar};
  EXPECT_FALSE(SharedSecret::combine(contradiction, 2).ok());
  EXPECT_FALSE(SharedSecret::combine({}, 1).ok());
  EXPECT_FALSE(SharedSecret::combine(*shares, 0).ok());
}

TEST(SecretSharing, ImpossibleThresholdsAreErrors) {
  const SharedSecret secret = SharedSecret::generate(system_random());
  EXPECT_FALSE(secret.split(0, 3, system_random()).ok());
  EXPECT_FALSE(secret.split(4, 3, system_random()).ok());
  EXPECT_FALSE(secret.split(1, max_shares + 1, system_random()).ok());
}

TEST(SecretSharing, MalformedSharesAreErrors) {
  const Bytes good = hex(example_share);
  EXPECT_FALSE(Share::parse(BytesView(good).first(43)).ok());
  EXPECT_FALSE(Share::parse(Bytes(113)).ok());  // an older, unsupported scheme
  for (size_t number = 0; number < 1 + share_limbs; ++number) {
    Bytes bad = good;
    const uint32_t prime = share_prime;
    std::memcpy(bad.data() + 4 * number, &prime, 4);
    EXPECT_FALSE(Share::parse(bad).ok()) << number;
  }
}

/// Hands out a fixed sequence of bytes, then zeros.
class Script final : public RandomSource {
 public:
  explicit Script(Bytes bytes) : bytes_(std::move(bytes)) {}
  void fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = at_ < bytes_.size() ? bytes_[at_++] : 0;
  }

 private:
  Bytes bytes_;
  size_t at_ = 0;
};

TEST(SecretSharing, LimbsThatWouldBeThePrimeAreDrawnAgain) {
  Script source(hex("ffffff7f ffffffff 05000000"));
  const SharedSecret secret = SharedSecret::generate(source);
  EXPECT_EQ(secret.full_share().y[0], 5u);
}

// A share of a known polynomial: secret limb 5, coefficient 7 and 11, at x = 2: 5 + 14 + 44.
TEST(SecretSharing, EvaluatesThePolynomial) {
  Script limbs(hex("05000000"));
  const SharedSecret secret = SharedSecret::generate(limbs);
  Bytes coefficients(80);
  coefficients[0] = 7;
  coefficients[40] = 11;
  Script source(coefficients);
  const auto shares = secret.split(3, 3, source);
  ASSERT_TRUE(shares.ok());
  EXPECT_EQ((*shares)[1].x, 2u);
  EXPECT_EQ((*shares)[1].y[0], 63u);
  EXPECT_EQ((*shares)[1].y[1], 0u);
}

}  // namespace
}  // namespace entente::crypto
