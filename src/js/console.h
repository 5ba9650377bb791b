#pragma once
// The global `console` with log, info, warn and error. Source: docs/javascript.md (Console).

#include <functional>
#include <string_view>

#include "base/log.h"

struct JSContext;

namespace entente::js {

/// Where the lines of a use go: attach one to the use (Use::attach), otherwise they are dropped.
/// log and info have level info, warn has fail, error has fatal (which stops nothing). Arguments
/// are joined by one space: objects other than Errors as JSON, everything else by String().
struct Console {
  std::function<void(log::Level, std::string_view line)> write;
};

/// A line of the node's log under `tag`.
Console console_to_log(std::string_view tag);

/// The binding.
void install_console(JSContext* context);

}  // namespace entente::js
