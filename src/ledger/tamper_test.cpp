// Tampering with the files of a ledger: whatever a host can do to them without keys is refused, and
// the refusal names the place. Entries after the last signature are the exception that the format
// leaves; what is and is not noticed there is written down at the end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "ledger/entry_fields.h"
#include "ledger/ledger_image.h"
#include "ledger/sample_ledgers.h"
#include "ledger/verify.h"

namespace entente::ledger {
namespace {

using test::Field;
using test::LedgerImage;
using test::number_at;
using test::TestLedger;
using testing::AnyOf;
using testing::HasSubstr;

/// A ledger to tamper with.
struct Target {
  std::string name;
  LedgerImage image;
  std::string service_certificate;
  std::shared_ptr<LedgerSecrets> secrets;
};

const Target& generated() {
  static const Target target = [] {
    TestLedger ledger;
    ledger.standard();
    return Target{"generated", LedgerImage::of(ledger), ledger.service.certificate.pem(),
                  ledger.secrets};
  }();
  return target;
}

const Target& recovered() {
  static const Target target = [] {
    TestLedger ledger;
    ledger.standard();
    ledger.recovery();
    return Target{"recovered", LedgerImage::of(ledger), ledger.service.certificate.pem(),
                  ledger.secrets};
  }();
  return target;
}

LedgerImage image_of(const samples::Ledger& ledger) {
  LedgerImage image;
  for (const auto& chunk : ledger.expected.at("chunks").as_array()) {
    const auto name = ChunkName::parse(std::string_view(chunk.at("file").as_string()));
    const auto first = chunk.at("first").to_number<uint64_t>();
    const auto last = chunk.at("last").to_number<uint64_t>();
    image.chunks.push_back({*name, chunk.at("complete").as_bool(), {}});
    for (uint64_t s = first; s <= last; ++s) {
      image.chunks.back().entries.push_back(ledger.entries[s - 1]);
    }
  }
  return image;
}

/// The ledgers that every kind of tampering is tried on.
std::vector<Target> targets() {
  std::vector<Target> all = {generated(), recovered()};
  if (samples::folder()) {
    for (const char* name : {"cose_flipflop_service", "acme_containing_service"}) {
      const samples::Ledger ledger = samples::load(name);
      all.push_back(
          {name, image_of(ledger), ledger.text("common/service_cert.pem"), ledger.secrets});
    }
  }
  return all;
}

VerifyReport verify(const LedgerImage& image, const Target& target, bool with_secrets = false) {
  MemoryDisk disk;
  image.write(disk);
  VerifyOptions options;
  options.folders = {LedgerImage::folder};
  options.service_certificate = target.service_certificate;
  if (with_secrets) options.secrets = *target.secrets;
  return verify_ledger(disk, options);
}

TEST(Tamper, untouched_ledgers_verify) {
  for (const Target& target : targets()) {
    for (const bool with_secrets : {false, true}) {
      const VerifyReport report = verify(target.image, target, with_secrets);
      EXPECT_TRUE(report.ok()) << target.name << ": " << report.failure->text();
      EXPECT_GT(report.node_signatures, 5u);
      EXPECT_GT(report.cose_signatures, 4u);
    }
  }
  const VerifyReport report = verify(generated().image, generated(), true);
  EXPECT_EQ(report.unverified_tail, 2u);
  EXPECT_EQ(report.views.size(), 2u);
  EXPECT_EQ(report.service_status, "Open");
  EXPECT_EQ(verify(recovered().image, recovered()).service_create_seqnos.size(), 2u);
}

TEST(Tamper, members_keys_give_the_secrets_of_a_generated_ledger) {
  for (const Target* target : {&generated(), &recovered()}) {
    MemoryDisk disk;
    target->image.write(disk);
    VerifyOptions options;
    options.folders = {LedgerImage::folder};
    options.member_keys = {test::test_member_key().private_pem()};
    const VerifyReport report = verify_ledger(disk, options);
    ASSERT_TRUE(report.ok()) << report.failure->text();
    EXPECT_EQ(report.secrets.all().size(), target->secrets->all().size());
    options.member_keys = {crypto::RsaKeyPair::generate(2048).private_pem()};
    EXPECT_FALSE(verify_ledger(disk, options).ok());
  }
}

// --------------------------------------------------------------- one flipped bit in every field

/// The first entry that is no signature and has a public map or a private one.
uint64_t find_entry(const LedgerImage& image, bool with_private, uint64_t from = 2) {
  for (uint64_t s = from; s < image.last(); ++s) {
    if (image.is_signature(s)) continue;
    const Bytes& entry = *const_cast<LedgerImage&>(image).entry(s);
    const bool has_private = test::entry_fields(entry).back().name == "private";
    if (has_private == with_private) return s;
  }
  return 0;
}

TEST(Tamper, a_flipped_bit_in_every_field_of_a_signed_entry) {
  const std::vector<Target> all = targets();
  for (const Target& target : all) {
    std::vector<uint64_t> victims = {1, 2, find_entry(target.image, false),
                                     target.image.signature_from(3)};
    if (const uint64_t with_private = find_entry(target.image, true))
      victims.push_back(with_private);
    for (const uint64_t seqno : victims) {
      const LedgerImage::Chunk& chunk = *target.image.chunk_with(seqno);
      const uint64_t signature = target.image.signature_from(seqno + 1);
      const Bytes& original = chunk.entries[seqno - chunk.name.first.value];
      for (const Field& field : test::entry_fields(original)) {
        for (const bool end : {false, true}) {
          if (end && &target != &all[0]) continue;
          LedgerImage image = target.image;
          const size_t at = end ? field.at + field.size - 1 : field.at + field.size / 3;
          (*image.entry(seqno))[at] ^= end ? 0x80 : 0x01;
          const VerifyReport report = verify(image, target);
          ASSERT_FALSE(report.ok()) << target.name << " " << seqno << " " << field.name;
          const VerifyFailure& failure = *report.failure;
          // A damaged size makes the entries behind it unreadable; a position table entry is then
          // what disagrees first. Everything else is found at the entry or at its signature.
          EXPECT_GE(failure.seqno.value, seqno) << field.name << ": " << failure.text();
          EXPECT_LE(failure.seqno.value, signature) << field.name << ": " << failure.text();
          EXPECT_FALSE(failure.file.empty()) << failure.text();
          EXPECT_NE(failure.offset, 0u) << failure.text();
          EXPECT_FALSE(failure.field.empty());
          if (target.image.chunk_with(seqno) == target.image.chunk_with(signature)) {
            EXPECT_EQ(failure.file, chunk.name.text()) << failure.text();
          }
        }
      }
    }
  }
}

TEST(Tamper, refusals_name_the_field) {
  struct {
    const char* field;
    const char* says;
  } const expectations[] = {
      {"version", "version"},
      {"flags", "flags: 0x01"},
      {"size", "size"},
      {"tag", "Merkle leaf"},
      {"IV seqno", "seqno: "},
      {"IV view", "view: "},
      {"public size", ""},
      {"type", "entry type"},
      {"seqno", "seqno: "},
      {"claims", "Merkle leaf"},
      {"evidence", "Merkle leaf"},
      {"reserved", "reserved"},
      {"map name size", "map public:log"},
      {"map name", ""},
      {"read version", "Merkle leaf"},
      {"read count", "read count"},
      {"write count", ""},
      {"remove count", "map name"},
      {"private", "Merkle leaf"},
  };
  const Target& target = generated();
  const uint64_t seqno = 9;  // writes, removes and has private maps
  for (const auto& [name, says] : expectations) {
    bool found = false;
    for (const Field& field : test::entry_fields(*LedgerImage(target.image).entry(seqno))) {
      if (field.name != name) continue;
      found = true;
      LedgerImage image = target.image;
      (*image.entry(seqno))[field.at] ^= 0x01;
      const VerifyReport report = verify(image, target);
      ASSERT_FALSE(report.ok()) << name;
      EXPECT_THAT(report.failure->text(), HasSubstr(says)) << name;
      EXPECT_THAT(report.failure->text(), HasSubstr("seqno 9")) << name;
    }
    EXPECT_TRUE(found) << name;
  }
}

// ------------------------------------------------------------------------------- kinds of
// tampering

/// Replaces text inside an entry by text of the same length; false if it is not there.
bool replace_text(Bytes& entry, std::string_view from, std::string_view to) {
  const size_t at = as_text(entry).find(from);
  if (at == std::string_view::npos || from.size() != to.size()) return false;
  std::copy(to.begin(), to.end(), entry.begin() + static_cast<std::ptrdiff_t>(at));
  return true;
}

/// Changes the first character behind `label`.
bool change_behind(Bytes& entry, std::string_view label, size_t skip = 0) {
  const size_t at = as_text(entry).find(label);
  if (at == std::string_view::npos) return false;
  uint8_t& byte = entry[at + label.size() + skip];
  byte = byte == 'A'   ? 'B'
         : byte == '1' ? '2'
         : byte == 'a' ? 'b'
         : byte >= 'a' ? 'a'
         : byte >= 'A' ? 'A'
                       : '1';
  return true;
}

void swap_field(Bytes& a, Bytes& b, size_t at, size_t size) {
  std::swap_ranges(a.begin() + static_cast<std::ptrdiff_t>(at),
                   a.begin() + static_cast<std::ptrdiff_t>(at + size),
                   b.begin() + static_cast<std::ptrdiff_t>(at));
}

void set_number(Bytes& entry, size_t at, uint64_t value, size_t size = 8) {
  std::memcpy(entry.data() + at, &value, size);
}

/// Gives an entry another place in the order, as far as it can be told without keys.
void relabel(Bytes& entry, uint64_t seqno) {
  set_number(entry, 24, seqno);
  set_number(entry, 45, seqno);
}

/// An entry inside the second chunk, with neighbours in it.
LedgerImage::Chunk& second(LedgerImage& image) {
  return image.chunks[1];
}
uint64_t first_of(const LedgerImage::Chunk& chunk) {
  return chunk.name.first.value;
}

void alter_file(LedgerImage& image, size_t chunk, std::function<void(Bytes&)> change) {
  const std::string path = LedgerImage::path(image.chunks[chunk]);
  image.on_files.push_back([=](MemoryDisk& disk) {
    Bytes content = *disk.content(path);
    change(content);
    disk.put(path, content);
  });
}
void rename_file(LedgerImage& image, size_t chunk, const std::string& to) {
  const std::string path = LedgerImage::path(image.chunks[chunk]);
  image.on_files.push_back(
      [=](MemoryDisk& disk) { (void)disk.rename(path, path_in(LedgerImage::folder, to)); });
}
std::string name_of(uint64_t first, uint64_t last) {
  return ChunkName{SeqNo{first}, SeqNo{last}, true, false}.text();
}

/// A signature transaction with its JSON or COSE value replaced by `change`.
bool change_value(Bytes& entry, std::string_view map,
                  std::function<std::string(std::string)> change) {
  for (const Field& field : test::entry_fields(entry)) {
    if (field.name != std::string(map) + " value") continue;
    const std::string old(as_text(entry).substr(field.at, field.size));
    const std::string now = change(old);
    const size_t size_at = field.at - 8;
    const uint64_t rest = (number_at(entry, 0) >> 16) - old.size() + now.size();
    const uint64_t public_size = number_at(entry, 36) - old.size() + now.size();
    set_number(entry, 2, rest, 6);
    set_number(entry, 36, public_size);
    set_number(entry, size_at, now.size());
    const auto begin = entry.begin() + static_cast<std::ptrdiff_t>(field.at);
    const auto at = entry.erase(begin, begin + static_cast<std::ptrdiff_t>(old.size()));
    entry.insert(at, now.begin(), now.end());
    return true;
  }
  return false;
}

std::string with_member(const std::string& text, std::string_view member,
                        const std::string& value) {
  json::value document = *json::parse(text);
  document.as_object()[member] = value;
  return json::dump(document);
}

/// A COSE signature by any key over the right root.
std::string forged_cose(const std::string& original, const crypto::KeyPair& key, bool keep_kid) {
  const std::string encoded = std::string((*json::parse(original)).as_string());
  auto message = test::must(crypto::cose::Sign1::parse(*from_base64(encoded)));
  Bytes header = message.protected_bytes;
  if (!keep_kid) {
    const std::string kid = key.public_key().id();
    const std::string old_kid = to_text(*message.kid());
    const size_t at = as_text(header).find(old_kid);
    std::copy(kid.begin(), kid.end(), header.begin() + static_cast<std::ptrdiff_t>(at));
  }
  message.protected_bytes = header;
  message.signature = key.sign_raw(crypto::cose::sig_structure(header, Digest{}));
  return json::dump(json::value(to_base64(message.encode())));
}

struct Tampering {
  const char* name;
  /// False if the ledger has nothing to do this to.
  std::function<bool(LedgerImage&)> apply;
  const char* says;  ///< must stand in the refusal; alternatives are separated by |
};

/// Whether one of the alternatives stands in the text.
bool says(const std::string& text, std::string_view alternatives) {
  for (;;) {
    const size_t bar = alternatives.find('|');
    if (text.find(alternatives.substr(0, bar)) != std::string::npos) return true;
    if (bar == std::string_view::npos) return false;
    alternatives.remove_prefix(bar + 1);
  }
}

const std::vector<Tampering>& kinds() {
  static const crypto::KeyPair stranger = crypto::KeyPair::generate(crypto::Curve::p256);
  static const crypto::KeyPair stranger384 = crypto::KeyPair::generate(crypto::Curve::p384);
  static const test::TestService other_service;
  static const test::TestNode other_node(other_service);
  static const std::vector<Tampering> all = {
      // Order of entries
      {"two entries swapped",
       [](LedgerImage& image) {
         auto& entries = second(image).entries;
         std::swap(entries[0], entries[1]);
         return true;
       },
       "file name: the first entry has seqno"},
      {"two entries swapped inside a chunk",
       [](LedgerImage& image) {
         for (auto& chunk : image.chunks) {
           if (chunk.entries.size() < 4) continue;
           std::swap(chunk.entries[1], chunk.entries[2]);
           return true;
         }
         return false;
       },
       "seqno: is"},
      {"two entries swapped and relabelled",
       [](LedgerImage& image) {
         auto& chunk = second(image);
         std::swap(chunk.entries[0], chunk.entries[1]);
         relabel(chunk.entries[0], first_of(chunk));
         relabel(chunk.entries[1], first_of(chunk) + 1);
         return true;
       },
       "seqno"},
      {"an entry removed",
       [](LedgerImage& image) {
         auto& entries = second(image).entries;
         entries.erase(entries.begin() + 1);
         return true;
       },
       "the file name says"},
      {"an entry removed, the file renamed to fit",
       [](LedgerImage& image) {
         auto& chunk = second(image);
         chunk.entries.erase(chunk.entries.begin() + 1);
         *chunk.name.last = *chunk.name.last - 1;
         return true;
       },
       "are missing before it|seqno: is"},
      {"an entry removed, all after it relabelled",
       [](LedgerImage& image) {
         auto& last = image.chunks.back();
         last.entries.erase(last.entries.begin());
         if (last.name.last) *last.name.last = *last.name.last - 1;
         for (size_t i = 0; i < last.entries.size(); ++i)
           relabel(last.entries[i], first_of(last) + i);
         return true;
       },
       "seqno"},
      {"an entry duplicated",
       [](LedgerImage& image) {
         auto& chunk = second(image);
         chunk.entries.insert(chunk.entries.begin() + 1, chunk.entries[0]);
         *chunk.name.last = *chunk.name.last + 1;
         return true;
       },
       "overlaps|seqno: is"},
      {"an entry duplicated in the last chunk",
       [](LedgerImage& image) {
         auto& entries = image.chunks.back().entries;
         if (image.chunks.back().name.last) return false;
         entries.insert(entries.begin() + 1, entries[0]);
         return true;
       },
       "seqno: is"},
      {"a signature put in the place of another",
       [](LedgerImage& image) {
         const uint64_t first = image.signature_from(3);
         const uint64_t next = image.signature_from(first + 1);
         *image.entry(next) = *image.entry(first);
         relabel(*image.entry(next), next);
         return true;
       },
       "seqno"},
      {"the first entry of the ledger removed",
       [](LedgerImage& image) {
         image.chunks[0].entries.erase(image.chunks[0].entries.begin());
         image.chunks[0].name.first = SeqNo{2};
         return true;
       },
       "must begin with seqno 1"},

      // Files
      {"a chunk cut in the middle of its table",
       [](LedgerImage& image) {
         alter_file(image, 1, [](Bytes& file) { file.resize(file.size() - 2); });
         return true;
       },
       "not a multiple of 4"},
      {"a chunk cut by one table entry",
       [](LedgerImage& image) {
         alter_file(image, 1, [](Bytes& file) { file.resize(file.size() - 4); });
         return true;
       },
       "position table"},
      {"a chunk cut in the middle of an entry",
       [](LedgerImage& image) {
         alter_file(image, 1, [](Bytes& file) { file.resize(file.size() / 2); });
         return true;
       },
       "greater than total file size"},
      {"a chunk extended",
       [](LedgerImage& image) {
         alter_file(image, 1, [](Bytes& file) { file.resize(file.size() + 4); });
         return true;
       },
       "position table"},
      {"an open chunk extended",
       [](LedgerImage& image) {
         if (image.chunks.back().complete) return false;
         alter_file(image, image.chunks.size() - 1,
                    [](Bytes& file) { file.resize(file.size() + 99); });
         return true;
       },
       "entry version"},
      {"a chunk emptied",
       [](LedgerImage& image) {
         alter_file(image, 1, [](Bytes& file) { file.clear(); });
         return true;
       },
       "too short"},
      {"T one entry early",
       [](LedgerImage& image) {
         const uint64_t size = second(image).entries.back().size();
         alter_file(image, 1, [=](Bytes& file) { set_number(file, 0, number_at(file, 0) - size); });
         return true;
       },
       "position table"},
      {"T beyond the file",
       [](LedgerImage& image) {
         alter_file(image, 1, [](Bytes& file) { set_number(file, 0, file.size() + 8); });
         return true;
       },
       "greater than total file size"},
      {"T cleared in a committed chunk",
       [](LedgerImage& image) {
         alter_file(image, 1, [](Bytes& file) { set_number(file, 0, 0); });
         return true;
       },
       "invalid table offset (0)"},
      {"a position changed",
       [](LedgerImage& image) {
         alter_file(image, 1, [](Bytes& file) { file[number_at(file, 0) + 4] ^= 4; });
         return true;
       },
       "position table"},
      {"positions swapped",
       [](LedgerImage& image) {
         alter_file(image, 1, [](Bytes& file) {
           const auto table = file.begin() + static_cast<std::ptrdiff_t>(number_at(file, 0));
           std::swap_ranges(table, table + 4, table + 4);
         });
         return true;
       },
       "position table"},
      {"a file name that begins later",
       [](LedgerImage& image) {
         const auto& chunk = second(image);
         rename_file(image, 1, name_of(first_of(chunk) + 1, chunk.name.last->value));
         return true;
       },
       "missing before it"},
      {"a file name that ends later",
       [](LedgerImage& image) {
         const size_t last = image.chunks.size() - (image.chunks.back().name.last ? 1 : 2);
         const auto& chunk = image.chunks[last];
         rename_file(image, last, name_of(first_of(chunk), chunk.name.last->value + 1));
         return true;
       },
       "the file name says|overlaps"},
      {"a file name that ends earlier",
       [](LedgerImage& image) {
         const auto& chunk = second(image);
         rename_file(image, 1, name_of(first_of(chunk), chunk.name.last->value - 1));
         return true;
       },
       ""},
      {"a file name that is none",
       [](LedgerImage& image) {
         rename_file(image, 1, "ledger_all.committed");
         return true;
       },
       "not that of a ledger chunk"},
      {"a chunk missing in the middle",
       [](LedgerImage& image) {
         if (image.chunks.size() < 3) return false;
         image.chunks.erase(image.chunks.begin() + 1);
         return true;
       },
       "missing before it"},
      {"the first chunk missing",
       [](LedgerImage& image) {
         image.chunks.erase(image.chunks.begin());
         return true;
       },
       "must begin with seqno 1"},
      {"chunks that overlap",
       [](LedgerImage& image) {
         auto copy = second(image);
         copy.entries.erase(copy.entries.begin());
         copy.name.first = copy.name.first + 1;
         image.chunks.push_back(copy);
         return true;
       },
       "overlaps"},
      {"two chunks with one beginning",
       [](LedgerImage& image) {
         auto copy = second(image);
         copy.name = ChunkName{copy.name.first, std::nullopt, false, false};
         image.chunks.push_back(copy);
         return true;
       },
       "starts where"},
      {"an open chunk with a gap before it",
       [](LedgerImage& image) {
         auto& last = image.chunks.back();
         if (last.name.last || last.entries.size() < 2) return false;
         last.entries.erase(last.entries.begin());
         last.name.first = last.name.first + 1;
         return true;
       },
       "missing before it"},
      {"a committed chunk behind an open one",
       [](LedgerImage& image) {
         auto& chunk = second(image);
         if (image.chunks.size() < 3) return false;
         chunk.name = ChunkName{chunk.name.first, std::nullopt, false, false};
         chunk.complete = false;
         return true;
       },
       "unfinished"},
      {"a chunk that ends before its signature",
       [](LedgerImage& image) {
         auto& chunk = image.chunks[image.chunks.size() - (image.chunks.back().name.last ? 1 : 2)];
         if (image.chunks.back().name.last == std::nullopt) image.chunks.pop_back();
         auto& last = image.chunks.back();
         last.entries.pop_back();
         *last.name.last = *last.name.last - 1;
         (void)chunk;
         return true;
       },
       "chunk end: the last entry is not a signature"},
      {"a chunk of another service",
       [](LedgerImage& image) {
         static const LedgerImage foreign = [] {
           TestLedger ledger;
           ledger.standard();
           return LedgerImage::of(ledger);
         }();
         if (second(image).name != foreign.chunks[1].name) return false;
         second(image) = foreign.chunks[1];
         return true;
       },
       "Merkle leaf|root"},
      {"a whole other service's beginning",
       [](LedgerImage& image) {
         static const LedgerImage foreign = [] {
           TestLedger ledger;
           ledger.standard();
           return LedgerImage::of(ledger);
         }();
         if (image.chunks[0].name != foreign.chunks[0].name) return false;
         image.chunks[0] = foreign.chunks[0];
         return true;
       },
       ""},

      // Signatures
      {"a node signature by a stranger",
       [](LedgerImage& image) {
         return change_value(
             *image.entry(image.signature_from(3)), maps::signatures, [](const std::string& text) {
               const auto value = *json::parse(text);
               const Digest root =
                   *Digest::from_hex(std::string_view(value.at("root").as_string()));
               return with_member(text, "sig", to_base64(stranger.sign_digest(root)));
             });
       },
       "signatures: sig"},
      {"a node signature by a stranger with its own certificate",
       [](LedgerImage& image) {
         return change_value(
             *image.entry(image.signature_from(3)), maps::signatures, [](const std::string& text) {
               const auto value = *json::parse(text);
               const Digest root =
                   *Digest::from_hex(std::string_view(value.at("root").as_string()));
               return with_member(
                   with_member(text, "sig", to_base64(other_node.key.sign_digest(root))), "cert",
                   other_node.certificate);
             });
       },
       "signatures: cert"},
      {"a node signature by a node that the ledger does not know",
       [](LedgerImage& image) {
         return change_value(
             *image.entry(image.signature_from(3)), maps::signatures,
             [](const std::string& text) { return with_member(text, "node", other_node.id()); });
       },
       "signatures: node"},
      {"the signed root replaced by that of another signature",
       [](LedgerImage& image) {
         const uint64_t first = image.signature_from(3);
         std::string older;
         change_value(*image.entry(first), maps::signatures, [&](std::string text) {
           older = text;
           return text;
         });
         return change_value(*image.entry(image.signature_from(first + 1)), maps::signatures,
                             [&](const std::string& text) {
                               const auto value = *json::parse(older);
                               return with_member(text, "root",
                                                  std::string(value.at("root").as_string()));
                             });
       },
       "root"},
      {"the JSON seqno of a signature",
       [](LedgerImage& image) {
         return change_behind(*image.entry(image.signature_from(3)), "\"seqno\":");
       },
       "signatures: seqno"},
      {"the JSON view of a signature",
       [](LedgerImage& image) {
         return change_behind(*image.entry(image.signature_from(3)), "\"view\":");
       },
       "signatures: view"},
      {"a byte of the JSON signature",
       [](LedgerImage& image) {
         return change_behind(*image.entry(image.signature_from(3)), "\"sig\":\"", 40);
       },
       "signatures: sig"},
      {"the JSON of a signature broken",
       [](LedgerImage& image) {
         return replace_text(*image.entry(image.signature_from(3)), "\"root\":", "\"root\";");
       },
       "signatures"},
      {"a field of the JSON signature renamed",
       [](LedgerImage& image) {
         return replace_text(*image.entry(image.signature_from(3)), "\"sig\":", "\"sog\":");
       },
       "signatures"},
      {"a COSE signature by a stranger",
       [](LedgerImage& image) {
         for (uint64_t s = image.signature_from(2); s < image.last();
              s = image.signature_from(s + 1)) {
           if (change_value(*image.entry(s), maps::cose_signatures, [](const std::string& text) {
                 const bool p384 = text.size() > 330;
                 return forged_cose(text, p384 ? stranger384 : stranger, true);
               })) {
             return true;
           }
         }
         return false;
       },
       "cose_signatures: COSE signature"},
      {"a COSE signature by a stranger who says so",
       [](LedgerImage& image) {
         for (uint64_t s = image.signature_from(2); s < image.last();
              s = image.signature_from(s + 1)) {
           if (change_value(*image.entry(s), maps::cose_signatures, [](const std::string& text) {
                 return forged_cose(text, stranger, false);
               })) {
             return true;
           }
         }
         return false;
       },
       "cose_signatures: COSE protected header: kid"},
      {"the COSE signature taken out",
       [](LedgerImage& image) {
         for (uint64_t s = image.signature_from(2); s < image.last();
              s = image.signature_from(s + 1)) {
           if (replace_text(*image.entry(s), maps::cose_signatures,
                            "public:ccf.internal.bose_signatures")) {
             return true;
           }
         }
         return false;
       },
       "bose_signatures"},
      {"a leaf of the stored tree",
       [](LedgerImage& image) {
         for (const Field& field : test::entry_fields(*image.entry(image.signature_from(3)))) {
           if (field.name != std::string(maps::tree) + " value") continue;
           (*image.entry(image.signature_from(3)))[field.at + 20] ^= 1;
           return true;
         }
         return false;
       },
       "tree: root"},
      {"the number of leaves of the stored tree",
       [](LedgerImage& image) {
         for (const Field& field : test::entry_fields(*image.entry(image.signature_from(3)))) {
           if (field.name != std::string(maps::tree) + " value") continue;
           (*image.entry(image.signature_from(3)))[field.at + 7] ^= 1;
           return true;
         }
         return false;
       },
       "tree"},

      // Content
      {"the service certificate of the genesis replaced",
       [](LedgerImage& image) {
         return change_value(*image.entry(1), "public:ccf.gov.service.info",
                             [&](const std::string& text) {
                               return with_member(text, "cert", other_service.certificate.pem());
                             });
       },
       "certificate: is not signed by the service"},
      {"a byte of the service certificate",
       [](LedgerImage& image) {
         return change_value(*image.entry(1), "public:ccf.gov.service.info", [](std::string text) {
           const size_t at = text.find("BEGIN CERTIFICATE") + 200;
           text[at] = text[at] == 'A' ? 'B' : 'A';
           return text;
         });
       },
       "seqno 1"},
      {"a node certificate by another service",
       [](LedgerImage& image) {
         return change_value(*image.entry(1), "public:ccf.gov.nodes.endorsed_certificates",
                             [](const std::string&) { return other_node.certificate; });
       },
       "certificate"},
      {"a node made pending",
       [](LedgerImage& image) {
         return replace_text(*image.entry(1), "\"Trusted\"", "\"Pending\"");
       },
       "seqno 1, Merkle leaf"},
      {"the status of the service",
       [](LedgerImage& image) {
         return change_value(
             *image.entry(1), "public:ccf.gov.service.info",
             [](const std::string& text) { return with_member(text, "status", "Closed"); });
       },
       "status"},
      {"the creating transaction of the service",
       [](LedgerImage& image) {
         return change_value(*image.entry(1), "public:ccf.gov.service.info",
                             [](const std::string& text) {
                               return with_member(text, "current_service_create_txid", "2.2");
                             });
       },
       "current_service_create_txid"},
      {"a public value replaced by one of another length",
       [](LedgerImage& image) {
         return change_value(*image.entry(1), "public:ccf.gov.constitution",
                             [](const std::string& text) { return text + " "; });
       },
       "seqno 1, Merkle leaf"},
      {"the tags of two entries exchanged",
       [](LedgerImage& image) {
         const uint64_t s = find_entry(image, false, 3);
         swap_field(*image.entry(s), *image.entry(s + 1), 8, 16);
         return true;
       },
       "Merkle leaf"},
      {"the evidence of two entries exchanged",
       [](LedgerImage& image) {
         const uint64_t s = find_entry(image, false, 3);
         swap_field(*image.entry(s), *image.entry(s + 1), 85, 32);
         return true;
       },
       "Merkle leaf"},
      {"the claims of the snapshot evidence",
       [](LedgerImage& image) {
         for (uint64_t s = 1; s < image.last(); ++s) {
           if (as_text(*image.entry(s)).find("snapshot_evidence") == std::string_view::npos)
             continue;
           if (image.is_signature(s)) continue;
           std::fill_n(image.entry(s)->begin() + 53, 32, uint8_t{0});
           return true;
         }
         return false;
       },
       "claims digest"},
      {"claims on a signature",
       [](LedgerImage& image) {
         (*image.entry(image.signature_from(3)))[60] = 1;
         return true;
       },
       "claims digest: in a signature"},
      {"a private domain on a signature",
       [](LedgerImage& image) {
         Bytes& entry = *image.entry(image.signature_from(3));
         entry.resize(entry.size() + 40);
         set_number(entry, 2, (number_at(entry, 0) >> 16) + 40, 6);
         return true;
       },
       "private domain: in a signature"},

      // Order of views, flags
      {"a view that goes back",
       [](LedgerImage& image) {
         set_number(*image.entry(image.signature_from(3) + 1), 32, 1, 4);
         return true;
       },
       "view: goes back"},
      {"a view that begins without a signature",
       [](LedgerImage& image) {
         const uint64_t s = find_entry(image, false, image.signature_from(3) + 1);
         set_number(*image.entry(s + 1), 32, 9, 4);
         return true;
       },
       "view"},
      {"the close flag on an entry that is no signature",
       [](LedgerImage& image) {
         (*image.entry(find_entry(image, false, 3)))[1] = 1;
         return true;
       },
       "flags: 0x01"},
      {"the close flag on a signature inside a chunk",
       [](LedgerImage& image) {
         for (uint64_t s = image.signature_from(2); s + 1 < image.last();
              s = image.signature_from(s + 1)) {
           if (image.chunk_with(s) != image.chunk_with(s + 1)) continue;
           (*image.entry(s))[1] = 1;
           return true;
         }
         return false;
       },
       "flags: the entry before has 0x01"},
      {"the close-before flag inside a chunk",
       [](LedgerImage& image) {
         (*image.entry(first_of(second(image)) + 1))[1] = 2;
         return true;
       },
       "flags: 0x02"},
      {"an unknown flag",
       [](LedgerImage& image) {
         (*image.entry(3))[1] |= 4;
         return true;
       },
       "flags: unknown"},
      {"an older entry type",
       [](LedgerImage& image) {
         // Type 3 has no claims: take those out and all lengths stay right.
         Bytes& entry = *image.entry(find_entry(image, false, 3));
         entry[44] = 3;
         entry.erase(entry.begin() + 53, entry.begin() + 85);
         set_number(entry, 2, (number_at(entry, 0) >> 16) - 32, 6);
         set_number(entry, 36, number_at(entry, 36) - 32);
         return true;
       },
       "entry type: 3"},
      {"a snapshot entry in the ledger",
       [](LedgerImage& image) {
         (*image.entry(3))[44] = 1;
         return true;
       },
       ""},
  };
  return all;
}

TEST(Tamper, every_kind_is_refused_and_named) {
  EXPECT_GE(kinds().size(), 30u);
  const std::vector<Target> all = targets();
  for (const Tampering& kind : kinds()) {
    size_t applied = 0;
    for (const Target& target : all) {
      LedgerImage image = target.image;
      if (!kind.apply(image)) continue;
      ++applied;
      const VerifyReport report = verify(image, target);
      ASSERT_FALSE(report.ok()) << kind.name << " on " << target.name;
      const VerifyFailure& failure = *report.failure;
      EXPECT_TRUE(says(failure.text(), kind.says))
          << kind.name << " on " << target.name << ": " << failure.text();
      EXPECT_FALSE(failure.file.empty()) << kind.name << ": " << failure.text();
      EXPECT_FALSE(failure.field.empty()) << kind.name << ": " << failure.text();
    }
    EXPECT_GE(applied, 1u) << kind.name;
  }
}

TEST(Tamper, random_flips_anywhere_in_committed_chunks_are_refused) {
  std::mt19937_64 random(11);
  for (const Target& target : targets()) {
    for (int i = 0; i < 60; ++i) {
      LedgerImage image = target.image;
      const size_t chunk = random() % image.chunks.size();
      if (!image.chunks[chunk].name.committed) continue;
      // The last signature of all is vouched for by nothing but itself, see below.
      if (image.chunks[chunk].name.last->value >= image.last()) continue;
      const uint64_t where = random();
      const unsigned bit = random() % 8;
      alter_file(image, chunk,
                 [=](Bytes& file) { file[where % file.size()] ^= uint8_t(1u << bit); });
      EXPECT_FALSE(verify(image, target).ok())
          << target.name << " " << image.chunks[chunk].name.text() << " " << where;
    }
  }
}

// ---------------------------------------------------------- what is not vouched for by a signature

/// A short ledger with a tail: two signatures, then two entries that nothing vouches for.
const Target& tailed() {
  static const Target target = [] {
    TestLedger ledger;
    ledger.genesis();
    ledger.sign(close_chunk_after);
    ledger.write("public:log", "1", "in clear");
    ledger.sign();
    ledger.write("secret", "5", "not signed yet");
    ledger.write("public:log", "4", "not signed either");
    return Target{"tailed", LedgerImage::of(ledger), ledger.service.certificate.pem(),
                  ledger.secrets};
  }();
  return target;
}
constexpr uint64_t last_signature = 4;

/// Fields whose bits nothing covers without secrets: those of the tail, and in the last signature
/// those that are neither signed nor compared with anything.
bool covered_without_secrets(const Field& field, bool is_signature) {
  static const std::set<std::string> framing = {
      "version", "size",     "IV seqno",   "IV view",     "public size",  "type",
      "seqno",   "reserved", "read count", "write count", "remove count", "flags"};
  if (framing.contains(field.name)) return true;
  if (field.name.ends_with(" size")) return true;
  if (!is_signature) return false;
  return field.name == "claims" || field.name == "map name" || field.name.ends_with(" key") ||
         field.name == std::string(maps::tree) + " value" ||
         field.name == std::string(maps::cose_signatures) + " value";
}

TEST(Tamper, the_unsigned_tail_shows_only_what_has_to_fit) {
  const Target& target = tailed();
  ASSERT_TRUE(target.image.is_signature(last_signature));
  ASSERT_EQ(target.image.last(), last_signature + 2);
  for (uint64_t seqno = last_signature; seqno <= last_signature + 2; ++seqno) {
    const bool is_signature = seqno == last_signature;
    for (const Field& field : test::entry_fields(*LedgerImage(target.image).entry(seqno))) {
      // JSON texts have fields of their own, below. Parts of a map name may become another name.
      if (field.name == std::string(maps::signatures) + " value") continue;
      for (size_t i = 0; i<field.size; i += field.size> 64 ? 7 : 1) {
        const unsigned bit = static_cast<unsigned>(i % 8);
        LedgerImage image = target.image;
        (*image.entry(seqno))[field.at + i] ^= static_cast<uint8_t>(1u << bit);
        const std::string place =
            std::to_string(seqno) + " " + field.name + " byte " + std::to_string(i);
        const VerifyReport report = verify(image, target);
        if (field.name == "size" && report.torn_tail) {
          // An entry that claims to be longer looks like one that was being written.
          EXPECT_TRUE(report.ok());
          EXPECT_EQ(report.last.seqno.value, seqno - 1) << place;
          continue;
        }
        // With the secrets nothing but the frame is left uncovered, and the frame has to fit.
        EXPECT_FALSE(verify(image, target, true).ok()) << place;
        // "public:" spoilt puts the map into the wrong domain; the JSON of other maps is not read.
        const bool prefix = field.name == "map name" && i < 7;
        EXPECT_EQ(report.ok(), !(covered_without_secrets(field, is_signature) || prefix))
            << place << (report.ok() ? "" : report.failure->text());
        if (report.ok()) {
          EXPECT_EQ(report.last_verified.seqno.value, last_signature);
          EXPECT_EQ(report.unverified_tail, 2u);
        }
      }
    }
  }
}

TEST(Tamper, the_last_signature_vouches_for_its_own_json_where_it_matters) {
  const Target& target = tailed();
  struct {
    const char* label;
    bool noticed;
  } const fields[] = {
      {"\"root\":\"", true},
      {"\"sig\":\"", true},
      {"\"node\":\"", true},
      {"\"seqno\":", true},
      {"\"view\":", true},
      {"\"cert\":\"-----BEGIN CERTIFICATE-----\\n", true},
      {"\"commit_seqno\":", false},
      {"\"commit_view\":", false},
      {"\"hashed_nonce\":\"", false},
  };
  for (const auto& [label, noticed] : fields) {
    LedgerImage image = target.image;
    ASSERT_TRUE(change_behind(*image.entry(last_signature), label)) << label;
    EXPECT_EQ(verify(image, target).ok(), !noticed) << label;
    EXPECT_FALSE(verify(image, target, true).ok()) << label;
  }
}

TEST(Tamper, a_tail_cut_off_after_a_signature_is_not_noticed_but_reported) {
  // Nobody can tell a shorter ledger from an older one: the report says how far it goes.
  const Target& target = generated();
  LedgerImage image = target.image;
  image.chunks.pop_back();
  const VerifyReport report = verify(image, target);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report.last_verified.seqno.value, 16u);
  EXPECT_EQ(report.committed_last.value, 16u);
}

}  // namespace
}  // namespace entente::ledger
