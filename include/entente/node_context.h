#pragma once
// What an application sees of the node that runs it. Every method is thread-safe.

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <typeindex>
#include <unordered_map>
#include <vector>

#include "entente/types.h"

namespace entente {

class Clock;

namespace replica {
class Status;
}

/// Lives as long as the node. Parts that other rooms provide (historical states, indexing) are
/// found by their type: `entente/history.h` declares them.
class NodeContext {
 public:
  NodeContext(NodeId id, const replica::Status& status, const Clock& clock)
      : id_(std::move(id)), status_(&status), clock_(&clock) {}

  const NodeId& node_id() const { return id_; }
  const Clock& clock() const { return *clock_; }

  TxStatus status(TxId id) const;
  /// The last globally committed transaction; {0,0} before the first.
  TxId last_committed() const;
  View current_view() const;
  /// The view of an entry that this node holds, or {0}.
  View view_of(SeqNo seqno) const;
  /// Element i is the first transaction of the i-th view from `since` on that has any.
  std::vector<TxId> view_history(View since = View{1}) const;
  bool is_primary() const;

  /// Hands a part to whoever asks for it by type. Replaces an earlier one.
  template <typename T>
  void install(std::shared_ptr<T> part) {
    const std::unique_lock lock(mutex_);
    parts_[std::type_index(typeid(T))] = std::move(part);
  }
  /// Null if nobody installed one.
  template <typename T>
  std::shared_ptr<T> find() const {
    const std::shared_lock lock(mutex_);
    const auto found = parts_.find(std::type_index(typeid(T)));
    return found == parts_.end() ? nullptr : std::static_pointer_cast<T>(found->second);
  }
  /// Throws std::logic_error instead.
  template <typename T>
  std::shared_ptr<T> get() const {
    auto part = find<T>();
    if (!part) throw std::logic_error("This node does not provide the requested part");
    return part;
  }

 private:
  NodeId id_;
  const replica::Status* status_;
  const Clock* clock_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::type_index, std::shared_ptr<void>> parts_;
};

}  // namespace entente
