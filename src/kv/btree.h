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

#include "entente/bytes.h"
#include "kv/record.h"
#include "kv/ref.h"

namespace entente::kv {

struct BTreeNode {
  static void add(const BTreeNode* node);
  static void drop(const BTreeNode* node);
};

class BTree {
 public:
  static constexpr size_t max_height = 24;  ///< more than 2^63 records need

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  /// Null if absent. Lives as long as this tree, or a copy of it, holds it.
  const Record* find(BytesView key) const;
  /// Inserts or replaces by record->key(); gives back what it replaced, or null. Not a tombstone.
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

  /// Walks the whole tree and asserts its invariants. For tests.
  void check() const;
  /// Bytes of all nodes and records as asked from the allocator. For tests and benchmarks.
  size_t memory() const;

 private:
  Ref<BTreeNode> root_;
  size_t size_ = 0;
};

}  // namespace entente::kv
