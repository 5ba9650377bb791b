#include "crypto/openssl.h"

#include <openssl/core_names.h>

#include "crypto/pem.h"
#include "crypto/secret.h"

namespace entente::crypto {

Error openssl_error(const std::string& what) {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return {reason == nullptr ? what : what + ": " + reason};
}

std::string private_key_to_pem(const EVP_PKEY* key) {
  const ErrorQueueScope errors;
  std::unique_ptr<PKCS8_PRIV_KEY_INFO, FreeWith<PKCS8_PRIV_KEY_INFO_free>> info(
      EVP_PKEY2PKCS8(key));
  ENTENTE_ASSERT(info != nullptr);
  Bytes der = to_der<i2d_PKCS8_PRIV_KEY_INFO>(info.get());
  const WipeAtExit wiped(der);
  return to_pem("PRIVATE KEY", der);
}

Result<PkeyPtr> private_key_from_pem(std::string_view pem) {
  Result<std::vector<PemBlock>> blocks = parse_pem(pem);
  if (!blocks.ok()) return blocks.error();
  const ErrorQueueScope errors;
  for (PemBlock& block : *blocks) {
    const WipeAtExit wiped(block.der);
    if (!block.label.ends_with("PRIVATE KEY")) continue;
    const uint8_t* at = block.der.data();
    PkeyPtr key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(block.der.size())));
    if (key == nullptr) return openssl_error("private key does not parse");
    if (at != block.der.data() + block.der.size()) return Error{"bytes after the private key"};
    return key;
  }
  return Error{"no private key among the PEM blocks"};
}

Result<PkeyPtr> public_key_from_der(BytesView spki) {
  if (spki.size() > max_pem_size) return Error{"public key is too long"};
  const ErrorQueueScope errors;
  const uint8_t* at = spki.data();
  PkeyPtr key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  if (key == nullptr) return openssl_error("public key does not parse");
  if (at != spki.data() + spki.size()) return Error{"bytes after the public key"};
  return key;
}

Result<PkeyPtr> key_from_numbers(const char* type, int selection, OSSL_PARAM_BLD* numbers) {
  const ErrorQueueScope errors;
  const std::unique_ptr<OSSL_PARAM, FreeWith<OSSL_PARAM_free>> params(
      OSSL_PARAM_BLD_to_param(numbers));
  ENTENTE_ASSERT(params != nullptr);
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  ENTENTE_ASSERT(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1);
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) != 1) {
    return openssl_error(std::string(type) + " key is not valid");
  }
  return PkeyPtr(key);
}

BigNumPtr key_number(const EVP_PKEY* key, const char* name) {
  const ErrorQueueScope errors;
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return nullptr;
  return BigNumPtr(number);
}

}  // namespace entente::crypto
