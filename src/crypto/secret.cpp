#include "crypto/secret.h"

#include <openssl/crypto.h>

namespace entente::crypto {

void wipe(std::span<uint8_t> memory) {
  if (!memory.empty()) OPENSSL_cleanse(memory.data(), memory.size());
}

bool constant_time_equal(BytesView a, BytesView b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace entente::crypto
