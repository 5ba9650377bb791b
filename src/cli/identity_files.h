#pragma once
// Identities of members and users as files: a self-signed certificate and its private key, for
// members also a key pair to which recovery shares are encrypted. Private files are readable by
// their owner only; nothing is ever overwritten.

#include <optional>
#include <string>
#include <vector>

#include "crypto/key.h"
#include "entente/result.h"

namespace entente::cli {

struct IdentityFiles {
  std::string certificate;  ///< `<name>_cert.pem`
  std::string private_key;  ///< `<name>_privk.pem`
  /// Members only: `<name>_enc_pubk.pem`, `<name>_enc_privk.pem`.
  std::optional<std::string> encryption_public_key;
  std::optional<std::string> encryption_private_key;

  std::vector<std::string> all() const;
};

struct IdentityRequest {
  std::string folder;  ///< created if it is not there
  std::string name;    ///< letters, digits, `-`, `_`, `.`; also the certificate's common name
  crypto::Curve curve = crypto::Curve::p384;
  unsigned validity_days = 365;
  bool encryption_key = false;  ///< RSA 2048
};

/// Refused if any of the files exists; then none is written.
Result<IdentityFiles> make_identity(const IdentityRequest& request);

/// SHA-256 over the DER of a PEM certificate file, in hex: how a service names the identity.
Result<std::string> identity_id(const std::string& certificate_file);

/// Writes a new file with these permissions; an existing one is an error.
Result<void> write_new_file(const std::string& path, std::string_view content, unsigned mode);

}  // namespace entente::cli
