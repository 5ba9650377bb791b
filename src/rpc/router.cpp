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

size_t Router::slot_of(std::string_view path) {
  const size_t end = path.find('/', 1);
  const size_t length = end == std::string_view::npos ? path.size() : end;
  const auto byte = [&](size_t i) -> size_t {
    return i < path.size() ? static_cast<uint8_t>(path[i]) : 0;
  };
  size_t slashes = 0;
  for (const char c : path) slashes += c == '/';
  const size_t last = length == 0 ? 0 : byte(length - 1);
  return (length * 7 + byte(1) * 5 + last * 11 + slashes * 17) % slots;
}

std::vector<Router::Template>& Router::place_of(const PathTemplate& path) {
  const std::string_view text = path.text();
  const bool any_first = text.substr(0, text.find('/', 1)).find('{') != std::string_view::npos;
  return any_first ? any_first_ : templates_[slot_of(text)];
}

void Router::build(const EndpointRegistry& registry) {
  exact_.clear();
  templates_.fill({});
  any_first_.clear();
  default_ = registry.default_endpoint();
  for (const auto& endpoint : registry.endpoints()) {
    auto parsed = PathTemplate::parse(endpoint->path);
    ENTENTE_ASSERT(parsed.ok());  // the registry has checked it
    if (!parsed->has_parameters()) {
      add(exact_[endpoint->path], *endpoint);
      continue;
    }
    auto& bucket = place_of(*parsed);
    auto known = std::find_if(bucket.begin(), bucket.end(),
                              [&](const Template& t) { return t.path.text() == endpoint->path; });
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

  const Template* found = nullptr;
  const Template* last_tried = nullptr;
  const auto search = [&](const std::vector<Template>& templates) {
    for (const Template& candidate : templates) {
      last_tried = &candidate;
      if (!candidate.path.match(path, values)) continue;
      match.methods |= candidate.endpoints.methods;
      const Endpoint* endpoint = candidate.endpoints.find(method);
      if (endpoint == nullptr) continue;
      if (found != nullptr) {
        if (match.candidates.empty()) match.candidates.push_back(found->path.text());
        match.candidates.push_back(endpoint->path);
        continue;
      }
      found = &candidate;
      match.endpoint = endpoint;
    }
  };
  search(any_first_);
  search(templates_[slot_of(path)]);
  if (!match.candidates.empty()) {
    match.kind = Match::Kind::ambiguous;
    return match;
  }
  if (found != nullptr) {
    // A template tried after the one that matched may have overwritten the values.
    if (last_tried != found) found->path.match(path, values);
    match.kind = Match::Kind::endpoint;
    return match;
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
