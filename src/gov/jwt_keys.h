#pragma once
// Under which keys the service accepts JSON web tokens. Several issuers may have a key of the same
// id: each kid has a list, one entry for each issuer. Read by rpc/auth_jwt.cpp.
// Source: docs/governance.md (token issuers), RFC 7517.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "entente/json_types.h"
#include "entente/kv.h"
#include "entente/result.h"

namespace entente::gov {

/// One element of a row of `jwt.public_signing_keys_metadata_v2`.
struct JwtKey {
  std::string issuer;
  Bytes public_key;                       ///< DER SubjectPublicKeyInfo
  std::optional<std::string> constraint;  ///< what the token's issuer must be
  bool operator==(const JwtKey&) const = default;
};
BOOST_DESCRIBE_STRUCT(JwtKey, (), (issuer, public_key, constraint))

/// Whether keys of `issuer` may be bound to tokens of `constraint`: their hosts are the same, or
/// that of the constraint is a parent domain.
bool constraint_fits(std::string_view issuer, std::string_view constraint);

/// Makes a key set the one of the issuer: its entries under other kids go, entries of other issuers
/// stay, rows that would not change are not written. Nothing is written on an error: no key, a key
/// without `kid` or of no usable kind, a constraint that does not fit.
Result<void> set_jwt_public_signing_keys(kv::Tx& tx, const std::string& issuer,
                                         const json::value& key_set);
void remove_jwt_public_signing_keys(kv::Tx& tx, std::string_view issuer);

}  // namespace entente::gov
