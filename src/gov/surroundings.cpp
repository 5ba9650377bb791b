#include "gov/surroundings.h"

namespace entente::gov {

void carry_out(const Requests& requests, const Surroundings& surroundings) {
  if (requests.chunk && surroundings.request_chunk) surroundings.request_chunk();
  if (requests.snapshot && surroundings.request_snapshot) surroundings.request_snapshot();
}

}  // namespace entente::gov
