// The project's own program: the whole command line, with every sample application to host.

#include "basic.h"
#include "logging.h"
#include "smallbank.h"

int main(int argc, char** argv) {
  return entente::run(argc, argv,
                      {{.name = "logging",
                        .register_endpoints = logging::register_endpoints,
                        .genesis_claims = logging::genesis_claims},
                       {.name = "basic", .register_endpoints = basic::register_endpoints},
                       {.name = "basic_tv", .register_endpoints = basic::register_open_endpoints},
                       {.name = "smallbank", .register_endpoints = smallbank::register_endpoints}});
}
