#pragma once
// One use of an isolate: modules are loaded, their exports called, results read. All that happened
// is forgotten when the next use begins. Source: docs/javascript.md.
//
// Every member that can run script code is one entry: it has its own time budget and ends within
// the limits whatever the script does. After a failure of kind time_limit or aborted every further
// entry of the use fails in the same way. Jobs of promises never run: what waits for a promise is
// forgotten with the use.
//
//   Use use(isolate, limits);
//   use.attach(console);
//   auto module = use.compile("public:ccf.gov.constitution[0]", source);
//   auto evaluated = use.evaluate(*module);
//   auto resolve = use.exported(*module, "resolve");
//   auto result = use.call(*resolve, {proposal_text, proposer_id, Json{votes}});
//   auto text = use.text(*result);

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "entente/bytes.h"
#include "js/isolate.h"
#include "js/limits.h"
#include "js/module.h"
#include "js/outcome.h"
#include "js/slots.h"
#include "js/value.h"

namespace entente::js {

/// A JSON text that the script gets parsed.
struct Json {
  std::string_view text;
};
struct Undefined {};

/// An argument of a call. BytesView becomes a fresh ArrayBuffer, text a string (UTF-8, invalid
/// sequences become U+FFFD). Views are read before call() returns.
using Argument = std::variant<Undefined, std::nullptr_t, bool, double, std::string_view, BytesView,
                              Json, const Value*>;

/// A compiled module of this use.
class Module {
 public:
  const std::string& name() const { return name_; }

 private:
  friend class Use;
  Module(std::string name, Value value) : name_(std::move(name)), value_(std::move(value)) {}
  std::string name_;
  Value value_;
};

/// How the top level of a module ended. Exports that were set before stay usable.
struct Evaluated {
  /// What the top level threw. Functions declared in the module are callable all the same.
  std::optional<Failure> thrown;
  /// The top level awaits a promise: it will never go on.
  bool unfinished = false;
};

enum class Start {
  restored,  // as initialised: nothing of an earlier use is seen
  kept,      // goes on from where the last use ended, unless that one left it damaged()
};

class Use {
 public:
  explicit Use(Isolate& isolate, const Limits& limits = {}, Start start = Start::restored);
  ~Use();
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

  /// Holds from the next entry on.
  void set_limits(const Limits& limits);
  /// Where imports come from. Without one every import fails.
  void set_loader(ModuleLoader loader);

  /// Gives the natives of a binding their state for this use: attached<T>(context) in js/native.h
  /// returns its address. Must live as long as the use.
  template <typename T>
  void attach(T& state) {
    set_slot(slot_index<T>, &state);
  }

  /// Compiles source text (UTF-8). `name` is shown in traces and errors as it is; imports are
  /// resolved against it and loaded at once.
  Outcome<Module> compile(std::string name, std::string_view source);
  /// The module that the loader has under this canonical name, from source or bytecode. The same
  /// name gives the same module again.
  Outcome<Module> load(std::string_view name);
  /// A module out of what bytecode() made.
  Outcome<Module> read(Bytecode bytecode);
  /// Form of a compiled module, not of what it imports, that read() takes.
  Outcome<Bytes> bytecode(const Module& module);

  /// Runs the top level of a module and of what it imports, once.
  Outcome<Evaluated> evaluate(const Module& module);
  /// The export of that name: `Failed to find export 'f' in module 'm'` (kind module).
  Outcome<Value> exported(const Module& module, std::string_view name);
  /// The same, which must be a function: `Export 'f' of module 'm' is not a function`.
  Outcome<Value> exported_function(const Module& module, std::string_view name);
  /// How many parameters a function declares (its `length`).
  Outcome<int64_t> parameter_count(const Value& function);

  /// Calls with `this` undefined. The result is not looked into: a promise stays a promise.
  Outcome<Value> call(const Value& function, std::initializer_list<Argument> arguments);

  /// A value made by natives' means. `make` gets the context and returns a value or JS_EXCEPTION;
  /// it runs as a native does (js/native.h).
  Outcome<Value> make(const std::function<JSValue(JSContext*)>& make);

  /// String conversion, as String(value). UTF-8; lone surrogates in their 3-byte form.
  Outcome<std::string> text(const Value& value);
  /// JSON.stringify(value); nullopt where that gives undefined (functions, undefined).
  Outcome<std::optional<std::string>> json(const Value& value);
  Outcome<Value> parse_json(std::string_view text);
  /// A property, getters run. Undefined if absent; fails where `object` is null or undefined.
  Outcome<Value> member(const Value& object, const char* name);
  /// JavaScript truthiness. Runs no script.
  bool truthy(const Value& value) const;
  /// The number itself, no conversion; nullopt for other types.
  std::optional<double> number(const Value& value) const;
  /// A copy of the bytes of an ArrayBuffer, SharedArrayBuffer, typed array or its view; nullopt
  /// for everything else and where the buffer is detached.
  std::optional<Bytes> bytes(const Value& value) const;

  /// For those who go on by the engine's own interface, inside of natives only.
  JSContext* context() const;

 private:
  void set_slot(size_t index, void* state);

  Isolate& isolate_;
  Host& host_;
};

}  // namespace entente::js
