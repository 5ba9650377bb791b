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

/// A PKCS#1 key made by `openssl genrsa -traditional 2048`.
inline constexpr std::string_view throw_away_rsa_key = R"(-----BEGIN RSA PRIVATE KEY-----
MIIEpAIBAAKCAQEAuMfCjbr+ni3eo0Q+dSUJzklptIaWOAIvtLa3CRbct38YEEsO
zreoTViFEyNHzkMoA6xo6Ej915nCECXzNWtHAd7CJIMZy44nqxKy++D5jUDE12S4
vl6D87HH5ZzRo2wabzeYHYr38TrsU2Ru4mKpUWBf3IRo+oWYYj5P7gtdVVL+Fpst
PHX43PcqaO+saULvoOMnFE9pU8lSTrJCzmwgAgo7jSmw4JtsVMIVLU0YR3ecv6V5
tx2bj04G5Ap5qfCbDetSAFjYoY/jqAF61oZULTMYCsECiTLRCmuVeCNSyTOTS1gb
kg1C0BFed/afsmoUJ2JA0IOCkqNqx3gnnZxLwwIDAQABAoIBAEpCyf9Q6BRlJeVi
v2EwBf1YRrmtH0EaK9cKWYw3GnRKiT6/E4/jgqm3CiBTXP/ZwIKdbznvX8keu73m
qpRM7WgkgMzQvXSvyGR56uHMnC53GcTg71hevtQZHle6ywvNHeCVrLYuzA+wWRr4
sZGdCiQwwcXrlw8b0s6k8VWfTp7DwW8ew669Euumh9l9pY8xD1IbEadUm2PkBhfy
w5+vPSJlzDq6pjCUOPPie43IN9CelZzKKYOB+yxc7KyRuEB1pKmRAoymNzmZ6m32
LRmJeey0MIW690GIznDGJcVQCWf+4uFPZNoZps7JEOzuF7oECUMywTd3plRzGiph
z24hhtUCgYEA4qxxoLgDRt0MGX5hjMeHSUZnT9U/H6zrTobZH4kPQMo+bH1B27DQ
NmVA3UwuElLTk1kGmGD/xoCg6q8M2mkYsJf8fz6I6DBimzQo/RYVdNRvhenSRONS
v1r3rJ6bRfPSqCpcA+2BsAGSAVGg37wHYuCjr15LGRAm4oIostYZkT0CgYEA0K/J
bIF8ZNkbuPLcUT4DdA2HoNAIsc1mx5Kie9OrQK4W3gey1R8NeA6acPcGy9L/T7Q7
4g3SdbMhj3yMKrLmM9d6LVUk+PQRzO6ZNgnRgVUAWGjVYeoMSybbeze+2h8BtNQN
JNKWRBQRHftl/WOrl3uq4wLQwmKHboYNjd3BIP8CgYBhFunIpGjK5o1zMf3IlgIt
cZl4yWczQxa62OmRJ1zALKBWScR2vCJC2lXRM/sb4Bw9pck8ZXfI53mFbBs+RfvM
UB1Xx0pO4cKqpcnUtavVEdT+7+sflJrx2Z3yczEg4lHds98b05RT9ig6pmMY0en8
ASo7SFE0WAW/yW5zQ19KJQKBgQCyI9zFiyMs00ge8PGxSEaaYpJMbEl/vd7mrf2V
xnKBnBpZHilCVGei/JRJqhVbGJpo52nW5gWqA2e6nI7qRBzOVDovSGdvPKmVTnfq
8SauSGkrDxJXqvsji9//pu58M8u5GOq/bCRpqNeTyG6fht2LSj3t2xFpXcJOTpBz
ccDS8QKBgQCwgVWOQy1S/3Tz03iyD1oCQ+ymUxTX7YgYgMztyb6Gjod2ZocgqKbf
m85MG69Ju4dgNZkyGok8f+LSv4V0PHcNWnaJ52QdEIYR2rccLgUs5NoaTs+O8wP9
1DdMsIT/d6D2xRJ3QYfFok8c0B7kzNeuSjs68GwkSNdGOXecBsi46Q==
-----END RSA PRIVATE KEY-----
)";

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
