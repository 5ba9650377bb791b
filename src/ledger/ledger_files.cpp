// Which chunk files make up one ledger. Source: docs/ledger-format.md (14.1, step 1).

#include <algorithm>
#include <set>

#include "ledger/verify.h"

namespace entente::ledger {
namespace {

/// What stands in one folder and is wanted; names that cannot be read are errors.
Result<std::vector<ChunkName>> wanted_names(Disk& disk, const std::string& folder, bool uncommitted,
                                            bool recovery_files) {
  const auto listed = disk.list(folder);
  if (!listed) return listed.error();
  std::vector<ChunkName> names;
  for (const std::string& text : *listed) {
    if (!text.starts_with("ledger_") || is_ignored(text)) continue;
    const auto name = ChunkName::parse(text);
    if (!name) return Error{path_in(folder, text) + ": file name: not that of a ledger chunk"};
    if (name->recovery && !recovery_files) continue;
    if (!name->committed && !uncommitted) continue;
    names.push_back(*name);
  }
  return names;
}

Result<void> check_order(const std::vector<LedgerFile>& files) {
  for (size_t i = 0; i + 1 < files.size(); ++i) {
    const ChunkName& name = files[i].name;
    const ChunkName& next = files[i + 1].name;
    const std::string place = next.text() + ": file name: ";
    if (next.first == name.first) return Error{place + "starts where " + name.text() + " starts"};
    if (!name.last) {
      if (!next.last) continue;  // how far the open one goes is only known when it is read
      return Error{place + "a finished chunk behind the unfinished " + name.text()};
    }
    if (next.first <= *name.last) return Error{place + "overlaps " + name.text()};
    if (next.first != *name.last + 1) {
      return Error{place + "seqno " + std::to_string(name.last->value + 1) + " to " +
                   std::to_string(next.first.value - 1) + " are missing before it"};
    }
  }
  return {};
}

}  // namespace

Result<std::vector<LedgerFile>> ledger_files(Disk& disk, const VerifyOptions& options) {
  std::vector<LedgerFile> files;
  std::set<std::string> seen;
  for (size_t i = 0; i < options.folders.size(); ++i) {
    const bool main = i == 0;
    auto names = wanted_names(disk, options.folders[i], main && options.uncommitted,
                              main && options.recovery_files);
    if (!names) return names.error();
    for (const ChunkName& name : *names) {
      if (seen.insert(name.text()).second) files.push_back({options.folders[i], name});
    }
  }
  std::sort(files.begin(), files.end(),
            [](const LedgerFile& a, const LedgerFile& b) { return a.name < b.name; });
  if (auto ordered = check_order(files); !ordered) return ordered.error();
  return files;
}

}  // namespace entente::ledger
