#pragma once
// Files that a starting node leaves for operators and tools.

#include <string>

namespace entente::node {

struct OutputFile {
  std::string path;
  std::string content;
};

}  // namespace entente::node
