#include "node/config_fields.h"

#include <algorithm>
#include <initializer_list>

#include "base/units.h"

namespace entente::node {
namespace {

constexpr size_t longest_shown_value = 80;

std::string shown(const json::value& found) {
  std::string text = json::dump(found);
  if (text.size() > longest_shown_value) text = text.substr(0, longest_shown_value) + "…";
  return text;
}

std::string listed(std::span<const std::string_view> names) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i != 0) out += i + 1 == names.size() ? " or " : ", ";
    out += '"' + std::string(names[i]) + '"';
  }
  return out;
}

/// Insertions, removals and replacements of one letter; letter case does not count.
size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view key,
                                        std::span<const std::string_view> known) {
  constexpr size_t longest_compared = 64;
  if (key.size() > longest_compared) return std::nullopt;
  std::optional<std::string_view> best;
  size_t fewest = std::max<size_t>(2, key.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    if (key.size() >= 4 && candidate.starts_with(key)) return candidate;
    const size_t edits = edits_between(key, candidate);
    if (edits < fewest && edits < candidate.size()) {
      fewest = edits;
      best = candidate;
    }
  }
  return best;
}

Fields::Fields(const json::value& document, std::string path, Problems& problems)
    : path_(std::move(path)), problems_(problems), object_(document.if_object()) {
  if (object_ == nullptr) {
    problems_.errors.push_back((path_.empty() ? "the configuration" : path_) + ": " +
                               shown(document) + " is not an object");
  }
}

bool Fields::has(std::string_view key) const {
  return object_ != nullptr && object_->contains(key);
}

std::string Fields::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void Fields::refuse(std::string_view key, const json::value& found, std::string_view reason) {
  problems_.errors.push_back(path_of(key) + ": " + shown(found) + " " + std::string(reason));
}

void Fields::require(std::initializer_list<std::string_view> keys) {
  if (object_ == nullptr) return;
  for (const std::string_view key : keys) {
    if (!has(key)) problems_.errors.push_back(path_of(key) + ": this key is required");
  }
}

const json::value* Fields::take(std::string_view key) {
  known_.push_back(key);
  return object_ == nullptr ? nullptr : object_->if_contains(key);
}

const std::string* Fields::text_at(std::string_view key, const char* expected) {
  const json::value* found = take(key);
  if (found == nullptr) return nullptr;
  if (!found->is_string()) {
    refuse(key, *found, std::string("is not a text; expected ") + expected);
    return nullptr;
  }
  text_ = std::string(found->get_string());
  return &text_;
}

void Fields::text(std::string_view key, std::string& out) {
  if (const std::string* found = text_at(key, "a text")) out = *found;
}

void Fields::nullable_text(std::string_view key, std::optional<std::string>& out) {
  const json::value* found = take(key);
  if (found == nullptr || found->is_null()) return;
  if (!found->is_string()) return refuse(key, *found, "is not a text; expected a text or null");
  out = std::string(found->get_string());
}

void Fields::texts(std::string_view key, std::vector<std::string>& out) {
  const json::value* found = take(key);
  if (found == nullptr) return;
  const json::array* elements = found->if_array();
  if (elements == nullptr) return refuse(key, *found, "is not a list; expected a list of texts");
  out.clear();
  for (size_t i = 0; i < elements->size(); ++i) {
    const json::value& element = (*elements)[i];
    if (element.is_string()) {
      out.emplace_back(element.get_string());
    } else {
      refuse(std::string(key) + "[" + std::to_string(i) + "]", element, "is not a text");
    }
  }
}

void Fields::boolean(std::string_view key, bool& out) {
  const json::value* found = take(key);
  if (found == nullptr) return;
  if (!found->is_bool()) return refuse(key, *found, "is neither true nor false");
  out = found->get_bool();
}

void Fields::size(std::string_view key, uint64_t& out, uint64_t least, uint64_t most) {
  constexpr const char* expected =
      "a size in quotation marks, such as \"16KB\" (b, kb, mb, gb, tb, pb, any case; none: bytes)";
  const std::string* found = text_at(key, expected);
  if (found == nullptr) return;
  const auto bytes = parse_size(*found);
  if (!bytes) {
    problems_.errors.push_back(path_of(key) + ": " + bytes.error().message + "; expected " +
                               expected);
  } else if (*bytes < least || *bytes > most) {
    refuse(key, json::value(*found),
           "is out of bounds; allowed are " + std::to_string(least) + " to " +
               std::to_string(most) + " bytes");
  } else {
    out = *bytes;
  }
}

void Fields::size(std::string_view key, uint32_t& out, uint64_t least, uint64_t most) {
  uint64_t bytes = out;
  size(key, bytes, least, most);
  out = static_cast<uint32_t>(bytes);
}

void Fields::duration(std::string_view key, std::chrono::microseconds& out,
                      std::chrono::microseconds least) {
  constexpr const char* expected =
      "a time in quotation marks, such as \"100ms\" (us, ms, s, min, h; none: microseconds)";
  const std::string* found = text_at(key, expected);
  if (found == nullptr) return;
  const auto time = parse_duration(*found);
  if (!time) {
    problems_.errors.push_back(path_of(key) + ": " + time.error().message + "; expected " +
                               expected);
  } else if (*time < least) {
    refuse(key, json::value(*found),
           "is too short; at least " + std::to_string(least.count()) + "us");
  } else {
    out = *time;
  }
}

void Fields::nullable_duration(std::string_view key,
                               std::optional<std::chrono::microseconds>& out) {
  if (object_ != nullptr) {
    if (const json::value* found = object_->if_contains(key);
        found != nullptr && found->is_null()) {
      take(key);
      out.reset();
      return;
    }
  }
  std::chrono::microseconds time = out.value_or(std::chrono::microseconds(0));
  const bool given = has(key);
  duration(key, time);
  if (given) out = time;
}

bool Fields::bounded_integer(std::string_view key, uint64_t& out, uint64_t least, uint64_t most) {
  const json::value* found = take(key);
  if (found == nullptr) return false;
  std::optional<uint64_t> number;
  if (const auto* positive = found->if_uint64()) number = *positive;
  if (const auto* whole = found->if_int64(); whole != nullptr && *whole >= 0) {
    number = static_cast<uint64_t>(*whole);
  }
  if (!found->is_int64() && !found->is_uint64()) {
    refuse(key, *found, "is not a whole number");
    return false;
  }
  if (!number || *number < least || *number > most) {
    refuse(
        key, *found,
        "is out of bounds; allowed are " + std::to_string(least) + " to " + std::to_string(most));
    return false;
  }
  out = *number;
  return true;
}

bool Fields::address(std::string_view key, Address& out, bool may_be_empty) {
  const std::string* found = text_at(key, "an address, host:port");
  if (found == nullptr || (may_be_empty && found->empty())) return false;
  auto address = Address::parse(*found);
  if (!address) {
    problems_.errors.push_back(path_of(key) + ": " + address.error().message);
    return false;
  }
  out = std::move(*address);
  return true;
}

std::optional<size_t> Fields::index_of_choice(std::string_view key,
                                              std::span<const std::string_view> names) {
  const std::string expected = listed(names);
  const std::string* found = text_at(key, expected.c_str());
  if (found == nullptr) return std::nullopt;
  const auto match = std::find(names.begin(), names.end(), *found);
  if (match != names.end()) return static_cast<size_t>(match - names.begin());
  std::string reason = "is not one of " + expected;
  if (const auto near = nearest(*found, names))
    reason += "; did you mean \"" + std::string(*near) + "\"?";
  refuse(key, json::value(*found), reason);
  return std::nullopt;
}

void Fields::section(std::string_view key, const std::function<void(Fields&)>& read,
                     Unknown unknown) {
  const json::value* found = take(key);
  if (found == nullptr) return;
  Fields inner(*found, path_of(key), problems_);
  if (inner.object() == nullptr) return;
  read(inner);
  inner.finish(unknown);
}

void Fields::each(std::string_view key, const std::function<void(Fields&)>& read, Unknown unknown) {
  const json::value* found = take(key);
  if (found == nullptr) return;
  const json::array* elements = found->if_array();
  if (elements == nullptr) return refuse(key, *found, "is not a list; expected a list of objects");
  for (size_t i = 0; i < elements->size(); ++i) {
    Fields inner((*elements)[i], path_of(key) + "[" + std::to_string(i) + "]", problems_);
    if (inner.object() == nullptr) continue;
    read(inner);
    inner.finish(unknown);
  }
}

void Fields::finish(Unknown unknown) {
  if (object_ == nullptr) return;
  for (const auto& member : *object_) {
    const std::string_view key = member.key();
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const auto near = nearest(key, known_);
    std::string text = path_of(key) + ": this key is not known";
    if (near) {
      text += "; did you mean \"" + std::string(*near) + "\"?";
    } else if (unknown == Unknown::refuse) {
      text += "; known here are " + listed(known_);
    }
    (unknown == Unknown::refuse ? problems_.errors : problems_.notes).push_back(std::move(text));
  }
}

}  // namespace entente::node
