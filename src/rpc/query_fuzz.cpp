// Everything that parses text of a request target or header without looking at state.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "entente/etag.h"
#include "entente/query.h"
#include "rpc/accept.h"
#include "rpc/path_template.h"
#include "rpc/prefer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace entente;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto query = http::QueryParameters::parse(text);
  (void)query.get<uint64_t>("id");
  (void)query.get<bool>("id");
  if (http::percent_decode(text).size() > size) std::abort();
  (void)rpc::check_accepts_json(text);
  (void)rpc::preferred_wait(text);
  if (const auto matcher = http::EntityTagMatcher::parse(text); matcher.ok()) {
    (void)matcher->matches("tag");
  }
  const size_t half = text.find('\n');
  if (half != std::string_view::npos) {
    if (const auto parsed = rpc::PathTemplate::parse(text.substr(0, half)); parsed.ok()) {
      std::array<std::string_view, rpc::PathTemplate::max_parameters> values;
      (void)parsed->match(text.substr(half + 1), values);
    }
  }
  return 0;
}
