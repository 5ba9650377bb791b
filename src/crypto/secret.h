#pragma once
// Memory that holds secrets: wiped when it goes, compared in constant time, never printed.

#include <array>
#include <span>

#include "entente/bytes.h"

namespace entente::crypto {

/// Overwrites the memory; the compiler may not drop it.
void wipe(std::span<uint8_t> memory);

/// Takes the same time whatever the contents. Different lengths are unequal at once.
bool constant_time_equal(BytesView a, BytesView b);

/// N secret bytes: a key, a share. Copyable; every copy wipes itself. Has no text form on purpose.
template <size_t N>
class SecretArray {
 public:
  static constexpr size_t size = N;

  SecretArray() = default;
  explicit SecretArray(std::span<const uint8_t, N> bytes) {
    std::memcpy(bytes_.data(), bytes.data(), N);
  }
  SecretArray(const SecretArray&) = default;
  SecretArray& operator=(const SecretArray&) = default;
  ~SecretArray() { wipe(bytes_); }

  std::span<const uint8_t, N> bytes() const { return bytes_; }
  std::span<uint8_t, N> writable() { return bytes_; }
  operator BytesView() const { return bytes_; }

  friend bool operator==(const SecretArray& a, const SecretArray& b) {
    return constant_time_equal(a.bytes_, b.bytes_);
  }

 private:
  std::array<uint8_t, N> bytes_{};
};

/// A 256-bit symmetric key: a ledger secret, a wrapping key.
using SymmetricKey = SecretArray<32>;

/// Wipes Bytes, a std::string, or all of a vector of strings, at the end of a scope.
template <typename Text>
class WipeAtExit {
 public:
  explicit WipeAtExit(Text& text) : text_(text) {}
  ~WipeAtExit() { wipe_all(text_); }
  WipeAtExit(const WipeAtExit&) = delete;
  WipeAtExit& operator=(const WipeAtExit&) = delete;

 private:
  template <typename Some>
  static void wipe_all(Some& some) {
    if constexpr (requires { some[0].data(); }) {
      for (auto& one : some) wipe_all(one);
    } else {
      wipe({reinterpret_cast<uint8_t*>(some.data()), some.size()});
    }
  }

  Text& text_;
};

}  // namespace entente::crypto
