#include "basic.h"

int main(int argc, char** argv) {
  return entente::run(argc, argv,
                      {{.name = "basic", .register_endpoints = basic::register_endpoints},
                       {.name = "basic_tv", .register_endpoints = basic::register_open_endpoints}});
}
