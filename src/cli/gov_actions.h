#pragma once
// The actions of the default constitution as the command line offers them: names, arguments, help.
// Other constitutions have others; their proposals are given as JSON files.
// Source: docs/governance.md (actions).

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "entente/result.h"

namespace entente::cli {

/// How the word after an option becomes an argument.
enum class ArgumentKind : uint8_t {
  text,
  id,            ///< 64 hex digits
  integer,       ///< not negative
  boolean,       ///< true or false
  json,          ///< JSON, or @FILE
  file,          ///< the content of a file, as text
  certificate,   ///< likewise, must be a PEM certificate
  time,          ///< a date as the service reads it; `now`
  constitution,  ///< a script, or a folder with the scripts of one
  bundle,        ///< JSON of an application, or a folder with app.json and src/
};

struct ActionArgument {
  std::string_view name;  ///< in the proposal; the option is `--` and the name with hyphens
  ArgumentKind kind;
  bool required;
  std::string_view help;
  /// What stands for the argument if it is left out; `@service`: the service certificate in use.
  std::string_view fallback = "";
};

struct ActionDescription {
  std::string_view name;
  std::string_view help;
  std::span<const ActionArgument> arguments;
};

std::span<const ActionDescription> known_actions();
const ActionDescription* find_action(std::string_view name);

/// `--user-data` of `user_data`.
std::string option_of(const ActionArgument& argument);
/// `FILE`, `JSON|@FILE` …
std::string_view word_of(ArgumentKind kind);

/// The action as an element of a proposal. `given`: argument name → the word after its option.
/// Errors name the option and say what it takes.
Result<json::object> make_action(const ActionDescription& action,
                                 const std::map<std::string, std::string>& given,
                                 const std::string& service_certificate_file);

/// The text of a proposal with these actions, as it is signed.
std::string proposal_text(std::vector<json::object> actions);

}  // namespace entente::cli
