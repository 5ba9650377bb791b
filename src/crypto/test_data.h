#pragma once
// For tests only: vectors in hex, and the sample ledgers where they are present.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "entente/bytes.h"

namespace entente::crypto {

/// Bytes of a hex literal; blanks are allowed for reading.
inline Bytes hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != ' ' && c != '\n') digits += c;
  }
  const std::optional<Bytes> bytes = from_hex(digits);
  if (!bytes) throw std::invalid_argument("test vector is not hex: " + digits);
  return *bytes;
}

/// The folder of a sample ledger, or "" if the samples are not on this machine.
inline std::string sample_ledger(const std::string& name) {
  const char* set = std::getenv("ENTENTE_SHARED_DATA");
  const std::string root =
      set != nullptr ? set : std::string(ENTENTE_SOURCE_DIR) + "/../shared/data";
  const std::string folder = root + "/ccf-ledgers/" + name;
  return std::ifstream(folder + "/expected.json").good() ? folder : "";
}

/// Whole file as text; fails the test if it cannot be read.
inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What stands between `before` and `after`, searching from `from`; "" if not there.
inline std::string between(const std::string& text, const std::string& before,
                           const std::string& after, size_t from = 0) {
  const size_t start = text.find(before, from);
  if (start == std::string::npos) return "";
  const size_t end = text.find(after, start + before.size());
  if (end == std::string::npos) return "";
  return text.substr(start + before.size(), end - start - before.size());
}

/// The bytes with one bit changed.
inline Bytes flipped(BytesView bytes, size_t bit) {
  Bytes out = to_bytes(bytes);
  out.at(bit / 8) ^= static_cast<uint8_t>(1u << bit % 8);
  return out;
}

}  // namespace entente::crypto

#define ENTENTE_SAMPLE_OR_SKIP(variable, name)                         \
  const std::string variable = ::entente::crypto::sample_ledger(name); \
  if (variable.empty()) GTEST_SKIP() << "sample ledger is not here: " << (name)
