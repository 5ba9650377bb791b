// Any bytes, as a forwarded request or as the answer to one: either refused, or a message that
// encodes to exactly these bytes.

#include <algorithm>
#include <cstdlib>

#include "node/forwarded_messages.h"

namespace {

template <typename Message>
void expect_same(const entente::Result<Message>& message, entente::BytesView bytes) {
  if (!message) return;
  const auto again = entente::node::encode(*message, bytes.size() + 64);
  if (!again || !std::equal(again->begin(), again->end(), bytes.begin(), bytes.end())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace entente::node;
  const entente::BytesView bytes(data, size);
  const auto request = decode_forwarded_request(bytes);
  expect_same(request, bytes);
  const auto route = route_of_forwarded_request(bytes);
  if (request && (!route || route->correlation != request->correlation ||
                  route->session != request->session)) {
    std::abort();
  }
  expect_same(decode_forwarded_response(bytes), bytes);
  return 0;
}
