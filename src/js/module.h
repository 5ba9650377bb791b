#pragma once
// ES modules: their names and where they come from. Source: docs/javascript.md (Modules).

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "entente/bytes.h"

namespace entente::js {

/// What compile() of an engine made of a module. Believed by the engine without checks: it must
/// come from an authenticated place and from the same engine_version().
struct Bytecode {
  BytesView bytes;
};

/// A module as its store has it: source text (UTF-8) or bytecode. The view must live until the
/// engine has read it, that is until the call that asked for it returns.
using ModuleContent = std::variant<std::string_view, Bytecode>;

/// Finds a module by its canonical name (`/folder/file.js`), nullopt if there is none. Called on
/// the thread of the isolate. May throw nothing. Without a loader every import fails.
using ModuleLoader = std::function<std::optional<ModuleContent>(std::string_view name)>;

/// The canonical name of what module `base` imports as `specifier`: a specifier that begins with
/// `.` is resolved against the folder of `base`, of which only leading `./` and `../` segments are
/// normalised; any other is taken from the root. Begins with `/`. nullopt: above the root.
std::optional<std::string> canonical_name(std::string_view base, std::string_view specifier);

/// Version of the engine and of the form of its bytecode; bytecode of another one is not read.
std::string_view engine_version();

}  // namespace entente::js
