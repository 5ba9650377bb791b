#include "rpc/openapi.h"

namespace entente::rpc {
namespace {

using json::array;
using json::object;
using json::value;

object forwarding_descriptions() {
  const auto entry = [](Forwarding forwarding, std::string_view description) {
    return object{{"value", to_text(forwarding)}, {"description", description}};
  };
  return {
      {"always", entry(Forwarding::always,
                       "If this request is made to a backup node, it will be forwarded to the "
                       "primary node for execution.")},
      {"sometimes",
       entry(Forwarding::sometimes,
             "If this request is made to a backup node, it may be forwarded to the primary node "
             "for execution. Specifically, if this request is sent as part of a session which was "
             "already forwarded, then it will also be forwarded.")},
      {"never", entry(Forwarding::never,
                      "This call will never be forwarded, and is always executed on the receiving "
                      "node, potentially breaking session consistency. If this attempts to write "
                      "on a backup, this will fail.")}};
}

object error_schema() {
  return {
      {"type", "object"},
      {"properties",
       object{{"error",
               object{{"type", "object"},
                      {"properties",
                       object{{"code", object{{"description",
                                               "Response error code. CCF error codes: "
                                               "https://microsoft.github.io/CCF/main/operations/"
                                               "troubleshooting.html#error-codes"},
                                              {"type", "string"}}},
                              {"message", object{{"description", "Response error message"},
                                                 {"type", "string"}}}}}}}}}};
}

value json_content(std::string_view media_type, value schema) {
  return object{{media_type, object{{"schema", std::move(schema)}}}};
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// `GET /node/network/{id}` → `GetNodeNetworkId`
std::string operation_id(std::string_view verb, std::string_view full_path) {
  std::string id;
  bool capital = true;
  for (const char c : verb) {
    id += capital ? c : static_cast<char>(c | 0x20);
    capital = false;
  }
  capital = true;
  for (const char c : full_path) {
    if (!is_alphanumeric(c)) {
      capital = true;
      continue;
    }
    id += capital && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    capital = false;
  }
  return id;
}

class Generator {
 public:
  explicit Generator(const EndpointRegistry& registry) : registry_(registry) {}

  value document() {
    schemas_.add("CCFError", error_schema());
    for (const auto& endpoint : registry_.endpoints()) {
      if (!endpoint->hidden) add(*endpoint);
    }
    object components{
        {"responses",
         object{{"default", object{{"description", "An error occurred"},
                                   {"content", json_content("application/json",
                                                            SchemaSet::reference("CCFError"))}}}}},
        {"schemas", schemas_.all()},
        {"x-ccf-forwarding", forwarding_descriptions()}};
    if (!schemes_.empty()) components.emplace("securitySchemes", std::move(schemes_));
    const OpenApiInfo& info = registry_.openapi_info;
    return object{{"openapi", "3.0.0"},
                  {"info", object{{"title", info.title},
                                  {"description", info.description},
                                  {"version", info.version}}},
                  {"servers", array{}},
                  {"paths", std::move(paths_)},
                  {"components", std::move(components)}};
  }

 private:
  void add(const Endpoint& endpoint) {
    value& slot = paths_[endpoint.full_path];
    if (slot.is_null()) slot = object{};
    object& path = slot.get_object();
    if (!endpoint.parameter_names.empty() && !path.contains("parameters")) {
      path.emplace("parameters", path_parameters(endpoint));
    }
    std::string verb(http::to_text(endpoint.method));
    for (char& c : verb) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    path[verb] = endpoint.openapi ? *endpoint.openapi : operation(endpoint);
  }

  static array path_parameters(const Endpoint& endpoint) {
    array parameters;
    for (const std::string& name : endpoint.parameter_names) {
      parameters.push_back(object{{"in", "path"},
                                  {"name", name},
                                  {"required", true},
                                  {"schema", object{{"type", "string"}}}});
    }
    return parameters;
  }

  object operation(const Endpoint& endpoint) {
    object out{
        {"operationId", operation_id(http::to_text(endpoint.method), endpoint.full_path)},
        {"x-ccf-forwarding", object{{"$ref", "#/components/x-ccf-forwarding/" +
                                                 std::string(to_text(endpoint.forwarding))}}},
        {"responses", responses(endpoint)}};
    if (!endpoint.summary.empty()) out.emplace("summary", endpoint.summary);
    if (!endpoint.description.empty()) out.emplace("description", endpoint.description);
    if (endpoint.deprecated) out.emplace("deprecated", true);
    array parameters;
    for (const QueryParameter& parameter : endpoint.query_parameters) {
      parameters.push_back(object{{"in", "query"},
                                  {"name", parameter.name},
                                  {"required", parameter.required},
                                  {"schema", parameter.schema(schemas_)}});
    }
    if (!parameters.empty()) out.emplace("parameters", std::move(parameters));
    if (endpoint.request_schema != nullptr) {
      out.emplace(
          "requestBody",
          object{{"description", "Auto-generated request body schema"},
                 {"content", json_content("application/json", endpoint.request_schema(schemas_))}});
    }
    array needed = security(endpoint);
    if (!needed.empty()) out.emplace("security", std::move(needed));
    return out;
  }

  object responses(const Endpoint& endpoint) {
    object success{{"description", "Default response description"}};
    if (endpoint.response_schema != nullptr) {
      const value schema = endpoint.response_schema(schemas_);
      const bool text = schema == SchemaSet::reference("string");
      success.emplace("content", json_content(text ? "text/plain" : "application/json", schema));
    }
    return {{std::to_string(endpoint.success_status), std::move(success)},
            {"default", object{{"$ref", "#/components/responses/default"}}}};
  }

  array security(const Endpoint& endpoint) {
    array needed;
    for (const AuthPolicyPtr& policy : endpoint.policies) {
      if (policy->name() == "no_auth") {
        // Alone it would say no more than an absent key.
        if (endpoint.policies.size() > 1) needed.push_back(object{});
        continue;
      }
      if (auto scheme = policy->openapi_scheme()) {
        schemes_.insert_or_assign(policy->name(), std::move(*scheme));
        needed.push_back(object{{policy->name(), array{}}});
      }
    }
    return needed;
  }

  const EndpointRegistry& registry_;
  SchemaSet schemas_;
  object paths_;
  object schemes_;
};

}  // namespace

json::value openapi_document(const EndpointRegistry& registry) {
  return Generator(registry).document();
}

}  // namespace entente::rpc
