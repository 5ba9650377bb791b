#include <benchmark/benchmark.h>

#include "ledger/merkle.h"

namespace entente::ledger {
namespace {

/// Appends with the amortised inner hashes, flushed as a committing service does.
void append(benchmark::State& state) {
  MerkleTree tree;
  Digest leaf;
  for (auto _ : state) {
    tree.append(leaf);
    leaf.bytes[0]++;
    if ((tree.size() & 0xfff) == 0) tree.flush(tree.size() - 100);
  }
}
BENCHMARK(append);

MerkleTree tree_of(uint64_t size) {
  MerkleTree tree;
  while (tree.size() < size) tree.append(Digest{});
  return tree;
}

void root(benchmark::State& state) {
  const MerkleTree tree = tree_of((1 << 20) - 1);  // the most right-edge nodes
  for (auto _ : state) benchmark::DoNotOptimize(tree.root());
}
BENCHMARK(root);

void path(benchmark::State& state) {
  const MerkleTree tree = tree_of((1 << 20) - 1);
  uint64_t index = 0;
  for (auto _ : state) {
    index = (index + 7919) % tree.size();
    benchmark::DoNotOptimize(tree.path(index, tree.size()));
  }
}
BENCHMARK(path);

}  // namespace
}  // namespace entente::ledger
