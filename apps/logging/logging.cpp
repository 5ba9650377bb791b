#include "logging.h"

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

}  // namespace logging
