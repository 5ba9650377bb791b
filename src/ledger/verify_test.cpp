// Offline verification of the sample ledgers: every figure of an independent checker.

#include "ledger/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/memory_disk.h"
#include "crypto/digest.h"
#include "ledger/sample_ledgers.h"

namespace entente::ledger {
namespace {

using testing::HasSubstr;

class VerifySamples : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, VerifySamples, testing::ValuesIn(samples::names()),
                         [](const auto& parameter) { return parameter.param; });

std::string text(const json::value& value) {
  return std::string(value.as_string());
}
uint64_t number(const json::value& value) {
  return value.to_number<uint64_t>();
}

VerifyOptions options_for(const samples::Ledger& ledger) {
  VerifyOptions options;
  options.folders = {(ledger.folder / "ledger").string()};
  options.service_certificate = ledger.text("common/service_cert.pem");
  return options;
}

std::vector<std::string> member_keys(const samples::Ledger& ledger) {
  std::vector<std::string> keys;
  for (int i = 0;; ++i) {
    const std::string name = "common/member" + std::to_string(i) + "_enc_privk.pem";
    if (!std::filesystem::exists(ledger.folder / name)) return keys;
    keys.push_back(ledger.text(name));
  }
}

TEST_P(VerifySamples, figures) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load(GetParam());
  const json::object& expected = ledger.expected.as_object();
  VerifyOptions options = options_for(ledger);
  options.secrets = *ledger.secrets;
  std::vector<VerifiedSignature> signatures;
  const VerifyReport report = verify_ledger(
      system_disk(), options, [&](const VerifiedSignature& seen) { signatures.push_back(seen); });
  ASSERT_TRUE(report.ok()) << report.failure->text();

  EXPECT_EQ(report.entries, number(expected.at("entries")));
  EXPECT_EQ(report.last.text(), text(expected.at("last_txid")));
  EXPECT_EQ(report.last_verified.text(), text(expected.at("last_verified_txid")));
  EXPECT_EQ(report.unverified_tail, 0u);
  EXPECT_FALSE(report.torn_tail);
  EXPECT_EQ(report.committed_last.value, number(expected.at("committed_last_seqno")));
  EXPECT_EQ(report.committed_last_signature_root.hex(),
            text(expected.at("committed_last_signature_root")));
  EXPECT_EQ(report.last_signature_root.hex(), text(expected.at("last_signature_root")));
  EXPECT_EQ(report.root_over_all_entries.hex(), text(expected.at("root_over_all_entries")));
  EXPECT_EQ(report.service_status, text(expected.at("service_status")));
  EXPECT_EQ(report.service_key.hex(), text(expected.at("service_key_sha256")));
  EXPECT_EQ(report.node_signatures, number(expected.at("node_signatures")));
  EXPECT_EQ(report.cose_signatures, number(expected.at("cose_signatures")));
  EXPECT_EQ(report.private_entries, number(expected.at("private_entries")));
  EXPECT_EQ(report.secret_chain_holds, expected.at("secret_chain_invariant_holds").as_bool());
  EXPECT_TRUE(report.secrets_checked);

  json::array created;
  for (const SeqNo seqno : report.service_create_seqnos) created.emplace_back(seqno.value);
  EXPECT_EQ(json::dump(created), json::dump(expected.at("service_create_seqnos")));
  json::array views;
  for (const auto& [view, seqno] : report.views) {
    views.push_back(json::array{view.value, seqno.value});
  }
  EXPECT_EQ(json::dump(views), json::dump(expected.at("views")));
  json::object types;
  for (const auto& [type, count] : report.entry_types) types[std::to_string(type)] = count;
  EXPECT_EQ(json::dump(types), json::dump(expected.at("entry_types")));

  json::array chunks;
  for (const VerifyReport::Chunk& chunk : report.chunks) {
    const Bytes content = samples::read(ledger.folder / "ledger" / chunk.file);
    EXPECT_EQ(content.size(), chunk.bytes);
    chunks.push_back(json::object{{"file", chunk.file},
                                  {"first", chunk.first.value},
                                  {"last", chunk.last.value},
                                  {"complete", chunk.complete},
                                  {"size", chunk.bytes},
                                  {"sha256", crypto::sha256(content).hex()}});
  }
  EXPECT_EQ(json::dump(chunks), json::dump(expected.at("chunks")));

  json::array signed_roots;
  for (const VerifiedSignature& signature : signatures) {
    signed_roots.push_back(json::object{{"txid", signature.txid.text()},
                                        {"root", signature.root.hex()},
                                        {"node", signature.node.value},
                                        {"cose", signature.cose},
                                        {"tree_first_leaf", signature.tree_first_leaf}});
  }
  EXPECT_EQ(json::dump(signed_roots), json::dump(expected.at("signatures")));
}

TEST_P(VerifySamples, without_secrets_and_without_trust) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load(GetParam());
  VerifyOptions options = options_for(ledger);
  options.service_certificate.reset();
  const VerifyReport report = verify_ledger(system_disk(), options);
  ASSERT_TRUE(report.ok()) << report.failure->text();
  EXPECT_FALSE(report.secrets_checked);
  EXPECT_EQ(report.last_verified.text(), text(ledger.expected.at("last_verified_txid")));

  options.uncommitted = false;
  const VerifyReport committed = verify_ledger(system_disk(), options);
  ASSERT_TRUE(committed.ok()) << committed.failure->text();
  EXPECT_EQ(committed.last.seqno.value, number(ledger.expected.at("committed_last_seqno")));
  EXPECT_EQ(committed.last_signature_root.hex(),
            text(ledger.expected.at("committed_last_signature_root")));
}

TEST_P(VerifySamples, secrets_from_members_keys) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load(GetParam());
  VerifyOptions options = options_for(ledger);
  options.member_keys = member_keys(ledger);
  ASSERT_FALSE(options.member_keys.empty());
  const VerifyReport report = verify_ledger(system_disk(), options);
  if (GetParam() == "sgx_service_prefix") {
    ASSERT_FALSE(report.ok()) << "shares of 1.x cannot be combined";
    return;
  }
  ASSERT_TRUE(report.ok()) << report.failure->text();
  EXPECT_TRUE(report.secrets_checked);
  ASSERT_EQ(report.secrets.all().size(), ledger.secrets->all().size());
  for (const LedgerSecret& secret : ledger.secrets->all()) {
    const LedgerSecret* found = report.secrets.find(secret.start);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->start, secret.start);
    EXPECT_TRUE(found->key == secret.key);
  }
}

TEST_P(VerifySamples, the_wrong_service_certificate_is_named) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load(GetParam());
  // One other is enough: the ledger is read to its end before its service is compared.
  const std::string other =
      GetParam() == samples::names()[0] ? samples::names()[1] : samples::names()[0];
  VerifyOptions options = options_for(ledger);
  options.service_certificate = samples::load(other).text("common/service_cert.pem");
  const VerifyReport report = verify_ledger(system_disk(), options);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.failure->field, "service certificate");
  EXPECT_THAT(report.failure->reason, HasSubstr("the trusted certificate is of"));
}

TEST_P(VerifySamples, snapshots) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load(GetParam());
  VerifyOptions options = options_for(ledger);
  for (const auto& expected : ledger.expected.at("snapshots").as_array()) {
    const std::string path = (ledger.folder / "snapshots" / text(expected.at("file"))).string();
    const SnapshotReport report = verify_snapshot(system_disk(), path);
    ASSERT_TRUE(report.ok()) << report.failure->text();
    EXPECT_EQ(report.seqno.value, number(expected.at("seqno")));
    EXPECT_EQ(report.evidence.value, number(expected.at("evidence_seqno")));
    EXPECT_EQ(report.entry_size, number(expected.at("entry_size")));
    EXPECT_EQ(report.digest.hex(), text(expected.at("digest")));
    EXPECT_EQ(report.leaf.hex(), text(expected.at("leaf")));
    EXPECT_EQ(report.public_maps, number(expected.at("public_maps")));
    EXPECT_EQ(report.root_with_leaf.hex(), text(expected.at("root_with_leaf")));
    json::array history;
    for (const SeqNo seqno : report.view_history) history.emplace_back(seqno.value);
    EXPECT_EQ(json::dump(history), json::dump(expected.at("view_history")));
    options.snapshots.push_back(path);
  }
  const VerifyReport report = verify_ledger(system_disk(), options);
  EXPECT_TRUE(report.ok()) << report.failure->text();
}

TEST(VerifySnapshot, altered_files_are_refused) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load("ref7_recovered");
  const Bytes good = samples::read(ledger.folder / "snapshots" / "snapshot_100_101.committed");
  const std::string trusted = ledger.text("common/service_cert.pem");
  const auto check = [&](const Bytes& content,
                         const std::string& name = "snapshot_100_101.committed",
                         const std::string& certificate = "") {
    MemoryDisk disk;
    disk.put("/s/" + name, content);
    const SnapshotReport report =
        verify_snapshot(disk, "/s/" + name, certificate.empty() ? trusted : certificate);
    return report.ok() ? std::string() : report.failure->text();
  };
  EXPECT_EQ(check(good), "");
  EXPECT_THAT(check(good, "snapshot_101_102.committed"), HasSubstr("file name"));
  EXPECT_THAT(check(good, "snapshot_100_102.committed"), HasSubstr("commit_evidence"));
  EXPECT_THAT(check(good, "snapshot_100_101"), HasSubstr("file name"));
  EXPECT_THAT(check({}), HasSubstr("empty"));
  EXPECT_THAT(check(Bytes(good.begin(), good.begin() + 86101)), HasSubstr("receipt: missing"));
  EXPECT_THAT(check(Bytes(good.begin(), good.end() - 1)), HasSubstr("receipt"));
  EXPECT_THAT(check(Bytes(good.begin(), good.begin() + 40)), HasSubstr("entry"));
  EXPECT_THAT(
      check(good, "snapshot_100_101.committed", ledger.text("common/service_cert_first_epoch.pem")),
      HasSubstr("receipt"));
  for (size_t at = 0; at < good.size(); at += at < 200 ? 3 : at > 86000 ? 29 : 1997) {
    Bytes bad = good;
    bad[at] ^= 1;
    if (bad[at] == '\n' || good[at] == '\n') continue;
    // Inside the receipt, hex digits may change their case and PEM text its layout.
    const std::string outcome = check(bad);
    if (at < 86101) {
      EXPECT_NE(outcome, "") << at;
    }
  }
}

TEST_P(VerifySamples, chunks_spread_over_read_only_folders) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load(GetParam());
  MemoryDisk disk;
  ASSERT_TRUE(disk.create_folders("/main").ok());
  ASSERT_TRUE(disk.create_folders("/a").ok());
  ASSERT_TRUE(disk.create_folders("/b").ok());
  int i = 0;
  for (const auto& chunk : ledger.expected.at("chunks").as_array()) {
    const std::string file = text(chunk.at("file"));
    const Bytes content = samples::read(ledger.folder / "ledger" / file);
    const bool committed = file.ends_with(".committed");
    disk.put((committed ? (++i % 2 ? "/a/" : "/b/") : "/main/") + file, content);
    if (committed) disk.put("/b/" + file, content);  // a duplicate is dropped
  }
  VerifyOptions options;
  options.folders = {"/main", "/a", "/b"};
  uint64_t calls = 0;
  options.progress = [&](const VerifyProgress& progress) {
    ++calls;
    EXPECT_LE(progress.bytes_done, progress.bytes_total);
  };
  const VerifyReport report = verify_ledger(disk, options);
  EXPECT_TRUE(report.ok()) << report.failure->text();
  EXPECT_EQ(report.entries, number(ledger.expected.at("entries")));
  EXPECT_GE(calls, 1u);
}

TEST_P(VerifySamples, an_open_chunk_may_be_torn_anywhere) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load(GetParam());
  const auto& last_chunk = ledger.expected.at("chunks").as_array().back();
  if (last_chunk.at("complete").as_bool()) GTEST_SKIP() << "no open chunk";
  MemoryDisk disk;
  for (const auto& chunk : ledger.expected.at("chunks").as_array()) {
    const std::string file = text(chunk.at("file"));
    disk.put("/l/" + file, samples::read(ledger.folder / "ledger" / file));
  }
  const std::string open = "/l/" + text(last_chunk.at("file"));
  const Bytes whole = *disk.content(open);
  VerifyOptions options;
  options.folders = {"/l"};
  uint64_t last = 0;
  for (size_t size = 0; size < whole.size(); size += whole.size() / 7) {
    disk.put(open, BytesView(whole).first(size));
    const VerifyReport report = verify_ledger(disk, options);
    ASSERT_TRUE(report.ok()) << size << " " << report.failure->text();
    EXPECT_GE(report.last.seqno.value, last);
    EXPECT_EQ(report.unverified_tail, report.last.seqno - report.last_verified.seqno);
    last = report.last.seqno.value;
    const bool boundary = !report.torn_tail;
    if (boundary || size > whole.size() / 3) continue;
    options.accept_torn_tail = false;
    EXPECT_FALSE(verify_ledger(disk, options).ok());
    options.accept_torn_tail = true;
  }
}

}  // namespace
}  // namespace entente::ledger
