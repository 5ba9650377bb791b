#include "replica/lane.h"

#include "base/assert.h"

namespace entente::replica {
namespace {
// A lane that runs full hands over by itself, so that memory and delay stay bounded.
constexpr size_t full_entries = 256;
constexpr size_t full_bytes = 256 << 10;
}  // namespace

Lane::Lane(std::unique_ptr<Content> content) : content_(std::move(content)) {}
Lane::~Lane() { hand_over(); }

kv::CommitResult Lane::commit(kv::Tx& tx, const CommitOptions& options) {
  const kv::CommitResult result = content_->store.commit(tx, options.conditions);
  if (result.status != kv::CommitStatus::committed) return result;

  const consensus::Epoch epoch{result.epoch.value};
  if (content_->batch && content_->batch->epoch != epoch) hand_over();
  if (!content_->batch) content_->batch = content_->inbox.fresh_batch();
  Batch& batch = *content_->batch;
  batch.epoch = epoch;
  batch.urgent = batch.urgent || options.urgent;

  Batch::Entry entry;
  entry.offset = batch.bytes.size();
  const auto sealed = content_->sealer.seal(kv::Store::write_set(tx), result.id, options.claims, 0,
                                            batch.bytes);
  entry.meta.id = result.id;
  entry.meta.urgent = options.urgent;
  entry.meta.bytes = sealed.size;
  entry.meta.leaf = sealed.leaf;
  if (options.voters) {
    entry.meta.kind = consensus::EntryKind::configuration;
    entry.meta.configuration = consensus::Configuration{result.id.seqno, *options.voters};
  }
  batch.entries.push_back(std::move(entry));
  if (batch.entries.size() >= full_entries || batch.bytes.size() >= full_bytes) hand_over();
  return result;
}

void Lane::hand_over() {
  if (!content_->batch) return;
  content_->inbox.put(std::move(content_->batch));
}

}  // namespace entente::replica
