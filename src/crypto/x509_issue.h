#pragma once
// Making certificates: the service's, a node's, a user's. Every certificate gets a 128-bit random
// serial and is signed with the hash of the issuer's curve. docs/ledger-format.md (certificates),
// docs/node-operation.md (node identity).

#include <span>
#include <string>
#include <string_view>

#include "crypto/x509.h"

namespace entente::crypto {

/// notAfter = not_before + days − 1 s, because notAfter is inclusive.
struct Validity {
  UnixTime not_before{0};
  unsigned days = 365;
  UnixTime not_after() const { return not_before + std::chrono::days(days) - UnixTime(1); }
};

/// Subject names are written as in configurations: `CN=CCF Service`, more attributes after commas
/// (`CN=Node,O=Org`). Errors: a subject that does not parse, a validity outside years 1950–9999.

/// A service or node identity: critical CA:TRUE with path length 1, critical key usage
/// digitalSignature + keyCertSign, SKI, AKI.
Result<Certificate> self_signed_ca(const KeyPair& key, std::string_view subject,
                                   const Validity& validity,
                                   std::span<const SubjectAltName> alt_names = {});

/// A user's or member's identity: critical CA:FALSE, critical key usage digitalSignature, SKI.
Result<Certificate> self_signed_identity(const KeyPair& key, std::string_view subject,
                                         const Validity& validity);

Result<CertificateRequest> make_request(const KeyPair& key, std::string_view subject,
                                        std::span<const SubjectAltName> alt_names);

/// A node's certificate, issued by the service: subject, key and alternative names of the request,
/// critical CA:FALSE, SKI, AKI. `issuer_key` must be the key of `issuer` (an error otherwise).
Result<Certificate> issue_from_request(const CertificateRequest& request, const KeyPair& issuer_key,
                                       const Certificate& issuer, const Validity& validity);

/// A CA certificate (path length 1) by which the current service vouches for an older service's
/// key, so that receipts of the older service verify under the current certificate.
Result<Certificate> endorse_service(const PublicKey& older_key, std::string_view older_subject,
                                    const KeyPair& issuer_key, const Certificate& issuer,
                                    const Validity& validity);

}  // namespace entente::crypto
