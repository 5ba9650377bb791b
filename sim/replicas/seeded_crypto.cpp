#include "sim/replicas/seeded_crypto.h"

// What replaces the generator is deprecated in OpenSSL 3 in favour of whole providers.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/rand.h>

#include "base/assert.h"
#include "sim/simulator/random.h"

namespace entente::sim {
namespace {

Random generator(0);

int bytes(unsigned char* out, int count) {
  for (int i = 0; i < count; ++i) out[i] = static_cast<unsigned char>(generator.next());
  return 1;
}
int status() {
  return 1;
}
constexpr RAND_METHOD method{nullptr, bytes, nullptr, nullptr, bytes, status};

}  // namespace

void seed_crypto(uint64_t seed) {
  generator = Random(seed);
  ENTENTE_ASSERT(RAND_set_rand_method(&method) == 1);
}

}  // namespace entente::sim
