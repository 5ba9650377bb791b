#pragma once
// An immutable view of all maps at one transaction. Cheap to take and to copy; readable and
// droppable on any thread. While it lives, changed paths are copied instead of changed in place.

#include <string_view>
#include <vector>

#include "entente/kv/tx.h"
#include "entente/types.h"
#include "kv/ref.h"

namespace entente::kv {

struct State;

struct RecordView {
  BytesView key;
  BytesView value;
  SeqNo version;  ///< of the transaction that wrote it
};

/// One map of a snapshot. Lives as long as the snapshot.
struct MapView {
  std::string_view name;
  /// The last transaction that really changed the map (removing an absent key does not); {0} if it
  /// never held anything.
  SeqNo version;
  size_t size = 0;
  const void* root = nullptr;

  void foreach (FunctionRef<bool(const RecordView&)> visit) const;  ///< by key; false stops
  std::optional<RecordView> get(BytesView key) const;
};

class Snapshot {
 public:
  Snapshot(const Snapshot&);
  Snapshot(Snapshot&&) noexcept;
  Snapshot& operator=(Snapshot) noexcept;
  ~Snapshot();

  /// The last transaction that it holds; {0,0} when empty.
  TxId id() const;
  /// All maps that were ever written, ascending by name. Empty ones included.
  std::vector<MapView> maps() const;
  std::optional<MapView> map(std::string_view name) const;

 private:
  friend class Store;
  explicit Snapshot(Ref<State> state);
  Ref<State> state_;
};

/// SHA-256 over all maps that are not empty: names, keys, values and versions, each with its
/// length. Two replicas with the same digest hold the same state.
Digest state_digest(const Snapshot& snapshot);

}  // namespace entente::kv
