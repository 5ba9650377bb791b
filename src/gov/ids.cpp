#include "gov/ids.h"

#include <algorithm>

namespace entente::gov {

bool is_id(std::string_view text) {
  return text.size() == 2 * Digest::size && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

std::string id_parameter(const Call& call, std::string_view name) {
  const std::string_view text = call.path_parameter(name);
  if (is_id(text)) return std::string(text);
  throw RpcException(
      http::status::bad_request, errors::invalid_resource_name,
      "'" + std::string(text) + "' is not a " + std::string(name) + ": expected 64 hex digits.");
}

}  // namespace entente::gov
