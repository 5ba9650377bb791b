#include "tee/evidence.h"

#include "base/encoding.h"

namespace entente::tee {
namespace {

Result<Bytes> base64_member(const json::Reader& reader, std::string_view key) {
  const auto member = reader.member(key);
  if (!member) return member.error();
  const auto text = member->as_string();
  if (!text) return text.error();
  auto bytes = from_base64(*text);
  if (!bytes) return member->error("not valid base64");
  return std::move(*bytes);
}

}  // namespace

json::object Evidence::to_json() const {
  return {{"endorsements", to_base64(endorsements)}, {"format", format}, {"quote", to_base64(quote)}};
}

Result<Evidence> Evidence::from_json(const json::Reader& reader) {
  const auto format = reader.member("format");
  if (!format) return format.error();
  auto name = format->as_string();
  if (!name) return name.error();
  auto quote = base64_member(reader, "quote");
  if (!quote) return quote.error();
  auto endorsements = base64_member(reader, "endorsements");
  if (!endorsements) return endorsements.error();
  return Evidence{std::move(*name), std::move(*quote), std::move(*endorsements)};
}

}  // namespace entente::tee
