#pragma once
// For tests only: frontends over a store in memory whose transactions go to a real ledger on a disk
// in memory, signed when the test says so; and the past of that ledger.

#include <atomic>
#include <memory>
#include <string>

#include "base/memory_disk.h"
#include "history/history.h"
#include "ledger/test_service.h"
#include "rpc/common_endpoints.h"
#include "rpc/test_service.h"

namespace entente::history::test {

/// Entries, signatures and files: what a replica makes of a store.
class TestLedgerFiles {
 public:
  explicit TestLedgerFiles(crypto::Curve curve = crypto::Curve::p256)
      : identity(ledger::TestIdentity::make(curve)) {
    EXPECT_TRUE(secrets->add({1}, crypto::random_key()).ok());
    sealer = std::make_unique<ledger::EntrySealer>(secrets);
    writer = std::move(
        *ledger::LedgerWriter::open(disk, {.main = "ledger"}, ledger::StartUp::new_service));
  }

  void append(const kv::WriteSet& writes, const TxId& txid, const Digest& claims,
              uint8_t flags = 0) {
    Bytes entry;
    tree.append(sealer->seal(writes, txid, claims, flags, entry).leaf);
    const auto written = writer->append(entry);
    EXPECT_TRUE(written.ok()) << written.error().message;
  }
  /// Signs everything so far; returns the id of the signature.
  TxId sign(View view, uint8_t flags = 0) {
    const TxId txid{view, writer->last() + 1};
    const auto values =
        ledger::sign_root(identity.signer(), txid, tree, first_leaf, UnixTime(1750000000));
    append(values.write_set(), txid, Digest{}, flags);
    EXPECT_TRUE(writer->commit(txid.seqno).ok());
    first_leaf = txid.seqno.value;
    return txid;
  }
  LedgerSources sources() const {
    return {.ledger = *writer,
            .secrets = [this] { return std::shared_ptr<const ledger::LedgerSecrets>(secrets); },
            .service = [this] { return identity.service; },
            .cose_signatures = {"service.example.com", "ledger.signature"}};
  }

  ledger::TestIdentity identity;
  std::shared_ptr<ledger::LedgerSecrets> secrets = std::make_shared<ledger::LedgerSecrets>();
  MemoryDisk disk;
  std::unique_ptr<ledger::EntrySealer> sealer;
  std::unique_ptr<ledger::LedgerWriter> writer;
  ledger::MerkleTree tree;
  uint64_t first_leaf = 0;  ///< of the next signature's stored tree
};

/// What the history thread sees of consensus: the commit point alone.
struct CommitPoint final : replica::Status {
  std::atomic<uint64_t> seqno{0};
  TxId committed() const override { return {first_view, {seqno.load()}}; }
  View view() const override { return first_view; }
  // Nobody asks it anything else.
  TxStatus status(TxId) const override { return TxStatus::unknown; }
  TxId last() const override { return committed(); }
  View view_of(SeqNo) const override { return {}; }
  bool is_primary() const override { return true; }
  std::optional<NodeId> primary() const override { return std::nullopt; }
  std::vector<SeqNo> view_starts() const override { return {}; }
  consensus::Details details() const override { return {}; }
  bool over_limit() const override { return false; }
  SeqNo last_signed() const override { return {}; }
  void when_final(TxId, MonotonicTime, replica::FinalCallback) override {}
  void confirm_leadership(View, MonotonicTime, replica::ConfirmedCallback) override {}
};

/// Register endpoints, then start().
class TestService : public rpc::test::Service {
 public:
  TestService() {
    worker = rpc::Worker([this](kv::Tx& tx, const replica::CommitOptions& options) {
      commits.push_back(options);
      const kv::CommitResult result = store.commit(tx);
      if (result.status == kv::CommitStatus::committed) {
        files.append(kv::Store::write_set(tx), result.id, options.claims);
      }
      return result;
    });
    history.install(node);
    rpc::install_common_endpoints(app(), node);
    install_receipt_endpoint(app(), node);
  }

  /// A transaction of the framework itself.
  TxId write(std::string_view map, std::string_view key, std::string_view value) {
    kv::Tx tx = store.begin(kv::Context::framework);
    tx.wo(map).put(as_bytes(key), as_bytes(value));
    const auto result = store.commit(tx);
    files.append(kv::Store::write_set(tx), result.id, Digest{});
    return result.id;
  }

  /// Signs; everything so far is globally committed.
  TxId commit_all() {
    const auto reservation = store.reserve(store.epoch());
    const auto values = ledger::sign_root(files.identity.signer(), reservation->id, files.tree,
                                          files.first_leaf, clock.unix);
    EXPECT_TRUE(store.fill(*reservation, values.write_set()));
    files.append(values.write_set(), reservation->id, Digest{});
    files.first_leaf = reservation->id.seqno.value;
    EXPECT_TRUE(files.writer->commit(reservation->id.seqno).ok());
    store.compact(reservation->id.seqno);
    status.committed_id = reservation->id;
    commit_point.seqno = reservation->id.seqno.value;
    return reservation->id;
  }

  /// Repeats a request until it is not 202 any more.
  http::Response until_ready(http::Method method, std::string_view target,
                             const Headers& headers = {}, std::string_view body = {}) {
    http::Response response;
    for (int attempt = 0; attempt < 10000; ++attempt) {
      response = send(method, target, body, headers);
      if (response.status != http::status::accepted) return response;
      EXPECT_NE(response.header("retry-after"), nullptr);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return response;
  }
  http::Response historical(std::string_view target, const TxId& id) {
    return until_ready(http::Method::get, target, {{"x-ms-ccf-transaction-id", id.text()}});
  }

  /// A client with a certificate; as a user of the service if `known`.
  crypto::Certificate show_user(std::string_view user_data = "null", bool known = true) {
    const auto key = crypto::KeyPair::generate(crypto::Curve::p256);
    const auto certificate = rpc::test::make_certificate(key, clock.unix - UnixTime(1));
    if (known) {
      write("public:ccf.gov.users.certs", certificate.id(), certificate.pem());
      write("public:ccf.gov.users.info", certificate.id(),
            "{\"user_data\":" + std::string(user_data) + "}");
    }
    show_certificate(certificate);
    return certificate;
  }

  TestLedgerFiles files;
  CommitPoint commit_point;
  History history{files.sources(), commit_point, clock};
};

}  // namespace entente::history::test
