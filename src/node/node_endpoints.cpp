#include "node/node_endpoints.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "base/encoding.h"
#include "entente/app.h"
#include "node/redirections.h"
#include "node/snapshot_endpoints.h"
#include "node/tables.h"
#include "replica/replica.h"
#include "rpc/session.h"
#include "tee/virtual_platform.h"

namespace entente::node {
namespace {

using http::Method;

/// Everything that a handler of this file needs; copied into each of them.
struct Surroundings {
  const NodeFacts& facts;
  const NodeContext& node;
  const replica::Status& status;
};

JsonAnswer not_found(std::string message) {
  return make_error(http::status::not_found, errors::resource_not_found, std::move(message));
}

// ------------------------------------------------------------------------------------- one node

void install_state(EndpointRegistry& registry, const Surroundings& s) {
  // The handlers of this group read no table, but answer with a transaction id all the same.
  registry
      .make_read_only_endpoint("/state", Method::get,
                               json_read_only_adapter<void>([s](ReadOnlyEndpointContext& ctx) {
                                 ctx.tx.ro(tables::nodes_info).has(as_bytes(s.facts.id.value));
                                 api::GetState state;
                                 state.node_id = s.facts.id;
                                 state.state = s.facts.state;
                                 state.last_signed_seqno = s.status.last_signed().value;
                                 state.startup_seqno = s.facts.startup_seqno.value;
                                 state.stop_notice = s.facts.stop_notice;
                                 return state;
                               }),
                               {})
      .set_auto_schema<void, api::GetState>()
      .set_forwarding_required(Forwarding::never)
      .install();

  registry
      .make_command_endpoint("/version", Method::get,
                             json_command_adapter<void>([](CommandEndpointContext&) {
                               return api::GetVersion{version(), "none", false};
                             }),
                             {})
      .set_auto_schema<void, api::GetVersion>()
      .set_forwarding_required(Forwarding::never)
      .install();

  registry
      .make_command_endpoint("/self_signed_certificate", Method::get,
                             json_command_adapter<void>([s](CommandEndpointContext&) {
                               return api::SelfSignedCertificate{{s.facts.self_signed_certificate}};
                             }),
                             {})
      .set_auto_schema<void, api::SelfSignedCertificate>()
      .set_forwarding_required(Forwarding::never)
      .install();
}

/// Resident memory of the process in bytes, and the most it ever was.
std::pair<uint64_t, uint64_t> resident_memory() {
  uint64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const uint64_t now = resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return {now, std::max(now, static_cast<uint64_t>(usage.ru_maxrss) << 10)};
}

void install_metrics(EndpointRegistry& registry, const Surroundings& s) {
  registry
      .make_command_endpoint(
          "/memory", Method::get, json_command_adapter<void>([](CommandEndpointContext&) {
            const auto [now, peak] = resident_memory();
            const uint64_t machine = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                                     static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
            return api::MemoryUsage{std::max(machine, peak), now, peak};
          }),
          {})
      .set_auto_schema<void, api::MemoryUsage>()
      .set_forwarding_required(Forwarding::never)
      .install();

  registry
      .make_command_endpoint("/metrics", Method::get,
                             json_command_adapter<void>([s](CommandEndpointContext&) {
                               const net::ServerMetrics now = s.facts.sessions();
                               api::NodeMetrics metrics;
                               metrics.sessions.active = now.active;
                               metrics.sessions.peak = now.peak;
                               for (const net::InterfaceMetrics& one : now.interfaces) {
                                 metrics.sessions.interfaces[one.name] = {
                                     one.active,
                                     one.peak,
                                     one.soft_cap,
                                     one.hard_cap,
                                     {one.errors.parsing, one.errors.request_payload_too_large,
                                      one.errors.request_header_too_large}};
                               }
                               return metrics;
                             }),
                             {})
      .set_auto_schema<void, api::NodeMetrics>()
      .set_forwarding_required(Forwarding::never)
      .install();

  // Ours: not in the published description.
  registry
      .make_command_endpoint("/node_to_node/metrics", Method::get,
                             json_command_adapter<void>(
                                 [s](CommandEndpointContext&) { return s.facts.node_to_node(); }),
                             {})
      .set_forwarding_required(Forwarding::never)
      .set_openapi_hidden()
      .install();

  registry
      .make_read_only_endpoint(
          "/js_metrics", Method::get,
          json_read_only_adapter<void>([](ReadOnlyEndpointContext& ctx) {
            const auto options =
                tables::get_json(ctx.tx, tables::js_runtime_options, tables::unit());
            const auto limit = [&](std::string_view name, uint64_t otherwise) -> uint64_t {
              const auto* members = options ? options->if_object() : nullptr;
              const auto* member = members == nullptr ? nullptr : members->if_contains(name);
              return member != nullptr && member->is_int64()
                         ? static_cast<uint64_t>(member->get_int64())
                         : otherwise;
            };
            return api::JavaScriptMetrics{0,
                                          false,
                                          limit("max_heap_bytes", 104857600),
                                          limit("max_stack_bytes", 1048576),
                                          limit("max_execution_time_ms", 5000),
                                          limit("max_cached_interpreters", 10)};
          }),
          {})
      .set_auto_schema<void, api::JavaScriptMetrics>()
      .install();

  registry
      .make_command_endpoint("/jwt_keys/refresh/metrics", Method::get,
                             json_command_adapter<void>(
                                 [](CommandEndpointContext&) { return api::JWTRefreshMetrics{}; }),
                             {})
      .set_auto_schema<void, api::JWTRefreshMetrics>()
      .install();

  registry
      .make_command_endpoint("/index/strategies", Method::get,
                             json_command_adapter<void>([s](CommandEndpointContext&) {
                               return s.facts.index_strategies();
                             }),
                             {})
      .set_auto_schema<void, json::value>()
      .set_forwarding_required(Forwarding::never)
      .install();
}

// ------------------------------------------------------------------------------------- evidence

api::Quote quote_of(const NodeId& id, const tee::Evidence& evidence) {
  api::Quote quote;
  quote.node_id = id;
  quote.raw = evidence.quote;
  quote.endorsements = evidence.endorsements;
  quote.format = api::QuoteFormat::Insecure_Virtual;
  if (const auto claims = tee::virtual_platform::read_evidence(evidence)) {
    quote.measurement = to_hex(claims->measurement);
  }
  return quote;
}

std::vector<api::Quote> trusted_quotes(kv::ReadOnlyTx& tx) {
  std::vector<api::Quote> quotes;
  tx.ro(tables::nodes_info).foreach ([&](BytesView key, BytesView value) {
    const auto row = json::parse(as_text(value));
    if (!row || tables::text_member(*row, "status") != "Trusted") return true;
    const auto* info = row->as_object().if_contains("quote_info");
    if (info == nullptr) return true;
    const auto raw = from_base64(tables::text_member(*info, "quote"));
    const auto endorsements = from_base64(tables::text_member(*info, "endorsements"));
    if (!raw || !endorsements) return true;
    const std::string format(tables::text_member(*info, "format"));
    quotes.push_back(quote_of(NodeId{to_text(key)}, {format, *raw, *endorsements}));
    return true;
  });
  return quotes;
}

/// The same evidence is offered as `/quotes` and, under the newer name, as `/attestations`.
template <typename One>
void install_evidence_of_self(EndpointRegistry& registry, const Surroundings& s, std::string path) {
  registry
      .make_command_endpoint(std::move(path), Method::get,
                             json_command_adapter<void>([s](CommandEndpointContext&) {
                               return quote_of(s.facts.id, s.facts.evidence);
                             }),
                             {})
      .template set_auto_schema<void, One>()
      .set_forwarding_required(Forwarding::never)
      .install();
}

template <typename List>
void install_evidence_of_all(EndpointRegistry& registry, const std::string& name) {
  registry
      .make_read_only_endpoint(
          "/" + name, Method::get,
          json_read_only_adapter<void>([name](ReadOnlyEndpointContext& ctx) -> json::value {
            return json::object{{name, json::from(trusted_quotes(ctx.tx))}};
          }),
          {})
      .template set_auto_schema<void, List>()
      .install();
}

// ------------------------------------------------------------------------------------ consensus

api::ConsensusDetails consensus_details(const Surroundings& s) {
  const consensus::Details details = s.status.details();
  api::ConsensusDetails out;
  for (const auto& configuration : details.configurations) {
    api::ConsensusConfiguration one;
    one.idx = configuration.seqno.value;
    one.rid = configuration.seqno.value;
    for (const auto& [id, address] : configuration.voters) one.nodes[id] = {address};
    out.configs.push_back(std::move(one));
  }
  out.membership_state = details.membership == consensus::Membership::active
                             ? api::MembershipState::Active
                             : api::MembershipState::Retired;
  constexpr api::LeadershipState leaderships[] = {
      api::LeadershipState::None, api::LeadershipState::Follower,
      api::LeadershipState::PreVoteCandidate, api::LeadershipState::Candidate,
      api::LeadershipState::Leader};
  out.leadership_state = leaderships[static_cast<size_t>(details.leadership)];
  for (const auto& [id, ack] : details.acks) {
    out.acks[id] = {ack.match.value,
                    static_cast<uint64_t>(ack.last_heard / std::chrono::milliseconds(1))};
  }
  constexpr std::optional<api::RetirementPhase> phases[] = {
      std::nullopt, api::RetirementPhase::Ordered, api::RetirementPhase::Signed,
      api::RetirementPhase::Completed, api::RetirementPhase::RetiredCommitted};
  out.retirement_phase = phases[static_cast<size_t>(details.phase)];
  out.reconfiguration_type = api::ReconfigurationType::OneTransaction;
  if (details.primary) out.primary_id.emplace(*details.primary);
  out.current_view = details.view.value;
  out.ticking = true;
  return out;
}

void install_consensus(EndpointRegistry& registry, const Surroundings& s) {
  registry
      .make_command_endpoint("/consensus", Method::get,
                             json_command_adapter<void>([s](CommandEndpointContext&) {
                               return api::ConsensusConfigDetails{consensus_details(s)};
                             }),
                             {})
      .set_auto_schema<void, api::ConsensusConfigDetails>()
      .set_forwarding_required(Forwarding::never)
      .install();

  registry
      .make_command_endpoint(
          "/config", Method::get,
          json_command_adapter<void>([s](CommandEndpointContext&) -> JsonAnswer {
            const consensus::Details details = s.status.details();
            if (details.configurations.empty()) return not_found("No configured consensus");
            json::object nodes;
            for (const auto& [id, address] : details.configurations.back().voters) {
              nodes[id.value] = json::object{{"address", address}};
            }
            return make_success(std::move(nodes));
          }),
          {})
      .set_auto_schema<void, std::map<std::string, api::ConsensusNodeConfig>>()
      .set_forwarding_required(Forwarding::never)
      .install();
}

// -------------------------------------------------------------------------------------- service

void install_service(EndpointRegistry& registry, const Surroundings& s) {
  // A node writes its first transaction without a call; to everybody else it is past that.
  registry
      .make_command_endpoint("/create", Method::post,
                             [](CommandEndpointContext& ctx) {
                               ctx.call.set_error(http::status::forbidden, errors::internal_error,
                                                  "Node is not in initial state.");
                             },
                             {})
      .set_forwarding_required(Forwarding::never)
      .set_openapi_hidden()
      .install();

  registry
      .make_read_only_endpoint(
          "/service/configuration", Method::get,
          json_read_only_adapter<void>([](ReadOnlyEndpointContext& ctx) -> JsonAnswer {
            auto config = tables::get_json(ctx.tx, tables::service_config, tables::unit());
            if (!config) return not_found("Service configuration not available.");
            return make_success(std::move(*config));
          }),
          {})
      .set_auto_schema<void, api::ServiceConfigurationDocument>()
      .set_forwarding_required(Forwarding::never)
      .install();

  registry
      .make_read_only_endpoint(
          "/service/previous_identity", Method::get,
          json_read_only_adapter<void>([](ReadOnlyEndpointContext& ctx) -> JsonAnswer {
            auto pem = tables::get_json(ctx.tx, tables::previous_service_identity, tables::unit());
            if (!pem) return not_found("This service is not a recovery of a previous service.");
            return make_success(json::object{{"previous_service_identity", std::move(*pem)}});
          }),
          {})
      .set_auto_schema<void, api::PreviousIdentity>()
      .install();

  registry
      .make_read_only_endpoint(
          "/network", Method::get,
          json_read_only_adapter<void>([s](ReadOnlyEndpointContext& ctx) -> JsonAnswer {
            const auto info = tables::get_json(ctx.tx, tables::service_info, tables::unit());
            if (!info || !info->is_object()) return not_found("Service state not available.");
            const json::object& row = info->get_object();
            const auto member = [&](std::string_view name, json::value otherwise) {
              const auto* found = row.if_contains(name);
              return found == nullptr ? std::move(otherwise) : *found;
            };
            json::object out{
                {"service_status", member("status", nullptr)},
                {"service_certificate", member("cert", nullptr)},
                {"recovery_count", member("recovery_count", 0)},
                {"service_data", member("service_data", nullptr)},
                {"current_service_create_txid", member("current_service_create_txid", nullptr)},
                {"current_view", nullptr},
                {"primary_id", nullptr}};
            if (const View view = s.status.view(); view.value != 0) {
              out["current_view"] = view.value;
            }
            if (const auto primary = s.status.primary()) out["primary_id"] = primary->value;
            return make_success(std::move(out));
          }),
          {})
      .set_auto_schema<void, api::GetNetworkInfo>()
      .install();
}

// ---------------------------------------------------------------------------------------- nodes

json::object node_document(const Surroundings& s, kv::ReadOnlyTx& tx, std::string_view id,
                           const json::value& row) {
  const auto primary = s.status.primary();
  const auto* members = row.if_object();
  const auto member = [&](std::string_view name, json::value otherwise) {
    const auto* found = members == nullptr ? nullptr : members->if_contains(name);
    return found == nullptr ? std::move(otherwise) : *found;
  };
  const auto written =
      tx.ro(tables::nodes_info).get_version_of_previous_write(as_bytes(id)).value_or(SeqNo{0});
  return {{"node_id", id},
          {"status", member("status", "Pending")},
          {"primary", primary && primary->value == id},
          {"rpc_interfaces", member("rpc_interfaces", json::object())},
          {"node_data", member("node_data", nullptr)},
          {"last_written", written.value}};
}

/// Whether any interface is published under this host and port.
bool published_at(const json::value& row, const std::optional<std::string>& host,
                  const std::optional<std::string>& port) {
  if (!host && !port) return true;
  const auto* members = row.if_object();
  const auto* interfaces = members == nullptr ? nullptr : members->if_contains("rpc_interfaces");
  if (interfaces == nullptr || !interfaces->is_object()) return false;
  for (const auto& [name, description] : interfaces->get_object()) {
    const std::string_view address = tables::text_member(description, "published_address");
    const size_t colon = address.rfind(':');
    if (colon == std::string_view::npos) continue;
    if (host && *host != address.substr(0, colon)) continue;
    if (port && *port != address.substr(colon + 1)) continue;
    return true;
  }
  return false;
}

std::optional<std::string> text_parameter(const http::QueryParameters& query,
                                          std::string_view name) {
  const std::string* found = query.find(name);
  return found == nullptr ? std::nullopt : std::optional<std::string>(*found);
}

JsonAnswer list_nodes(const Surroundings& s, ReadOnlyEndpointContext& ctx) {
  const auto query = ctx.call.query();
  const auto host = text_parameter(query, "host");
  const auto port = text_parameter(query, "port");
  const auto status = text_parameter(query, "status");
  if (status && *status != "Pending" && *status != "Trusted" && *status != "Retired") {
    return make_error(http::status::bad_request, errors::invalid_query_parameter_value,
                      "Query parameter '" + *status + "' is not a valid node status");
  }
  json::array nodes;
  ctx.tx.ro(tables::nodes_info).foreach ([&](BytesView key, BytesView value) {
    const auto row = json::parse(as_text(value));
    if (!row) return true;
    if (status && tables::text_member(*row, "status") != *status) return true;
    if (!published_at(*row, host, port)) return true;
    nodes.push_back(node_document(s, ctx.tx, as_text(key), *row));
    return true;
  });
  return make_success(json::object{{"nodes", std::move(nodes)}});
}

JsonAnswer describe_node(const Surroundings& s, kv::ReadOnlyTx& tx, std::string_view id) {
  const auto row = tables::get_json(tx, tables::nodes_info, as_bytes(id));
  if (!row) return not_found("Node not found");
  return make_success(node_document(s, tx, id, *row));
}

JsonAnswer describe_self(const Surroundings& s, kv::ReadOnlyTx& tx) {
  const std::string& id = s.facts.id.value;
  if (tx.ro(tables::nodes_info).has(as_bytes(id))) return describe_node(s, tx, id);
  return make_success(json::object{{"node_id", id},
                                   {"status", "Pending"},
                                   {"primary", false},
                                   {"rpc_interfaces", s.facts.rpc_interfaces},
                                   {"node_data", s.facts.node_data},
                                   {"last_written", 0}});
}

/// The row of a node that is safe to stop and delete: that its retirement is committed is itself
/// globally committed.
std::optional<json::value> removable(const kv::ReadHandle& nodes, BytesView id) {
  const auto committed = nodes.get_globally_committed(id);
  if (!committed) return std::nullopt;
  auto row = json::parse(as_text(*committed));
  if (!row || tables::text_member(*row, "status") != "Retired") return std::nullopt;
  const auto* flag = row->get_object().if_contains("retired_committed");
  if (flag == nullptr || !flag->is_bool() || !flag->get_bool()) return std::nullopt;
  return std::move(*row);
}

JsonAnswer list_removable(const Surroundings& s, ReadOnlyEndpointContext& ctx) {
  json::array nodes;
  const auto table = ctx.tx.ro(tables::nodes_info);
  std::vector<std::string> ids;
  table.foreach_key([&](BytesView key) {
    ids.push_back(to_text(key));
    return true;
  });
  for (const std::string& id : ids) {
    const auto row = removable(table, as_bytes(id));
    if (row) nodes.push_back(node_document(s, ctx.tx, id, *row));
  }
  return make_success(json::object{{"nodes", std::move(nodes)}});
}

JsonAnswer delete_node(EndpointContext& ctx) {
  const std::string id = ctx.call.decoded_path_parameter("node_id");
  auto table = ctx.tx.rw(tables::nodes_info);
  if (!table.has(as_bytes(id))) return not_found("No such node");
  if (!removable(table, as_bytes(id))) {
    return make_error(http::status::bad_request, errors::node_not_retired_committed,
                      "Node is not completely retired");
  }
  table.remove(as_bytes(id));
  ctx.tx.rw(tables::endorsed_certificates).remove(as_bytes(id));
  return make_success(true);
}

void install_nodes(EndpointRegistry& registry, const Surroundings& s) {
  registry
      .make_read_only_endpoint("/network/nodes", Method::get,
                               json_read_only_adapter<void>([s](ReadOnlyEndpointContext& ctx) {
                                 return list_nodes(s, ctx);
                               }),
                               {})
      .set_auto_schema<void, api::GetNodes>()
      .add_query_parameter<std::string>("host", false)
      .add_query_parameter<std::string>("port", false)
      .add_query_parameter<std::string>("status", false)
      .install();

  registry
      .make_read_only_endpoint("/network/removable_nodes", Method::get,
                               json_read_only_adapter<void>([s](ReadOnlyEndpointContext& ctx) {
                                 return list_removable(s, ctx);
                               }),
                               {})
      .set_auto_schema<void, api::GetNodes>()
      .install();

  registry
      .make_endpoint("/network/nodes/{node_id}", Method::del,
                     json_adapter<void>([](EndpointContext& ctx) { return delete_node(ctx); }), {})
      .set_auto_schema<void, bool>()
      .install();

  registry
      .make_read_only_endpoint("/network/nodes/{node_id}", Method::get,
                               json_read_only_adapter<void>([s](ReadOnlyEndpointContext& ctx) {
                                 return describe_node(s, ctx.tx,
                                                      ctx.call.decoded_path_parameter("node_id"));
                               }),
                               {})
      .set_auto_schema<void, api::NodeInfo>()
      .install();

  registry
      .make_read_only_endpoint("/network/nodes/self", Method::get,
                               json_read_only_adapter<void>([s](ReadOnlyEndpointContext& ctx) {
                                 return describe_self(s, ctx.tx);
                               }),
                               {})
      .set_auto_schema<void, api::NodeInfo>()
      .set_forwarding_required(Forwarding::never)
      .install();

  registry
      .make_read_only_endpoint(
          "/network/nodes/primary", Method::get,
          json_read_only_adapter<void>([s](ReadOnlyEndpointContext& ctx) -> JsonAnswer {
            const auto primary = s.status.primary();
            if (!primary) {
              return make_error(http::status::internal_server_error, errors::internal_error,
                                "Primary unknown");
            }
            return describe_node(s, ctx.tx, primary->value);
          }),
          {})
      .set_auto_schema<void, api::NodeInfo>()
      .install();
}

// ---------------------------------------------------------------------------- roles and readiness

/// 200 on the primary; elsewhere 308 to its interface of the same name.
void locate_primary(const Surroundings& s, ReadOnlyEndpointContext& ctx) {
  if (s.status.is_primary()) return ctx.call.set_status(http::status::ok);
  const rpc::Interface* interface = ctx.call.session().interface;
  const auto primary = s.status.primary();
  std::optional<std::string> address;
  if (primary && interface != nullptr) {
    address = published_address(ctx.tx, *primary, interface->rules().name);
  }
  if (!address) {
    return ctx.call.set_error(
        http::status::internal_server_error, errors::internal_error,
        primary ? "Primary has no interface of this name" : "Primary unknown");
  }
  ctx.call.set_status(http::status::permanent_redirect);
  ctx.call.set_header(http::header::location, "https://" + *address + "/node/primary");
}

void install_roles(EndpointRegistry& registry, const Surroundings& s) {
  const auto role = [&](std::string path, Method method, bool wanted, std::string refusal) {
    registry
        .make_command_endpoint(std::move(path), method,
                               [s, wanted, refusal](CommandEndpointContext& ctx) {
                                 if (s.status.is_primary() == wanted)
                                   return ctx.call.set_status(http::status::ok);
                                 ctx.call.set_error(http::status::not_found,
                                                    errors::resource_not_found, refusal);
                               },
                               {})
        .set_forwarding_required(Forwarding::never)
        .install();
  };
  role("/primary", Method::get, true, "Node is not primary");
  role("/backup", Method::get, false, "Node is not backup");
  // Where the primary is: a client that was told may go there itself.
  registry
      .make_read_only_endpoint("/primary", Method::head,
                               [s](ReadOnlyEndpointContext& ctx) { locate_primary(s, ctx); }, {})
      .set_forwarding_required(Forwarding::never)
      .install();

  const auto ready = [&](std::string path, const std::function<bool()>& open) {
    registry
        .make_command_endpoint(
            std::move(path), Method::get,
            [s, open](CommandEndpointContext& ctx) {
              const bool is_ready = !s.facts.stop_notice &&
                                    s.facts.state == api::NodeStartupState::PartOfNetwork && open();
              ctx.call.set_status(is_ready ? http::status::no_content
                                           : http::status::service_unavailable);
            },
            {})
        .set_auto_schema<void, void>()
        .set_forwarding_required(Forwarding::never)
        .install();
  };
  ready("/ready/app", s.facts.app_open);
  ready("/ready/gov", s.facts.gov_open);
}

}  // namespace

std::string version() {
  return "entente-0.1.0";
}

void install_node_endpoints(EndpointRegistry& registry, const NodeFacts& facts,
                            const NodeContext& node, const replica::Status& status) {
  const Surroundings s{facts, node, status};
  registry.openapi_info = {
      "CCF Public Node API",
      "This API provides public, uncredentialed access to service and node state.", "4.14.0"};
  install_state(registry, s);
  install_metrics(registry, s);
  install_evidence_of_self<api::Quote>(registry, s, "/quotes/self");
  install_evidence_of_self<api::Attestation>(registry, s, "/attestations/self");
  install_evidence_of_all<api::GetQuotes>(registry, "quotes");
  install_evidence_of_all<api::GetAttestations>(registry, "attestations");
  install_consensus(registry, s);
  install_service(registry, s);
  install_nodes(registry, s);
  install_roles(registry, s);
  install_snapshot_endpoints(registry);
}

}  // namespace entente::node
