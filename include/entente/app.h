#pragma once
// The one header an application includes, and its entry point:
//
//   void register_endpoints(entente::EndpointRegistry& endpoints, entente::NodeContext& node);
//   int main(int argc, char** argv) {
//     return entente::run(argc, argv, {.name = "logging", .register_endpoints =
//     register_endpoints});
//   }
//
// gives a program with the whole command line (`logging node --config FILE` …).

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "entente/bytes.h"
#include "entente/endpoint.h"
#include "entente/errors.h"
#include "entente/etag.h"
#include "entente/http.h"
#include "entente/json.h"
#include "entente/json_adapter.h"
#include "entente/json_types.h"
#include "entente/kv.h"
#include "entente/node_context.h"
#include "entente/query.h"
#include "entente/result.h"
#include "entente/types.h"

namespace entente {

struct Application {
  std::string name;  ///< as `--app` and log lines say it
  /// Called once at start-up, before any request.
  std::function<void(EndpointRegistry&, NodeContext&)> register_endpoints;
  /// The claims digest of the transaction that creates a service, so that its receipt proves what
  /// the application says about it. Called once when a new service starts, with the text of the
  /// constitution that the transaction installs. None: zeros, as of every transaction without one.
  std::function<Digest(std::string_view constitution)> genesis_claims = nullptr;
};

/// The whole program: parses the command line, runs the command, returns the exit code.
int run(int argc, char** argv, const Application& application);
/// A program that can host one of several applications; the first is the default.
int run(int argc, char** argv, const std::vector<Application>& applications);

}  // namespace entente
