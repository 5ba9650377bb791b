// Any bytes as a stored tree; what is accepted is written back as it was, and works.

#include "base/assert.h"
#include "ledger/merkle.h"

using namespace entente;
using namespace entente::ledger;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const BytesView bytes(data, size);
  auto tree = MerkleTree::deserialise(bytes, 4096);
  if (!tree) return 0;
  ENTENTE_ASSERT(equal(tree->serialise(), bytes));
  const Digest root = tree->root();
  const uint64_t leaves = tree->size();
  for (const uint64_t index : {tree->first(), leaves - 1}) {
    ENTENTE_ASSERT(fold_path(tree->leaf(index), tree->path(index, leaves)) == root);
  }
  const Digest leaf = tree->leaf(leaves - 1);
  tree->append(leaf);
  ENTENTE_ASSERT(tree->root(leaves) == root);
  tree->truncate(leaves);
  ENTENTE_ASSERT(tree->root() == root);
  tree->flush(leaves - 1);
  ENTENTE_ASSERT(tree->root() == root);
  return 0;
}
