#include "entente/kv/access.h"

#include <array>

namespace entente::kv {
namespace {

constexpr Access no = Access::none;
constexpr Access r = Access::read;
constexpr Access w = Access::write;
constexpr Access rw = Access::read_write;

// Source: docs/applications.md, access table of ccf.kv. Rows: Context; columns: NameClass.
constexpr std::array<std::array<Access, name_class_count>, context_count> table = {{
    // public gov, public internal, private framework, reserved, public app, private app, invalid
    {rw, rw, rw, no, rw, rw, no},  // framework
    {r, r, no, no, rw, rw, no},    // application
    {r, r, no, no, r, r, no},      // read-only application
    {r, r, no, no, no, no, no},    // read-only governance
    {rw, r, no, no, w, no, no},    // governance
}};

constexpr std::array<std::string_view, context_count> context_text = {
    "framework", "application", "read-only application", "read-only governance",
    "read-write governance"};

}  // namespace

NameClass name_class(std::string_view map) {
  if (map.empty() || map.size() > max_map_name_size) return NameClass::invalid;
  constexpr std::string_view public_prefix = "public:";
  const bool in_public = map.starts_with(public_prefix);
  if (in_public) map.remove_prefix(public_prefix.size());
  if (map.starts_with("ccf.gov.")) {
    return in_public ? NameClass::public_governance : NameClass::private_framework;
  }
  if (map.starts_with("ccf.internal.")) {
    return in_public ? NameClass::public_internal : NameClass::private_framework;
  }
  if (map.starts_with("ccf.")) return NameClass::reserved;
  return in_public ? NameClass::public_application : NameClass::private_application;
}

Access access_of(Context context, NameClass name) {
  return table[static_cast<size_t>(context)][static_cast<size_t>(name)];
}

std::string_view to_text(Context context) {
  return context_text[static_cast<size_t>(context)];
}

}  // namespace entente::kv
