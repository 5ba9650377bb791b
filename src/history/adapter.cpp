// The protocol of historical endpoints: which answer a request gets before its handler may run.
// Source: docs/http-api.md (adapter protocol).

#include <fmt/format.h>

#include "history/history.h"

namespace entente::history {

namespace {

void refuse(Call& call, TxId id, TxStatus status) {
  const bool is_final = status == TxStatus::invalid;
  if (!is_final) call.set_header(http::header::cache_control, "no-cache");
  call.set_error(http::status::not_found,
                 is_final ? errors::transaction_invalid : errors::transaction_pending_or_unknown,
                 fmt::format("Only committed transactions can be queried. Transaction {} is {}",
                             id.text(), to_text(status)));
}

/// The state that the request names; null once the request has been answered instead.
StatePtr state_for(Call& call, const NodeContext& node, const TxIdExtractor& extractor) {
  const std::optional<TxId> id = extractor(call);
  if (!id) {
    call.set_error(http::status::not_found, errors::transaction_invalid,
                   "Could not extract Transaction Id");
    return nullptr;
  }
  const TxStatus status = node.status(*id);
  if (status != TxStatus::committed) {
    refuse(call, *id, status);
    return nullptr;
  }
  // One handle for each transaction: clients that ask for the same share what is fetched.
  auto fetched = node.get<History>()->cache().get({Owner::system, id->seqno.value}, {id->seqno});
  if (fetched.failure) {
    call.set_error(http::status::internal_server_error, errors::transaction_pending_or_unknown,
                   fmt::format("Historical transaction {} failed with error: {}", id->text(),
                               fetched.failure->message));
    return nullptr;
  }
  if (!fetched.value) {
    answer_not_yet(
        call, fmt::format("Historical transaction {} is not currently available.", id->text()));
    return nullptr;
  }
  return fetched.value->front();
}

template <typename Function, typename Handler>
Function adapt(Handler handler, const NodeContext& node, TxIdExtractor extractor) {
  return [handler = std::move(handler), &node, extractor = std::move(extractor)](auto& context) {
    if (const StatePtr state = state_for(context.call, node, extractor)) handler(context, state);
  };
}

}  // namespace

std::optional<TxId> txid_from_header(const Call& call) {
  const auto text = call.header(http::header::transaction_id);
  return text ? TxId::parse(*text) : std::nullopt;
}

std::optional<TxId> txid_from_query(const Call& call) {
  const auto query = call.query();
  const std::string* text = query.find("transaction_id");
  return text == nullptr ? std::nullopt : TxId::parse(*text);
}

ReadOnlyEndpointFunction read_only_adapter(HistoricalFunction function, const NodeContext& node,
                                           TxIdExtractor extractor) {
  return adapt<ReadOnlyEndpointFunction>(std::move(function), node, std::move(extractor));
}

EndpointFunction read_write_adapter(HistoricalWriteFunction function, const NodeContext& node,
                                    TxIdExtractor extractor) {
  return adapt<EndpointFunction>(std::move(function), node, std::move(extractor));
}

void answer_not_yet(Call& call, std::string_view text, std::chrono::seconds retry_after) {
  call.set_status(http::status::accepted);
  call.set_header(http::header::retry_after, std::to_string(retry_after.count()));
  call.set_body(text, http::content_type::text);
}

}  // namespace entente::history
