#pragma once
// Inside this room only: ownership of OpenSSL objects, and its error queue as text.

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "base/assert.h"
#include "entente/bytes.h"
#include "entente/result.h"

namespace entente::crypto {

template <auto free_function>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    free_function(object);
  }
};

using BioPtr = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using BigNumPtr = std::unique_ptr<BIGNUM, FreeWith<BN_clear_free>>;
using EcdsaSigPtr = std::unique_ptr<ECDSA_SIG, FreeWith<ECDSA_SIG_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using PkeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using CipherContextPtr = std::unique_ptr<EVP_CIPHER_CTX, FreeWith<EVP_CIPHER_CTX_free>>;
using ParamBuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD_free>>;
using X509Ptr = std::unique_ptr<X509, FreeWith<X509_free>>;
using X509ReqPtr = std::unique_ptr<X509_REQ, FreeWith<X509_REQ_free>>;
using X509NamePtr = std::unique_ptr<X509_NAME, FreeWith<X509_NAME_free>>;

inline void free_extensions(X509_EXTENSIONS* list) {
  sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}
using X509ExtensionsPtr = std::unique_ptr<X509_EXTENSIONS, FreeWith<free_extensions>>;

/// Undoes whatever a scope added to the thread's error queue, successful or not: OpenSSL's TLS
/// functions take left-over entries for their own failures.
class ErrorQueueScope {
 public:
  ErrorQueueScope() { ERR_set_mark(); }
  ~ErrorQueueScope() { ERR_pop_to_mark(); }
  ErrorQueueScope(const ErrorQueueScope&) = delete;
  ErrorQueueScope& operator=(const ErrorQueueScope&) = delete;
};

/// "what: the last reason that OpenSSL gave on this thread", or just "what".
Error openssl_error(const std::string& what);

/// DER of an object by its i2d function.
template <auto encode, typename T>
Bytes to_der(const T* object) {
  const int size = encode(const_cast<T*>(object), nullptr);
  ENTENTE_ASSERT(size >= 0);
  Bytes der(static_cast<size_t>(size));
  uint8_t* end = der.data();
  ENTENTE_ASSERT(encode(const_cast<T*>(object), &end) == size);
  return der;
}

/// PKCS#8 PEM in clear.
std::string private_key_to_pem(const EVP_PKEY* key);
/// A private key block of any kind; never asks for a pass phrase.
Result<PkeyPtr> private_key_from_pem(std::string_view pem);
/// A DER SubjectPublicKeyInfo with nothing after it.
Result<PkeyPtr> public_key_from_der(BytesView spki);
/// A key out of named numbers (EVP_PKEY-EC(7), EVP_PKEY-RSA(7)); `selection` as for
/// EVP_PKEY_fromdata.
Result<PkeyPtr> key_from_numbers(const char* type, int selection, OSSL_PARAM_BLD* numbers);
/// One of those numbers of a key.
BigNumPtr key_number(const EVP_PKEY* key, const char* name);

}  // namespace entente::crypto
