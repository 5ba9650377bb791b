#include "js/loader.h"

#include <cstring>

#include "js/native.h"

namespace entente::js {

namespace {

/// The name in memory of the engine, or nullptr and an exception.
char* normalise(JSContext* context, const char* base, const char* specifier, void*) {
  host_of(context).importing = true;
  const auto name = canonical_name(base, specifier);
  if (!name) {
    JS_ThrowReferenceError(context, "could not load module '%s'", specifier);
    return nullptr;
  }
  return js_strndup(context, name->c_str(), name->size());
}

struct Found {
  JSContext* context;
  const char* name;
  enum { nothing, source, bytecode } form = nothing;
  char* text = nullptr;  // memory of the engine, zero-terminated
  size_t size = 0;
};

/// Asks the loader, which is code of the host: guarded.
JSValue find(JSContext* context, Found* found) {
  Host& host = host_of(context);
  const auto content = host.loader ? host.loader(found->name) : std::nullopt;
  if (!content) {
    return JS_ThrowReferenceError(context, "could not load module '%s'", found->name);
  }
  const auto* bytecode = std::get_if<Bytecode>(&*content);
  const BytesView bytes =
      bytecode != nullptr ? bytecode->bytes : as_bytes(std::get<std::string_view>(*content));
  found->form = bytecode != nullptr ? Found::bytecode : Found::source;
  found->size = bytes.size();
  found->text = js_strndup(context, reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return found->text == nullptr ? JS_EXCEPTION : JS_UNDEFINED;
}

JSValue remember(JSContext* context, const char* name, JSModuleDef* module) {
  host_of(context).modules.insert_or_assign(name, module);
  return JS_UNDEFINED;
}

JSModuleDef* load(JSContext* context, const char* name, void*, JSValueConst) {
  Found found{context, name};
  if (JS_IsException(guarded<find>(context, &found))) return nullptr;
  // Outside of the guard, so that a source that is slow to compile can be left.
  const JSValue module =
      found.form == Found::bytecode
          ? read_module(context, {reinterpret_cast<uint8_t*>(found.text), found.size}, name)
          : compile_module(context, name, found.text, found.size);
  js_free(context, found.text);
  if (JS_IsException(module)) return nullptr;
  auto* definition = static_cast<JSModuleDef*>(JS_VALUE_GET_PTR(module));
  JS_FreeValue(context, module);  // the engine's list of modules holds it
  guarded<remember>(context, name, definition);
  return definition;
}

}  // namespace

void set_module_loader(Host& host) {
  JS_SetModuleLoaderFunc2(host.runtime, guarded<normalise>, load, nullptr, nullptr);
}

JSValue compile_module(JSContext* context, const char* name, const char* source, size_t size) {
  return JS_Eval(context, source, size, name,
                 JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY | JS_EVAL_FLAG_STRICT);
}

JSValue read_module(JSContext* context, BytesView bytecode, const char* name) {
  const JSValue module =
      JS_ReadObject(context, bytecode.data(), bytecode.size(), JS_READ_OBJ_BYTECODE);
  if (JS_IsException(module)) return module;
  if (!JS_IsModule(module)) {
    JS_FreeValue(context, module);
    return JS_ThrowSyntaxError(context, "bytecode is not of a module");
  }
  if (name != nullptr) {
    const JSAtom atom =
        JS_GetModuleName(context, static_cast<JSModuleDef*>(JS_VALUE_GET_PTR(module)));
    const char* own = JS_AtomToCString(context, atom);
    JS_FreeAtom(context, atom);
    const bool same = own != nullptr && std::strcmp(own, name) == 0;
    if (own != nullptr) JS_FreeCString(context, own);
    if (!same) {
      JS_FreeValue(context, module);
      return JS_ThrowSyntaxError(context, "bytecode is not of module '%s'", name);
    }
  }
  return module;
}

}  // namespace entente::js
