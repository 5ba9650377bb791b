// Any bytes: either refused, or a message that encodes to exactly these bytes.

#include <algorithm>
#include <cstdlib>

#include "consensus/raft/messages_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace entente;
  const auto message = consensus::decode_head({data, size});
  if (!message) return 0;
  const Bytes again = consensus::encode_head(*message);
  if (!std::equal(again.begin(), again.end(), data, data + size)) std::abort();
  return 0;
}
