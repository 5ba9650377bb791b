#pragma once
// From verb and path to endpoint: exact paths first (one hash lookup), then the few templates that
// share first segment and number of `/` with the path. Immutable after build(); lookups allocate
// nothing unless they fail.

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "entente/endpoint.h"
#include "rpc/path_template.h"

namespace entente::rpc {

/// The endpoints of one path, by verb.
struct PathEndpoints {
  uint64_t methods = 0;  ///< bit per http::Method
  std::vector<const Endpoint*> endpoints;
  const Endpoint* find(http::Method method) const {
    if ((methods >> static_cast<unsigned>(method) & 1) == 0) return nullptr;
    for (const Endpoint* endpoint : endpoints) {
      if (endpoint->method == method) return endpoint;
    }
    return nullptr;
  }
};

struct Match {
  enum class Kind {
    endpoint,
    unknown_path,
    other_methods,  ///< the path is known for `methods` only
    ambiguous       ///< several templates match; `candidates` names them
  } kind = Kind::unknown_path;
  const Endpoint* endpoint = nullptr;
  uint64_t methods = 0;
  std::vector<std::string> candidates;
};

class Router {
 public:
  void build(const EndpointRegistry& registry);

  /// `values` takes the path parameters of a template.
  Match find(http::Method method, std::string_view path, std::span<std::string_view> values) const;

  /// `OPTIONS, DELETE, GET`: OPTIONS, then the verbs of the set in their order.
  static std::string allow_list(uint64_t methods);

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct Template {
    PathTemplate path;
    PathEndpoints endpoints;
  };
  /// Where templates are looked for: a cheap hash of first segment and number of `/`. What shares a
  /// slot by accident is told apart by matching.
  static constexpr size_t slots = 64;
  static size_t slot_of(std::string_view path);
  std::vector<Template>& place_of(const PathTemplate& path);

  std::unordered_map<std::string, PathEndpoints, Hash, std::equal_to<>> exact_;
  std::array<std::vector<Template>, slots> templates_;
  std::vector<Template> any_first_;  ///< the first segment has a parameter
  const Endpoint* default_ = nullptr;
};

}  // namespace entente::rpc
