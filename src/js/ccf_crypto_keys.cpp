// ccf.crypto.generate…: new keys, as bytes or as pairs of PEM texts.

#include "crypto/key.h"
#include "crypto/okp.h"
#include "crypto/random.h"
#include "crypto/rsa.h"
#include "crypto/secret.h"
#include "js/ccf_crypto.h"
#include "js/escape.h"

namespace entente::js {

namespace {

template <typename Curve>
struct CurveName {
  std::string_view name;
  Curve curve;
};
constexpr CurveName<crypto::Curve> ecdsa_curves[] = {{"secp256r1", crypto::Curve::p256},
                                                     {"secp384r1", crypto::Curve::p384}};
constexpr CurveName<crypto::OctetCurve> eddsa_curves[] = {
    {"curve25519", crypto::OctetCurve::ed25519}, {"x25519", crypto::OctetCurve::x25519}};

template <typename Pair>
JSValue pem_pair(JSContext* context, const Pair& pair) {
  std::string private_pem = pair.private_pem();
  const crypto::WipeAtExit wiped(private_pem);
  const Member members[] = {{"privateKey", new_text(context, private_pem)},
                            {"publicKey", new_text(context, pair.public_key().pem())}};
  return new_object(context, members);
}

/// A pair on the curve that the only argument names.
template <typename Pair, typename Curve, size_t n>
JSValue generate_on(JSContext* context, int count, JSValueConst* arguments,
                    const CurveName<Curve> (&curves)[n]) {
  if (wrong_count(context, count, 1)) return JS_EXCEPTION;
  const std::optional<std::string> name = text_argument(context, arguments[0]);
  if (!name) return JS_EXCEPTION;
  std::string supported;
  for (const CurveName<Curve>& one : curves) {
    if (one.name == *name) return pem_pair(context, Pair::generate(one.curve));
    supported += (supported.empty() ? "" : ", ") + std::string(one.name);
  }
  return throw_range_error(context, "Unsupported curve id, supported: " + supported);
}

JSValue generate_ecdsa(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  return generate_on<crypto::KeyPair>(context, count, arguments, ecdsa_curves);
}

JSValue generate_eddsa(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  return generate_on<crypto::OctetKeyPair>(context, count, arguments, eddsa_curves);
}

JSValue generate_aes(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 1)) return JS_EXCEPTION;
  const std::optional<uint64_t> bits = whole_number(context, arguments[0]);
  if (bits != 128 && bits != 192 && bits != 256) {
    return throw_range_error(context, "invalid key size (not one of 128, 192, 256)");
  }
  std::array<uint8_t, 32> key;
  const std::span<uint8_t> used(key.data(), static_cast<size_t>(*bits / 8));
  crypto::random_bytes(used);
  const JSValue buffer = new_buffer(context, used);
  crypto::wipe(key);
  return buffer;
}

JSValue generate_rsa(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  constexpr uint64_t usual_exponent = 65537;
  if (wrong_count(context, count, 1, 2)) return JS_EXCEPTION;
  const bool chosen = count == 2 && !JS_IsUndefined(arguments[1]);
  for (int i = 0; i < (chosen ? 2 : 1); ++i) {
    if (!JS_IsNumber(arguments[i])) return throw_type_error(context, "Argument must be a number");
  }
  const auto bits = whole_number(context, arguments[0]);
  const auto exponent = chosen ? whole_number(context, arguments[1]) : usual_exponent;
  if (!bits || *bits > INT32_MAX || !exponent) {
    return throw_internal_error(context,
                                "Failed to generate RSA key pair: size or exponent is "
                                "out of range");
  }
  // Large keys take seconds, which count against the script's time.
  Host& host = host_of(context);
  const auto pair = crypto::RsaKeyPair::generate(static_cast<unsigned>(*bits), *exponent,
                                                 [&] { return !out_of_time(host); });
  if (pair.ok()) return pem_pair(context, *pair);
  if (out_of_time(host)) {
    if (host.over == Over::no) host.over = Over::time;
    return JS_EXCEPTION;
  }
  return throw_internal_error(context, "Failed to generate RSA key pair: " + pair.error().message);
}

constexpr Native natives[] = {
    {"generateAesKey", guarded<generate_aes>, 1},
    {"generateRsaKeyPair", guarded<generate_rsa>, 2},
    {"generateEcdsaKeyPair", guarded<generate_ecdsa>, 1},
    {"generateEddsaKeyPair", guarded<generate_eddsa>, 1},
};

}  // namespace

std::span<const Native> key_generation_natives() {
  return natives;
}

}  // namespace entente::js
