#include <fmt/format.h>

#include <string>
#include <unordered_map>
#include <variant>

#include "base/encoding.h"
#include "crypto/key.h"
#include "crypto/rsa.h"
#include "entente/auth.h"
#include "entente/call.h"
#include "entente/json_types.h"
#include "entente/kv/tx.h"
#include "rpc/jwt.h"
#include "rpc/service_tables.h"

namespace entente {

namespace {

/// One entry of a row of the keys table.
struct StoredKey {
  std::string issuer;
  Bytes public_key;  ///< DER SubjectPublicKeyInfo
  std::optional<std::string> constraint;
};
BOOST_DESCRIBE_STRUCT(StoredKey, (), (issuer, public_key, constraint))

/// A parsed key of either kind; the kind of the key decides how signatures are checked, not the
/// token, which an attacker writes.
using VerificationKey = std::variant<std::monostate, crypto::RsaPublicKey, crypto::PublicKey>;

VerificationKey parse_key(BytesView der) {
  if (auto rsa = crypto::RsaPublicKey::from_der(der); rsa.ok()) return std::move(*rsa);
  if (auto ec = crypto::PublicKey::from_der(der); ec.ok()) return std::move(*ec);
  return {};
}

/// Parsing a key costs as much as a verification, and a service has few of them.
const VerificationKey& cached_key(const Bytes& der) {
  constexpr size_t capacity = 64;
  thread_local std::unordered_map<std::string, VerificationKey> keys;
  const std::string id(as_text(der));
  const auto known = keys.find(id);
  if (known != keys.end()) return known->second;
  if (keys.size() >= capacity) keys.clear();
  return keys.emplace(id, parse_key(der)).first->second;
}

bool verifies(const VerificationKey& key, const rpc::jwt::Token& token) {
  const BytesView message = as_bytes(token.signed_text);
  if (const auto* rsa = std::get_if<crypto::RsaPublicKey>(&key)) {
    return rsa->verify_rs256(message, token.signature);
  }
  if (const auto* ec = std::get_if<crypto::PublicKey>(&key)) {
    return ec->verify_raw(message, token.signature, crypto::Hash::sha256);
  }
  return false;
}

class Jwt final : public AuthPolicy {
 public:
  std::string_view name() const override { return "jwt"; }

  std::shared_ptr<const Identity> authenticate(kv::ReadOnlyTx& tx, Call& call,
                                               std::string& reason) const override {
    const auto text = rpc::jwt::bearer_token(call.header(http::header::authorization));
    if (!text.ok()) {
      reason = text.error().message;
      return nullptr;
    }
    auto token = rpc::jwt::parse(*text);
    if (!token.ok()) {
      reason = token.error().message;
      return nullptr;
    }
    const auto row = tx.ro(rpc::tables::jwt_keys).get(as_bytes(token->kid));
    if (!row) {
      reason = "JWT signing key not found for kid " + token->kid;
      return nullptr;
    }
    auto document = json::parse(as_text(*row));
    if (!document.ok()) throw std::runtime_error("stored JWT keys: " + document.error().message);
    const auto keys = json::to<std::vector<StoredKey>>(*document);

    reason = "Signature verification failed";
    const double now = static_cast<double>(call.clock().unix_time().count());
    for (const StoredKey& key : keys) {
      if (!verifies(cached_key(key.public_key), *token)) continue;
      if (!valid_at(*token, now, reason)) return nullptr;
      if (key.constraint && !rpc::jwt::issuer_satisfies(*token, *key.constraint)) {
        reason = fmt::format("Kid {} failed issuer constraint validation {}", token->kid,
                             *key.constraint);
        continue;
      }
      auto identity = std::make_shared<JwtIdentity>();
      identity->key_issuer = key.issuer;
      identity->header = std::move(token->header);
      identity->payload = std::move(token->payload);
      return identity;
    }
    return nullptr;
  }

  void describe_refusal(http::Response& response, std::string_view) const override {
    response.set_header(http::header::www_authenticate,
                        "Bearer realm=\"JWT bearer token access\", error=\"invalid_token\"");
  }

  std::optional<json::value> openapi_scheme() const override {
    return json::object{{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}};
  }

 private:
  static bool valid_at(const rpc::jwt::Token& token, double now, std::string& reason) {
    if (token.not_before && *token.not_before > now) {
      reason = fmt::format("Current time {:.0f} is before token's Not Before (nbf) claim {:.0f}",
                           now, *token.not_before);
      return false;
    }
    if (!(now <= token.expires)) {
      reason =
          fmt::format("Current time {:.0f} is after token's Expiration Time (exp) claim {:.0f}",
                      now, token.expires);
      return false;
    }
    return true;
  }
};

}  // namespace

namespace auth {

AuthPolicyPtr jwt() {
  static const AuthPolicyPtr policy = std::make_shared<const Jwt>();
  return policy;
}

}  // namespace auth
}  // namespace entente
