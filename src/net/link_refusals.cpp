#include "net/link_refusals.h"

#include "base/assert.h"
#include "base/log.h"

namespace entente::net {
namespace {

constexpr std::array<std::string_view, link_refusal_count> names = {
    "not TLS",         "TLS version",       "no certificate",
    "protocol",        "unusable key",      "wrong node",
    "unknown node",    "handshake timeout", "too many handshakes",
    "bad record",      "unknown kind",      "oversized",
    "unexpected data", "bad introduction"};

}  // namespace

std::string_view name_of(LinkRefusal reason) {
  return names[static_cast<size_t>(reason)];
}

void LinkRefusals::refuse(LinkRefusal reason, std::string_view who, std::string_view detail) {
  const auto index = static_cast<size_t>(reason);
  ENTENTE_ASSERT(index < counts_.size());
  counts_[index].fetch_add(1, std::memory_order_relaxed);
  const auto now = std::chrono::steady_clock::now();
  if (now - second_begin_ >= std::chrono::seconds(1)) {
    if (suppressed_ > 0) log::info("link", "{} more links refused", suppressed_);
    second_begin_ = now;
    lines_ = 0;
    suppressed_ = 0;
  }
  if (++lines_ > lines_per_second) {
    ++suppressed_;
  } else {
    log::info("link", "refused {}: {}{}{}", who, name_of(reason), detail.empty() ? "" : ": ",
              detail);
  }
}

RefusalCounts LinkRefusals::counts() const {
  RefusalCounts values{};
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = counts_[i].load(std::memory_order_relaxed);
  }
  return values;
}

}  // namespace entente::net
