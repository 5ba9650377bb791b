#include "crypto/x509_issue.h"

#include <openssl/sha.h>

#include "crypto/openssl.h"
#include "crypto/random.h"
#include "crypto/x509_fields.h"

namespace entente::crypto {

namespace {

constexpr size_t serial_size = 16;
constexpr int version_3 = 2;

/// What differs between the kinds of certificate.
struct Profile {
  bool ca = false;
  std::optional<long> path_length = std::nullopt;
  unsigned key_usage = 0;  ///< one bit per bit number of RFC 5280 §4.2.1.3; 0: no extension
  bool authority_key_id = true;
};

constexpr unsigned digital_signature = 1u << 0;
constexpr unsigned key_cert_sign = 1u << 5;

const EVP_MD* signing_hash(Curve curve) {
  const EVP_MD* functions[] = {EVP_sha256(), EVP_sha384(), EVP_sha512()};
  return functions[static_cast<size_t>(hash_of(curve))];
}

template <auto add, typename Target>
void add_extension(Target* target, int nid, void* value, bool critical) {
  ENTENTE_ASSERT(add(target, nid, value, critical ? 1 : 0, X509V3_ADD_DEFAULT) == 1);
}

Bytes key_identifier(X509* certificate) {
  Bytes id(SHA_DIGEST_LENGTH);
  unsigned size = 0;
  ENTENTE_ASSERT(X509_pubkey_digest(certificate, EVP_sha1(), id.data(), &size) == 1);
  return id;
}

void add_basic_constraints(X509* certificate, const Profile& profile) {
  const std::unique_ptr<BASIC_CONSTRAINTS, FreeWith<BASIC_CONSTRAINTS_free>> value(
      BASIC_CONSTRAINTS_new());
  ENTENTE_ASSERT(value != nullptr);
  value->ca = profile.ca ? 0xff : 0;
  if (profile.path_length) {
    value->pathlen = ASN1_INTEGER_new();
    ENTENTE_ASSERT(value->pathlen != nullptr);
    ENTENTE_ASSERT(ASN1_INTEGER_set(value->pathlen, *profile.path_length) == 1);
  }
  add_extension<X509_add1_ext_i2d>(certificate, NID_basic_constraints, value.get(), true);
}

void add_key_usage(X509* certificate, const Profile& profile) {
  if (profile.key_usage == 0) return;
  const std::unique_ptr<ASN1_BIT_STRING, FreeWith<ASN1_BIT_STRING_free>> bits(
      ASN1_BIT_STRING_new());
  ENTENTE_ASSERT(bits != nullptr);
  for (int bit = 0; bit < 9; ++bit) {
    if ((profile.key_usage >> bit & 1) == 0) continue;
    ENTENTE_ASSERT(ASN1_BIT_STRING_set_bit(bits.get(), bit, 1) == 1);
  }
  add_extension<X509_add1_ext_i2d>(certificate, NID_key_usage, bits.get(), true);
}

/// The issuer's own key identifier, which need not be the one that we would compute.
Bytes identifier_of_issuer(X509* issuer) {
  const ASN1_OCTET_STRING* id = X509_get0_subject_key_id(issuer);
  if (id == nullptr) return key_identifier(issuer);
  const uint8_t* data = ASN1_STRING_get0_data(id);
  return {data, data + ASN1_STRING_length(id)};
}

void add_key_identifiers(X509* certificate, X509* issuer, const Profile& profile) {
  const std::unique_ptr<ASN1_OCTET_STRING, FreeWith<ASN1_OCTET_STRING_free>> own(
      ASN1_OCTET_STRING_new());
  ENTENTE_ASSERT(own != nullptr);
  const Bytes id = key_identifier(certificate);
  ENTENTE_ASSERT(ASN1_OCTET_STRING_set(own.get(), id.data(), static_cast<int>(id.size())) == 1);
  add_extension<X509_add1_ext_i2d>(certificate, NID_subject_key_identifier, own.get(), false);
  if (!profile.authority_key_id) return;
  const std::unique_ptr<AUTHORITY_KEYID, FreeWith<AUTHORITY_KEYID_free>> authority(
      AUTHORITY_KEYID_new());
  ENTENTE_ASSERT(authority != nullptr);
  authority->keyid = ASN1_OCTET_STRING_new();
  const Bytes issuer_id = identifier_of_issuer(issuer);
  ENTENTE_ASSERT(authority->keyid != nullptr);
  ENTENTE_ASSERT(ASN1_OCTET_STRING_set(authority->keyid, issuer_id.data(),
                                       static_cast<int>(issuer_id.size())) == 1);
  add_extension<X509_add1_ext_i2d>(certificate, NID_authority_key_identifier, authority.get(),
                                   false);
}

void set_serial(X509* certificate) {
  const BigNumPtr number(
      BN_bin2bn(random_array<serial_size>().data(), static_cast<int>(serial_size), nullptr));
  ENTENTE_ASSERT(number != nullptr);
  ENTENTE_ASSERT(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

Result<void> set_validity(X509* certificate, const Validity& validity) {
  constexpr UnixTime year_1950(-631152000), year_9999_end(253402300799);
  if (validity.days == 0 || validity.not_before < year_1950 ||
      validity.not_after() > year_9999_end ||
      ASN1_TIME_set(X509_getm_notBefore(certificate), validity.not_before.count()) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), validity.not_after().count()) == nullptr) {
    return Error{"certificate validity of " + std::to_string(validity.days) +
                 " days is empty or leaves the years 1950 to 9999"};
  }
  return {};
}

struct Subject {
  const X509_NAME* name;
  const PublicKey& key;
  std::span<const SubjectAltName> alt_names;
};

/// `issuer` is null for a self-signed certificate.
Result<Certificate> issue(const Subject& subject, const KeyPair& issuer_key,
                          const Certificate* issuer, const Validity& validity,
                          const Profile& profile) {
  const ErrorQueueScope errors;
  const X509Ptr made(X509_new());
  ENTENTE_ASSERT(made != nullptr);
  X509* certificate = made.get();
  X509* signer = issuer == nullptr ? certificate : issuer->native_handle();
  ENTENTE_ASSERT(X509_set_version(certificate, version_3) == 1);
  set_serial(certificate);
  const Result<void> valid = set_validity(certificate, validity);
  if (!valid.ok()) return valid.error();
  ENTENTE_ASSERT(X509_set_subject_name(certificate, subject.name) == 1);
  ENTENTE_ASSERT(X509_set_issuer_name(certificate, X509_get_subject_name(signer)) == 1);
  ENTENTE_ASSERT(X509_set_pubkey(certificate, subject.key.native_handle()) == 1);
  add_basic_constraints(certificate, profile);
  add_key_usage(certificate, profile);
  add_key_identifiers(certificate, signer, profile);
  if (!subject.alt_names.empty()) {
    const GeneralNamesPtr names = alt_names_to_openssl(subject.alt_names);
    const bool critical = X509_NAME_entry_count(subject.name) == 0;  // RFC 5280 §4.2.1.6
    add_extension<X509_add1_ext_i2d>(certificate, NID_subject_alt_name, names.get(), critical);
  }
  ENTENTE_ASSERT(
      X509_sign(certificate, issuer_key.native_handle(), signing_hash(issuer_key.curve())) > 0);
  return Certificate::from_der(to_der<i2d_X509>(certificate));
}

Result<Certificate> issue_self_signed(const KeyPair& key, std::string_view subject,
                                      std::span<const SubjectAltName> alt_names,
                                      const Validity& validity, const Profile& profile) {
  const Result<X509NamePtr> name = name_from_text(subject);
  if (!name.ok()) return name.error();
  return issue({name->get(), key.public_key(), alt_names}, key, nullptr, validity, profile);
}

Result<void> check_issuer(const KeyPair& issuer_key, const Certificate& issuer) {
  const Result<PublicKey> key = issuer.public_key();
  if (!key.ok()) return key.error().at("issuer");
  if (!(*key == issuer_key.public_key())) {
    return Error{"issuer key is not the key of the issuer certificate"};
  }
  if (!issuer.is_ca()) return Error{"issuer certificate is not a CA"};
  return {};
}

}  // namespace

Result<Certificate> self_signed_ca(const KeyPair& key, std::string_view subject,
                                   const Validity& validity,
                                   std::span<const SubjectAltName> alt_names) {
  return issue_self_signed(
      key, subject, alt_names, validity,
      {.ca = true, .path_length = 1, .key_usage = digital_signature | key_cert_sign});
}

Result<Certificate> self_signed_identity(const KeyPair& key, std::string_view subject,
                                         const Validity& validity) {
  return issue_self_signed(key, subject, {}, validity,
                           {.key_usage = digital_signature, .authority_key_id = false});
}

Result<CertificateRequest> make_request(const KeyPair& key, std::string_view subject,
                                        std::span<const SubjectAltName> alt_names) {
  const Result<X509NamePtr> name = name_from_text(subject);
  if (!name.ok()) return name.error();
  const ErrorQueueScope errors;
  const X509ReqPtr made(X509_REQ_new());
  ENTENTE_ASSERT(made != nullptr);
  ENTENTE_ASSERT(X509_REQ_set_version(made.get(), 0) == 1);
  ENTENTE_ASSERT(X509_REQ_set_subject_name(made.get(), name->get()) == 1);
  ENTENTE_ASSERT(X509_REQ_set_pubkey(made.get(), key.native_handle()) == 1);
  if (!alt_names.empty()) {
    const GeneralNamesPtr names = alt_names_to_openssl(alt_names);
    X509_EXTENSIONS* list = nullptr;
    ENTENTE_ASSERT(
        X509V3_add1_i2d(&list, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1);
    const X509ExtensionsPtr owner(list);
    ENTENTE_ASSERT(X509_REQ_add_extensions(made.get(), list) == 1);
  }
  ENTENTE_ASSERT(X509_REQ_sign(made.get(), key.native_handle(), signing_hash(key.curve())) > 0);
  return CertificateRequest::from_der(to_der<i2d_X509_REQ>(made.get()));
}

Result<Certificate> issue_from_request(const CertificateRequest& request, const KeyPair& issuer_key,
                                       const Certificate& issuer, const Validity& validity) {
  const Result<void> good = check_issuer(issuer_key, issuer);
  if (!good.ok()) return good.error();
  return issue({X509_REQ_get_subject_name(request.native_handle()), request.public_key(),
                request.alt_names()},
               issuer_key, &issuer, validity, {});
}

Result<Certificate> endorse_service(const PublicKey& older_key, std::string_view older_subject,
                                    const KeyPair& issuer_key, const Certificate& issuer,
                                    const Validity& validity) {
  const Result<void> good = check_issuer(issuer_key, issuer);
  if (!good.ok()) return good.error();
  const Result<X509NamePtr> name = name_from_text(older_subject);
  if (!name.ok()) return name.error();
  return issue({name->get(), older_key, {}}, issuer_key, &issuer, validity,
               {.ca = true, .path_length = 1, .key_usage = digital_signature | key_cert_sign});
}

}  // namespace entente::crypto
