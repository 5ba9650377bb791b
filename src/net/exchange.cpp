#include "net/exchange.h"

#include "base/assert.h"
#include "net/mailbox.h"
#include "net/problem.h"

namespace entente::net {

LaterAnswer::LaterAnswer(std::shared_ptr<Mailbox> mailbox, uint64_t connection, uint64_t slot)
    : mailbox_(std::move(mailbox)), connection_(connection), slot_(slot) {}

LaterAnswer& LaterAnswer::operator=(LaterAnswer&& other) noexcept {
  if (this != &other) {
    LaterAnswer dropped(std::move(*this));
    mailbox_ = std::move(other.mailbox_);
    connection_ = other.connection_;
    slot_ = other.slot_;
  }
  return *this;
}

LaterAnswer::~LaterAnswer() {
  if (!pending()) return;
  http::Response response;
  set_problem(response, http::status::internal_server_error, "InternalError",
              "The request was dropped without an answer.");
  complete(std::move(response));
}

void LaterAnswer::complete(http::Response&& response) {
  ENTENTE_ASSERT(pending());
  const std::shared_ptr<Mailbox> mailbox = std::move(mailbox_);
  mailbox_ = nullptr;
  mailbox->post(LateAnswer{connection_, slot_, std::move(response)});
}

LaterAnswer Exchange::answer_later() {
  ENTENTE_ASSERT(!later_);
  later_ = true;
  return LaterAnswer(mailbox_, session_.id, slot_);
}

}  // namespace entente::net
