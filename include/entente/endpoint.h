#pragma once
// Endpoints and their registry: which function answers which verb and path, who may call it, what
// its document says. Registration happens before the service starts, on one thread; handlers run on
// many threads at once. Source: docs/http-api.md (dispatch), docs/applications.md.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "entente/auth.h"
#include "entente/call.h"
#include "entente/http.h"
#include "entente/json.h"
#include "entente/schema.h"
#include "entente/types.h"

namespace entente::kv {
class Tx;
class ReadOnlyTx;
}  // namespace entente::kv

namespace entente {

/// What handlers are given. References live until the handler returns.
struct CommandEndpointContext {
  Call& call;
};
struct ReadOnlyEndpointContext {
  Call& call;
  kv::ReadOnlyTx& tx;
};
struct EndpointContext {
  Call& call;
  kv::Tx& tx;
};

using EndpointFunction = std::function<void(EndpointContext&)>;
using ReadOnlyEndpointFunction = std::function<void(ReadOnlyEndpointContext&)>;
using CommandEndpointFunction = std::function<void(CommandEndpointContext&)>;
/// Runs after the local commit and before the answer leaves. If it throws, the answer is 500 but
/// the transaction stays. The default sets the transaction id header.
using LocallyCommittedFunction = std::function<void(CommandEndpointContext&, const TxId&)>;

/// Whether a backup sends the request to the primary; where the interface has no redirections.
enum class Forwarding { always, sometimes, never };
/// Whether a node in the wrong role answers 307; where the interface has redirections.
enum class RedirectionStrategy { none, to_primary, to_backup };
/// Endpoints that are reachable only on interfaces which enable the feature.
enum class OperatorFeature { snapshot_read };

std::string_view to_text(Forwarding forwarding);  ///< `always`, `sometimes`, `never`

struct QueryParameter {
  std::string name;
  bool required = true;
  SchemaFunction schema = nullptr;
};

struct Endpoint {
  std::string path;  ///< template without the actor: `/records/{key}`
  http::Method method = http::Method::get;

  enum class Kind { read_write, read_only, command } kind = Kind::command;
  EndpointFunction read_write;        ///< exactly the one of `kind` is set
  ReadOnlyEndpointFunction read_only;
  CommandEndpointFunction command;
  LocallyCommittedFunction locally_committed;  ///< empty: the default

  AuthPolicies policies;
  Forwarding forwarding = Forwarding::sometimes;
  RedirectionStrategy redirection = RedirectionStrategy::none;
  std::optional<OperatorFeature> operator_feature;

  // Document
  bool hidden = false;
  bool deprecated = false;
  std::string summary;
  std::string description;
  int success_status = 200;
  SchemaFunction request_schema = nullptr;   ///< empty: none
  SchemaFunction response_schema = nullptr;  ///< empty: none
  std::vector<QueryParameter> query_parameters;
  /// An OpenAPI operation object taken verbatim instead of the generated one.
  std::optional<json::value> openapi;

  // Filled by the registry
  std::vector<std::string> parameter_names;  ///< of the template, in order
  std::string full_path;                     ///< with the actor: `/app/records/{key}`
  size_t index = 0;                          ///< within the service, dense
};

class EndpointRegistry;

/// An endpoint being described; nothing is registered before install().
class [[nodiscard]] EndpointBuilder {
 public:
  EndpointBuilder(EndpointRegistry& registry, Endpoint endpoint)
      : registry_(&registry), endpoint_(std::move(endpoint)) {}

  /// Also sets the redirection strategy: none for `never`, to_primary otherwise.
  EndpointBuilder& set_forwarding_required(Forwarding forwarding);
  EndpointBuilder& set_redirection_strategy(RedirectionStrategy strategy);
  EndpointBuilder& require_operator_feature(OperatorFeature feature);
  EndpointBuilder& set_locally_committed_function(LocallyCommittedFunction function);

  /// Schemas from types; void In: no request body; void Out: status 204 unless given.
  template <typename In, typename Out>
  EndpointBuilder& set_auto_schema(std::optional<int> status = std::nullopt) {
    endpoint_.request_schema = schema_function<In>();
    endpoint_.response_schema = schema_function<Out>();
    endpoint_.success_status = status.value_or(std::is_void_v<Out> ? 204 : 200);
    return *this;
  }
  EndpointBuilder& set_request_schema(SchemaFunction schema);
  EndpointBuilder& set_response_schema(SchemaFunction schema, int status = 200);
  template <typename T>
  EndpointBuilder& add_query_parameter(std::string name, bool required = true) {
    endpoint_.query_parameters.push_back({std::move(name), required, schema_function<T>()});
    return *this;
  }
  EndpointBuilder& set_openapi_summary(std::string summary);
  EndpointBuilder& set_openapi_description(std::string description);
  EndpointBuilder& set_openapi_deprecated(bool deprecated = true);
  /// Deprecated, with the description `Deprecated since {version}, replaced by {path}.`
  EndpointBuilder& set_openapi_deprecated_replaced(std::string_view version, std::string_view path);
  EndpointBuilder& set_openapi_hidden(bool hidden = true);
  EndpointBuilder& set_openapi(json::value operation);

  /// Throws std::logic_error on a template that breaks the rules and on a second endpoint for the
  /// same verb and path.
  void install();

 private:
  EndpointRegistry* registry_;
  Endpoint endpoint_;
};

/// Title page of the generated document.
struct OpenApiInfo {
  std::string title = "Entente application";
  std::string description;
  std::string version = "0.0.1";
};

class EndpointRegistry {
 public:
  /// `actor`: first component of the full path, `app`, `node` or `gov`.
  explicit EndpointRegistry(std::string actor) : actor_(std::move(actor)) {}
  EndpointRegistry(const EndpointRegistry&) = delete;
  EndpointRegistry& operator=(const EndpointRegistry&) = delete;

  const std::string& actor() const { return actor_; }
  OpenApiInfo openapi_info;

  /// Reads and writes. Forwarding always, redirection to_primary.
  EndpointBuilder make_endpoint(std::string path, http::Method method, EndpointFunction function,
                                AuthPolicies policies);
  /// Reads. Forwarding sometimes, redirection none.
  EndpointBuilder make_read_only_endpoint(std::string path, http::Method method,
                                          ReadOnlyEndpointFunction function, AuthPolicies policies);
  /// No transaction. Forwarding sometimes, redirection none.
  EndpointBuilder make_command_endpoint(std::string path, http::Method method,
                                        CommandEndpointFunction function, AuthPolicies policies);
  /// Answers whatever no endpoint matches.
  void set_default(EndpointFunction function, AuthPolicies policies);

  /// In the order of installation; addresses are stable.
  const std::vector<std::unique_ptr<Endpoint>>& endpoints() const { return endpoints_; }
  const Endpoint* default_endpoint() const { return default_.get(); }
  Endpoint* default_endpoint() { return default_.get(); }

 private:
  friend class EndpointBuilder;
  void install(Endpoint endpoint);

  std::string actor_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::unique_ptr<Endpoint> default_;
};

}  // namespace entente
