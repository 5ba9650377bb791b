#include "crypto/x509.h"

#include "crypto/openssl.h"
#include "crypto/pem.h"
#include "crypto/x509_fields.h"

namespace entente::crypto {

namespace {

constexpr size_t max_bundle = 100;

template <auto free_function, typename T>
using Owned = std::unique_ptr<T, FreeWith<free_function>>;

struct BasicConstraints {
  bool ca = false;
  std::optional<unsigned> path_length;
};

/// An extension in decoded form; absent and malformed (or repeated) are told apart.
template <typename T, auto free_function>
Result<Owned<free_function, T>> extension(const X509* certificate, int nid, const char* name) {
  int critical = 0;
  Owned<free_function, T> value(
      static_cast<T*>(X509_get_ext_d2i(certificate, nid, &critical, nullptr)));
  constexpr int absent = -1;
  if (value == nullptr && critical != absent) {
    return Error{std::string(name) + " extension is malformed or repeated"};
  }
  return value;
}

Result<BasicConstraints> basic_constraints_of(const X509* certificate) {
  const auto found = extension<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free>(
      certificate, NID_basic_constraints, "basic constraints");
  if (!found.ok()) return found.error();
  BasicConstraints out;
  if (*found == nullptr) return out;
  out.ca = (*found)->ca != 0;
  if (const ASN1_INTEGER* length = (*found)->pathlen) {
    int64_t value = -1;
    if (ASN1_INTEGER_get_int64(&value, length) != 1 || value < 0 || value > 1000) {
      return Error{"path length is out of range"};
    }
    out.path_length = static_cast<unsigned>(value);
  }
  return out;
}

}  // namespace

struct Certificate::Parts {
  X509Ptr native;
  Bytes der;
  std::string id;
  UnixTime not_before;
  UnixTime not_after;
  std::vector<SubjectAltName> alt_names;
  BasicConstraints constraints;
};

Result<Certificate> Certificate::from_der(BytesView der) {
  const ErrorQueueScope errors;
  if (der.size() > max_pem_size) return Error{"certificate is too long"};
  const uint8_t* at = der.data();
  X509Ptr native(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (native == nullptr) return openssl_error("certificate does not parse");
  if (at != der.data() + der.size()) return Error{"bytes after the certificate"};

  const Result<UnixTime> not_before = time_from(X509_get0_notBefore(native.get()));
  if (!not_before.ok()) return not_before.error().at("certificate notBefore");
  const Result<UnixTime> not_after = time_from(X509_get0_notAfter(native.get()));
  if (!not_after.ok()) return not_after.error().at("certificate notAfter");
  const auto general_names = extension<GENERAL_NAMES, GENERAL_NAMES_free>(
      native.get(), NID_subject_alt_name, "subject alternative name");
  if (!general_names.ok()) return general_names.error().at("certificate");
  Result<std::vector<SubjectAltName>> alt_names = alt_names_from(general_names->get());
  if (!alt_names.ok()) return alt_names.error().at("certificate");
  const Result<BasicConstraints> constraints = basic_constraints_of(native.get());
  if (!constraints.ok()) return constraints.error().at("certificate");

  return Certificate(std::make_shared<const Parts>(Parts{std::move(native), to_bytes(der),
                                                         sha256(der).hex(), *not_before, *not_after,
                                                         std::move(*alt_names), *constraints}));
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
  const Result<Bytes> der = parse_pem(pem, "CERTIFICATE");
  if (!der.ok()) return der.error();
  return from_der(*der);
}

Result<std::vector<Certificate>> Certificate::all_from_pem(std::string_view pem) {
  const Result<std::vector<PemBlock>> blocks = parse_pem(pem);
  if (!blocks.ok()) return blocks.error();
  if (blocks->size() > max_bundle) return Error{"more than 100 certificates in a bundle"};
  std::vector<Certificate> out;
  for (const PemBlock& block : *blocks) {
    const std::string place = "PEM block " + std::to_string(out.size() + 1);
    if (block.label != "CERTIFICATE") return Error{place + " is a " + block.label};
    Result<Certificate> certificate = from_der(block.der);
    if (!certificate.ok()) return certificate.error().at(place);
    out.push_back(std::move(*certificate));
  }
  return out;
}

const Bytes& Certificate::der() const {
  return parts_->der;
}
std::string Certificate::pem() const {
  return to_pem("CERTIFICATE", der());
}
const std::string& Certificate::id() const {
  return parts_->id;
}
UnixTime Certificate::not_before() const {
  return parts_->not_before;
}
UnixTime Certificate::not_after() const {
  return parts_->not_after;
}
const std::vector<SubjectAltName>& Certificate::alt_names() const {
  return parts_->alt_names;
}
bool Certificate::is_ca() const {
  return parts_->constraints.ca;
}
std::optional<unsigned> Certificate::path_length() const {
  return parts_->constraints.path_length;
}
X509* Certificate::native_handle() const {
  return parts_->native.get();
}

Bytes Certificate::spki() const {
  return to_der<i2d_X509_PUBKEY>(X509_get_X509_PUBKEY(native_handle()));
}

Result<PublicKey> Certificate::public_key() const {
  EVP_PKEY* native = X509_get0_pubkey(native_handle());  // decoded once, with the certificate
  if (native == nullptr) return Error{"certificate: public key does not parse"};
  EVP_PKEY_up_ref(native);
  Result<PublicKey> key = PublicKey::adopt(native);
  if (!key.ok()) return key.error().at("certificate");
  return key;
}

Result<RsaPublicKey> Certificate::rsa_public_key() const {
  Result<RsaPublicKey> key = RsaPublicKey::from_der(spki());
  if (!key.ok()) return key.error().at("certificate");
  return key;
}

std::string Certificate::subject() const {
  return name_to_text(X509_get_subject_name(native_handle()));
}

std::string Certificate::issuer() const {
  return name_to_text(X509_get_issuer_name(native_handle()));
}

Bytes Certificate::serial() const {
  const ASN1_INTEGER* number = X509_get0_serialNumber(native_handle());
  const uint8_t* data = ASN1_STRING_get0_data(number);
  return {data, data + ASN1_STRING_length(number)};
}

bool Certificate::signed_by(const Certificate& issuer) const {
  if (!issuer.is_ca()) return false;
  const ErrorQueueScope errors;
  if (X509_check_issued(issuer.native_handle(), native_handle()) != X509_V_OK) return false;
  EVP_PKEY* key = X509_get0_pubkey(issuer.native_handle());
  return key != nullptr && X509_verify(native_handle(), key) == 1;
}

struct CertificateRequest::Parts {
  X509ReqPtr native;
  PublicKey public_key;
  std::vector<SubjectAltName> alt_names;
};

Result<CertificateRequest> CertificateRequest::from_der(BytesView der) {
  const ErrorQueueScope errors;
  if (der.size() > max_pem_size) return Error{"certificate request is too long"};
  const uint8_t* at = der.data();
  X509ReqPtr native(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
  if (native == nullptr) return openssl_error("certificate request does not parse");
  if (at != der.data() + der.size()) return Error{"bytes after the certificate request"};

  Result<PublicKey> key =
      PublicKey::from_der(to_der<i2d_X509_PUBKEY>(X509_REQ_get_X509_PUBKEY(native.get())));
  if (!key.ok()) return key.error().at("certificate request");
  if (X509_REQ_verify(native.get(), key->native_handle()) != 1) {
    return Error{"certificate request is not signed by its own key"};
  }
  const X509ExtensionsPtr extensions(X509_REQ_get_extensions(native.get()));
  int critical = 0;
  const GeneralNamesPtr names(static_cast<GENERAL_NAMES*>(
      X509V3_get_d2i(extensions.get(), NID_subject_alt_name, &critical, nullptr)));
  if (names == nullptr && critical != -1) {
    return Error{"certificate request: alternative names are malformed or repeated"};
  }
  Result<std::vector<SubjectAltName>> alt_names = alt_names_from(names.get());
  if (!alt_names.ok()) return alt_names.error().at("certificate request");
  return CertificateRequest(std::make_shared<const Parts>(
      Parts{std::move(native), std::move(*key), std::move(*alt_names)}));
}

Result<CertificateRequest> CertificateRequest::from_pem(std::string_view pem) {
  const Result<Bytes> der = parse_pem(pem, "CERTIFICATE REQUEST");
  if (!der.ok()) return der.error();
  return from_der(*der);
}

std::string CertificateRequest::pem() const {
  return to_pem("CERTIFICATE REQUEST", to_der<i2d_X509_REQ>(native_handle()));
}

std::string CertificateRequest::subject() const {
  return name_to_text(X509_REQ_get_subject_name(native_handle()));
}

const PublicKey& CertificateRequest::public_key() const {
  return parts_->public_key;
}
const std::vector<SubjectAltName>& CertificateRequest::alt_names() const {
  return parts_->alt_names;
}
X509_REQ* CertificateRequest::native_handle() const {
  return parts_->native.get();
}

}  // namespace entente::crypto
