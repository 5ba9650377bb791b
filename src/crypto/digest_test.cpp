#include "crypto/digest.h"

#include <rapidcheck.h>

#include "crypto/siphash.h"
#include "crypto/test_data.h"

namespace entente::crypto {
namespace {

constexpr std::string_view two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

// FIPS 180-4 examples as published by NIST.
TEST(Sha256, VectorsOfNist) {
  EXPECT_EQ(sha256(BytesView{}).hex(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256(as_bytes("abc")).hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(as_bytes(two_blocks)).hex(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(Bytes(1000000, 'a')).hex(),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PartsAndRunningFormsAgreeWithOneShot) {
  EXPECT_TRUE(rc::check([](const Bytes& a, const Bytes& b, const Bytes& c) {
    Bytes whole = a;
    append(whole, b);
    append(whole, c);
    const Digest expected = sha256(whole);
    RC_ASSERT(sha256({a, b, c}) == expected);
    Sha256 running;
    running.update(a);
    Sha256 fork = running;  // a copy does not disturb the original
    fork.update(c).finish();
    RC_ASSERT(running.update(b).update(c).finish() == expected);
  }));
}

TEST(Sha256, PairIsTheDigestOf64Bytes) {
  EXPECT_TRUE(rc::check([](const std::array<uint8_t, 32>& a, const std::array<uint8_t, 32>& b) {
    RC_ASSERT(sha256_pair(Digest{a}, Digest{b}) == sha256({BytesView(a), BytesView(b)}));
  }));
}

// docs/ledger-format.md, the example of seqno 17: its commit secret, evidence and leaf.
TEST(Sha256, LeafOfTheWorkedExample) {
  const Bytes ledger_secret =
      hex("d917951c0773a06148d2ff5bf0c984d075fdceb601255157ac004bb53b351079");
  const Digest secret = hmac_sha256(ledger_secret, as_bytes("Commit S"));
  EXPECT_EQ(secret.hex(), "c7001b5933cecf49103c001e22641f7141f8b207acd21878b6f435b3291917cd");
  const Digest nonce = hmac_sha256(secret, as_bytes("2.17"));
  const std::string evidence = "ce:2.17:" + nonce.hex();
  EXPECT_EQ(evidence, "ce:2.17:c6b549e9831683c505c6b39792b47f6f3a8897384090dbab705c349182ece503");
  const Digest evidence_digest = sha256(as_bytes(evidence));
  EXPECT_EQ(evidence_digest.hex(),
            "266ee6ffc4bd003458c67798796e06e07ee60c105c3fddeabdf831dca3572b78");
  const Bytes write_set = hex("c5496af8ff336bca85edc3ee95843622b16b0d08296d7f43674e65cfb6d07980");
  EXPECT_EQ(sha256({write_set, evidence_digest, Digest{}}).hex(),
            "520d2e9a61bac7ea344c60b5c31563cd2f6ce3474e8680d44029e8cad13a9aaa");
}

TEST(Sha2, LongerVariants) {
  EXPECT_EQ(to_hex(hash(Hash::sha384, as_bytes("abc"))),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
            "8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(to_hex(hash(Hash::sha512, as_bytes("abc"))),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(to_hex(hash(Hash::sha384, {})),
            "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
            "274edebfe76f65fbd51ad2f14898b95b");
  EXPECT_EQ(hash(Hash::sha256, as_bytes("abc")), to_bytes(sha256(as_bytes("abc"))));
}

struct HmacVector {
  Bytes key;
  Bytes data;
  std::string_view mac;
};

// RFC 4231 §4.2 – §4.8 (§4.6 is truncated to 128 bits there).
TEST(Hmac, VectorsOfRfc4231) {
  const HmacVector vectors[] = {
      {Bytes(20, 0x0b), to_bytes(std::string_view("Hi There")),
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {to_bytes(std::string_view("Jefe")),
       to_bytes(std::string_view("what do ya want for nothing?")),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {Bytes(20, 0xaa), Bytes(50, 0xdd),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {hex("0102030405060708090a0b0c0d0e0f10111213141516171819"), Bytes(50, 0xcd),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {Bytes(20, 0x0c), to_bytes(std::string_view("Test With Truncation")),
       "a3b6167473100ee06e0c796c2955552b"},
      {Bytes(131, 0xaa),
       to_bytes(std::string_view("Test Using Larger Than Block-Size Key - Hash Key First")),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {Bytes(131, 0xaa),
       to_bytes(std::string_view(
           "This is a test using a larger than block-size key and a larger than block-size data. "
           "The key needs to be hashed before being used by the HMAC algorithm.")),
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"}};
  for (const HmacVector& vector : vectors) {
    EXPECT_EQ(hmac_sha256(vector.key, vector.data).hex().substr(0, vector.mac.size()), vector.mac);
  }
}

TEST(Hmac, KeyScheduleIsReusable) {
  const HmacSha256 hmac(as_bytes("Jefe"));
  const Digest expected = hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(hmac.mac({as_bytes("what do ya "), as_bytes("want for nothing?")}), expected);
  }
  const HmacSha256 copy = hmac;
  EXPECT_EQ(copy.mac(as_bytes("what do ya want for nothing?")), expected);
}

// RFC 5869 appendix A, cases 1 to 3.
TEST(Hkdf, VectorsOfRfc5869) {
  EXPECT_EQ(
      hkdf_sha256(Bytes(22, 0x0b), hex("000102030405060708090a0b0c"), hex("f0f1f2f3f4f5f6f7f8f9"),
                  42),
      hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"));
  Bytes ikm, salt, info;
  for (int i = 0; i < 80; ++i) {
    ikm.push_back(static_cast<uint8_t>(i));
    salt.push_back(static_cast<uint8_t>(0x60 + i));
    info.push_back(static_cast<uint8_t>(0xb0 + i));
  }
  EXPECT_EQ(hkdf_sha256(ikm, salt, info, 82),
            hex("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
                "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
                "cc30c58179ec3e87c14c01d5c1f3434f1d87"));
  EXPECT_EQ(
      hkdf_sha256(Bytes(22, 0x0b), {}, {}, 42),
      hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"));
  EXPECT_TRUE(hkdf_sha256(ikm, salt, info, 0).empty());
}

TEST(Hkdf, LongestOutputAndPrefixes) {
  const Bytes longest = hkdf_sha256(as_bytes("key"), {}, {}, 8160);
  ASSERT_EQ(longest.size(), 8160u);
  for (const size_t length : {1u, 31u, 32u, 33u, 8159u}) {
    EXPECT_TRUE(
        equal(hkdf_sha256(as_bytes("key"), {}, {}, length), BytesView(longest).first(length)));
  }
  EXPECT_DEATH(hkdf_sha256(as_bytes("key"), {}, {}, 8161), "length");
}

// RFC 4231, cases 2 and 6: a short key, and one longer than a block.
TEST(Hmac, VectorsOfTheRfcForEveryHash) {
  struct Vector {
    Bytes key;
    std::string_view message;
    std::string_view macs[3];
  };
  const Vector vectors[] = {{to_bytes("Jefe"),
                             "what do ya want for nothing?",
                             {"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
                              "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
                              "8e2240ca5e69e2c78b3239ecfab21649",
                              "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                              "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}},
                            {Bytes(131, 0xaa),
                             "Test Using Larger Than Block-Size Key - Hash Key First",
                             {"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
                              "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
                              "0c2ef6ab4030fe8296248df163f44952",
                              "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
                              "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"}}};
  for (const Vector& vector : vectors) {
    for (const Hash hash : {Hash::sha256, Hash::sha384, Hash::sha512}) {
      EXPECT_EQ(hmac(hash, vector.key, as_bytes(vector.message)),
                hex(vector.macs[static_cast<size_t>(hash)]));
    }
    EXPECT_EQ(hmac(Hash::sha256, vector.key, as_bytes(vector.message)),
              to_bytes(hmac_sha256(vector.key, as_bytes(vector.message))));
  }
  EXPECT_EQ(hmac(Hash::sha512, {}, {}), hmac(Hash::sha512, Bytes(128), {}));
}

// The vectors of the reference implementation: key 00 … 0f, input 00 01 02 … of each length.
TEST(SipHash, VectorsOfTheReference) {
  const std::string_view outputs[] = {"310e0edd47db6f72", "fd67dc93c539f874", "5a4fa9d909806c0d",
                                      "2d7efbd796666785", "b7877127e09427cf", "8da699cd64557618",
                                      "cee3fe586e46c9cb", "37d1018bf50002ab", "6224939a79f5f593",
                                      "b0e4a90bdf82009e"};
  Bytes input;
  for (const std::string_view output : outputs) {
    uint64_t expected;
    std::memcpy(&expected, hex(output).data(), 8);
    EXPECT_EQ(siphash24(input, 0x0706050403020100, 0x0f0e0d0c0b0a0908), expected) << input.size();
    input.push_back(static_cast<uint8_t>(input.size()));
  }
}

// The worked example in the appendix of the SipHash paper: 15 bytes.
TEST(SipHash, ExampleOfThePaper) {
  EXPECT_EQ(
      siphash24(hex("000102030405060708090a0b0c0d0e"), 0x0706050403020100, 0x0f0e0d0c0b0a0908),
      0xa129ca6149be45e5);
}

}  // namespace
}  // namespace entente::crypto
