#pragma once
// An ordered map of records by key: a copy-on-write B+ tree. Copying a tree is O(1) and shares all
// nodes; nodes are changed in place while nobody shares them, else the path to the change is
// copied. One tree value belongs to one thread at a time; copies may be read, and dropped, on any
// thread while the original goes on changing.
//
// Every node keeps the common prefix of its keys and, per key, the eight bytes that follow it, so
// that a search touches one record per level at most in the common case.

#include <array>
#include <cstddef>
#include <utility>

#include "entente/bytes.h"
#include "kv/record.h"

namespace entente::kv {

struct BTreeNode;
void add_node(const BTreeNode* node);
void drop_node(const BTreeNode* node);

/// A counted reference to a node (see ref.h), so that the node's layout stays private.
class BTreeRoot {
 public:
  BTreeRoot() = default;
  BTreeRoot(const BTreeRoot& other) : node(other.node) {
    if (node != nullptr) add_node(node);
  }
  BTreeRoot(BTreeRoot&& other) noexcept : node(std::exchange(other.node, nullptr)) {}
  BTreeRoot& operator=(BTreeRoot other) noexcept {
    std::swap(node, other.node);
    return *this;
  }
  ~BTreeRoot() {
    if (node != nullptr) drop_node(node);
  }
  BTreeNode* node = nullptr;
};

class BTree {
 public:
  static constexpr size_t max_height = 24;  ///< more than 2^63 records need

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  /// Null if absent. Lives as long as this tree, or a copy of it, holds it.
  const Record* find(BytesView key) const;
  /// Inserts or replaces by record->key(); gives back what it replaced, or null.
  RecordRef put(RecordRef record);
  /// Gives back what it removed, or null.
  RecordRef erase(BytesView key);
  void clear();

  /// Walks up in key order. Valid while the tree that it came from is alive and unchanged (take a
  /// copy of the tree to change it meanwhile).
  class Cursor {
   public:
    /// Null at the end.
    const Record* get() const { return record_; }
    void next();

   private:
    friend class BTree;
    struct Step {
      const BTreeNode* node;
      uint32_t index;
    };
    void settle();
    std::array<Step, max_height> path_;
    size_t depth_ = 0;
    const Record* record_ = nullptr;
  };
  Cursor begin() const;
  /// At the first record whose key is not less than `key`.
  Cursor lower_bound(BytesView key) const;

  /// True if nobody else holds the root, so that changes happen in place.
  bool unshared() const;

  /// Walks the whole tree and asserts its invariants. For tests.
  void check() const;
  /// Bytes of all nodes and records as asked from the allocator. For tests and benchmarks.
  size_t memory() const;

 private:
  BTreeRoot root_;
  size_t size_ = 0;
};

}  // namespace entente::kv
