#include "js/ccf_kv.h"

#include <cstring>
#include <new>
#include <string>

#include "js/ccf.h"

namespace entente::js {

namespace {

// ------------------------------------------------------------------------ what objects hold
// Both blocks lie in the engine's memory, so that restoring an isolate takes care of them.

/// Of one handle: the name of its map, and nothing about any transaction.
struct MapName {
  kv::NameClass kind;
  uint32_t size;
  char text[1];  // as many as `size`

  std::string_view view() const { return {text, size}; }
};

/// Of the object ccf.kv: what every handle needs.
struct KvRoot {
  JSAtom map_name;  // `_map_name`
  JSAtom size;
  JSValue size_getter;
};

struct KvClass {};
struct HandleClass {};

// Not guarded: it gives back a block and may be left at any point.
void free_map_name(JSRuntime* runtime, JSValueConst handle) {
  js_free_rt(runtime, JS_GetOpaque(handle, class_id<HandleClass>));
}

void free_root(JSRuntime* runtime, JSValueConst kv) {
  auto* root = static_cast<KvRoot*>(JS_GetOpaque(kv, class_id<KvClass>));
  if (root == nullptr) return;
  JS_FreeAtomRT(runtime, root->map_name);
  JS_FreeAtomRT(runtime, root->size);
  JS_FreeValueRT(runtime, root->size_getter);
  js_free_rt(runtime, root);
}

void mark_root(JSRuntime* runtime, JSValueConst kv, JS_MarkFunc* mark) {
  const auto* root = static_cast<const KvRoot*>(JS_GetOpaque(kv, class_id<KvClass>));
  if (root != nullptr) JS_MarkValue(runtime, root->size_getter, mark);
}

// ------------------------------------------------------------------------ access

std::string refusal(const MapName& map, std::string_view operation, kv::Access granted,
                    kv::Context context) {
  constexpr std::string_view words[] = {"inaccessible", "read-only", "write-only", "read-write"};
  std::string text = "Cannot call \"";
  text += operation;
  text += "\" on table named ";
  text += map.view();
  text += ". This table is ";
  text += words[static_cast<size_t>(granted)];
  text += " in current (";
  text += kv::to_text(context);
  text += ") execution context. See docs/javascript.md, ccf.kv";
  return text;
}

/// What a method works on, if it may.
struct Target {
  const MapName* map;
  KvTransaction* transaction;
};

std::optional<Target> target_of(JSContext* context, JSValueConst self, std::string_view operation,
                                kv::Access wanted) {
  const auto* map =
      static_cast<const MapName*>(JS_GetOpaque2(context, self, class_id<HandleClass>));
  if (map == nullptr) return std::nullopt;
  KvTransaction* transaction = attached<KvTransaction>(context);
  if (transaction == nullptr) {
    throw_internal_error(context, "Internal: Unable to access MapHandle");
    return std::nullopt;
  }
  const kv::Context on_behalf = transaction->context();
  kv::Access granted = kv::access_of(on_behalf, map->kind);
  if (transaction->write() == nullptr) {
    granted = kv::allows(granted, kv::Access::read) ? kv::Access::read : kv::Access::none;
  }
  if (!kv::allows(granted, wanted)) {
    throw_type_error(context, refusal(*map, operation, granted, on_behalf));
    return std::nullopt;
  }
  return Target{map, transaction};
}

kv::ReadHandle readable(const Target& target) {
  return target.transaction->read().ro(target.map->view());
}

// ------------------------------------------------------------------------ methods

/// A method that reads one key: `read` makes the result.
template <typename Read>
JSValue read_key(JSContext* context, JSValueConst self, int count, JSValueConst* arguments,
                 std::string_view operation, Read read) {
  const auto target = target_of(context, self, operation, kv::Access::read);
  if (!target || wrong_count(context, count, 1)) return JS_EXCEPTION;
  const auto key = buffer_argument(context, arguments[0]);
  if (!key) return JS_EXCEPTION;
  return read(readable(*target), *key);
}

JSValue kv_has(JSContext* context, JSValueConst self, int count, JSValueConst* arguments) {
  return read_key(
      context, self, count, arguments, "has",
      [&](const kv::ReadHandle& map, BytesView key) { return JS_NewBool(context, map.has(key)); });
}

JSValue kv_get(JSContext* context, JSValueConst self, int count, JSValueConst* arguments) {
  return read_key(context, self, count, arguments, "get",
                  [&](const kv::ReadHandle& map, BytesView key) {
                    const std::optional<BytesView> value = map.get(key);
                    return value ? new_buffer(context, *value) : JS_UNDEFINED;
                  });
}

JSValue kv_version(JSContext* context, JSValueConst self, int count, JSValueConst* arguments) {
  return read_key(context, self, count, arguments, "getVersionOfPreviousWrite",
                  [&](const kv::ReadHandle& map, BytesView key) {
                    const std::optional<SeqNo> version = map.get_version_of_previous_write(key);
                    if (!version) return JS_UNDEFINED;
                    return JS_NewInt64(context, static_cast<int64_t>(version->value));
                  });
}

JSValue kv_size(JSContext* context, JSValueConst self) {
  const auto target = target_of(context, self, "size", kv::Access::read);
  if (!target) return JS_EXCEPTION;
  return JS_NewInt64(context, static_cast<int64_t>(readable(*target).size()));
}

/// Runs `write` on the map; what the store has no room for is a RangeError and changes nothing.
template <typename Write>
bool write_map(JSContext* context, const Target& target, Write write) {
  try {
    kv::WriteHandle map = target.transaction->write()->wo(target.map->view());
    write(map);
    return true;
  } catch (const kv::LimitError& error) {
    throw_range_error(context, error.what());
    return false;
  }
}

JSValue kv_set(JSContext* context, JSValueConst self, int count, JSValueConst* arguments) {
  constexpr std::string_view expected = "Arguments must be ArrayBuffers";
  const auto target = target_of(context, self, "set", kv::Access::write);
  if (!target || wrong_count(context, count, 2)) return JS_EXCEPTION;
  const auto key = buffer_argument(context, arguments[0], expected);
  if (!key) return JS_EXCEPTION;
  const auto value = buffer_argument(context, arguments[1], expected);
  if (!value) return JS_EXCEPTION;
  const auto put = [&](kv::WriteHandle& map) { map.put(*key, *value); };
  return write_map(context, *target, put) ? JS_DupValue(context, self) : JS_EXCEPTION;
}

JSValue kv_delete(JSContext* context, JSValueConst self, int count, JSValueConst* arguments) {
  const auto target = target_of(context, self, "delete", kv::Access::write);
  if (!target || wrong_count(context, count, 1)) return JS_EXCEPTION;
  const auto key = buffer_argument(context, arguments[0]);
  if (!key) return JS_EXCEPTION;
  const auto remove = [&](kv::WriteHandle& map) { map.remove(*key); };
  return write_map(context, *target, remove) ? JS_UNDEFINED : JS_EXCEPTION;
}

JSValue kv_clear(JSContext* context, JSValueConst self, int count, JSValueConst*) {
  const auto target = target_of(context, self, "clear", kv::Access::write);
  if (!target || wrong_count(context, count, 0)) return JS_EXCEPTION;
  // Half of a map may be cleared when a limit is reached: so that ends the call.
  target->transaction->write()->wo(target->map->view()).clear();
  return JS_UNDEFINED;
}

JSValue kv_for_each(JSContext* context, JSValueConst self, int count, JSValueConst* arguments) {
  const auto target = target_of(context, self, "forEach", kv::Access::read);
  if (!target || wrong_count(context, count, 1)) return JS_EXCEPTION;
  if (!JS_IsFunction(context, arguments[0])) {
    return throw_type_error(context, "Argument must be a function");
  }
  bool thrown = false;
  readable(*target).foreach ([&](BytesView key, BytesView value) {
    JSValue given[] = {new_buffer(context, value), new_buffer(context, key), JS_UNDEFINED};
    if (JS_IsException(given[0]) || JS_IsException(given[1])) {
      thrown = true;
    } else {
      const JSValueConst shown[] = {given[0], given[1], self};
      const JSValue result =
          call_back(context, arguments[0], JS_UNDEFINED, 3, const_cast<JSValueConst*>(shown));
      thrown = JS_IsException(result);
      JS_FreeValue(context, result);
    }
    JS_FreeValue(context, given[0]);
    JS_FreeValue(context, given[1]);
    return !thrown;
  });
  return thrown ? JS_EXCEPTION : JS_UNDEFINED;
}

// ------------------------------------------------------------------------ ccf.kv

/// The name that a property of ccf.kv has, as a string of the engine; undefined for symbols.
JSValue name_of(JSContext* context, JSAtom property) {
  JSValue name = JS_AtomToValue(context, property);
  if (JS_IsString(name) || JS_IsException(name)) return name;
  const bool symbol = JS_IsSymbol(name);
  JS_FreeValue(context, name);
  return symbol ? JS_UNDEFINED : JS_AtomToString(context, property);
}

JSValue new_handle(JSContext* context, const KvRoot& root, JSValueConst name, std::string_view text,
                   kv::NameClass kind) {
  const JSValue handle = JS_NewObjectClass(context, static_cast<int>(class_id<HandleClass>));
  if (JS_IsException(handle)) return handle;
  void* block = js_malloc(context, sizeof(MapName) + text.size());
  if (block != nullptr) {
    auto* map = new (block) MapName{kind, static_cast<uint32_t>(text.size()), {}};
    std::memcpy(map->text, text.data(), text.size());
    JS_SetOpaque(handle, map);
    if (JS_DefinePropertyValue(context, handle, root.map_name, JS_DupValue(context, name),
                               JS_PROP_ENUMERABLE | JS_PROP_CONFIGURABLE) >= 0 &&
        JS_DefinePropertyGetSet(context, handle, root.size, JS_DupValue(context, root.size_getter),
                                JS_UNDEFINED, JS_PROP_CONFIGURABLE) >= 0) {
      return handle;
    }
  }
  JS_FreeValue(context, handle);
  return JS_EXCEPTION;
}

JSValue kv_get_property(JSContext* context, JSValueConst kv, JSAtom property, JSValueConst) {
  const JSValue name = name_of(context, property);
  if (!JS_IsString(name)) return name;
  JSValue handle = JS_EXCEPTION;
  size_t size = 0;
  if (const char* text = JS_ToCStringLen(context, &size, name)) {
    const kv::NameClass kind = kv::name_class({text, size});
    if (kind == kv::NameClass::reserved) {
      handle = abort_call(context, "Map name '" + std::string(text, size) +
                                       "' includes disallowed reserved prefix 'ccf.'");
    } else {
      const auto* root = static_cast<const KvRoot*>(JS_GetOpaque(kv, class_id<KvClass>));
      handle = new_handle(context, *root, name, {text, size}, kind);
    }
    JS_FreeCString(context, text);
  }
  JS_FreeValue(context, name);
  return handle;
}

int kv_get_own_property(JSContext*, JSPropertyDescriptor*, JSValueConst, JSAtom) {
  return 0;  // handles are made on access and are not properties
}

int kv_get_own_property_names(JSContext*, JSPropertyEnum** names, uint32_t* count, JSValueConst) {
  *names = nullptr;
  *count = 0;
  return 0;
}

/// Every string names a map.
int kv_has_property(JSContext* context, JSValueConst, JSAtom property) {
  const JSValue key = JS_AtomToValue(context, property);
  const bool symbol = JS_IsSymbol(key);
  JS_FreeValue(context, key);
  return symbol ? 0 : 1;
}

int refuse_change(JSContext* context, JSAtom property) {
  const JSValue name = name_of(context, property);
  const std::string text = text_of(context, name).value_or("symbol");
  JS_FreeValue(context, name);
  throw_type_error(context, "'" + text + "' is read-only");
  return -1;
}

int kv_set_property(JSContext* context, JSValueConst, JSAtom property, JSValueConst, JSValueConst,
                    int) {
  return refuse_change(context, property);
}

int kv_define_own_property(JSContext* context, JSValueConst, JSAtom property, JSValueConst,
                           JSValueConst, JSValueConst, int) {
  return refuse_change(context, property);
}

int kv_delete_property(JSContext* context, JSValueConst, JSAtom property) {
  return refuse_change(context, property);
}

constexpr Native handle_methods[] = {
    {"has", guarded<kv_has>, 1},
    {"get", guarded<kv_get>, 1},
    {"set", guarded<kv_set>, 2},
    {"delete", guarded<kv_delete>, 1},
    {"clear", guarded<kv_clear>, 0},
    {"forEach", guarded<kv_for_each>, 1},
    {"getVersionOfPreviousWrite", guarded<kv_version>, 1},
};

JSClassExoticMethods kv_properties = {
    .get_own_property = guarded<kv_get_own_property>,
    .get_own_property_names = guarded<kv_get_own_property_names>,
    .delete_property = guarded<kv_delete_property>,
    .define_own_property = guarded<kv_define_own_property>,
    .has_property = guarded<kv_has_property>,
    .get_property = guarded<kv_get_property>,
    .set_property = guarded<kv_set_property>,
};

JSValue new_size_getter(JSContext* context) {
  const JSCFunctionType function{.getter = guarded<kv_size>};
  return JS_NewCFunction2(context, function.generic, "get size", 0, JS_CFUNC_getter, 0);
}

}  // namespace

void install_ccf_kv(JSContext* context) {
  JSRuntime* runtime = JS_GetRuntime(context);
  const JSClassDef handle_class{.class_name = "MapHandle",
                                .finalizer = free_map_name,
                                .gc_mark = nullptr,
                                .call = nullptr,
                                .exotic = nullptr};
  const JSClassDef kv_class{.class_name = "KV",
                            .finalizer = free_root,
                            .gc_mark = mark_root,
                            .call = nullptr,
                            .exotic = &kv_properties};
  JS_NewClass(runtime, class_id<HandleClass>, &handle_class);
  JS_NewClass(runtime, class_id<KvClass>, &kv_class);

  const JSValue prototype = JS_NewObject(context);
  for (const Native& method : handle_methods) {
    set_function(context, prototype, method.name, method.function, method.parameters);
  }
  JS_SetClassProto(context, class_id<HandleClass>, prototype);
  JS_SetClassProto(context, class_id<KvClass>, JS_NewObject(context));

  const JSValue kv = JS_NewObjectClass(context, static_cast<int>(class_id<KvClass>));
  JS_SetOpaque(kv, new (js_malloc(context, sizeof(KvRoot)))
                       KvRoot{JS_NewAtom(context, "_map_name"), JS_NewAtom(context, "size"),
                              new_size_getter(context)});
  const JSValue ccf = global_object(context, "ccf");
  set_member(context, ccf, "kv", kv);
  JS_FreeValue(context, ccf);
}

}  // namespace entente::js
