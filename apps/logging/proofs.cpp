// What the service signs about a transaction, in CBOR: receipts, signatures, endorsements.

#include "entente/history.h"
#include "logging.h"
#include "types.h"

namespace logging {

namespace {

using namespace entente;
using history::StatePtr;

void not_found(Call& call, std::string_view message) {
  call.set_error(http::status::not_found, errors::resource_not_found, message);
}

void get_endorsements(ReadOnlyEndpointContext& ctx, const StatePtr& state) {
  Endorsements answer{history::describe_cose_endorsements(*state)};
  if (answer.endorsements.empty()) {
    return not_found(ctx.call, "No COSE endorsements available for this transaction");
  }
  write_json_value(ctx.call, json::from(answer));
}

void get_signature(ReadOnlyEndpointContext& ctx, const StatePtr& state) {
  auto signature = history::describe_cose_signature(*state);
  if (!signature) return not_found(ctx.call, "No COSE signature available for this transaction");
  write_json_value(ctx.call, json::from(Signature{std::move(*signature)}));
}

void get_receipt(ReadOnlyEndpointContext& ctx, const StatePtr& state) {
  auto receipt = history::describe_cose_receipt(*state);
  if (!receipt) return not_found(ctx.call, "No merkle proof available for this transaction");
  ctx.call.set_status(http::status::ok);
  ctx.call.set_body(std::move(*receipt), http::content_type::cose);
}

void verify_receipt(Call& call, const NodeContext& node) {
  const std::string_view type = call.header(http::header::content_type).value_or("");
  if (type != http::content_type::cose) {
    call.set_error(http::status::unsupported_media_type, errors::invalid_header_value,
                   "Expected content-type 'application/cose'. Got '" + std::string(type) + "'.");
    return;
  }
  const auto verified = history::verify_self_issued_receipt(node, call.body());
  if (!verified) {
    call.set_error(http::status::bad_request, errors::invalid_input,
                   "COSE receipt verification failed: " + verified.error().message);
    return;
  }
  call.set_status(http::status::no_content);
}

void get_configuration(Call& call, const NodeContext& node) {
  const auto configuration = node.get<history::CoseSignaturesConfig>();
  call.set_status(http::status::ok);
  call.set_json(
      json::object{{"issuer", configuration->issuer}, {"subject", configuration->subject}});
}

}  // namespace

void register_proofs(EndpointRegistry& endpoints, NodeContext& node) {
  using http::Method;
  const AuthPolicies policies = default_policies();
  endpoints
      .make_read_only_endpoint("/log/public/cose_endorsements", Method::get,
                               history::read_only_adapter(get_endorsements, node), policies)
      .set_forwarding_required(Forwarding::never)
      .set_auto_schema<void, Endorsements>()
      .install();
  endpoints
      .make_read_only_endpoint("/log/public/cose_signature", Method::get,
                               history::read_only_adapter(get_signature, node), policies)
      .set_forwarding_required(Forwarding::never)
      .set_auto_schema<void, Signature>()
      .install();
  endpoints
      .make_read_only_endpoint("/log/public/cose_receipt", Method::get,
                               history::read_only_adapter(get_receipt, node), policies)
      .set_forwarding_required(Forwarding::never)
      .set_auto_schema<void, void>()
      .install();
  endpoints
      .make_read_only_endpoint(
          "/log/public/verify_cose_receipt", Method::get,
          [&node](ReadOnlyEndpointContext& ctx) { verify_receipt(ctx.call, node); }, auth::none)
      .set_forwarding_required(Forwarding::never)
      .set_auto_schema<void, void>()
      .install();
  endpoints
      .make_command_endpoint(
          "/cose_signatures_config", Method::get,
          [&node](CommandEndpointContext& ctx) { get_configuration(ctx.call, node); }, policies)
      .set_forwarding_required(Forwarding::never)
      .set_auto_schema<void, void>()
      .install();
}

}  // namespace logging
