#include "gov/bytecode_cache.h"

#include <map>

#include "gov/tables.h"
#include "js/use.h"

namespace entente::gov {
namespace {

using Modules = std::map<std::string, Bytes, std::less<>>;

Modules stored_modules(kv::ReadOnlyTx& tx) {
  Modules modules;
  tx.ro(tables::modules).foreach ([&](BytesView name, BytesView source) {
    modules.emplace(to_text(name), to_bytes(source));
    return true;
  });
  return modules;
}

Result<Modules> compile_all(const Modules& sources, const Surroundings& surroundings) {
  js::Isolate isolate({.bindings = {},
                       .random = &surroundings.random,
                       .clock = &surroundings.clock,
                       .date_now = {}});
  js::Use use(isolate);
  use.set_loader([&](std::string_view name) -> std::optional<js::ModuleContent> {
    const auto found = sources.find(name);
    if (found == sources.end()) return std::nullopt;
    return as_text(found->second);
  });
  Modules compiled;
  for (const auto& [name, source] : sources) {
    const auto refused = [&](const js::Failure& why) {
      return Error{"Unable to serialize bytecode for JS module '" + name + "': " + why.text};
    };
    const auto module = use.load(name);
    if (!module) return refused(module.failure());
    auto bytecode = use.bytecode(*module);
    if (!bytecode) return refused(bytecode.failure());
    compiled.emplace(name, std::move(*bytecode));
  }
  return compiled;
}

}  // namespace

Result<void> refresh_app_bytecode_cache(kv::Tx& tx, const Surroundings& surroundings) {
  const auto compiled = compile_all(stored_modules(tx), surroundings);
  if (!compiled) return compiled.error();
  auto cache = tx.rw(tables::modules_bytecode);
  cache.clear();
  for (const auto& [name, bytecode] : *compiled) cache.put(as_bytes(name), bytecode);
  tx.wo(tables::modules_bytecode_version).put(tables::unit(), as_bytes(js::engine_version()));
  return {};
}

}  // namespace entente::gov
