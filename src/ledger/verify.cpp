#include "ledger/verify.h"

#include <charconv>

#include "crypto/x509.h"
#include "ledger/audit.h"
#include "ledger/verify_secrets.h"

namespace entente::ledger {
namespace {

constexpr uint64_t progress_step = 4 << 20;

/// Removes "<word> <number>: " from the front of a message and returns the number.
std::optional<uint64_t> take_number(std::string& message, std::string_view word) {
  if (!message.starts_with(word)) return std::nullopt;
  uint64_t value = 0;
  const char* end = message.data() + message.size();
  const auto [at, error] = std::from_chars(message.data() + word.size(), end, value);
  if (error != std::errc() || end - at < 2 || at[0] != ':' || at[1] != ' ') return std::nullopt;
  message.erase(0, static_cast<size_t>(at + 2 - message.data()));
  return value;
}

/// One pass over the files.
class Verification {
 public:
  Verification(Disk& disk, const VerifyOptions& options, VerifyReport& report)
      : disk_(disk), options_(options), report_(report) {}

  void run(const SignatureSeen& on_signature) {
    auto files = ledger_files(disk_, options_);
    if (!files) return fail_name(files.error());
    if (files->empty()) return fail("", "ledger", "there are no chunk files");
    for (const LedgerFile& file : *files) bytes_total_ += size_of(file);

    report_.secrets = options_.secrets;
    if (!options_.member_keys.empty()) {
      auto rebuilt = rebuild_secrets(disk_, *files, options_);
      if (!rebuilt) return fail({}, {}, rebuilt.error());
      for (const LedgerSecret& secret : rebuilt->all()) {
        if (auto added = report_.secrets.add(secret.start, secret.key); !added) {
          return fail("", "ledger secrets", added.error().message);
        }
      }
    }
    Audit audit(report_, report_.secrets, on_signature);
    audit.tell(options_.on_entry);
    if (!load_snapshots(audit)) return;
    if (files->front().name.first != SeqNo{1}) {
      return fail(files->front().name.text(), "file name",
                  "the ledger must begin with seqno 1: the Merkle tree covers all entries");
    }
    for (size_t i = 0; i < files->size(); ++i) {
      if (!read_file(audit, (*files)[i], i + 1 == files->size())) return;
    }
    const auto finished = audit.finish();
    last_file_ = files->back().name.text();
    if (!finished)
      return fail(last_file_, {0, audit.service().endorsement_written()}, finished.error());
    check_trust(audit);
    tell_progress(true);
  }

 private:
  struct Where {
    uint64_t offset = 0;
    SeqNo seqno;
  };

  void fail(std::string file, std::string field, std::string reason) {
    report_.failure = VerifyFailure{std::move(file), 0, {}, std::move(field), std::move(reason)};
  }

  /// `error`: "[byte N: ][seqno N: ]field: reason".
  void fail(std::string file, Where where, const Error& error) {
    std::string message = error.message;
    if (const auto offset = take_number(message, "byte ")) where.offset = *offset;
    if (const auto seqno = take_number(message, "seqno ")) where.seqno = SeqNo{*seqno};
    const size_t colon = message.find(": ");
    const bool has_field = colon != std::string::npos;
    report_.failure = VerifyFailure{std::move(file), where.offset, where.seqno,
                                    has_field ? message.substr(0, colon) : std::string("entry"),
                                    has_field ? message.substr(colon + 2) : message};
  }

  /// `error`: "file: field: reason".
  void fail_name(const Error& error) {
    const size_t colon = error.message.find(": ");
    if (colon == std::string::npos) return fail("", "folder", error.message);
    fail(error.message.substr(0, colon), {}, Error{error.message.substr(colon + 2)});
  }

  uint64_t size_of(const LedgerFile& file) {
    const auto opened = disk_.open(path_in(file.folder, file.name.text()), OpenMode::read);
    if (!opened) return 0;
    const auto size = (*opened)->size();
    return size ? *size : 0;
  }

  bool load_snapshots(Audit& audit) {
    for (const std::string& path : options_.snapshots) {
      const SnapshotReport snapshot = verify_snapshot(disk_, path);
      if (!snapshot.ok()) {
        report_.failure = snapshot.failure;
        return false;
      }
      audit.expect_snapshot(snapshot);
    }
    return true;
  }

  bool read_file(Audit& audit, const LedgerFile& file, bool is_last) {
    const std::string name = file.name.text();
    auto reader = ChunkReader::open(disk_, file.folder, file.name, options_.entry_limit);
    if (!reader) {
      fail(name, {}, reader.error());
      return false;
    }
    audit.begin_chunk(reader->complete(), file.name.committed);
    for (;;) {
      const Where where{reader->offset(), file.name.first + reader->entries_read()};
      const auto entry = reader->next();
      if (!entry) {
        fail(name, where, entry.error());
        return false;
      }
      if (!*entry) break;
      if ((*entry)->frame.seqno != where.seqno && where.offset == chunk_header_size) {
        fail(name, where,
             Error{"file name: the first entry has seqno " +
                   std::to_string((*entry)->frame.seqno.value)});
        return false;
      }
      if (auto checked = audit.entry(**entry); !checked) {
        fail(name, where, checked.error());
        return false;
      }
      bytes_done_ += (*entry)->bytes.size();
      tell_progress(false);
    }
    if (!check_tail(*reader, is_last)) return false;
    if (auto ended = audit.end_chunk(); !ended) {
      fail(name, {reader->offset(), report_.last.seqno}, ended.error());
      return false;
    }
    report_.chunks.push_back(
        {name, file.name.first, report_.last.seqno, reader->complete(), reader->file_size()});
    if (file.name.committed) report_.committed_last = report_.last.seqno;
    return true;
  }

  // Only the ledger's very end may be torn, and only as a crash tears it.
  bool check_tail(const ChunkReader& reader, bool is_last) {
    if (!reader.torn()) return true;
    const TornTail& tail = *reader.torn();
    const std::string name = reader.name().text();
    if (tail.damage || !is_last || !options_.accept_torn_tail) {
      fail(name, {tail.offset, reader.name().first + reader.entries_read()},
           tail.damage ? Error{tail.reason} : Error{"torn tail: " + tail.reason});
      return false;
    }
    report_.torn_tail = tail;
    report_.torn_file = name;
    return true;
  }

  void check_trust(const Audit& audit) {
    const auto& key = audit.service().key();
    const Where where{0, audit.service().last_written()};
    if (!key) return fail(last_file_, where, Error{"service certificate: the ledger holds none"});
    if (report_.node_signatures == 0) {
      return fail(last_file_, Where{}, Error{"signatures: the ledger holds none"});
    }
    if (!options_.service_certificate) return;
    const auto trusted = crypto::Certificate::from_pem(*options_.service_certificate);
    if (!trusted) return fail("", "trusted service certificate", trusted.error().message);
    const auto trusted_key = trusted->public_key();
    if (!trusted_key) return fail("", "trusted service certificate", trusted_key.error().message);
    if (*trusted_key == *key) return;
    fail(last_file_, where,
         Error{"service certificate: the ledger is that of service " + key->id() +
               ", the trusted certificate is of " + trusted_key->id()});
  }

  void tell_progress(bool always) {
    if (!options_.progress || (!always && bytes_done_ < next_progress_)) return;
    next_progress_ = bytes_done_ + progress_step;
    options_.progress({report_.last.seqno, bytes_done_, bytes_total_});
  }

  Disk& disk_;
  const VerifyOptions& options_;
  VerifyReport& report_;
  std::string last_file_;
  uint64_t bytes_total_ = 0;
  uint64_t bytes_done_ = 0;
  uint64_t next_progress_ = progress_step;
};

}  // namespace

std::string VerifyFailure::text() const {
  std::string out;
  const auto add = [&](const std::string& part) {
    if (!out.empty()) out += ", ";
    out += part;
  };
  if (!file.empty()) out = file;
  if (offset != 0) {
    if (out.empty()) {
      out = "byte " + std::to_string(offset);
    } else {
      out += " at " + std::to_string(offset);
    }
  }
  if (seqno.value != 0) add("seqno " + std::to_string(seqno.value));
  if (!field.empty()) add(field);
  return out + ": " + reason;
}

VerifyReport verify_ledger(Disk& disk, const VerifyOptions& options,
                           const SignatureSeen& on_signature) {
  VerifyReport report;
  Verification(disk, options, report).run(on_signature);
  return report;
}

}  // namespace entente::ledger
