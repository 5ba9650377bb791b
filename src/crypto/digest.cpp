// The low-level SHA functions are deprecated since OpenSSL 3.0 in favour of EVP, which looks the
// algorithm up and allocates on every one-shot call: several times the cost of hashing 64 bytes.
// They are still there in 3.5, use the processor's SHA instructions, and need no set-up.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/digest.h"

#include "base/assert.h"
#include "crypto/secret.h"

namespace entente::crypto {

namespace {

void store_big_endian(const SHA256_CTX& context, Digest& out) {
  for (size_t i = 0; i < 8; ++i) {
    const uint32_t word = __builtin_bswap32(context.h[i]);
    std::memcpy(out.bytes.data() + 4 * i, &word, 4);
  }
}

// What follows a 64-byte message: the bit 1, zeros, and the length of 512 bits.
constexpr std::array<uint8_t, 64> padding_of_64_bytes = [] {
  std::array<uint8_t, 64> block{};
  block[0] = 0x80;
  block[62] = 0x02;
  return block;
}();

constexpr size_t hmac_block = 64;

}  // namespace

Digest sha256(BytesView data) {
  return Sha256().update(data).finish();
}

Digest sha256(std::initializer_list<BytesView> parts) {
  Sha256 running;
  for (const BytesView part : parts) running.update(part);
  return running.finish();
}

Digest sha256_pair(const Digest& left, const Digest& right) {
  std::array<uint8_t, 64> block;
  std::memcpy(block.data(), left.bytes.data(), 32);
  std::memcpy(block.data() + 32, right.bytes.data(), 32);
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Transform(&context, block.data());
  SHA256_Transform(&context, padding_of_64_bytes.data());
  Digest digest;
  store_big_endian(context, digest);
  return digest;
}

Sha256::Sha256() {
  SHA256_Init(&context_);
}

Sha256& Sha256::update(BytesView data) {
  if (!data.empty()) SHA256_Update(&context_, data.data(), data.size());
  return *this;
}

Digest Sha256::finish() {
  Digest digest;
  SHA256_Final(digest.bytes.data(), &context_);
  return digest;
}

HmacSha256::HmacSha256(BytesView key) {
  std::array<uint8_t, hmac_block> block{};
  if (key.size() > hmac_block) {
    const Digest shortened = sha256(key);
    std::memcpy(block.data(), shortened.bytes.data(), Digest::size);
  } else if (!key.empty()) {
    std::memcpy(block.data(), key.data(), key.size());
  }
  for (uint8_t& byte : block) byte ^= 0x36;
  inner_.update(block);
  for (uint8_t& byte : block) byte ^= 0x36 ^ 0x5c;
  outer_.update(block);
  wipe(block);
}

HmacSha256::~HmacSha256() {
  wipe({reinterpret_cast<uint8_t*>(&inner_), sizeof inner_});
  wipe({reinterpret_cast<uint8_t*>(&outer_), sizeof outer_});
}

Digest HmacSha256::mac(BytesView data) const {
  return mac({data});
}

Digest HmacSha256::mac(std::initializer_list<BytesView> parts) const {
  Sha256 inner = inner_;
  for (const BytesView part : parts) inner.update(part);
  Sha256 outer = outer_;
  return outer.update(inner.finish()).finish();
}

Digest hmac_sha256(BytesView key, BytesView data) {
  return HmacSha256(key).mac(data);
}

Bytes hkdf_sha256(BytesView ikm, BytesView salt, BytesView info, size_t length) {
  ENTENTE_ASSERT(length <= 255 * Digest::size);
  const Digest pseudo_random_key = hmac_sha256(salt, ikm);
  const HmacSha256 expand(pseudo_random_key);
  Bytes out;
  out.reserve(length);
  Digest block;
  for (uint8_t counter = 1; out.size() < length; ++counter) {
    const BytesView previous = counter == 1 ? BytesView{} : BytesView(block);
    block = expand.mac({previous, info, BytesView(&counter, 1)});
    const size_t wanted = std::min(length - out.size(), Digest::size);
    append(out, BytesView(block).first(wanted));
  }
  return out;
}

size_t digest_size(Hash hash) {
  constexpr size_t sizes[] = {32, 48, 64};
  return sizes[static_cast<size_t>(hash)];
}

AnyDigest::AnyDigest(Hash hash, BytesView data) : size_(digest_size(hash)) {
  if (hash == Hash::sha256) {
    const Digest digest = sha256(data);
    std::memcpy(bytes_.data(), digest.bytes.data(), Digest::size);
    return;
  }
  SHA512_CTX context;
  if (hash == Hash::sha384) {
    SHA384_Init(&context);
  } else {
    SHA512_Init(&context);
  }
  if (!data.empty()) SHA512_Update(&context, data.data(), data.size());
  SHA512_Final(bytes_.data(), &context);  // writes as many bytes as the variant has
}

Bytes hash(Hash hash, BytesView data) {
  return to_bytes(AnyDigest(hash, data));
}

Bytes hmac(Hash function, BytesView key, BytesView data) {
  const size_t block = function == Hash::sha256 ? 64 : 128;
  Bytes inner(block);
  inner.reserve(block + data.size());
  if (key.size() > block) {
    const AnyDigest shortened(function, key);
    std::memcpy(inner.data(), BytesView(shortened).data(), BytesView(shortened).size());
  } else if (!key.empty()) {
    std::memcpy(inner.data(), key.data(), key.size());
  }
  Bytes outer(block);
  outer.reserve(block + digest_size(function));
  const WipeAtExit inner_wiped(inner);
  const WipeAtExit outer_wiped(outer);
  for (size_t i = 0; i < block; ++i) {
    outer[i] = inner[i] ^ 0x5c;
    inner[i] ^= 0x36;
  }
  append(inner, data);
  append(outer, AnyDigest(function, inner));
  return hash(function, outer);
}

}  // namespace entente::crypto
