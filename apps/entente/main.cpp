// The one command line with all sample applications: `entente sandbox --app NAME` …

#include "basic/basic.h"
#include "logging/logging.h"
#include "smallbank/smallbank.h"

int main(int argc, char** argv) {
  return entente::run(argc, argv,
                      {{.name = "logging", .register_endpoints = logging::register_endpoints},
                       {.name = "basic", .register_endpoints = basic::register_endpoints},
                       {.name = "smallbank", .register_endpoints = smallbank::register_endpoints}});
}
