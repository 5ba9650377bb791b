// Reading the past: everything that was written comes back with its proof, nothing else does.
#include "history/past_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "history/test_service.h"
#include "ledger/receipt.h"
#include "ledger/sample_ledgers.h"

namespace entente::history {
namespace {

using test::TestLedgerFiles;

/// What one transaction wrote, in one text.
std::string text_of(const kv::WriteSet& writes) {
  std::string text;
  for (const kv::MapWrites& map : writes) {
    text += std::string(map.map) + "{";
    for (const kv::Write& write : map.writes) {
      text += to_hex(write.key) + (write.value ? "=" + to_hex(*write.value) : "-") + ";";
    }
    text += "}";
  }
  return text;
}
std::string text_of(const State& state) {
  return text_of(state.content().writes);
}

/// A generated ledger and what it must hold.
struct Written {
  TestLedgerFiles files;
  std::vector<std::string> texts;  ///< [i] of seqno i+1
  std::vector<Digest> claims;
  std::vector<bool> signatures;
  SeqNo committed;

  void write(const std::string& map, const std::string& key, std::optional<std::string> value,
             const Digest& claim) {
    kv::WriteSet writes{{map, {{as_bytes(key), std::nullopt}}}};
    if (value) writes[0].writes[0].value = as_bytes(*value);
    files.append(writes, {first_view, {texts.size() + 1}}, claim);
    texts.push_back(text_of(writes));
    claims.push_back(claim);
    signatures.push_back(false);
  }
  void sign(uint8_t flags = 0) {
    committed = files.sign(first_view, flags).seqno;
    texts.emplace_back();
    claims.emplace_back();
    signatures.push_back(true);
  }
  void fill(const std::vector<uint8_t>& intervals) {
    for (const uint8_t interval : intervals) {
      for (unsigned i = 0; i < interval % 20; ++i) {
        const std::string name = std::to_string(texts.size());
        write(i % 2 == 0 ? "private" : "public:m", "key" + name,
              i % 5 == 4 ? std::nullopt : std::make_optional("value" + name),
              i % 3 == 0 ? crypto::sha256(as_bytes(name)) : Digest{});
      }
      sign(interval >= 128 ? ledger::close_chunk_after : 0);
    }
  }

  void check(const State& state, SeqNo seqno) const {
    const size_t at = seqno.value - 1;
    ASSERT_EQ(state.id(), (TxId{first_view, seqno}));
    ASSERT_EQ(state.is_signature(), signatures[at]);
    if (!signatures[at]) {
      ASSERT_EQ(text_of(state), texts[at]);
    }
    const ledger::ReceiptTrust trust{.service = files.identity.service};
    const std::string receipt = json::dump(describe_receipt(state));
    const auto report = ledger::verify_receipt(as_bytes(receipt), trust);
    ASSERT_TRUE(report.ok()) << report.error().message << receipt;
    ASSERT_EQ(report->signature_transaction, signatures[at]);
    const auto cose = describe_cose_receipt(state);
    ASSERT_EQ(cose.has_value(), !signatures[at]);
    ASSERT_EQ(describe_merkle_proof(state).has_value(), !signatures[at]);
    ASSERT_TRUE(describe_cose_signature(state).has_value());
    if (!cose) return;
    ASSERT_EQ(report->txid, state.id());
    ASSERT_EQ(report->claims_digest, claims[at]);
    const auto cose_report = ledger::verify_receipt(*cose, trust);
    ASSERT_TRUE(cose_report.ok()) << cose_report.error().message;
    ASSERT_EQ(cose_report->txid, state.id());
    ASSERT_EQ(cose_report->claims_digest, claims[at]);
  }
};

TEST(PastLedger, GivesBackEveryTransactionWithItsProof) {
  rc::check("what was written is read, over any range and any memory limit", [] {
    Written written;
    auto intervals = *rc::gen::container<std::vector<uint8_t>>(rc::gen::arbitrary<uint8_t>());
    intervals.resize(std::min<size_t>(intervals.size(), 12));
    intervals.push_back(3);
    written.fill(intervals);
    PastLedger past(written.files.sources());
    for (int i = 0; i < 4; ++i) {
      const SeqNo first{*rc::gen::inRange<uint64_t>(1, written.committed.value + 1)};
      const SeqNo last{*rc::gen::inRange<uint64_t>(first.value, written.committed.value + 1)};
      const auto limit = *rc::gen::inRange<uint64_t>(1, 20000);
      for (SeqNo at = first; at <= last;) {
        const auto states = past.read(at, last, written.committed, limit);
        RC_ASSERT(states.ok());
        RC_ASSERT(!states->empty());
        RC_ASSERT(limit > 1 || states->size() == 1);
        for (const StatePtr& state : *states) {
          RC_ASSERT(at <= last);
          written.check(*state, at);
          RC_ASSERT(!testing::Test::HasFatalFailure());
          ++at;
        }
      }
    }
  });
}

TEST(PastLedger, UsesTheSecretOfEachSeqno) {
  Written written;
  written.write("private", "a", "before", {});
  written.sign();
  ASSERT_TRUE(written.files.secrets->add({4}, crypto::random_key()).ok());
  written.files.sealer = std::make_unique<ledger::EntrySealer>(written.files.secrets);
  written.write("private", "a", "last under the old one", {});
  written.write("private", "a", "first under the new one", {});
  written.sign();
  PastLedger past(written.files.sources());
  const auto states = past.read({1}, {5}, {5}, 1 << 20);
  ASSERT_TRUE(states.ok()) << states.error().message;
  ASSERT_EQ(states->size(), 5u);
  for (const StatePtr& state : *states) written.check(*state, state->id().seqno);
}

TEST(PastLedger, RefusesWhatNoSignatureOfTheServiceCovers) {
  Written written;
  written.fill({4, 5});
  const auto refused = [&](LedgerSources sources, SeqNo seqno, SeqNo committed) {
    PastLedger past(std::move(sources));
    const auto states = past.read(seqno, seqno, committed, 1 << 20);
    return states.ok() ? "read" : states.error().message;
  };
  EXPECT_EQ(refused(written.files.sources(), {3}, written.committed), "read");

  auto other_service = written.files.sources();
  const auto stranger = ledger::TestIdentity::make(crypto::Curve::p256);
  other_service.service = [&] { return stranger.service; };
  EXPECT_THAT(refused(other_service, {3}, written.committed),
              testing::HasSubstr("not issued by the current service identity"));

  auto other_secrets = written.files.sources();
  auto wrong = std::make_shared<ledger::LedgerSecrets>();
  ASSERT_TRUE(wrong->add({1}, crypto::random_key()).ok());
  other_secrets.secrets = [&] { return wrong; };
  EXPECT_THAT(refused(other_secrets, {3}, written.committed), testing::StartsWith("ledger at 3"));

  // Not signed yet: the last signature is at 11.
  written.write("private", "late", "unsigned", {});
  EXPECT_THAT(refused(written.files.sources(), {12}, {12}),
              testing::HasSubstr("no signature up to the commit point"));
  EXPECT_THAT(refused(written.files.sources(), {13}, {13}), testing::StartsWith("ledger at 13"));
}

TEST(PastLedger, EveryFlippedBitIsNoticed) {
  Written written;
  written.fill({3, 4});
  const std::string path = "ledger/ledger_1";
  const uint64_t size = written.files.disk.content(path)->size();
  std::vector<uint64_t> begins;  // offset of each entry
  {
    const Bytes content = *written.files.disk.content(path);
    for (uint64_t at = 8; at < size;) {
      begins.push_back(at);
      at += *ledger::entry_size(BytesView(content).subspan(at));
    }
  }
  ASSERT_EQ(begins.size(), written.texts.size());
  for (size_t i = 0; i < begins.size(); ++i) {
    const SeqNo seqno{i + 1};
    const uint64_t end = i + 1 < begins.size() ? begins[i + 1] : size;
    for (uint64_t offset = begins[i]; offset < end; offset += 3) {
      ASSERT_TRUE(written.files.disk.flip_bit(path, offset, offset % 8).ok());
      PastLedger past(written.files.sources());
      const auto states = past.read(seqno, seqno, written.committed, 1 << 20);
      // The flags of a signature are bound by the signature after it alone.
      const bool flags_of_signature = written.signatures[i] && offset == begins[i] + 1;
      ASSERT_TRUE(!states.ok() || flags_of_signature)
          << "seqno " << i + 1 << ", byte " << offset - begins[i];
      if (!states) {
        ASSERT_THAT(states.error().message, testing::StartsWith("ledger at "));
      }
      ASSERT_TRUE(written.files.disk.flip_bit(path, offset, offset % 8).ok());
    }
  }
}

TEST(PastLedger, EntriesCannotChangePlaces) {
  Written written;
  // Of the same size, so that the file's offsets stay true.
  for (int i = 0; i < 4; ++i) written.write("private", "k" + std::to_string(i), "v", {});
  written.sign();
  const std::string path = "ledger/ledger_1";
  Bytes content = *written.files.disk.content(path);
  const uint64_t entry = *ledger::entry_size(BytesView(content).subspan(8));
  std::swap_ranges(content.begin() + 8, content.begin() + 8 + static_cast<ptrdiff_t>(entry),
                   content.begin() + 8 + static_cast<ptrdiff_t>(entry));
  written.files.disk.put(path, content);
  PastLedger past(written.files.sources());
  EXPECT_FALSE(past.read({1}, {1}, written.committed, 1 << 20).ok());
  EXPECT_FALSE(past.read({2}, {2}, written.committed, 1 << 20).ok());
  EXPECT_TRUE(past.read({3}, {4}, written.committed, 1 << 20).ok());
}

TEST(States, HoldExactlyTheWritesOfTheirTransaction) {
  Written written;
  const kv::Map<std::string, std::string> table("m"), other("other");
  const std::string gone = "\"gone\"", here = "\"here\"", value = "\"v\"";
  written.files.append({{"m", {{as_bytes(gone), std::nullopt}, {as_bytes(here), as_bytes(value)}}}},
                       {first_view, {1}}, {});
  written.texts.emplace_back();
  written.claims.emplace_back();
  written.signatures.push_back(false);
  written.sign();
  PastLedger past(written.files.sources());
  const StatePtr state = past.read({1}, {1}, written.committed, 1 << 20)->front();

  const auto diff = state->diff(table);
  EXPECT_EQ(diff.size(), 2u);
  EXPECT_EQ(diff.value("here"), "v");
  EXPECT_TRUE(diff.is_deleted("gone"));
  EXPECT_FALSE(diff.has("gone"));
  EXPECT_EQ(diff.get("gone"), std::optional<std::optional<std::string>>(std::in_place));
  EXPECT_EQ(diff.get("never"), std::nullopt);
  std::string seen;
  diff.foreach ([&](const std::string& key, const std::optional<std::string>& written_value) {
    seen += key + (written_value ? "=" + *written_value : "-") + ";";
    return true;
  });
  EXPECT_EQ(seen, "gone-;here=v;");
  EXPECT_EQ(state->diff(other).size(), 0u);
  EXPECT_EQ(state->diff(other).get("here"), std::nullopt);

  auto tx = state->begin();
  EXPECT_EQ(tx.ro(table).get("here"), "v");
  EXPECT_FALSE(tx.ro(table).has("gone"));
  EXPECT_EQ(tx.ro(table).size(), 1u);
  EXPECT_EQ(tx.ro(table).get_version_of_previous_write("here"), SeqNo{1});
  EXPECT_EQ(tx.ro(other).size(), 0u);
}

// ------------------------------------------------------------------------------- sample ledgers

class SamplePast : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, SamplePast, testing::ValuesIn(ledger::samples::names()),
                         [](const auto& instance) { return instance.param; });

TEST_P(SamplePast, IsReadFromTheCurrentIdentityOn) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const auto sample = ledger::samples::load(GetParam());
  MemoryDisk disk;
  for (const auto& file : std::filesystem::directory_iterator(sample.folder / "ledger")) {
    disk.put("ledger/" + file.path().filename().string(), ledger::samples::read(file.path()));
  }
  const auto writer =
      ledger::LedgerWriter::open(disk, {.main = "ledger"}, ledger::StartUp::existing);
  ASSERT_TRUE(writer.ok()) << writer.error().message;
  const auto certificate = crypto::Certificate::from_pem(sample.text("common/service_cert.pem"));
  PastLedger past({.ledger = **writer,
                   .secrets = [&] { return sample.secrets; },
                   .service = [&] { return *certificate; }});
  const auto verified =
      TxId::parse(std::string_view(sample.expected.at("last_verified_txid").as_string()));
  const auto created = sample.expected.at("service_create_seqnos").as_array();
  const SeqNo first{created.back().to_number<uint64_t>()};
  const ledger::ReceiptTrust trust{.service = *certificate};

  size_t read = 0;
  for (SeqNo at = first; at <= verified->seqno;) {
    const auto states = past.read(at, verified->seqno, verified->seqno, 4 << 20);
    ASSERT_TRUE(states.ok()) << states.error().message;
    for (const StatePtr& state : *states) {
      ASSERT_EQ(state->id().seqno, at);
      const std::string receipt = json::dump(describe_receipt(*state));
      const auto report = ledger::verify_receipt(as_bytes(receipt), trust);
      ASSERT_TRUE(report.ok()) << at.value << ": " << report.error().message;
      if (const auto cose = describe_cose_receipt(*state)) {
        const auto cose_report = ledger::verify_receipt(*cose, trust);
        ASSERT_TRUE(cose_report.ok()) << at.value << ": " << cose_report.error().message;
        ASSERT_EQ(cose_report->txid, state->id());
      }
      ++at;
      ++read;
    }
  }
  EXPECT_EQ(read, verified->seqno.value - first.value + 1);
  if (first > SeqNo{1}) {
    const auto earlier = past.read(first - 1, first - 1, verified->seqno, 1 << 20);
    ASSERT_FALSE(earlier.ok());
    EXPECT_THAT(earlier.error().message,
                testing::AnyOf(testing::HasSubstr("current service identity"),
                               testing::HasSubstr("no node certificate")));
  }
}

}  // namespace
}  // namespace entente::history
