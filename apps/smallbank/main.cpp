#include "smallbank.h"

int main(int argc, char** argv) {
  return entente::run(argc, argv,
                      {.name = "smallbank", .register_endpoints = smallbank::register_endpoints});
}
