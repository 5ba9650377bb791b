#pragma once
// The link to one peer: dials, proves itself, checks whom it reached, sends what is queued, and
// dials again. Belongs to the link thread.

#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "net/link_address.h"
#include "net/link_backoff.h"
#include "net/link_connection.h"
#include "net/link_mailbox.h"
#include "net/link_resolver.h"
#include "net/link_tls.h"

namespace entente::net {

using SteadyTime = std::chrono::steady_clock::time_point;

/// What all links of one link thread share.
struct LinkContext {
  const LinkOptions& options;
  const LinkHandlers& handlers;
  LinkMailbox& mailbox;
  LinkRefusals& refusals;
  LinkPoll& poll;
  LinkResolver& resolver;
  const LinkTls& tls;
  const std::string own_address;  ///< as others dial it; may be empty
  std::optional<SocketAddress> source;
  std::minstd_rand random;
  SteadyTime now{};
  std::unique_ptr<LinkBuffers> buffers = std::make_unique<LinkBuffers>();
  /// Plaintext of the record that is being filled.
  std::array<uint8_t, 16 << 10> record;
};

class OutgoingLink final : public LinkTarget {
 public:
  /// Dials at the next on_time(). `token` is how resolved() will be addressed.
  OutgoingLink(LinkContext& context, LinkPeerPtr peer, std::string address, uint64_t token);
  /// Drops the connection and what is queued.
  ~OutgoingLink();

  const LinkPeerPtr& peer() const { return peer_; }
  const std::string& address() const { return address_; }
  uint64_t token() const { return token_; }

  /// Something waits in the queue.
  void on_ready();
  void on_event(uint32_t events) override;
  void on_time();
  void resolved(const Result<std::vector<std::string>>& hosts);
  /// When on_time() must be called next.
  SteadyTime deadline() const { return deadline_; }

  /// From now on: only send what is queued.
  void finish();
  bool finished() const { return stage_ == Stage::dormant; }

 private:
  enum class Stage : uint8_t {
    dormant,  ///< nothing to do until a message comes
    waiting,  ///< until the deadline, then it dials
    resolving,
    connecting,
    handshaking,
    open
  };

  void dial();
  void dial_next_address();
  void read();
  void established();
  void introduce();
  void send_queued();
  bool fill();
  bool encrypt(BytesView part);
  bool write_records(BytesView plaintext);
  void go_dormant();
  void fail(const std::string& error);
  void drop_connection();

  LinkContext& context_;
  const LinkPeerPtr peer_;
  const std::string address_;
  const uint64_t token_;
  Stage stage_ = Stage::waiting;
  SteadyTime deadline_;
  LinkBackoff backoff_;
  bool look_up_pending_ = false;
  bool finishing_ = false;
  std::vector<SocketAddress> candidates_;
  size_t next_candidate_ = 0;

  std::unique_ptr<LinkConnection> connection_;
  SteadyTime opened_{};
  uint64_t records_ = 0;      ///< under this key
  size_t record_filled_ = 0;  ///< of the context's record

  std::vector<QueuedMessage> sending_;
  size_t current_ = 0;   ///< the message in `sending_` that goes next
  size_t position_ = 0;  ///< in its frame
  LinkAmount sent_;      ///< not yet settled
};

}  // namespace entente::net
