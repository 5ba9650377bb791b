#pragma once
// The writes of one transaction to one map: the last one per key, removals as tombstones. A sorted
// array while they are few, a tree when they are many. Keeps its memory when cleared.

#include <vector>

#include "kv/btree.h"
#include "kv/record.h"

namespace entente::kv {

class WriteBuffer {
 public:
  size_t size() const { return few_.size() + many_.size(); }
  bool empty() const { return size() == 0; }

  /// Tombstones included; null if the key was not written.
  const Record* find(BytesView key) const;
  /// Gives back what it replaced, or null.
  RecordRef put(RecordRef record);
  void clear();

  /// By key.
  template <typename F>
  void for_each(F&& visit) const {
    for (const RecordRef& record : few_) visit(record);
    for (auto at = many_.begin(); at.get() != nullptr; at.next()) visit(RecordRef::share(at.get()));
  }

 private:
  static constexpr size_t few = 256;
  std::vector<RecordRef>::const_iterator lower_bound(BytesView key) const;

  std::vector<RecordRef> few_;  // empty once many_ is used
  BTree many_;
};

}  // namespace entente::kv
