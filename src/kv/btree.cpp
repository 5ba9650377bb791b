#include "kv/btree.h"

#include "kv/btree_node.h"

namespace entente::kv {
namespace {

/// The way from the root to a leaf, every node owned.
struct Path {
  BTreeInner* nodes[BTree::max_height];
  size_t indices[BTree::max_height];
  size_t depth = 0;
  BTreeLeaf* leaf = nullptr;
  bool last = true;  ///< the leaf is the last one of the tree
};

Path owned_path(BTreeNode*& root, BytesView key) {
  Path path;
  BTreeNode** slot = &root;
  own_node(*slot);
  while ((*slot)->level != 0) {
    ENTENTE_ASSERT(path.depth < BTree::max_height);
    BTreeInner* inner = as_inner(*slot);
    const size_t index = child_index(*inner, key);
    path.last = path.last && index == inner->count;
    path.nodes[path.depth] = inner;
    path.indices[path.depth++] = index;
    slot = &inner->children[index];
    prefetch_search(*slot, static_cast<uint8_t>(inner->level - 1));
    own_node(*slot);
  }
  path.leaf = as_leaf(*slot);
  return path;
}

/// The shortest key that is above `left` and not above `right`.
const Record* separator(BytesView left, BytesView right) {
  return Record::make(right.first(common_prefix(left, right) + 1), {}).release();
}

void insert_child(BTreeInner& inner, size_t index, const Record* key, BTreeNode* right) {
  insert_key(inner, index, key);
  const size_t tail = inner.count - 1 - index;
  std::memmove(inner.children + index + 2, inner.children + index + 1,
               tail * sizeof *inner.children);
  inner.children[index + 1] = right;
}

/// A new node right of a child of the path; `key` separates them.
struct Split {
  const Record* key;
  BTreeNode* node;
};

/// Splits a full leaf around the insertion of `record` at `index`. Ascending insertion leaves full
/// nodes behind.
Split split_leaf(BTreeLeaf& left, size_t index, const Record* record, bool last) {
  const size_t middle = last && index == left.count ? left.count : left.count / 2u;
  auto* right = new BTreeLeaf;
  move_keys(left, middle, *right);
  if (index <= middle && middle < BTreeLeaf::capacity) {
    insert_key(left, index, record);
  } else {
    insert_key(*right, index - middle, record);
  }
  lengthen_prefix(left);
  lengthen_prefix(*right);
  return {separator(left.keys[left.count - 1]->key(), right->keys[0]->key()), right};
}

Split split_inner(BTreeInner& left, size_t index, Split child, bool last) {
  // The key at `middle` goes up.
  const size_t middle = last && index == left.count ? left.count - 1u : left.count / 2u;
  auto* right = new BTreeInner;
  right->level = left.level;
  const size_t moved = left.count - middle;  // children
  std::memcpy(right->children, left.children + middle + 1, moved * sizeof *left.children);
  move_keys(left, middle + 1, *right);
  const Record* up = left.keys[middle];
  --left.count;
  if (index <= middle) {
    insert_child(left, index, child.key, child.node);
  } else {
    insert_child(*right, index - middle - 1, child.key, child.node);
  }
  lengthen_prefix(left);
  lengthen_prefix(*right);
  return {up, right};
}

void insert(BTreeNode*& root, Path& path, size_t index, const Record* record) {
  if (path.leaf->count < BTreeLeaf::capacity) {
    insert_key(*path.leaf, index, record);
    return;
  }
  Split split = split_leaf(*path.leaf, index, record, path.last);
  while (path.depth > 0) {
    BTreeInner& parent = *path.nodes[--path.depth];
    const size_t at = path.indices[path.depth];
    if (parent.count < BTreeInner::capacity) {
      insert_child(parent, at, split.key, split.node);
      return;
    }
    split = split_inner(parent, at, split, path.last);
  }
  auto* top = new BTreeInner;
  top->level = static_cast<uint8_t>(root->level + 1);
  top->children[0] = root;
  insert_child(*top, 0, split.key, split.node);
  root = top;
}

/// Takes child `index`, which is empty, out of its parent.
void remove_child(BTreeInner& parent, size_t index) {
  drop_node(parent.children[index]);
  if (parent.count == 0) {
    parent.children[0] = nullptr;
    return;
  }
  const size_t key = index == 0 ? 0 : index - 1;
  Record::drop(parent.keys[key]);
  std::memmove(parent.children + index, parent.children + index + 1,
               (parent.count - index) * sizeof *parent.children);
  remove_key(parent, key);
}

/// Appends all of `right` to `left`; `between` is the key that separated them.
void merge_into(BTreeNode& left, BTreeNode& right, const Record* between) {
  if (left.level == 0) {
    auto& target = static_cast<BTreeLeaf&>(left);
    auto& source = static_cast<BTreeLeaf&>(right);
    for (size_t i = 0; i < source.count; ++i) insert_key(target, target.count, source.keys[i]);
    Record::drop(between);
  } else {
    auto& target = static_cast<BTreeInner&>(left);
    auto& source = static_cast<BTreeInner&>(right);
    insert_child(target, target.count, between, source.children[0]);
    for (size_t i = 0; i < source.count; ++i) {
      insert_child(target, target.count, source.keys[i], source.children[i + 1]);
    }
  }
  free_shell(&right);
}

size_t capacity_of(const BTreeNode& node) {
  return node.level == 0 ? BTreeLeaf::capacity : BTreeInner::capacity;
}

/// Merges the thin child `index` with a neighbour if both together leave some room.
bool merge_child(BTreeInner& parent, size_t index) {
  const BTreeNode& child = *parent.children[index];
  const size_t limit = capacity_of(child) * 3 / 4;
  for (const size_t left : {index, index - 1}) {
    if (left >= parent.count) continue;  // also the wrapped index - 1
    const size_t keys = parent.children[left]->count + parent.children[left + 1]->count + 1u;
    if (keys > limit) continue;
    own_node(parent.children[left]);
    own_node(parent.children[left + 1]);
    merge_into(*parent.children[left], *parent.children[left + 1], parent.keys[left]);
    std::memmove(parent.children + left + 1, parent.children + left + 2,
                 (parent.count - left - 1u) * sizeof *parent.children);
    remove_key(parent, left);
    return true;
  }
  return false;
}

bool is_empty(const BTreeNode& node) {
  return node.count == 0 && (node.level == 0 || as_inner(&node)->children[0] == nullptr);
}

/// After a removal from the leaf of the path: no empty nodes, few thin ones.
void tidy(BTreeNode*& root, Path& path) {
  while (path.depth > 0) {
    BTreeInner& parent = *path.nodes[--path.depth];
    const size_t index = path.indices[path.depth];
    const BTreeNode& child = *parent.children[index];
    if (is_empty(child)) {
      remove_child(parent, index);
    } else if (child.count >= capacity_of(child) / 4 || !merge_child(parent, index)) {
      return;
    }
  }
  while (root->level != 0 && root->count == 0 && !is_empty(*root)) {
    BTreeNode* only = as_inner(root)->children[0];
    free_shell(root);
    root = only;
  }
  if (is_empty(*root)) {
    drop_node(root);
    root = nullptr;
  }
}

}  // namespace

const Record* BTree::find(BytesView key) const {
  const BTreeNode* node = root_.node;
  if (node == nullptr) return nullptr;
  while (node->level != 0) {
    const auto below = static_cast<uint8_t>(node->level - 1);
    node = as_inner(node)->children[child_index(*as_inner(node), key)];
    prefetch_search(node, below);
  }
  const Position found = position(*as_leaf(node), key);
  return found.equal ? as_leaf(node)->keys[found.index] : nullptr;
}

RecordRef BTree::put(RecordRef record) {
  ENTENTE_ASSERT(record);
  if (root_.node == nullptr) root_.node = new BTreeLeaf;
  Path path = owned_path(root_.node, record->key());
  const Position found = position(*path.leaf, record->key());
  if (found.equal) {
    const Record* old = path.leaf->keys[found.index];
    path.leaf->keys[found.index] = record.release();
    return RecordRef::adopt(old);
  }
  insert(root_.node, path, found.index, record.release());
  ++size_;
  return nullptr;
}

RecordRef BTree::erase(BytesView key) {
  if (find(key) == nullptr) return nullptr;  // nothing is copied for nothing
  Path path = owned_path(root_.node, key);
  const Position found = position(*path.leaf, key);
  RecordRef old = RecordRef::adopt(path.leaf->keys[found.index]);
  remove_key(*path.leaf, found.index);
  --size_;
  tidy(root_.node, path);
  return old;
}

void BTree::clear() {
  *this = BTree();
}

bool BTree::unshared() const {
  return root_.node == nullptr || root_.node->refs.load(std::memory_order_acquire) == 1;
}

BTree::Cursor BTree::begin() const {
  return lower_bound({});
}

BTree::Cursor BTree::lower_bound(BytesView key) const {
  Cursor cursor;
  const BTreeNode* node = root_.node;
  if (node == nullptr) return cursor;
  while (node->level != 0) {
    const auto index = static_cast<uint32_t>(child_index(*as_inner(node), key));
    cursor.path_[cursor.depth_++] = {node, index};
    node = as_inner(node)->children[index];
  }
  const Position found = position(*as_leaf(node), key);
  cursor.path_[cursor.depth_++] = {node, static_cast<uint32_t>(found.index)};
  cursor.settle();
  return cursor;
}

void BTree::Cursor::next() {
  ++path_[depth_ - 1].index;
  settle();
}

/// Makes record_ what the path points at, moving to the next leaf if it is past its end.
void BTree::Cursor::settle() {
  Step& leaf = path_[depth_ - 1];
  if (leaf.index < leaf.node->count) {
    record_ = as_leaf(leaf.node)->keys[leaf.index];
    return;
  }
  record_ = nullptr;
  --depth_;
  while (depth_ > 0 && path_[depth_ - 1].index == path_[depth_ - 1].node->count) --depth_;
  if (depth_ == 0) return;
  const BTreeNode* node = as_inner(path_[depth_ - 1].node)->children[++path_[depth_ - 1].index];
  while (node->level != 0) {
    path_[depth_++] = {node, 0};
    node = as_inner(node)->children[0];
  }
  path_[depth_++] = {node, 0};
  record_ = as_leaf(node)->keys[0];  // leaves are never empty
}

}  // namespace entente::kv
