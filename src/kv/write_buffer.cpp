#include "kv/write_buffer.h"

#include <algorithm>

namespace entente::kv {

std::vector<RecordRef>::const_iterator WriteBuffer::lower_bound(BytesView key) const {
  return std::partition_point(few_.begin(), few_.end(), [&](const RecordRef& record) {
    return compare(record->key(), key) < 0;
  });
}

const Record* WriteBuffer::find(BytesView key) const {
  if (!many_.empty()) return many_.find(key);
  const auto at = lower_bound(key);
  return at != few_.end() && equal((*at)->key(), key) ? at->get() : nullptr;
}

RecordRef WriteBuffer::put(RecordRef record) {
  if (!many_.empty()) return many_.put(std::move(record));
  const auto at = few_.begin() + (lower_bound(record->key()) - few_.begin());
  if (at != few_.end() && equal((*at)->key(), record->key())) {
    std::swap(*at, record);
    return record;
  }
  if (few_.size() < few) {
    few_.insert(at, std::move(record));
    return nullptr;
  }
  for (RecordRef& known : few_) many_.put(std::move(known));
  few_.clear();
  return many_.put(std::move(record));
}

void WriteBuffer::clear() {
  few_.clear();
  many_.clear();
}

}  // namespace entente::kv
