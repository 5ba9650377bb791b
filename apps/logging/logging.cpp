#include "logging.h"

#include "entente/digest.h"

namespace logging {

void register_endpoints(entente::EndpointRegistry& endpoints, entente::NodeContext& node) {
  endpoints.openapi_info = {
      .title = "CCF Sample Logging App",
      .description =
          "This CCF sample app implements a simple logging application, securely recording "
          "messages at client-specified IDs. It demonstrates most of the features available to CCF "
          "apps.",
      .version = "2.8.0"};
  register_records(endpoints);
  register_callers(endpoints);
  register_committed_index(endpoints, node);
  register_historical(endpoints, node);
  register_proofs(endpoints, node);
}

entente::Digest genesis_claims(std::string_view constitution) {
  return entente::sha256(entente::as_bytes(constitution));
}

}  // namespace logging
