#pragma once
// The least that a load client has to know of an HTTP/1.1 answer: status and where it ends
// (RFC 9112). Answers must carry content-length or be of a kind that has no body.

#include <cstddef>
#include <optional>
#include <string_view>

#include "entente/result.h"

namespace entente::cli {

struct ResponseFrame {
  int status = 0;
  size_t header_size = 0;  ///< bytes up to and with the empty line
  size_t body_size = 0;
  bool preference_applied = false;  ///< the header `preference-applied` is there (RFC 7240)
  bool close = false;               ///< the server closes after this answer
  std::string_view transaction_id;  ///< part of what was parsed; empty if there is none

  size_t size() const { return header_size + body_size; }
};

/// The first answer in `received`; nullopt while its header is incomplete (the body may still be:
/// compare size()). An error for what is no such answer.
Result<std::optional<ResponseFrame>> parse_response(std::string_view received);

}  // namespace entente::cli
