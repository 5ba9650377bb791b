#pragma once
// For tests: a folder that is gone when the test ends.

#include <cstdlib>
#include <filesystem>
#include <string>

namespace entente::cli::test {

struct ScratchFolder {
  std::string path;
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "entente-cli-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~ScratchFolder() { std::filesystem::remove_all(path); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  std::string file(const std::string& name) const { return path + "/" + name; }
};

}  // namespace entente::cli::test
