#include "net/link_resolver.h"

#include <mutex>
#include <system_error>
#include <thread>

namespace entente::net {

struct LinkResolver::Shared {
  LookUp look_up;
  std::mutex lock;
  Answer answer;  ///< empty: nobody is interested any more
  size_t running = 0;
};

LinkResolver::LinkResolver(LookUp look_up, Answer answer) : shared_(std::make_shared<Shared>()) {
  shared_->look_up = std::move(look_up);
  shared_->answer = std::move(answer);
}

LinkResolver::~LinkResolver() {
  const std::lock_guard guard(shared_->lock);
  shared_->answer = nullptr;
}

bool LinkResolver::start(uint64_t token, std::string host) {
  {
    const std::lock_guard guard(shared_->lock);
    if (shared_->running == max_look_ups) return false;
    ++shared_->running;
  }
  try {
    std::thread([shared = shared_, token, host = std::move(host)] {
      Addresses found = shared->look_up(host);
      const std::lock_guard guard(shared->lock);
      --shared->running;
      if (shared->answer) shared->answer(token, std::move(found));
    }).detach();
  } catch (const std::system_error&) {  // no thread to be had
    const std::lock_guard guard(shared_->lock);
    --shared_->running;
    return false;
  }
  return true;
}

}  // namespace entente::net
