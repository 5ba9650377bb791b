#pragma once
// The past: any committed transaction as it was written, with its proof. States are fetched from
// this node's own ledger in the background, checked against a signature of the service and
// decrypted; a request that comes too early is answered 202 and asks again. Thread-safe.
// Source: docs/http-api.md (historical queries and receipts), docs/applications.md.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "entente/bytes.h"
#include "entente/call.h"
#include "entente/endpoint.h"
#include "entente/json.h"
#include "entente/kv.h"
#include "entente/node_context.h"
#include "entente/result.h"
#include "entente/types.h"

namespace entente::history {

/// `value` is absent where the key was removed. Returns false to stop.
using WriteVisitor = kv::FunctionRef<bool(BytesView key, std::optional<BytesView> value)>;

/// What one transaction wrote to one map. Views live as long as the state.
class MapDiff {
 public:
  explicit MapDiff(const void* writes) : writes_(writes) {}
  size_t size() const;  ///< keys written or removed
  /// Absent: not touched. Present and empty inside: removed.
  std::optional<std::optional<BytesView>> get(BytesView key) const;
  bool has(BytesView key) const;         ///< written, not removed
  bool is_deleted(BytesView key) const;  ///< removed
  void foreach (WriteVisitor visit) const;

 private:
  const void* writes_;  // kv::MapWrites, or null
};

template <typename K, typename V, typename KS, typename VS>
class TypedDiff {
 public:
  explicit TypedDiff(MapDiff raw) : raw_(raw) {}
  size_t size() const { return raw_.size(); }
  std::optional<std::optional<V>> get(const K& key) const {
    const auto bytes = KS::to_serialised(key);
    const auto written = raw_.get(kv::detail::serialised_view(bytes));
    if (!written) return std::nullopt;
    if (!*written) return std::optional<V>();
    return std::optional<V>(VS::from_serialised(**written));
  }
  /// The value written, if one was.
  std::optional<V> value(const K& key) const {
    auto written = get(key);
    return written ? std::move(*written) : std::nullopt;
  }
  bool has(const K& key) const {
    const auto bytes = KS::to_serialised(key);
    return raw_.has(kv::detail::serialised_view(bytes));
  }
  bool is_deleted(const K& key) const {
    const auto bytes = KS::to_serialised(key);
    return raw_.is_deleted(kv::detail::serialised_view(bytes));
  }
  /// `visit(const K&, const std::optional<V>&)` returns false to stop.
  template <typename F>
  void foreach (F&& visit) const {
    raw_.foreach ([&](BytesView key, std::optional<BytesView> value) {
      return visit(KS::from_serialised(key),
                   value ? std::optional<V>(VS::from_serialised(*value)) : std::nullopt);
    });
  }

 private:
  MapDiff raw_;
};

/// One committed transaction. Immutable.
class State {
 public:
  struct Content;
  explicit State(std::unique_ptr<const Content> content);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const TxId& id() const;
  /// The transaction is itself a signature over the ledger.
  bool is_signature() const;

  MapDiff diff(std::string_view map) const;
  template <typename K, typename V, typename KS, typename VS>
  TypedDiff<K, V, KS, VS> diff(const kv::Map<K, V, KS, VS>& map) const {
    return TypedDiff<K, V, KS, VS>(diff(std::string_view(map.name())));
  }

  /// A transaction over a store that holds exactly these writes: other tables are empty, removed
  /// keys absent. Costs a copy of the writes the first time.
  kv::ReadOnlyTx begin() const;

  const Content& content() const { return *content_; }

 private:
  std::unique_ptr<const Content> content_;
};

using StatePtr = std::shared_ptr<const State>;

/// What asking gives: what was asked for; or nothing yet (ask again in the same way); or why it
/// will not come.
template <typename T>
struct Fetched {
  std::optional<T> value = std::nullopt;
  std::optional<Error> failure = std::nullopt;
  bool pending() const { return !value && !failure; }
};

/// Chosen by the application. Asking for other transactions under a handle drops what it held.
using Handle = uint64_t;

/// At most this many transactions under one handle.
inline constexpr size_t max_states_per_request = 20000;

class StateCache;

/// The states that this node holds or fetches. Found with NodeContext::get<States>().
class States {
 public:
  explicit States(StateCache& cache) : cache_(&cache) {}

  /// Every seqno must be committed here; asking for others fails. All or nothing; ascending.
  Fetched<StatePtr> at(Handle handle, SeqNo seqno);
  Fetched<std::vector<StatePtr>> range(Handle handle, SeqNo first, SeqNo last);
  /// Any order, repeats allowed; the answer is ascending without repeats.
  Fetched<std::vector<StatePtr>> seqnos(Handle handle, std::vector<SeqNo> seqnos);

  /// Forgets a handle before its time. False if it is unknown.
  bool drop(Handle handle);
  /// After how long without being asked a handle is forgotten; 30 minutes unless set.
  void set_default_expiry(std::chrono::seconds expiry);
  /// Above this many bytes the handles asked for least recently go; 512 MiB unless configured.
  void set_soft_limit(size_t bytes);

 private:
  StateCache* cache_;
};

// ---------------------------------------------------------------------------------------- proofs

/// The JSON receipt. A signature transaction gives the form with a bare `leaf`.
json::value describe_receipt(const State& state);
/// The COSE receipt, or nullopt: signature transactions, and ledgers without COSE signatures.
std::optional<Bytes> describe_cose_receipt(const State& state);
/// Its inclusion proof alone (CBOR); nullopt likewise.
std::optional<Bytes> describe_merkle_proof(const State& state);
/// The COSE signature over the root that covers the transaction (for a signature transaction: its
/// own), as it stands in the ledger.
std::optional<Bytes> describe_cose_signature(const State& state);
/// COSE endorsements of the identity that signed, newest first; empty for the current identity.
std::vector<Bytes> describe_cose_endorsements(const State& state);

/// What the COSE signatures of this service say about their issuer. Found with
/// NodeContext::get<CoseSignaturesConfig>().
struct CoseSignaturesConfig {
  std::string issuer;
  std::string subject;
};

/// Whether a COSE receipt was issued by this service.
Result<void> verify_self_issued_receipt(const NodeContext& node, BytesView receipt);

// -------------------------------------------------------------------------------------- adapters

using HistoricalFunction = std::function<void(ReadOnlyEndpointContext&, const StatePtr&)>;
using HistoricalWriteFunction = std::function<void(EndpointContext&, const StatePtr&)>;
using TxIdExtractor = std::function<std::optional<TxId>(const Call&)>;

/// From the header `x-ms-ccf-transaction-id`.
std::optional<TxId> txid_from_header(const Call& call);
/// From the query parameter `transaction_id`.
std::optional<TxId> txid_from_query(const Call& call);

/// A handler that is called with the state of the transaction that the request names; every other
/// answer of the protocol (404, 202 with retry-after, 500) is given here. `node` must outlive it.
ReadOnlyEndpointFunction read_only_adapter(HistoricalFunction function, const NodeContext& node,
                                           TxIdExtractor extractor = txid_from_header);
EndpointFunction read_write_adapter(HistoricalWriteFunction function, const NodeContext& node,
                                    TxIdExtractor extractor = txid_from_header);

/// 202, `retry-after`, text: the answer to "not yet".
void answer_not_yet(Call& call, std::string_view text,
                    std::chrono::seconds retry_after = std::chrono::seconds(3));

}  // namespace entente::history
