#include <cbor.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/assert.h"
#include "crypto/cbor.h"

namespace entente::crypto::cbor {

namespace {

constexpr size_t max_head = 9;

template <typename Encode>
void append_head(Bytes& out, Encode encode) {
  uint8_t head[max_head];
  const size_t size = encode(head, max_head);
  ENTENTE_ASSERT(size > 0);
  append(out, {head, size});
}

/// The binary16 form of a number if it has one without loss.
std::optional<uint16_t> exact_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const int exponent = static_cast<int>(bits >> 23 & 0xff) - 127;
  const uint32_t fraction = bits & 0x7fffff;
  constexpr int infinite = 128, smallest_normal = -14, largest = 15, smallest = -24;
  if (value == 0) return sign;
  if (exponent == infinite) return static_cast<uint16_t>(sign | 0x7c00);  // NaN is handled before
  if (exponent > largest || exponent < smallest) return std::nullopt;
  if (exponent >= smallest_normal) {
    if ((fraction & 0x1fff) != 0) return std::nullopt;
    return static_cast<uint16_t>(sign | (exponent + 15) << 10 | static_cast<int>(fraction >> 13));
  }
  const uint32_t significand = fraction | 0x800000;  // subnormal: a multiple of 2^-24
  const int shift = -exponent - 1;
  if ((significand & ((1u << shift) - 1)) != 0) return std::nullopt;
  return static_cast<uint16_t>(sign | significand >> shift);
}

void encode_into(Writer& writer, const Value& value) {
  switch (value.kind) {
    case Kind::unsigned_integer:
      writer.unsigned_integer(value.number);
      return;
    case Kind::negative_integer:
      writer.negative_integer(value.number);
      return;
    case Kind::bytes:
      writer.bytes(value.string);
      return;
    case Kind::text:
      writer.text(as_text(value.string));
      return;
    case Kind::array:
      writer.array(value.items.size());
      break;
    case Kind::map:
      writer.map(value.items.size() / 2);
      break;
    case Kind::tag:
      writer.tag(value.number);
      break;
    case Kind::boolean:
      writer.boolean(value.number != 0);
      return;
    case Kind::null:
      writer.null();
      return;
    case Kind::undefined:
      writer.simple(23);
      return;
    case Kind::floating:
      writer.floating(value.real);
      return;
    case Kind::simple:
      writer.simple(static_cast<uint8_t>(value.number));
      return;
  }
  for (const Value& item : value.items) encode_into(writer, item);
}

}  // namespace

Writer& Writer::integer(int64_t value) {
  return value >= 0 ? unsigned_integer(static_cast<uint64_t>(value))
                    : negative_integer(static_cast<uint64_t>(-1 - value));
}

Writer& Writer::unsigned_integer(uint64_t value) {
  append_head(out_,
              [&](uint8_t* head, size_t size) { return cbor_encode_uint(value, head, size); });
  return *this;
}

Writer& Writer::negative_integer(uint64_t n) {
  append_head(out_, [&](uint8_t* head, size_t size) { return cbor_encode_negint(n, head, size); });
  return *this;
}

Writer& Writer::bytes(BytesView value) {
  append_head(out_, [&](uint8_t* head, size_t size) {
    return cbor_encode_bytestring_start(value.size(), head, size);
  });
  append(out_, value);
  return *this;
}

Writer& Writer::text(std::string_view utf8) {
  append_head(out_, [&](uint8_t* head, size_t size) {
    return cbor_encode_string_start(utf8.size(), head, size);
  });
  append(out_, as_bytes(utf8));
  return *this;
}

Writer& Writer::array(size_t items) {
  append_head(
      out_, [&](uint8_t* head, size_t size) { return cbor_encode_array_start(items, head, size); });
  return *this;
}

Writer& Writer::map(size_t pairs) {
  append_head(out_,
              [&](uint8_t* head, size_t size) { return cbor_encode_map_start(pairs, head, size); });
  return *this;
}

Writer& Writer::tag(uint64_t number) {
  append_head(out_,
              [&](uint8_t* head, size_t size) { return cbor_encode_tag(number, head, size); });
  return *this;
}

Writer& Writer::boolean(bool value) {
  return simple(value ? 21 : 20);
}
Writer& Writer::null() {
  return simple(22);
}

Writer& Writer::floating(double value) {
  const auto single = static_cast<float>(value);
  if (std::isnan(value)) {
    append(out_, std::array<uint8_t, 3>{0xf9, 0x7e, 0x00});
  } else if (static_cast<double>(single) != value) {
    append_head(out_,
                [&](uint8_t* head, size_t size) { return cbor_encode_double(value, head, size); });
  } else if (const std::optional<uint16_t> half = exact_half(single)) {
    append(out_, std::array<uint8_t, 3>{0xf9, static_cast<uint8_t>(*half >> 8),
                                        static_cast<uint8_t>(*half)});
  } else {
    append_head(out_,
                [&](uint8_t* head, size_t size) { return cbor_encode_single(single, head, size); });
  }
  return *this;
}

Writer& Writer::simple(uint8_t value) {
  ENTENTE_ASSERT(value < 24 || value >= 32);  // RFC 8949 §3.3: the others are malformed
  if (value >= 32) out_.push_back(0xf8);
  out_.push_back(value >= 32 ? value : static_cast<uint8_t>(0xe0 | value));
  return *this;
}

Writer& Writer::raw(BytesView encoded) {
  append(out_, encoded);
  return *this;
}

Bytes encode(const Value& value) {
  Writer writer;
  encode_into(writer, value);
  return writer.take();
}

}  // namespace entente::crypto::cbor
