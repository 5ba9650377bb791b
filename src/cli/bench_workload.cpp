#include "cli/bench_workload.h"

#include <algorithm>
#include <random>

namespace entente::cli {
namespace {

// Keys have a fixed width, so that requests are made by overwriting digits in a finished text.
constexpr uint32_t first_key = 100'000'000;
constexpr std::string_view key_digits = "100000000";
constexpr uint32_t most_keys = 800'000'000;

std::string wait_header(const WorkloadOptions& options) {
  if (options.prefer_wait_seconds == 0) return {};
  return "prefer: wait=" + std::to_string(options.prefer_wait_seconds) + "\r\n";
}

/// The digits of a key, over those that stand there.
void write_digits(uint32_t key, char* text) {
  char* digit = text + key_digits.size();
  for (key += first_key; key != 0; key /= 10) *--digit = static_cast<char>('0' + key % 10);
}

/// A request with a hole for the key.
struct Template {
  std::string text;
  size_t key_at = 0;

  explicit Template(std::string whole) : text(std::move(whole)), key_at(text.find(key_digits)) {}
  void append(uint32_t key, std::string& out) const {
    const size_t begin = out.size();
    out += text;
    write_digits(key, out.data() + begin + key_at);
  }
};

std::string with_body(std::string_view line, std::string_view type, const std::string& extra,
                      const std::string& body) {
  return std::string(line) + " HTTP/1.1\r\nhost: entente\r\ncontent-type: " + std::string(type) +
         "\r\n" + extra + "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string without_body(std::string_view line) {
  return std::string(line) + " HTTP/1.1\r\nhost: entente\r\n\r\n";
}

std::string value_text(uint32_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::string out(size, ' ');
  for (char& letter : out) letter = static_cast<char>('a' + random() % 26);
  return out;
}

Template write_template(const WorkloadOptions& options, const std::string& value) {
  const std::string key(key_digits);
  if (options.kind == WorkloadKind::logging) {
    return Template(with_body("POST /app/log/private", "application/json", wait_header(options),
                              "{\"id\":" + key + ",\"msg\":\"" + value + "\"}"));
  }
  return Template(with_body("PUT /app/records/" + key, "text/plain", wait_header(options), value));
}

Template write_template(const WorkloadOptions& options) {
  return write_template(options, value_text(options.value_size, options.seed));
}

Template read_template(const WorkloadOptions& options) {
  const std::string key(key_digits);
  return Template(without_body(options.kind == WorkloadKind::logging
                                   ? "GET /app/log/private?id=" + key
                                   : "GET /app/records/" + key));
}

/// xorshift64* (Vigna 2016): a draw costs about a nanosecond.
class FastRandom {
 public:
  explicit FastRandom(uint64_t seed) : bits_(seed * 0x9e3779b97f4a7c15 + 1) {}
  uint32_t below(uint32_t n) {
    bits_ ^= bits_ >> 12;
    bits_ ^= bits_ << 25;
    bits_ ^= bits_ >> 27;
    const auto high = static_cast<uint32_t>((bits_ * 0x2545f4914f6cdd1d) >> 32);
    return static_cast<uint32_t>((uint64_t{high} * n) >> 32);
  }

 private:
  uint64_t bits_;
};

class ReadsAndWrites : public RequestStream {
 public:
  ReadsAndWrites(const WorkloadOptions& options, uint32_t connection)
      : read_percent_(options.read_percent),
        keys_(options.keys),
        write_(write_template(options)),
        read_(read_template(options)),
        random_(uint64_t{options.seed} + (uint64_t{connection} << 32)) {}

  SentRequest append_next(std::string& out) override {
    const bool read = read_percent_ != 0 && random_.below(100) < read_percent_;
    const uint32_t key = random_.below(keys_);
    (read ? read_ : write_).append(key, out);
    return {!read, key};
  }

 private:
  const uint32_t read_percent_;
  const uint32_t keys_;
  const Template write_;
  const Template read_;
  FastRandom random_;
};

class FillingWrites : public RequestStream {
 public:
  FillingWrites(const WorkloadOptions& options, uint32_t first, uint32_t step)
      : keys_(options.keys),
        first_(first),
        step_(step),
        next_(first),
        write_(write_template(options)) {}

  SentRequest append_next(std::string& out) override {
    if (next_ >= keys_) next_ = first_;
    const auto key = static_cast<uint32_t>(next_);
    write_.append(key, out);
    next_ += step_;
    return {true, key};
  }

 private:
  const uint32_t keys_;
  const uint32_t first_;
  const uint32_t step_;
  uint64_t next_;
  const Template write_;
};

class RecordedWrites : public RequestStream {
 public:
  RecordedWrites(const WorkloadOptions& options, const RecordedValues& values, uint32_t first,
                 uint32_t step)
      : step_(step),
        next_(first),
        write_(write_template(options, values.value(0))),
        value_key_at_(write_.text.rfind(key_digits)) {}

  SentRequest append_next(std::string& out) override {
    const uint32_t key = next_;
    const size_t begin = out.size();
    write_.append(key, out);
    write_digits(key, out.data() + begin + value_key_at_);
    next_ = (next_ + step_) % most_keys;
    return {true, key};
  }

 private:
  const uint32_t step_;
  uint32_t next_;
  const Template write_;
  const size_t value_key_at_;
};

class SmallBankRequests : public RequestStream {
 public:
  SmallBankRequests(const WorkloadOptions& options, uint32_t connection)
      : generator_(options.seed + connection), writer_(wait_header(options)) {}
  SentRequest append_next(std::string& out) override {
    const SmallBankOperation operation = generator_.next();
    writer_.append(operation, out);
    return {operation.kind != SmallBankOperation::Kind::balance, 0};
  }

 private:
  SmallBankGenerator generator_;
  SmallBankWriter writer_;
};

}  // namespace

std::unique_ptr<RequestStream> make_stream(const WorkloadOptions& options, uint32_t connection) {
  if (options.kind == WorkloadKind::smallbank) {
    return std::make_unique<SmallBankRequests>(options, connection);
  }
  return std::make_unique<ReadsAndWrites>(options, connection);
}

std::unique_ptr<RequestStream> make_filling_stream(const WorkloadOptions& options, uint32_t first,
                                                   uint32_t step) {
  return std::make_unique<FillingWrites>(options, first, step);
}

std::unique_ptr<RequestStream> make_recorded_stream(const WorkloadOptions& options,
                                                    const RecordedValues& values, uint32_t first,
                                                    uint32_t step) {
  return std::make_unique<RecordedWrites>(options, values, first, step);
}

std::string RecordedValues::key(uint32_t key) const {
  std::string out(key_digits);
  write_digits(key, out.data());
  return out;
}

std::string RecordedValues::value(uint32_t key) const {
  std::string out = tag + this->key(key);
  out.resize(std::max<size_t>(size, out.size()), '.');
  return out;
}

ModelledSmallBank::ModelledSmallBank(const WorkloadOptions& options)
    : generator_(options.seed), writer_(wait_header(options)) {}

SentRequest ModelledSmallBank::append_next(std::string& out) {
  const SmallBankOperation operation = generator_.next();
  if (!model_.apply(operation)) ++refused_;
  writer_.append(operation, out);
  return {operation.kind != SmallBankOperation::Kind::balance, 0};
}

}  // namespace entente::cli
