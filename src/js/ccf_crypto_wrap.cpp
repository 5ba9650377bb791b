// ccf.crypto.wrapKey and unwrapKey.

#include <algorithm>

#include "crypto/key_wrap.h"
#include "crypto/secret.h"
#include "js/ccf_crypto.h"

namespace entente::js {

namespace {

struct Parameters {
  Bytes label;
  unsigned aes_bits = 0;
};

/// `key`: raw for AES, a PEM text for RSA.
using Wrapper = Result<Bytes> (*)(const Parameters&, BytesView key, BytesView payload);

Result<Bytes> wrap_oaep(const Parameters& parameters, BytesView key, BytesView payload) {
  const auto rsa = crypto::RsaPublicKey::from_pem(as_text(key));
  if (!rsa.ok()) return rsa.error();
  return rsa->encrypt_oaep_sha256(payload, parameters.label);
}

Result<Bytes> unwrap_oaep(const Parameters& parameters, BytesView key, BytesView wrapped) {
  const auto rsa = crypto::RsaKeyPair::from_pem(as_text(key));
  if (!rsa.ok()) return rsa.error();
  return rsa->decrypt_oaep_sha256(wrapped, parameters.label);
}

Result<Bytes> wrap_kwp(const Parameters&, BytesView key, BytesView payload) {
  return crypto::wrap_aes_kwp(key, payload);
}

Result<Bytes> unwrap_kwp(const Parameters&, BytesView key, BytesView wrapped) {
  return crypto::unwrap_aes_kwp(key, wrapped);
}

Result<Bytes> wrap_both(const Parameters& parameters, BytesView key, BytesView payload) {
  const auto rsa = crypto::RsaPublicKey::from_pem(as_text(key));
  if (!rsa.ok()) return rsa.error();
  return crypto::wrap_rsa_aes_kwp(*rsa, parameters.aes_bits, parameters.label, payload);
}

Result<Bytes> unwrap_both(const Parameters& parameters, BytesView key, BytesView wrapped) {
  const auto rsa = crypto::RsaKeyPair::from_pem(as_text(key));
  if (!rsa.ok()) return rsa.error();
  return crypto::unwrap_rsa_aes_kwp(*rsa, parameters.label, wrapped);
}

struct Scheme {
  std::string_view name;
  Wrapper wrap, unwrap;
  bool takes_label, takes_aes_bits;
};
constexpr Scheme schemes[] = {{"RSA-OAEP", wrap_oaep, unwrap_oaep, true, false},
                              {"AES-KWP", wrap_kwp, unwrap_kwp, false, false},
                              {"RSA-OAEP-AES-KWP", wrap_both, unwrap_both, true, true}};

/// wrapKey and unwrapKey have the same form: (input, key, parameters).
JSValue run(JSContext* context, int count, JSValueConst* arguments, bool wrapping) {
  const std::string verb = wrapping ? "wrap" : "unwrap";
  if (wrong_count(context, count, 3)) return JS_EXCEPTION;
  if (!JS_IsObject(arguments[2])) return throw_type_error(context, "Parameters must be an object");
  const std::optional<std::string> name = text_member(context, arguments[2], "name");
  if (!name) return JS_EXCEPTION;
  const auto scheme = std::find_if(std::begin(schemes), std::end(schemes),
                                   [&](const Scheme& one) { return one.name == *name; });
  if (scheme == std::end(schemes)) {
    return throw_range_error(context, "unsupported key " + verb +
                                          "ping algorithm, supported: RSA-OAEP, AES-KWP, "
                                          "RSA-OAEP-AES-KWP");
  }
  Parameters parameters;
  if (scheme->takes_label) {
    std::optional<Bytes> label = buffer_member(context, arguments[2], "label");
    if (!label) return JS_EXCEPTION;
    parameters.label = std::move(*label);
  }
  if (scheme->takes_aes_bits && wrapping) {
    const auto bits = unsigned_member(context, arguments[2], "aesKeySize", 0);
    if (!bits) return JS_EXCEPTION;
    parameters.aes_bits = *bits;
  }
  const auto input = buffer_argument(context, arguments[0]);
  if (!input) return JS_EXCEPTION;
  const auto key = buffer_argument(context, arguments[1]);
  if (!key) return JS_EXCEPTION;
  Result<Bytes> output = (wrapping ? scheme->wrap : scheme->unwrap)(parameters, *key, *input);
  if (!output.ok()) {
    return throw_internal_error(context, "Failed to " + verb + " key: " + output.error().message);
  }
  const crypto::WipeAtExit wiped(*output);
  return new_buffer(context, *output);
}

JSValue wrap_key(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  return run(context, count, arguments, true);
}

JSValue unwrap_key(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  return run(context, count, arguments, false);
}

constexpr Native natives[] = {
    {"wrapKey", guarded<wrap_key>, 3},
    {"unwrapKey", guarded<unwrap_key>, 3},
};

}  // namespace

std::span<const Native> key_wrap_natives() {
  return natives;
}

}  // namespace entente::js
