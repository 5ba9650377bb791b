#pragma once
// Typed maps, values and sets: a name and two serialisers. They are constants of the application;
// opened in a transaction (`tx.ro(map)`, `tx.rw(map)`, `tx.wo(map)`) they give typed handles with
// the semantics of the raw ones in kv/tx.h. The bytes are documented in docs/ledger-format.md.

#include <optional>
#include <string>

#include "entente/kv/serialise.h"
#include "entente/kv/tx.h"

namespace entente::kv {

template <typename K, typename V, typename KS, typename VS>
class TypedReadHandle {
 public:
  explicit TypedReadHandle(ReadHandle raw) : raw_(raw) {}

  std::optional<V> get(const K& key) const {
    const auto bytes = KS::to_serialised(key);
    if (const auto value = raw_.get(detail::serialised_view(bytes))) {
      return VS::from_serialised(*value);
    }
    return std::nullopt;
  }
  bool has(const K& key) const {
    const auto bytes = KS::to_serialised(key);
    return raw_.has(detail::serialised_view(bytes));
  }
  std::optional<SeqNo> get_version_of_previous_write(const K& key) const {
    const auto bytes = KS::to_serialised(key);
    return raw_.get_version_of_previous_write(detail::serialised_view(bytes));
  }
  std::optional<V> get_globally_committed(const K& key) const {
    const auto bytes = KS::to_serialised(key);
    if (const auto value = raw_.get_globally_committed(detail::serialised_view(bytes))) {
      return VS::from_serialised(*value);
    }
    return std::nullopt;
  }
  size_t size() const { return raw_.size(); }

  /// `visit(const K&, const V&)` returns false to stop. The order is that of the key bytes.
  template <typename F>
  void foreach (F&& visit) const {
    raw_.foreach ([&](BytesView key, BytesView value) {
      return visit(KS::from_serialised(key), VS::from_serialised(value));
    });
  }
  template <typename F>
  void foreach_key(F&& visit) const {
    raw_.foreach_key([&](BytesView key) { return visit(KS::from_serialised(key)); });
  }
  template <typename F>
  void foreach_value(F&& visit) const {
    raw_.foreach_value([&](BytesView value) { return visit(VS::from_serialised(value)); });
  }
  /// from <= key < to in the order of the key bytes (which is that of the type only if the
  /// serialiser keeps it).
  template <typename F>
  void range(const K& from, const K& to, F&& visit) const {
    const auto first = KS::to_serialised(from);
    const auto last = KS::to_serialised(to);
    raw_.range(detail::serialised_view(first), detail::serialised_view(last),
               [&](BytesView key, BytesView value) {
                 return visit(KS::from_serialised(key), VS::from_serialised(value));
               });
  }

 private:
  ReadHandle raw_;
};

/// The writes of a typed handle over a raw one (WriteHandle or Handle).
template <typename K, typename V, typename KS, typename VS, typename Raw>
class TypedWriter {
 public:
  explicit TypedWriter(Raw raw) : raw_writer_(raw) {}
  void put(const K& key, const V& value) {
    const auto key_bytes = KS::to_serialised(key);
    const auto value_bytes = VS::to_serialised(value);
    raw_writer_.put(detail::serialised_view(key_bytes), detail::serialised_view(value_bytes));
  }
  void remove(const K& key) {
    const auto bytes = KS::to_serialised(key);
    raw_writer_.remove(detail::serialised_view(bytes));
  }
  void clear() { raw_writer_.clear(); }

 private:
  Raw raw_writer_;
};

template <typename K, typename V, typename KS, typename VS>
class TypedHandle : public TypedReadHandle<K, V, KS, VS>, public TypedWriter<K, V, KS, VS, Handle> {
 public:
  explicit TypedHandle(Handle raw)
      : TypedReadHandle<K, V, KS, VS>(raw), TypedWriter<K, V, KS, VS, Handle>(raw) {}
};

template <typename K, typename V, typename KS = JsonSerialiser<K>, typename VS = JsonSerialiser<V>>
class Map {
 public:
  using Key = K;
  using Value = V;
  using ReadOnlyHandle = TypedReadHandle<K, V, KS, VS>;
  using WriteOnlyHandle = TypedWriter<K, V, KS, VS, WriteHandle>;
  using ReadWriteHandle = TypedHandle<K, V, KS, VS>;

  explicit Map(std::string name) : name_(std::move(name)) {}
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

template <typename K, typename V, typename KS, typename VS>
using TypedMap = Map<K, V, KS, VS>;
template <typename K, typename V, template <typename> typename KS,
          template <typename> typename VS = KS>
using MapSerialisedWith = Map<K, V, KS<K>, VS<V>>;
template <typename K, typename V>
using RawCopySerialisedMap = Map<K, V, RawCopySerialiser<K>, RawCopySerialiser<V>>;
/// Raw keys, JSON values.
template <typename K, typename V>
using ServiceMap = Map<K, V, RawCopySerialiser<K>, JsonSerialiser<V>>;

// ---- one value ----

template <typename V, typename VS, typename Unit>
class ValueReadHandle {
 public:
  explicit ValueReadHandle(ReadHandle raw) : raw_(raw) {}
  std::optional<V> get() const {
    if (const auto value = raw_.get(Unit::bytes)) return VS::from_serialised(*value);
    return std::nullopt;
  }
  bool has() const { return raw_.has(Unit::bytes); }
  std::optional<SeqNo> get_version_of_previous_write() const {
    return raw_.get_version_of_previous_write(Unit::bytes);
  }
  std::optional<V> get_globally_committed() const {
    if (const auto value = raw_.get_globally_committed(Unit::bytes)) {
      return VS::from_serialised(*value);
    }
    return std::nullopt;
  }

 private:
  ReadHandle raw_;
};

template <typename V, typename VS, typename Unit, typename Raw>
class ValueWriter {
 public:
  explicit ValueWriter(Raw raw) : raw_writer_(raw) {}
  void put(const V& value) {
    const auto bytes = VS::to_serialised(value);
    raw_writer_.put(Unit::bytes, detail::serialised_view(bytes));
  }
  void clear() { raw_writer_.remove(Unit::bytes); }

 private:
  Raw raw_writer_;
};

template <typename V, typename VS, typename Unit>
class ValueHandle : public ValueReadHandle<V, VS, Unit>, public ValueWriter<V, VS, Unit, Handle> {
 public:
  explicit ValueHandle(Handle raw)
      : ValueReadHandle<V, VS, Unit>(raw), ValueWriter<V, VS, Unit, Handle>(raw) {}
};

template <typename V, typename VS = JsonSerialiser<V>, typename Unit = ZeroBlockUnit>
class Value {
 public:
  using ReadOnlyHandle = ValueReadHandle<V, VS, Unit>;
  using WriteOnlyHandle = ValueWriter<V, VS, Unit, WriteHandle>;
  using ReadWriteHandle = ValueHandle<V, VS, Unit>;

  explicit Value(std::string name) : name_(std::move(name)) {}
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

template <typename V, typename VS, typename Unit = ZeroBlockUnit>
using TypedValue = Value<V, VS, Unit>;
template <typename V>
using RawCopySerialisedValue = Value<V, RawCopySerialiser<V>>;

// ---- a set of keys ----

template <typename K, typename KS>
class SetReadHandle {
 public:
  explicit SetReadHandle(ReadHandle raw) : raw_(raw) {}
  bool contains(const K& key) const {
    const auto bytes = KS::to_serialised(key);
    return raw_.has(detail::serialised_view(bytes));
  }
  bool contains_globally_committed(const K& key) const {
    const auto bytes = KS::to_serialised(key);
    return raw_.get_globally_committed(detail::serialised_view(bytes)).has_value();
  }
  std::optional<SeqNo> get_version_of_previous_write(const K& key) const {
    const auto bytes = KS::to_serialised(key);
    return raw_.get_version_of_previous_write(detail::serialised_view(bytes));
  }
  size_t size() const { return raw_.size(); }
  /// `visit(const K&)` returns false to stop.
  template <typename F>
  void foreach (F&& visit) const {
    raw_.foreach_key([&](BytesView key) { return visit(KS::from_serialised(key)); });
  }

 private:
  ReadHandle raw_;
};

template <typename K, typename KS, typename Unit, typename Raw>
class SetWriter {
 public:
  explicit SetWriter(Raw raw) : raw_writer_(raw) {}
  void insert(const K& key) {
    const auto bytes = KS::to_serialised(key);
    raw_writer_.put(detail::serialised_view(bytes), Unit::bytes);
  }
  void remove(const K& key) {
    const auto bytes = KS::to_serialised(key);
    raw_writer_.remove(detail::serialised_view(bytes));
  }
  void clear() { raw_writer_.clear(); }

 private:
  Raw raw_writer_;
};

template <typename K, typename KS, typename Unit>
class SetHandle : public SetReadHandle<K, KS>, public SetWriter<K, KS, Unit, Handle> {
 public:
  explicit SetHandle(Handle raw) : SetReadHandle<K, KS>(raw), SetWriter<K, KS, Unit, Handle>(raw) {}
};

template <typename K, typename KS = JsonSerialiser<K>, typename Unit = ZeroBlockUnit>
class Set {
 public:
  using ReadOnlyHandle = SetReadHandle<K, KS>;
  using WriteOnlyHandle = SetWriter<K, KS, Unit, WriteHandle>;
  using ReadWriteHandle = SetHandle<K, KS, Unit>;

  explicit Set(std::string name) : name_(std::move(name)) {}
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

template <typename K, typename KS, typename Unit = ZeroBlockUnit>
using TypedSet = Set<K, KS, Unit>;
template <typename K>
using RawCopySerialisedSet = Set<K, RawCopySerialiser<K>>;

}  // namespace entente::kv
