#include <ctime>

#include "base/environment.h"

namespace entente {
namespace {

class SystemClock final : public Clock {
 public:
  MonotonicTime now() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now().time_since_epoch());
  }
  UnixTime unix_time() const override { return UnixTime(std::time(nullptr)); }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

}  // namespace entente
