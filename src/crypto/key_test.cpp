#include "crypto/key.h"

#include <openssl/err.h>
#include <rapidcheck.h>

#include <thread>

#include "crypto/pem.h"
#include "crypto/random.h"
#include "crypto/test_data.h"

namespace entente::crypto {
namespace {

constexpr Curve curves[] = {Curve::p256, Curve::p384, Curve::p521};

struct SignatureVector {
  Curve curve;
  std::string_view scalar, x, y, message, r, s;
};

// RFC 6979 appendix A.2.5, A.2.6, A.2.7, each with the hash of its curve.
constexpr SignatureVector rfc6979[] = {
    {Curve::p256, "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
     "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
     "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299", "sample",
     "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
     "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"},
    {Curve::p256, "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
     "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
     "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299", "test",
     "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
     "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"},
    {Curve::p384,
     "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2E"
     "DF5",
     "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64DEF8F0EA9055866064A254515480B"
     "C13",
     "8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD2533264"
     "720",
     "sample",
     "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FAB"
     "E46",
     "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628"
     "AC8"},
    {Curve::p521,
     "00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16"
     "FCC1466F6D8FBEC67DB89EC0C08B0E996B83538",
     "01894550D0785932E00EAA23B694F213F8C3121F86DC97A04E5A7167DB4E5BCD371123D46E45DB6B5D5370A7F20FB"
     "633155D38FFA16D2BD761DCAC474B9A2F5023A4",
     "00493101C962CD4D2FDDF782285E64584139C2F91B47F87FF82354D6630F746A28A0DB25741B5B34A828008B22ACC"
     "23F924FAAFBD4D33F81EA66956DFEAA2BFDFCF5",
     "sample",
     "00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F174E25A1EE9017B5D450606ADD152"
     "B534931D7D4E8455CC91F9B15BF05EC36E377FA",
     "00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF282623EAA63E5B5C0723D8B8C37FF"
     "0777B1A20F8CCB1DCCC43997F1EE0E44DA4A67A"}};

TEST(Ecdsa, VectorsOfRfc6979) {
  for (const SignatureVector& vector : rfc6979) {
    const auto pair = KeyPair::from_scalar(vector.curve, hex(vector.scalar));
    ASSERT_TRUE(pair.ok()) << pair.error().message;
    const auto key = PublicKey::from_coordinates(vector.curve, hex(vector.x), hex(vector.y));
    ASSERT_TRUE(key.ok()) << key.error().message;
    EXPECT_TRUE(*key == pair->public_key());

    const BytesView message = as_bytes(vector.message);
    Bytes raw = hex(vector.r);
    append(raw, hex(vector.s));
    EXPECT_TRUE(key->verify_raw(message, raw));
    const Bytes der = raw_to_der_signature(raw, vector.curve).value();
    EXPECT_TRUE(key->verify(message, der));
    EXPECT_TRUE(key->verify_digest(hash(hash_of(vector.curve), message), der));
    EXPECT_FALSE(key->verify(as_bytes("Sample"), der));
    for (size_t bit = 0; bit < 8 * raw.size(); bit += 41) {
      EXPECT_FALSE(key->verify_raw(message, flipped(raw, bit))) << bit;
    }
  }
}

// RFC 7515 appendix A.3: a JSON web token signed ES256.
TEST(Ecdsa, JsonWebSignatureOfRfc7515) {
  const auto key = PublicKey::from_coordinates(
      Curve::p256, *from_base64url("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
      *from_base64url("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"));
  ASSERT_TRUE(key.ok()) << key.error().message;
  EXPECT_TRUE(key->verify_raw(
      as_bytes("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9le"
               "GFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"),
      *from_base64url("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqP"
                      "P3-Kg6NU1Q"),
      Hash::sha256));
}

TEST(Ecdsa, SignaturesOfEachFormVerifyAndOnlyUnderTheirKey) {
  for (const Curve curve : curves) {
    const KeyPair pair = KeyPair::generate(curve);
    const KeyPair stranger = KeyPair::generate(curve);
    EXPECT_TRUE(rc::check([&](const Bytes& message) {
      const PublicKey& key = pair.public_key();
      const Bytes der = pair.sign(message), raw = pair.sign_raw(message);
      RC_ASSERT(key.verify(message, der));
      RC_ASSERT(key.verify_raw(message, raw));
      RC_ASSERT(raw.size() == 2 * coordinate_size(curve));
      RC_ASSERT(!stranger.public_key().verify(message, der));
      Bytes longer = message;
      longer.push_back(0);
      RC_ASSERT(!key.verify(longer, der));
      RC_ASSERT(!key.verify(message, raw));
      RC_ASSERT(!key.verify_raw(message, der));
    }));
  }
}

// Node signatures are over a 32-byte Merkle root used as the digest itself, whatever the curve.
TEST(Ecdsa, SignsA32ByteDigestUnderEveryCurve) {
  const Digest root = sha256(as_bytes("root"));
  for (const Curve curve : curves) {
    const KeyPair pair = KeyPair::generate(curve);
    const Bytes signature = pair.sign_digest(root);
    EXPECT_TRUE(pair.public_key().verify_digest(root, signature));
    EXPECT_FALSE(pair.public_key().verify_digest(sha256(as_bytes("other")), signature));
    EXPECT_EQ(pair.public_key().verify(as_bytes("root"), signature), curve == Curve::p256);
  }
}

TEST(Ecdsa, MalformedSignaturesAreRefusedAndLeaveNoOpenSslErrors) {
  const KeyPair pair = KeyPair::generate(Curve::p256);
  const Digest digest = sha256(as_bytes("x"));
  const Bytes good = pair.sign_digest(digest);
  Bytes trailing = good;
  trailing.push_back(0);
  const Bytes bad[] = {{},      {0x30}, Bytes(8, 0xff), Bytes(10000, 0x30), hex("3006020100020100"),
                       trailing};
  for (const Bytes& signature : bad) {
    EXPECT_FALSE(pair.public_key().verify_digest(digest, signature)) << to_hex(signature);
  }
  EXPECT_FALSE(pair.public_key().verify_digest({}, good));
  EXPECT_FALSE(pair.public_key().verify_digest(Bytes(65), good));
  EXPECT_FALSE(pair.public_key().verify_raw(as_bytes("x"), Bytes(64)));
  EXPECT_FALSE(pair.public_key().verify_raw(as_bytes("x"), Bytes(63)));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(P1363, ConversionRoundTripsAnyNumbers) {
  EXPECT_TRUE(rc::check([] {
    const Curve curve = *rc::gen::element(Curve::p256, Curve::p384, Curve::p521);
    const size_t size = 2 * coordinate_size(curve);
    Bytes raw = *rc::gen::container<Bytes>(size, rc::gen::arbitrary<uint8_t>());
    const size_t leading_zeros = *rc::gen::inRange<size_t>(0, size);
    for (size_t i = 0; i < leading_zeros; ++i) raw[i] = 0;
    const Result<Bytes> der = raw_to_der_signature(raw, curve);
    RC_ASSERT(der.ok());
    const Result<Bytes> back = der_to_raw_signature(*der, curve);
    RC_ASSERT(back.ok());
    RC_ASSERT(*back == raw);
  }));
}

TEST(P1363, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(raw_to_der_signature(Bytes(63), Curve::p256).ok());
  EXPECT_FALSE(raw_to_der_signature(Bytes(96), Curve::p256).ok());
  EXPECT_FALSE(raw_to_der_signature({}, Curve::p521).ok());
  EXPECT_FALSE(der_to_raw_signature(hex("3006020100"), Curve::p256).ok());
  EXPECT_FALSE(der_to_raw_signature(hex("3006 0201ff 020101"), Curve::p256).ok());  // negative
  EXPECT_FALSE(der_to_raw_signature(hex("3006020101020101 00"), Curve::p256).ok());
  const Bytes wide = raw_to_der_signature(Bytes(96, 0x7f), Curve::p384).value();
  EXPECT_FALSE(der_to_raw_signature(wide, Curve::p256).ok());
  EXPECT_TRUE(der_to_raw_signature(wide, Curve::p521).ok());
}

TEST(Keys, RoundTripThroughPemAndDer) {
  for (const Curve curve : curves) {
    const KeyPair pair = KeyPair::generate(curve);
    EXPECT_EQ(pair.curve(), curve);
    const auto again = KeyPair::from_pem(pair.private_pem());
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_TRUE(again->public_key() == pair.public_key());
    const auto from_pem = PublicKey::from_pem(pair.public_key().pem());
    ASSERT_TRUE(from_pem.ok());
    const auto from_der = PublicKey::from_der(pair.public_key().der());
    ASSERT_TRUE(from_der.ok());
    EXPECT_EQ(from_pem->id(), pair.public_key().id());
    EXPECT_EQ(from_der->der(), pair.public_key().der());
    EXPECT_EQ(from_der->id(), sha256(pair.public_key().der()).hex());
    EXPECT_TRUE(from_der->verify(as_bytes("m"), again->sign(as_bytes("m"))));
  }
}

// Throw-away keys made by the openssl command line: `ecparam -genkey`, `pkcs8 -topk8`, `ec
// -pubout`, `ec -aes128`, and `ecparam -param_enc explicit`.
constexpr std::string_view sec1_pem = R"(-----BEGIN EC PARAMETERS-----
BggqhkjOPQMBBw==
-----END EC PARAMETERS-----
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIFRrsOMxEFTp9pM8HV06X8zY3DPoNPaK9kuKmDeOwzDwoAoGCCqGSM49
AwEHoUQDQgAEnuJgNkEPV7Rmjvg3w6rsBtYbwSc/GZ2j0QlgdSWgdZJ7961OYI5p
DoQQTinn2B1Lw9T40ZIxw+hyaAbNaAT/Qw==
-----END EC PRIVATE KEY-----
)";
constexpr std::string_view pkcs8_pem = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVGuw4zEQVOn2kzwd
XTpfzNjcM+g09or2S4qYN47DMPChRANCAASe4mA2QQ9XtGaO+DfDquwG1hvBJz8Z
naPRCWB1JaB1knv3rU5gjmkOhBBOKefYHUvD1PjRkjHD6HJoBs1oBP9D
-----END PRIVATE KEY-----
)";
constexpr std::string_view public_pem = R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEnuJgNkEPV7Rmjvg3w6rsBtYbwSc/
GZ2j0QlgdSWgdZJ7961OYI5pDoQQTinn2B1Lw9T40ZIxw+hyaAbNaAT/Qw==
-----END PUBLIC KEY-----
)";
constexpr std::string_view encrypted_pkcs8_pem = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiVTxLLh60IFgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEGvbGXiO6cYfOmIVK66flHIEgZBV
FfofE+0ja6YELcY9xryB9lkNiryrs9kMLltSfFX4pvkE6/wLQl9vK0GJ9JQWcnGh
bV6etDO6mwdFrL9Dr152GVBXR54VYZls78VfIqhHg78Rp3sx+X9TCP6H31HPRb36
vmv0x8yCeViIEf5RohDytwiUBgAV5SF6UAAeLljRP+pR2bWRlwVKk28pEn3GZhA=
-----END ENCRYPTED PRIVATE KEY-----
)";
constexpr std::string_view encrypted_sec1_pem = R"(-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,C9C6E6E99E486DC5F4583C2234DF8AFB

8ph+X/nsYfJzzqQxmJkn8dJKpW8812CMj5BIn1yqiFoHfEJnYPfxsPkQsvhxCoAP
obwR0pS1+HMqAZvyeCLEzuefwg0iy/U6Lt+udE1WVbcWUqPrM4vjNxRGa1NRv/lI
X5AWmzPSTjGpErtC/gRPAwvtPl9U1NPCtuwTO/bSjws=
-----END EC PRIVATE KEY-----
)";
constexpr std::string_view explicit_curve_pem = R"(-----BEGIN PUBLIC KEY-----
MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAA
AAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA////
///////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSd
NgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5
RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA
//////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABJS2ZA/vSU3nyoB8gfsF1g5A
CBG0mBavTule8m4dYeuxqa8EnbxdHcFYzgMubZyrh/tMw0v8IkELepTwFRsJeq4=
-----END PUBLIC KEY-----
)";

TEST(Keys, FilesOfTheOpensslCommandLine) {
  const auto key = PublicKey::from_pem(public_pem);
  ASSERT_TRUE(key.ok()) << key.error().message;
  for (const std::string_view pem : {sec1_pem, pkcs8_pem}) {
    const auto pair = KeyPair::from_pem(pem);
    ASSERT_TRUE(pair.ok()) << pair.error().message;
    EXPECT_TRUE(pair->public_key() == *key);
  }
  EXPECT_EQ(key->pem(), public_pem);
  EXPECT_EQ(KeyPair::from_pem(sec1_pem)->private_pem(), pkcs8_pem);
}

TEST(Keys, EncryptedAndForeignPemIsAnErrorAndNeverAPrompt) {
  for (const std::string_view pem : {encrypted_pkcs8_pem, encrypted_sec1_pem, public_pem,
                                     std::string_view("no key"), std::string_view()}) {
    const auto pair = KeyPair::from_pem(pem);
    EXPECT_FALSE(pair.ok());
    EXPECT_NE(pair.error().message, "");
  }
  EXPECT_FALSE(PublicKey::from_pem(pkcs8_pem).ok());
  EXPECT_FALSE(KeyPair::from_pem(std::string(max_pem_size + 1, '-')).ok());
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(Keys, ExplicitCurveParametersAreRefused) {
  EXPECT_FALSE(PublicKey::from_pem(explicit_curve_pem).ok());
}

TEST(Keys, PrivateAndPublicPartMustMatch) {
  Bytes der = parse_pem(sec1_pem)->at(1).der;
  der[10] ^= 1;  // inside the private scalar
  EXPECT_FALSE(KeyPair::from_pem(to_pem("EC PRIVATE KEY", der)).ok());
}

TEST(Keys, SameSourceStateGivesTheSameKey) {
  class Counter final : public RandomSource {
   public:
    void fill(std::span<uint8_t> out) override {
      for (uint8_t& byte : out) byte = next_++;
    }

   private:
    uint8_t next_ = 1;
  };
  for (const Curve curve : curves) {
    Counter first, second;
    EXPECT_TRUE(KeyPair::generate(curve, first).public_key() ==
                KeyPair::generate(curve, second).public_key());
  }
}

TEST(Keys, ScalarsOutsideTheGroupAreRefused) {
  const Bytes order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  EXPECT_FALSE(KeyPair::from_scalar(Curve::p256, order).ok());
  EXPECT_FALSE(KeyPair::from_scalar(Curve::p256, Bytes(32)).ok());
  EXPECT_FALSE(KeyPair::from_scalar(Curve::p256, Bytes(31, 1)).ok());
  Bytes below = order;
  below.back() -= 1;
  EXPECT_TRUE(KeyPair::from_scalar(Curve::p256, below).ok());
}

TEST(Keys, HostilePublicKeysAreRefused) {
  const Bytes good = KeyPair::generate(Curve::p256).public_key().der();
  Bytes off_curve = good;
  off_curve.back() ^= 1;
  EXPECT_FALSE(PublicKey::from_der(off_curve).ok());
  Bytes trailing = good;
  trailing.push_back(0);
  EXPECT_FALSE(PublicKey::from_der(trailing).ok());
  EXPECT_FALSE(PublicKey::from_der({}).ok());
  EXPECT_FALSE(PublicKey::from_coordinates(Curve::p256, Bytes(32), Bytes(32)).ok());
  EXPECT_FALSE(PublicKey::from_coordinates(Curve::p256, Bytes(48), Bytes(48)).ok());
  // The point at infinity: a single zero byte as the point.
  EXPECT_FALSE(
      PublicKey::from_der(hex("3019301306072a8648ce3d020106082a8648ce3d03010703020000")).ok());
  // secp256k1 is a curve, but not one of ours.
  EXPECT_FALSE(
      PublicKey::from_der(hex("3056301006072a8648ce3d020106052b8104000a034200"
                              "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
                              "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"))
          .ok());
  // Ed25519.
  EXPECT_FALSE(
      PublicKey::from_der(hex("302a300506032b6570032100"
                              "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
          .ok());
}

TEST(Keys, CompressedPointsGetTheIdOfTheUncompressedOne) {
  const PublicKey key = KeyPair::from_scalar(Curve::p256, hex(rfc6979[0].scalar))->public_key();
  const auto compressed = PublicKey::from_der(
      hex("3039301306072a8648ce3d020106082a8648ce3d030107032200"
          "0360FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"));
  ASSERT_TRUE(compressed.ok()) << compressed.error().message;
  EXPECT_EQ(compressed->der(), key.der());
  EXPECT_EQ(compressed->id(), key.id());
}

TEST(Keys, AreUsableFromManyThreadsAtOnce) {
  const KeyPair pair = KeyPair::generate(Curve::p256);
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const Bytes message = {static_cast<uint8_t>(t), static_cast<uint8_t>(i)};
        if (pair.public_key().verify(message, pair.sign(message))) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 200);
}

TEST(Keys, MemberKeysOfTheSampleLedger) {
  ENTENTE_SAMPLE_OR_SKIP(folder, "acme_containing_service");
  for (const std::string member : {"member0", "member1", "member2"}) {
    const auto pair = KeyPair::from_pem(read_text(folder + "/common/" + member + "_privk.pem"));
    ASSERT_TRUE(pair.ok()) << pair.error().message;
    EXPECT_EQ(pair->curve(), Curve::p384);
  }
}

}  // namespace
}  // namespace entente::crypto
