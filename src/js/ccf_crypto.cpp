#include "js/ccf_crypto.h"

#include "base/environment.h"
#include "crypto/digest.h"
#include "crypto/x509_chain.h"
#include "js/host.h"

namespace entente::js {

namespace {

/// Calls `use` with the member, which it must not keep. False: an exception is pending.
template <typename F>
bool with_member(JSContext* context, JSValueConst object, const char* name, F use) {
  const JSValue member =
      run_script(context, [&] { return JS_GetPropertyStr(context, object, name); });
  if (JS_IsException(member)) return false;
  const bool good = use(member);
  JS_FreeValue(context, member);
  return good;
}

std::string quoted(const char* name, std::string_view rest) {
  return "Member '" + std::string(name) + "' " + std::string(rest);
}

JSValue digest(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 2)) return JS_EXCEPTION;
  const std::optional<std::string> algorithm = text_argument(context, arguments[0]);
  if (!algorithm) return JS_EXCEPTION;
  if (*algorithm != "SHA-256") {
    return throw_range_error(context, "unsupported digest algorithm, supported: SHA-256");
  }
  const auto data = buffer_argument(context, arguments[1]);
  if (!data) return JS_EXCEPTION;
  return new_buffer(context, crypto::sha256(*data));
}

JSValue is_valid_bundle(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 1)) return JS_EXCEPTION;
  const std::optional<std::string> pem = converted_text(context, arguments[0]);
  if (!pem) return JS_EXCEPTION;
  return JS_NewBool(context, crypto::is_certificate_bundle(*pem));
}

JSValue is_valid_chain(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 2)) return JS_EXCEPTION;
  const std::optional<std::string> chain_pem = converted_text(context, arguments[0]);
  if (!chain_pem) return JS_EXCEPTION;
  const std::optional<std::string> anchors_pem = converted_text(context, arguments[1]);
  if (!anchors_pem) return JS_EXCEPTION;
  const auto chain = crypto::Certificate::all_from_pem(*chain_pem);
  const auto anchors = crypto::Certificate::all_from_pem(*anchors_pem);
  const UnixTime now = host_of(context).options.clock->unix_time();
  return JS_NewBool(context,
                    chain.ok() && anchors.ok() && crypto::verify_chain(*chain, *anchors, now).ok());
}

constexpr Native digest_and_certificates[] = {
    {"digest", guarded<digest>, 2},
    {"isValidX509CertBundle", guarded<is_valid_bundle>, 1},
    {"isValidX509CertChain", guarded<is_valid_chain>, 2},
};

/// What older bundles call directly on `ccf`.
constexpr std::string_view older_names[] = {
    "generateAesKey", "generateRsaKeyPair",    "generateEcdsaKeyPair", "wrapKey",
    "digest",         "isValidX509CertBundle", "isValidX509CertChain"};

void add_older(JSContext* context, std::span<const Native> natives) {
  for (const Native& native : natives) {
    for (const std::string_view name : older_names) {
      if (name == native.name) add_to_ccf(context, nullptr, {&native, 1});
    }
  }
}

}  // namespace

std::optional<std::string> text_member(JSContext* context, JSValueConst object, const char* name) {
  std::optional<std::string> text;
  with_member(context, object, name, [&](JSValueConst member) {
    text = text_argument(context, member, quoted(name, "must be a string"));
    return true;
  });
  return text;
}

std::optional<unsigned> unsigned_member(JSContext* context, JSValueConst object, const char* name,
                                        unsigned otherwise) {
  std::optional<unsigned> number;
  with_member(context, object, name, [&](JSValueConst member) {
    if (JS_IsUndefined(member)) {
      number = otherwise;
    } else if (!JS_IsNumber(member)) {
      throw_type_error(context, quoted(name, "must be a number"));
    } else if (const auto whole = whole_number(context, member); whole && *whole <= INT32_MAX) {
      number = static_cast<unsigned>(*whole);
    } else {
      throw_range_error(context, quoted(name, "is out of range"));
    }
    return true;
  });
  return number;
}

std::optional<Bytes> buffer_member(JSContext* context, JSValueConst object, const char* name) {
  std::optional<Bytes> bytes;
  with_member(context, object, name, [&](JSValueConst member) {
    if (JS_IsUndefined(member)) {
      bytes.emplace();
    } else if (const auto view =
                   buffer_argument(context, member, quoted(name, "must be an ArrayBuffer"))) {
      bytes = to_bytes(*view);
    }
    return true;
  });
  return bytes;
}

std::optional<uint64_t> whole_number(JSContext* context, JSValueConst value) {
  constexpr double most = 9007199254740992.0;
  double number = -1;
  if (!JS_IsNumber(value) || JS_ToFloat64(context, &number, value) < 0) return std::nullopt;
  if (!(number >= 0 && number <= most)) return std::nullopt;
  const auto whole = static_cast<uint64_t>(number);
  if (static_cast<double>(whole) != number) return std::nullopt;
  return whole;
}

void install_ccf_crypto(JSContext* context) {
  for (const std::span<const Native> part :
       {std::span<const Native>(digest_and_certificates), key_generation_natives(),
        signature_natives(), key_wrap_natives(), jwk_natives()}) {
    add_to_ccf(context, "crypto", part);
    add_older(context, part);
  }
}

}  // namespace entente::js
