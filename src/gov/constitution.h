#pragma once
// The constitution: one ES module, stored as a JSON string. Source: docs/governance.md.

#include <memory>
#include <mutex>
#include <string>

#include "entente/bytes.h"
#include "entente/result.h"
#include "js/isolate.h"
#include "js/limits.h"
#include "js/use.h"

namespace entente::gov {

/// As traces and errors name it.
inline constexpr std::string_view constitution_module = "public:ccf.gov.constitution[0]";

/// One stored text, and the byte code that the engine made of it when it was first used.
/// Thread-safe.
class Constitution : public std::enable_shared_from_this<Constitution> {
 public:
  /// `stored`: the value in the table. Error if it is no JSON string.
  static Result<std::shared_ptr<const Constitution>> parse(BytesView stored);

  const Bytes& stored() const { return stored_; }
  const std::string& text() const { return text_; }

  /// The module in a use.
  js::Outcome<js::Module> load(js::Use& use) const;

 private:
  Constitution(Bytes stored, std::string text)
      : stored_(std::move(stored)), text_(std::move(text)) {}

  Bytes stored_;
  std::string text_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Bytes> bytecode_;
};

/// Whether a text can be a constitution: it compiles, and exports validate with one parameter,
/// resolve with three or four and apply with two. `bare`: an isolate without any host objects.
Result<void> validate_constitution(js::Isolate& bare, const js::Limits& limits,
                                   std::string_view text);

}  // namespace entente::gov
