#include "rpc/interface.h"

#include <algorithm>
#include <regex>

namespace entente::rpc {

Result<Interface> Interface::compile(InterfaceRules rules,
                                     const std::vector<const Endpoint*>& endpoints) {
  Interface out;
  std::vector<std::regex> accepted;
  for (const std::string& text : rules.accepted_endpoints.value_or(std::vector<std::string>())) {
    try {
      accepted.emplace_back(text, std::regex::ECMAScript);
    } catch (const std::regex_error& error) {
      return Error{"interface " + rules.name + ": accepted_endpoints: '" + text +
                   "' is not a regular expression: " + error.what()};
    }
  }
  const bool restricted = rules.unsecured || rules.accepted_endpoints.has_value();
  out.verdicts_.reserve(endpoints.size());
  for (const Endpoint* endpoint : endpoints) {
    Verdict verdict = Verdict::allowed;
    if (endpoint->operator_feature &&
        std::find(rules.enabled_features.begin(), rules.enabled_features.end(),
                  *endpoint->operator_feature) == rules.enabled_features.end()) {
      verdict = Verdict::feature_disabled;
    } else if (restricted && std::none_of(accepted.begin(), accepted.end(), [&](const auto& regex) {
                 return std::regex_match(endpoint->full_path, regex);
               })) {
      verdict = Verdict::not_accepted;
    }
    out.verdicts_.push_back(verdict);
  }
  out.rules_ = std::move(rules);
  return out;
}

}  // namespace entente::rpc
