#include "kv/record.h"

#include <algorithm>
#include <new>

#include "base/assert.h"
#include "entente/kv/access.h"

namespace entente::kv {

RecordRef Record::make(BytesView key, const BytesView* value, uint64_t version) {
  ENTENTE_ASSERT(key.size() <= max_key_size);
  ENTENTE_ASSERT(value == nullptr || value->size() <= max_value_size);
  const size_t value_size = value == nullptr ? 0 : value->size();
  // The payload starts in the tail padding of the fixed part.
  const size_t size = std::max(sizeof(Record), header_size + key.size() + value_size);
  void* memory = ::operator new(size);
  auto* record = new (memory)
      Record(key, value == nullptr ? no_value : static_cast<uint32_t>(value_size), version);
  auto* payload = static_cast<uint8_t*>(memory) + header_size;
  if (!key.empty()) std::memcpy(payload, key.data(), key.size());
  if (value_size != 0) std::memcpy(payload + key.size(), value->data(), value_size);
  return RecordRef::adopt(record);
}

RecordRef Record::make(BytesView key, BytesView value, SeqNo version) {
  return make(key, &value, version.value);
}

RecordRef Record::make_tombstone(BytesView key, SeqNo version) {
  return make(key, nullptr, version.value);
}

void Record::free(const Record* record) {
  ::operator delete(const_cast<Record*>(record));
}

size_t Record::allocated_size() const {
  return std::max(sizeof(Record), header_size + payload_size());
}

}  // namespace entente::kv
