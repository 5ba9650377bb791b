#include "gov/isolate_pool.h"

#include <algorithm>

namespace entente::gov {
namespace {

/// An isolate that a script made large is not kept.
constexpr size_t large = 16u << 20;  // bytes

}  // namespace

IsolatePool::Loan::Loan(IsolatePool& pool, const Constitution& constitution,
                        const js::Limits& limits)
    : pool_(pool), lent_(pool.take(&constitution)) {
  if (lent_.constitution) return;
  {
    js::Use use(*lent_.isolate, limits);
    auto module = constitution.load(use);
    if (!module) return;
    lent_.module = std::move(*module);
  }
  lent_.isolate->keep();
  lent_.constitution = constitution.shared_from_this();
}

/// One that holds what is wanted, or one that holds nothing.
IsolatePool::Loan::Lent IsolatePool::take(const Constitution* wanted) {
  const std::lock_guard lock(mutex_);
  const auto fits = [&](const Loan::Lent& one) { return one.constitution.get() == wanted; };
  auto found = std::find_if(idle_.rbegin(), idle_.rend(), fits);
  if (found == idle_.rend() && wanted == nullptr) found = idle_.rbegin();
  if (found == idle_.rend() && wanted != nullptr) {
    found = std::find_if(idle_.rbegin(), idle_.rend(),
                         [](const Loan::Lent& one) { return one.constitution == nullptr; });
  }
  if (found != idle_.rend()) {
    Loan::Lent lent = std::move(*found);
    idle_.erase(std::next(found).base());
    return lent;
  }
  if (!idle_.empty() && idle_.size() >= kept_) idle_.erase(idle_.begin());  // of an older one
  return {std::make_unique<js::Isolate>(options_), nullptr, std::nullopt};
}

void IsolatePool::give_back(Loan::Lent lent) {
  if (lent.isolate->committed_bytes() > large) {
    lent.module.reset();
    return;
  }
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kept_) idle_.push_back(std::move(lent));
}

}  // namespace entente::gov
