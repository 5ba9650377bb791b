#pragma once
// For tests: the sample ledgers that ENTENTE_SHARED_DATA (or ../shared/data beside the source tree)
// holds, read by a scan of their own that shares no code with the readers under test.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/json.h"
#include "entente/bytes.h"
#include "ledger/secrets.h"

namespace entente::ledger::samples {

inline std::optional<std::filesystem::path> folder() {
  const char* given = std::getenv("ENTENTE_SHARED_DATA");
  const std::filesystem::path data =
      given != nullptr ? std::filesystem::path(given)
                       : std::filesystem::path(ENTENTE_SOURCE_DIR) / ".." / "shared" / "data";
  const auto ledgers = data / "ccf-ledgers";
  if (!std::filesystem::is_directory(ledgers)) return std::nullopt;
  return ledgers;
}

inline Bytes read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Ledger {
  std::string name;
  std::filesystem::path folder;
  std::vector<Bytes> entries;  ///< entries[i] has seqno i+1
  json::value expected;
  std::shared_ptr<LedgerSecrets> secrets = std::make_shared<LedgerSecrets>();

  BytesView entry(uint64_t seqno) const { return entries.at(seqno - 1); }
  std::string text(const std::string& file) const { return to_text(read(folder / file)); }
};

inline Ledger load(const std::string& name) {
  Ledger ledger{name, *folder() / name, {}, {}};
  std::map<uint64_t, std::filesystem::path> chunks;
  for (const auto& file : std::filesystem::directory_iterator(ledger.folder / "ledger")) {
    const std::string base = file.path().filename().string();
    chunks[std::stoull(base.substr(base.find('_') + 1))] = file.path();
  }
  for (const auto& chunk : chunks) {
    const Bytes bytes = read(chunk.second);
    uint64_t end = 0;
    std::memcpy(&end, bytes.data(), 8);
    if (end == 0) end = bytes.size();
    for (uint64_t at = 8; at < end;) {
      uint64_t size = 0;
      std::memcpy(&size, bytes.data() + at + 2, 6);
      ledger.entries.emplace_back(bytes.begin() + static_cast<ptrdiff_t>(at),
                                  bytes.begin() + static_cast<ptrdiff_t>(at + 8 + size));
      at += 8 + size;
    }
  }
  ledger.expected = *json::parse(ledger.text("expected.json"));
  for (const auto& secret : ledger.expected.at("ledger_secrets").as_object()) {
    const Bytes key = *from_hex(std::string_view(secret.value().as_string()));
    const auto added =
        ledger.secrets->add({std::stoull(secret.key())},
                            crypto::SymmetricKey(std::span<const uint8_t>(key).first<32>()));
    if (!added) std::abort();
  }
  return ledger;
}

inline const std::vector<std::string>& names() {
  static const std::vector<std::string> all = {"acme_containing_service", "cose_flipflop_service",
                                               "expired_service",         "double_sealed_service",
                                               "sgx_service_prefix",      "ref7_recovered"};
  return all;
}

}  // namespace entente::ledger::samples

/// At the start of a test that needs them.
#define ENTENTE_NEEDS_SAMPLE_LEDGERS()                              \
  do {                                                              \
    if (!::entente::ledger::samples::folder()) {                    \
      GTEST_SKIP() << "no sample ledgers: set ENTENTE_SHARED_DATA"; \
    }                                                               \
  } while (false)
