#include <algorithm>
#include <stdexcept>

#include "entente/auth.h"
#include "entente/call.h"

namespace entente {
namespace {

class AllOf final : public AuthPolicy {
 public:
  explicit AllOf(AuthPolicies policies) : policies_(std::move(policies)) {
    if (policies_.empty()) throw std::logic_error("all_of needs at least one policy");
    std::sort(policies_.begin(), policies_.end(),
              [](const auto& a, const auto& b) { return a->name() < b->name(); });
    for (size_t i = 0; i < policies_.size(); ++i) {
      if (i != 0) {
        if (policies_[i]->name() == policies_[i - 1]->name()) {
          throw std::logic_error("all_of has two policies named " +
                                 std::string(policies_[i]->name()));
        }
        name_ += '+';
      }
      name_ += policies_[i]->name();
    }
  }

  std::string_view name() const override { return name_; }

  std::shared_ptr<const Identity> authenticate(kv::ReadOnlyTx& tx, Call& call,
                                               std::string& reason) const override {
    auto all = std::make_shared<AllOfIdentity>();
    all->policy = name_;
    for (const AuthPolicyPtr& policy : policies_) {
      std::string why;
      auto identity = policy->authenticate(tx, call, why);
      if (identity == nullptr) {
        reason = std::string(policy->name()) + ":" + why;
        return nullptr;
      }
      all->identities.emplace(policy->name(), std::move(identity));
    }
    return all;
  }

  /// The refusing policy is not remembered between the two calls (a policy has no state), so it is
  /// read back from the reason, which starts with its name.
  void describe_refusal(http::Response& response, std::string_view reason) const override {
    for (const AuthPolicyPtr& policy : policies_) {
      const std::string_view policy_name = policy->name();
      if (reason.starts_with(policy_name) && reason.substr(policy_name.size()).starts_with(':')) {
        policy->describe_refusal(response, reason.substr(policy_name.size() + 1));
      }
    }
  }

 private:
  AuthPolicies policies_;
  std::string name_;
};

}  // namespace

namespace auth {

AuthPolicyPtr all_of(AuthPolicies policies) {
  return std::make_shared<const AllOf>(std::move(policies));
}

}  // namespace auth
}  // namespace entente
