#pragma once
// The nodes of the tree in btree.h: layout, search within a node, ownership. 512 bytes a leaf,
// 1024 an inner node, whole size classes of the allocator.

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "entente/bytes.h"
#include "kv/record.h"

namespace entente::kv {

struct BTreeNode {
  static constexpr size_t max_skip = 24;

  mutable std::atomic<uint32_t> refs{1};
  uint8_t count = 0;  ///< keys
  uint8_t level = 0;  ///< 0: leaf
  uint16_t skip = 0;  ///< bytes that all keys of the node begin with, at most max_skip
  uint8_t prefix[max_skip] = {};
};

struct BTreeLeaf : BTreeNode {
  static constexpr size_t capacity = 28;
  uint8_t tails[capacity];
  uint64_t heads[capacity];
  const Record* keys[capacity];
};

/// Child i holds the keys k with keys[i-1] <= k < keys[i]. There is one child more than keys;
/// a node about to be removed has none (children[0] is null).
struct BTreeInner : BTreeNode {
  static constexpr size_t capacity = 39;
  uint8_t tails[capacity];
  uint64_t heads[capacity];
  const Record* keys[capacity];  ///< separators: records without value, as short as possible
  BTreeNode* children[capacity + 1];
};

static_assert(sizeof(BTreeLeaf) <= 512 && sizeof(BTreeInner) <= 1024);

inline BTreeLeaf* as_leaf(BTreeNode* node) {
  return static_cast<BTreeLeaf*>(node);
}
inline const BTreeLeaf* as_leaf(const BTreeNode* node) {
  return static_cast<const BTreeLeaf*>(node);
}
inline BTreeInner* as_inner(BTreeNode* node) {
  return static_cast<BTreeInner*>(node);
}
inline const BTreeInner* as_inner(const BTreeNode* node) {
  return static_cast<const BTreeInner*>(node);
}

/// The eight bytes of `key` after `skip`, as a number that orders like the bytes; missing bytes
/// count as zero.
inline uint64_t head_of(BytesView key, size_t skip) {
  uint64_t head = 0;
  if (key.size() >= skip + sizeof head) {
    std::memcpy(&head, key.data() + skip, sizeof head);
    return __builtin_bswap64(head);
  }
  for (size_t i = 0; i < sizeof head; ++i) {
    head = head << 8 | (skip + i < key.size() ? key[skip + i] : 0);
  }
  return head;
}

/// How many bytes `key` has after `skip`, or longer_than_head. Keys of a node are ordered by head,
/// then tail; only when both keys are longer must the records be looked at.
inline constexpr uint8_t longer_than_head = 9;
inline uint8_t tail_of(BytesView key, size_t skip) {
  const size_t rest = key.size() - skip;
  return rest < longer_than_head ? static_cast<uint8_t>(rest) : longer_than_head;
}

/// Starts loading what a search in the node will touch, all lines at once instead of one after the
/// other. The separators of inner nodes are rarely needed.
inline void prefetch_search(const BTreeNode* node, uint8_t level) {
  const auto prefetch = [](const void* from, const void* to) {
    constexpr size_t line = 64;
    for (const char* at = static_cast<const char*>(from); at < to; at += line) {
      __builtin_prefetch(at);
    }
  };
  if (level == 0) {
    prefetch(node, as_leaf(node) + 1);
  } else {
    prefetch(node, as_inner(node)->keys);
    prefetch(as_inner(node)->children, as_inner(node) + 1);
  }
}

struct Position {
  size_t index;  ///< of the first key of the node that is not less
  bool equal;
};

template <typename Node>
Position position(const Node& node, BytesView key) {
  const size_t shared = key.size() < node.skip ? key.size() : node.skip;
  if (shared != 0) {
    const int order = std::memcmp(key.data(), node.prefix, shared);
    if (order < 0) return {0, false};
    if (order > 0) return {node.count, false};
  }
  if (key.size() < node.skip) return {0, false};

  const uint64_t head = head_of(key, node.skip);
  size_t low = 0;
  for (size_t left = node.count; left > 0;) {
    const size_t half = left / 2;
    const bool less = node.heads[low + half] < head;
    low = less ? low + half + 1 : low;
    left = less ? left - half - 1 : half;
  }
  size_t high = low;
  while (high < node.count && node.heads[high] == head) ++high;
  const uint8_t tail = tail_of(key, node.skip);
  while (low < high) {
    const size_t middle = (low + high) / 2;
    int order = int{node.tails[middle]} - int{tail};
    if (order == 0 && tail == longer_than_head) {
      const size_t known = node.skip + sizeof head;
      order = compare(node.keys[middle]->key().subspan(known), key.subspan(known));
    }
    if (order == 0) return {middle, true};
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return {low, false};
}

inline size_t child_index(const BTreeInner& node, BytesView key) {
  const Position found = position(node, key);
  return found.index + (found.equal ? 1 : 0);
}

inline size_t common_prefix(BytesView a, BytesView b) {
  const size_t limit = a.size() < b.size() ? a.size() : b.size();
  size_t i = 0;
  while (i < limit && a[i] == b[i]) ++i;
  return i;
}

template <typename Node>
void set_skip(Node& node, size_t skip, const uint8_t* prefix) {
  node.skip = static_cast<uint16_t>(skip);
  if (skip != 0) std::memmove(node.prefix, prefix, skip);
  for (size_t i = 0; i < node.count; ++i) {
    node.heads[i] = head_of(node.keys[i]->key(), skip);
    node.tails[i] = tail_of(node.keys[i]->key(), skip);
  }
}

/// Makes the prefix as long as the keys allow. Heads of unchanged prefixes are kept.
template <typename Node>
void lengthen_prefix(Node& node) {
  if (node.count == 0) return;
  const BytesView first = node.keys[0]->key();
  size_t skip = common_prefix(first, node.keys[node.count - 1]->key());
  if (skip > Node::max_skip) skip = Node::max_skip;
  if (skip != node.skip) set_skip(node, skip, first.data());
}

/// Opens a gap for a key at `index` and fills it; takes over the count of `key`.
template <typename Node>
void insert_key(Node& node, size_t index, const Record* key) {
  const BytesView bytes = key->key();
  if (node.count == 0) {
    set_skip(node, bytes.size() < Node::max_skip ? bytes.size() : Node::max_skip, bytes.data());
  } else {
    const size_t skip = common_prefix(bytes, {node.prefix, node.skip});
    if (skip < node.skip) set_skip(node, skip, node.prefix);
  }
  const size_t tail = node.count - index;
  std::memmove(node.tails + index + 1, node.tails + index, tail);
  std::memmove(node.heads + index + 1, node.heads + index, tail * sizeof *node.heads);
  std::memmove(node.keys + index + 1, node.keys + index, tail * sizeof *node.keys);
  node.tails[index] = tail_of(bytes, node.skip);
  node.heads[index] = head_of(bytes, node.skip);
  node.keys[index] = key;
  ++node.count;
}

/// Closes the gap at `index`; the caller has taken over the count of the key.
template <typename Node>
void remove_key(Node& node, size_t index) {
  const size_t tail = node.count - index - 1;
  std::memmove(node.tails + index, node.tails + index + 1, tail);
  std::memmove(node.heads + index, node.heads + index + 1, tail * sizeof *node.heads);
  std::memmove(node.keys + index, node.keys + index + 1, tail * sizeof *node.keys);
  --node.count;
}

/// Moves keys [from, count) of `left` to the end of `right`. The prefix of `right` must be shared
/// by them, or `right` must be empty.
template <typename Node>
void move_keys(Node& left, size_t from, Node& right) {
  if (right.count == 0) {
    right.skip = left.skip;
    std::memcpy(right.prefix, left.prefix, left.skip);
  }
  const size_t moved = left.count - from;
  std::memcpy(right.keys + right.count, left.keys + from, moved * sizeof *left.keys);
  std::memcpy(right.heads + right.count, left.heads + from, moved * sizeof *left.heads);
  std::memcpy(right.tails + right.count, left.tails + from, moved);
  right.count = static_cast<uint8_t>(right.count + moved);
  left.count = static_cast<uint8_t>(from);
}

/// After this the caller may change *slot: if it is shared, a copy takes its place.
void own_node(BTreeNode*& slot);

/// Frees the memory only; keys and children must have been taken.
void free_shell(BTreeNode* node);

}  // namespace entente::kv
