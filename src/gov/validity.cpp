#include "gov/validity.h"

#include <chrono>
#include <optional>
#include <string>

namespace entente::gov {
namespace {

/// Takes the text apart from the front; every function says whether it found what it wants.
class TimeText {
 public:
  explicit TimeText(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool literal(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// Exactly so many digits.
  bool number(size_t digits, int& out) {
    if (rest_.size() < digits) return false;
    int value = 0;
    for (const char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    out = value;
    rest_.remove_prefix(digits);
    return true;
  }
  size_t leading_digits() const {
    const size_t end = rest_.find_first_not_of("0123456789");
    return end == std::string_view::npos ? rest_.size() : end;
  }
  bool skip_digits() {
    const size_t digits = leading_digits();
    rest_.remove_prefix(digits);
    return digits > 0;
  }

 private:
  std::string_view rest_;
};

struct Fields {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  int offset_sign = 0, offset_hours = 0, offset_minutes = 0;
};

bool read_clock(TimeText& text, Fields& out) {
  return text.number(2, out.hour) && text.literal(':') && text.number(2, out.minute) &&
         text.literal(':') && text.number(2, out.second);
}

bool read_sign(TimeText& text, Fields& out) {
  if (text.literal('+')) {
    out.offset_sign = 1;
  } else if (text.literal('-')) {
    out.offset_sign = -1;
  }
  return out.offset_sign != 0;
}

/// `YYMMDDhhmmss` or `YYYYMMDDhhmmss`, then `Z` or an offset.
bool read_compact(TimeText text, Fields& out) {
  const size_t digits = text.leading_digits();
  if (digits == 12) {
    if (!text.number(2, out.year)) return false;
    out.year += out.year < 50 ? 2000 : 1900;  // RFC 5280 §4.1.2.5.1
  } else if (digits != 14 || !text.number(4, out.year)) {
    return false;
  }
  if (!(text.number(2, out.month) && text.number(2, out.day) && text.number(2, out.hour) &&
        text.number(2, out.minute) && text.number(2, out.second))) {
    return false;
  }
  if (text.literal('Z')) return text.at_end();
  return read_sign(text, out) && text.number(2, out.offset_hours) &&
         text.number(2, out.offset_minutes) && text.at_end();
}

/// `YYYY-MM-DD hh:mm:ss` with an optional fraction and an optional offset.
bool read_separated(TimeText text, Fields& out) {
  if (!(text.number(4, out.year) && text.literal('-') && text.number(2, out.month) &&
        text.literal('-') && text.number(2, out.day) && (text.literal(' ') || text.literal('T')) &&
        read_clock(text, out))) {
    return false;
  }
  if (text.literal('.') && !text.skip_digits()) return false;
  if (text.at_end()) return true;
  text.literal(' ');
  return read_sign(text, out) && text.number(2, out.offset_hours) &&
         (text.literal(':') || text.literal(' ')) && text.number(2, out.offset_minutes) &&
         text.at_end();
}

std::optional<UnixTime> time_of(const Fields& fields) {
  using namespace std::chrono;
  const year_month_day date{year(fields.year), month(static_cast<unsigned>(fields.month)),
                            day(static_cast<unsigned>(fields.day))};
  if (!date.ok() || fields.hour > 23 || fields.minute > 59 || fields.second > 59 ||
      fields.offset_hours > 23 || fields.offset_minutes > 59) {
    return std::nullopt;
  }
  const seconds offset = hours(fields.offset_hours) + minutes(fields.offset_minutes);
  return sys_days(date).time_since_epoch() + hours(fields.hour) + minutes(fields.minute) +
         seconds(fields.second) - fields.offset_sign * offset;
}

}  // namespace

Result<UnixTime> parse_valid_from(std::string_view text) {
  constexpr size_t longest = 64;
  const auto refused = [&] {
    return Error{"'" + std::string(text.substr(0, longest)) +
                 "' is not a time: write it as 2026-01-31 12:00:00 or 20260131120000Z"};
  };
  if (text.size() > longest) return refused();
  for (const auto read : {read_compact, read_separated}) {
    Fields fields;
    if (!read(TimeText(text), fields)) continue;
    const auto time = time_of(fields);
    if (!time) return refused();
    return *time;
  }
  return refused();
}

Result<crypto::Validity> parse_validity(std::string_view valid_from, uint64_t days) {
  constexpr uint64_t most_days = 8050 * 366ull;  // from 1950 to 9999
  const auto from = parse_valid_from(valid_from);
  if (!from) return from.error();
  if (days < 1 || days > most_days) {
    return Error{"A certificate cannot be valid for " + std::to_string(days) + " days"};
  }
  return crypto::Validity{*from, static_cast<unsigned>(days)};
}

}  // namespace entente::gov
