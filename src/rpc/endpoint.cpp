#include "entente/endpoint.h"

#include <stdexcept>

#include "base/assert.h"
#include "rpc/path_template.h"

namespace entente {

static_assert(Call::max_path_parameters == rpc::PathTemplate::max_parameters);

std::string_view to_text(Forwarding forwarding) {
  constexpr std::string_view texts[] = {"always", "sometimes", "never"};
  return texts[static_cast<size_t>(forwarding)];
}

EndpointBuilder& EndpointBuilder::set_forwarding_required(Forwarding forwarding) {
  endpoint_.forwarding = forwarding;
  endpoint_.redirection =
      forwarding == Forwarding::never ? RedirectionStrategy::none : RedirectionStrategy::to_primary;
  return *this;
}
EndpointBuilder& EndpointBuilder::set_redirection_strategy(RedirectionStrategy strategy) {
  endpoint_.redirection = strategy;
  return *this;
}
EndpointBuilder& EndpointBuilder::require_operator_feature(OperatorFeature feature) {
  endpoint_.operator_feature = feature;
  return *this;
}
EndpointBuilder& EndpointBuilder::set_locally_committed_function(
    LocallyCommittedFunction function) {
  endpoint_.locally_committed = std::move(function);
  return *this;
}
EndpointBuilder& EndpointBuilder::set_request_schema(SchemaFunction schema) {
  endpoint_.request_schema = schema;
  return *this;
}
EndpointBuilder& EndpointBuilder::set_response_schema(SchemaFunction schema, int status) {
  endpoint_.response_schema = schema;
  endpoint_.success_status = status;
  return *this;
}
EndpointBuilder& EndpointBuilder::set_openapi_summary(std::string summary) {
  endpoint_.summary = std::move(summary);
  return *this;
}
EndpointBuilder& EndpointBuilder::set_openapi_description(std::string description) {
  endpoint_.description = std::move(description);
  return *this;
}
EndpointBuilder& EndpointBuilder::set_openapi_deprecated(bool deprecated) {
  endpoint_.deprecated = deprecated;
  return *this;
}
EndpointBuilder& EndpointBuilder::set_openapi_deprecated_replaced(std::string_view version,
                                                                  std::string_view path) {
  endpoint_.deprecated = true;
  endpoint_.description =
      "Deprecated since " + std::string(version) + ", replaced by " + std::string(path) + ".";
  return *this;
}
EndpointBuilder& EndpointBuilder::set_openapi_hidden(bool hidden) {
  endpoint_.hidden = hidden;
  return *this;
}
EndpointBuilder& EndpointBuilder::set_openapi(json::value operation) {
  endpoint_.openapi = std::move(operation);
  return *this;
}
void EndpointBuilder::install() {
  registry_->install(std::move(endpoint_));
}

namespace {

Endpoint describe(std::string path, http::Method method, Endpoint::Kind kind,
                  AuthPolicies policies) {
  Endpoint endpoint;
  endpoint.path = std::move(path);
  endpoint.method = method;
  endpoint.kind = kind;
  endpoint.policies = std::move(policies);
  if (kind == Endpoint::Kind::read_write) {
    endpoint.forwarding = Forwarding::always;
    endpoint.redirection = RedirectionStrategy::to_primary;
  }
  return endpoint;
}

}  // namespace

EndpointBuilder EndpointRegistry::make_endpoint(std::string path, http::Method method,
                                                EndpointFunction function, AuthPolicies policies) {
  auto endpoint =
      describe(std::move(path), method, Endpoint::Kind::read_write, std::move(policies));
  endpoint.read_write = std::move(function);
  return {*this, std::move(endpoint)};
}

EndpointBuilder EndpointRegistry::make_read_only_endpoint(std::string path, http::Method method,
                                                          ReadOnlyEndpointFunction function,
                                                          AuthPolicies policies) {
  auto endpoint = describe(std::move(path), method, Endpoint::Kind::read_only, std::move(policies));
  endpoint.read_only = std::move(function);
  return {*this, std::move(endpoint)};
}

EndpointBuilder EndpointRegistry::make_command_endpoint(std::string path, http::Method method,
                                                        CommandEndpointFunction function,
                                                        AuthPolicies policies) {
  auto endpoint = describe(std::move(path), method, Endpoint::Kind::command, std::move(policies));
  endpoint.command = std::move(function);
  return {*this, std::move(endpoint)};
}

void EndpointRegistry::set_default(EndpointFunction function, AuthPolicies policies) {
  default_ = std::make_unique<Endpoint>(
      describe("/", http::Method::get, Endpoint::Kind::read_write, std::move(policies)));
  default_->read_write = std::move(function);
  default_->full_path = "/" + actor_;
  default_->hidden = true;
}

void EndpointRegistry::install(Endpoint endpoint) {
  // `records/{key}` and `/records/{key}` mean the same.
  if (!endpoint.path.starts_with('/')) endpoint.path.insert(0, 1, '/');
  auto parsed = rpc::PathTemplate::parse(endpoint.path);
  if (!parsed.ok()) throw std::logic_error(parsed.error().message);
  for (const AuthPolicyPtr& policy : endpoint.policies) {
    if (policy == nullptr) throw std::logic_error(endpoint.path + ": null authentication policy");
  }
  for (const auto& known : endpoints_) {
    if (known->path == endpoint.path && known->method == endpoint.method) {
      throw std::logic_error("two endpoints for " + std::string(http::to_text(endpoint.method)) +
                             " " + endpoint.path);
    }
  }
  endpoint.parameter_names = parsed->names();
  endpoint.full_path = "/" + actor_ + endpoint.path;
  endpoints_.push_back(std::make_unique<Endpoint>(std::move(endpoint)));
}

}  // namespace entente
