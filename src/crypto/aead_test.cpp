#include "crypto/aead.h"

#include <rapidcheck.h>

#include "crypto/random.h"
#include "crypto/test_data.h"

namespace entente::crypto {
namespace {

template <size_t N>
std::array<uint8_t, N> array_of(BytesView bytes) {
  std::array<uint8_t, N> out;
  EXPECT_EQ(bytes.size(), N);
  std::memcpy(out.data(), bytes.data(), N);
  return out;
}

struct Vector {
  std::string_view key, iv, aad, plaintext, ciphertext, tag;
};

// Test cases 13 to 16 of the GCM submission to NIST (the ones with 256-bit keys and 96-bit IVs).
constexpr std::string_view zero_key =
    "0000000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
constexpr std::string_view plaintext_64 =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
constexpr std::string_view ciphertext_64 =
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";
constexpr Vector vectors[] = {
    {zero_key, "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {zero_key, "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    {key, "cafebabefacedbaddecaf888", "", plaintext_64, ciphertext_64,
     "b094dac5d93471bdec1a502270e3cc6c"},
    {key, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     plaintext_64.substr(0, 120), ciphertext_64.substr(0, 120),
     "76fc6ece0f4e1768cddf8853bb2d551b"}};

TEST(Aes256Gcm, VectorsOfNist) {
  for (const Vector& vector : vectors) {
    Aes256Gcm cipher(array_of<32>(hex(vector.key)));
    const GcmIv iv = array_of<12>(hex(vector.iv));
    const Bytes plaintext = hex(vector.plaintext), aad = hex(vector.aad);
    for (int use = 0; use < 3; ++use) {  // the kept key schedule gives the same every time
      Bytes ciphertext(plaintext.size());
      GcmTag tag;
      cipher.seal(iv, aad, plaintext, ciphertext, tag);
      EXPECT_EQ(to_hex(ciphertext), vector.ciphertext);
      EXPECT_EQ(to_hex(tag), vector.tag);
      Bytes opened(ciphertext.size());
      EXPECT_TRUE(cipher.open(iv, aad, ciphertext, tag, opened));
      EXPECT_EQ(opened, plaintext);
    }
  }
}

// docs/ledger-format.md, the example of seqno 17: an entry's private domain under its public one.
TEST(Aes256Gcm, EntryOfTheWorkedExample) {
  Aes256Gcm cipher(
      array_of<32>(hex("d917951c0773a06148d2ff5bf0c984d075fdceb601255157ac004bb53b351079")));
  const Bytes aad =
      hex("04 1100000000000000 0000000000000000000000000000000000000000000000000000000000000000"
          "266ee6ffc4bd003458c67798796e06e07ee60c105c3fddeabdf831dca3572b78 0000000000000000");
  const Bytes ciphertext = hex(
      "d0575ea51389082b5384f1a6d6687dd5c47fd010e7f45e60cde4ec13609ff144981837ad3823855b1e8fd3e453b9"
      "07752957c335e40c659d7b3270fe87db64f87cdb12b232c1");
  Bytes plaintext(ciphertext.size());
  ASSERT_TRUE(cipher.open(array_of<12>(hex("110000000000000002000000")), aad, ciphertext,
                          array_of<16>(hex("67b30d330439b435fcd37fd402addd90")), plaintext));
  EXPECT_EQ(plaintext, hex("0700000000000000 7265636f726473 0000000000000000 0000000000000000"
                           "0100000000000000 0200000000000000 3432 0500000000000000 68656c6c6f"
                           "0000000000000000"));
}

TEST(Aes256Gcm, AnyChangedBitIsRefusedAndNothingLeaks) {
  EXPECT_TRUE(rc::check([](const Bytes& plaintext, const Bytes& aad, const GcmIv& iv) {
    Aes256Gcm cipher(random_key());
    Bytes ciphertext(plaintext.size()), opened(plaintext.size());
    GcmTag tag;
    cipher.seal(iv, aad, plaintext, ciphertext, tag);
    RC_ASSERT(cipher.open(iv, aad, ciphertext, tag, opened));
    RC_ASSERT(opened == plaintext);

    const auto bit_of = [](size_t bytes) { return *rc::gen::inRange<size_t>(0, 8 * bytes); };
    const auto refused = [&](const GcmIv& i, const Bytes& a, const Bytes& c, const GcmTag& t) {
      opened.assign(c.size(), 0xee);
      const bool accepted = cipher.open(i, a, c, t, opened);
      return !accepted && opened == Bytes(c.size(), 0);
    };
    RC_ASSERT(refused(array_of<12>(flipped(iv, bit_of(12))), aad, ciphertext, tag));
    RC_ASSERT(refused(iv, aad, ciphertext, array_of<16>(flipped(tag, bit_of(16)))));
    if (!aad.empty()) RC_ASSERT(refused(iv, flipped(aad, bit_of(aad.size())), ciphertext, tag));
    if (!plaintext.empty()) {
      RC_ASSERT(refused(iv, aad, flipped(ciphertext, bit_of(ciphertext.size())), tag));
    }
    RC_ASSERT(cipher.open(iv, aad, ciphertext, tag, opened));  // a refusal leaves no trace
    RC_ASSERT(opened == plaintext);
  }));
}

TEST(Aes256Gcm, WorksInPlaceAndAfterMoving) {
  Aes256Gcm first(array_of<32>(hex(key)));
  Aes256Gcm cipher = std::move(first);
  const GcmIv iv = array_of<12>(hex("cafebabefacedbaddecaf888"));
  Bytes text = hex(plaintext_64);
  GcmTag tag;
  cipher.seal(iv, {}, text, text, tag);
  EXPECT_EQ(to_hex(text), ciphertext_64);
  EXPECT_TRUE(cipher.open(iv, {}, text, tag, text));
  EXPECT_EQ(to_hex(text), plaintext_64);
}

// docs/ledger-format.md, the example of recovery shares: the wrapped ledger secret.
TEST(GcmBlob, WorkedExampleAndTampering) {
  Aes256Gcm cipher(
      array_of<32>(hex("c210863d3a90d12cf776a2690c08fc0418386536abcb2e7b04b96f6e04feec14")));
  const Bytes blob =
      hex("826446cd54f4891981cc2ef9021518d7 000000000000000000000000"
          "1696347c8ba886ab563328e34dab32ae852ce601b8c3f8113fbd71228252d08d");
  const Result<Bytes> secret = open_gcm_blob(cipher, blob);
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ(to_hex(*secret), "d917951c0773a06148d2ff5bf0c984d075fdceb601255157ac004bb53b351079");
  EXPECT_EQ(seal_gcm_blob(cipher, GcmIv{}, *secret), blob);
  for (size_t bit = 0; bit < 8 * blob.size(); ++bit) {
    EXPECT_FALSE(open_gcm_blob(cipher, flipped(blob, bit)).ok()) << bit;
  }
  for (size_t size = 0; size < blob.size(); ++size) {
    EXPECT_FALSE(open_gcm_blob(cipher, BytesView(blob).first(size)).ok()) << size;
  }
}

TEST(GcmBlob, DrawsAFreshIvEachTime) {
  Aes256Gcm cipher(random_key());
  const Bytes first = seal_gcm_blob(cipher, as_bytes("secret"));
  const Bytes second = seal_gcm_blob(cipher, as_bytes("secret"));
  EXPECT_NE(first, second);
  EXPECT_EQ(*open_gcm_blob(cipher, first), *open_gcm_blob(cipher, second));
}

}  // namespace
}  // namespace entente::crypto
