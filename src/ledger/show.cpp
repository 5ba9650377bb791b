#include "ledger/show.h"

#include <algorithm>
#include <memory>

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/digest.h"
#include "ledger/entry_sealer.h"
#include "ledger/signature.h"
#include "ledger/verify.h"

namespace entente::ledger {
namespace {

/// Length of the UTF-8 sequence at the start of `text`, 0 if there is none or it is a control.
size_t printable_sequence(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, beyond U+10FFFF, C1 controls.
  const uint8_t second = byte(1);
  const bool bad = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                   (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f) ||
                   (first == 0xc2 && second < 0xa0);
  return bad ? 0 : size;
}

bool is_printable(std::string_view text) {
  while (!text.empty()) {
    const size_t size = printable_sequence(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

/// One map as it is shown. A private map that cannot be read is not there at all.
struct Content {
  const EntryView& entry;
  kv::WriteSet writes;
  bool private_hidden = false;
};

class Listing {
 public:
  Listing(const ShowOptions& options, const ShowLine& line) : options_(options), line_(line) {
    if (!options.secrets.empty()) {
      sealer_.emplace(std::make_shared<LedgerSecrets>(options.secrets));
    }
  }

  /// False: the caller of show_ledger wants no more.
  Result<bool> entry(const ChunkEntry& raw, const std::string& file) {
    const auto parsed = parse_entry(raw.bytes, raw.offset);
    if (!parsed) return parsed.error();
    auto content = read(*parsed, raw.offset);
    if (!content) return content.error();
    if (options_.map) {
      std::erase_if(content->writes,
                    [&](const kv::MapWrites& map) { return map.map != *options_.map; });
      if (content->writes.empty()) return true;
    }
    ++shown_;
    return options_.json ? line_(json_line(*content, file, raw.offset)) : text_lines(*content);
  }

  uint64_t shown() const { return shown_; }

 private:
  Result<Content> read(const EntryView& entry, uint64_t offset) {
    Content content{entry, {}, false};
    const auto start = static_cast<uint64_t>(entry.public_maps.data() - entry.bytes.data());
    auto in_clear = read_maps(entry.public_maps, offset + start, Ordering::any);
    if (!in_clear) return in_clear.error();
    content.writes = std::move(*in_clear);
    if (entry.private_domain.empty()) return content;
    if (!sealer_) {
      content.private_hidden = true;
      return content;
    }
    if (auto opened = sealer_->open(entry, plaintext_); !opened) return opened.error();
    auto encrypted = read_maps(plaintext_, 0, Ordering::any);
    if (!encrypted) return encrypted.error().at("private domain");
    content.writes = merge_domains(std::move(content.writes), std::move(*encrypted));
    return content;
  }

  static bool signs(const Content& content) {
    return std::any_of(content.writes.begin(), content.writes.end(),
                       [](const kv::MapWrites& map) { return map.map == maps::signatures; });
  }

  // ------------------------------------------------------------------------------------- people

  bool text_lines(const Content& content) {
    const EntryView& entry = content.entry;
    std::string head = entry.txid.text() + "  " + std::to_string(entry.bytes.size()) +
                       " bytes, type " + std::to_string(static_cast<unsigned>(entry.type));
    if (signs(content)) head += ", signature";
    if ((entry.flags & close_chunk_after) != 0) head += ", closes the chunk";
    if ((entry.flags & close_chunk_before) != 0) head += ", begins a chunk";
    if (entry.claims_digest && *entry.claims_digest != Digest{}) {
      head += ", claims " + entry.claims_digest->hex();
    }
    if (content.private_hidden) {
      head += ", " + std::to_string(entry.private_domain.size()) + " encrypted bytes";
    }
    if (!line_(head)) return false;
    for (const kv::MapWrites& map : content.writes) {
      if (!line_("  " + printable(as_bytes(map.map), options_.longest_value))) return false;
      for (const kv::Write& write : map.writes) {
        std::string record = "    " + printable(write.key, options_.longest_value);
        if (!write.value) {
          record += "  removed";
        } else if (options_.values) {
          record += " = " + printable(*write.value, options_.longest_value);
        } else {
          record += "  " + std::to_string(write.value->size()) + " bytes";
        }
        if (!line_(record)) return false;
      }
    }
    return true;
  }

  // ------------------------------------------------------------------------------------ scripts

  /// Text as text, other bytes as {"hex": …}: the two cannot be confused.
  static json::value json_bytes(BytesView bytes) {
    if (is_printable(as_text(bytes))) return json::value(std::string(as_text(bytes)));
    return json::object{{"hex", to_hex(bytes)}};
  }

  json::array json_writes(const kv::MapWrites& map) const {
    json::array records;
    for (const kv::Write& write : map.writes) {
      json::object record{{"key", json_bytes(write.key)}};
      if (!write.value) {
        record["removed"] = true;
      } else {
        record["size"] = write.value->size();
        if (options_.values) record["value"] = json_bytes(*write.value);
      }
      records.emplace_back(std::move(record));
    }
    return records;
  }

  std::string json_line(const Content& content, const std::string& file, uint64_t offset) const {
    const EntryView& entry = content.entry;
    json::object out{{"txid", entry.txid.text()},
                     {"view", entry.txid.view.value},
                     {"seqno", entry.txid.seqno.value},
                     {"file", file},
                     {"offset", offset},
                     {"size", entry.bytes.size()},
                     {"type", static_cast<unsigned>(entry.type)},
                     {"flags", entry.flags},
                     {"signature", signs(content)},
                     {"write_set_digest", crypto::sha256(entry.bytes).hex()}};
    if (entry.claims_digest) out["claims_digest"] = entry.claims_digest->hex();
    if (entry.commit_evidence_digest) {
      out["commit_evidence_digest"] = entry.commit_evidence_digest->hex();
    }
    if (!entry.private_domain.empty()) {
      out["private_bytes"] = entry.private_domain.size();
      out["private_shown"] = !content.private_hidden;
    }
    json::object shown;
    for (const kv::MapWrites& map : content.writes) {
      shown[printable(as_bytes(map.map))] = json_writes(map);
    }
    out["maps"] = std::move(shown);
    return json::dump(out);
  }

  const ShowOptions& options_;
  const ShowLine& line_;
  std::optional<EntrySealer> sealer_;
  Bytes plaintext_;
  uint64_t shown_ = 0;
};

/// Whether a file can hold entries of the range; how far an open one goes is not known.
bool may_hold(const ChunkName& name, const ShowOptions& options) {
  return name.first <= options.last && (!name.last || *name.last >= options.first);
}

}  // namespace

std::string printable(BytesView bytes, size_t longest) {
  const std::string_view text = as_text(bytes);
  const bool as_it_is = is_printable(text);
  if (bytes.size() <= longest) return as_it_is ? std::string(text) : "0x" + to_hex(bytes);
  std::string out;
  if (as_it_is) {
    size_t end = 0;
    for (size_t next = 0; next < longest;) {
      end = next;
      next += printable_sequence(text.substr(next));
    }
    out = std::string(text.substr(0, end));
  } else {
    out = "0x" + to_hex(bytes.first(longest / 2));
  }
  return out + "… (" + std::to_string(bytes.size()) + " bytes)";
}

Result<uint64_t> show_ledger(Disk& disk, const ShowOptions& options, const ShowLine& line) {
  VerifyOptions which;
  which.folders = options.folders;
  which.uncommitted = options.uncommitted;
  which.recovery_files = options.recovery_files;
  const auto files = ledger_files(disk, which);
  if (!files) return files.error();
  Listing listing(options, line);
  for (const LedgerFile& file : *files) {
    if (!may_hold(file.name, options)) continue;
    const std::string name = file.name.text();
    auto reader = ChunkReader::open(disk, file.folder, file.name, options.entry_limit);
    if (!reader) return reader.error().at(name);
    for (;;) {
      const auto entry = reader->next();
      if (!entry) return entry.error().at(name);
      if (!*entry) break;
      const SeqNo seqno = (*entry)->frame.seqno;
      if (seqno > options.last) return listing.shown();
      if (seqno < options.first) continue;
      const auto more = listing.entry(**entry, name);
      if (!more) return more.error().at(name);
      if (!*more) return listing.shown();
    }
    if (reader->torn() && reader->torn()->damage) {
      return Error{name + ": byte " + std::to_string(reader->torn()->offset) + ": " +
                   reader->torn()->reason};
    }
  }
  return listing.shown();
}

}  // namespace entente::ledger
