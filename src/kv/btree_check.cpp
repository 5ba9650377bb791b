// Walks over whole trees: the invariants, for tests, and the memory, for benchmarks.

#include "kv/btree.h"
#include "kv/btree_node.h"

namespace entente::kv {
namespace {

/// Bounds of the keys below a node: low <= key < high; null is unbounded.
struct Bounds {
  const Record* low = nullptr;
  const Record* high = nullptr;
};

template <typename Node>
void check_keys(const Node& node, Bounds bounds) {
  ENTENTE_ASSERT(node.count <= Node::capacity);
  ENTENTE_ASSERT(node.refs.load() > 0);
  for (size_t i = 0; i < node.count; ++i) {
    const BytesView key = node.keys[i]->key();
    ENTENTE_ASSERT(key.size() >= node.skip);
    ENTENTE_ASSERT(equal(key.first(node.skip), {node.prefix, node.skip}));
    ENTENTE_ASSERT(node.heads[i] == head_of(key, node.skip));
    ENTENTE_ASSERT(node.tails[i] == tail_of(key, node.skip));
    ENTENTE_ASSERT(i == 0 || compare(node.keys[i - 1]->key(), key) < 0);
    ENTENTE_ASSERT(bounds.low == nullptr || compare(bounds.low->key(), key) <= 0);
    ENTENTE_ASSERT(bounds.high == nullptr || compare(key, bounds.high->key()) < 0);
  }
}

size_t check_node(const BTreeNode* node, Bounds bounds) {
  ENTENTE_ASSERT(node != nullptr);
  if (node->level == 0) {
    ENTENTE_ASSERT(node->count > 0);
    check_keys(*as_leaf(node), bounds);
    return node->count;
  }
  const BTreeInner& inner = *as_inner(node);
  check_keys(inner, bounds);
  size_t records = 0;
  for (size_t i = 0; i <= inner.count; ++i) {
    ENTENTE_ASSERT(inner.children[i] != nullptr && inner.children[i]->level + 1 == inner.level);
    records += check_node(inner.children[i], {i == 0 ? bounds.low : inner.keys[i - 1],
                                              i == inner.count ? bounds.high : inner.keys[i]});
  }
  return records;
}

size_t memory_of(const BTreeNode* node) {
  size_t total = node->level == 0 ? sizeof(BTreeLeaf) : sizeof(BTreeInner);
  if (node->level == 0) {
    for (size_t i = 0; i < node->count; ++i) total += as_leaf(node)->keys[i]->allocated_size();
    return total;
  }
  for (size_t i = 0; i < node->count; ++i) total += as_inner(node)->keys[i]->allocated_size();
  for (size_t i = 0; i <= node->count; ++i) total += memory_of(as_inner(node)->children[i]);
  return total;
}

}  // namespace

void BTree::check() const {
  ENTENTE_ASSERT((root_.node == nullptr) == (size_ == 0));
  if (root_.node != nullptr) ENTENTE_ASSERT(check_node(root_.node, {}) == size_);
}

size_t BTree::memory() const {
  return root_.node == nullptr ? 0 : memory_of(root_.node);
}

}  // namespace entente::kv
