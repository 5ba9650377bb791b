#include "tee/virtual_platform.h"

#include "base/encoding.h"
#include "crypto/digest.h"

namespace entente::tee::virtual_platform {
namespace {

/// report_data is base64 text, or an array of 32 byte values.
std::optional<Bytes> report_data_bytes(const json::value& value) {
  if (const auto* text = value.if_string()) return from_base64(std::string_view(*text));
  const auto* numbers = value.if_array();
  if (numbers == nullptr || numbers->size() != Digest::size) return std::nullopt;
  Bytes bytes;
  for (const json::value& number : *numbers) {
    if (!number.is_int64() || number.get_int64() < 0 || number.get_int64() > 255) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<uint8_t>(number.get_int64()));
  }
  return bytes;
}

}  // namespace

Result<Digest> host_data(Disk& disk) {
  constexpr size_t block = 1 << 20;
  auto program = disk.open("/proc/self/exe", OpenMode::read);
  if (!program) return program.error();
  const auto size = (*program)->size();
  if (!size) return size.error();
  crypto::Sha256 hash;
  Bytes buffer(block);
  for (uint64_t offset = 0; offset < *size; offset += block) {
    const auto part = std::span(buffer).first(std::min<uint64_t>(block, *size - offset));
    if (auto read = (*program)->read_at(offset, part); !read) return read.error();
    hash.update(part);
  }
  return hash.finish();
}

Evidence make_evidence(const Digest& key_digest, const Digest& host_data) {
  const json::object quote{{"measurement", measurement},
                           {"host_data", host_data.hex()},
                           {"report_data", to_base64(key_digest)}};
  return {std::string(format), to_bytes(json::dump(quote)), {}};
}

Result<Claims> read_evidence(const Evidence& evidence) {
  if (evidence.format != format) return Error{"evidence format " + evidence.format + " is not virtual"};
  const auto document = json::parse(as_text(evidence.quote));
  if (!document) return document.error().at("virtual evidence");
  const json::Reader reader(*document);
  const auto code = reader.member("measurement");
  if (!code) return code.error().at("virtual evidence");
  const auto code_text = code->as_string();
  if (!code_text) return code_text.error().at("virtual evidence");
  const auto report = reader.member("report_data");
  if (!report) return report.error().at("virtual evidence");
  auto report_bytes = report_data_bytes(report->document());
  if (!report_bytes) return report->error("expected base64 or 32 bytes").at("virtual evidence");
  const auto host = reader.member("host_data");
  if (!host) return host.error().at("virtual evidence");
  const auto host_text = host->as_string();
  if (!host_text) return host_text.error().at("virtual evidence");
  const auto digest = Digest::from_hex(*host_text);
  if (!digest) return host->error("expected 64 hex digits").at("virtual evidence");
  return Claims{to_bytes(*code_text), *digest, std::move(*report_bytes)};
}

}  // namespace entente::tee::virtual_platform
