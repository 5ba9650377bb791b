#include "gov/surroundings.h"

namespace entente::gov {

void carry_out(const Requests& requests, const Surroundings& surroundings) {
  // A snapshot is of the state at a signature that ends a chunk.
  const bool chunk = requests.chunk || requests.snapshot;
  if (chunk && surroundings.request_chunk) surroundings.request_chunk();
  if (requests.snapshot && surroundings.request_snapshot) surroundings.request_snapshot();
}

}  // namespace entente::gov
