#pragma once
// X.509 certificates (RFC 5280) as values: parsing and reading. Issuing is in x509_issue.h.
// Handles to shared immutable state: cheap to copy, const calls thread-safe.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "crypto/key.h"
#include "crypto/rsa.h"
#include "entente/bytes.h"
#include "entente/result.h"

struct x509_st;
struct X509_req_st;

namespace entente::crypto {

/// A subject alternative name. Other kinds than these two are skipped when reading.
struct SubjectAltName {
  enum class Kind { dns, ip };
  Kind kind;
  std::string value;  ///< a host name, or an IPv4 or IPv6 address in text
  auto operator<=>(const SubjectAltName&) const = default;

  /// `iPAddress:127.0.0.1` or `dNSName:localhost`, as node configurations write them. Host names
  /// are at most 253 printable ASCII characters without space.
  static Result<SubjectAltName> parse(std::string_view text);
  std::string text() const;
};

class Certificate {
 public:
  static Result<Certificate> from_pem(std::string_view pem);  ///< the first `CERTIFICATE` block
  static Result<Certificate> from_der(BytesView der);         ///< nothing may follow
  /// All certificates of a bundle, at least one, at most 100.
  static Result<std::vector<Certificate>> all_from_pem(std::string_view pem);

  const Bytes& der() const;
  std::string pem() const;
  /// Lower-case hex of the SHA-256 of der(): a user or member id.
  const std::string& id() const;

  Result<PublicKey> public_key() const;         ///< an error if it is not EC on a known curve
  Result<RsaPublicKey> rsa_public_key() const;  ///< an error if it is not RSA
  /// DER SubjectPublicKeyInfo of whatever key it is.
  Bytes spki() const;

  /// `CN=CCF Service`; several attributes in the certificate's order: `CN=Node,O=Org`. Escapes of
  /// RFC 4514, UTF-8.
  std::string subject() const;
  std::string issuer() const;
  UnixTime not_before() const;
  UnixTime not_after() const;  ///< inclusive
  bool valid_at(UnixTime time) const { return not_before() <= time && time <= not_after(); }
  const std::vector<SubjectAltName>& alt_names() const;
  bool is_ca() const;
  std::optional<unsigned> path_length() const;  ///< absent: no limit
  Bytes serial() const;                         ///< big-endian, without sign byte

  /// Signature by the issuer's key, names chain, issuer is a CA. Dates are ignored: ledgers
  /// outlive certificates.
  bool signed_by(const Certificate& issuer) const;

  friend bool operator==(const Certificate& a, const Certificate& b) { return a.der() == b.der(); }

  x509_st* native_handle() const;  ///< not owned

 private:
  struct Parts;
  explicit Certificate(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

/// A PKCS#10 certificate signing request (RFC 2986) whose self-signature was checked on parsing.
class CertificateRequest {
 public:
  static Result<CertificateRequest> from_pem(std::string_view pem);
  static Result<CertificateRequest> from_der(BytesView der);

  std::string pem() const;
  std::string subject() const;
  const PublicKey& public_key() const;
  const std::vector<SubjectAltName>& alt_names() const;

  X509_req_st* native_handle() const;  ///< not owned

 private:
  struct Parts;
  explicit CertificateRequest(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

}  // namespace entente::crypto
