#include "gov/signed_message.h"

#include <gtest/gtest.h>

#include "crypto/x509_issue.h"

namespace entente::gov {
namespace {

using crypto::Curve;

struct Member {
  crypto::KeyPair key;
  crypto::Certificate certificate;
  explicit Member(Curve curve)
      : key(crypto::KeyPair::generate(curve)),
        certificate(*crypto::self_signed_identity(key, "CN=member", {UnixTime(1700000000)})) {}
};

const MessageHeader ballot{"ballot", 1700000001, std::string(64, 'b')};

TEST(SignedMessage, SaysWhatItIsAndVerifies) {
  for (const Curve curve : {Curve::p256, Curve::p384, Curve::p521}) {
    const Member member(curve);
    const auto encoded = sign_message(ballot, as_bytes("{}"), member.certificate, member.key);
    ASSERT_TRUE(encoded.ok()) << encoded.error().message;
    const auto read = read_message(*encoded);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(read->header.type, "ballot");
    EXPECT_EQ(read->header.created_at, 1700000001u);
    EXPECT_EQ(read->header.proposal_id, std::string(64, 'b'));
    EXPECT_EQ(read->signer, member.certificate.id());
    EXPECT_EQ(to_text(*read->envelope.payload), "{}");
    EXPECT_TRUE(crypto::cose::verify(read->envelope, member.key.public_key()));
  }
}

TEST(SignedMessage, EmptyPayloadsAreInsideToo) {
  const Member member(Curve::p384);
  const auto encoded =
      sign_message({"state_digest", 5, std::nullopt}, {}, member.certificate, member.key);
  const auto read = read_message(*encoded);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_FALSE(read->header.proposal_id);
  EXPECT_TRUE(read->envelope.payload->empty());
}

TEST(SignedMessage, RefusesTheKeyOfAnotherCertificate) {
  const Member one(Curve::p384), other(Curve::p384);
  EXPECT_FALSE(sign_message(ballot, {}, one.certificate, other.key).ok());
}

TEST(SignedMessage, IsFinishedWithASignatureFromElsewhere) {
  for (const Curve curve : {Curve::p256, Curve::p384, Curve::p521}) {
    const Member member(curve);
    const auto to_sign = prepare_message(ballot, as_bytes("content"), member.certificate);
    ASSERT_TRUE(to_sign.ok());
    EXPECT_EQ(to_sign->digest.size(), crypto::digest_size(crypto::hash_of(curve)));
    const auto signature =
        crypto::der_to_raw_signature(member.key.sign_digest(to_sign->digest), curve);
    ASSERT_TRUE(signature.ok());
    const auto encoded =
        finish_message(ballot, as_bytes("content"), member.certificate, *signature);
    ASSERT_TRUE(encoded.ok()) << encoded.error().message;
    EXPECT_TRUE(crypto::cose::verify(read_message(*encoded)->envelope, member.key.public_key()));
    const auto another =
        finish_message(ballot, as_bytes("other content"), member.certificate, *signature);
    EXPECT_FALSE(another.ok());
    MessageHeader later = ballot;
    ++later.created_at;
    EXPECT_FALSE(finish_message(later, as_bytes("content"), member.certificate, *signature).ok());
  }
}

/// A message with this protected header; unsigned.
Bytes with_header(crypto::cbor::Value header) {
  crypto::cose::Sign1 message;
  message.protected_bytes = crypto::cbor::encode(header);
  message.unprotected_header = crypto::cbor::Value::map({});
  message.payload = Bytes{};
  message.signature = Bytes(64, 1);
  return message.encode();
}

TEST(SignedMessage, RefusesLabelsOfTheWrongKind) {
  using crypto::cbor::Value;
  const auto alg = [] { return std::vector<Value>{Value::integer(1), Value::integer(-7)}; };
  struct Case {
    std::string_view name;
    std::vector<Value> more;
    bool good;
  };
  const Value kid = Value::integer(4), id = Value::byte_string(as_bytes("id"));
  const Value at = Value::text_string(label_created_at), five = Value::integer(5);
  const Value type = Value::text_string(label_type), text = Value::text_string("x");
  const std::vector<Case> cases{{"no type", {kid, id, at, five}, true},
                                {"all", {kid, id, at, five, type, text}, true},
                                {"no kid", {at, five}, false},
                                {"kid is text", {kid, text, at, five}, false},
                                {"no time", {kid, id}, false},
                                {"time is text", {kid, id, at, text}, false},
                                {"time before 1970", {kid, id, at, Value::integer(-1)}, false},
                                {"type is a number", {kid, id, at, five, type, five}, false},
                                {"proposal id is bytes",
                                 {kid, id, at, five, Value::text_string(label_proposal_id), id},
                                 false}};
  for (const Case& one : cases) {
    std::vector<Value> items = alg();
    items.insert(items.end(), one.more.begin(), one.more.end());
    EXPECT_EQ(read_message(with_header(Value::map(std::move(items)))).ok(), one.good) << one.name;
  }
  EXPECT_FALSE(read_message(as_bytes("no message")).ok());
}

}  // namespace
}  // namespace entente::gov
