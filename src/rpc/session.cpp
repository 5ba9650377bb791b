#include "rpc/session.h"

#include <fmt/format.h>

#include "crypto/digest.h"
#include "crypto/x509.h"
#include "entente/call.h"

namespace entente::rpc {

void ClientCertificate::parse() {
  parsed_ = true;
  const auto certificate = crypto::Certificate::from_der(der_);
  if (!certificate.ok()) return;
  facts_ = std::make_unique<Facts>();
  facts_->id = certificate->id();
  facts_->not_before = certificate->not_before();
  facts_->not_after = certificate->not_after();
  facts_->node_id = crypto::sha256(certificate->spki()).hex();

  auto user = std::make_shared<UserCertIdentity>();
  user->user_id = facts_->id;
  user->certificate_der = der_;
  facts_->user = std::move(user);
  auto member = std::make_shared<MemberCertIdentity>();
  member->member_id = facts_->id;
  member->certificate_der = der_;
  facts_->member = std::move(member);
  auto any = std::make_shared<AnyCertIdentity>();
  any->certificate_der = der_;
  facts_->any = std::move(any);
  auto node = std::make_shared<NodeCertIdentity>();
  node->node_id = facts_->node_id;
  facts_->node = std::move(node);
}

void set_session_consistency_lost(http::Response& response, uint64_t session, View pinned,
                                  View now) {
  response.reset();
  set_error(response, http::status::internal_server_error, errors::session_consistency_lost,
            fmt::format("Potential loss of session consistency on session {}. Started in view {}, "
                        "now in view {}. Closing session.",
                        session, pinned.value, now.value));
  response.close = true;
}

}  // namespace entente::rpc
