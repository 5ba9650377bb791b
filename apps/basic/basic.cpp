#include "basic.h"

#include <map>
#include <string>

namespace basic {

namespace {

using namespace entente;

// Raw bytes in, raw bytes out: keys and bodies go straight to the table.
constexpr std::string_view records = "records";

void put_record(EndpointContext& ctx) {
  ctx.tx.wo(records).put(as_bytes(ctx.call.path_parameter("key")), ctx.call.body());
  ctx.call.set_status(http::status::no_content);
}

void get_record(ReadOnlyEndpointContext& ctx) {
  const auto record = ctx.tx.ro(records).get(as_bytes(ctx.call.path_parameter("key")));
  if (!record) {
    ctx.call.set_error(http::status::not_found, errors::invalid_resource_name, "No such key");
    return;
  }
  ctx.call.set_body(as_text(*record), http::content_type::text);
}

JsonAnswer post_records(EndpointContext& ctx, std::map<std::string, std::string>&& posted) {
  auto handle = ctx.tx.wo(records);
  for (const auto& [key, value] : posted) handle.put(as_bytes(key), as_bytes(value));
  return make_success();
}

void install(EndpointRegistry& endpoints, const AuthPolicies& policies, Forwarding single) {
  endpoints.openapi_info = {.title = "Entente basic application",
                            .description = "A table of raw records.",
                            .version = "1.0.0"};
  endpoints.make_endpoint("/records/{key}", http::Method::put, put_record, policies)
      .set_forwarding_required(single)
      .install();
  endpoints.make_read_only_endpoint("/records/{key}", http::Method::get, get_record, policies)
      .set_forwarding_required(single)
      .install();
  endpoints
      .make_endpoint("/records", http::Method::post,
                     json_adapter<std::map<std::string, std::string>>(post_records), policies)
      .install();
}

}  // namespace

void register_endpoints(EndpointRegistry& endpoints, NodeContext&) {
  install(endpoints, {auth::user_cert()}, Forwarding::never);
}

void register_open_endpoints(EndpointRegistry& endpoints, NodeContext&) {
  install(endpoints, {auth::no_auth()}, Forwarding::always);
}

}  // namespace basic
