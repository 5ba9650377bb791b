#include "entente/types.h"

#include <charconv>

#include "base/encoding.h"

namespace entente {
namespace {

std::optional<uint64_t> parse_positive(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0) return std::nullopt;
  return value;
}

}  // namespace

std::string TxId::text() const {
  char buffer[48];
  char* end = std::to_chars(buffer, buffer + 24, view.value).ptr;
  *end++ = '.';
  end = std::to_chars(end, buffer + sizeof buffer, seqno.value).ptr;
  return {buffer, end};
}

std::optional<TxId> TxId::parse(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto view = parse_positive(text.substr(0, dot));
  const auto seqno = parse_positive(text.substr(dot + 1));
  if (!view || !seqno) return std::nullopt;
  return TxId{{*view}, {*seqno}};
}

std::string Digest::hex() const { return to_hex(*this); }

std::optional<Digest> Digest::from_hex(std::string_view hex) {
  const auto bytes = entente::from_hex(hex);
  return bytes ? from_bytes(*bytes) : std::nullopt;
}

std::optional<Digest> Digest::from_bytes(BytesView bytes) {
  if (bytes.size() != size) return std::nullopt;
  Digest digest;
  std::memcpy(digest.bytes.data(), bytes.data(), size);
  return digest;
}

std::string_view to_text(TxStatus status) {
  switch (status) {
    case TxStatus::unknown: return "Unknown";
    case TxStatus::pending: return "Pending";
    case TxStatus::committed: return "Committed";
    case TxStatus::invalid: return "Invalid";
  }
  return "Unknown";
}

}  // namespace entente
