#include "gov/tcb.h"

#include <array>
#include <string>
#include <utility>

#include "base/encoding.h"

namespace entente::gov {
namespace {

using Component = std::optional<uint64_t> Tcb::*;
constexpr std::array<std::pair<std::string_view, Component>, 5> components{
    {{"boot_loader", &Tcb::boot_loader},
     {"tee", &Tcb::tee},
     {"snp", &Tcb::snp},
     {"microcode", &Tcb::microcode},
     {"fmc", &Tcb::fmc}}};

}  // namespace

Result<Tcb> parse_tcb(const json::value& row) {
  const json::object* members = row.if_object();
  if (members == nullptr) return Error{"not an object"};
  Tcb tcb;
  for (const auto& [name, component] : components) {
    const json::value* number = members->if_contains(name);
    if (number == nullptr || number->is_null()) continue;
    const json::Reader reader(*number, "#/" + std::string(name));
    const auto value = reader.as_uint64();
    if (!value) return value.error();
    tcb.*component = *value;
  }
  return tcb;
}

bool meets(const Tcb& reported, const Tcb& minimum) {
  for (const auto& [name, component] : components) {
    const auto& has = reported.*component;
    const auto& needs = minimum.*component;
    if (has.has_value() != needs.has_value() || (needs && *has < *needs)) return false;
  }
  return true;
}

std::optional<CpuModel> cpu_model(std::string_view cpuid) {
  const auto bytes = from_hex(cpuid);
  if (!bytes || bytes->size() != 4) return std::nullopt;
  uint32_t eax = 0;
  for (const uint8_t byte : *bytes) eax = eax << 8 | byte;
  const auto field = [&](unsigned shift, uint32_t mask) { return eax >> shift & mask; };
  const uint32_t family = field(8, 0xf) + field(20, 0xff);
  if (family > 0xff) return std::nullopt;
  return CpuModel{static_cast<uint8_t>(family),
                  static_cast<uint8_t>(field(16, 0xf) << 4 | field(4, 0xf)),
                  static_cast<uint8_t>(field(0, 0xf))};
}

}  // namespace entente::gov
