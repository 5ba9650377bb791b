#include "gov/certificates.h"

#include "gov/tables.h"
#include "gov/validity.h"

namespace entente::gov {
namespace {

/// The key and the certificate of the service, which belong together.
struct Issuer {
  const crypto::KeyPair& key;
  crypto::Certificate certificate;
};

Result<Issuer> issuer(kv::ReadOnlyTx& tx, const Surroundings& surroundings) {
  const crypto::KeyPair* key = surroundings.service_key ? surroundings.service_key() : nullptr;
  if (key == nullptr) return Error{"This node does not have the key of the service"};
  const auto info = tables::get<ServiceInfo>(tx, tables::service_info, tables::unit());
  if (!info) return Error{"There is no service yet"};
  auto certificate = crypto::Certificate::from_pem(info->cert);
  if (!certificate) return certificate.error().at("certificate of the service");
  const auto certified = certificate->public_key();
  if (!certified || !(*certified == key->public_key())) {
    return Error{"The certificate of the service is not for the key that this node has"};
  }
  return Issuer{*key, std::move(*certificate)};
}

}  // namespace

Result<std::string> generate_endorsed_certificate(kv::ReadOnlyTx& tx,
                                                  const Surroundings& surroundings,
                                                  std::string_view request_pem,
                                                  std::string_view valid_from, uint64_t days) {
  const auto validity = parse_validity(valid_from, days);
  if (!validity) return validity.error();
  const auto request = crypto::CertificateRequest::from_pem(request_pem);
  if (!request) return request.error().at("certificate signing request");
  const auto service = issuer(tx, surroundings);
  if (!service) return service.error();
  const auto made =
      crypto::issue_from_request(*request, service->key, service->certificate, *validity);
  if (!made) return made.error();
  return made->pem();
}

Result<std::string> generate_network_certificate(kv::ReadOnlyTx& tx,
                                                 const Surroundings& surroundings,
                                                 std::string_view valid_from, uint64_t days) {
  const auto validity = parse_validity(valid_from, days);
  if (!validity) return validity.error();
  const auto service = issuer(tx, surroundings);
  if (!service) return service.error();
  const auto made = crypto::self_signed_ca(service->key, service->certificate.subject(), *validity);
  if (!made) return made.error();
  return made->pem();
}

}  // namespace entente::gov
