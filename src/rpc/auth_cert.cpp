// Policies over the TLS client certificate. The certificate is parsed once in a connection's life;
// a request then costs one lookup in a table and a comparison of dates.

#include <fmt/format.h>

#include "entente/auth.h"
#include "entente/call.h"
#include "entente/kv/tx.h"
#include "rpc/service_tables.h"
#include "rpc/session.h"

namespace entente {
namespace {

using rpc::ClientCertificate;

const ClientCertificate::Facts* facts_of(const Call& call) {
  ClientCertificate* certificate = call.session().certificate.get();
  return certificate == nullptr ? nullptr : certificate->facts();
}

bool valid_now(const ClientCertificate::Facts& facts, const Call& call, std::string& reason) {
  const UnixTime now = call.clock().unix_time();
  if (now < facts.not_before) {
    reason = fmt::format("Current time {} is before certificate's Not Before validity period {}",
                         now.count(), facts.not_before.count());
    return false;
  }
  if (now > facts.not_after) {
    reason = fmt::format("Current time {} is after certificate's Not After validity period {}",
                         now.count(), facts.not_after.count());
    return false;
  }
  return true;
}

class UserCert final : public AuthPolicy {
 public:
  std::string_view name() const override { return "user_cert"; }
  std::shared_ptr<const Identity> authenticate(kv::ReadOnlyTx& tx, Call& call,
                                               std::string& reason) const override {
    const auto* facts = facts_of(call);
    if (facts == nullptr) {
      reason = "No caller user certificate";
      return nullptr;
    }
    if (!valid_now(*facts, call, reason)) return nullptr;
    if (!tx.ro(rpc::tables::users_certs).has(as_bytes(facts->id))) {
      reason = "Could not find matching user certificate";
      return nullptr;
    }
    return facts->user;
  }
};

class MemberCert final : public AuthPolicy {
 public:
  std::string_view name() const override { return "member_cert"; }
  std::shared_ptr<const Identity> authenticate(kv::ReadOnlyTx& tx, Call& call,
                                               std::string& reason) const override {
    const auto* facts = facts_of(call);
    if (facts == nullptr) {
      reason = "No caller member certificate";
      return nullptr;
    }
    if (!tx.ro(rpc::tables::members_certs).has(as_bytes(facts->id))) {
      reason = "Could not find matching member certificate";
      return nullptr;
    }
    return facts->member;
  }
};

class AnyCert final : public AuthPolicy {
 public:
  std::string_view name() const override { return "any_cert"; }
  std::shared_ptr<const Identity> authenticate(kv::ReadOnlyTx&, Call& call,
                                               std::string& reason) const override {
    const auto* facts = facts_of(call);
    if (facts == nullptr) {
      reason = "No caller certificate";
      return nullptr;
    }
    if (!valid_now(*facts, call, reason)) return nullptr;
    return facts->any;
  }
};

class NodeCert final : public AuthPolicy {
 public:
  std::string_view name() const override { return "node_cert"; }
  std::shared_ptr<const Identity> authenticate(kv::ReadOnlyTx& tx, Call& call,
                                               std::string& reason) const override {
    const auto* facts = facts_of(call);
    if (facts == nullptr) {
      reason = "No node caller certificate";
      return nullptr;
    }
    if (!tx.ro(rpc::tables::nodes_info).has(as_bytes(facts->node_id))) {
      reason = "Could not find matching node certificate";
      return nullptr;
    }
    return facts->node;
  }
};

class NoAuth final : public AuthPolicy {
 public:
  std::string_view name() const override { return "no_auth"; }
  std::shared_ptr<const Identity> authenticate(kv::ReadOnlyTx&, Call&,
                                               std::string&) const override {
    static const auto nobody = std::make_shared<const EmptyIdentity>();
    return nobody;
  }
};

template <typename Policy>
AuthPolicyPtr shared() {
  static const AuthPolicyPtr policy = std::make_shared<const Policy>();
  return policy;
}

}  // namespace

namespace auth {

AuthPolicyPtr no_auth() {
  return shared<NoAuth>();
}
AuthPolicyPtr user_cert() {
  return shared<UserCert>();
}
AuthPolicyPtr member_cert() {
  return shared<MemberCert>();
}
AuthPolicyPtr any_cert() {
  return shared<AnyCert>();
}
AuthPolicyPtr node_cert() {
  return shared<NodeCert>();
}

AuthPolicyPtr by_name(std::string_view name) {
  static const AuthPolicies known = {
      no_auth(), user_cert(),       member_cert(), any_cert(),
      jwt(),     user_cose_sign1(), node_cert(),   member_cose_sign1()};
  for (const AuthPolicyPtr& policy : known) {
    if (policy->name() == name) return policy;
  }
  return nullptr;
}

}  // namespace auth
}  // namespace entente
