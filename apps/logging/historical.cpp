// Records as they were: at one transaction, over a range through an index, at chosen seqnos.

#include <charconv>
#include <functional>

#include "entente/history.h"
#include "entente/indexing.h"
#include "logging.h"
#include "types.h"

namespace logging {

namespace {

using namespace entente;
using history::StatePtr;
using history::States;

constexpr uint64_t seqnos_per_page = 10000;
constexpr size_t seqnos_per_bucket = 10000, cached_buckets = 20;
/// Seqnos that one sparse request may name.
constexpr size_t max_sparse_seqnos = 10000;

/// What one transaction wrote under `id`; nullopt if nothing.
std::optional<std::string> message_at(const StatePtr& state, const Call& call,
                                      std::string_view name) {
  const auto query = call.query();
  return state->diff(table(name, query)).value(required<uint64_t>(query, "id"));
}

void get_historical(ReadOnlyEndpointContext& ctx, const StatePtr& state) {
  auto msg = message_at(state, ctx.call, private_table);
  if (!msg) return ctx.call.set_status(http::status::no_content);
  write_json_value(ctx.call, json::from(Message{std::move(*msg)}));
}

void get_with_receipt(ReadOnlyEndpointContext& ctx, const StatePtr& state, std::string_view name,
                      bool reveal_claims) {
  auto msg = message_at(state, ctx.call, name);
  if (!msg) return ctx.call.set_status(http::status::no_content);
  MessageWithReceipt answer{std::move(*msg), history::describe_receipt(*state)};
  if (!reveal_claims) {
    // The message is the claim: whoever verifies the receipt has to compute the digest from it.
    json::value* components = answer.receipt.as_object().if_contains("leaf_components");
    if (components != nullptr) components->as_object().erase("claims_digest");
  }
  write_json_value(ctx.call, json::from(answer));
}

// ------------------------------------------------------------------------- several transactions

/// A handle of their own for requests that differ.
template <typename... Parts>
history::Handle handle_for(const Parts&... parts) {
  uint64_t handle = 14695981039346656037ull;
  ((handle = (handle ^ std::hash<Parts>()(parts)) * 1099511628211ull), ...);
  return handle;
}

/// False once the request has been answered: the seqno is not committed at this node.
bool require_committed(Call& call, const NodeContext& node, SeqNo seqno, std::string_view code) {
  const View view = node.view_of(seqno);
  const TxStatus status = view == View{0} ? TxStatus::unknown : node.status(TxId{view, seqno});
  if (status == TxStatus::committed) return true;
  call.set_error(http::status::bad_request, code,
                 "Only committed transactions can be queried. Transaction at seqno " +
                     std::to_string(seqno.value) + " is " +
                     std::string(view == View{0} ? "not found" : to_text(status)));
  return false;
}

/// The states, or null once the request has been answered instead.
template <typename T>
std::optional<T> wait_for(Call& call, history::Fetched<T>&& fetched, std::string_view what) {
  if (fetched.failure) {
    call.set_error(http::status::internal_server_error, errors::internal_error,
                   fetched.failure->message);
  } else if (fetched.pending()) {
    history::answer_not_yet(call, what);
  }
  return std::move(fetched.value);
}

PastEntries collect(const std::vector<StatePtr>& states, const Records& records, uint64_t id) {
  PastEntries found;
  for (const StatePtr& state : states) {
    if (auto msg = state->diff(records).value(id)) {
      found.entries.push_back({state->id().seqno.value, id, std::move(*msg)});
    }
  }
  return found;
}

class Range {
 public:
  explicit Range(NodeContext& node)
      : node_(node),
        index_(std::make_shared<indexing::SeqnosByKeyBucketed>(std::string(public_table),
                                                               seqnos_per_bucket, cached_buckets)) {
    node.get<indexing::Strategies>()->install(index_);
  }

  void get(ReadOnlyEndpointContext& ctx) {
    Call& call = ctx.call;
    const auto query = call.query();
    const auto id = required<uint64_t>(query, "id");
    const auto from = optional<uint64_t>(query, "from_seqno", 1);
    const uint64_t to = query.find("to_seqno") == nullptr ? last_write(ctx, id)
                                                          : required<uint64_t>(query, "to_seqno");
    if (to < from || from == 0) {
      call.set_error(http::status::bad_request, errors::invalid_input,
                     "Invalid range: Starts at " + std::to_string(from) + " but ends at " +
                         std::to_string(to));
      return;
    }
    if (!require_committed(call, node_, SeqNo{to}, errors::invalid_input)) return;
    const uint64_t page_end = to - from < seqnos_per_page ? to : from + (seqnos_per_page - 1);
    answer_page(call, id, SeqNo{from}, SeqNo{page_end}, to);
  }

 private:
  uint64_t last_write(ReadOnlyEndpointContext& ctx, uint64_t id) const {
    const auto version = ctx.tx.ro(records_).get_version_of_previous_write(id);
    return version ? version->value : node_.last_committed().seqno.value;
  }

  void answer_page(Call& call, uint64_t id, SeqNo first, SeqNo last, uint64_t to) {
    const std::string key = kv::JsonSerialiser<uint64_t>::to_serialised(id);
    const auto written = index_->in_range(as_bytes(key), first, last);
    if (!written) {
      return history::answer_not_yet(
          call,
          "Still constructing index of public records. Indexed to " + index_->watermark().text());
    }
    const auto states = node_.get<States>();
    const history::Handle handle = handle_for(uint64_t{1}, id, first.value, last.value);
    const auto fetched = wait_for(call, states->seqnos(handle, *written),
                                  "Historical transactions are not yet available, fetching now");
    if (!fetched) return;
    PastEntries answer = collect(*fetched, records_, id);
    if (last.value != to) {
      answer.next_link =
          "/app/log/public/historical/range?from_seqno=" + std::to_string(last.value + 1) +
          "&to_seqno=" + std::to_string(to) + "&id=" + std::to_string(id);
    }
    write_json_value(call, json::from(answer));
    states->drop(handle);
  }

  NodeContext& node_;
  const Records records_{std::string(public_table)};
  const std::shared_ptr<indexing::SeqnosByKeyBucketed> index_;
};

std::vector<SeqNo> parse_seqnos(std::string_view list) {
  const auto refuse = [](std::string_view text) {
    throw RpcException(http::status::bad_request, errors::invalid_query_parameter_value,
                       "Unable to parse '" + std::string(text) + "' as a seqno");
  };
  std::vector<SeqNo> seqnos;
  while (true) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::string_view text = list.substr(0, comma);
    uint64_t seqno = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seqno);
    if (code != std::errc() || end != text.data() + text.size()) refuse(text);
    seqnos.push_back({seqno});
    if (comma == list.size()) return seqnos;
    if (seqnos.size() == max_sparse_seqnos)
      refuse("more than " + std::to_string(max_sparse_seqnos));
    list.remove_prefix(comma + 1);
  }
}

void get_sparse(Call& call, NodeContext& node) {
  const auto query = call.query();
  const auto id = required<uint64_t>(query, "id");
  const std::string list = required<std::string>(query, "seqnos");
  const std::vector<SeqNo> seqnos = parse_seqnos(list);
  for (const SeqNo seqno : seqnos) {
    if (!require_committed(call, node, seqno, errors::invalid_input)) return;
  }
  const history::Handle handle = handle_for(uint64_t{2}, id, list);
  const auto states = node.get<States>();
  const auto fetched = wait_for(call, states->seqnos(handle, seqnos),
                                "Historical transactions are not yet available, fetching now");
  if (!fetched) return;
  write_json_value(call, json::from(collect(*fetched, table(private_table, query), id)));
  states->drop(handle);
}

void get_by_handle(Call& call, NodeContext& node) {
  const auto query = call.query();
  const auto handle = required<uint64_t>(query, "handle");
  const SeqNo seqno{required<uint64_t>(query, "seqno")};
  if (!require_committed(call, node, seqno, errors::invalid_header_value)) return;
  const auto state = wait_for(call, node.get<States>()->at(handle, seqno),
                              "Historical transaction is not yet available, fetching now");
  if (state) write_json_value(call, history::describe_receipt(**state));
}

EndpointBuilder make_receipt_endpoint(EndpointRegistry& endpoints, const NodeContext& node,
                                      std::string path, std::string_view name, bool reveal_claims) {
  return endpoints.make_read_only_endpoint(
      std::move(path), http::Method::get,
      history::read_only_adapter(
          [name, reveal_claims](ReadOnlyEndpointContext& ctx, const StatePtr& state) {
            get_with_receipt(ctx, state, name, reveal_claims);
          },
          node),
      default_policies());
}

}  // namespace

void register_historical(EndpointRegistry& endpoints, NodeContext& node) {
  using http::Method;
  const AuthPolicies policies = default_policies();
  endpoints
      .make_read_only_endpoint("/log/private/historical", Method::get,
                               history::read_only_adapter(get_historical, node), policies)
      .set_forwarding_required(Forwarding::never)
      .set_auto_schema<void, Message>()
      .add_query_parameter<uint64_t>("id")
      .install();
  make_receipt_endpoint(endpoints, node, "/log/private/historical_receipt", private_table, true)
      .set_forwarding_required(Forwarding::never)
      .set_auto_schema<void, MessageWithReceipt>()
      .add_query_parameter<uint64_t>("id")
      .install();
  make_receipt_endpoint(endpoints, node, "/log/public/historical_receipt", public_table, false)
      .set_forwarding_required(Forwarding::never)
      .set_auto_schema<void, MessageWithReceipt>()
      .add_query_parameter<uint64_t>("id")
      .install();
  const auto range = std::make_shared<Range>(node);
  endpoints
      .make_read_only_endpoint(
          "/log/public/historical/range", Method::get,
          [range](ReadOnlyEndpointContext& ctx) { range->get(ctx); }, policies)
      .set_forwarding_required(Forwarding::never)
      .set_auto_schema<void, PastEntries>()
      .add_query_parameter<uint64_t>("from_seqno", false)
      .add_query_parameter<uint64_t>("to_seqno", false)
      .add_query_parameter<uint64_t>("id")
      .install();
  endpoints
      .make_read_only_endpoint(
          "/log/private/historical/sparse", Method::get,
          [&node](ReadOnlyEndpointContext& ctx) { get_sparse(ctx.call, node); }, policies)
      .set_forwarding_required(Forwarding::never)
      .set_auto_schema<void, PastEntries>()
      .add_query_parameter<std::string>("seqnos")
      .add_query_parameter<uint64_t>("id")
      .install();
  endpoints
      .make_read_only_endpoint(
          "/log/private/historical/handle", Method::get,
          [&node](ReadOnlyEndpointContext& ctx) { get_by_handle(ctx.call, node); }, policies)
      .set_forwarding_required(Forwarding::never)
      .set_auto_schema<void, json::value>()
      .add_query_parameter<uint64_t>("handle")
      .add_query_parameter<uint64_t>("seqno")
      .install();
}

}  // namespace logging
