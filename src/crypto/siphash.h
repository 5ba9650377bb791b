#pragma once
// SipHash-2-4 with 64-bit output (Aumasson, Bernstein 2012). Orders the records of a snapshot.

#include "entente/bytes.h"

namespace entente::crypto {

/// k0 and k1 are the two halves of the 16-byte key, each read as a little-endian integer.
uint64_t siphash24(BytesView data, uint64_t k0, uint64_t k1);

}  // namespace entente::crypto
