#pragma once
// Makes a value of why an entry failed.

#include "js/host.h"
#include "js/outcome.h"

namespace entente::js {

/// After an entry that did not give what it should: takes the pending exception.
Failure take_failure(Host& host);

/// What follows when nothing more runs in a use, for the entries that are still tried.
Failure over_failure(const Host& host);

/// A trace as the engine writes it, without columns: one line per frame.
std::string without_columns(std::string_view stack);

}  // namespace entente::js
