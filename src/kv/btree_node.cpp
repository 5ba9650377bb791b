#include "kv/btree_node.h"

#include "kv/btree.h"

namespace entente::kv {
namespace {

/// Counts sit in the records, scattered over memory: fetch them all before touching the first.
template <typename Node>
void prefetch_keys(const Node& node) {
  for (size_t i = 0; i < node.count; ++i) __builtin_prefetch(node.keys[i], 1);
}

BTreeLeaf* copy(const BTreeLeaf& leaf) {
  auto* fresh = new BTreeLeaf;
  fresh->count = leaf.count;
  fresh->skip = leaf.skip;
  std::memcpy(fresh->prefix, leaf.prefix, sizeof leaf.prefix);
  prefetch_keys(leaf);
  std::memcpy(fresh->tails, leaf.tails, leaf.count);
  std::memcpy(fresh->heads, leaf.heads, leaf.count * sizeof *leaf.heads);
  std::memcpy(fresh->keys, leaf.keys, leaf.count * sizeof *leaf.keys);
  for (size_t i = 0; i < leaf.count; ++i) Record::add(leaf.keys[i]);
  return fresh;
}

BTreeInner* copy(const BTreeInner& inner) {
  auto* fresh = new BTreeInner;
  fresh->count = inner.count;
  fresh->level = inner.level;
  fresh->skip = inner.skip;
  std::memcpy(fresh->prefix, inner.prefix, sizeof inner.prefix);
  prefetch_keys(inner);
  for (size_t i = 0; i <= inner.count; ++i) __builtin_prefetch(inner.children[i], 1);
  std::memcpy(fresh->tails, inner.tails, inner.count);
  std::memcpy(fresh->heads, inner.heads, inner.count * sizeof *inner.heads);
  std::memcpy(fresh->keys, inner.keys, inner.count * sizeof *inner.keys);
  std::memcpy(fresh->children, inner.children, (inner.count + 1u) * sizeof *inner.children);
  for (size_t i = 0; i < inner.count; ++i) Record::add(inner.keys[i]);
  for (size_t i = 0; i <= inner.count; ++i) add_node(inner.children[i]);
  return fresh;
}

}  // namespace

void add_node(const BTreeNode* node) {
  node->refs.fetch_add(1, std::memory_order_relaxed);
}

void drop_node(const BTreeNode* node) {
  if (node->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (node->level == 0) {
    const BTreeLeaf* leaf = as_leaf(node);
    prefetch_keys(*leaf);
    for (size_t i = 0; i < leaf->count; ++i) Record::drop(leaf->keys[i]);
    delete leaf;
    return;
  }
  const BTreeInner* inner = as_inner(node);
  for (size_t i = 0; i < inner->count; ++i) Record::drop(inner->keys[i]);
  // The recursion is as deep as the tree is high.
  for (size_t i = 0; i <= inner->count; ++i) {
    if (inner->children[i] != nullptr) drop_node(inner->children[i]);
  }
  delete inner;
}

void own_node(BTreeNode*& slot) {
  // Acquire: what another thread read before it dropped its count happened before our changes.
  if (slot->refs.load(std::memory_order_acquire) == 1) return;
  BTreeNode* shared = slot;
  slot = shared->level == 0 ? static_cast<BTreeNode*>(copy(*as_leaf(shared)))
                            : static_cast<BTreeNode*>(copy(*as_inner(shared)));
  drop_node(shared);
}

void free_shell(BTreeNode* node) {
  if (node->level == 0) {
    delete as_leaf(node);
  } else {
    delete as_inner(node);
  }
}

}  // namespace entente::kv
