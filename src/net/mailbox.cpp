#include "net/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"

namespace entente::net {

AcceptedConnection::AcceptedConnection(int socket, Endpoint& its_endpoint,
                                       std::shared_ptr<SSL_CTX> its_context, bool is_refused)
    : endpoint(its_endpoint),
      context(std::move(its_context)),
      refused(is_refused),
      socket_(socket) {
  endpoint.connection_opened();
}

AcceptedConnection::AcceptedConnection(AcceptedConnection&& other) noexcept
    : endpoint(other.endpoint),
      context(std::move(other.context)),
      refused(other.refused),
      socket_(other.release()) {}

AcceptedConnection::~AcceptedConnection() {
  if (socket_ < 0) return;
  ::close(socket_);
  endpoint.connection_closed();
}

int AcceptedConnection::release() {
  return std::exchange(socket_, -1);
}

Mailbox::Mailbox() : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  ENTENTE_ASSERT(event_ >= 0);
}

Mailbox::~Mailbox() {
  ::close(event_);
}

void Mailbox::post(Item item) {
  const std::lock_guard guard(lock_);
  if (closed_) return;
  items_.push_back(std::move(item));
  if (signalled_) return;
  signalled_ = true;
  const uint64_t one = 1;
  const ssize_t written = ::write(event_, &one, sizeof one);
  ENTENTE_ASSERT(written == sizeof one);
}

void Mailbox::take(std::vector<Item>& items) {
  items.clear();
  const std::lock_guard guard(lock_);
  items.swap(items_);
  if (!signalled_) return;
  signalled_ = false;
  uint64_t count;
  const ssize_t got = ::read(event_, &count, sizeof count);
  ENTENTE_ASSERT(got == sizeof count);
}

void Mailbox::close() {
  std::vector<Item> unread;
  {
    const std::lock_guard guard(lock_);
    closed_ = true;
    unread.swap(items_);
  }
  // Destroyed outside the lock: a task may own a LaterAnswer, which posts when it is dropped.
}

}  // namespace entente::net
