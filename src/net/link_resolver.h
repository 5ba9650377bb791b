#pragma once
// Looks host names up on threads of their own, because the system's resolver blocks for as long as
// it likes: one thread per look-up, and a bound on them. A look-up that hangs is abandoned with the
// resolver, never waited for.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "entente/result.h"

namespace entente::net {

class LinkResolver {
 public:
  using Addresses = Result<std::vector<std::string>>;
  /// Must not refer to anything that dies before a hanging look-up returns.
  using LookUp = std::function<Addresses(const std::string& host)>;
  /// Called on the look-up's thread; never after the resolver is destroyed.
  using Answer = std::function<void(uint64_t token, Addresses)>;

  static constexpr size_t max_look_ups = 16;

  LinkResolver(LookUp look_up, Answer answer);
  ~LinkResolver();
  LinkResolver(const LinkResolver&) = delete;
  LinkResolver& operator=(const LinkResolver&) = delete;

  /// False: too many are under way; there will be no answer.
  bool start(uint64_t token, std::string host);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace entente::net
