#include "entente/schema.h"

#include <stdexcept>

namespace entente {
namespace {

std::string component_name(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (!allowed) c = '_';
  }
  return out;
}

}  // namespace

json::value SchemaSet::reference(std::string_view name) {
  return json::object{{"$ref", "#/components/schemas/" + component_name(name)}};
}

bool SchemaSet::begin(std::string_view name, std::type_index type) {
  return seen_.emplace(component_name(name), type).second;
}

json::value SchemaSet::add(std::string_view name, json::value schema) {
  json::value& known = schemas_[component_name(name)];
  if (known.is_null()) {
    known = std::move(schema);
  } else if (known != schema) {
    throw std::logic_error("two different schemas are named '" + std::string(name) + "'");
  }
  return reference(name);
}

}  // namespace entente
