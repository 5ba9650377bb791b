#pragma once
// The memory of an isolate: one address range in which the engine allocates everything. All that
// the allocator knows lies at the start of the range, so an image of the used part is all there is
// to say about the engine, and copying it back undoes whatever happened since.
//
// Blocks: small ones (up to 512 bytes) of one size go back to a list of that size; larger ones are
// segregated by size and coalesce with their neighbours (two-level segregated fit: Masmano et al.,
// "TLSF: a new dynamic memory allocator for real-time systems", 2004). Never asks the system for
// memory block by block; no locks, no state outside of the range. Not thread-safe.
//
// Under address sanitizer every byte that is not handed out is poisoned.

#include <cstddef>
#include <cstdint>
#include <memory>

namespace entente::js {

class Arena {
 public:
  /// Reserves an address range; memory comes with use. Ends the process if it cannot be had.
  explicit Arena(size_t reserved_bytes);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// 16-byte aligned; nullptr beyond the limit. `size` 0 gives a smallest block.
  void* allocate(size_t size);
  void release(void* block);
  /// As realloc(): the content moves if it must; nullptr and an unchanged block beyond the limit.
  void* resize(void* block, size_t size);
  /// What a block can hold.
  static size_t usable(const void* block);

  /// The bytes of all blocks together may not go beyond. Once something was refused, 32 KiB more
  /// are given for what it takes to say so. Memory that backs the arena stays below twice the
  /// limit. The limit is part of what restore() restores.
  void set_limit(size_t bytes);
  /// Bytes of all blocks, with what the allocator adds to each.
  size_t used() const;
  /// Something was refused since set_limit().
  bool refused() const;

  /// Everything as it is now becomes the image.
  void take_image();
  /// Makes the arena what it was at take_image(). What is far beyond the image goes back to the
  /// system.
  void restore();
  size_t image_bytes() const { return image_size_; }
  /// Bytes of the range that are readable and writable.
  size_t committed_bytes() const { return committed_; }
  size_t reserved_bytes() const { return reserved_; }
  bool contains(const void* address) const;

  /// Whether the image and the arena are the same: tests.
  bool same_as_image() const;
  /// Walks all blocks and checks what the allocator believes of them: tests. Slow.
  bool consistent() const;

 private:
  struct Block;
  struct Head;

  Block* find_free(size_t size);
  Block* carve(size_t size);
  void insert_free(Block* block, size_t size);
  void remove_free(Block* block);
  void free_large(Block* block);
  void split(Block* block, size_t size);
  bool grow_top(size_t size);
  bool commit(size_t end);
  void consolidate();
  Block* first() const;

  Head* head_;  // at the start of the range
  uint8_t* base_;
  size_t reserved_;
  size_t committed_ = 0;
  size_t high_water_ = 0;  // of the top since the last restore
  uint8_t* image_ = nullptr;
  size_t image_size_ = 0;
  std::unique_ptr<uint8_t[]> image_shadow_;  // what of the image is poisoned: address sanitizer
};

}  // namespace entente::js
