#include "logging.h"

int main(int argc, char** argv) {
  return entente::run(argc, argv,
                      {.name = "logging",
                       .register_endpoints = logging::register_endpoints,
                       .genesis_claims = logging::genesis_claims});
}
