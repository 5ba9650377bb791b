#include <cbor.h>

#include <algorithm>

#include "base/assert.h"
#include "crypto/cbor.h"

namespace entente::crypto::cbor {

namespace {

/// One head (and, for strings of known length, its content) as libcbor reports it.
struct Head {
  Value value;
  std::optional<size_t> count;  ///< an array's items or a map's pairs; absent: indefinite
  bool chunked = false;         ///< a string of indefinite length: chunks follow
  bool is_break = false;

  void set(Kind kind, uint64_t number) {
    value.kind = kind;
    value.number = number;
  }
  void set_string(Kind kind, cbor_data data, size_t size) {
    value.kind = kind;
    value.string.assign(data, data + size);
  }
  void start(Kind kind, std::optional<size_t> items) {
    value.kind = kind;
    count = items;
  }
  void start_chunks(Kind kind) {
    value.kind = kind;
    chunked = true;
  }
  void set_real(double real) {
    value.kind = Kind::floating;
    value.real = real;
  }
};

Head& head_at(void* context) {
  return *static_cast<Head*>(context);
}

template <Kind kind, typename Integer>
void on_integer(void* context, Integer number) {
  head_at(context).set(kind, number);
}

template <typename Real>
void on_real(void* context, Real real) {
  head_at(context).set_real(static_cast<double>(real));
}

const cbor_callbacks& callbacks() {
  static const cbor_callbacks table = [] {
    cbor_callbacks out = cbor_empty_callbacks;
    out.uint8 = on_integer<Kind::unsigned_integer, uint8_t>;
    out.uint16 = on_integer<Kind::unsigned_integer, uint16_t>;
    out.uint32 = on_integer<Kind::unsigned_integer, uint32_t>;
    out.uint64 = on_integer<Kind::unsigned_integer, uint64_t>;
    out.negint8 = on_integer<Kind::negative_integer, uint8_t>;
    out.negint16 = on_integer<Kind::negative_integer, uint16_t>;
    out.negint32 = on_integer<Kind::negative_integer, uint32_t>;
    out.negint64 = on_integer<Kind::negative_integer, uint64_t>;
    out.tag = on_integer<Kind::tag, uint64_t>;
    out.float2 = on_real<float>;
    out.float4 = on_real<float>;
    out.float8 = on_real<double>;
    out.byte_string = [](void* c, cbor_data data, size_t size) {
      head_at(c).set_string(Kind::bytes, data, size);
    };
    out.string = [](void* c, cbor_data data, size_t size) {
      head_at(c).set_string(Kind::text, data, size);
    };
    out.byte_string_start = [](void* c) { head_at(c).start_chunks(Kind::bytes); };
    out.string_start = [](void* c) { head_at(c).start_chunks(Kind::text); };
    out.array_start = [](void* c, size_t items) { head_at(c).start(Kind::array, items); };
    out.indef_array_start = [](void* c) { head_at(c).start(Kind::array, std::nullopt); };
    out.map_start = [](void* c, size_t pairs) { head_at(c).start(Kind::map, pairs); };
    out.indef_map_start = [](void* c) { head_at(c).start(Kind::map, std::nullopt); };
    out.undefined = [](void* c) { head_at(c).set(Kind::undefined, 0); };
    out.null = [](void* c) { head_at(c).set(Kind::null, 0); };
    out.boolean = [](void* c, bool value) { head_at(c).set(Kind::boolean, value ? 1 : 0); };
    out.indef_break = [](void* c) { head_at(c).is_break = true; };
    return out;
  }();
  return table;
}

bool is_utf8(BytesView text) {
  for (size_t at = 0; at < text.size();) {
    const uint8_t lead = text[at];
    const size_t size = lead < 0x80   ? 1
                        : lead < 0xc2 ? 0
                        : lead < 0xe0 ? 2
                        : lead < 0xf0 ? 3
                        : lead < 0xf5 ? 4
                                      : 0;
    if (size == 0 || size > text.size() - at) return false;
    for (size_t i = 1; i < size; ++i) {
      if ((text[at + i] & 0xc0) != 0x80) return false;
    }
    const uint8_t second = size > 1 ? text[at + 1] : 0;
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) {
      return false;  // overlong, surrogate, or above U+10FFFF
    }
    at += size;
  }
  return true;
}

bool same_key(const Value& a, const Value& b) {
  return a.kind == b.kind && a.number == b.number && a.string == b.string;
}

bool key_less(const Value& a, const Value& b) {
  if (a.kind != b.kind) return a.kind < b.kind;
  if (a.number != b.number) return a.number < b.number;
  return compare(a.string, b.string) < 0;
}

bool has_repeated_key(const std::vector<Value>& keys_and_values) {
  std::vector<const Value*> keys;
  for (size_t i = 0; i < keys_and_values.size(); i += 2) keys.push_back(&keys_and_values[i]);
  std::sort(keys.begin(), keys.end(),
            [](const Value* a, const Value* b) { return key_less(*a, *b); });
  return std::adjacent_find(keys.begin(), keys.end(), [](const Value* a, const Value* b) {
           return same_key(*a, *b);
         }) != keys.end();
}

/// Recursion is bounded by Limits::depth, memory by the input's size and Limits::items.
class Reader {
 public:
  Reader(BytesView input, const Limits& limits) : input_(input), limits_(limits) {}

  Result<Value> whole() {
    Result<Value> value = item(limits_.depth);
    if (value.ok() && at_ != input_.size()) return fail("bytes after the item", at_);
    return value;
  }

 private:
  static Error fail(const std::string& what, size_t position) {
    return {"CBOR at byte " + std::to_string(position) + ": " + what};
  }

  Result<Head> head() {
    if (++items_ > limits_.items) return fail("too many items", at_);
    Head out;
    if (const std::optional<size_t> size = read_small(out)) {
      at_ += *size;
      return out;
    }
    const cbor_decoder_result result =
        cbor_stream_decode(input_.data() + at_, input_.size() - at_, &callbacks(), &out);
    if (result.status == CBOR_DECODER_NEDATA || at_ == input_.size()) {
      return fail("input ends inside an item", at_);
    }
    if (result.status != CBOR_DECODER_FINISHED) return fail("malformed head", at_);
    at_ += result.read;
    return out;
  }

  /// Small tags and unassigned simple values, which libcbor's streaming decoder does not know.
  /// The size of the head, if it was one of these.
  std::optional<size_t> read_small(Head& out) const {
    if (at_ == input_.size()) return std::nullopt;
    const uint8_t first = input_[at_];
    if (first >= 0xc0 && first <= 0xd7) {
      out.set(Kind::tag, first & 0x1f);
      return 1;
    }
    if (first >= 0xe0 && first <= 0xf3) {
      out.set(Kind::simple, first & 0x1f);
      return 1;
    }
    if (first == 0xf8 && input_.size() - at_ >= 2 && input_[at_ + 1] >= 32) {
      out.set(Kind::simple, input_[at_ + 1]);
      return 2;
    }
    return std::nullopt;
  }

  Result<Value> item(size_t depth) {
    const size_t start = at_;
    Result<Head> next = head();
    if (!next.ok()) return next.error();
    if (next->is_break) return fail("break outside an item of indefinite length", start);
    return complete(std::move(*next), start, depth);
  }

  /// Reads what belongs to a head: chunks, or the items inside.
  Result<Value> complete(Head head, size_t start, size_t depth) {
    Value& value = head.value;
    if (head.chunked) {
      const Result<void> read = chunks(value);
      if (!read.ok()) return read.error();
    }
    if (value.is(Kind::text) && !is_utf8(value.string)) return fail("text is not UTF-8", start);
    const bool nests = value.is(Kind::array) || value.is(Kind::map) || value.is(Kind::tag);
    if (!nests) return std::move(value);
    if (depth == 0) return fail("nested too deeply", start);
    const size_t per_entry = value.is(Kind::map) ? 2 : 1;
    const std::optional<size_t> count = value.is(Kind::tag) ? 1 : head.count;
    if (count && *count > (input_.size() - at_) / per_entry) {
      return fail("more items announced than bytes follow", start);
    }
    const Result<void> read = items(value, count, depth - 1);
    if (!read.ok()) return read.error();
    if (value.is(Kind::map) && has_repeated_key(value.items)) {
      return fail("map with a repeated key", start);
    }
    return std::move(value);
  }

  Result<void> items(Value& parent, std::optional<size_t> count, size_t depth) {
    const bool is_map = parent.is(Kind::map);
    for (size_t i = 0; !count || i < *count; ++i) {
      const size_t start = at_;
      Result<Head> next = head();
      if (!next.ok()) return next.error();
      if (next->is_break) {
        if (!count) return {};
        return fail("break inside an item of definite length", start);
      }
      const Kind kind = next->value.kind;
      if (is_map && kind != Kind::unsigned_integer && kind != Kind::negative_integer &&
          kind != Kind::bytes && kind != Kind::text) {
        return fail("map key is neither an integer nor a string", start);
      }
      Result<Value> value = complete(std::move(*next), start, depth);
      if (!value.ok()) return value.error();
      parent.items.push_back(std::move(*value));
      if (!is_map) continue;
      value = item(depth);
      if (!value.ok()) return value.error();
      parent.items.push_back(std::move(*value));
    }
    return {};
  }

  Result<void> chunks(Value& string) {
    for (;;) {
      const size_t start = at_;
      Result<Head> next = head();
      if (!next.ok()) return next.error();
      if (next->is_break) return {};
      const Value& chunk = next->value;
      if (!chunk.is(string.kind) || next->chunked) {
        return fail("chunk is not a definite string of the same kind", start);
      }
      if (chunk.is(Kind::text) && !is_utf8(chunk.string)) return fail("text is not UTF-8", start);
      append(string.string, chunk.string);
    }
  }

  BytesView input_;
  Limits limits_;
  size_t at_ = 0;
  size_t items_ = 0;
};

}  // namespace

Result<Value> parse(BytesView input, const Limits& limits) {
  if (input.size() > limits.bytes) {
    return Error{"CBOR of " + std::to_string(input.size()) + " bytes is above the limit of " +
                 std::to_string(limits.bytes)};
  }
  return Reader(input, limits).whole();
}

}  // namespace entente::crypto::cbor
