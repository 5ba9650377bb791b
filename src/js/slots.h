#pragma once
// Slots connect the natives of an isolate with the state of its present use, by type.

#include <cstddef>

namespace entente::js {

inline constexpr size_t max_slots = 32;

/// The next free slot of the process; ends it when there are more than max_slots types.
size_t next_slot();

template <typename T>
inline const size_t slot_index = next_slot();

}  // namespace entente::js
