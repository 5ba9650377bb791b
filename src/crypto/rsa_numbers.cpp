// RSA private keys from outside: their numbers must fit each other before anything is computed with
// them. And new ones, with a way to stop the search.

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "crypto/openssl.h"
#include "crypto/rsa.h"

namespace entente::crypto {

namespace {

struct NumberName {
  Bytes RsaKeyPair::Numbers::*number;
  const char* openssl_name;
};
constexpr NumberName number_names[] = {
    {&RsaKeyPair::Numbers::n, OSSL_PKEY_PARAM_RSA_N},
    {&RsaKeyPair::Numbers::e, OSSL_PKEY_PARAM_RSA_E},
    {&RsaKeyPair::Numbers::d, OSSL_PKEY_PARAM_RSA_D},
    {&RsaKeyPair::Numbers::p, OSSL_PKEY_PARAM_RSA_FACTOR1},
    {&RsaKeyPair::Numbers::q, OSSL_PKEY_PARAM_RSA_FACTOR2},
    {&RsaKeyPair::Numbers::dp, OSSL_PKEY_PARAM_RSA_EXPONENT1},
    {&RsaKeyPair::Numbers::dq, OSSL_PKEY_PARAM_RSA_EXPONENT2},
    {&RsaKeyPair::Numbers::qi, OSSL_PKEY_PARAM_RSA_COEFFICIENT1}};

constexpr unsigned min_bits = 2048;
constexpr unsigned max_bits = 8192;
constexpr uint64_t max_new_exponent = UINT32_MAX;

using NumberContextPtr = std::unique_ptr<BN_CTX, FreeWith<BN_CTX_free>>;

BigNumPtr new_number() {
  BigNumPtr number(BN_secure_new());
  ENTENTE_ASSERT(number != nullptr);
  return number;
}

/// a·b ≡ 1 (mod m), for m > 1
bool inverse_modulo(const BIGNUM* a, const BIGNUM* b, const BIGNUM* m, BN_CTX* context) {
  if (BN_cmp(m, BN_value_one()) <= 0) return false;
  const BigNumPtr product = new_number();
  return BN_mod_mul(product.get(), a, b, m, context) == 1 && BN_is_one(product.get());
}

/// The exponent that belongs to one prime: `d mod (prime − 1)`, which inverts `e` there.
bool exponent_fits(const BIGNUM* exponent, const BIGNUM* d, const BIGNUM* e, const BIGNUM* prime,
                   BN_CTX* context) {
  if (BN_cmp(prime, BN_value_one()) <= 0) return false;
  const BigNumPtr order = new_number();
  const BigNumPtr rest = new_number();
  return BN_sub(order.get(), prime, BN_value_one()) == 1 &&
         BN_mod(rest.get(), d, order.get(), context) == 1 && BN_cmp(rest.get(), exponent) == 0 &&
         inverse_modulo(d, e, order.get(), context);
}

Result<void> check_numbers(const EVP_PKEY* key) {
  const BigNumPtr n = key_number(key, OSSL_PKEY_PARAM_RSA_N);
  const BigNumPtr e = key_number(key, OSSL_PKEY_PARAM_RSA_E);
  const BigNumPtr d = key_number(key, OSSL_PKEY_PARAM_RSA_D);
  const BigNumPtr p = key_number(key, OSSL_PKEY_PARAM_RSA_FACTOR1);
  const BigNumPtr q = key_number(key, OSSL_PKEY_PARAM_RSA_FACTOR2);
  const BigNumPtr dp = key_number(key, OSSL_PKEY_PARAM_RSA_EXPONENT1);
  const BigNumPtr dq = key_number(key, OSSL_PKEY_PARAM_RSA_EXPONENT2);
  const BigNumPtr qi = key_number(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
  for (const BigNumPtr* number : {&n, &e, &d, &p, &q, &dp, &dq, &qi}) {
    if (*number == nullptr || BN_is_negative(number->get())) {
      return Error{"RSA key lacks one of its numbers"};
    }
    if (BN_cmp(number->get(), n.get()) > 0) return Error{"RSA number is above the modulus"};
  }
  const NumberContextPtr context(BN_CTX_secure_new());
  const BigNumPtr product = new_number();
  ENTENTE_ASSERT(context != nullptr);
  const bool fits = BN_is_odd(n.get()) &&
                    BN_mul(product.get(), p.get(), q.get(), context.get()) == 1 &&
                    BN_cmp(product.get(), n.get()) == 0 &&
                    exponent_fits(dp.get(), d.get(), e.get(), p.get(), context.get()) &&
                    exponent_fits(dq.get(), d.get(), e.get(), q.get(), context.get()) &&
                    inverse_modulo(qi.get(), q.get(), p.get(), context.get());
  if (!fits) return Error{"numbers of the RSA key do not fit each other"};
  return {};
}

int ask_to_go_on(EVP_PKEY_CTX* context) {
  const auto* go_on = static_cast<const std::function<bool()>*>(EVP_PKEY_CTX_get_app_data(context));
  return (*go_on)() ? 1 : 0;
}

}  // namespace

RsaKeyPair RsaKeyPair::generate(unsigned bits) {
  Result<RsaKeyPair> key = generate(bits, 65537, [] { return true; });
  ENTENTE_ASSERT(key.ok());
  return std::move(*key);
}

Result<RsaKeyPair> RsaKeyPair::generate(unsigned bits, uint64_t exponent,
                                        const std::function<bool()>& go_on) {
  if (bits < min_bits || bits > max_bits) {
    return Error{"RSA key of " + std::to_string(bits) + " bits is outside [2048, 8192]"};
  }
  if (exponent < 3 || exponent % 2 == 0 || exponent > max_new_exponent) {
    return Error{"RSA exponent is not an odd number in [3, 2^32)"};
  }
  const ErrorQueueScope errors;
  const BigNumPtr e(BN_new());
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  ENTENTE_ASSERT(e != nullptr && context != nullptr && BN_set_word(e.get(), exponent) == 1);
  ENTENTE_ASSERT(EVP_PKEY_keygen_init(context.get()) == 1);
  ENTENTE_ASSERT(EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), static_cast<int>(bits)) == 1);
  ENTENTE_ASSERT(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context.get(), e.get()) == 1);
  EVP_PKEY_CTX_set_app_data(context.get(), const_cast<std::function<bool()>*>(&go_on));
  EVP_PKEY_CTX_set_cb(context.get(), ask_to_go_on);
  EVP_PKEY* native = nullptr;
  if (EVP_PKEY_generate(context.get(), &native) != 1) {
    return openssl_error("generation of the RSA key ended early");
  }
  Result<RsaPublicKey> key = RsaPublicKey::adopt(PkeyPtr(native));
  ENTENTE_ASSERT(key.ok());
  return RsaKeyPair(std::move(*key));
}

Result<RsaKeyPair> RsaKeyPair::from_pem(std::string_view pem) {
  Result<PkeyPtr> native = private_key_from_pem(pem);
  if (!native.ok()) return native.error();
  Result<RsaPublicKey> key = RsaPublicKey::adopt(std::move(*native));
  if (!key.ok()) return key.error();
  const ErrorQueueScope errors;
  if (const Result<void> fit = check_numbers(key->native_handle()); !fit.ok()) return fit.error();
  return RsaKeyPair(std::move(*key));
}

Result<RsaKeyPair> RsaKeyPair::from_numbers(const Numbers& numbers) {
  const ErrorQueueScope errors;
  const ParamBuilderPtr params(OSSL_PARAM_BLD_new());
  ENTENTE_ASSERT(params != nullptr);
  std::vector<BigNumPtr> owned;  // as long as the builder
  for (const NumberName& name : number_names) {
    const Bytes& bytes = numbers.*name.number;
    if (bytes.size() > max_bits / 8 + 1) return Error{"RSA number is too long"};
    owned.emplace_back(
        BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), new_number().release()));
    ENTENTE_ASSERT(owned.back() != nullptr);
    ENTENTE_ASSERT(OSSL_PARAM_BLD_push_BN(params.get(), name.openssl_name, owned.back().get()) ==
                   1);
  }
  Result<PkeyPtr> native = key_from_numbers("RSA", EVP_PKEY_KEYPAIR, params.get());
  if (!native.ok()) return native.error();
  Result<RsaPublicKey> key = RsaPublicKey::adopt(std::move(*native));
  if (!key.ok()) return key.error();
  if (const Result<void> fit = check_numbers(key->native_handle()); !fit.ok()) return fit.error();
  return RsaKeyPair(std::move(*key));
}

RsaKeyPair::Numbers RsaKeyPair::numbers() const {
  Numbers out;
  for (const NumberName& name : number_names) {
    const BigNumPtr number = key_number(native_handle(), name.openssl_name);
    ENTENTE_ASSERT(number != nullptr);
    Bytes& bytes = out.*name.number;
    bytes.resize(static_cast<size_t>(BN_num_bytes(number.get())));
    BN_bn2bin(number.get(), bytes.data());
  }
  return out;
}

}  // namespace entente::crypto
