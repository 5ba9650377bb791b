#pragma once
// `if-match` and `if-none-match` of a request against one record (RFC 9110 §13.1).

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "entente/app.h"
#include "entente/digest.h"

namespace logging {

inline std::string entity_tag(std::string_view msg) {
  return entente::sha256(entente::as_bytes(msg)).hex();
}

enum class Precondition {
  holds,
  match_failed,      ///< `if-match` names other tags
  none_match_failed  ///< `if-none-match` names this one
};

/// Throws RpcException when both headers are there; a header that is no list of strong tags is a
/// failure of the handler.
inline Precondition check_preconditions(const entente::Call& call, std::string_view tag) {
  using namespace entente;
  const auto match = call.header(http::header::if_match);
  const auto none_match = call.header(http::header::if_none_match);
  if (match && none_match) {
    throw RpcException(http::status::bad_request, errors::invalid_header_value,
                       "Cannot have both If-Match and If-None-Match headers.");
  }
  const auto names_tag = [tag](std::string_view header) {
    const auto matcher = http::EntityTagMatcher::parse(header);
    if (!matcher) throw std::runtime_error(matcher.error().message);
    return matcher->matches(tag);
  };
  if (match && !names_tag(*match)) return Precondition::match_failed;
  if (none_match && names_tag(*none_match)) return Precondition::none_match_failed;
  return Precondition::holds;
}

/// Throws likewise, on the headers alone: for requests whose record is absent.
inline void refuse_contradicting_preconditions(const entente::Call& call) {
  using namespace entente;
  if (call.header(http::header::if_match) && call.header(http::header::if_none_match)) {
    throw RpcException(http::status::bad_request, errors::invalid_header_value,
                       "Cannot have both If-Match and If-None-Match headers.");
  }
}

}  // namespace logging
