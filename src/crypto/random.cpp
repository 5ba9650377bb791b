#include "crypto/random.h"

#include <openssl/rand.h>

#include <climits>

#include "base/assert.h"

namespace entente::crypto {

namespace {

class OpensslRandom final : public RandomSource {
 public:
  void fill(std::span<uint8_t> out) override { random_bytes(out); }
};

}  // namespace

void random_bytes(std::span<uint8_t> out) {
  ENTENTE_ASSERT(out.size() <= INT_MAX);
  if (!out.empty()) ENTENTE_ASSERT(RAND_priv_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

RandomSource& system_random() {
  static OpensslRandom source;
  return source;
}

SymmetricKey random_key(RandomSource& source) {
  SymmetricKey key;
  source.fill(key.writable());
  return key;
}

}  // namespace entente::crypto
