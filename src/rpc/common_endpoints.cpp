#include "rpc/common_endpoints.h"

#include <memory>
#include <mutex>

#include "entente/json_adapter.h"
#include "entente/json_types.h"
#include "rpc/openapi.h"

namespace entente::rpc {
namespace {

struct CommitOut {
  static constexpr std::string_view schema_name = "GetCommit__Out";
  TxId transaction_id;
  std::optional<std::vector<TxId>> view_history;
};
BOOST_DESCRIBE_STRUCT(CommitOut, (), (transaction_id, view_history))

struct TxStatusOut {
  static constexpr std::string_view schema_name = "GetTxStatus__Out";
  TxId transaction_id;
  TxStatus status = TxStatus::unknown;
};
BOOST_DESCRIBE_STRUCT(TxStatusOut, (), (transaction_id, status))

JsonAnswer bad_query(int status, std::string message) {
  return make_error(status, errors::invalid_query_parameter_value, std::move(message));
}

JsonAnswer get_commit(const NodeContext& node, const Call& call) {
  CommitOut out;
  out.transaction_id = node.last_committed();
  const auto query = call.query();
  std::optional<View> since;
  if (const std::string* wanted = query.find("view_history")) {
    if (*wanted == "true") {
      since = View{1};
    } else if (*wanted != "false") {
      return bad_query(http::status::bad_request,
                       "Invalid value for view_history, must be one of [true, false] when present");
    }
  } else if (query.find("view_history_since") != nullptr) {
    constexpr auto message =
        "Invalid value for view_history_since, must be in range [1, current_term]";
    // A view that is yet to come may be found later; one below the first never will; what is no
    // number at all is ignored.
    if (const auto view = query.get<uint64_t>("view_history_since"); view.ok()) {
      if (*view < 1) return bad_query(http::status::bad_request, message);
      if (View{*view} > node.current_view()) return bad_query(http::status::not_found, message);
      since = View{*view};
    }
  }
  if (since) out.view_history = node.view_history(*since);
  return make_success(json::from(out));
}

JsonAnswer get_tx(const NodeContext& node, const Call& call) {
  const auto text = call.query().get<std::string>("transaction_id");
  if (!text.ok()) return bad_query(http::status::bad_request, text.error().message);
  const auto id = TxId::parse(*text);
  if (!id) {
    return bad_query(http::status::bad_request,
                     "The value '" + *text +
                         "' passed as query parameter 'transaction_id' could not be converted to "
                         "a valid Transaction ID.");
  }
  return make_success(json::from(TxStatusOut{*id, node.status(*id)}));
}

/// The generated document changes only with the registry, which is complete when the first request
/// comes.
struct Documents {
  std::vector<PublishedDocument> published;
  std::once_flag once;
  std::string generated;
};

void refuse_version(Call& call, const std::string& asked,
                    const std::vector<PublishedDocument>& published) {
  std::string versions;
  for (const PublishedDocument& document : published) {
    if (!versions.empty()) versions += ", ";
    versions += document.version;
  }
  call.set_error(
      http::status::bad_request, errors::unsupported_api_version_value,
      "Unsupported api-version '" + asked + "'. The supported api-versions are: " + versions);
}

void get_api(CommandEndpointContext& ctx, const EndpointRegistry& registry, Documents& documents) {
  const auto query = ctx.call.query();
  const std::string* asked = documents.published.empty() ? nullptr : query.find("api-version");
  if (asked == nullptr) {
    std::call_once(documents.once,
                   [&] { documents.generated = json::dump(openapi_document(registry)); });
    ctx.call.set_body(documents.generated, http::content_type::json);
    return;
  }
  for (const PublishedDocument& document : documents.published) {
    if (document.version != *asked) continue;
    ctx.call.set_body(document.text, http::content_type::json);
    return;
  }
  refuse_version(ctx.call, *asked, documents.published);
}

}  // namespace

void install_common_endpoints(EndpointRegistry& registry, const NodeContext& node,
                              std::vector<PublishedDocument> published) {
  using http::Method;
  registry
      .make_command_endpoint("/commit", Method::get,
                             json_command_adapter<void>([&node](CommandEndpointContext& ctx) {
                               return get_commit(node, ctx.call);
                             }),
                             auth::none)
      .set_auto_schema<void, CommitOut>()
      .add_query_parameter<bool>("view_history", false)
      .add_query_parameter<uint64_t>("view_history_since", false)
      .set_openapi_summary("Current commit level")
      .set_openapi_description("Latest transaction ID that has been committed on the service")
      .install();

  registry
      .make_command_endpoint("/tx", Method::get,
                             json_command_adapter<void>([&node](CommandEndpointContext& ctx) {
                               return get_tx(node, ctx.call);
                             }),
                             auth::none)
      .set_auto_schema<void, TxStatusOut>()
      .add_query_parameter<TxId>("transaction_id")
      .set_openapi_summary("Current status of a transaction")
      .set_openapi_description(
          "Possible statuses returned are Unknown, Pending, Committed or Invalid.")
      .install();

  const auto documents = std::make_shared<Documents>();
  documents->published = std::move(published);
  registry
      .make_command_endpoint(
          "/api", Method::get,
          [&registry, documents](CommandEndpointContext& ctx) {
            get_api(ctx, registry, *documents);
          },
          auth::none)
      .set_auto_schema<void, json::value>()
      .set_openapi_summary("OpenAPI schema")
      .install();
}

void install_receipt_endpoint(EndpointRegistry& registry, ReadOnlyEndpointFunction function) {
  registry.make_read_only_endpoint("/receipt", http::Method::get, std::move(function), auth::none)
      .set_auto_schema<void, json::value>()
      .add_query_parameter<TxId>("transaction_id")
      .set_openapi_summary("Receipt for a transaction")
      .set_openapi_description(
          "A signed statement from the service over a transaction entry in the ledger")
      .install();
}

}  // namespace entente::rpc
