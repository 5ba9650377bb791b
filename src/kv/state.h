#pragma once
// All maps at one transaction: a counted, persistent table from map id to the root of its tree.
// Like the trees it is changed in place while nobody shares it, and copied by paths of eight
// entries otherwise, so that a store of many maps costs a writer no more than one of few.

#include <atomic>
#include <cstdint>

#include "entente/types.h"
#include "kv/btree.h"
#include "kv/directory.h"
#include "kv/ref.h"

namespace entente::kv {

struct MapRoot {
  const MapEntry* entry = nullptr;  ///< null: never written
  BTree tree;
  SeqNo version;          ///< last transaction that really changed the map
  uint64_t mutation = 0;  ///< counts changes of the whole store; that of the last one here
};

struct RootNode;
void add_root_node(const RootNode* node);
void drop_root_node(const RootNode* node);

class RootTable {
 public:
  RootTable() = default;
  RootTable(const RootTable& other);
  RootTable& operator=(const RootTable&) = delete;
  ~RootTable();

  /// Null if that map was never written.
  const MapRoot* find(uint32_t id) const;
  const MapRoot* find(const MapEntry* entry) const {
    return entry == nullptr ? nullptr : find(entry->id);
  }
  /// For changing: unshared, made if need be.
  MapRoot& edit(const MapEntry& entry);

  template <typename F>
  void for_each(F&& visit) const {
    for (uint32_t id = 0; id < end_; ++id) {
      if (const MapRoot* root = find(id)) visit(*root);
    }
  }

 private:
  RootNode* top_ = nullptr;
  uint32_t height_ = 0;  // levels of inner nodes above the leaves
  uint32_t end_ = 0;     // one above the highest id
};

struct State {
  State() = default;
  State(const State& other) : roots(other.roots), last(other.last), mutation(other.mutation) {}

  RootTable roots;
  TxId last;
  uint64_t mutation = 0;
  mutable std::atomic<uint32_t> refs{1};

  static void add(const State* state) { state->refs.fetch_add(1, std::memory_order_relaxed); }
  static void drop(const State* state) {
    if (state->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete state;
  }
};

/// After this the caller may change *state.
inline void own(Ref<State>& state) {
  if (state->refs.load(std::memory_order_acquire) != 1) {
    state = Ref<State>::adopt(new State(*state));
  }
}

}  // namespace entente::kv
