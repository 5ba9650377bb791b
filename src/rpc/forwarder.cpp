#include "rpc/forwarder.h"

#include <fmt/format.h>

#include "entente/headers.h"

namespace entente::rpc {
namespace {

struct Rule {
  bool at_first;
  bool once_forwarded;  // by a session that has forwarded something
};
// By entente::Forwarding: always, sometimes, never.
constexpr Rule rules[] = {{true, true}, {false, true}, {false, false}};

}  // namespace

bool forwards(Forwarding endpoint, bool session_has_forwarded) {
  const Rule& rule = rules[static_cast<size_t>(endpoint)];
  return session_has_forwarded ? rule.once_forwarded : rule.at_first;
}

void set_forwarding_timed_out(http::Response& response, const NodeId& primary,
                              std::chrono::milliseconds waited) {
  response.reset();
  response.status = http::status::gateway_timeout;
  response.set_body(
      fmt::format("Request was forwarded to node {}, but no response was received after {}ms",
                  primary.value, waited.count()),
      http::content_type::text);
}

}  // namespace entente::rpc
