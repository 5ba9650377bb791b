// Any bytes as a JSON web key: read or refused, and whatever was read comes back as it was.

#include "crypto/jwk.h"

#include <cstdlib>

namespace {

using namespace entente;
using namespace entente::crypto;

template <typename Key>
void look_at(const json::object& jwk, Result<Key> (*read)(const json::object&)) {
  const Result<Key> key = read(jwk);
  if (!key.ok()) return;
  const json::object written = to_jwk(*key);
  const Result<Key> again = read(written);
  if (!again.ok() || to_jwk(*again) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<json::value> document = json::parse(as_text({data, size}));
  if (!document.ok() || !document->is_object()) return 0;
  const json::object& jwk = document->get_object();
  static_cast<void>(spki_from_jwk(jwk).ok());
  look_at(jwk, ec_public_key_from_jwk);
  look_at(jwk, ec_key_pair_from_jwk);
  look_at(jwk, rsa_public_key_from_jwk);
  look_at(jwk, rsa_key_pair_from_jwk);
  look_at(jwk, octet_public_key_from_jwk);
  look_at(jwk, octet_key_pair_from_jwk);
  return 0;
}
