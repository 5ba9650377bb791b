#include "replica/lane.h"

#include <algorithm>

#include "base/assert.h"

namespace entente::replica {
namespace {
// A lane that runs full hands over by itself, so that memory and delay stay bounded.
constexpr size_t full_entries = 256;
constexpr size_t full_bytes = 256 << 10;

bool changes_nodes(const kv::WriteSet& writes) {
  return std::any_of(writes.begin(), writes.end(), [](const kv::MapWrites& map) {
    return map.map == nodes_info_map && !map.writes.empty();
  });
}

}  // namespace

Lane::Lane(std::shared_ptr<Content> content) : content_(std::move(content)) {}
Lane::~Lane() {
  hand_over();
}

kv::CommitResult Lane::commit(kv::Tx& tx, const CommitOptions& options) {
  const kv::CommitResult result = content_->store.commit(tx, options.conditions);
  if (result.status != kv::CommitStatus::committed) return result;

  const consensus::Epoch epoch{result.epoch.value};
  auto open = content_->take_open();
  if (open && open->epoch != epoch) content_->inbox.put(std::move(open));
  if (!open) open = content_->inbox.fresh_batch();
  Batch& batch = *open;
  batch.epoch = epoch;
  batch.urgent = batch.urgent || options.urgent;

  use_newest(content_->secrets, content_->sealer, content_->generation);
  Batch::Entry entry;
  entry.offset = batch.bytes.size();
  const auto sealed =
      content_->sealer.seal(kv::Store::write_set(tx), result.id, options.claims, 0, batch.bytes);
  entry.meta.id = result.id;
  entry.meta.urgent = options.urgent;
  entry.meta.bytes = sealed.size;
  entry.meta.leaf = sealed.leaf;
  if (changes_nodes(kv::Store::write_set(tx))) {
    NodeChange change = content_->nodes.change(result.id.seqno);
    entry.meta.kind = change.kind;
    entry.meta.configuration = std::move(change.configuration);
    entry.meta.retired = std::move(change.retired);
  }
  batch.entries.push_back(std::move(entry));
  if (batch.entries.size() >= full_entries || batch.bytes.size() >= full_bytes) {
    content_->inbox.put(std::move(open));
  } else {
    content_->put_open(std::move(open));
  }
  return result;
}

bool Lane::hand_over() {
  auto open = content_->take_open();
  if (!open) return false;
  content_->inbox.put(std::move(open));
  return true;
}

}  // namespace entente::replica
