#include "js/ccf_tcb.h"

#include <algorithm>

#include "base/encoding.h"

namespace entente::js {

namespace {

/// Where the parts are in the eight bytes, most significant byte first.
struct Place {
  const char* name;
  size_t at;
};
constexpr Place milan_and_genoa[] = {{"microcode", 0}, {"snp", 1}, {"tee", 6}, {"boot_loader", 7}};
constexpr Place turin[] = {
    {"microcode", 0}, {"snp", 4}, {"tee", 5}, {"boot_loader", 6}, {"fmc", 7}};

struct Product {
  unsigned family, model;
  std::span<const Place> places;
};
constexpr Product products[] = {
    {0x19, 0x01, milan_and_genoa}, {0x19, 0x11, milan_and_genoa}, {0x1a, 0x02, turin}};

/// Bytes of hex text of exactly this many bytes.
std::optional<Bytes> hex_of_size(std::string_view text, size_t size) {
  if (text.size() != 2 * size) return std::nullopt;
  return from_hex(text);
}

const Product* product_of(uint32_t eax) {
  const unsigned family = (eax >> 8 & 0xf) + (eax >> 20 & 0xff);
  const unsigned model = (eax >> 4 & 0xf) | (eax >> 16 & 0xf) << 4;
  const auto found = std::find_if(
      std::begin(products), std::end(products),
      [&](const Product& product) { return product.family == family && product.model == model; });
  return found == std::end(products) ? nullptr : found;
}

}  // namespace

Result<std::vector<TcbPart>> tcb_parts(std::string_view cpuid, std::string_view tcb) {
  const std::optional<Bytes> eax = hex_of_size(cpuid, 4);
  if (!eax) return Error{"CPUID is not 8 hex digits"};
  const std::optional<Bytes> version = hex_of_size(tcb, 8);
  if (!version) return Error{"TCB version is not 16 hex digits"};
  uint32_t number = 0;
  for (const uint8_t byte : *eax) number = number << 8 | byte;
  const Product* product = product_of(number);
  if (product == nullptr) {
    return Error{"CPUID " + std::string(cpuid) + " is of no processor that is known here"};
  }
  std::vector<TcbPart> parts;
  for (const Place& place : product->places) parts.push_back({place.name, (*version)[place.at]});
  return parts;
}

}  // namespace entente::js
