#pragma once
// The Merkle tree over the ledger. Leaf 0 is 32 zero bytes, leaf s belongs to the entry with seqno
// s. Inner nodes are H(left || right); levels pair from the left and an unpaired last node moves up
// unchanged (the shape of RFC 6962, without its prefixes).
// Source: docs/ledger-format.md, "Digests and the Merkle tree".

#include <cstdint>
#include <vector>

#include "entente/bytes.h"
#include "entente/result.h"
#include "entente/types.h"

namespace entente::ledger {

struct PathStep {
  bool left = false;  ///< the sibling is the left operand
  Digest sibling;
  bool operator==(const PathStep&) const = default;
};
/// From the leaf upwards.
using MerklePath = std::vector<PathStep>;

/// No tree of 2^63 leaves has a longer path.
inline constexpr size_t max_path_length = 63;

Digest hash_pair(const Digest& left, const Digest& right);
/// The root that a leaf and its path lead to.
Digest fold_path(const Digest& leaf, const MerklePath& path);

/// Not thread-safe. Memory: about 64 bytes for each leaf in [first(), size()).
class MerkleTree {
 public:
  /// The tree of a new service: leaf 0 only.
  MerkleTree();

  uint64_t size() const { return size_; }    ///< number of leaves, flushed ones included; >= 1
  uint64_t first() const { return first_; }  ///< first leaf that is still held; < size()

  /// O(1) amortised: one inner hash per leaf on average. The new leaf's index is the old size().
  void append(const Digest& leaf);

  /// Only for first() <= index < size().
  const Digest& leaf(uint64_t index) const;

  /// Root over all leaves. O(log size).
  Digest root() const { return root(size_); }
  /// Root over the first `size` leaves. Only for max(1, first()) <= size <= size().
  Digest root(uint64_t size) const;

  /// Path of leaf `index` to the root over the first `size` leaves. Only for
  /// first() <= index < size <= size().
  MerklePath path(uint64_t index, uint64_t size) const;

  /// Forgets the leaves before `first` (roots, paths and truncation below it), keeps what later
  /// roots and paths need. Does nothing if they are forgotten already. Only for first < size().
  void flush(uint64_t first);

  /// Drops the leaves from `size` on (roll-back). Only for first() < size <= size().
  void truncate(uint64_t size);

  /// Leaves first … size-1 and the left edge, as stored by the signature at seqno `size`. Only for
  /// first() <= first < size <= size().
  Bytes serialise(uint64_t first, uint64_t size) const;
  Bytes serialise() const { return serialise(first_, size_); }

  /// The exact inverse; hostile bytes are refused with an error that names the field. At most
  /// `max_leaves` stored leaves.
  static Result<MerkleTree> deserialise(BytesView bytes, uint64_t max_leaves = 1ull << 26);

 private:
  /// The full nodes of one level: indices begin … begin+nodes.size()-unused-1.
  struct Level {
    uint64_t begin = 0;  ///< index within the level of nodes[unused]
    size_t unused = 0;   ///< forgotten nodes at the front, removed when they are the majority
    std::vector<Digest> nodes;

    uint64_t end() const { return begin + (nodes.size() - unused); }
    const Digest& at(uint64_t index) const;
    void forget_before(uint64_t index);
    void cut(uint64_t index);
  };

  Level& level(size_t height);
  /// Root over [end with its lowest bits from `height` up cleared, end): the part of the right edge
  /// below a node of `height` that is not full.
  Digest partial(uint64_t end, size_t height) const;

  uint64_t size_ = 0;
  uint64_t first_ = 0;
  std::vector<Level> levels_;
};

}  // namespace entente::ledger
