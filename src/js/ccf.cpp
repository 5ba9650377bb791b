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

std::vector<Binding> ccf_bindings() {
  return {install_ccf_converters, install_ccf_kv, install_ccf_crypto};
}

}  // namespace entente::js
