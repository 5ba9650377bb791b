#pragma once
// For tests: writes the ledger of a whole small service (genesis, signatures, opening, private
// writes, an election, a rekey, disaster recovery), entry by entry, with keys in hand. Hooks change
// an entry before it is hashed and signed, so that ledgers can be made that break one rule and are
// signed all the same. Source: docs/ledger-format.md (13).

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/encoding.h"
#include "base/json.h"
#include "crypto/random.h"
#include "crypto/rsa.h"
#include "crypto/x509_issue.h"
#include "ledger/chunk_file.h"
#include "ledger/endorsement.h"
#include "ledger/entry_sealer.h"
#include "ledger/merkle.h"
#include "ledger/shares.h"
#include "ledger/signature.h"

namespace entente::ledger::test {

template <typename T>
T must(Result<T> result) {
  if (!result) invariant_broken(result.error().message.c_str());
  return std::move(result).value();
}
inline void must(Result<void> result) {
  if (!result) invariant_broken(result.error().message.c_str());
}

/// A service identity: key and self-signed certificate.
struct TestService {
  crypto::KeyPair key;
  crypto::Certificate certificate;
  explicit TestService(crypto::Curve curve = crypto::Curve::p256)
      : key(crypto::KeyPair::generate(curve)),
        certificate(must(crypto::self_signed_ca(key, "CN=Test Service", {UnixTime(1700000000)}))) {}
};

/// A node identity, its certificate issued by a service.
struct TestNode {
  crypto::KeyPair key;
  std::string certificate;
  explicit TestNode(const TestService& service, crypto::Curve curve = crypto::Curve::p256)
      : key(crypto::KeyPair::generate(curve)) {
    const auto request = must(crypto::make_request(key, "CN=Test Node", {}));
    certificate = must(crypto::issue_from_request(request, service.key, service.certificate,
                                                  {UnixTime(1700000000)}))
                      .pem();
  }
  std::string id() const { return key.public_key().id(); }
};

/// The RSA key of the one member; made once, because that takes long.
inline const crypto::RsaKeyPair& test_member_key() {
  static const crypto::RsaKeyPair key = crypto::RsaKeyPair::generate(2048);
  return key;
}

class TestLedger {
 public:
  /// Map name to key to value; a value of nullopt removes.
  using Writes = std::map<std::string, std::map<std::string, std::optional<std::string>>>;

  explicit TestLedger(crypto::Curve curve = crypto::Curve::p256)
      : service(curve), node(service, curve) {
    must(secrets->add(SeqNo{1}, crypto::random_key()));
  }

  // ----------------------------------------------------------------- hooks, for one entry each

  std::function<void(Bytes& entry)> alter_entry;          ///< before hashing
  std::function<void(SignatureValues&)> alter_signature;  ///< before sealing
  std::function<void(Writes&)> alter_writes;              ///< of service and node entries
  std::optional<uint64_t> seal_as_seqno;                  ///< another seqno than the next
  Digest claims{};                                        ///< of the next entry
  std::shared_ptr<const LedgerSecrets> seal_with;         ///< other secrets
  std::optional<Signer> sign_as;                          ///< another signer
  std::optional<uint64_t> tree_from;                      ///< first leaf of the stored tree
  Writes beside_signature;                                ///< more maps in the signature

  // ------------------------------------------------------------------------------------ entries

  TxId add(Writes writes, uint8_t flags = 0) {
    if (alter_writes) std::exchange(alter_writes, nullptr)(writes);
    kv::WriteSet set;
    for (const auto& [map, records] : writes) {
      kv::MapWrites& target = set.emplace_back(kv::MapWrites{map, {}});
      for (const auto& [key, value] : records) {
        target.writes.push_back(
            {as_bytes(key), value ? std::optional(as_bytes(*value)) : std::nullopt});
      }
    }
    return seal(set, flags);
  }

  /// A signature transaction by `node` (or sign_as).
  TxId sign(uint8_t flags = 0) {
    const std::optional<Signer> other = std::exchange(sign_as, std::nullopt);
    const Signer signer =
        other ? *other : Signer{node.key, node.certificate, service.key, "issuer", "subject"};
    const uint64_t first = std::exchange(tree_from, std::nullopt).value_or(last_signature.value);
    SignatureValues values =
        sign_root(signer, {view, SeqNo{next()}}, tree, first, UnixTime(1700000001));
    if (alter_signature) std::exchange(alter_signature, nullptr)(values);
    Writes writes;
    const std::string unit(8, '\0');
    for (const kv::MapWrites& map : values.write_set()) {
      const BytesView value = *map.writes[0].value;
      if (!value.empty()) writes[std::string(map.map)][unit] = to_text(value);
    }
    for (const auto& [map, records] : std::exchange(beside_signature, {})) writes[map] = records;
    last_root = tree.root();
    const TxId id = add(std::move(writes), flags);
    last_signature = id.seqno;
    return id;
  }

  TxId write(const std::string& map, const std::string& key, const std::string& value,
             uint8_t flags = 0) {
    return add({{map, {{key, value}}}}, flags);
  }

  TxId genesis() {
    created = {view, SeqNo{next()}};
    Writes writes = node_row(node, "Trusted");
    writes[service_info] = {{unit(), info("Opening")}};
    writes["public:ccf.gov.constitution"] = {{unit(), "\"export function apply() {}\""}};
    writes["public:ccf.gov.service.config"] = {{unit(), R"({"recovery_threshold":1})"}};
    writes["public:ccf.gov.members.info"] = {{std::string(64, 'a'), R"({"status":"Active"})"}};
    return add(writes);
  }

  TxId open_service() {
    const EndorsementRecord endorsement =
        make_self_endorsement(service.key, created, UnixTime(1700000002));
    endorsement_at = SeqNo{next()};
    last_endorsement = endorsement;
    Writes writes = share(std::nullopt);
    writes[std::string(maps::historical_encrypted_ledger_secret)] = {
        {unit(), first_historical_secret().json()}};
    writes[service_info] = {{unit(), info("Open")}};
    writes[std::string(maps::previous_service_identity_endorsement)] = {
        {unit(), endorsement.json()}};
    historical_at = SeqNo{next()};
    return add(writes);
  }

  TxId join(const TestNode& joiner, const std::string& status = "Trusted") {
    return add(node_row(joiner, status));
  }

  TxId snapshot_evidence(SeqNo at) {
    const Digest hash = crypto::sha256(as_bytes("snapshot " + std::to_string(at.value)));
    claims = hash;
    return write("public:ccf.internal.snapshot_evidence", unit(),
                 R"({"hash":")" + hash.hex() + R"(","version":)" + std::to_string(at.value) + "}");
  }

  TxId rekey() {
    const LedgerSecret old = *secrets->latest();
    const crypto::SymmetricKey key = crypto::random_key();
    const HistoricalSecret historical =
        make_historical_secret(key, old, historical_at, std::nullopt, crypto::system_random());
    auto more = std::make_shared<LedgerSecrets>(*secrets);
    must(more->add(SeqNo{next() + 1}, key));
    auto before = std::exchange(secrets, more);
    Writes writes = share(historical_at);
    secrets = before;
    writes[std::string(maps::historical_encrypted_ledger_secret)] = {{unit(), historical.json()}};
    writes["public:ccf.internal.encrypted_ledger_secrets"] = {{unit(), "{}"}};
    historical_at = SeqNo{next()};
    const TxId id = add(writes);
    secrets = more;
    return id;
  }

  /// A new service takes over after the last signature: its creating entry.
  TxId recover(uint8_t flags = close_chunk_before, uint64_t views = 2) {
    const TestService old_service = std::exchange(service, TestService(service.key.curve()));
    const TestNode old_node = std::exchange(node, TestNode(service, node.key.curve()));
    recovery_secret_from = LedgerSecret(*secrets->latest());
    auto more = std::make_shared<LedgerSecrets>(*secrets);
    must(more->add(SeqNo{next()}, crypto::random_key()));
    secrets = more;
    view.value += views;
    created = {view, SeqNo{next()}};
    ++recoveries;
    previous_root = last_root;
    Writes writes = node_row(node, "Trusted");
    writes[nodes_info][old_node.id()] = node_info(old_node, "Retired");
    writes[service_info] = {{unit(), info("Recovering")}};
    writes["public:ccf.gov.service.previous_service_identity"] = {
        {unit(), json::dump(json::value(old_service.certificate.pem()))}};
    writes["public:ccf.internal.previous_service_last_signed_root"] = {
        {unit(), "\"" + last_root.hex() + "\""}};
    return add(writes, flags);
  }
  TxId wait_for_shares() {
    return add({{service_info, {{unit(), info("WaitingForRecoveryShares")}}}});
  }
  TxId open_recovered() {
    const EndorsementRecord record =
        make_endorsement(service.key, created, {*last_endorsement, endorsement_at, previous_root},
                         UnixTime(1700000003));
    last_endorsement = record;
    endorsement_at = SeqNo{next()};
    const LedgerSecret latest = *secrets->latest();
    const HistoricalSecret historical = make_historical_secret(
        latest.key, *recovery_secret_from, historical_at, latest.start, crypto::system_random());
    Writes writes = share(historical_at);
    writes[std::string(maps::historical_encrypted_ledger_secret)] = {{unit(), historical.json()}};
    writes[service_info] = {{unit(), info("Open")}};
    writes[std::string(maps::previous_service_identity_endorsement)] = {{unit(), record.json()}};
    historical_at = SeqNo{next()};
    return add(writes);
  }

  /// Genesis to an unsigned tail in the open chunk; four chunks, two nodes, two views, two secrets.
  void standard() {
    genesis();
    sign(close_chunk_after);
    write("public:log", "1", "in clear");
    write("secret", "2", "not for everybody");
    sign();
    open_service();
    sign(close_chunk_after);
    snapshot_evidence(last_signature);
    claims = crypto::sha256(as_bytes("claims"));
    add({{"public:log", {{"1", "a"}, {"2", std::nullopt}}}, {"secret", {{"k", "v"}, {"l", "w"}}}});
    write("secret", "3", "more");
    sign();
    const TestNode second(service, service.key.curve());
    join(second);
    sign();
    view.value += 1;  // an election
    node = second;
    sign();
    rekey();
    sign(close_chunk_after);
    write("secret", "4", "under the new secret");
    write("public:log", "3", "in clear");
    sign();
    write("secret", "5", "not signed yet");
    write("public:log", "4", "not signed either");
  }

  /// What a disaster recovery adds, to the end; the unsigned tail goes first.
  void recovery() {
    drop_tail();
    recover();
    sign();
    wait_for_shares();
    sign();
    open_recovered();
    sign(close_chunk_after);
    write("secret", "6", "after the recovery");
    sign();
  }

  void drop_tail() {
    while (next() > last_signature.value + 1) {
      entries.pop_back();
      tree.truncate(tree.size() - 1);
    }
  }

  // -------------------------------------------------------------------------------------- files

  struct Chunk {
    ChunkName name;
    bool complete = false;
    std::vector<Bytes> entries;
  };
  /// Cut where the flags say; complete chunks are committed.
  std::vector<Chunk> chunks() const {
    std::vector<Chunk> out;
    for (size_t i = 0; i < entries.size(); ++i) {
      const uint8_t flags = entries[i][1];
      const bool begins = i == 0 || (entries[i - 1][1] & close_chunk_after) != 0 ||
                          (flags & close_chunk_before) != 0;
      if (begins) {
        finish(out);
        out.push_back({ChunkName{SeqNo{i + 1}, {}, false, false}, false, {}});
      }
      out.back().entries.push_back(entries[i]);
    }
    if ((entries.back()[1] & close_chunk_after) != 0) finish(out);
    return out;
  }

  // -------------------------------------------------------------------------------------- state

  static std::string unit() { return std::string(8, '\0'); }
  inline static const std::string service_info = "public:ccf.gov.service.info";
  inline static const std::string nodes_info = "public:ccf.gov.nodes.info";
  inline static const std::string certificates = "public:ccf.gov.nodes.endorsed_certificates";

  std::string info(const std::string& status) const {
    json::object fields{{"cert", service.certificate.pem()},
                        {"current_service_create_txid", created.text()},
                        {"recovery_count", recoveries},
                        {"status", status}};
    return json::dump(fields);
  }
  static std::string node_info(const TestNode& node, const std::string& status) {
    return json::dump(
        json::object{{"public_key", node.key.public_key().pem()}, {"status", status}});
  }
  static Writes node_row(const TestNode& node, const std::string& status) {
    return {{nodes_info, {{node.id(), node_info(node, status)}}},
            {certificates, {{node.id(), node.certificate}}}};
  }
  uint64_t next() const { return entries.size() + 1; }

  TestService service;
  TestNode node;
  View view = first_view;
  TxId created;
  uint64_t recoveries = 0;
  SeqNo last_signature;
  Digest last_root;
  Digest previous_root;
  std::optional<EndorsementRecord> last_endorsement;
  SeqNo endorsement_at;
  SeqNo historical_at;
  std::optional<LedgerSecret> recovery_secret_from;
  std::shared_ptr<LedgerSecrets> secrets = std::make_shared<LedgerSecrets>();
  MerkleTree tree;
  std::vector<Bytes> entries;  ///< entries[i] has seqno i+1

 private:
  static void finish(std::vector<Chunk>& chunks) {
    if (chunks.empty() || chunks.back().complete) return;
    Chunk& chunk = chunks.back();
    chunk.complete = chunk.name.committed = true;
    chunk.name.last = chunk.name.first + (chunk.entries.size() - 1);
  }

  Writes share(std::optional<SeqNo> previous_stored) const {
    const std::vector<RecoveryMember> members = {
        {std::string(64, 'a'), test_member_key().public_key(), false}};
    const RecoveryShares shares = must(share_ledger_secret(
        secrets->latest()->key, members, 1, previous_stored, crypto::system_random()));
    return {{std::string(maps::recovery_shares), {{unit(), shares.json()}}}};
  }

  TxId seal(const kv::WriteSet& set, uint8_t flags) {
    const uint64_t seqno = std::exchange(seal_as_seqno, std::nullopt).value_or(next());
    const TxId id{view, SeqNo{seqno}};
    EntrySealer sealer(seal_with ? std::exchange(seal_with, nullptr)
                                 : std::shared_ptr<const LedgerSecrets>(secrets));
    Bytes bytes;
    sealer.seal(set, id, std::exchange(claims, Digest{}), flags, bytes);
    if (alter_entry) std::exchange(alter_entry, nullptr)(bytes);
    const auto parsed = parse_entry(bytes);
    tree.append(parsed ? entry_leaf(*parsed, crypto::sha256(bytes)) : Digest{});
    entries.push_back(std::move(bytes));
    return id;
  }
};

}  // namespace entente::ledger::test
