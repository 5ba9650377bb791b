#include "kv/state.h"

#include "base/assert.h"

namespace entente::kv {

namespace {
constexpr uint32_t bits = 3;
constexpr uint32_t fan_out = 1u << bits;
}  // namespace

struct RootNode {
  explicit RootNode(bool is_leaf_) : is_leaf(is_leaf_) {}
  mutable std::atomic<uint32_t> refs{1};
  const bool is_leaf;
};

namespace {

struct RootLeaf : RootNode {
  RootLeaf() : RootNode(true) {}
  MapRoot roots[fan_out];
};

struct RootInner : RootNode {
  RootInner() : RootNode(false) {}
  RootNode* children[fan_out] = {};
};

/// After this the caller may change *slot, which is made if it is null.
void own_root_node(RootNode*& slot, bool is_leaf) {
  if (slot == nullptr) {
    slot = is_leaf ? static_cast<RootNode*>(new RootLeaf) : static_cast<RootNode*>(new RootInner);
    return;
  }
  if (slot->refs.load(std::memory_order_acquire) == 1) return;
  RootNode* shared = slot;
  if (is_leaf) {
    auto* fresh = new RootLeaf;
    for (uint32_t i = 0; i < fan_out; ++i) {
      fresh->roots[i] = static_cast<const RootLeaf*>(shared)->roots[i];
    }
    slot = fresh;
  } else {
    auto* fresh = new RootInner;
    for (uint32_t i = 0; i < fan_out; ++i) {
      fresh->children[i] = static_cast<const RootInner*>(shared)->children[i];
      if (fresh->children[i] != nullptr) add_root_node(fresh->children[i]);
    }
    slot = fresh;
  }
  drop_root_node(shared);
}

}  // namespace

void add_root_node(const RootNode* node) {
  node->refs.fetch_add(1, std::memory_order_relaxed);
}

void drop_root_node(const RootNode* node) {
  if (node->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (node->is_leaf) {
    delete static_cast<const RootLeaf*>(node);
    return;
  }
  const auto* inner = static_cast<const RootInner*>(node);
  for (const RootNode* child : inner->children) {
    if (child != nullptr) drop_root_node(child);
  }
  delete inner;
}

RootTable::RootTable(const RootTable& other)
    : top_(other.top_), height_(other.height_), end_(other.end_) {
  if (top_ != nullptr) add_root_node(top_);
}

RootTable::~RootTable() {
  if (top_ != nullptr) drop_root_node(top_);
}

const MapRoot* RootTable::find(uint32_t id) const {
  if (id >= end_) return nullptr;
  const RootNode* node = top_;
  for (uint32_t level = height_; level > 0 && node != nullptr; --level) {
    node = static_cast<const RootInner*>(node)->children[(id >> (bits * level)) % fan_out];
  }
  if (node == nullptr) return nullptr;
  const MapRoot* root = &static_cast<const RootLeaf*>(node)->roots[id % fan_out];
  return root->entry == nullptr ? nullptr : root;
}

MapRoot& RootTable::edit(const MapEntry& entry) {
  const uint32_t id = entry.id;
  ENTENTE_ASSERT(id < UINT32_MAX / fan_out);
  while (id >> (bits * (height_ + 1)) != 0) {
    if (top_ != nullptr) {
      auto* higher = new RootInner;
      higher->children[0] = top_;
      top_ = higher;
    }
    ++height_;
  }
  RootNode** slot = &top_;
  own_root_node(*slot, height_ == 0);
  for (uint32_t level = height_; level > 0; --level) {
    slot = &static_cast<RootInner*>(*slot)->children[(id >> (bits * level)) % fan_out];
    own_root_node(*slot, level == 1);
  }
  if (id >= end_) end_ = id + 1;
  MapRoot& root = static_cast<RootLeaf*>(*slot)->roots[id % fan_out];
  root.entry = &entry;
  return root;
}

}  // namespace entente::kv
