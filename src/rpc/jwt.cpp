#include "rpc/jwt.h"

#include "base/encoding.h"

namespace entente::rpc::jwt {
namespace {

constexpr std::string_view entra_host = "login.microsoftonline.com";
constexpr std::string_view tenant_placeholder = "{tenantid}";

struct Url {
  std::string_view host;
  std::string_view first_segment;  ///< of the path, without slashes
};

Url split_url(std::string_view text) {
  Url url;
  const size_t scheme = text.find("://");
  if (scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
  const size_t slash = text.find_first_of("/?#");
  url.host = text.substr(0, slash);
  url.host = url.host.substr(0, url.host.find(':'));
  if (slash != std::string_view::npos && text[slash] == '/') {
    text.remove_prefix(slash + 1);
    url.first_segment = text.substr(0, text.find_first_of("/?#"));
  }
  return url;
}

Result<json::object> decode_object(std::string_view part) {
  const auto bytes = from_base64url(part);
  if (!bytes) return Error{"Malformed JWT: a part is not base64url"};
  auto document = json::parse(as_text(*bytes));
  if (!document.ok()) {
    return Error{"JWT header or payload is not valid JSON: " + document.error().message};
  }
  if (!document->is_object()) return Error{"JWT header or payload is not an object"};
  return std::move(document->get_object());
}

const json::value* member(const json::object& object, std::string_view name) {
  return object.if_contains(name);
}

std::optional<double> number(const json::value* value) {
  if (value == nullptr) return std::nullopt;
  if (value->is_double()) return value->get_double();
  if (value->is_int64()) return static_cast<double>(value->get_int64());
  if (value->is_uint64()) return static_cast<double>(value->get_uint64());
  return std::nullopt;
}

Result<void> read_header(Token& token) {
  const auto refuse = [](std::string_view why) {
    return Error{"JWT header does not follow schema: " + std::string(why)};
  };
  const json::value* algorithm = member(token.header, "alg");
  if (algorithm == nullptr) return refuse("Missing required field 'alg'");
  if (!algorithm->is_string()) return refuse("At #/alg: Expected a string");
  const std::string_view alg = algorithm->get_string();
  if (alg != "RS256" && alg != "ES256") return refuse("At #/alg: Expected RS256 or ES256");
  const json::value* kid = member(token.header, "kid");
  if (kid == nullptr) return refuse("Missing required field 'kid'");
  if (!kid->is_string()) return refuse("At #/kid: Expected a string");
  token.kid = kid->get_string();
  return {};
}

Result<void> read_payload(Token& token) {
  const auto refuse = [](std::string_view why) {
    return Error{"JWT payload is missing required field: " + std::string(why)};
  };
  const json::value* expires = member(token.payload, "exp");
  if (expires == nullptr) return refuse("exp");
  if (!number(expires)) return refuse("exp must be a number");
  token.expires = *number(expires);
  const json::value* issuer = member(token.payload, "iss");
  if (issuer == nullptr) return refuse("iss");
  if (!issuer->is_string()) return refuse("iss must be a string");
  token.issuer = issuer->get_string();
  if (const json::value* not_before = member(token.payload, "nbf")) {
    token.not_before = number(not_before);
    if (!token.not_before) return refuse("nbf must be a number");
  }
  if (const json::value* tenant = member(token.payload, "tid")) {
    if (!tenant->is_string()) return refuse("tid must be a string");
    token.tenant = std::string(tenant->get_string());
  }
  return {};
}

}  // namespace

Result<std::string_view> bearer_token(std::optional<std::string_view> authorization) {
  if (!authorization) return Error{"Missing authorization header"};
  const size_t space = authorization->find(' ');
  if (space == std::string_view::npos) {
    return Error{"Authorization header only contains one field"};
  }
  constexpr std::string_view scheme = "Bearer";
  if (authorization->substr(0, space) != scheme) {
    return Error{"Authorization header does not have Bearer scheme"};
  }
  return authorization->substr(space + 1);
}

Result<Token> parse(std::string_view text) {
  const Error wrong_parts{"Malformed JWT: must contain exactly 3 parts"};
  const size_t first = text.find('.');
  if (first == std::string_view::npos) return wrong_parts;
  const size_t second = text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) {
    return wrong_parts;
  }
  Token token;
  token.signed_text = text.substr(0, second);
  auto header = decode_object(text.substr(0, first));
  if (!header.ok()) return header.error();
  token.header = std::move(*header);
  auto payload = decode_object(text.substr(first + 1, second - first - 1));
  if (!payload.ok()) return payload.error();
  token.payload = std::move(*payload);
  auto signature = from_base64url(text.substr(second + 1));
  if (!signature) return Error{"Malformed JWT: a part is not base64url"};
  token.signature = std::move(*signature);

  if (auto read = read_header(token); !read.ok()) return read.error();
  if (auto read = read_payload(token); !read.ok()) return read.error();
  return token;
}

bool issuer_satisfies(const Token& token, std::string_view constraint) {
  if (split_url(constraint).host != entra_host) {
    return token.issuer == constraint && !token.tenant;
  }
  // Entra ID: one set of keys signs for every tenant, so the tenant must be the one of the issuer.
  if (!token.tenant || *token.tenant == tenant_placeholder) return false;
  std::string expected(constraint);
  for (size_t at = 0; (at = expected.find(tenant_placeholder, at)) != std::string::npos;) {
    expected.replace(at, tenant_placeholder.size(), *token.tenant);
    at += token.tenant->size();
  }
  return expected == token.issuer && *token.tenant == split_url(token.issuer).first_segment;
}

}  // namespace entente::rpc::jwt
