#pragma once
// What the service remembers of one connection (HTTP/1.1) or stream (HTTP/2). Used by the worker
// that owns the connection, by nobody else.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/environment.h"
#include "entente/auth.h"
#include "entente/bytes.h"
#include "entente/http.h"
#include "entente/types.h"

namespace entente::rpc {

class Interface;

/// The leaf certificate that a client showed in the TLS handshake: any bytes until it was parsed.
/// Parsed once, on first need. Shared by the streams of one connection, all on one thread.
class ClientCertificate {
 public:
  explicit ClientCertificate(Bytes der) : der_(std::move(der)) {}

  struct Facts {
    std::string id;  ///< lower-case hex SHA-256 of the DER
    UnixTime not_before{};
    UnixTime not_after{};  ///< inclusive
    std::string node_id;   ///< lower-case hex SHA-256 of the public key's DER
    std::shared_ptr<const UserCertIdentity> user;
    std::shared_ptr<const MemberCertIdentity> member;
    std::shared_ptr<const AnyCertIdentity> any;
    std::shared_ptr<const NodeCertIdentity> node;
  };

  const Bytes& der() const { return der_; }
  /// Null if the bytes are no certificate.
  const Facts* facts() {
    if (!parsed_) parse();
    return facts_.get();
  }

 private:
  void parse();

  Bytes der_;
  bool parsed_ = false;
  std::unique_ptr<Facts> facts_;
};

/// The last transaction id in answers that came from elsewhere, on threads of their own.
class LaterSeen {
 public:
  TxId get() const {
    const std::lock_guard lock(mutex_);
    return id_;
  }
  void add(TxId id) {
    const std::lock_guard lock(mutex_);
    id_ = std::max(id_, id);
  }

 private:
  mutable std::mutex mutex_;
  TxId id_;  // guarded by mutex_
};

struct Session {
  uint64_t id = 0;                                 ///< for messages
  const Interface* interface = nullptr;            ///< not owned; null: no restrictions
  std::shared_ptr<ClientCertificate> certificate;  ///< null: the client showed none
  bool http2 = false;                              ///< a stream: never forwarded
  /// Its requests come from another node, which has checked interface rules: they have no
  /// interface and are never forwarded again.
  bool forwarded = false;
  /// The view at the first request; a later request in another view ends the session.
  std::optional<View> pinned_view;
  /// Something of it went to the primary: from then on whatever may go there does.
  bool has_forwarded = false;
  TxId seen;                              ///< see last_seen()
  std::shared_ptr<LaterSeen> later_seen;  ///< once has_forwarded

  /// The highest transaction id that an answer of this session carried: its branch of the ledger
  /// is the only one that the session may see.
  TxId last_seen() const { return later_seen ? std::max(seen, later_seen->get()) : seen; }
  void saw(TxId txid) { seen = std::max(seen, txid); }
};

/// 500 SessionConsistencyLost; the connection is to be closed.
void set_session_consistency_lost(http::Response& response, uint64_t session, View pinned,
                                  View now);

}  // namespace entente::rpc
