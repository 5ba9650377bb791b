// ccf.crypto. What it computes is compared with src/crypto, whose own tests know the vectors of the
// RFCs, and with values that another implementation made.
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/jwk.h"
#include "crypto/key_wrap.h"
#include "crypto/test_data.h"
#include "crypto/x509_issue.h"
#include "js/test_ccf.h"

namespace entente::js {
namespace {

using crypto::Curve;
using crypto::Hash;
using crypto::hex;
using crypto::KeyPair;

constexpr crypto::Validity ten_days{UnixTime(1699990000), 10};

class CcfCrypto : public testing::Test {
 protected:
  void SetUp() override {
    script(R"(
      globalThis.c = ccf.crypto;
      globalThis.h = buffer => Array.from(new Uint8Array(buffer), x => x.toString(16).padStart(2, '0')).join('');)");
  }
  /// A buffer that the code gives.
  Bytes bytes(std::string_view code, std::initializer_list<Argument> arguments = {}) {
    const std::string text = script("h(" + std::string(code) + ")", arguments);
    const auto out = from_hex(text);
    EXPECT_TRUE(out) << code << ": " << text;
    return out.value_or(Bytes{});
  }
  std::string thrown(std::string_view code, std::initializer_list<Argument> arguments = {}) {
    return script("e(() => " + std::string(code) + ")", arguments);
  }
  CcfUse script{ccf_isolate()};
};

// Checklist 86.
TEST_F(CcfCrypto, digest) {
  EXPECT_EQ(bytes("c.digest('SHA-256', b('abc'))"),
            hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  for (const std::string_view name : {"SHA-1", "SHA-384", "sha-256", ""}) {
    EXPECT_EQ(thrown("c.digest(args[0], b('abc'))", {name}),
              "RangeError: unsupported digest algorithm, supported: SHA-256");
  }
  EXPECT_EQ(thrown("c.digest('SHA-256', 'abc')"), "TypeError: Argument must be an ArrayBuffer");
  EXPECT_EQ(thrown("c.digest(5, b('abc'))"), "TypeError: Argument must be a string");
  EXPECT_TRUE(thrown("c.digest('SHA-256')").starts_with("TypeError: Passed 1 arg"));
}

// Checklist 80.
TEST_F(CcfCrypto, aes_keys) {
  EXPECT_EQ(script("[128, 192, 256].map(bits => c.generateAesKey(bits).byteLength).join()"),
            "16,24,32");
  EXPECT_NE(bytes("c.generateAesKey(256)"), bytes("c.generateAesKey(256)"));
  for (const std::string_view wrong : {"512", "0", "-128", "128.5", "NaN", "'128'", "undefined"}) {
    EXPECT_EQ(thrown("c.generateAesKey(" + std::string(wrong) + ")"),
              "RangeError: invalid key size (not one of 128, 192, 256)");
  }
}

// Checklist 81.
TEST_F(CcfCrypto, generated_pairs_parse_elsewhere) {
  const auto halves = [&](std::string_view code) {
    script("globalThis.pair = " + std::string(code));
    return std::pair(script("pair.privateKey"), script("pair.publicKey"));
  };
  for (const auto& [name, curve] :
       {std::pair("secp256r1", Curve::p256), std::pair("secp384r1", Curve::p384)}) {
    const auto [secret, open] = halves("c.generateEcdsaKeyPair('" + std::string(name) + "')");
    const auto pair = KeyPair::from_pem(secret);
    ASSERT_TRUE(pair.ok()) << pair.error().message;
    EXPECT_EQ(pair->curve(), curve);
    EXPECT_EQ(pair->public_key().pem(), open);
  }
  for (const auto& [name, curve] : {std::pair("curve25519", crypto::OctetCurve::ed25519),
                                    std::pair("x25519", crypto::OctetCurve::x25519)}) {
    const auto [secret, open] = halves("c.generateEddsaKeyPair('" + std::string(name) + "')");
    const auto pair = crypto::OctetKeyPair::from_pem(secret);
    ASSERT_TRUE(pair.ok()) << pair.error().message;
    EXPECT_EQ(pair->curve(), curve);
    EXPECT_EQ(pair->public_key().pem(), open);
  }
  for (const std::string_view code : {"c.generateRsaKeyPair(2048)", "c.generateRsaKeyPair(2048, 3)",
                                      "c.generateRsaKeyPair(2048, undefined)"}) {
    const auto [secret, open] = halves(code);
    const auto pair = crypto::RsaKeyPair::from_pem(secret);
    ASSERT_TRUE(pair.ok()) << pair.error().message;
    EXPECT_EQ(pair->public_key().bits(), 2048u);
    EXPECT_EQ(pair->public_key().pem(), open);
    EXPECT_EQ(pair->numbers().e, code.find(", 3") == code.npos ? hex("010001") : hex("03"));
  }
}

TEST_F(CcfCrypto, pairs_that_there_are_not) {
  EXPECT_EQ(thrown("c.generateEcdsaKeyPair('secp256k1')"),
            "RangeError: Unsupported curve id, supported: secp256r1, secp384r1");
  EXPECT_EQ(thrown("c.generateEddsaKeyPair('ed448')"),
            "RangeError: Unsupported curve id, supported: curve25519, x25519");
  EXPECT_EQ(thrown("c.generateEcdsaKeyPair(5)"), "TypeError: Argument must be a string");
  for (const std::string_view wrong :
       {"512", "2048, 2", "2048, 0", "2048, -1", "1e300", "2048, 2**33+1"}) {
    EXPECT_TRUE(thrown("c.generateRsaKeyPair(" + std::string(wrong) + ")")
                    .starts_with("InternalError: Failed to generate RSA key pair: "))
        << wrong;
  }
  EXPECT_EQ(thrown("c.generateRsaKeyPair('2048')"), "TypeError: Argument must be a number");
}

TEST(CcfCryptoTime, the_search_for_a_large_key_counts_as_the_script_s_time) {
  Limits limits;
  limits.execution_time = std::chrono::milliseconds(1);
  CcfUse script(ccf_isolate());
  script.use().set_limits(limits);
  auto outcome = script.run("try { for (;;) ccf.crypto.generateRsaKeyPair(8192); } catch { 1 }");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.failure().kind, FailureKind::time_limit);
}

// ------------------------------------------------------------------------ signatures

// Checklist 82.
TEST_F(CcfCrypto, ecdsa_signatures_are_raw_and_verify_elsewhere) {
  const std::pair<std::string_view, Hash> hashes[] = {
      {"SHA-256", Hash::sha256}, {"SHA-384", Hash::sha384}, {"SHA-512", Hash::sha512}};
  for (const Curve curve : {Curve::p256, Curve::p384}) {
    const KeyPair pair = KeyPair::generate(curve);
    const std::string pem = pair.private_pem();
    for (const auto& [name, hash] : hashes) {
      const Bytes signature = bytes("c.sign({name: 'ECDSA', hash: args[1]}, args[0], b('message'))",
                                    {std::string_view(pem), name});
      EXPECT_EQ(signature.size(), 2 * crypto::coordinate_size(curve));
      EXPECT_TRUE(pair.public_key().verify_raw(as_bytes("message"), signature, hash));
    }
  }
}

TEST_F(CcfCrypto, rsa_pss_honours_the_length_of_the_salt) {
  const auto pair = crypto::RsaKeyPair::from_pem(crypto::throw_away_rsa_key).value();
  const auto sign = [&](std::string_view more) {
    return bytes("c.sign({name: 'RSA-PSS', " + std::string(more) + "}, args[0], b('message'))",
                 {crypto::throw_away_rsa_key});
  };
  const auto& key = pair.public_key();
  EXPECT_TRUE(key.verify_pss(Hash::sha256, 0, as_bytes("message"), sign("hash: 'SHA-256'")));
  EXPECT_TRUE(key.verify_pss(Hash::sha256, 32, as_bytes("message"),
                             sign("hash: 'SHA-256', saltLength: 32")));
  EXPECT_TRUE(key.verify_pss(Hash::sha512, 20, as_bytes("message"),
                             sign("hash: 'SHA-512', saltLength: 20")));
  EXPECT_TRUE(thrown("c.sign({name: 'RSA-PSS', hash: 'SHA-256', saltLength: 223}, args[0], b('m'))",
                     {crypto::throw_away_rsa_key})
                  .starts_with("InternalError: Failed to sign: "));
  for (const std::string_view wrong : {"-1", "1.5", "2**40"}) {
    EXPECT_EQ(thrown("c.sign({name: 'RSA-PSS', hash: 'SHA-256', saltLength: " + std::string(wrong) +
                         "}, args[0], b('m'))",
                     {crypto::throw_away_rsa_key})
                  .substr(0, 10),
              "RangeError");
  }
  // Made with the Python package `cryptography`, salt of 32 bytes.
  const std::string elsewhere = to_hex(*from_base64(
      "Q1P3FhZ14f21pyOLigp2yINfGmUj5/rbNyiRiNq2RCihWvXt9wL+WmcuhKkiRA8M4/9BJ0qKzw6XTEyIBqjH"
      "f/1zyXxrGYhXovBDt5z6YCpHNo+2Ssa2JwXyfqRyoq+dIrW2MkzGEc6mtvVlgeBREg+LQwsjLiOP0mcKvhR8"
      "oF6y7PGkQYnTHFkEtI3p21vHoF7HBPQl3/tQk8Ey1bnes3LcBxW7NXCYPE3NULk3ypqRr4h0HEE4HMbnVLLT"
      "+61DD3J2JhFkFkCL7y6SkX7MIWjOsRNDsSnhMcWLyPtXqKu8V/9LLbUIHD6I33HQYOFUUcSoxSNGSKvOvAoY"
      "3Kj7zg=="));
  const std::string pem = key.pem();
  const auto verify = [&](std::string_view salt) {
    return script(
        "c.verifySignature({name: 'RSA-PSS', hash: 'SHA-256', saltLength: " + std::string(salt) +
            "}, args[0], Uint8Array.from(args[1].match(/../g), x => parseInt(x, 16)).buffer,"
            " b('signed elsewhere'))",
        {std::string_view(pem), std::string_view(elsewhere)});
  };
  EXPECT_EQ(verify("32"), "true");
  EXPECT_EQ(verify("0"), "false");
  EXPECT_EQ(verify("undefined"), "false");
}

// RFC 8032 §7.1, test 2.
TEST_F(CcfCrypto, eddsa) {
  const auto pair = crypto::OctetKeyPair::from_raw(
                        crypto::OctetCurve::ed25519,
                        hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
                        .value();
  const std::string secret = pair.private_pem();
  const std::string open = pair.public_key().pem();
  EXPECT_EQ(
      bytes("globalThis.s = c.sign({name: 'EdDSA'}, args[0], b('r'))", {std::string_view(secret)}),
      hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"));
  EXPECT_EQ(script("c.verifySignature({name: 'EdDSA', hash: 'any'}, args[0], s, b('r'))",
                   {std::string_view(open)}),
            "true");
  EXPECT_EQ(
      script("c.verifySignature({name: 'EdDSA'}, args[0], s, b('q'))", {std::string_view(open)}),
      "false");
  EXPECT_TRUE(thrown("c.verifySignature({name: 'EdDSA'}, 'no key', s, b('r'))")
                  .starts_with("RangeError: Failed to verify signature: "));
  EXPECT_TRUE(thrown("c.sign({name: 'EdDSA'}, 'no key', b('r'))")
                  .starts_with("InternalError: Failed to sign with EdDSA pair: "));
}

// RFC 4231, case 2.
TEST_F(CcfCrypto, hmac) {
  constexpr std::string_view macs[][2] = {
      {"SHA-256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {"SHA-384",
       "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab"
       "21649"},
      {"SHA-512",
       "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
       "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}};
  for (const auto& [hash, mac] : macs) {
    EXPECT_EQ(
        bytes("c.sign({name: 'HMAC', hash: args[0]}, 'Jefe', b('what do ya want for nothing?'))",
              {hash}),
        hex(mac));
  }
}

// Checklist 83.
TEST_F(CcfCrypto, verification_with_keys_and_certificates) {
  for (const Curve curve : {Curve::p256, Curve::p384}) {
    const KeyPair pair = KeyPair::generate(curve);
    const std::string secret = pair.private_pem();
    const std::string open = pair.public_key().pem();
    const std::string certificate =
        crypto::self_signed_identity(pair, "CN=signer", ten_days).value().pem();
    script(
        "globalThis.a = {name: 'ECDSA', hash: 'SHA-256'};"
        "globalThis.s = c.sign(a, args[0], b('message'));",
        {std::string_view(secret)});
    for (const std::string& key : {open, certificate}) {
      EXPECT_EQ(script("[c.verifySignature(a, args[0], s, b('message')),"
                       " c.verifySignature(a, args[0], s, b('Message')),"
                       " c.verifySignature(a, args[0], s.slice(1), b('message')),"
                       " c.verifySignature(a, args[0], b(''), b('message'))].join()",
                       {std::string_view(key)}),
                "true,false,false,false");
    }
    EXPECT_EQ(thrown("c.verifySignature({name: 'ECDSA', hash: 'SHA-512'}, args[0], s, b('m'))",
                     {std::string_view(open)}),
              "RangeError: Unsupported hash algorithm, supported: SHA-256");
  }
}

TEST_F(CcfCrypto, signature_errors) {
  const KeyPair pair = KeyPair::generate(Curve::p256);
  const std::string secret = pair.private_pem();
  const std::string open = pair.public_key().pem();
  const std::string_view key = secret;
  EXPECT_EQ(thrown("c.sign({name: 'ECDSA', hash: 'SHA-1'}, args[0], b('m'))", {key}),
            "RangeError: Unsupported hash algorithm, supported: SHA-256, SHA-384, SHA-512");
  EXPECT_EQ(thrown("c.sign({name: 'nothing', hash: 'SHA-1'}, args[0], b('m'))", {key}),
            "RangeError: Unsupported hash algorithm, supported: SHA-256, SHA-384, SHA-512");
  EXPECT_EQ(thrown("c.sign({name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256'}, args[0], b('m'))", {key}),
            "RangeError: Unsupported signing algorithm, supported: RSA-PSS, ECDSA, EdDSA, HMAC");
  EXPECT_EQ(thrown("c.verifySignature({name: 'HMAC', hash: 'SHA-256'}, 'key', b('s'), b('m'))"),
            "RangeError: Unsupported signing algorithm, supported: RSA-PSS, ECDSA, EdDSA");
  for (const std::string_view name : {"ECDSA", "RSA-PSS"}) {
    for (const std::string_view wrong : {"", "no key", "-----BEGIN CERTIFICATE-----"}) {
      EXPECT_TRUE(thrown("c.sign({name: args[0], hash: 'SHA-256'}, args[1], b('m'))", {name, wrong})
                      .starts_with("InternalError: Failed to sign: "));
      EXPECT_TRUE(
          thrown("c.verifySignature({name: args[0], hash: 'SHA-256'}, args[1], b('s'), b('m'))",
                 {name, wrong})
              .starts_with("InternalError: Failed to verify signature: "));
    }
  }
  EXPECT_TRUE(thrown("c.sign({name: 'RSA-PSS', hash: 'SHA-256'}, args[0], b('m'))", {key})
                  .starts_with("InternalError"));  // a key of another kind
  EXPECT_TRUE(
      thrown("c.sign({name: 'ECDSA', hash: 'SHA-256'}, args[0], b('m'))", {std::string_view(open)})
          .starts_with("InternalError"));  // no private key
  for (const std::string_view wrong :
       {"undefined, 'k', b('m')", "'ECDSA', 'k', b('m')", "{}, 'k', b('m')",
        "{name: 5}, 'k', b('m')", "{name: 'ECDSA'}, 'k', b('m')",
        "{name: 'HMAC', hash: 'SHA-256'}, 5, b('m')", "{name: 'HMAC', hash: 'SHA-256'}, 'k', 'm'",
        "{name: 'HMAC', hash: 'SHA-256'}, 'k'"}) {
    EXPECT_EQ(thrown("c.sign(" + std::string(wrong) + ")").substr(0, 10), "TypeError:") << wrong;
  }
  EXPECT_EQ(thrown("c.sign({get name() { throw new EvalError('mine'); }}, 'k', b('m'))"),
            "EvalError: mine");
}

// A private key from outside whose numbers do not fit would otherwise be computed with.
TEST_F(CcfCrypto, a_broken_rsa_key_is_refused) {
  const auto pair = crypto::RsaKeyPair::from_pem(crypto::throw_away_rsa_key).value();
  json::object jwk = crypto::to_jwk(pair);
  std::swap(jwk["p"], jwk["q"]);
  const std::string text = json::dump(jwk);
  EXPECT_TRUE(thrown("c.rsaJwkToPem(JSON.parse(args[0]))", {std::string_view(text)})
                  .starts_with("InternalError: Failed to convert jwk to pem"));
}

// ------------------------------------------------------------------------ wrapping

// Checklist 84.
TEST_F(CcfCrypto, keys_wrapped_here_unwrap_elsewhere_and_the_other_way_round) {
  const auto pair = crypto::RsaKeyPair::from_pem(crypto::throw_away_rsa_key).value();
  const std::string open = pair.public_key().pem();
  const std::string_view secret = crypto::throw_away_rsa_key;
  script(
      "globalThis.open = b(args[0]); globalThis.secret = b(args[1]); globalThis.payload = "
      "b('payload');"
      "globalThis.from = hex => Uint8Array.from(hex.match(/../g), x => parseInt(x, 16)).buffer;",
      {std::string_view(open), secret});
  const auto unwrapped = [&](const Bytes& wrapped, std::string_view key,
                             std::string_view parameters) {
    const std::string text = to_hex(wrapped);
    return script(
        "t(c.unwrapKey(from(args[0]), " + std::string(key) + ", " + std::string(parameters) + "))",
        {std::string_view(text)});
  };
  const BytesView payload = as_bytes("payload");

  EXPECT_EQ(*pair.decrypt_oaep_sha256(bytes("c.wrapKey(payload, open, {name: 'RSA-OAEP'})")),
            to_bytes(payload));
  EXPECT_EQ(
      *pair.decrypt_oaep_sha256(
          bytes("c.wrapKey(payload, open, {name: 'RSA-OAEP', label: b('l')})"), as_bytes("l")),
      to_bytes(payload));
  EXPECT_TRUE(
      pair.decrypt_oaep_sha256(bytes("c.wrapKey(payload, open, {name: 'RSA-OAEP', label: b('')})"))
          .ok());
  EXPECT_EQ(
      unwrapped(*pair.public_key().encrypt_oaep_sha256(payload), "secret", "{name: 'RSA-OAEP'}"),
      "payload");
  EXPECT_EQ(unwrapped(*pair.public_key().encrypt_oaep_sha256(payload, as_bytes("l")), "secret",
                      "{name: 'RSA-OAEP', label: b('l')}"),
            "payload");

  script("globalThis.aes = c.generateAesKey(192)");
  const Bytes aes = bytes("aes");
  EXPECT_EQ(*crypto::unwrap_aes_kwp(aes, bytes("c.wrapKey(payload, aes, {name: 'AES-KWP'})")),
            to_bytes(payload));
  EXPECT_EQ(unwrapped(*crypto::wrap_aes_kwp(aes, payload), "aes", "{name: 'AES-KWP'}"), "payload");

  EXPECT_EQ(*crypto::unwrap_rsa_aes_kwp(
                pair, as_bytes("l"),
                bytes("c.wrapKey(payload, open, "
                      "{name: 'RSA-OAEP-AES-KWP', aesKeySize: 256, label: b('l')})")),
            to_bytes(payload));
  EXPECT_EQ(unwrapped(*crypto::wrap_rsa_aes_kwp(pair.public_key(), 128, {}, payload), "secret",
                      "{name: 'RSA-OAEP-AES-KWP'}"),
            "payload");
}

// Checklist 85.
TEST_F(CcfCrypto, wrapping_errors) {
  const auto pair = crypto::RsaKeyPair::from_pem(crypto::throw_away_rsa_key).value();
  const std::string open = pair.public_key().pem();
  script("globalThis.open = b(args[0]); globalThis.secret = b(args[1]);",
         {std::string_view(open), crypto::throw_away_rsa_key});
  const auto failing = [&](std::string_view code, std::string_view start) {
    const std::string text = thrown(code);
    EXPECT_TRUE(text.starts_with(start)) << code << ": " << text;
  };
  constexpr std::string_view wrap = "InternalError: Failed to wrap key: ";
  constexpr std::string_view unwrap = "InternalError: Failed to unwrap key: ";
  EXPECT_EQ(script("c.wrapKey(new ArrayBuffer(190), open, {name: 'RSA-OAEP'}).byteLength"), "256");
  failing("c.wrapKey(new ArrayBuffer(191), open, {name: 'RSA-OAEP'})", wrap);
  failing("c.wrapKey(b('p'), b('no key'), {name: 'RSA-OAEP'})", wrap);
  failing("c.wrapKey(b('p'), secret, {name: 'RSA-OAEP'})", wrap);
  failing("c.unwrapKey(b('p'), secret, {name: 'RSA-OAEP'})", unwrap);
  failing(
      "c.unwrapKey(c.wrapKey(b('p'), open, {name: 'RSA-OAEP'}), secret, {name: 'RSA-OAEP', label: "
      "b('l')})",
      unwrap);
  failing("c.wrapKey(b(''), c.generateAesKey(128), {name: 'AES-KWP'})", wrap);
  failing("c.wrapKey(b('p'), b('fifteen bytes..'), {name: 'AES-KWP'})", wrap);
  failing("c.unwrapKey(new ArrayBuffer(16), c.generateAesKey(128), {name: 'AES-KWP'})", unwrap);
  failing("c.wrapKey(b('p'), open, {name: 'RSA-OAEP-AES-KWP'})", wrap);
  failing("c.wrapKey(b('p'), open, {name: 'RSA-OAEP-AES-KWP', aesKeySize: 100})", wrap);
  failing("c.unwrapKey(b('p'), secret, {name: 'RSA-OAEP-AES-KWP'})", unwrap);
  EXPECT_EQ(thrown("c.wrapKey(b('p'), open, {name: 'AES-GCM'})"),
            "RangeError: unsupported key wrapping algorithm, supported: RSA-OAEP, AES-KWP, "
            "RSA-OAEP-AES-KWP");
  EXPECT_EQ(thrown("c.unwrapKey(b('p'), open, {name: ''})"),
            "RangeError: unsupported key unwrapping algorithm, supported: RSA-OAEP, AES-KWP, "
            "RSA-OAEP-AES-KWP");
  for (const std::string_view wrong :
       {"'p', open, {name: 'RSA-OAEP'}", "b('p'), 'key', {name: 'RSA-OAEP'}",
        "b('p'), open, 'RSA-OAEP'", "b('p'), open, {}",
        "b('p'), open, {name: 'RSA-OAEP', label: 'l'}", "b('p'), open",
        "b('p'), open, {name: 'RSA-OAEP-AES-KWP', aesKeySize: '128'}"}) {
    failing("c.wrapKey(" + std::string(wrong) + ")", "TypeError: ");
  }
}

// A getter that detaches a buffer must not leave a view of freed memory behind.
TEST_F(CcfCrypto, parameters_are_read_before_buffers) {
  EXPECT_EQ(thrown("(() => { const p = new ArrayBuffer(64), k = c.generateAesKey(128);"
                   "c.wrapKey(p, k, {get name() { p.transfer?.(0); return 'AES-KWP'; }}); })()")
                .substr(0, 9),
            script("'transfer' in ArrayBuffer.prototype") == "true" ? "TypeError" : "nothing t");
}

// ------------------------------------------------------------------------ certificates

struct Family {
  KeyPair root_key = KeyPair::generate(Curve::p256);
  KeyPair middle_key = KeyPair::generate(Curve::p256);
  KeyPair leaf_key = KeyPair::generate(Curve::p256);
  crypto::Certificate root = crypto::self_signed_ca(root_key, "CN=Root", ten_days).value();
  crypto::Certificate middle =
      crypto::endorse_service(middle_key.public_key(), "CN=Middle", root_key, root, ten_days)
          .value();
  crypto::CertificateRequest request = crypto::make_request(leaf_key, "CN=Leaf", {}).value();
  crypto::Certificate near = crypto::issue_from_request(request, root_key, root, ten_days).value();
  crypto::Certificate far =
      crypto::issue_from_request(request, middle_key, middle, ten_days).value();
};

// Checklist 87.
TEST_F(CcfCrypto, certificate_chains) {
  const Family family;
  const Family other;
  const auto valid = [&](const std::string& chain, const std::string& anchors) {
    return script("c.isValidX509CertChain(args[0], args[1])",
                  {std::string_view(chain), std::string_view(anchors)});
  };
  EXPECT_EQ(valid(family.near.pem(), family.root.pem()), "true");
  EXPECT_EQ(valid(family.far.pem() + family.middle.pem(), family.root.pem()), "true");
  EXPECT_EQ(valid(family.far.pem(), family.root.pem()), "false");
  EXPECT_EQ(valid(family.far.pem(), other.root.pem() + family.middle.pem()), "true");
  EXPECT_EQ(valid(family.near.pem(), other.root.pem()), "false");
  EXPECT_EQ(valid(family.near.pem(), family.near.pem()), "false");  // not a CA
  for (const std::string& wrong : {std::string(), std::string("no certificate")}) {
    EXPECT_EQ(valid(wrong, family.root.pem()), "false");
    EXPECT_EQ(valid(family.near.pem(), wrong), "false");
  }
  EXPECT_EQ(script("c.isValidX509CertChain(5, {})"), "false");
  const UnixTime now = ccf_clock().date;
  ccf_clock().date = now + std::chrono::days(11);
  EXPECT_EQ(valid(family.near.pem(), family.root.pem()), "false");
  ccf_clock().date = now;
}

TEST_F(CcfCrypto, certificate_bundles) {
  const Family family;
  const auto valid = [&](const std::string& text) {
    return script("c.isValidX509CertBundle(args[0])", {std::string_view(text)});
  };
  EXPECT_EQ(valid(family.near.pem()), "true");
  EXPECT_EQ(valid(family.near.pem() + "anything"), "true");
  EXPECT_EQ(valid(""), "true");
  EXPECT_EQ(valid("no certificate"), "false");
  EXPECT_EQ(valid(family.root_key.private_pem()), "false");
  EXPECT_EQ(script("[5, null, undefined, {}, []].map(x => c.isValidX509CertBundle(x)).join()"),
            "false,false,false,false,true");
  EXPECT_EQ(thrown("c.isValidX509CertBundle({toString() { throw new EvalError('mine'); }})"),
            "EvalError: mine");
}

// ------------------------------------------------------------------------ JSON web keys

// Checklist 88.
TEST_F(CcfCrypto, json_web_keys_round_trip) {
  const KeyPair ec = KeyPair::generate(Curve::p384);
  const auto ed = crypto::OctetKeyPair::generate(crypto::OctetCurve::ed25519);
  const auto rsa = crypto::RsaKeyPair::from_pem(crypto::throw_away_rsa_key).value();
  struct Case {
    std::string_view to_jwk, to_pem;
    std::string pem;
    json::object jwk;
  };
  const Case cases[] = {
      {"pubPemToJwk", "pubJwkToPem", ec.public_key().pem(), crypto::to_jwk(ec.public_key())},
      {"pemToJwk", "jwkToPem", ec.private_pem(), crypto::to_jwk(ec)},
      {"pubRsaPemToJwk", "pubRsaJwkToPem", rsa.public_key().pem(),
       crypto::to_jwk(rsa.public_key())},
      {"rsaPemToJwk", "rsaJwkToPem", rsa.private_pem(), crypto::to_jwk(rsa)},
      {"pubEddsaPemToJwk", "pubEddsaJwkToPem", ed.public_key().pem(),
       crypto::to_jwk(ed.public_key())},
      {"eddsaPemToJwk", "eddsaJwkToPem", ed.private_pem(), crypto::to_jwk(ed)}};
  for (const Case& one : cases) {
    const std::string to = "c." + std::string(one.to_jwk), back = "c." + std::string(one.to_pem);
    const std::string_view pem = one.pem;
    EXPECT_EQ(json::parse(script("JSON.stringify(" + to + "(args[0]))", {pem})).value(),
              json::value(one.jwk));
    json::object named = one.jwk;
    named["kid"] = "a key";
    EXPECT_EQ(json::parse(script("JSON.stringify(" + to + "(args[0], 'a key'))", {pem})).value(),
              json::value(named));
    EXPECT_EQ(script("'kid' in " + to + "(args[0], undefined)", {pem}), "false");
    EXPECT_EQ(script(back + "(" + to + "(args[0], 'a key')) === args[0]", {pem}), "true")
        << one.to_jwk;
    for (const Case& wrong : cases) {
      if (wrong.to_jwk == one.to_jwk) continue;
      const std::string text = thrown(to + "(args[0])", {std::string_view(wrong.pem)});
      EXPECT_TRUE(text.starts_with("InternalError: Failed to convert pem to jwk: ")) << text;
    }
    EXPECT_EQ(thrown(to + "(5)"), "TypeError: Argument must be a string");
    EXPECT_TRUE(thrown(back + "({})").starts_with("InternalError: Failed to convert jwk to pem"));
    EXPECT_TRUE(
        thrown(back + "(() => 1)").starts_with("InternalError: Failed to convert jwk to pem"));
    EXPECT_EQ(thrown(back + "('text')"), "TypeError: Argument must be an object");
    EXPECT_EQ(thrown(back + "({get kty() { throw new EvalError('mine'); }})"), "EvalError: mine");
  }
}

TEST_F(CcfCrypto, functions_do_not_depend_on_this_and_older_names_exist) {
  EXPECT_EQ(script("const {digest} = ccf.crypto; digest.call(null, 'SHA-256', b('')).byteLength"),
            "32");
  EXPECT_EQ(
      script("['generateAesKey', 'generateRsaKeyPair', 'generateEcdsaKeyPair', 'wrapKey', 'digest',"
             " 'isValidX509CertBundle', 'isValidX509CertChain'].every(n => typeof ccf[n] === "
             "'function')"),
      "true");
  EXPECT_EQ(bytes("ccf.digest('SHA-256', b('abc'))"), bytes("c.digest('SHA-256', b('abc'))"));
  EXPECT_EQ(script("[ccf.sign, ccf.unwrapKey].join()"), ",");
}

}  // namespace
}  // namespace entente::js
