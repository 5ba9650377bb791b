#include "gov/isolate_pool.h"

namespace entente::gov {
namespace {

/// An isolate that a script made large is not kept.
constexpr size_t large = 16u << 20;  // bytes

}  // namespace

std::unique_ptr<js::Isolate> IsolatePool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto isolate = std::move(idle_.back());
      idle_.pop_back();
      return isolate;
    }
  }
  return std::make_unique<js::Isolate>(options_);
}

void IsolatePool::give_back(std::unique_ptr<js::Isolate> isolate) {
  if (isolate->committed_bytes() > large) return;
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kept_) idle_.push_back(std::move(isolate));
}

}  // namespace entente::gov
