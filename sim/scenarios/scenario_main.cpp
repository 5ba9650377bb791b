// entente_scenarios FILE…: runs scenario scripts and says for each whether its story holds.

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string_view>

#include "sim/scenarios/scenario.h"
#include "sim/world/seeded_defect.h"

int main(int argc, char** argv) {
  int failures = 0;
  int scripts = 0;
  bool quiet = false;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--quiet") {
      quiet = true;
      continue;
    }
    if (std::string_view(argv[i]) == "--defect" && i + 1 < argc) {
      if (!entente::sim::seed_defect(argv[++i])) {
        std::cerr << "no such defect in this build: " << argv[i] << "\n";
        return 2;
      }
      continue;
    }
    std::ifstream file(argv[i]);
    if (!file) {
      std::cerr << argv[i] << ": cannot be read\n";
      return 2;
    }
    std::ostringstream content;
    content << file.rdbuf();
    entente::sim::Scenario scenario;
    const auto failure = scenario.run(content.str());
    ++scripts;
    const std::string name = std::filesystem::path(argv[i]).stem().string();
    if (failure) {
      ++failures;
      std::cout << "FAIL " << name << "\n";
      if (!quiet) std::cout << *failure << "\n";
    } else if (!quiet) {
      std::cout << "ok   " << name << "\n";
    }
  }
  std::cout << scripts - failures << " of " << scripts << " scenarios hold\n";
  return failures == 0 ? 0 : 1;
}
