#pragma once
// What scripts may do beside writing tables, while an accepted proposal is applied: `ccf.node`,
// `ccf.network`, `ccf.setJwtPublicSigningKeys`, `ccf.removeJwtPublicSigningKeys` and
// `ccf.refreshAppBytecodeCache`. A thin layer over the functions of this room.
// Source: docs/governance.md (functions for scripts).

#include "entente/kv.h"
#include "gov/surroundings.h"
#include "js/use.h"

namespace entente::gov {

/// What the natives work on. Lives as long as the use that it is attached to.
struct NativeEffects {
  kv::Tx& tx;
  const Surroundings& surroundings;
  Requests& requests;
};

/// Adds the functions to the global object `ccf` of this use, which works on `effects`. For
/// applying a proposal only: in every other use they are undefined.
js::Outcome<js::Value> add_native_effects(js::Use& use, NativeEffects& effects);

}  // namespace entente::gov
