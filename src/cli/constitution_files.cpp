#include "cli/constitution_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/environment.h"

namespace entente::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* parts[] = {"actions.js", "validate.js", "resolve.js", "apply.js"};
constexpr const char* virtual_actions = "virtual/virtual_attestation_actions.js";

bool is_part(const std::string& name) {
  return std::find(std::begin(parts), std::end(parts), name) != std::end(parts);
}

fs::path beside_program() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return {};
  return program.parent_path().parent_path() / "share/entente/constitutions";
}

}  // namespace

Result<std::vector<std::string>> constitution_files(const std::string& folder) {
  std::string plain = fs::path(folder).lexically_normal().string();
  while (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  const fs::path own = plain, common = own.parent_path() / "default";
  const auto names = system_disk().list(own.string());
  if (!names) return names.error();
  std::vector<std::string> out;
  for (const char* part : parts) {
    const bool has_own = std::find(names->begin(), names->end(), part) != names->end();
    const fs::path chosen = (has_own ? own : common) / part;
    if (!system_disk().exists(chosen.string())) {
      return Error{(own / part).string() + " is missing, and there is no " + chosen.string()};
    }
    out.push_back(chosen.string());
    if (part != parts[0]) continue;
    const fs::path for_virtual_nodes = common.parent_path() / virtual_actions;
    const bool has_default = !has_own || own == common;
    if (has_default && system_disk().exists(for_virtual_nodes.string())) {
      out.push_back(for_virtual_nodes.string());
    }
    for (const std::string& name : *names) {
      const bool script = name.ends_with(".js") && !is_part(name);
      if (script && (own / name) != for_virtual_nodes) out.push_back((own / name).string());
    }
  }
  return out;
}

std::string constitution_folder(const std::string& name) {
  if (name.find('/') != std::string::npos || name.find('.') != std::string::npos) return name;
  const fs::path beside = (beside_program() / name).lexically_normal();
  for (const fs::path& folder : {beside, fs::path(ENTENTE_CONSTITUTIONS) / name,
                                 fs::path(ENTENTE_INSTALLED_CONSTITUTIONS) / name}) {
    std::error_code ignored;
    if (fs::is_directory(folder, ignored)) return folder.string();
  }
  return name;
}

}  // namespace entente::cli
