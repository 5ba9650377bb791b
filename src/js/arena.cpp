#include "js/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ENTENTE_JS_POISON 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ENTENTE_JS_POISON 1
#endif

#ifdef ENTENTE_JS_POISON
#include <sanitizer/asan_interface.h>
// The allocator reads and writes what is poisoned for everybody else.
#define ENTENTE_ALLOCATOR __attribute__((no_sanitize("address")))
#else
#define ENTENTE_ALLOCATOR
#endif

namespace entente::js {

namespace {

constexpr size_t unit = 16;            // blocks are multiples of it
constexpr size_t header = 8;           // in front of what a block holds
constexpr size_t smallest_block = 32;  // header, two links, footer
constexpr size_t largest_small = 512;
constexpr size_t small_lists = largest_small / unit + 1;
constexpr unsigned second_bits = 3;  // eight lists for each power of two
constexpr unsigned second_lists = 1u << second_bits;
constexpr unsigned first_lists = 36;
constexpr size_t commit_step = 1u << 20;
constexpr size_t kept_beyond_image = 4u << 20;
constexpr size_t reserve_for_errors = 32u << 10;
constexpr size_t page = 4096;

constexpr uint64_t used_flag = 1;           // handed out, or in a list of small blocks
constexpr uint64_t previous_used_flag = 2;  // the same of the block in front
constexpr uint64_t listed_flag = 4;         // in a list of small blocks
constexpr uint64_t flags = 15;

constexpr size_t round_up(size_t value, size_t to) {
  return (value + to - 1) / to * to;
}

void poison([[maybe_unused]] const void* start, [[maybe_unused]] size_t size) {
#ifdef ENTENTE_JS_POISON
  __asan_poison_memory_region(start, size);
#endif
}
void unpoison([[maybe_unused]] const void* start, [[maybe_unused]] size_t size) {
#ifdef ENTENTE_JS_POISON
  __asan_unpoison_memory_region(start, size);
#endif
}

struct Lists {
  unsigned first, second;
};
/// The list that a free block of this size belongs to.
Lists lists_of(size_t size) {
  const unsigned power = static_cast<unsigned>(std::bit_width(size)) - 1;
  const unsigned second = static_cast<unsigned>(size >> (power - second_bits)) & (second_lists - 1);
  return {power, second};
}

}  // namespace

/// A block as the allocator sees it. The last 8 bytes of a free block hold its size, so that its
/// successor finds its start.
struct Arena::Block {
  uint64_t tag;  // size and flags
  Block* next;   // of its list, if it is in one
  Block* previous;

  ENTENTE_ALLOCATOR size_t size() const { return tag & ~flags; }
  ENTENTE_ALLOCATOR bool is_used() const { return (tag & used_flag) != 0; }
  ENTENTE_ALLOCATOR Block* successor() {
    return reinterpret_cast<Block*>(reinterpret_cast<uint8_t*>(this) + size());
  }
  ENTENTE_ALLOCATOR uint64_t& footer() {
    return *reinterpret_cast<uint64_t*>(reinterpret_cast<uint8_t*>(this) + size() - 8);
  }
  ENTENTE_ALLOCATOR Block* predecessor() {  // only if it is free
    const uint64_t size_before = reinterpret_cast<uint64_t*>(this)[-1];
    return reinterpret_cast<Block*>(reinterpret_cast<uint8_t*>(this) - size_before);
  }
  void* content() { return reinterpret_cast<uint8_t*>(this) + header; }
  static Block* of(const void* content) {
    return reinterpret_cast<Block*>(const_cast<uint8_t*>(static_cast<const uint8_t*>(content)) -
                                    header);
  }
};

struct Arena::Head {
  uint64_t used;
  uint64_t limit;
  uint64_t refused;
  Block* top;  // start of what was never carved; its predecessor is always used or listed
  uint64_t first_map;
  uint32_t second_map[first_lists];
  Block* small[small_lists];
  Block* lists[first_lists][second_lists];
};

Arena::Arena(size_t reserved_bytes) : reserved_(round_up(reserved_bytes, commit_step)) {
  void* range = mmap(nullptr, reserved_ + page, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ENTENTE_ASSERT(range != MAP_FAILED);
  base_ = static_cast<uint8_t*>(range);  // what is behind the range stays inaccessible
  head_ = reinterpret_cast<Head*>(base_);
  ENTENTE_ASSERT(commit(commit_step));
  unpoison(base_, sizeof(Head));
  *head_ = Head{};
  head_->limit = reserved_ / 2;
  head_->top = first();
  high_water_ = sizeof(Head);
}

Arena::~Arena() {
  unpoison(base_, committed_);
  munmap(base_, reserved_ + page);
  if (image_ != nullptr) munmap(image_, round_up(image_size_, page));
}

Arena::Block* Arena::first() const {
  // Contents are aligned: headers stand 8 bytes in front of a multiple of 16.
  return reinterpret_cast<Block*>(base_ + round_up(sizeof(Head) + header, unit) - header);
}

bool Arena::contains(const void* address) const {
  const auto* byte = static_cast<const uint8_t*>(address);
  return byte >= base_ && byte < base_ + reserved_;
}

bool Arena::commit(size_t end) {
  if (end <= committed_) return true;
  if (end > reserved_) return false;
  const size_t wanted = std::min(reserved_, round_up(end + end / 8, commit_step));
  if (mprotect(base_ + committed_, wanted - committed_, PROT_READ | PROT_WRITE) != 0) return false;
  poison(base_ + committed_, wanted - committed_);
  committed_ = wanted;
  return true;
}

// ------------------------------------------------------------------------------------- free lists

ENTENTE_ALLOCATOR void Arena::insert_free(Block* block, size_t size) {
  block->tag = size | (block->tag & previous_used_flag);
  block->footer() = size;
  block->successor()->tag &= ~previous_used_flag;
  const auto [i, j] = lists_of(size);
  block->previous = nullptr;
  block->next = head_->lists[i][j];
  if (block->next != nullptr) block->next->previous = block;
  head_->lists[i][j] = block;
  head_->first_map |= uint64_t{1} << i;
  head_->second_map[i] |= 1u << j;
}

ENTENTE_ALLOCATOR void Arena::remove_free(Block* block) {
  const auto [i, j] = lists_of(block->size());
  if (block->previous != nullptr) block->previous->next = block->next;
  if (block->next != nullptr) block->next->previous = block->previous;
  if (head_->lists[i][j] == block) {
    head_->lists[i][j] = block->next;
    if (block->next == nullptr) {
      head_->second_map[i] &= ~(1u << j);
      if (head_->second_map[i] == 0) head_->first_map &= ~(uint64_t{1} << i);
    }
  }
}

ENTENTE_ALLOCATOR Arena::Block* Arena::find_free(size_t size) {
  // The next list up: every block of it is large enough.
  const size_t power = static_cast<size_t>(std::bit_width(size)) - 1;
  const size_t rounded = size + (size_t{1} << (power - second_bits)) - 1;
  auto [i, j] = lists_of(rounded);
  if (i >= first_lists) return nullptr;
  uint32_t second = head_->second_map[i] & (~0u << j);
  if (second == 0) {
    const uint64_t above = i + 1 >= 64 ? 0 : head_->first_map & (~uint64_t{0} << (i + 1));
    if (above == 0) return nullptr;
    i = static_cast<unsigned>(std::countr_zero(above));
    second = head_->second_map[i];
  }
  j = static_cast<unsigned>(std::countr_zero(second));
  Block* block = head_->lists[i][j];
  remove_free(block);
  return block;
}

/// Gives back what of a used block is beyond `size`.
ENTENTE_ALLOCATOR void Arena::split(Block* block, size_t size) {
  const size_t rest = block->size() - size;
  if (rest < smallest_block) return;
  block->tag = size | (block->tag & flags);
  Block* remainder = block->successor();
  remainder->tag = rest | used_flag | previous_used_flag;
  free_large(remainder);
}

ENTENTE_ALLOCATOR void Arena::free_large(Block* block) {
  size_t size = block->size();
  Block* after = block->successor();
  if ((block->tag & previous_used_flag) == 0) {
    Block* before = block->predecessor();
    remove_free(before);
    size += before->size();
    block = before;
  }
  if (after == head_->top) {
    block->tag &= ~used_flag;
    head_->top = block;
    return;
  }
  if (!after->is_used()) {
    remove_free(after);
    size += after->size();
    if (reinterpret_cast<uint8_t*>(block) + size == reinterpret_cast<uint8_t*>(head_->top)) {
      head_->top = block;
      return;
    }
  }
  insert_free(block, size);
}

ENTENTE_ALLOCATOR bool Arena::grow_top(size_t size) {
  const size_t end = static_cast<size_t>(reinterpret_cast<uint8_t*>(head_->top) - base_) + size;
  if (end > image_size_ + 2 * head_->limit + 2 * reserve_for_errors) return false;
  return commit(end + header);  // the tag of the block behind is written too
}

ENTENTE_ALLOCATOR Arena::Block* Arena::carve(size_t size) {
  if (!grow_top(size)) {
    consolidate();
    if (Block* block = find_free(size)) return block;
    if (!grow_top(size)) return nullptr;
  }
  Block* block = head_->top;
  const auto end = static_cast<size_t>(reinterpret_cast<uint8_t*>(block) - base_) + size;
  high_water_ = std::max(high_water_, end + header);
  block->tag = size | used_flag | previous_used_flag;
  head_->top = block->successor();
  return block;
}

/// Puts listed small blocks together with their neighbours. Walks the whole arena.
ENTENTE_ALLOCATOR void Arena::consolidate() {
  for (Block*& list : head_->small) list = nullptr;
  for (auto& row : head_->lists) {
    for (Block*& list : row) list = nullptr;
  }
  head_->first_map = 0;
  for (uint32_t& map : head_->second_map) map = 0;
  Block* block = first();
  bool before_is_used = true;
  while (block != head_->top) {
    if (block->is_used() && (block->tag & listed_flag) == 0) {
      block->tag = block->size() | used_flag | (before_is_used ? previous_used_flag : 0);
      before_is_used = true;
      block = block->successor();
      continue;
    }
    size_t size = 0;
    Block* end = block;
    while (end != head_->top && (!end->is_used() || (end->tag & listed_flag) != 0)) {
      size += end->size();
      end = end->successor();
    }
    block->tag = previous_used_flag;
    if (end == head_->top) {
      head_->top = block;
      return;
    }
    insert_free(block, size);
    before_is_used = false;
    block = end;
  }
}

// ----------------------------------------------------------------------------------------- blocks

ENTENTE_ALLOCATOR void* Arena::allocate(size_t wanted) {
  if (wanted > reserved_) {
    head_->refused = 1;
    return nullptr;
  }
  const size_t size = std::max(round_up(wanted + header, unit), smallest_block);
  if (head_->used + size > head_->limit) [[unlikely]] {
    const size_t reserve = head_->refused != 0 ? reserve_for_errors : 0;
    head_->refused = 1;
    if (head_->used + size > head_->limit + reserve) return nullptr;
  }
  Block* block = nullptr;
  if (size <= largest_small) {
    Block*& list = head_->small[size / unit];
    if (list != nullptr) {
      block = list;
      list = block->next;
      block->tag &= ~listed_flag;
    }
  }
  if (block == nullptr) {
    block = head_->first_map != 0 ? find_free(size) : nullptr;
    if (block == nullptr) block = carve(size);
    if (block == nullptr) {
      head_->refused = 1;
      return nullptr;
    }
    block->tag |= used_flag;
    block->successor()->tag |= previous_used_flag;
    split(block, size);
  }
  head_->used += block->size();
  unpoison(block->content(), block->size() - header);
  return block->content();
}

ENTENTE_ALLOCATOR void Arena::release(void* content) {
  if (content == nullptr) return;
  Block* block = Block::of(content);
  const size_t size = block->size();
  head_->used -= size;
  poison(content, size - header);
  if (size <= largest_small) {
    block->tag |= listed_flag;
    Block*& list = head_->small[size / unit];
    block->next = list;
    list = block;
    return;
  }
  free_large(block);
}

ENTENTE_ALLOCATOR void* Arena::resize(void* content, size_t wanted) {
  if (content == nullptr) return allocate(wanted);
  Block* block = Block::of(content);
  const size_t old_size = block->size();
  if (wanted <= reserved_) {
    const size_t size = std::max(round_up(wanted + header, unit), smallest_block);
    if (size == old_size) return content;
    if (old_size > largest_small && size > largest_small) {
      if (size < old_size) {
        split(block, size);
        head_->used -= old_size - block->size();
        poison(reinterpret_cast<uint8_t*>(block) + block->size() + header,
               old_size - block->size() > header ? old_size - block->size() - header : 0);
        return content;
      }
      // In place, where the memory behind is free.
      Block* after = block->successor();
      const size_t more = size - old_size;
      const bool allowed = head_->used + more <= head_->limit;
      if (allowed && after == head_->top && grow_top(more)) {
        block->tag += more;
        head_->top = block->successor();
        const auto end = static_cast<size_t>(reinterpret_cast<uint8_t*>(head_->top) - base_);
        high_water_ = std::max(high_water_, end + header);
        head_->used += more;
        unpoison(content, block->size() - header);
        return content;
      }
      if (allowed && after != head_->top && !after->is_used() && after->size() >= more) {
        remove_free(after);
        block->tag += after->size();
        block->successor()->tag |= previous_used_flag;
        split(block, size);
        head_->used += block->size() - old_size;
        unpoison(content, block->size() - header);
        return content;
      }
    }
  }
  void* moved = allocate(wanted);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, content, std::min(old_size - header, wanted));
  release(content);
  return moved;
}

ENTENTE_ALLOCATOR size_t Arena::usable(const void* content) {
  return content == nullptr ? 0 : Block::of(content)->size() - header;
}

void Arena::set_limit(size_t bytes) {
  head_->limit = std::min(bytes, reserved_ / 2);
  head_->refused = 0;
}
size_t Arena::used() const {
  return head_->used;
}
bool Arena::refused() const {
  return head_->refused != 0;
}

// ------------------------------------------------------------------------------------------ image

namespace {
#ifdef ENTENTE_JS_POISON
uint8_t* shadow_of(const void* address) {
  size_t scale = 0, offset = 0;
  __asan_get_shadow_mapping(&scale, &offset);
  return reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(address) >> scale) + offset);
}

// Copies by itself: the library's functions check what is poisoned, and volatile keeps the compiler
// from calling them.
ENTENTE_ALLOCATOR void copy_poisoned(uint8_t* to, const uint8_t* from, size_t size) {
  for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
    *reinterpret_cast<volatile uint64_t*>(to + i) =
        *reinterpret_cast<const volatile uint64_t*>(from + i);
  }
}
#endif
}  // namespace

ENTENTE_ALLOCATOR void Arena::take_image() {
  if (image_ != nullptr) munmap(image_, round_up(image_size_, page));
  // The tag of the block behind the last one says whether that one is used.
  image_size_ =
      round_up(static_cast<size_t>(reinterpret_cast<uint8_t*>(head_->top) - base_) + header, 64);
  ENTENTE_ASSERT(commit(image_size_));
  void* copy = mmap(nullptr, round_up(image_size_, page), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ENTENTE_ASSERT(copy != MAP_FAILED);
  image_ = static_cast<uint8_t*>(copy);
#ifdef ENTENTE_JS_POISON
  copy_poisoned(image_, base_, image_size_);
  image_shadow_ = std::make_unique<uint8_t[]>(image_size_ / 8);
  copy_poisoned(image_shadow_.get(), shadow_of(base_), image_size_ / 8);
#else
  std::memcpy(image_, base_, image_size_);
#endif
  high_water_ = image_size_;
}

ENTENTE_ALLOCATOR void Arena::restore() {
#ifdef ENTENTE_JS_POISON
  copy_poisoned(base_, image_, image_size_);
  copy_poisoned(shadow_of(base_), image_shadow_.get(), image_size_ / 8);
  poison(base_ + image_size_, committed_ - image_size_);
#else
  std::memcpy(base_, image_, image_size_);
#endif
  const size_t keep = round_up(image_size_ + kept_beyond_image, page);
  if (high_water_ > keep) madvise(base_ + keep, committed_ - keep, MADV_DONTNEED);
  high_water_ = image_size_;
}

ENTENTE_ALLOCATOR bool Arena::same_as_image() const {
  for (size_t i = 0; i < image_size_; i += sizeof(uint64_t)) {
    if (*reinterpret_cast<const volatile uint64_t*>(base_ + i) !=
        *reinterpret_cast<const uint64_t*>(image_ + i)) {
      return false;
    }
  }
  return true;
}

ENTENTE_ALLOCATOR bool Arena::consistent() const {
  size_t used = 0;
  bool before_is_used = true;
  Block* block = first();
  while (block != head_->top) {
    if (block > head_->top || block->size() < smallest_block) return false;
    if (((block->tag & previous_used_flag) != 0) != before_is_used) return false;
    if (block->is_used()) {
      if ((block->tag & listed_flag) == 0) used += block->size();
    } else {
      if (block->footer() != block->size() || !before_is_used) return false;
    }
    before_is_used = block->is_used();
    block = block->successor();
  }
  return before_is_used && used == head_->used;
}

}  // namespace entente::js
