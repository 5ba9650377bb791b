#include "gov/natives.h"

#include "base/log.h"
#include "gov/bytecode_cache.h"
#include "gov/certificates.h"
#include "gov/jwt_keys.h"
#include "gov/recovery_shares.h"
#include "gov/service_opening.h"
#include "js/ccf.h"
#include "js/native.h"

namespace entente::gov {
namespace {

/// What an effect returned, or the refusal of a table's content, as a result.
template <typename Effect>
auto attempt(Effect effect) -> decltype(effect()) {
  try {
    return effect();
  } catch (const RpcException& refusal) {
    return Error{refusal.what()};
  }
}

JSValue failure(JSContext* context, std::string_view what, const Error& error) {
  return js::throw_internal_error(context, std::string(what) + ": " + error.message);
}

NativeEffects& effects(JSContext* context) {
  return *js::attached<NativeEffects>(context);
}

// -------------------------------------------------------------------------------------- ccf.node

JSValue trigger_ledger_rekey(JSContext* context, JSValueConst, int count, JSValueConst*) {
  if (js::wrong_count(context, count, 0)) return JS_EXCEPTION;
  NativeEffects& e = effects(context);
  const auto done = attempt([&] { return rekey_ledger(e.tx, e.surroundings, e.requests); });
  return done ? JS_UNDEFINED : failure(context, "Unable to rekey the ledger", done.error());
}

JSValue trigger_recovery_shares_refresh(JSContext* context, JSValueConst, int count,
                                        JSValueConst*) {
  if (js::wrong_count(context, count, 0)) return JS_EXCEPTION;
  NativeEffects& e = effects(context);
  const auto done =
      attempt([&] { return refresh_recovery_shares(e.tx, e.surroundings, e.requests); });
  return done ? JS_UNDEFINED : failure(context, "Unable to make recovery shares", done.error());
}

JSValue transition_to_open(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (js::wrong_count(context, count, 2)) return JS_EXCEPTION;
  std::optional<std::string> previous;
  if (!JS_IsUndefined(arguments[0])) {
    const auto bytes = js::buffer_argument(context, arguments[0]);
    if (!bytes) return JS_EXCEPTION;
    previous = to_text(*bytes);
  }
  const auto next = js::buffer_argument(context, arguments[1]);
  if (!next) return JS_EXCEPTION;
  NativeEffects& e = effects(context);
  const auto done = attempt([&] {
    return transition_service_to_open(e.tx, e.surroundings, e.requests, previous, as_text(*next));
  });
  if (done) return JS_UNDEFINED;
  constexpr std::string_view what = "Unable to open service";
  log::fail("gov", "{}: {}", what, done.error().message);
  return failure(context, what, done.error());
}

JSValue trigger_ledger_chunk(JSContext* context, JSValueConst, int, JSValueConst*) {
  effects(context).requests.chunk = true;
  return JS_UNDEFINED;
}

JSValue trigger_snapshot(JSContext* context, JSValueConst, int, JSValueConst*) {
  effects(context).requests.snapshot = true;
  return JS_UNDEFINED;
}

// ----------------------------------------------------------------------------------- ccf.network

JSValue get_latest_ledger_secret_seqno(JSContext* context, JSValueConst, int count, JSValueConst*) {
  if (js::wrong_count(context, count, 0)) return JS_EXCEPTION;
  NativeEffects& e = effects(context);
  const auto seqno =
      attempt([&] { return latest_ledger_secret_seqno(e.tx, e.surroundings, e.requests); });
  if (!seqno) return failure(context, "No latest ledger secret", seqno.error());
  return JS_NewInt64(context, static_cast<int64_t>(seqno->value));
}

/// nullopt: an exception is pending.
std::optional<uint64_t> days_argument(JSContext* context, JSValueConst value) {
  uint64_t days = 0;
  const JSValue converted = js::run_script(context, [&]() -> JSValue {
    return JS_ToIndex(context, &days, value) < 0 ? JS_EXCEPTION : JS_UNDEFINED;
  });
  if (JS_IsException(converted)) return std::nullopt;
  return days;
}

JSValue new_certificate(JSContext* context, const Result<std::string>& pem) {
  if (!pem) return failure(context, "Unable to make the certificate", pem.error());
  return js::new_text(context, *pem);
}

JSValue generate_endorsed(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (js::wrong_count(context, count, 3)) return JS_EXCEPTION;
  const auto request = js::text_argument(context, arguments[0]);
  if (!request) return JS_EXCEPTION;
  const auto from = js::text_argument(context, arguments[1]);
  if (!from) return JS_EXCEPTION;
  const auto days = days_argument(context, arguments[2]);
  if (!days) return JS_EXCEPTION;
  NativeEffects& e = effects(context);
  return new_certificate(context, attempt([&] {
                           return generate_endorsed_certificate(e.tx, e.surroundings, *request,
                                                                *from, *days);
                         }));
}

JSValue generate_network(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (js::wrong_count(context, count, 2)) return JS_EXCEPTION;
  const auto from = js::text_argument(context, arguments[0]);
  if (!from) return JS_EXCEPTION;
  const auto days = days_argument(context, arguments[1]);
  if (!days) return JS_EXCEPTION;
  NativeEffects& e = effects(context);
  return new_certificate(context, attempt([&] {
                           return generate_network_certificate(e.tx, e.surroundings, *from, *days);
                         }));
}

// -------------------------------------------------------------------------------------------- ccf

JSValue set_jwt_keys(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (js::wrong_count(context, count, 3)) return JS_EXCEPTION;
  const auto issuer = js::text_argument(context, arguments[0]);
  if (!issuer) return JS_EXCEPTION;
  const auto text = js::json_text(context, arguments[2]);
  if (!text && JS_HasException(context)) return JS_EXCEPTION;
  constexpr std::string_view what = "Unable to set the public signing keys of the issuer";
  const auto keys = json::parse(text.value_or(""));
  if (!keys) return failure(context, what, keys.error());
  NativeEffects& e = effects(context);
  const auto done = attempt([&] { return set_jwt_public_signing_keys(e.tx, *issuer, *keys); });
  return done ? JS_UNDEFINED : failure(context, what, done.error());
}

JSValue remove_jwt_keys(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (js::wrong_count(context, count, 1)) return JS_EXCEPTION;
  const auto issuer = js::text_argument(context, arguments[0]);
  if (!issuer) return JS_EXCEPTION;
  const auto done = attempt([&]() -> Result<void> {
    remove_jwt_public_signing_keys(effects(context).tx, *issuer);
    return {};
  });
  return done ? JS_UNDEFINED : failure(context, "Unable to remove the keys", done.error());
}

JSValue refresh_bytecode(JSContext* context, JSValueConst, int count, JSValueConst*) {
  if (js::wrong_count(context, count, 0)) return JS_EXCEPTION;
  NativeEffects& e = effects(context);
  const auto done = attempt([&] { return refresh_app_bytecode_cache(e.tx, e.surroundings); });
  return done ? JS_UNDEFINED : failure(context, "Failed to refresh bytecode", done.error());
}

// ------------------------------------------------------------------------------------ installation

constexpr js::Native of_node[] = {
    {"triggerLedgerRekey", js::guarded<trigger_ledger_rekey>, 0},
    {"transitionServiceToOpen", js::guarded<transition_to_open>, 2},
    {"triggerRecoverySharesRefresh", js::guarded<trigger_recovery_shares_refresh>, 0},
    {"triggerLedgerChunk", js::guarded<trigger_ledger_chunk>, 0},
    {"triggerSnapshot", js::guarded<trigger_snapshot>, 0}};
constexpr js::Native of_network[] = {
    {"getLatestLedgerSecretSeqno", js::guarded<get_latest_ledger_secret_seqno>, 0},
    {"generateEndorsedCertificate", js::guarded<generate_endorsed>, 3},
    {"generateNetworkCertificate", js::guarded<generate_network>, 2}};
constexpr js::Native of_ccf[] = {{"setJwtPublicSigningKeys", js::guarded<set_jwt_keys>, 3},
                                 {"removeJwtPublicSigningKeys", js::guarded<remove_jwt_keys>, 1},
                                 {"refreshAppBytecodeCache", js::guarded<refresh_bytecode>, 0}};

JSValue install(JSContext* context) {
  js::add_to_ccf(context, "node", of_node);
  js::add_to_ccf(context, "network", of_network);
  js::add_to_ccf(context, nullptr, of_ccf);
  return JS_UNDEFINED;
}

}  // namespace

js::Outcome<js::Value> add_native_effects(js::Use& use, NativeEffects& effects) {
  use.attach(effects);
  return use.make(install);
}

}  // namespace entente::gov
