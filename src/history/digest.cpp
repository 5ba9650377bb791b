#include "entente/digest.h"

#include "crypto/digest.h"

namespace entente {

Digest sha256(BytesView data) {
  return crypto::sha256(data);
}

}  // namespace entente
