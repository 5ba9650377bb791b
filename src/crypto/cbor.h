#pragma once
// CBOR (RFC 8949): a writer of the shortest definite-length form, and a reader for input from
// anywhere, bounded in depth, items and bytes. Byte heads are coded by libcbor.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "entente/bytes.h"
#include "entente/result.h"

namespace entente::crypto::cbor {

/// Appends items one after the other; the caller keeps counts and contents in step.
class Writer {
 public:
  Writer& integer(int64_t value);
  Writer& unsigned_integer(uint64_t value);
  Writer& negative_integer(uint64_t n);  ///< the value −1−n
  Writer& bytes(BytesView value);
  Writer& text(std::string_view utf8);
  Writer& array(size_t items);   ///< then so many items
  Writer& map(size_t pairs);     ///< then so many keys and values, alternating
  Writer& tag(uint64_t number);  ///< then the tagged item
  Writer& boolean(bool value);
  Writer& null();
  Writer& floating(double value);  ///< shortest of half, single, double that keeps the value
  Writer& simple(uint8_t value);   ///< not 24 … 31 (asserted)
  Writer& raw(BytesView encoded);  ///< an item encoded before

  const Bytes& encoded() const { return out_; }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

enum class Kind : uint8_t {
  unsigned_integer,
  negative_integer,
  bytes,
  text,
  array,
  map,
  tag,
  boolean,
  null,
  undefined,
  floating,
  simple
};
std::string_view name_of(Kind kind);

/// A decoded item. Owns its content.
struct Value {
  Kind kind = Kind::null;
  /// unsigned_integer: the value; negative_integer: n for the value −1−n; tag: its number;
  /// boolean: 0 or 1; simple: its number.
  uint64_t number = 0;
  double real = 0;           ///< floating
  Bytes string;              ///< bytes, and the UTF-8 of text
  std::vector<Value> items;  ///< array: items; map: key, value, key, value …; tag: the one item

  static Value integer(int64_t value);
  static Value byte_string(BytesView value);
  static Value text_string(std::string_view utf8);
  static Value array(std::vector<Value> items);
  static Value map(std::vector<Value> keys_and_values);  ///< alternating

  bool is(Kind other) const { return kind == other; }
  std::optional<int64_t> as_integer() const;        ///< if an integer that fits
  std::optional<BytesView> as_bytes() const;        ///< if a byte string; a view into this value
  std::optional<std::string_view> as_text() const;  ///< if a text string; likewise
  /// The value under a key of a map, or null if this is no map or has no such key.
  const Value* find(int64_t key) const;
  const Value* find(std::string_view key) const;
};

struct Limits {
  size_t bytes = 4 << 20;  ///< input size
  size_t depth = 16;       ///< nesting of arrays, maps, tags
  size_t items = 65536;    ///< items in all
};

/// Exactly one item. Refused with the byte position: anything malformed, bytes after the item, text
/// that is not UTF-8, map keys other than integers and strings, repeated map keys, exceeded limits.
/// Indefinite lengths and longer than necessary integers are accepted.
Result<Value> parse(BytesView input, const Limits& limits = {});

/// The shortest definite-length form, map order kept.
Bytes encode(const Value& value);

}  // namespace entente::crypto::cbor
