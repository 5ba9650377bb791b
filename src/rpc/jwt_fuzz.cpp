#include <cstdint>
#include <string_view>

#include "rpc/jwt.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace entente::rpc;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto token = jwt::bearer_token(text);
  const auto parsed = jwt::parse(token.ok() ? *token : text);
  if (parsed.ok()) {
    (void)jwt::issuer_satisfies(*parsed, "https://login.microsoftonline.com/{tenantid}/v2.0");
    (void)jwt::issuer_satisfies(*parsed, parsed->issuer);
  }
  return 0;
}
