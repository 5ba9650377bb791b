#pragma once
// One socket with TLS on it, as both directions of links use it: read into shared buffers, written
// out of one of its own. Belongs to the link thread.

#include <sys/epoll.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "net/tls_channel.h"

namespace entente::net {

/// Whoever owns a watched socket.
class LinkTarget {
 public:
  /// May destroy the connection that the event is for, and with it nothing else.
  virtual void on_event(uint32_t events) = 0;

 protected:
  ~LinkTarget() = default;
};

/// The sockets of the link thread. Each gets a number that is never used again, so that an event
/// that was fetched before a socket was replaced finds nobody.
class LinkPoll {
 public:
  LinkPoll();
  ~LinkPoll();
  LinkPoll(const LinkPoll&) = delete;
  LinkPoll& operator=(const LinkPoll&) = delete;

  uint64_t add(LinkTarget& target);
  void remove(uint64_t number) { targets_.erase(number); }
  /// From `now` interests to `wanted`; no interest at all means not even errors are reported.
  /// False if the system has no room for another socket.
  bool watch(int socket, uint64_t number, uint32_t now, uint32_t wanted);
  /// Fetches events, for at most so long; -1: for ever.
  void wait(int milliseconds);
  /// Calls the targets of the fetched events.
  void dispatch();

 private:
  const int epoll_;
  uint64_t next_ = 1;
  std::unordered_map<uint64_t, LinkTarget*> targets_;
  std::array<epoll_event, 64> events_;
  size_t ready_ = 0;
};

/// What connections use only while they are being served.
struct LinkBuffers {
  static constexpr size_t read_size = 256 << 10;
  std::array<uint8_t, read_size> ciphertext;
  std::array<uint8_t, read_size + TlsChannel::max_surplus> plaintext;
};

class LinkConnection {
 public:
  /// Takes the socket over. All others must outlive the connection.
  LinkConnection(int socket, SSL_CTX* context, TlsChannel::Side side, LinkPoll& poll,
                 LinkTarget& target);
  ~LinkConnection();
  LinkConnection(const LinkConnection&) = delete;
  LinkConnection& operator=(const LinkConnection&) = delete;

  struct Input {
    enum class Status : uint8_t {
      open,
      closed,    ///< by the peer
      lost,      ///< by the network: errno
      tls_error  ///< see this thread's OpenSSL errors
    };
    Status status = Status::open;
    BytesView plaintext;  ///< in the buffers
  };
  /// Receives once.
  Input read(LinkBuffers& buffers);
  /// The client's first message.
  void begin_handshake(LinkBuffers& buffers);

  /// Sends as much as the socket takes; false with errno if it is broken.
  bool flush();
  size_t unsent() const { return out_.size() - sent_; }
  /// Says good-bye if there is room for it.
  void close_gracefully();

  /// Watches for input if `input`, for room to write if `output`. Where the system cannot, nothing
  /// happens on the connection until its owner's patience ends.
  void watch(bool input, bool output);

  TlsChannel& tls() { return tls_; }
  const TlsChannel& tls() const { return tls_; }
  int socket() const { return socket_; }
  /// Numeric, of the other side.
  std::string peer_address() const;

 private:
  const int socket_;
  LinkPoll& poll_;
  const uint64_t number_;
  uint32_t interest_ = 0;
  Bytes out_;  ///< ciphertext
  size_t sent_ = 0;
  TlsChannel tls_;
};

}  // namespace entente::net
