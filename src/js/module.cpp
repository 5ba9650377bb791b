#include "js/module.h"

#include <quickjs.h>

namespace entente::js {

std::optional<std::string> canonical_name(std::string_view base, std::string_view specifier) {
  if (!specifier.starts_with('.')) {
    return specifier.starts_with('/') ? std::string(specifier) : "/" + std::string(specifier);
  }
  const size_t slash = base.rfind('/');
  std::string folder(slash == std::string_view::npos ? "" : base.substr(0, slash));
  if (!folder.empty() && !folder.starts_with('/')) folder.insert(0, "/");
  while (true) {
    if (specifier.starts_with("./")) {
      specifier.remove_prefix(2);
    } else if (specifier.starts_with("../")) {
      if (folder.empty()) return std::nullopt;
      folder.resize(folder.rfind('/'));
      specifier.remove_prefix(3);
    } else {
      return folder + "/" + std::string(specifier);
    }
  }
}

std::string_view engine_version() {
  static const std::string version = std::string("quickjs-ng ") + JS_GetVersion();
  return version;
}

}  // namespace entente::js
