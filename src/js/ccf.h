#pragma once
// The global object `ccf`: what scripts find in it, as bindings for IsolateOptions::bindings, and
// how other rooms add to it. Source: docs/javascript.md (The ccf global).
//
//   options.bindings = ccf_bindings();            // converters, ccf.kv, ccf.crypto
//   options.bindings.push_back(my_binding);       // calls add_to_ccf(context, "gov", natives)
//   …
//   KvTransaction kv(tx);                         // js/ccf_kv.h
//   use.attach(kv);

#include <quickjs.h>

#include <span>
#include <vector>

#include "js/isolate.h"
#include "js/native.h"

namespace entente::js {

/// A function as scripts see it. `function` is a guarded<…>.
struct Native {
  const char* name;
  JSCFunction* function;
  int parameters;  ///< its `length`
};

/// Adds functions to `ccf`, or, if `member` is given, to the plain object `ccf.member`. Either is
/// made if it is not there. For bindings, and for natives that add functions within one use.
void add_to_ccf(JSContext* context, const char* member, std::span<const Native> natives);

/// What new_object() takes over.
struct Member {
  const char* name;
  JSValue value;
};
/// A plain object as the result of a native. JS_EXCEPTION if one of the values is an exception, or
/// for want of memory; the other values are given back then.
JSValue new_object(JSContext* context, std::span<const Member> members);

/// strToBuf, bufToStr, jsonCompatibleToBuf, bufToJsonCompatible, pemToId, tcbHexToPolicy,
/// enableUntrustedDateTime, enableMetricsLogging.
void install_ccf_converters(JSContext* context);
/// `ccf.kv`, which works on the attached KvTransaction (js/ccf_kv.h).
void install_ccf_kv(JSContext* context);
/// `ccf.crypto`, and its older functions directly in `ccf`.
void install_ccf_crypto(JSContext* context);

/// The three above: what every script has.
std::vector<Binding> ccf_bindings();

/// What the script chose by ccf.enableMetricsLogging(); attach one to learn it. A host that keeps
/// interpreters keeps it with the interpreter.
struct MetricsLogging {
  bool enabled = true;
};

}  // namespace entente::js
