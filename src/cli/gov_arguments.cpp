// Words of the command line as arguments of actions.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/environment.h"
#include "cli/commands.h"
#include "cli/constitution_files.h"
#include "cli/gov_actions.h"
#include "crypto/x509.h"

namespace entente::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t most_modules = 10000;

Result<json::value> text(const std::string& word) {
  return json::value(word);
}

Result<json::value> id(const std::string& word) {
  const bool good =
      word.size() == 64 && word.find_first_not_of("0123456789abcdefABCDEF") == word.npos;
  if (!good)
    return Error{"an id has 64 hex digits; this has " + std::to_string(word.size()) +
                 " characters"};
  return json::value(word);
}

Result<json::value> integer(const std::string& word) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) {
    return Error{"'" + word + "' is no whole number"};
  }
  return json::value(value);
}

Result<json::value> boolean(const std::string& word) {
  if (word == "true") return json::value(true);
  if (word == "false") return json::value(false);
  return Error{"'" + word + "' is neither true nor false"};
}

Result<json::value> document(const std::string& word) {
  if (!word.starts_with('@')) return json::parse(word);
  const auto content = read_text(word.substr(1));
  if (!content) return content.error();
  auto parsed = json::parse(*content);
  if (!parsed) return parsed.error().at(word.substr(1));
  return parsed;
}

Result<json::value> file(const std::string& word) {
  if (word == "@empty") return json::value("");
  const auto content = read_text(word);
  if (!content) return content.error();
  return json::value(*content);
}

Result<json::value> certificate(const std::string& word) {
  const auto content = read_text(word);
  if (!content) return content.error();
  const auto parsed = crypto::Certificate::from_pem(*content);
  if (!parsed) return parsed.error().at(word);
  return json::value(*content);
}

/// `YYMMDDhhmmssZ`.
Result<json::value> time(const std::string& word) {
  if (word != "now") return json::value(word);
  const std::time_t seconds = system_clock().unix_time().count();
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char out[16];
  std::strftime(out, sizeof out, "%y%m%d%H%M%SZ", &utc);
  return json::value(out);
}

Result<json::value> constitution(const std::string& word) {
  const std::string place = constitution_folder(word);
  if (!fs::is_directory(place)) return file(place);
  const auto scripts = constitution_files(place);
  if (!scripts) return scripts.error();
  std::string out;
  for (const std::string& path : *scripts) {
    const auto script = read_text(path);
    if (!script) return script.error();
    if (!out.empty()) out += '\n';
    out += *script;
  }
  return json::value(out);
}

/// All files below `folder`/src, named relative to it, in the order of their names.
Result<json::array> modules(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::recursive_directory_iterator entry(folder / "src", error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->is_regular_file()) paths.push_back(entry->path());
    if (paths.size() > most_modules)
      return Error{folder.string() + ": more files than an application has"};
  }
  if (error) return Error{(folder / "src").string() + ": " + error.message()};
  std::sort(paths.begin(), paths.end());
  json::array out;
  for (const fs::path& path : paths) {
    const auto source = read_text(path.string());
    if (!source) return source.error();
    out.push_back(json::object{{"name", path.lexically_relative(folder / "src").generic_string()},
                               {"module", *source}});
  }
  return out;
}

Result<json::value> bundle(const std::string& word) {
  if (!fs::is_directory(word)) return document("@" + word);
  auto metadata = document("@" + (fs::path(word) / "app.json").string());
  if (!metadata) return metadata;
  auto sources = modules(word);
  if (!sources) return sources.error();
  return json::value(
      json::object{{"metadata", std::move(*metadata)}, {"modules", std::move(*sources)}});
}

struct Reading {
  ArgumentKind kind;
  std::string_view word;
  Result<json::value> (*read)(const std::string& word);
};
using K = ArgumentKind;
constexpr Reading readings[] = {{K::text, "TEXT", text},
                                {K::id, "ID", id},
                                {K::integer, "NUMBER", integer},
                                {K::boolean, "true|false", boolean},
                                {K::json, "JSON|@FILE", document},
                                {K::file, "FILE", file},
                                {K::certificate, "FILE", certificate},
                                {K::time, "TIME|now", time},
                                {K::constitution, "FILE|DIR", constitution},
                                {K::bundle, "FILE|DIR", bundle}};

const Reading& reading_of(ArgumentKind kind) {
  return *std::find_if(std::begin(readings), std::end(readings),
                       [&](const Reading& one) { return one.kind == kind; });
}

}  // namespace

std::string_view word_of(ArgumentKind kind) {
  return reading_of(kind).word;
}

Result<json::object> make_action(const ActionDescription& action,
                                 const std::map<std::string, std::string>& given,
                                 const std::string& service_certificate_file) {
  json::object arguments;
  for (const ActionArgument& argument : action.arguments) {
    const auto found = given.find(std::string(argument.name));
    std::string word(found == given.end() ? argument.fallback : std::string_view(found->second));
    if (word.empty() && found == given.end()) {
      if (!argument.required) continue;
      return Error{fmt::format("{} is missing: {} ({})", option_of(argument), argument.help,
                               word_of(argument.kind))};
    }
    if (found == given.end() && word == "@service") word = service_certificate_file;
    if (word.empty() && argument.kind == ArgumentKind::certificate) {
      return Error{option_of(argument) +
                   " or --service-cert is needed: " + std::string(argument.help)};
    }
    auto value = reading_of(argument.kind).read(word);
    if (!value) return value.error().at(option_of(argument));
    arguments[argument.name] = std::move(*value);
  }
  json::object out{{"name", action.name}};
  if (!action.arguments.empty()) out["args"] = std::move(arguments);
  return out;
}

}  // namespace entente::cli
