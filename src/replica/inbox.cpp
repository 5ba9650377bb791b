#include "replica/inbox.h"

namespace entente::replica {
namespace {
constexpr size_t max_spare_batches = 64;
constexpr size_t max_spare_bytes = 1 << 20;
constexpr auto soon = std::chrono::milliseconds(2);
constexpr size_t many_batches = 64;
constexpr size_t max_message_bytes = 32 << 20;  // of one sender
constexpr size_t message_overhead = 160;
}  // namespace

void Inbox::Content::clear() {
  batches.clear();
  stable.clear();
  messages.clear();
  reads.clear();
  roots.clear();
  message_bytes.clear();
}

void Inbox::notify(std::unique_lock<std::mutex>& lock, bool wake_reader) {
  pending_ = true;
  wake_reader = wake_reader && waiting_;
  lock.unlock();
  if (wake_reader) changed_.notify_one();
}

void Inbox::put(std::unique_ptr<Batch> batch) {
  const bool urgent = batch->urgent;
  std::unique_lock lock(mutex_);
  content_.batches.push_back(std::move(batch));
  notify(lock, urgent || !wakes_soon_ || content_.batches.size() >= many_batches);
}

void Inbox::put(StableNotice notice) {
  std::unique_lock lock(mutex_);
  content_.stable.push_back(notice);
  notify(lock, true);
}

void Inbox::put(LedgerRead read) {
  std::unique_lock lock(mutex_);
  content_.reads.push_back(std::move(read));
  notify(lock, true);
}

void Inbox::put(RootWanted root) {
  std::unique_lock lock(mutex_);
  content_.roots.push_back(std::move(root));
  notify(lock, true);
}

bool Inbox::put(Incoming message) {
  std::unique_lock lock(mutex_);
  size_t& waiting = content_.message_bytes[message.from];
  const size_t size = message.bytes.size() + message_overhead;
  if (waiting > 0 && waiting + size > max_message_bytes) {
    ++dropped_messages_;
    return false;
  }
  waiting += size;
  content_.messages.push_back(std::move(message));
  notify(lock, true);
  return true;
}

void Inbox::wake() {
  std::unique_lock lock(mutex_);
  notify(lock, true);
}

void Inbox::take(Content& out) {
  out.clear();
  const std::lock_guard lock(mutex_);
  std::swap(out, content_);
  pending_ = false;
}

void Inbox::wait_until(std::optional<std::chrono::steady_clock::time_point> deadline) {
  std::unique_lock lock(mutex_);
  waiting_ = true;
  if (deadline) {
    wakes_soon_ = *deadline - std::chrono::steady_clock::now() <= soon;
    changed_.wait_until(lock, *deadline, [this] { return pending_; });
    wakes_soon_ = false;
  } else {
    changed_.wait(lock, [this] { return pending_; });
  }
  waiting_ = false;
}

std::unique_ptr<Batch> Inbox::fresh_batch() {
  const std::lock_guard lock(mutex_);
  if (spare_.empty()) return std::make_unique<Batch>();
  auto batch = std::move(spare_.back());
  spare_.pop_back();
  return batch;
}

void Inbox::recycle(std::unique_ptr<Batch> batch) {
  batch->clear();
  if (batch->bytes.capacity() > max_spare_bytes) return;
  const std::lock_guard lock(mutex_);
  if (spare_.size() < max_spare_batches) spare_.push_back(std::move(batch));
}

}  // namespace entente::replica
