#include "ledger/merkle.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <string>

#include "base/assert.h"
#include "crypto/digest.h"

namespace entente::ledger {
namespace {

uint64_t load_big_endian(const uint8_t* bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = value << 8 | bytes[i];
  return value;
}

void append_big_endian(Bytes& out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(value >> shift));
}

/// First node that a level of this height must keep once the leaves before `first` are forgotten:
/// the left edge has the node before (first >> height) wherever that is odd.
uint64_t kept_from(uint64_t first, size_t height) {
  return (first >> height) & ~1ull;
}

}  // namespace

Digest hash_pair(const Digest& left, const Digest& right) {
  return crypto::sha256_pair(left, right);
}

Digest fold_path(const Digest& leaf, const MerklePath& path) {
  Digest node = leaf;
  for (const PathStep& step : path) {
    node = step.left ? hash_pair(step.sibling, node) : hash_pair(node, step.sibling);
  }
  return node;
}

// -------------------------------------------------------------------------------------- one level

const Digest& MerkleTree::Level::at(uint64_t index) const {
  ENTENTE_ASSERT(index >= begin && index < end());
  return nodes[unused + (index - begin)];
}

void MerkleTree::Level::forget_before(uint64_t index) {
  if (index <= begin) return;
  const size_t dropped = static_cast<size_t>(std::min(index, end()) - begin);
  unused += dropped;
  begin += dropped;
  if (unused > nodes.size() / 2) {
    nodes.erase(nodes.begin(), nodes.begin() + static_cast<ptrdiff_t>(unused));
    unused = 0;
  }
}

void MerkleTree::Level::cut(uint64_t index) {
  if (index >= end()) return;
  ENTENTE_ASSERT(index >= begin);
  nodes.resize(unused + (index - begin));
}

// --------------------------------------------------------------------------------------- the tree

MerkleTree::MerkleTree() {
  append(Digest{});
}

MerkleTree::Level& MerkleTree::level(size_t height) {
  while (levels_.size() <= height) {
    levels_.emplace_back();
    levels_.back().begin = kept_from(first_, levels_.size() - 1);
  }
  return levels_[height];
}

void MerkleTree::append(const Digest& leaf) {
  Digest node = leaf;
  uint64_t index = size_++;
  size_t height = 0;
  while (true) {
    Level& row = level(height);
    row.nodes.push_back(node);
    if ((index & 1) == 0) return;
    node = hash_pair(row.at(index - 1), node);
    index >>= 1;
    ++height;
  }
}

const Digest& MerkleTree::leaf(uint64_t index) const {
  ENTENTE_ASSERT(index >= first_ && index < size_);
  return levels_[0].at(index);
}

Digest MerkleTree::partial(uint64_t end, size_t height) const {
  // The bits of `end` below `height` are the full subtrees of the right edge, smallest last.
  std::optional<Digest> node;
  for (size_t bit = 0; bit < height; ++bit) {
    if ((end >> bit & 1) == 0) continue;
    const Digest& subtree = levels_[bit].at((end >> bit) - 1);
    node = node ? hash_pair(subtree, *node) : subtree;
  }
  ENTENTE_ASSERT(node.has_value());
  return *node;
}

Digest MerkleTree::root(uint64_t size) const {
  ENTENTE_ASSERT(size >= 1 && size >= first_ && size <= size_);
  return partial(size, static_cast<size_t>(std::bit_width(size)));
}

MerklePath MerkleTree::path(uint64_t index, uint64_t size) const {
  ENTENTE_ASSERT(index >= first_ && index < size && size <= size_);
  MerklePath path;
  path.reserve(static_cast<size_t>(std::bit_width(size)));
  for (size_t height = 0; size >> height != 0; ++height) {
    const uint64_t node = index >> height;
    if ((node & 1) != 0) {
      path.push_back({true, levels_[height].at(node - 1)});
      continue;
    }
    const uint64_t sibling = node + 1;
    if (((sibling + 1) << height) <= size) {
      path.push_back({false, levels_[height].at(sibling)});
    } else if ((sibling << height) < size) {
      path.push_back({false, partial(size, height)});
    }
  }
  return path;
}

void MerkleTree::flush(uint64_t first) {
  ENTENTE_ASSERT(first < size_);
  if (first <= first_) return;
  first_ = first;
  for (size_t height = 0; height < levels_.size(); ++height) {
    levels_[height].forget_before(kept_from(first, height));
  }
}

void MerkleTree::truncate(uint64_t size) {
  ENTENTE_ASSERT(size > first_ && size <= size_);
  size_ = size;
  for (size_t height = 0; height < levels_.size(); ++height) levels_[height].cut(size >> height);
}

// ----------------------------------------------------------------------------------------- stored

Bytes MerkleTree::serialise(uint64_t first, uint64_t size) const {
  ENTENTE_ASSERT(first >= first_ && first < size && size <= size_);
  Bytes out;
  out.reserve(16 + Digest::size * (size - first + static_cast<size_t>(std::popcount(first))));
  append_big_endian(out, size - first);
  append_big_endian(out, first);
  for (uint64_t index = first; index < size; ++index) entente::append(out, levels_[0].at(index));
  for (size_t bit = 0; bit < levels_.size(); ++bit) {
    if ((first >> bit & 1) != 0) entente::append(out, levels_[bit].at((first >> bit) - 1));
  }
  return out;
}

Result<MerkleTree> MerkleTree::deserialise(BytesView bytes, uint64_t max_leaves) {
  if (bytes.size() < 16) return Error{"tree: shorter than its two counts"};
  const uint64_t count = load_big_endian(bytes.data());
  const uint64_t first = load_big_endian(bytes.data() + 8);
  if (count == 0) return Error{"tree: number of leaves: is 0"};
  if (count > max_leaves) return Error{"tree: number of leaves: above the limit"};
  if (first >= 1ull << 62) return Error{"tree: first leaf: out of range"};
  const uint64_t edge = static_cast<uint64_t>(std::popcount(first));
  const BytesView hashes = bytes.subspan(16);
  if (hashes.size() % Digest::size != 0 || hashes.size() / Digest::size != count + edge) {
    return Error{"tree: hashes: " + std::to_string(hashes.size()) + " bytes where " +
                 std::to_string(count) + " leaves from " + std::to_string(first) + " need " +
                 std::to_string(count + edge) + " hashes"};
  }
  MerkleTree tree;
  tree.levels_.clear();
  tree.first_ = tree.size_ = first;
  uint64_t position = count;
  const auto hash_at = [&](uint64_t n) {
    return *Digest::from_bytes(hashes.subspan(n * Digest::size, Digest::size));
  };
  for (size_t bit = 0; first >> bit != 0; ++bit) {
    if ((first >> bit & 1) != 0) tree.level(bit).nodes.push_back(hash_at(position++));
  }
  for (uint64_t n = 0; n < count; ++n) tree.append(hash_at(n));
  return tree;
}

}  // namespace entente::ledger
