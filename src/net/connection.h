#pragma once
// One accepted connection: socket, TLS and protocol session, and what could not be sent or
// interpreted yet. Owned and driven by one worker.

#include <memory>
#include <optional>

#include "net/session.h"
#include "net/tls_channel.h"

namespace entente::net {

/// Buffers of one worker that its connections use in turn, so that they stay in the cache and idle
/// connections own none. Between calls `ciphertext_out` is empty.
struct WorkerBuffers {
  static constexpr size_t receive_size = 64 << 10;
  WorkerBuffers() : received(receive_size), plaintext(receive_size + TlsChannel::max_surplus) {}
  Bytes received;
  Bytes plaintext;
  Bytes ciphertext_out;
  Bytes round_out;  ///< plaintext that leaves at the end of the round, of all connections
};

class Connection {
 public:
  Connection(uint64_t id, AcceptedConnection accepted, WorkerContext& worker,
             WorkerBuffers& buffers);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  uint64_t id() const { return peer_.connection; }
  int socket() const { return socket_; }

  /// Each of these may append to the round's output; the worker then calls flush() with what was
  /// appended, at the end of the round. After any of them see gone().
  void read();
  void complete(uint64_t slot, http::Response&& response);
  void resume();
  void shut_down();

  /// Sends (or keeps to send) this part of the round's output.
  void flush(BytesView plaintext);
  /// The socket takes bytes again.
  void write();

  /// To be destroyed.
  bool gone() const { return gone_; }
  /// resume() would do something.
  bool resumable() const;
  bool wants_input() const;
  bool wants_output() const { return unsent() > 0; }
  bool lingering() const { return lingering_; }
  /// The session is done: flush() ends the connection even if nothing was appended.
  bool finishing() const { return session_ && session_->finished() && !close_sent_; }
  /// Closes when idle for too long, or when the peer takes too long to close in its turn.
  void check_time();
  void close();

  uint32_t interest = 0;  ///< epoll's, as the worker set it last
  uint32_t in_round = 0;  ///< the worker's: ranges of this round's output that flush() still gets
  bool in_resumables = false;

 private:
  size_t unsent() const { return unsent_.size() - unsent_begin_; }
  void receive_ciphertext(BytesView bytes);
  void receive_plaintext(BytesView bytes);
  void start_session();
  void interpret(BytesView fresh);
  void send(BytesView bytes);
  void send_sink();
  void drop_lingering_input();
  void close_when_done();
  void start_lingering();
  void uncount();

  int socket_;
  WorkerContext& worker_;
  WorkerBuffers& buffers_;
  PeerContext peer_;
  std::optional<TlsChannel> tls_;
  std::unique_ptr<Session> session_;
  Bytes input_;   ///< plaintext that the session left over
  Bytes unsent_;  ///< bytes for the socket, from unsent_begin_ on
  size_t unsent_begin_ = 0;
  SteadyTime last_input_;
  SteadyTime linger_until_{};
  size_t lingered_ = 0;
  bool counted_ = true;
  bool input_ended_ = false;  ///< the peer sends no more
  bool close_sent_ = false;
  bool lingering_ = false;
  bool gone_ = false;
};

}  // namespace entente::net
