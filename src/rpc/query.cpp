#include "entente/query.h"

namespace entente::http {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%' && i + 2 < text.size()) {
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high << 4 | low);
        i += 2;
        continue;
      }
    }
    out += plus_is_space && c == '+' ? ' ' : c;
  }
  return out;
}

}  // namespace

std::string percent_decode(std::string_view text) {
  return decode(text, false);
}
std::string decode_query(std::string_view query) {
  return decode(query, true);
}

QueryParameters QueryParameters::parse(std::string_view query) {
  QueryParameters out;
  const std::string decoded = decode_query(query);
  std::string_view rest = decoded;
  while (!rest.empty()) {
    const size_t end = rest.find('&');
    const std::string_view field = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (field.empty()) continue;
    const size_t equals = field.find('=');
    out.all_.emplace_back(field.substr(0, equals), equals == std::string_view::npos
                                                       ? std::string_view()
                                                       : field.substr(equals + 1));
  }
  return out;
}

const std::string* QueryParameters::find(std::string_view name) const {
  for (const auto& [key, value] : all_) {
    if (key == name) return &value;
  }
  return nullptr;
}

namespace detail {

Error missing_parameter(std::string_view name) {
  return {"Missing query parameter '" + std::string(name) + "'"};
}
Error bad_parameter(std::string_view value, std::string_view name) {
  return {"Unable to parse value '" + std::string(value) + "' in parameter '" + std::string(name) +
          "'"};
}
Result<bool> parse_bool(std::string_view value, std::string_view name) {
  if (value == "true") return true;
  if (value == "false") return false;
  return Error{"Unable to parse value '" + std::string(value) + "' as bool in parameter '" +
               std::string(name) + "'"};
}

}  // namespace detail
}  // namespace entente::http
