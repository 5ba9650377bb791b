#pragma once
// One key, its value and the version (seqno) of the transaction that wrote it, in one allocation.
// Immutable once it is published in the store; shared by trees, snapshots, undo records and
// transactions. A removal in a write set is a record without value (a tombstone); the trees of the
// store never hold one. The fixed part takes 20 bytes, so that a key and a value of 20 bytes
// fill 60.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "entente/bytes.h"
#include "entente/types.h"
#include "kv/ref.h"

namespace entente::kv {

class Record;
using RecordRef = Ref<const Record>;

class Record {
 public:
  /// Sizes within the limits of entente/kv/access.h (asserted).
  static RecordRef make(BytesView key, BytesView value, SeqNo version = {});
  static RecordRef make_tombstone(BytesView key, SeqNo version = {});

  SeqNo version() const { return {version_}; }
  bool is_tombstone() const { return value_size_ == no_value; }
  BytesView key() const { return {data(), key_size_}; }
  /// Empty for a tombstone.
  BytesView value() const { return {data() + key_size_, is_tombstone() ? 0 : value_size_}; }
  size_t allocated_size() const;  ///< bytes asked from the allocator
  size_t payload_size() const { return key_size_ + value().size(); }

  /// Only before publication, by the owner.
  void set_version(SeqNo version) const { version_ = version.value; }

  static void add(const Record* record) { record->refs_.fetch_add(1, std::memory_order_relaxed); }
  static void drop(const Record* record) {
    if (record->refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) free(record);
  }

 private:
  static constexpr uint32_t no_value = UINT32_MAX;
  static constexpr size_t header_size = 20;

  Record(BytesView key, uint32_t value_size, uint64_t version)
      : version_(version), key_size_(static_cast<uint32_t>(key.size())), value_size_(value_size) {}
  static RecordRef make(BytesView key, const BytesView* value, uint64_t version);
  static void free(const Record* record);
  const uint8_t* data() const { return reinterpret_cast<const uint8_t*>(this) + header_size; }

  mutable uint64_t version_;
  mutable std::atomic<uint32_t> refs_{1};
  uint32_t key_size_;
  uint32_t value_size_;
};

}  // namespace entente::kv
