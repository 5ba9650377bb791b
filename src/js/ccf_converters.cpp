// ccf.strToBuf and its relatives: between bytes, text and JSON.

#include <algorithm>
#include <string>

#include "crypto/x509.h"
#include "js/ccf.h"
#include "js/ccf_tcb.h"

namespace entente::js {

namespace {

JSValue str_to_buf(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 1)) return JS_EXCEPTION;
  if (!JS_IsString(arguments[0])) return throw_type_error(context, "Argument must be a string");
  size_t size = 0;
  const char* text = JS_ToCStringLen(context, &size, arguments[0]);  // a view where it is ASCII
  if (text == nullptr) return JS_EXCEPTION;
  const JSValue buffer = new_buffer(context, as_bytes({text, size}));
  JS_FreeCString(context, text);
  return buffer;
}

JSValue buf_to_str(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 1)) return JS_EXCEPTION;
  const auto bytes = buffer_argument(context, arguments[0]);
  return bytes ? new_text(context, as_text(*bytes)) : JS_EXCEPTION;
}

JSValue json_compatible_to_buf(JSContext* context, JSValueConst, int count,
                               JSValueConst* arguments) {
  if (wrong_count(context, count, 1)) return JS_EXCEPTION;
  const std::optional<std::string> text = json_text(context, arguments[0]);
  if (text) return new_buffer(context, as_bytes(*text));
  if (JS_HasException(context)) return JS_EXCEPTION;
  return throw_type_error(context, "Argument has no JSON form");
}

JSValue buf_to_json_compatible(JSContext* context, JSValueConst, int count,
                               JSValueConst* arguments) {
  if (wrong_count(context, count, 1)) return JS_EXCEPTION;
  const auto bytes = buffer_argument(context, arguments[0]);
  return bytes ? parse_json(context, as_text(*bytes)) : JS_EXCEPTION;
}

JSValue pem_to_id(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 1)) return JS_EXCEPTION;
  const std::optional<std::string> pem = text_argument(context, arguments[0]);
  if (!pem) return JS_EXCEPTION;
  const Result<crypto::Certificate> certificate = crypto::Certificate::from_pem(*pem);
  if (!certificate.ok()) {
    return throw_internal_error(context,
                                "Failed to parse certificate: " + certificate.error().message);
  }
  return new_text(context, certificate->id());
}

JSValue tcb_hex_to_policy(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 2)) return JS_EXCEPTION;
  const std::optional<std::string> cpuid = text_argument(context, arguments[0]);
  if (!cpuid) return JS_EXCEPTION;
  std::optional<std::string> tcb = text_argument(context, arguments[1]);
  if (!tcb) return JS_EXCEPTION;
  const Result<std::vector<TcbPart>> parts = tcb_parts(*cpuid, *tcb);
  if (!parts.ok()) return throw_internal_error(context, parts.error().message);
  std::transform(tcb->begin(), tcb->end(), tcb->begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  std::vector<Member> policy{{"hexstring", new_text(context, *tcb)}};
  for (const TcbPart& part : *parts) {
    policy.push_back({part.name, JS_NewInt32(context, part.value)});
  }
  return new_object(context, policy);
}

JSValue enable_untrusted_date_time(JSContext* context, JSValueConst, int count,
                                   JSValueConst* arguments) {
  if (wrong_count(context, count, 1)) return JS_EXCEPTION;
  return JS_NewBool(context, JS_ToBool(context, arguments[0]) > 0);
}

/// `state`: the present setting. It is part of the interpreter, so it is forgotten with it.
JSValue enable_metrics_logging(JSContext* context, JSValueConst, int count, JSValueConst* arguments,
                               int, JSValueConst* state) {
  if (wrong_count(context, count, 1)) return JS_EXCEPTION;
  if (!JS_IsBool(arguments[0])) return throw_type_error(context, "Argument must be a boolean");
  const JSValue before = state[0];
  state[0] = arguments[0];
  if (auto* logging = attached<MetricsLogging>(context)) {
    logging->enabled = JS_ToBool(context, arguments[0]) > 0;
  }
  return before;
}

constexpr Native converters[] = {
    {"strToBuf", guarded<str_to_buf>, 1},
    {"bufToStr", guarded<buf_to_str>, 1},
    {"jsonCompatibleToBuf", guarded<json_compatible_to_buf>, 1},
    {"bufToJsonCompatible", guarded<buf_to_json_compatible>, 1},
    {"pemToId", guarded<pem_to_id>, 1},
    {"tcbHexToPolicy", guarded<tcb_hex_to_policy>, 2},
    {"enableUntrustedDateTime", guarded<enable_untrusted_date_time>, 1},
};

}  // namespace

void install_ccf_converters(JSContext* context) {
  add_to_ccf(context, nullptr, converters);
  JSValue initially[] = {JS_NewBool(context, true)};
  const JSValue ccf = global_object(context, "ccf");
  set_member(context, ccf, "enableMetricsLogging",
             JS_NewCFunctionData(context, guarded<enable_metrics_logging>, 1, 0, 1, initially));
  JS_FreeValue(context, ccf);
}

}  // namespace entente::js
