#pragma once
// Transactions and raw maps (bytes to bytes).
//
// A transaction sees one snapshot of all maps, fixed at its first read, plus its own writes. It is
// serialisable: at commit everything that it read must be unchanged, else it is executed again
// from the start on a new transaction. Read-only transactions never conflict and never block
// anybody. A transaction belongs to one thread at a time. Handles are small values; they and every
// view that they return live until the transaction commits or ends, whichever is first.
//
// Keys and values are any bytes, empty ones included, up to the limits of kv/access.h. Keys are
// ordered bytewise, a prefix first (entente::compare); iteration is in that order.

#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>

#include "entente/bytes.h"
#include "entente/kv/access.h"
#include "entente/types.h"

namespace entente::kv {

class TxBody;
class Store;

/// A borrowed callable: valid only during the call that it is passed to.
template <typename Signature>
class FunctionRef;
template <typename R, typename... Args>
class FunctionRef<R(Args...)> {
 public:
  template <typename F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> &&
           std::is_invocable_r_v<R, F&, Args...>)
      FunctionRef(F&& callable)  // NOLINT: implicit on purpose
      : target_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* target, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(target))(std::forward<Args>(args)...);
        }) {}
  R operator()(Args... args) const { return call_(target_, std::forward<Args>(args)...); }

 private:
  void* target_;
  R (*call_)(void*, Args...);
};

using EntryVisitor = FunctionRef<bool(BytesView key, BytesView value)>;  ///< false stops
using BytesVisitor = FunctionRef<bool(BytesView)>;                       ///< false stops

/// Reads of one map within one transaction.
class ReadHandle {
 public:
  std::string_view name() const;

  /// Own writes included. Depends on that key, present or absent.
  std::optional<BytesView> get(BytesView key) const;
  bool has(BytesView key) const;
  /// The transaction that last wrote this key in the snapshot, own writes ignored; nullopt if the
  /// key is absent there. Depends on that key.
  std::optional<SeqNo> get_version_of_previous_write(BytesView key) const;
  /// The value in the globally committed state at the time of the call: neither own nor merely
  /// local writes are seen. No dependency. Slower than get().
  std::optional<Bytes> get_globally_committed(BytesView key) const;

  /// The rest depends on the whole map. Each iteration visits the entries that are visible when it
  /// starts, own writes included; changes made by the visitor apply but are not visited. An
  /// exception of the visitor passes through.
  size_t size() const;
  void foreach (EntryVisitor visit) const;
  void foreach_key(BytesVisitor visit) const;
  void foreach_value(BytesVisitor visit) const;
  /// from <= key < to; without `to`, up to the last key.
  void range(BytesView from, std::optional<BytesView> to, EntryVisitor visit) const;

 protected:
  friend class ReadOnlyTx;
  ReadHandle(TxBody& body, size_t map) : body_(&body), map_(map) {}
  TxBody* body_;
  size_t map_;
};

/// Writes to one map within one transaction. They add no dependency, clear() excepted.
class WriteHandle {
 public:
  std::string_view name() const;
  void put(BytesView key, BytesView value);
  /// Of an absent key: fine, and recorded.
  void remove(BytesView key);
  /// Removes every visible key; depends on the whole map.
  void clear();

 private:
  friend class Tx;
  WriteHandle(TxBody& body, size_t map) : body_(&body), map_(map) {}
  TxBody* body_;
  size_t map_;
};

/// Both.
class Handle : public ReadHandle {
 public:
  void put(BytesView key, BytesView value);
  void remove(BytesView key);
  void clear();

 private:
  friend class Tx;
  using ReadHandle::ReadHandle;
};

struct TxBodyRelease {
  void operator()(TxBody* body) const;
};

/// Made by the store. Movable; a moved-from transaction may only be destroyed or assigned to.
class ReadOnlyTx {
 public:
  ReadOnlyTx(ReadOnlyTx&&) = default;
  ReadOnlyTx& operator=(ReadOnlyTx&&) = default;

  /// The map of that name; a map that nobody has written is empty. Throws AccessError.
  ReadHandle ro(std::string_view map);
  template <typename M>
  requires requires { typename M::ReadOnlyHandle; }
  typename M::ReadOnlyHandle ro(const M& map) {
    return typename M::ReadOnlyHandle(ro(std::string_view(map.name())));
  }

  Context context() const;

 protected:
  friend class Store;
  explicit ReadOnlyTx(TxBody* body) : body_(body) {}
  std::unique_ptr<TxBody, TxBodyRelease> body_;
};

class Tx : public ReadOnlyTx {
 public:
  using ReadOnlyTx::ro;
  /// Throw AccessError, and LimitError when the store has no room for another map.
  Handle rw(std::string_view map);
  WriteHandle wo(std::string_view map);
  template <typename M>
  requires requires { typename M::ReadWriteHandle; }
  typename M::ReadWriteHandle rw(const M& map) {
    return typename M::ReadWriteHandle(rw(std::string_view(map.name())));
  }
  template <typename M>
  requires requires { typename M::WriteOnlyHandle; }
  typename M::WriteOnlyHandle wo(const M& map) {
    return typename M::WriteOnlyHandle(wo(std::string_view(map.name())));
  }

 private:
  friend class Store;
  using ReadOnlyTx::ReadOnlyTx;
};

}  // namespace entente::kv
