#include "node/snapshot_endpoints.h"

#include "entente/errors.h"
#include "entente/query.h"

namespace entente::node {

void install_snapshot_endpoints(EndpointRegistry& registry) {
  const auto newest = [](CommandEndpointContext& ctx) {
    const auto since = ctx.call.query().get<uint64_t>("since");
    ctx.call.set_error(
        http::status::not_found, errors::resource_not_found,
        "This node has no committed snapshots since " + std::to_string(since.ok() ? *since : 0));
  };
  const auto named = [](CommandEndpointContext& ctx) {
    ctx.call.set_error(http::status::not_found, errors::resource_not_found,
                       "This node does not have a snapshot named " +
                           ctx.call.decoded_path_parameter("snapshot_name"));
  };
  const auto install = [&](const char* path, http::Method method, const auto& handler) {
    registry.make_command_endpoint(path, method, handler, {})
        .set_forwarding_required(Forwarding::never)
        .require_operator_feature(OperatorFeature::snapshot_read)
        .set_openapi_hidden()
        .install();
  };
  for (const http::Method method : {http::Method::get, http::Method::head}) {
    install("/snapshot", method, newest);
    install("/snapshot/{snapshot_name}", method, named);
  }
}

}  // namespace entente::node
