#include "base/units.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <span>
#include <string>

namespace entente {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr Unit size_units[] = {{"", 1},          {"b", 1},          {"kb", 1ull << 10},
                               {"mb", 1ull << 20}, {"gb", 1ull << 30}, {"tb", 1ull << 40},
                               {"pb", 1ull << 50}};
constexpr Unit time_units[] = {{"", 1},           {"us", 1},           {"ms", 1000},
                               {"s", 1'000'000}, {"min", 60'000'000}, {"h", 3'600'000'000}};

Result<uint64_t> parse_with_units(std::string_view text, std::span<const Unit> units,
                                  const char* kind) {
  const auto refuse = [&](const char* why) {
    return Error{"'" + std::string(text) + "' is not a " + kind + ": " + why};
  };
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) return refuse("the number is too large");
  if (error != std::errc{}) return refuse("it does not start with a number");
  std::string unit(end, text.data() + text.size());
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const Unit& known : units) {
    if (known.name != unit) continue;
    uint64_t product = 0;
    if (__builtin_mul_overflow(number, known.factor, &product) || product > INT64_MAX) {
      return refuse("the number is too large");
    }
    return product;
  }
  return refuse("the unit is not known");
}

}  // namespace

Result<uint64_t> parse_size(std::string_view text) {
  return parse_with_units(text, size_units, "size");
}

Result<std::chrono::microseconds> parse_duration(std::string_view text) {
  auto count = parse_with_units(text, time_units, "time");
  if (!count) return count.error();
  return std::chrono::microseconds(*count);
}

}  // namespace entente
