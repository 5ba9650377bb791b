#include "ledger/secrets.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/encoding.h"

namespace entente::ledger {
namespace {

/// `<view>.<seqno>` without allocation.
struct TxIdText {
  char text[41];
  size_t size;

  explicit TxIdText(const TxId& txid) {
    char* end = std::to_chars(text, std::end(text), txid.view.value).ptr;
    *end++ = '.';
    end = std::to_chars(end, std::end(text), txid.seqno.value).ptr;
    size = static_cast<size_t>(end - text);
  }
  std::string_view view() const { return {text, size}; }
};

/// The two digits of each byte: this text is made for every transaction.
constexpr auto hex_pairs = [] {
  constexpr char digits[] = "0123456789abcdef";
  std::array<std::array<char, 2>, 256> pairs{};
  for (size_t byte = 0; byte < 256; ++byte) {
    pairs[byte] = {digits[byte >> 4], digits[byte & 15]};
  }
  return pairs;
}();

constexpr size_t nonce_digits = 2 * Digest::size;

/// `ce:<view>.<seqno>:<hex of nonce>` without allocation.
struct EvidenceText {
  char text[3 + sizeof(TxIdText::text) + 1 + nonce_digits];
  size_t size;

  EvidenceText(const crypto::HmacSha256& commit_secret, const TxId& txid) {
    const TxIdText id(txid);
    const Digest nonce = commit_secret.mac(as_bytes(id.view()));
    char* end = text;
    std::memcpy(end, "ce:", 3);
    std::memcpy(end + 3, id.text, id.size);
    end += 3 + id.size;
    *end++ = ':';
    for (const uint8_t byte : nonce.bytes) {
      std::memcpy(end, hex_pairs[byte].data(), 2);
      end += 2;
    }
    size = static_cast<size_t>(end - text);
  }
  std::string_view view() const { return {text, size}; }
};

}  // namespace

Digest derive_commit_secret(const crypto::SymmetricKey& ledger_secret) {
  return crypto::hmac_sha256(ledger_secret, as_bytes("Commit S"));
}

Result<void> LedgerSecrets::add(SeqNo start, const crypto::SymmetricKey& key) {
  if (start.value == 0) return Error{"ledger secret: start version is 0"};
  const auto place = std::lower_bound(
      secrets_.begin(), secrets_.end(), start,
      [](const LedgerSecret& secret, SeqNo sought) { return secret.start < sought; });
  if (place != secrets_.end() && place->start == start) {
    if (place->key == key) return {};
    return Error{"ledger secret: another one is known from version " + std::to_string(start.value)};
  }
  Digest commit_secret = derive_commit_secret(key);
  secrets_.insert(place, {start, key, crypto::HmacSha256(commit_secret)});
  crypto::wipe(commit_secret.bytes);
  return {};
}

const LedgerSecret* LedgerSecrets::find(SeqNo seqno) const {
  const auto after = std::upper_bound(
      secrets_.begin(), secrets_.end(), seqno,
      [](SeqNo sought, const LedgerSecret& secret) { return sought < secret.start; });
  return after == secrets_.begin() ? nullptr : &*std::prev(after);
}

void LedgerSecrets::truncate(SeqNo last) {
  while (!secrets_.empty() && secrets_.back().start > last + 1) secrets_.pop_back();
}

std::string commit_evidence(const LedgerSecret& secret, const TxId& txid) {
  return std::string(EvidenceText(secret.commit_secret, txid).view());
}

Digest commit_evidence_digest(const crypto::HmacSha256& commit_secret, const TxId& txid) {
  return crypto::sha256(as_bytes(EvidenceText(commit_secret, txid).view()));
}

std::optional<TxId> evidence_txid(std::string_view commit_evidence) {
  if (!commit_evidence.starts_with("ce:")) return std::nullopt;
  commit_evidence.remove_prefix(3);
  const size_t colon = commit_evidence.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view nonce = commit_evidence.substr(colon + 1);
  if (nonce.size() != nonce_digits || !Digest::from_hex(nonce)) return std::nullopt;
  return TxId::parse(commit_evidence.substr(0, colon));
}

}  // namespace entente::ledger
