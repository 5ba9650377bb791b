#pragma once
// From verb and path to endpoint: exact paths first (one hash lookup), then templates with the same
// number of `/`. Immutable after build(); lookups allocate nothing unless they fail.

#include <array>
#include <bit>
#include <cstdint>
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
  Match find(http::Method method, std::string_view path,
             std::span<std::string_view> values) const;

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
  std::unordered_map<std::string, PathEndpoints, Hash, std::equal_to<>> exact_;
  std::vector<std::vector<Template>> templates_;  ///< by number of `/`
  const Endpoint* default_ = nullptr;
};

}  // namespace entente::rpc
