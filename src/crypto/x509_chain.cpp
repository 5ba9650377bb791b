#include "crypto/x509_chain.h"

#include "crypto/openssl.h"

namespace entente::crypto {

namespace {

using StorePtr = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;
void free_stack(STACK_OF(X509) * list) {
  sk_X509_free(list);
}
using StackPtr = std::unique_ptr<STACK_OF(X509), FreeWith<free_stack>>;

Error at_depth(int depth, std::string_view reason) {
  return {"certificate " + std::to_string(depth + 1) + " of the path: " + std::string(reason)};
}

}  // namespace

Result<void> verify_chain(std::span<const Certificate> chain, std::span<const Certificate> anchors,
                          UnixTime now) {
  if (chain.empty()) return Error{"chain is empty"};
  const ErrorQueueScope errors;
  const StorePtr store(X509_STORE_new());
  const StackPtr intermediates(sk_X509_new_null());
  const StoreContextPtr context(X509_STORE_CTX_new());
  ENTENTE_ASSERT(store != nullptr && intermediates != nullptr && context != nullptr);
  for (const Certificate& anchor : anchors) {
    ENTENTE_ASSERT(X509_STORE_add_cert(store.get(), anchor.native_handle()) == 1);
  }
  for (const Certificate& one : chain.subspan(1)) {
    ENTENTE_ASSERT(sk_X509_push(intermediates.get(), one.native_handle()) > 0);
  }
  ENTENTE_ASSERT(X509_STORE_CTX_init(context.get(), store.get(), chain[0].native_handle(),
                                     intermediates.get()) == 1);
  X509_VERIFY_PARAM* options = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(options, static_cast<time_t>(now.count()));
  X509_VERIFY_PARAM_set_flags(options, X509_V_FLAG_PARTIAL_CHAIN);

  if (X509_verify_cert(context.get()) != 1) {
    return at_depth(X509_STORE_CTX_get_error_depth(context.get()),
                    X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
  }
  // OpenSSL lets an anchor vouch for itself, and old self-signed ones be without extensions.
  STACK_OF(X509)* path = X509_STORE_CTX_get0_chain(context.get());
  const int length = sk_X509_num(path);
  for (int depth = length == 1 ? 0 : 1; depth < length; ++depth) {
    if (X509_check_ca(sk_X509_value(path, depth)) != 1) return at_depth(depth, "is not a CA");
  }
  return {};
}

bool is_certificate_bundle(std::string_view pem) {
  if (pem.empty()) return true;
  constexpr std::string_view begin_line = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view end_line = "-----END CERTIFICATE-----";
  const size_t begin = pem.find(begin_line);
  if (begin == std::string_view::npos) return false;
  const size_t end = pem.find(end_line, begin);
  if (end == std::string_view::npos) return false;
  return Certificate::from_pem(pem.substr(begin, end + end_line.size() - begin)).ok();
}

}  // namespace entente::crypto
