// The records themselves: put, get, remove, count, in both tables.

#include "logging.h"
#include "preconditions.h"
#include "types.h"

namespace logging {

namespace {

using namespace entente;

JsonAnswer no_record(uint64_t id) {
  return make_error(http::status::not_found, errors::resource_not_found, no_such_record(id));
}

JsonAnswer empty_message() {
  return make_error(http::status::bad_request, errors::invalid_input,
                    "Cannot record an empty log message.");
}

JsonAnswer changed() {
  return make_error(http::status::precondition_failed, errors::precondition_failed,
                    "Resource has changed.");
}

/// The answer is complete: this status and no body.
JsonAnswer bare(Call& call, int status) {
  call.set_status(status);
  return already_populated_response();
}

// ------------------------------------------------------------------------------------ private

JsonAnswer put_private(EndpointContext& ctx, Record&& record) {
  if (record.msg.empty()) return empty_message();
  ctx.tx.wo(table(private_table, ctx.call.query())).put(record.id, record.msg);
  return make_success(true);
}

JsonAnswer get_private(ReadOnlyEndpointContext& ctx) {
  const auto query = ctx.call.query();
  const auto id = required<uint64_t>(query, "id");
  auto msg = ctx.tx.ro(table(private_table, query)).get(id);
  if (!msg) return no_record(id);
  return make_success(json::from(Message{std::move(*msg)}));
}

JsonAnswer remove_private(EndpointContext& ctx) {
  const auto query = ctx.call.query();
  const auto id = required<uint64_t>(query, "id");
  auto records = ctx.tx.rw(table(private_table, query));
  const bool existed = records.has(id);
  records.remove(id);
  return make_success(existed);
}

// ------------------------------------------------------------------------------------- public

JsonAnswer put_public(EndpointContext& ctx, Record&& record) {
  if (record.msg.empty()) return empty_message();
  refuse_contradicting_preconditions(ctx.call);
  auto records = ctx.tx.rw(table(public_table, ctx.call.query()));
  const auto old = records.get(record.id);
  if (old && check_preconditions(ctx.call, entity_tag(*old)) != Precondition::holds) {
    return changed();
  }
  records.put(record.id, record.msg);
  const Digest digest = sha256(as_bytes(record.msg));
  if (record.record_claim) ctx.call.set_claims_digest(digest);
  ctx.call.set_header(http::header::etag, digest.hex());
  return make_success(true);
}

JsonAnswer get_public(ReadOnlyEndpointContext& ctx) {
  const auto query = ctx.call.query();
  const auto id = required<uint64_t>(query, "id");
  auto msg = ctx.tx.ro(table(public_table, query)).get(id);
  if (!msg) return no_record(id);
  const std::string tag = entity_tag(*msg);
  switch (check_preconditions(ctx.call, tag)) {
    case Precondition::match_failed:
      return changed();
    case Precondition::none_match_failed:
      return bare(ctx.call, http::status::not_modified);
    case Precondition::holds:
      break;
  }
  ctx.call.set_header(http::header::etag, tag);
  return make_success(json::from(Message{std::move(*msg)}));
}

JsonAnswer remove_public(EndpointContext& ctx) {
  const auto query = ctx.call.query();
  const auto id = required<uint64_t>(query, "id");
  auto records = ctx.tx.rw(table(public_table, query));
  const auto msg = records.get(id);
  if (!msg) return make_success(false);
  switch (check_preconditions(ctx.call, entity_tag(*msg))) {
    case Precondition::match_failed:
      return changed();
    case Precondition::none_match_failed:
      return bare(ctx.call, http::status::not_modified);
    case Precondition::holds:
      break;
  }
  records.remove(id);
  return make_success(true);
}

// --------------------------------------------------------------------------------- whole table

JsonAnswer remove_all(EndpointContext& ctx, std::string_view name) {
  ctx.tx.rw(table(name, ctx.call.query())).clear();
  return make_success(true);
}

JsonAnswer count(ReadOnlyEndpointContext& ctx, std::string_view name) {
  return make_success(uint64_t{ctx.tx.ro(table(name, ctx.call.query())).size()});
}

struct Table {
  std::string path;
  std::string_view name;
  JsonAnswer (*put)(EndpointContext&, Record&&);
  JsonAnswer (*get)(ReadOnlyEndpointContext&);
  JsonAnswer (*remove)(EndpointContext&);
};

void register_table(EndpointRegistry& endpoints, const Table& table) {
  using http::Method;
  const AuthPolicies policies = default_policies();
  const std::string_view name = table.name;
  endpoints.make_endpoint(table.path, Method::post, json_adapter<Record>(table.put), policies)
      .set_auto_schema<Record, bool>()
      .install();
  endpoints
      .make_read_only_endpoint(table.path, Method::get, json_read_only_adapter<void>(table.get),
                               policies)
      .set_auto_schema<void, Message>()
      .add_query_parameter<uint64_t>("id")
      .install();
  endpoints
      .make_read_only_endpoint(table.path + "/backup", Method::get,
                               json_read_only_adapter<void>(table.get), policies)
      .set_redirection_strategy(RedirectionStrategy::to_backup)
      .set_auto_schema<void, Message>()
      .add_query_parameter<uint64_t>("id")
      .install();
  endpoints.make_endpoint(table.path, Method::del, json_adapter<void>(table.remove), policies)
      .set_auto_schema<void, bool>()
      .add_query_parameter<uint64_t>("id")
      .install();
  endpoints
      .make_endpoint(
          table.path + "/all", Method::del,
          json_adapter<void>([name](EndpointContext& ctx) { return remove_all(ctx, name); }),
          policies)
      .set_auto_schema<void, bool>()
      .install();
  endpoints
      .make_read_only_endpoint(table.path + "/count", Method::get,
                               json_read_only_adapter<void>([name](ReadOnlyEndpointContext& ctx) {
                                 return count(ctx, name);
                               }),
                               policies)
      .set_forwarding_required(Forwarding::always)
      .set_auto_schema<void, uint64_t>()
      .install();
}

void put_raw_text(EndpointContext& ctx) {
  const std::string_view type = ctx.call.header(http::header::content_type).value_or("");
  if (type != http::content_type::text) {
    ctx.call.set_error(http::status::unsupported_media_type, errors::invalid_header_value,
                       "Expected content-type 'text/plain'. Got '" + std::string(type) + "'.");
    return;
  }
  const std::string_view text = ctx.call.path_parameter("id");
  uint64_t id = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (code != std::errc() || end != text.data() + text.size()) {
    ctx.call.set_error(http::status::bad_request, errors::invalid_resource_name,
                       "The id '" + std::string(text) + "' is not a number.");
    return;
  }
  ctx.tx.wo(table(private_table, ctx.call.query())).put(id, to_text(ctx.call.body()));
  ctx.call.set_status(http::status::ok);
}

}  // namespace

void register_records(EndpointRegistry& endpoints) {
  register_table(endpoints,
                 {"/log/private", private_table, put_private, get_private, remove_private});
  register_table(endpoints, {"/log/public", public_table, put_public, get_public, remove_public});
  endpoints
      .make_endpoint("/log/private/raw_text/{id}", http::Method::post, put_raw_text,
                     default_policies())
      .install();
}

}  // namespace logging
