#pragma once
// Entries into the engine, and the way out of it when a script overruns its time in a native loop
// of the engine, which looks at no clock.
//
// The engine asks its host now and then, between operations of the script, whether to go on: that
// is how nearly every overrun ends. But one operation may take for ever (indexOf over a huge
// length, sorting long strings, a pattern compiled out of a megabyte). So each thread also has a
// timer whose signal, some time after the limit, leaves the engine by a jump to where it was
// entered. That is possible because nothing of the engine lies outside of its arena, which is
// restored as a whole, and because the engine holds no locks (js/engine/surroundings.h). C++ frames
// must not be jumped over: natives count as such by their guards (js/native.h), and while one runs
// the jump waits.

#include "js/host.h"

namespace entente::js {

/// Runs `body(argument)` in the engine, within the limits of the use. `body` has no locals with
/// destructors and throws nothing. Afterwards host.over tells whether it was left.
/// `new_budget`: its time begins now; otherwise what is left of the last entry's time counts.
void enter(Host& host, void (*body)(void*), void* argument, bool new_budget = true);

template <typename F>
void enter(Host& host, F body, bool new_budget = true) {
  enter(
      host, [](void* f) { (*static_cast<F*>(f))(); }, &body, new_budget);
}

/// The same from inside of a native: throws CallOver if the engine was left.
void enter_again(Host& host, void (*body)(void*), void* argument);

/// Leaves the engine to the innermost entry. Nothing with a destructor between here and there.
[[noreturn]] void escape(Host& host, Over why);

/// Whether the time of the present entry is over, by the clock of the options.
bool out_of_time(Host& host);

}  // namespace entente::js
