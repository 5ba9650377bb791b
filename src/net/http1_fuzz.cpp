// Any bytes, cut anywhere, through the parser: the outcome must not depend on the cuts, positions
// must lie within what was received, and memory must stay within the limits.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/assert.h"
#include "net/http1_parser.h"

namespace entente::net {
namespace {

constexpr HttpLimits limits{
    .max_body_size = 512, .max_header_size = 64, .max_headers_count = 8, .max_target_size = 128};

/// A text of all that the parser said. `step` 0: all at once.
std::string read(std::string_view stream, size_t step) {
  std::string said;
  Http1Parser parser(limits);
  size_t begin = 0, end = 0;
  while (end < stream.size()) {
    end = step == 0 ? stream.size() : std::min(stream.size(), end + step);
    for (;;) {
      const auto outcome = parser.parse(as_bytes(stream.substr(begin, end - begin)));
      if (outcome == Http1Parser::Outcome::failed) {
        const Http1Error& error = parser.error();
        ENTENTE_ASSERT(begin + error.position <= end);
        return said + error.name + (*error.name != 0 ? error.reason : "limit");
      }
      if (outcome == Http1Parser::Outcome::need_more && parser.within_message()) break;
      if (outcome == Http1Parser::Outcome::request) {
        const http::Request& request = parser.request();
        ENTENTE_ASSERT(request.body.size() <= limits.max_body_size);
        ENTENTE_ASSERT(request.headers.size() <= limits.max_headers_count);
        said += std::string(http::to_text(request.method)) + std::string(request.target);
        for (const auto& header : request.headers) {
          said += std::string(header.name) + ":" + std::string(header.value) + ";";
        }
        said += std::string(as_text(request.body)) + "\n";
      }
      ENTENTE_ASSERT(begin + parser.consumed() <= end);
      begin += parser.consumed();
      parser.next();
      if (begin == end) break;
    }
  }
  return said;
}

}  // namespace
}  // namespace entente::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view stream(reinterpret_cast<const char*>(data), size);
  const std::string whole = entente::net::read(stream, 0);
  ENTENTE_ASSERT(entente::net::read(stream, 1) == whole);
  ENTENTE_ASSERT(entente::net::read(stream, 7) == whole);
  return 0;
}
