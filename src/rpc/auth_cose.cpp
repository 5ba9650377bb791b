// Policies over a COSE_Sign1 request body (RFC 9052), signed by a registered user or member.

#include <stdexcept>
#include <string>
#include <unordered_map>

#include "crypto/cose.h"
#include "crypto/x509.h"
#include "entente/auth.h"
#include "entente/call.h"
#include "entente/json.h"
#include "entente/kv/tx.h"
#include "rpc/service_tables.h"

namespace entente {
namespace {

using crypto::cbor::Value;

/// A body that calls itself COSE and is not is the client's programming error: 500, as in the
/// reference system.
[[noreturn]] void malformed(const std::string& why) {
  throw std::runtime_error("Failed to decode COSE_Sign1 body: " + why);
}

std::optional<std::string> text_header(const Value& header, std::string_view label) {
  const Value* value = header.find(label);
  if (value == nullptr) return std::nullopt;
  const auto text = value->as_text();
  if (!text) malformed(std::string(label) + " is not a text string");
  return std::string(*text);
}

/// As large as an interface can let a request be; the interface's own bound comes before.
constexpr size_t largest_message = 64u << 20;

std::optional<uint64_t> time_header(const Value& header, std::string_view label) {
  const Value* value = header.find(label);
  if (value == nullptr) return std::nullopt;
  if (value->kind != crypto::cbor::Kind::unsigned_integer) {
    malformed(std::string(label) + " is not a time");
  }
  return value->number;
}

/// nullptr: the stored certificate has no usable key. Parsing costs about a signature check.
const crypto::PublicKey* cached_key(std::string_view pem) {
  constexpr size_t capacity = 256;
  thread_local std::unordered_map<std::string, std::optional<crypto::PublicKey>> keys;
  const std::string id(pem);
  auto known = keys.find(id);
  if (known == keys.end()) {
    if (keys.size() >= capacity) keys.clear();
    std::optional<crypto::PublicKey> parsed;
    if (const auto certificate = crypto::Certificate::from_pem(pem); certificate.ok()) {
      if (auto key = certificate->public_key(); key.ok()) parsed = std::move(*key);
    }
    known = keys.emplace(id, std::move(parsed)).first;
  }
  return known->second ? &*known->second : nullptr;
}

/// What users and members have in common.
class CoseSign1 : public AuthPolicy {
 public:
  void describe_refusal(http::Response& response, std::string_view) const override {
    response.set_header(http::header::www_authenticate,
                        "COSE-SIGN1 realm=\"Signed request access\"");
  }
  std::optional<json::value> openapi_scheme() const override {
    return json::object{
        {"type", "http"},
        {"scheme", "cose_sign1"},
        {"description",
         "Request payload must be a COSE Sign1 document, with expected protected headers. Signer "
         "must be a " +
             std::string(signer_kind_) + " identity registered with this service."}};
  }

 protected:
  CoseSign1(std::string_view signer_kind, std::string_view table)
      : signer_kind_(signer_kind), table_(table) {}

  /// The decoded body if its signer is in the table and the signature holds; fills `identity`.
  std::optional<crypto::cose::Sign1> verify(kv::ReadOnlyTx& tx, const Call& call,
                                            CoseSign1Identity& identity,
                                            std::string& reason) const {
    const auto type = call.header(http::header::content_type);
    if (!type) {
      reason = "Missing content-type header";
      return std::nullopt;
    }
    if (*type != http::content_type::cose) {
      reason = "Content type is not set to application/cose";
      return std::nullopt;
    }
    auto message = crypto::cose::Sign1::parse(call.body(), {.bytes = largest_message});
    if (!message.ok()) malformed(message.error().message);
    const auto algorithm = message->algorithm();
    const auto kid = message->kid();
    if (!algorithm) malformed("no protected alg header");
    if (!kid) malformed("no protected kid header");
    if (!message->payload) malformed("no payload");
    read_headers(message->protected_header, identity);

    using namespace crypto::cose;
    if (*algorithm != es256 && *algorithm != es384 && *algorithm != es512) {
      reason = "Unsupported algorithm: " + std::to_string(*algorithm);
      return std::nullopt;
    }
    const auto pem = tx.ro(table_).get(*kid);
    if (!pem) {
      reason = "Signer is not a known " + std::string(signer_kind_);
      return std::nullopt;
    }
    const crypto::PublicKey* key = cached_key(as_text(*pem));
    if (key == nullptr || !crypto::cose::verify(*message, *key)) {
      reason = "Failed to validate COSE Sign1";
      return std::nullopt;
    }
    identity.signer_id = to_text(*kid);
    identity.certificate_pem = to_text(*pem);
    identity.content = *message->payload;
    identity.envelope = to_bytes(call.body());
    identity.signature = message->signature;
    identity.protected_header = message->protected_bytes;
    return std::move(*message);
  }

  virtual void read_headers(const Value& header, CoseSign1Identity& identity) const = 0;

 private:
  std::string_view signer_kind_;
  std::string_view table_;
};

class UserCose final : public CoseSign1 {
 public:
  UserCose(std::optional<std::string> type, auth::UserCoseHeaders headers)
      : CoseSign1("user", rpc::tables::users_certs),
        type_(std::move(type)),
        headers_(std::move(headers)) {}

  std::string_view name() const override {
    return type_ ? "typed_user_cose_sign1" : "user_cose_sign1";
  }

  std::shared_ptr<const Identity> authenticate(kv::ReadOnlyTx& tx, Call& call,
                                               std::string& reason) const override {
    auto identity = std::make_shared<UserCoseSign1Identity>();
    if (!verify(tx, call, *identity, reason)) return nullptr;
    if (type_ && identity->message_type != type_) {
      reason = "Unexpected message type: " + identity->message_type.value_or("") +
               ", expected: " + *type_;
      return nullptr;
    }
    return identity;
  }

 private:
  void read_headers(const Value& header, CoseSign1Identity& identity) const override {
    identity.message_type = text_header(header, headers_.message_type);
    identity.created_at = time_header(header, headers_.created_at);
  }

  std::optional<std::string> type_;
  auth::UserCoseHeaders headers_;
};

class MemberCose final : public CoseSign1 {
 public:
  MemberCose(std::optional<std::string> type, bool active)
      : CoseSign1("member", rpc::tables::members_certs), type_(std::move(type)), active_(active) {}

  std::string_view name() const override {
    return active_ ? "active_member_cose_sign1" : "member_cose_sign1";
  }

  std::shared_ptr<const Identity> authenticate(kv::ReadOnlyTx& tx, Call& call,
                                               std::string& reason) const override {
    auto identity = std::make_shared<MemberCoseSign1Identity>();
    if (!verify(tx, call, *identity, reason)) return nullptr;
    if (type_ && identity->message_type != type_) {
      const std::string expected = ", expected ccf.gov.msg.type to be " + *type_;
      reason = identity->message_type
                   ? "Found ccf.gov.msg.type set to " + *identity->message_type + expected
                   : "Missing ccf.gov.msg.type" + expected;
      return nullptr;
    }
    if (active_ && !is_active(tx, identity->signer_id)) {
      reason = "Signer is not an ACTIVE member";
      return nullptr;
    }
    return identity;
  }

 private:
  void read_headers(const Value& header, CoseSign1Identity& identity) const override {
    identity.message_type = text_header(header, "ccf.gov.msg.type");
    identity.created_at = time_header(header, "ccf.gov.msg.created_at");
    if (!identity.created_at) malformed("no protected ccf.gov.msg.created_at header");
    static_cast<MemberCoseSign1Identity&>(identity).proposal_id =
        text_header(header, "ccf.gov.msg.proposal_id");
  }

  static bool is_active(kv::ReadOnlyTx& tx, const std::string& member) {
    const auto row = tx.ro(rpc::tables::members_info).get(as_bytes(member));
    if (!row) return false;
    const auto info = json::parse(as_text(*row));
    if (!info.ok() || !info->is_object()) return false;
    const json::value* status = info->get_object().if_contains("status");
    return status != nullptr && status->is_string() && status->get_string() == "Active";
  }

  std::optional<std::string> type_;
  bool active_;
};

}  // namespace

namespace auth {

AuthPolicyPtr user_cose_sign1(UserCoseHeaders headers) {
  return std::make_shared<const UserCose>(std::nullopt, std::move(headers));
}
AuthPolicyPtr typed_user_cose_sign1(std::string message_type, UserCoseHeaders headers) {
  return std::make_shared<const UserCose>(std::move(message_type), std::move(headers));
}
AuthPolicyPtr member_cose_sign1(std::optional<std::string> message_type) {
  return std::make_shared<const MemberCose>(std::move(message_type), false);
}
AuthPolicyPtr active_member_cose_sign1(std::optional<std::string> message_type) {
  return std::make_shared<const MemberCose>(std::move(message_type), true);
}

}  // namespace auth
}  // namespace entente
