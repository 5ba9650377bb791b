#pragma once
// The strong types of the replicated ledger. Source: docs/ledger-format.md (transaction ids).

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "entente/bytes.h"

namespace entente {

/// A leadership epoch. 0 means unknown; the first view of a service is 2.
struct View {
  uint64_t value = 0;
  auto operator<=>(const View&) const = default;
};

/// The 1-based position of a ledger entry. 0 means "before the first".
struct SeqNo {
  uint64_t value = 0;
  auto operator<=>(const SeqNo&) const = default;
  SeqNo& operator++() {
    ++value;
    return *this;
  }
  friend SeqNo operator+(SeqNo seqno, uint64_t n) { return {seqno.value + n}; }
  friend SeqNo operator-(SeqNo seqno, uint64_t n) { return {seqno.value - n}; }
  friend uint64_t operator-(SeqNo a, SeqNo b) { return a.value - b.value; }
};

/// Identifies one transaction for ever once it is committed: `<view>.<seqno>` in text.
struct TxId {
  View view;
  SeqNo seqno;
  auto operator<=>(const TxId&) const = default;

  std::string text() const;
  /// Decimal `view.seqno`, both above zero, nothing before or after; anything else is nullopt.
  static std::optional<TxId> parse(std::string_view text);
};

inline constexpr View first_view{2};

/// A SHA-256 digest.
struct Digest {
  static constexpr size_t size = 32;
  std::array<uint8_t, size> bytes{};
  auto operator<=>(const Digest&) const = default;
  operator BytesView() const { return {bytes.data(), bytes.size()}; }
  std::string hex() const;
  /// 64 hex digits, either case.
  static std::optional<Digest> from_hex(std::string_view hex);
  /// Exactly 32 bytes.
  static std::optional<Digest> from_bytes(BytesView bytes);
};

/// Lower-case hex of the SHA-256 of a node's public key (DER SubjectPublicKeyInfo).
struct NodeId {
  std::string value;
  auto operator<=>(const NodeId&) const = default;
};

/// What is known of a transaction at one node. Committed and Invalid are final.
enum class TxStatus { unknown, pending, committed, invalid };
/// `Unknown`, `Pending`, `Committed`, `Invalid`.
std::string_view to_text(TxStatus status);

}  // namespace entente

template <>
struct std::hash<entente::Digest> {
  size_t operator()(const entente::Digest& digest) const noexcept {
    size_t value;
    std::memcpy(&value, digest.bytes.data(), sizeof value);
    return value;
  }
};
