#include "node/published.h"

namespace entente::node {
namespace {

rpc::RedirectTarget target_of(const Redirection& configured) {
  rpc::RedirectTarget target;
  if (configured.kind == Redirection::Kind::static_address) {
    target.kind = rpc::RedirectTarget::Kind::static_address;
    target.address = configured.address;
    return target;
  }
  target.interface = configured.interface;
  if (configured.role == Redirection::Role::backup) {
    target.role = rpc::RedirectTarget::Role::backup;
  }
  return target;
}

}  // namespace

net::InterfaceConfig transport_of(const RpcInterface& configured,
                                  std::optional<std::chrono::microseconds> idle_timeout) {
  net::InterfaceConfig config;
  config.name = configured.name;
  config.host = configured.bind_address.host;
  config.port = configured.bind_address.port;
  // ALPN chooses where the operator says so; the two published names offer one protocol each.
  config.app_protocol = configured.app_protocol == "HTTP2"   ? net::AppProtocol::http2
                        : configured.app_protocol == "HTTP1" ? net::AppProtocol::http1
                                                             : net::AppProtocol::both;
  config.tls = configured.authority != Authority::unsecured;
  config.max_open_sessions_soft = configured.max_open_sessions_soft;
  config.max_open_sessions_hard = configured.max_open_sessions_hard;
  config.limits.max_body_size = configured.http.max_body_size;
  config.limits.max_header_size = configured.http.max_header_size;
  config.limits.max_headers_count = configured.http.max_headers_count;
  config.limits.max_concurrent_streams_count = configured.http.max_concurrent_streams_count;
  config.limits.initial_window_size = configured.http.initial_window_size;
  config.limits.max_frame_size = configured.http.max_frame_size;
  config.idle_timeout.reset();
  if (idle_timeout) {
    config.idle_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(*idle_timeout);
  }
  return config;
}

rpc::InterfaceRules rules_of(const RpcInterface& configured) {
  rpc::InterfaceRules rules;
  rules.name = configured.name;
  rules.unsecured = configured.authority == Authority::unsecured;
  rules.accepted_endpoints = configured.accepted_endpoints;
  rules.forwarding_timeout = configured.forwarding_timeout;
  if (configured.snapshot_read) rules.enabled_features = {OperatorFeature::snapshot_read};
  if (configured.redirections) {
    rules.redirections.emplace();
    if (configured.redirections->to_primary) {
      rules.redirections->to_primary = target_of(*configured.redirections->to_primary);
    }
    if (configured.redirections->to_backup) {
      rules.redirections->to_backup = target_of(*configured.redirections->to_backup);
    }
  }
  return rules;
}

json::object published_interface(const RpcInterface& configured, const net::Address& bound) {
  json::object description = configured.raw.as_object();
  // Hosts stay as configured; a port 0 becomes the one that the system chose.
  const auto with_port = [&](Address address) {
    if (address.port == 0) address.port = bound.port;
    return address.text();
  };
  description["bind_address"] = with_port(configured.bind_address);
  description["published_address"] = with_port(configured.published_address);
  return description;
}

}  // namespace entente::node
