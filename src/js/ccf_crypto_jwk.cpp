// ccf.crypto.pubPemToJwk and its relatives: keys between PEM and JSON web keys.

#include "crypto/jwk.h"
#include "crypto/secret.h"
#include "js/ccf_crypto.h"

namespace entente::js {

namespace {

using namespace crypto;

template <typename Key>
std::string pem_of(const Key& key) {
  if constexpr (requires { key.private_pem(); }) {
    return key.private_pem();
  } else {
    return key.pem();
  }
}

template <typename Key>
JSValue pem_to_jwk(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 1, 2)) return JS_EXCEPTION;
  std::optional<std::string> pem = text_argument(context, arguments[0]);
  if (!pem) return JS_EXCEPTION;
  const WipeAtExit wiped(*pem);
  std::optional<std::string> kid;
  if (count == 2 && !JS_IsUndefined(arguments[1])) {
    kid = text_argument(context, arguments[1]);
    if (!kid) return JS_EXCEPTION;
  }
  const Result<Key> key = Key::from_pem(*pem);
  if (!key.ok()) {
    return throw_internal_error(context, "Failed to convert pem to jwk: " + key.error().message);
  }
  json::object jwk = to_jwk(*key);
  if (kid) jwk["kid"] = *kid;
  std::string text = json::dump(jwk);
  const WipeAtExit text_wiped(text);
  return parse_json(context, text);
}

template <typename Key, Result<Key> (*from_jwk)(const json::object&)>
JSValue jwk_to_pem(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 1)) return JS_EXCEPTION;
  if (!JS_IsObject(arguments[0])) return throw_type_error(context, "Argument must be an object");
  std::optional<std::string> text = json_text(context, arguments[0]);
  if (!text && JS_HasException(context)) return JS_EXCEPTION;
  const auto fail = [&](const Error& error) {
    return throw_internal_error(context, "Failed to convert jwk to pem: " + error.message);
  };
  if (!text) return fail({"JSON web key is not an object"});
  const WipeAtExit wiped(*text);
  const Result<json::value> document = json::parse(*text);
  if (!document.ok()) return fail(document.error());
  if (!document->is_object()) return fail({"JSON web key is not an object"});
  const Result<Key> key = from_jwk(document->get_object());
  if (!key.ok()) return fail(key.error());
  std::string pem = pem_of(*key);
  const WipeAtExit pem_wiped(pem);
  return new_text(context, pem);
}

constexpr Native natives[] = {
    {"pubPemToJwk", guarded<pem_to_jwk<PublicKey>>, 2},
    {"pemToJwk", guarded<pem_to_jwk<KeyPair>>, 2},
    {"pubRsaPemToJwk", guarded<pem_to_jwk<RsaPublicKey>>, 2},
    {"rsaPemToJwk", guarded<pem_to_jwk<RsaKeyPair>>, 2},
    {"pubEddsaPemToJwk", guarded<pem_to_jwk<OctetPublicKey>>, 2},
    {"eddsaPemToJwk", guarded<pem_to_jwk<OctetKeyPair>>, 2},
    {"pubJwkToPem", guarded<jwk_to_pem<PublicKey, ec_public_key_from_jwk>>, 1},
    {"jwkToPem", guarded<jwk_to_pem<KeyPair, ec_key_pair_from_jwk>>, 1},
    {"pubRsaJwkToPem", guarded<jwk_to_pem<RsaPublicKey, rsa_public_key_from_jwk>>, 1},
    {"rsaJwkToPem", guarded<jwk_to_pem<RsaKeyPair, rsa_key_pair_from_jwk>>, 1},
    {"pubEddsaJwkToPem", guarded<jwk_to_pem<OctetPublicKey, octet_public_key_from_jwk>>, 1},
    {"eddsaJwkToPem", guarded<jwk_to_pem<OctetKeyPair, octet_key_pair_from_jwk>>, 1},
};

}  // namespace

std::span<const Native> jwk_natives() {
  return natives;
}

}  // namespace entente::js
