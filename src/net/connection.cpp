#include "net/connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/assert.h"
#include "net/http1_session.h"
#include "net/http2_session.h"

namespace entente::net {
namespace {

/// After the last answer the peer may still be writing. To close at once would make the system
/// reset the connection, and the peer might never read that answer: so its bytes are dropped, for
/// this long and this many.
constexpr std::chrono::milliseconds linger_time{1000};
constexpr size_t linger_bytes = 4 << 20;

/// A peer that does not finish the handshake, or does not read the answer after which it is to be
/// closed, is closed even without idle time-out.
constexpr std::chrono::seconds handshake_time{30};

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

void release_memory(Bytes& buffer, size_t keep) {
  buffer.clear();
  if (buffer.capacity() > keep) Bytes().swap(buffer);
}

}  // namespace

Connection::Connection(uint64_t id, AcceptedConnection accepted, WorkerContext& worker,
                       WorkerBuffers& buffers)
    : socket_(-1), worker_(worker), buffers_(buffers), last_input_(worker.now) {
  peer_.connection = id;
  peer_.endpoint = &accepted.endpoint;
  peer_.refused = accepted.refused;
  if (accepted.context) tls_.emplace(accepted.context.get(), buffers_.ciphertext_out);
  socket_ = accepted.release();
  if (!tls_) start_session();
}

Connection::~Connection() {
  close();
}

void Connection::uncount() {
  if (!counted_) return;
  counted_ = false;
  peer_.endpoint->connection_closed();
}

void Connection::close() {
  if (gone_) return;
  gone_ = true;
  uncount();
  ::close(socket_);
  session_.reset();
}

void Connection::start_session() {
  const AppProtocol configured = peer_.endpoint->config.app_protocol;
  const bool http2 = configured == AppProtocol::http2 ||
                     (configured == AppProtocol::both && tls_ && tls_->alpn() == "h2");
  if (tls_) peer_.client_certificate = tls_->client_certificate();
  if (http2) {
    session_ = make_http2_session(worker_, peer_);
  } else {
    session_ = std::make_unique<Http1Session>(worker_, peer_);
  }
}

// --- input ------------------------------------------------------------------------------------

void Connection::read() {
  if (lingering_) return drop_lingering_input();
  const ssize_t got = ::recv(socket_, buffers_.received.data(), buffers_.received.size(), 0);
  if (got < 0) {
    if (!would_block(errno) && errno != EINTR) close();
    return;
  }
  if (got == 0) {
    input_ended_ = true;
    return close_when_done();
  }
  last_input_ = worker_.now;
  if (input_ended_) return;  // after close_notify nothing counts
  const BytesView bytes(buffers_.received.data(), static_cast<size_t>(got));
  tls_ ? receive_ciphertext(bytes) : receive_plaintext(bytes);
}

void Connection::receive_ciphertext(BytesView bytes) {
  const bool was_established = tls_->established();
  const TlsChannel::Received received = tls_->receive(bytes, buffers_.plaintext);
  if (!buffers_.ciphertext_out.empty()) send_sink();  // of the handshake, or an alert
  if (gone_) return;
  if (received.status == TlsChannel::Status::failed) return close();
  if (!was_established && tls_->established()) start_session();
  if (received.status == TlsChannel::Status::finished) input_ended_ = true;
  if (received.size > 0) {
    receive_plaintext(BytesView(buffers_.plaintext).first(received.size));
  }
  if (input_ended_) close_when_done();
}

void Connection::receive_plaintext(BytesView bytes) {
  if (session_->finished()) return;
  if (input_.empty()) return interpret(bytes);
  append(input_, bytes);
  interpret(bytes);
}

/// `fresh` is the end of input_, or stands alone if that is empty.
void Connection::interpret(BytesView fresh) {
  const bool buffered = !input_.empty();
  const BytesView all = buffered ? BytesView(input_) : fresh;
  const size_t done = session_->receive(all, fresh.size(), buffers_.round_out);
  ENTENTE_ASSERT(done <= all.size());
  if (done == all.size()) {
    release_memory(input_, 0);
  } else if (!buffered) {
    input_.assign(all.begin() + static_cast<ptrdiff_t>(done), all.end());
  } else if (done > 0) {
    input_.erase(input_.begin(), input_.begin() + static_cast<ptrdiff_t>(done));
  }
}

void Connection::complete(uint64_t slot, http::Response&& response) {
  if (session_) session_->complete(slot, std::move(response), buffers_.round_out);
}

bool Connection::resumable() const {
  return !gone_ && session_ && !lingering_ && session_->has_more() &&
         unsent() <= worker_.options->max_unsent_bytes;
}

void Connection::resume() {
  if (resumable()) interpret(BytesView{});
}

void Connection::shut_down() {
  if (gone_) return;
  if (!session_) return close();
  session_->shut_down(buffers_.round_out);
}

bool Connection::wants_input() const {
  if (gone_ || input_ended_) return false;
  if (lingering_ || !session_) return true;
  return !session_->finished() && !session_->blocked() && !session_->has_more() &&
         unsent() <= worker_.options->max_unsent_bytes;
}

// --- output -----------------------------------------------------------------------------------

void Connection::flush(BytesView plaintext) {
  if (gone_) return;
  if (tls_) {
    const bool last = in_round == 0 && session_ && session_->finished() && !close_sent_;
    if (!tls_->send(plaintext)) return close();
    if (last) {
      tls_->send_close();
      close_sent_ = true;
    }
    if (!buffers_.ciphertext_out.empty()) send_sink();
  } else if (!plaintext.empty()) {
    send(plaintext);
  }
  if (!gone_) close_when_done();
}

void Connection::send_sink() {
  send(buffers_.ciphertext_out);
  release_memory(buffers_.ciphertext_out, 1 << 20);
}

void Connection::send(BytesView bytes) {
  if (unsent() == 0) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && !would_block(errno) && errno != EINTR) return close();
    bytes = bytes.subspan(sent > 0 ? static_cast<size_t>(sent) : 0);
  }
  append(unsent_, bytes);
}

void Connection::write() {
  while (!gone_ && unsent() > 0) {
    const ssize_t sent = ::send(socket_, unsent_.data() + unsent_begin_, unsent(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (!would_block(errno)) close();
      return;
    }
    unsent_begin_ += static_cast<size_t>(sent);
  }
  release_memory(unsent_, 0);
  unsent_begin_ = 0;
  if (!gone_) close_when_done();
}

// --- the end ----------------------------------------------------------------------------------

void Connection::close_when_done() {
  if (gone_ || lingering_ || unsent() > 0 || in_round > 0) return;
  if (!session_) {
    if (input_ended_) close();
    return;
  }
  if (session_->finished()) {
    // With TLS close_notify must have left first: flush() does that.
    if (tls_ && !close_sent_) return;
    return input_ended_ ? close() : start_lingering();
  }
  const bool due = session_->answers_due() || session_->has_more();
  if (!input_ended_ || due) return;
  if (tls_ && tls_->established() && !close_sent_) {
    close_sent_ = true;
    tls_->send_close();
    if (!buffers_.ciphertext_out.empty()) send_sink();
  }
  close();
}

void Connection::start_lingering() {
  uncount();
  lingering_ = true;
  linger_until_ = worker_.now + linger_time;
  ::shutdown(socket_, SHUT_WR);
  session_.reset();
  Bytes().swap(input_);
}

void Connection::drop_lingering_input() {
  const ssize_t got = ::recv(socket_, buffers_.received.data(), buffers_.received.size(), 0);
  if (got > 0) {
    lingered_ += static_cast<size_t>(got);
    if (lingered_ > linger_bytes) close();
  } else if (got == 0 || (!would_block(errno) && errno != EINTR)) {
    close();
  }
}

void Connection::check_time() {
  const SteadyTime now = worker_.now;
  if (lingering_) {
    if (now > linger_until_) close();
    return;
  }
  // A client that waits for its answer is not idle.
  if (session_ && session_->answers_due()) last_input_ = now;
  const auto idle = now - last_input_;
  const auto& limit = peer_.endpoint->config.idle_timeout;
  const bool bounded = !session_ || session_->finished();
  if ((limit && idle > *limit) || (bounded && idle > handshake_time)) close();
}

}  // namespace entente::net
