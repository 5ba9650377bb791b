#include "gov/jwt_keys.h"

#include <algorithm>
#include <map>

#include "crypto/jwk.h"
#include "gov/tables.h"

namespace entente::gov {
namespace {

constexpr size_t max_keys = 1000;

std::string_view host_of(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  return url.substr(0, url.find(':'));
}

Result<std::optional<std::string>> constraint_of(const json::object& jwk,
                                                 const std::string& issuer) {
  const json::value* constraint = jwk.if_contains("issuer");
  if (constraint == nullptr || constraint->is_null()) return std::optional<std::string>();
  if (!constraint->is_string()) return Error{"issuer is not a text"};
  const std::string text(constraint->get_string());
  if (!constraint_fits(issuer, text)) {
    return Error{"issuer constraint " + text + " does not fit to issuer " + issuer};
  }
  return std::optional(text);
}

/// kid → key; of two keys under one kid the first counts.
using KeySet = std::map<std::string, JwtKey>;

Result<KeySet> parse_key_set(const std::string& issuer, const json::value& document) {
  const json::object* members = document.if_object();
  const json::value* list = members == nullptr ? nullptr : members->if_contains("keys");
  if (list == nullptr || !list->is_array()) return Error{"JWKS has no array 'keys'"};
  if (list->get_array().empty()) return Error{"JWKS has no keys"};
  if (list->get_array().size() > max_keys) {
    return Error{"JWKS has more than " + std::to_string(max_keys) + " keys"};
  }
  KeySet keys;
  for (const json::value& element : list->get_array()) {
    const json::object* jwk = element.if_object();
    const json::value* kid = jwk == nullptr ? nullptr : jwk->if_contains("kid");
    if (kid == nullptr || !kid->is_string()) return Error{"Missing kid for JWT signing key"};
    const std::string name(kid->get_string());
    auto der = crypto::spki_from_jwk(*jwk);
    if (!der) return der.error().at("JWKS kid " + name);
    auto constraint = constraint_of(*jwk, issuer);
    if (!constraint) return constraint.error().at("JWKS kid " + name);
    keys.emplace(name, JwtKey{issuer, std::move(*der), std::move(*constraint)});
  }
  return keys;
}

using Entries = std::vector<JwtKey>;

/// Every row that another set of keys of this issuer may change, by kid.
std::map<std::string, Entries> rows_of(kv::ReadOnlyTx& tx, std::string_view issuer) {
  std::map<std::string, Entries> rows;
  tx.ro(tables::jwt_keys).foreach_key([&](BytesView kid) {
    auto entries = tables::get<Entries>(tx, tables::jwt_keys, kid).value_or(Entries{});
    if (std::any_of(entries.begin(), entries.end(),
                    [&](const JwtKey& key) { return key.issuer == issuer; })) {
      rows.emplace(to_text(kid), std::move(entries));
    }
    return true;
  });
  return rows;
}

void drop(kv::Tx& tx, const std::string& kid, Entries entries, std::string_view issuer) {
  std::erase_if(entries, [&](const JwtKey& key) { return key.issuer == issuer; });
  if (entries.empty()) {
    tx.wo(tables::jwt_keys).remove(as_bytes(kid));
  } else {
    tables::put(tx, tables::jwt_keys, kid, entries);
  }
}

void upsert(kv::Tx& tx, const std::string& kid, const JwtKey& key) {
  auto entries = tables::get<Entries>(tx, tables::jwt_keys, kid).value_or(Entries{});
  const auto own = std::find_if(entries.begin(), entries.end(),
                                [&](const JwtKey& one) { return one.issuer == key.issuer; });
  if (own == entries.end()) {
    entries.push_back(key);
  } else if (*own == key) {
    return;
  } else {
    *own = key;
  }
  tables::put(tx, tables::jwt_keys, kid, entries);
}

}  // namespace

bool constraint_fits(std::string_view issuer, std::string_view constraint) {
  const std::string_view of_issuer = host_of(issuer), of_constraint = host_of(constraint);
  if (of_constraint.empty()) return false;
  if (of_issuer == of_constraint) return true;
  return of_issuer.size() > of_constraint.size() && of_issuer.ends_with(of_constraint) &&
         of_issuer[of_issuer.size() - of_constraint.size() - 1] == '.';
}

Result<void> set_jwt_public_signing_keys(kv::Tx& tx, const std::string& issuer,
                                         const json::value& key_set) {
  const auto keys = parse_key_set(issuer, key_set);
  if (!keys) return keys.error();
  auto rows = rows_of(tx, issuer);
  for (const auto& [kid, key] : *keys) upsert(tx, kid, key);
  for (auto& [kid, entries] : rows) {
    if (!keys->contains(kid)) drop(tx, kid, std::move(entries), issuer);
  }
  return {};
}

void remove_jwt_public_signing_keys(kv::Tx& tx, std::string_view issuer) {
  for (auto& [kid, entries] : rows_of(tx, issuer)) drop(tx, kid, std::move(entries), issuer);
}

}  // namespace entente::gov
