#include "entente/kv/serialise.h"

#include "base/encoding.h"
#include "base/json.h"

namespace entente::kv {

std::string to_json_text(const boost::json::value& document) {
  return json::dump(document);
}

boost::json::value from_json_text(BytesView text) {
  auto document = json::parse(as_text(text));
  if (!document) throw SerialisationError("stored value: " + document.error().message);
  return *std::move(document);
}

boost::json::value bytes_to_json(BytesView bytes) {
  return boost::json::value(to_base64(bytes));
}

Bytes bytes_from_json(const boost::json::value& document) {
  if (const auto* text = document.if_string()) {
    if (auto bytes = from_base64(std::string_view(*text))) return *std::move(bytes);
  }
  throw SerialisationError("stored value: expected base64 text, found: " + json::dump(document));
}

void detail::throw_other_shape(const std::string& reason) {
  throw SerialisationError("stored JSON has another shape: " + reason);
}

void detail::throw_size_mismatch(size_t expected, size_t found) {
  throw SerialisationError("stored value: expected " + std::to_string(expected) + " bytes, found " +
                           std::to_string(found));
}

}  // namespace entente::kv
