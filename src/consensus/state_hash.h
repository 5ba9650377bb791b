#pragma once
// A canonical 128-bit digest of a core's state, for exploration and replay: equal on every
// platform, independent of container order where order has no meaning, and computed under a
// renaming of the nodes so that states which differ only in who is called what can be seen as one.
// Not cryptographic.

#include <cstdint>
#include <map>
#include <string_view>

#include "entente/types.h"

namespace entente::consensus {

struct StateHash {
  uint64_t low = 0;
  uint64_t high = 0;
  auto operator<=>(const StateHash&) const = default;
};

/// How nodes are called in the digest. A name that is not in the table stays as it is.
using Renaming = std::map<NodeId, uint64_t>;

class StateHasher {
 public:
  explicit StateHasher(const Renaming& renaming) : renaming_(&renaming) {}

  void add(uint64_t value);
  void add(std::string_view text);
  void add(const NodeId& node);
  void add(SeqNo seqno) { add(seqno.value); }
  void add(View view) { add(view.value); }
  void add(TxId id) {
    add(id.view);
    add(id.seqno);
  }
  void add(const Digest& digest);

  /// For collections keyed by node: hash each element with a fresh hasher, in any order.
  template <typename Collection, typename HashOne>
  void add_unordered(const Collection& collection, const HashOne& hash_one) {
    StateHash sum;
    for (const auto& element : collection) {
      StateHasher one(*renaming_);
      hash_one(one, element);
      const StateHash digest = one.finish();
      sum.low += digest.low;
      sum.high += digest.high;
    }
    add(collection.size());
    add(sum.low);
    add(sum.high);
  }

  StateHash finish() const { return {a_, b_}; }

 private:
  const Renaming* renaming_;
  uint64_t a_ = 0x9e3779b97f4a7c15;
  uint64_t b_ = 0xc2b2ae3d27d4eb4f;
};

}  // namespace entente::consensus
