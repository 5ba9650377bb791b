#pragma once
// What the service remembers of one connection (HTTP/1.1) or stream (HTTP/2). Used by the worker
// that owns the connection, by nobody else.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/environment.h"
#include "entente/auth.h"
#include "entente/bytes.h"
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

struct Session {
  uint64_t id = 0;                                 ///< for messages
  const Interface* interface = nullptr;            ///< not owned; null: no restrictions
  std::shared_ptr<ClientCertificate> certificate;  ///< null: the client showed none
  /// The view at the first request; a later request in another view ends the session.
  std::optional<View> pinned_view;
};

}  // namespace entente::rpc
