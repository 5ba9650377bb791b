#pragma once
// The `accept` header, as far as the service needs it: which media ranges it lists.
// Source: RFC 9110 §12.5.1, docs/http-api.md (JSON adapter).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "entente/result.h"

namespace entente::rpc {

struct MediaRange {
  std::string_view type;     ///< `application` or `*`; views into the text given to parse
  std::string_view subtype;  ///< `json` or `*`
  double quality = 1;

  bool matches(std::string_view wanted_type, std::string_view wanted_subtype) const {
    return (type == "*" || type == wanted_type) && (subtype == "*" || subtype == wanted_subtype);
  }
};

/// `spaceless` must have its spaces removed. Errors are the message for 400 InvalidHeaderValue.
Result<std::vector<MediaRange>> parse_accept(std::string_view spaceless);

/// nullopt if a client that sends this header takes JSON; else the status and message to answer.
struct AcceptRefusal {
  int status;
  std::string_view code;
  std::string message;
};
std::optional<AcceptRefusal> check_accepts_json(std::string_view header);

}  // namespace entente::rpc
