#pragma once
// Requests that a person can paste, for the sample applications.

#include <string>
#include <vector>

#include "cli/sandbox_folder.h"

namespace entente::cli {

struct Example {
  std::string what;
  std::string command;
};

/// `address` is host:port, `program` the path of this program. For an application that is not
/// known: what every application has.
std::vector<Example> sandbox_examples(const std::string& application, const SandboxFolder& folder,
                                      const std::string& address, const std::string& program);

/// A word for the shell: quoted if it has to be.
std::string shell_word(const std::string& word);

}  // namespace entente::cli
