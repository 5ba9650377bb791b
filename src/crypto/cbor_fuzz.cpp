// Any bytes: either refused, or a value that encodes to its shortest form and reads back the same.

#include <cstdlib>

#include "crypto/cbor.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace entente;
  namespace cbor = entente::crypto::cbor;
  const Result<cbor::Value> value = cbor::parse({data, size});
  if (!value.ok()) return 0;
  const Bytes shortest = cbor::encode(*value);
  const Result<cbor::Value> again = cbor::parse(shortest);
  if (!again.ok() || cbor::encode(*again) != shortest) std::abort();
  return 0;
}
