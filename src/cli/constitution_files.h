#pragma once
// Which scripts make up a constitution. Source: docs/governance.md, "How to write a constitution".

#include <string>
#include <vector>

#include "entente/result.h"

namespace entente::cli {

/// The scripts of the constitution in `folder`, in the order in which they are one module:
/// actions.js, further actions, validate.js, resolve.js, apply.js. What the folder does not have
/// comes out of `default` beside it. Further actions are the folder's other *.js files by name,
/// and, where actions.js is the default one, those for virtual nodes. An error if one is missing.
Result<std::vector<std::string>> constitution_files(const std::string& folder);

/// The folder of a constitution that comes with the program, by its name: beside the installed
/// program, or in the source tree that it was built from. `name` itself if it is a path.
std::string constitution_folder(const std::string& name);

}  // namespace entente::cli
