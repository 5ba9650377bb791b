#pragma once
// The modules of the application, compiled by this engine. Source: docs/governance.md.

#include "entente/kv.h"
#include "entente/result.h"
#include "gov/surroundings.h"

namespace entente::gov {

/// Compiles every module anew and notes the engine's version. Errors name the module.
Result<void> refresh_app_bytecode_cache(kv::Tx& tx, const Surroundings& surroundings);

}  // namespace entente::gov
