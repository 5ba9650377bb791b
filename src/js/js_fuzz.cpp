// Any text as a module: compiled, evaluated, its exports called, results read, all within small
// limits; then the isolate must be as new. Half of the inputs go through bytecode too.
#include <cstdint>

#include "base/assert.h"
#include "js/console.h"
#include "js/host.h"
#include "js/isolate.h"
#include "js/native.h"
#include "js/use.h"

using namespace entente;
using namespace entente::js;

namespace {

class Constant : public RandomSource {
 public:
  void fill(std::span<uint8_t> out) override { std::fill(out.begin(), out.end(), uint8_t{42}); }
};
Constant constant;

JSValue each(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 1)) return JS_EXCEPTION;
  const std::string alive(100, 'x');
  JSValue argument = JS_NewInt32(context, static_cast<int>(alive.size()));
  return call_back(context, arguments[0], JS_UNDEFINED, 1, &argument);
}
JSValue echo(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  if (const auto bytes = buffer_bytes(context, arguments[0])) return new_buffer(context, *bytes);
  const auto text = converted_text(context, arguments[0]);
  if (!text) return JS_EXCEPTION;
  return *text == "abort" ? abort_call(context, "aborted") : new_text(context, *text);
}

void install(JSContext* context) {
  const JSValue host = global_object(context, "host");
  set_function(context, host, "each", guarded<each>, 1);
  set_function(context, host, "echo", guarded<echo>, 1);
  JS_FreeValue(context, host);
}

void run(Isolate& isolate, std::string_view source, bool through_bytecode) {
  Use use(isolate, {.heap_bytes = 2u << 20,
                    .stack_bytes = 96u << 10,
                    .execution_time = std::chrono::milliseconds(5)});
  Console console{[](log::Level, std::string_view) {}};
  use.attach(console);
  use.set_loader([&](std::string_view name) -> std::optional<ModuleContent> {
    if (name.size() % 2 == 0) return std::nullopt;
    return std::string_view("export const f = 1; export default () => f;");
  });
  auto module = use.compile("/m.js", source);
  if (!module) return;
  Bytes code;
  if (through_bytecode) {
    auto made = use.bytecode(*module);
    if (!made) return;
    code = *made;
  }
  auto evaluated = use.evaluate(*module);
  if (!evaluated) return;
  for (const auto* name : {"f", "default", "validate"}) {
    auto function = use.exported(*module, name);
    if (!function || !function->is_function()) continue;
    auto result = use.call(*function, {std::string_view("text"), Json{R"({"a":[1,{"b":null}]})"}});
    if (!result) break;
    auto text = use.text(*result);
    auto json = use.json(*result);
    (void)use.bytes(*result);
    (void)use.truthy(*result);
    if (result->is_object()) {
      auto member = use.member(*result, "body");
      if (member) (void)use.text(*member);
    }
  }
  if (code.empty()) return;
  Use again(isolate);
  again.set_loader(
      [](std::string_view) { return ModuleContent("export const f = 1; export default 1"); });
  auto read = again.read(Bytecode{code});
  if (read) (void)again.evaluate(*read);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Isolate isolate({.bindings = {install, install_console},
                          .random = &constant,
                          .clock = &system_clock(),
                          .reserved_bytes = 256u << 20});
  if (size == 0 || size > 4096) return 0;
  run(isolate, as_text({data + 1, size - 1}), (data[0] & 1) != 0);
  ENTENTE_ASSERT(isolate.damaged() || isolate.host().arena.consistent());
  isolate.restore();
  ENTENTE_ASSERT(isolate.host().arena.same_as_image());
  return 0;
}
