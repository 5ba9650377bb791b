#pragma once
// How the engine gets at the modules that a module imports.

#include "js/host.h"

namespace entente::js {

/// Tells the engine to ask the loader of the present use.
void set_module_loader(Host& host);

/// Compiles a module; `source` is zero-terminated at source[size]. JS_EXCEPTION if it cannot.
JSValue compile_module(JSContext* context, const char* name, const char* source, size_t size);

/// A module out of bytecode, its imports not yet resolved. JS_EXCEPTION if it cannot, or if it is
/// another thing or another module than `name` (nullptr: any).
JSValue read_module(JSContext* context, BytesView bytecode, const char* name);

}  // namespace entente::js
