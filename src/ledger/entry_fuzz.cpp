// Any bytes as a ledger entry. What parses must stay within its bytes, and what is in strict order
// must be written back as it was.

#include "base/assert.h"
#include "ledger/entry.h"
#include "ledger/entry_sealer.h"

using namespace entente;
using namespace entente::ledger;

namespace {

void inside(BytesView part, BytesView whole) {
  ENTENTE_ASSERT(part.empty() || (part.data() >= whole.data() &&
                                  part.data() + part.size() <= whole.data() + whole.size()));
}

void read_domain(BytesView domain, Domain kind) {
  const auto strict = read_maps(domain);
  const auto lenient = read_maps(domain, 0, Ordering::any);
  ENTENTE_ASSERT(!strict || lenient.ok());
  if (!strict) return;
  for (const kv::MapWrites& map : *strict) {
    inside(as_bytes(map.map), domain);
    // The other domain's maps are legal here as far as framing goes, but would not be encoded.
    if (kv::is_public(map.map) != (kind == Domain::in_clear)) return;
  }
  const Bytes again = encode_maps(*strict, kind);
  const auto reread = read_maps(again);
  ENTENTE_ASSERT(reread.ok() && encode_maps(*reread, kind) == again);
  // Only the ignored read versions can differ.
  ENTENTE_ASSERT(again.size() == domain.size());
}

EntrySealer& sealer() {
  static EntrySealer one = [] {
    auto secrets = std::make_shared<LedgerSecrets>();
    ENTENTE_ASSERT(secrets->add({1}, crypto::SymmetricKey()).ok());
    return EntrySealer(secrets);
  }();
  return one;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const BytesView bytes(data, size);
  read_domain(bytes, Domain::in_clear);
  read_domain(bytes, Domain::encrypted);
  const auto entry = parse_entry(bytes);
  if (!entry) return 0;
  for (const BytesView part : {entry->tag, entry->iv, entry->public_domain, entry->private_domain,
                               entry->public_maps, entry->view_history}) {
    inside(part, bytes);
  }
  ENTENTE_ASSERT(entry_framing_size + entry->public_domain.size() + entry->private_domain.size() ==
                 size);
  read_domain(entry->public_maps, Domain::in_clear);
  read_domain(entry->private_domain, Domain::encrypted);
  if (entry->type != EntryType::snapshot) (void)entry_leaf(*entry, Digest{});
  Bytes plaintext;
  (void)sealer().open_maps(*entry, plaintext, Ordering::any);
  (void)sealer().check_commit_evidence(*entry);
  return 0;
}
