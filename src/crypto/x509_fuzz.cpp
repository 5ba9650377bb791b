// Any bytes as certificate, request, public key (DER) and as PEM text of each: read or refused, and
// whatever was read can be looked at from all sides.

#include <cstdlib>

#include "crypto/pem.h"
#include "crypto/x509.h"

namespace {

using namespace entente;
using namespace entente::crypto;

void look_at(const Result<Certificate>& certificate) {
  if (!certificate.ok()) return;
  static_cast<void>(certificate->subject().size() + certificate->issuer().size());
  static_cast<void>(certificate->serial());
  static_cast<void>(certificate->public_key().ok() || certificate->rsa_public_key().ok());
  static_cast<void>(certificate->signed_by(*certificate));
  for (const SubjectAltName& name : certificate->alt_names()) {
    if (!SubjectAltName::parse(name.text()).ok()) std::abort();
  }
  const Result<Certificate> again = Certificate::from_pem(certificate->pem());
  if (!again.ok() || !(*again == *certificate)) std::abort();
}

void look_at(const Result<CertificateRequest>& request) {
  if (!request.ok()) return;
  static_cast<void>(request->subject());
  if (!CertificateRequest::from_pem(request->pem()).ok()) std::abort();
}

void look_at(const Result<PublicKey>& key) {
  if (!key.ok()) return;
  const Result<PublicKey> again = PublicKey::from_der(key->der());
  if (!again.ok() || !(*again == *key)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const BytesView bytes(data, size);
  look_at(Certificate::from_der(bytes));
  look_at(CertificateRequest::from_der(bytes));
  look_at(PublicKey::from_der(bytes));
  const std::string_view text = as_text(bytes);
  look_at(Certificate::from_pem(text));
  look_at(CertificateRequest::from_pem(text));
  static_cast<void>(Certificate::all_from_pem(text).ok());
  static_cast<void>(KeyPair::from_pem(text).ok());
  return 0;
}
