#include "js/ccf.h"

namespace entente::js {

void add_to_ccf(JSContext* context, const char* member, std::span<const Native> natives) {
  const JSValue ccf = global_object(context, "ccf");
  JSValue target = JS_DupValue(context, ccf);
  if (member != nullptr) {
    JS_FreeValue(context, target);
    target = JS_GetPropertyStr(context, ccf, member);
    if (!JS_IsObject(target)) {
      target = JS_NewObject(context);
      set_member(context, ccf, member, JS_DupValue(context, target));
    }
  }
  for (const Native& native : natives) {
    set_function(context, target, native.name, native.function, native.parameters);
  }
  JS_FreeValue(context, target);
  JS_FreeValue(context, ccf);
}

JSValue new_object(JSContext* context, std::span<const Member> members) {
  JSValue object = JS_NewObject(context);
  for (const Member& member : members) {
    const bool good = !JS_IsException(object) && !JS_IsException(member.value);
    // Takes the value over, also where it fails.
    if (good &&
        JS_DefinePropertyValueStr(context, object, member.name, member.value, JS_PROP_C_W_E) >= 0) {
      continue;
    }
    if (!good) JS_FreeValue(context, member.value);
    JS_FreeValue(context, object);
    object = JS_EXCEPTION;
  }
  return object;
}

std::vector<Binding> ccf_bindings() {
  return {install_ccf_converters, install_ccf_kv, install_ccf_crypto};
}

}  // namespace entente::js
