#include "node/identity.h"

#include <algorithm>

#include "tee/virtual_platform.h"

namespace entente::node {
namespace {

crypto::Curve crypto_curve(Curve curve) {
  return curve == Curve::p256 ? crypto::Curve::p256 : crypto::Curve::p384;
}

Result<std::vector<crypto::SubjectAltName>> alt_names(const Configuration& configuration) {
  std::vector<crypto::SubjectAltName> names;
  for (const std::string& text : subject_alt_names(configuration)) {
    auto name = crypto::SubjectAltName::parse(text);
    if (!name) return name.error().at("node_certificate.subject_alt_names");
    names.push_back(std::move(*name));
  }
  return names;
}

}  // namespace

Result<NodeIdentity> make_node_identity(const Configuration& configuration, UnixTime now,
                                        Disk& disk) {
  const NodeCertificate& wanted = configuration.node_certificate;
  const auto names = alt_names(configuration);
  if (!names) return names.error();
  auto host_data = tee::virtual_platform::host_data(disk);
  if (!host_data) return host_data.error();

  auto key = crypto::KeyPair::generate(crypto_curve(wanted.curve_id));
  auto self_signed =
      crypto::self_signed_ca(key, wanted.subject_name, {now, wanted.initial_validity_days}, *names);
  if (!self_signed) return self_signed.error().at("node_certificate");
  auto request = crypto::make_request(key, wanted.subject_name, *names);
  if (!request) return request.error().at("node_certificate");
  auto evidence = tee::virtual_platform::make_evidence(key.public_key().digest(), *host_data);
  NodeId id{key.public_key().id()};
  return NodeIdentity{std::move(key),          std::move(id),       crypto::RsaKeyPair::generate(),
                      std::move(*self_signed), std::move(*request), *host_data,
                      std::move(evidence)};
}

Result<ServiceIdentity> make_service_identity(const Configuration& configuration, UnixTime now) {
  const Start& start = configuration.command.start;
  auto key = crypto::KeyPair::generate(crypto_curve(configuration.command.service_curve_id));
  auto certificate = crypto::self_signed_ca(key, start.service_subject_name,
                                            {now, start.initial_service_certificate_validity_days});
  if (!certificate) return certificate.error().at("command.start.service_subject_name");
  return ServiceIdentity{std::move(key), std::move(*certificate)};
}

Result<crypto::Certificate> endorse(const crypto::CertificateRequest& request,
                                    const crypto::Certificate& self_signed,
                                    const ServiceIdentity& service,
                                    unsigned longest_validity_days) {
  const UnixTime begin = self_signed.not_before();
  const auto lifetime = self_signed.not_after() - begin + UnixTime(1);
  const auto days = std::chrono::duration_cast<std::chrono::days>(lifetime).count();
  const auto allowed = std::clamp<int64_t>(days, 1, longest_validity_days);
  return crypto::issue_from_request(request, service.key, service.certificate,
                                    {begin, static_cast<unsigned>(allowed)});
}

}  // namespace entente::node
