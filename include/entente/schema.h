#pragma once
// JSON schemas (the OpenAPI 3.0 dialect) of C++ types, by name in one set of components.
// Names: docs/http-api.md (OpenAPI). Own types: see entente/json_types.h.

#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <utility>

#include "entente/json.h"

namespace entente {

/// The `components/schemas` of one document.
class SchemaSet {
 public:
  /// `{"$ref": "#/components/schemas/NAME"}` after adding `schema` under that name. Characters
  /// outside [A-Za-z0-9._-] of the name become `_`. Throws std::logic_error if another schema has
  /// the name already.
  json::value add(std::string_view name, json::value schema);
  /// True the first time for each name and type: its schema is to be added then. So types that
  /// contain themselves end, and two types that share a name are compared.
  bool begin(std::string_view name, std::type_index type);
  static json::value reference(std::string_view name);

  const json::object& all() const { return schemas_; }

 private:
  json::object schemas_;
  std::set<std::pair<std::string, std::type_index>> seen_;
};

/// Adds what a type needs and returns the reference to it. Null: no schema.
using SchemaFunction = json::value (*)(SchemaSet&);

template <typename T>
json::value schema_of(SchemaSet& schemas);  // entente/json_types.h

template <typename T>
constexpr SchemaFunction schema_function() {
  if constexpr (std::is_void_v<T>) {
    return nullptr;
  } else {
    return &schema_of<T>;
  }
}

}  // namespace entente
