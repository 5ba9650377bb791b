#pragma once
// Who calls: identities, and the policies that establish them. The policies of an endpoint are
// tried in order and the first success wins. Policies are immutable and called on many threads.
// Source: docs/http-api.md (authentication).

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "entente/bytes.h"
#include "entente/http.h"
#include "entente/json.h"

namespace entente::kv {
class ReadOnlyTx;
}

namespace entente {

class Call;

/// An authenticated caller. Handlers ask for the concrete type: Call::caller<T>().
struct Identity {
  virtual ~Identity() = default;
};

/// Of auth::no_auth(): nobody in particular.
struct EmptyIdentity : Identity {};

/// A registered user or member who holds the private key of a TLS client certificate.
struct UserCertIdentity : Identity {
  std::string user_id;  ///< lower-case hex SHA-256 of the certificate DER
  Bytes certificate_der;
};
struct MemberCertIdentity : Identity {
  std::string member_id;
  Bytes certificate_der;
};
/// Any TLS client certificate, unknown to the service.
struct AnyCertIdentity : Identity {
  Bytes certificate_der;
};
/// A node of this service.
struct NodeCertIdentity : Identity {
  std::string node_id;
};

struct JwtIdentity : Identity {
  std::string key_issuer;  ///< issuer under which the key was registered
  json::object header;
  json::object payload;
};

/// The signer of a COSE_Sign1 request body (RFC 9052).
struct CoseSign1Identity : Identity {
  std::string signer_id;  ///< a user or member id
  std::string certificate_pem;
  Bytes content;           ///< the inner payload
  Bytes envelope;          ///< the whole message, as received
  Bytes signature;
  Bytes protected_header;  ///< encoded, as signed
  std::optional<std::string> message_type;
  std::optional<uint64_t> created_at;  ///< seconds since 1970
};
struct UserCoseSign1Identity : CoseSign1Identity {};
struct MemberCoseSign1Identity : CoseSign1Identity {
  std::optional<std::string> proposal_id;
};

/// Of auth::all_of(): one identity for each policy name.
struct AllOfIdentity : Identity {
  std::map<std::string, std::shared_ptr<const Identity>, std::less<>> identities;
  std::string policy;  ///< the names joined by `+`

  template <typename T>
  const T* try_get(std::string_view name) const {
    const auto found = identities.find(name);
    return found == identities.end() ? nullptr : dynamic_cast<const T*>(found->second.get());
  }
};

class AuthPolicy {
 public:
  virtual ~AuthPolicy() = default;

  /// The caller, or null and why not. May throw: the request is answered as if its handler had.
  virtual std::shared_ptr<const Identity> authenticate(kv::ReadOnlyTx& tx, Call& call,
                                                       std::string& reason) const = 0;
  /// Name in error details, documents and scripts: `user_cert`, `jwt` …
  virtual std::string_view name() const = 0;
  /// Adds headers to the 401, such as `www-authenticate`, after authenticate() refused for `reason`.
  virtual void describe_refusal(http::Response&, std::string_view /*reason*/) const {}
  /// Security scheme object of OpenAPI 3.0; nullopt where none describes this policy.
  virtual std::optional<json::value> openapi_scheme() const { return std::nullopt; }
};

using AuthPolicyPtr = std::shared_ptr<const AuthPolicy>;
/// Empty: no check and no identity.
using AuthPolicies = std::vector<AuthPolicyPtr>;

namespace auth {

/// No check at all: handlers see no identity.
inline const AuthPolicies none = {};

AuthPolicyPtr no_auth();      ///< always succeeds
AuthPolicyPtr user_cert();    ///< currently valid and in the users table
AuthPolicyPtr member_cert();  ///< in the members table; dates are not checked
AuthPolicyPtr any_cert();     ///< currently valid
AuthPolicyPtr node_cert();    ///< the public key of a node in the nodes table
AuthPolicyPtr jwt();          ///< RS256 or ES256 bearer token under a registered key
/// Where a type is given, the protected header `ccf.gov.msg.type` must equal it.
AuthPolicyPtr member_cose_sign1(std::optional<std::string> message_type = std::nullopt);
AuthPolicyPtr active_member_cose_sign1(std::optional<std::string> message_type = std::nullopt);

/// Names of the optional protected headers of user messages.
struct UserCoseHeaders {
  std::string message_type = "ccf.msg.type";
  std::string created_at = "ccf.msg.created_at";
};
AuthPolicyPtr user_cose_sign1(UserCoseHeaders headers = {});
AuthPolicyPtr typed_user_cose_sign1(std::string message_type, UserCoseHeaders headers = {});

/// Every policy must succeed. Throws std::logic_error on none or on two of the same name.
AuthPolicyPtr all_of(AuthPolicies policies);

/// The policy of this name as applications in scripts write it, or null.
AuthPolicyPtr by_name(std::string_view name);

}  // namespace auth
}  // namespace entente
