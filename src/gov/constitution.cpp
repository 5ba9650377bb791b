#include "gov/constitution.h"

#include <fmt/format.h>

#include "entente/json.h"

namespace entente::gov {
namespace {

struct ConstitutionFunction {
  std::string_view name;
  int64_t least, most;  ///< parameters
};
constexpr ConstitutionFunction functions[] = {
    {"apply", 2, 2}, {"resolve", 3, 4}, {"validate", 1, 1}};

std::string count_text(int64_t count) {
  return fmt::format("{} arg{}", count, count == 1 ? "" : "s");
}

}  // namespace

Result<std::shared_ptr<const Constitution>> Constitution::parse(BytesView stored) {
  auto document = json::parse(as_text(stored));
  if (!document) return document.error();
  const auto* text = document->if_string();
  if (text == nullptr) return Error{"not a JSON string"};
  return std::shared_ptr<const Constitution>(
      new Constitution(to_bytes(stored), std::string(*text)));
}

js::Outcome<js::Module> Constitution::load(js::Use& use) const {
  std::shared_ptr<const Bytes> known;
  {
    const std::lock_guard lock(mutex_);
    known = bytecode_;
  }
  if (known) return use.read(js::Bytecode{*known});
  auto module = use.compile(std::string(constitution_module), text_);
  if (!module) return module;
  if (auto bytecode = use.bytecode(*module)) {
    const std::lock_guard lock(mutex_);
    bytecode_ = std::make_shared<const Bytes>(std::move(*bytecode));
  }
  return module;
}

Result<void> validate_constitution(js::Isolate& bare, const js::Limits& limits,
                                   std::string_view text) {
  if (text.empty()) return Error{"constitution is empty"};
  js::Use use(bare, limits);
  const auto module = use.compile("constitution", text);
  if (!module) return Error{"Failed to compile constitution: " + module.failure().text};
  // What the top level throws is not looked at: it may need what is not there in a bare isolate.
  if (const auto evaluated = use.evaluate(*module); !evaluated) {
    return evaluated.failure().as_error();
  }
  for (const ConstitutionFunction& expected : functions) {
    const auto function = use.exported_function(*module, expected.name);
    if (!function) return function.failure().as_error();
    const auto count = use.parameter_count(*function);
    if (!count) return count.failure().as_error();
    if (*count >= expected.least && *count <= expected.most) continue;
    const std::string wanted =
        expected.least == expected.most
            ? count_text(expected.least)
            : fmt::format("between {} and {}", expected.least, count_text(expected.most));
    return Error{fmt::format("constitution exports function {} with {}, expected {}", expected.name,
                             count_text(*count), wanted)};
  }
  return {};
}

}  // namespace entente::gov
