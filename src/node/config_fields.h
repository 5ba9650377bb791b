#pragma once
// Reading of one configuration object, key by key: whoever reads a key thereby declares it known,
// with its type and its bounds. Problems are collected, not thrown: an operator sees all of them.
// Inner part of config.cpp.

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "node/config.h"

namespace entente::node {

struct Problems {
  std::vector<std::string> errors;
  std::vector<std::string> notes;
};

enum class Unknown { refuse, note };

template <typename T>
struct Choice {
  std::string_view name;
  T value;
};

/// The one of `known` that is likely meant: it starts with `key`, or few letters differ.
std::optional<std::string_view> nearest(std::string_view key,
                                        std::span<const std::string_view> known);

/// Reads one object. `document` and the keys must outlive it. An absent key leaves the output as
/// it was: defaults stand in the types. Null counts as a value of the wrong type except where a
/// function says otherwise.
class Fields {
 public:
  /// `path` is empty for the whole document.
  Fields(const json::value& document, std::string path, Problems& problems);

  const std::string& path() const { return path_; }
  const json::object* object() const { return object_; }
  bool has(std::string_view key) const;
  std::string path_of(std::string_view key) const;
  /// `path: found, reason`
  void refuse(std::string_view key, const json::value& found, std::string_view reason);

  /// Missing keys are errors.
  void require(std::initializer_list<std::string_view> keys);

  void text(std::string_view key, std::string& out);
  void nullable_text(std::string_view key, std::optional<std::string>& out);
  void texts(std::string_view key, std::vector<std::string>& out);
  void boolean(std::string_view key, bool& out);
  void size(std::string_view key, uint64_t& out, uint64_t least = 0,
            uint64_t most = std::numeric_limits<int64_t>::max());
  void size(std::string_view key, uint32_t& out, uint64_t least, uint64_t most);
  void duration(std::string_view key, std::chrono::microseconds& out,
                std::chrono::microseconds least = {});
  /// Null means "without end".
  void nullable_duration(std::string_view key, std::optional<std::chrono::microseconds>& out);
  template <typename T>
  void integer(std::string_view key, T& out, uint64_t least = 0,
               uint64_t most = std::numeric_limits<T>::max()) {
    uint64_t number = 0;
    if (bounded_integer(key, number, least, most)) out = static_cast<T>(number);
  }
  /// An empty text counts as absent where `may_be_empty`. Returns whether one was read.
  bool address(std::string_view key, Address& out, bool may_be_empty = false);

  template <typename T>
  void choice(std::string_view key, T& out, std::span<const Choice<T>> choices) {
    std::vector<std::string_view> names;
    for (const Choice<T>& known : choices) names.push_back(known.name);
    if (const auto index = index_of_choice(key, names)) out = choices[*index].value;
  }

  /// The object under `key`, if there is one.
  void section(std::string_view key, const std::function<void(Fields&)>& read,
               Unknown unknown = Unknown::refuse);
  /// Every object of the list under `key`.
  void each(std::string_view key, const std::function<void(Fields&)>& read,
            Unknown unknown = Unknown::refuse);
  /// The value under `key` without any check; the key is known from now on.
  const json::value* take(std::string_view key);

  /// To be called last: every key that was not read is unknown.
  void finish(Unknown unknown);

 private:
  bool bounded_integer(std::string_view key, uint64_t& out, uint64_t least, uint64_t most);
  std::optional<size_t> index_of_choice(std::string_view key,
                                        std::span<const std::string_view> names);
  const std::string* text_at(std::string_view key, const char* expected);

  std::string path_;
  Problems& problems_;
  const json::object* object_;
  std::vector<std::string_view> known_;
  std::string text_;  // of text_at
};

}  // namespace entente::node
