// Any bytes as COSE_Sign1: accepted messages survive encoding, and no signature but the one made
// here verifies under the fixed key.

#include <cstdlib>

#include "crypto/cose.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace entente;
  namespace cose = entente::crypto::cose;
  static const crypto::PublicKey key =
      crypto::KeyPair::from_scalar(crypto::Curve::p256, Bytes(32, 7))->public_key();
  const Result<cose::Sign1> message = cose::Sign1::parse({data, size});
  if (!message.ok()) return 0;
  const Result<cose::Sign1> again = cose::Sign1::parse(message->encode());
  if (!again.ok() || again->protected_bytes != message->protected_bytes ||
      again->payload != message->payload || again->signature != message->signature) {
    std::abort();
  }
  static_cast<void>(message->kid());
  if (cose::verify(*message, key) || cose::verify_detached(*message, key, message->signature)) {
    std::abort();
  }
  return 0;
}
