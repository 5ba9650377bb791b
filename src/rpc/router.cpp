#include "rpc/router.h"

#include <algorithm>

#include "base/assert.h"

namespace entente::rpc {
namespace {

void add(PathEndpoints& at, const Endpoint& endpoint) {
  at.methods |= uint64_t{1} << static_cast<unsigned>(endpoint.method);
  at.endpoints.push_back(&endpoint);
}

}  // namespace

void Router::build(const EndpointRegistry& registry) {
  exact_.clear();
  templates_.clear();
  default_ = registry.default_endpoint();
  for (const auto& endpoint : registry.endpoints()) {
    auto parsed = PathTemplate::parse(endpoint->path);
    ENTENTE_ASSERT(parsed.ok());  // the registry has checked it
    if (!parsed->has_parameters()) {
      add(exact_[endpoint->path], *endpoint);
      continue;
    }
    const size_t slashes = parsed->slashes();
    if (templates_.size() <= slashes) templates_.resize(slashes + 1);
    auto& bucket = templates_[slashes];
    auto known = std::find_if(bucket.begin(), bucket.end(), [&](const Template& t) {
      return t.path.text() == endpoint->path;
    });
    if (known == bucket.end()) {
      bucket.push_back({std::move(*parsed), {}});
      known = bucket.end() - 1;
    }
    add(known->endpoints, *endpoint);
  }
}

Match Router::find(http::Method method, std::string_view path,
                   std::span<std::string_view> values) const {
  Match match;
  const auto exact = exact_.find(path);
  if (exact != exact_.end()) {
    match.endpoint = exact->second.find(method);
    if (match.endpoint != nullptr) {
      match.kind = Match::Kind::endpoint;
      return match;
    }
    match.methods = exact->second.methods;
  }

  const auto slashes = static_cast<size_t>(std::count(path.begin(), path.end(), '/'));
  if (slashes < templates_.size()) {
    const Template* found = nullptr;
    for (const Template& candidate : templates_[slashes]) {
      if (!candidate.path.match(path, values)) continue;
      match.methods |= candidate.endpoints.methods;
      const Endpoint* endpoint = candidate.endpoints.find(method);
      if (endpoint == nullptr) continue;
      if (match.endpoint != nullptr) {
        if (match.candidates.empty()) match.candidates.push_back(match.endpoint->path);
        match.candidates.push_back(endpoint->path);
        continue;
      }
      match.endpoint = endpoint;
      found = &candidate;
    }
    if (!match.candidates.empty()) {
      match.kind = Match::Kind::ambiguous;
      return match;
    }
    if (found != nullptr) {
      // A template tried after the one that matched may have overwritten the values.
      found->path.match(path, values);
      match.kind = Match::Kind::endpoint;
      return match;
    }
  }

  if (default_ != nullptr) {
    match.kind = Match::Kind::endpoint;
    match.endpoint = default_;
  } else if (match.methods != 0) {
    match.kind = Match::Kind::other_methods;
  }
  return match;
}

std::string Router::allow_list(uint64_t methods) {
  std::string list = "OPTIONS";
  for (size_t i = 0; i < http::method_count; ++i) {
    const auto method = static_cast<http::Method>(i);
    if (method == http::Method::options || (methods >> i & 1) == 0) continue;
    list += ", ";
    list += http::to_text(method);
  }
  return list;
}

}  // namespace entente::rpc
