#include "js/slots.h"

#include <atomic>

#include "base/assert.h"

namespace entente::js {

size_t next_slot() {
  static std::atomic<size_t> next{0};
  const size_t slot = next++;
  ENTENTE_ASSERT(slot < max_slots);
  return slot;
}

}  // namespace entente::js
