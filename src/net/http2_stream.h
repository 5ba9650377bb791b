#pragma once
// One HTTP/2 request while it arrives, and its response while it leaves.

#include <optional>
#include <string>
#include <vector>

#include "net/exchange.h"
#include "net/interface.h"

namespace entente::net {

struct Http2Stream {
  int32_t id = 0;
  SessionInfo info;
  bool handled = false;  ///< or refused: what still arrives is dropped
  bool answered = false;
  bool to_head = false;
  Bytes body;  ///< of the request
  Bytes response_body;
  size_t response_sent = 0;

  /// The answer for a field that exceeds a limit, or nullopt.
  std::optional<std::string> add_field(std::string_view name, std::string_view value,
                                       const HttpLimits& limits);
  /// False if method or path are missing or unknown. Views into the stream.
  bool build_request(http::Request& request) const;
  /// Of the request, once it was handled.
  void release_request();

 private:
  struct Field {
    size_t begin, name_size, value_size;
  };
  std::string text_;  ///< names and values, one after the other
  std::vector<Field> fields_;
};

}  // namespace entente::net
