#include "gov/service_endpoints.h"

#include "gov/api_version.h"
#include "gov/ids.h"
#include "gov/service_documents.h"
#include "gov/tables.h"

namespace entente::gov {
namespace {

using http::Method;
using Handler = std::function<void(ReadOnlyEndpointContext&)>;

void not_found(Call& call, const std::string& message) {
  call.set_error(http::status::not_found, errors::resource_not_found, message);
}

void bad_query(Call& call, const std::string& message) {
  call.set_error(http::status::bad_request, errors::invalid_query_parameter_value, message);
}

void get(EndpointRegistry& registry, std::string path, Handler handler,
         ApiVersion oldest = ApiVersion::preview_2023_06_01) {
  registry
      .make_read_only_endpoint(std::move(path), Method::get, versioned(std::move(handler), oldest),
                               auth::none)
      .set_openapi_hidden()
      .install();
}

// ------------------------------------------------------------------------------------- one of many

/// A kind of things with an id: a list of all, and one by id.
struct Collection {
  std::string path;
  std::string parameter;
  std::string_view table;  ///< whose keys are the ids
  std::optional<json::object> (*document)(kv::ReadOnlyTx&, const std::string& id);
  std::string kind;   ///< in messages
  char abbreviation;  ///< of an id in messages
};

json::object list_of(kv::ReadOnlyTx& tx, const Collection& all) {
  json::array list;
  tx.ro(all.table).foreach_key([&](BytesView id) {
    if (auto one = all.document(tx, to_text(id))) list.push_back(std::move(*one));
    return true;
  });
  return {{"value", std::move(list)}};
}

void install_collection(EndpointRegistry& registry, const Collection& all) {
  get(registry, all.path,
      [all](ReadOnlyEndpointContext& ctx) { ctx.call.set_json(list_of(ctx.tx, all)); });
  get(registry, all.path + "/{" + all.parameter + "}", [all](ReadOnlyEndpointContext& ctx) {
    const std::string id = id_parameter(ctx.call, all.parameter);
    if (auto one = all.document(ctx.tx, id)) return ctx.call.set_json(*one);
    not_found(ctx.call, all.kind + " " + all.abbreviation + "[" + id + "] not found.");
  });
}

// ------------------------------------------------------------------------------------- the service

void get_constitution(ReadOnlyEndpointContext& ctx) {
  const auto stored = tables::get_json(ctx.tx, tables::constitution, tables::unit());
  if (!stored) return not_found(ctx.call, "Constitution not found.");
  if (!stored->is_string()) tables::refuse(tables::constitution, tables::unit(), "not a text");
  ctx.call.set_body(stored->get_string(), http::content_type::javascript);
}

void get_javascript_app(ReadOnlyEndpointContext& ctx) {
  const auto query = ctx.call.query();
  const std::string* form = query.find("case");
  if (form != nullptr && *form != "original") {
    return bad_query(ctx.call, "Accepted values for the 'case' query parameter are: original");
  }
  ctx.call.set_json(documents::javascript_app(ctx.tx, form != nullptr));
}

void get_module(ReadOnlyEndpointContext& ctx) {
  const std::string name = ctx.call.decoded_path_parameter("moduleName");
  const auto source = ctx.tx.ro(tables::modules).get(as_bytes(name));
  if (!source) return not_found(ctx.call, "Module '" + name + "' does not exist.");
  ctx.call.set_body(as_text(*source), http::content_type::javascript);
}

void install_service(EndpointRegistry& registry, const NodeContext& node) {
  get(registry, "/service/constitution", get_constitution);
  get(registry, "/service/info", [&node](ReadOnlyEndpointContext& ctx) {
    if (auto info = documents::service_info(ctx.tx, node)) return ctx.call.set_json(*info);
    not_found(ctx.call, "Service info not found.");
  });
  get(registry, "/service/join-policy",
      [](ReadOnlyEndpointContext& ctx) { ctx.call.set_json(documents::join_policy(ctx.tx)); });
  get(registry, "/service/jwk",
      [](ReadOnlyEndpointContext& ctx) { ctx.call.set_json(documents::jwk(ctx.tx)); });
  constexpr ApiVersion stable = ApiVersion::stable_2024_07_01;
  get(registry, "/service/javascript-app", get_javascript_app, stable);
  get(
      registry, "/service/javascript-modules",
      [](ReadOnlyEndpointContext& ctx) {
        ctx.call.set_json(json::object{{"value", documents::module_names(ctx.tx)}});
      },
      stable);
  get(registry, "/service/javascript-modules/{moduleName}", get_module, stable);
}

// ------------------------------------------------------------------------------------ transactions

void answer_status(Call& call, const NodeContext& node, TxId id) {
  call.set_json(json::object{{"status", to_text(node.status(id))}, {"transactionId", id.text()}});
}

void get_transaction(Call& call, const NodeContext& node) {
  const std::string text = call.decoded_path_parameter("transactionId");
  const auto id = TxId::parse(text);
  if (!id || id->view.value == 0 || id->seqno.value == 0) {
    return bad_query(call, "The value '" + text + "' is not a valid Transaction ID.");
  }
  answer_status(call, node, *id);
}

void install_transactions(EndpointRegistry& registry, const NodeContext& node) {
  registry
      .make_command_endpoint(
          "/service/transactions/{transactionId}", Method::get,
          versioned([&node](CommandEndpointContext& ctx) { get_transaction(ctx.call, node); }),
          auth::none)
      .set_openapi_hidden()
      .install();
  registry
      .make_command_endpoint("/service/transactions/commit", Method::get,
                             versioned([&node](CommandEndpointContext& ctx) {
                               answer_status(ctx.call, node, node.last_committed());
                             }),
                             auth::none)
      .set_openapi_hidden()
      .install();
}

}  // namespace

void install_service_endpoints(EndpointRegistry& registry, const Surroundings& surroundings) {
  install_service(registry, surroundings.node);
  install_collection(registry, {"/service/members", "memberId", tables::members_info,
                                documents::member, "Member", 'm'});
  install_collection(
      registry, {"/service/users", "userId", tables::users_certs, documents::user, "User", 'u'});
  install_collection(
      registry, {"/service/nodes", "nodeId", tables::nodes_info, documents::node, "Node", 'n'});
  install_transactions(registry, surroundings.node);
}

}  // namespace entente::gov
