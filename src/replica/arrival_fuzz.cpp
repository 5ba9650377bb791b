// Any bytes as a message of another replica: either refused, or a message whose entries are the
// ones that its head announces, each within what was received.

#include "base/assert.h"
#include "base/log.h"
#include "replica/arrival.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace entente;
  using namespace entente::replica;
  log::set_level(log::Level::fatal);
  NodeTable nodes;
  const Known known{[](View view) { return SeqNo{view.value % 4}; }, nodes};
  const auto arrival = decode_message(to_bytes({data, size}), known);
  if (!arrival) return 0;
  const auto* append = std::get_if<consensus::message::AppendEntries>(&arrival->message.body);
  if (append == nullptr) {
    ENTENTE_ASSERT(arrival->entries.empty());
    return 0;
  }
  ENTENTE_ASSERT(append->entries.size() == append->end - append->prev.seqno);
  ENTENTE_ASSERT(append->entries.size() == arrival->entries.size());
  uint64_t total = 0;
  for (size_t i = 0; i < append->entries.size(); ++i) {
    ENTENTE_ASSERT(append->entries[i].id == arrival->entries[i].txid);
    ENTENTE_ASSERT(append->entries[i].id.view == append->entries_view);
    total += append->entries[i].bytes;
  }
  ENTENTE_ASSERT(total < size);
  return 0;
}
