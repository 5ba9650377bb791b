#pragma once
// For tests only: a service in memory with members who hold real keys, one node, ledger secrets
// and stand-ins for the node that governance runs on.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "crypto/random.h"
#include "gov/recovery_shares.h"
#include "gov/signed_message.h"
#include "gov/surroundings.h"
#include "gov/tables.h"
#include "ledger/secret_broadcast.h"
#include "rpc/test_service.h"

namespace entente::gov::test {

/// Making these takes long: all tests of a process share them.
inline const crypto::RsaKeyPair& encryption_key(size_t index) {
  static std::map<size_t, crypto::RsaKeyPair> keys;
  const auto known = keys.find(index);
  if (known != keys.end()) return known->second;
  return keys.emplace(index, crypto::RsaKeyPair::generate()).first->second;
}

struct TestMember {
  crypto::KeyPair key;
  crypto::Certificate certificate;
  size_t encryption_key_index = 0;
  const std::string& id() const { return certificate.id(); }
};

class EffectsService : public rpc::test::Service {
 public:
  EffectsService() {
    EXPECT_TRUE(first_secrets->add({1}, crypto::random_key()).ok());
    secrets = first_secrets;
    put_info("Opening");
    put_config(1);
    add_node(node_id, "Trusted", 100);
  }

  // -----------------------------------------------------------------------------------
  // surroundings
  crypto::KeyPair service_key = crypto::KeyPair::generate(crypto::Curve::p256);
  crypto::Certificate service_certificate = *crypto::self_signed_ca(
      service_key, "CN=Test service", {.not_before = clock.unix, .days = 30});
  std::shared_ptr<ledger::LedgerSecrets> first_secrets = std::make_shared<ledger::LedgerSecrets>();
  std::shared_ptr<const ledger::LedgerSecrets> secrets;
  Stage stage = Stage::part_of_network;
  bool has_service_key = true;
  int chunks = 0, snapshots = 0;
  size_t pending_configurations = 0;
  std::map<NodeId, replica::Standing> standings;
  Surroundings surroundings{
      .clock = clock,
      .random = crypto::system_random(),
      .node = node,
      .stage = [this] { return stage; },
      .service_key = [this] { return has_service_key ? &service_key : nullptr; },
      .secrets = [this] { return secrets; },
      .root_at = {},
      .request_chunk = [this] { ++chunks; },
      .request_snapshot = [this] { ++snapshots; },
      .historical_secret_at = {},
      .pending_configurations = [this] { return pending_configurations; },
      .standing =
          [this](const NodeId& id) {
            const auto known = standings.find(id);
            return known == standings.end() ? replica::Standing::unknown : known->second;
          }};

  // -----------------------------------------------------------------------------------------
  // tables
  static std::string id_of(char digit) { return std::string(64, digit); }
  const std::string node_id = id_of('a');

  void put_unit(std::string_view table, const json::value& value) {
    put(table, as_text(tables::unit()), json::dump(value));
  }
  json::value get_unit(std::string_view table) {
    const auto text = get(table, as_text(tables::unit()));
    return text ? *json::parse(*text) : json::value("absent");
  }
  void put_info(std::string_view service_status, json::object more = {}) {
    more["cert"] = service_certificate.pem();
    more["status"] = service_status;
    more.emplace("current_service_create_txid", "2.1");
    more.emplace("recovery_count", 0);
    put_unit(tables::service_info, more);
  }
  std::string status_in_table() {
    return std::string(get_unit(tables::service_info).at("status").get_string());
  }
  void put_config(uint64_t threshold) {
    put_unit(tables::service_config, json::object{{"recovery_threshold", threshold}});
  }
  void add_node(const std::string& id, std::string_view node_status, size_t key_index,
                json::object more = {}) {
    more["status"] = node_status;
    more["encryption_pub_key"] = encryption_key(key_index).public_key().pem();
    more["node_to_node_interface"] = json::object{{"published_address", "127.0.0.1:1"}};
    put(tables::nodes_info, id, json::dump(more));
  }

  std::vector<TestMember> members;
  /// `role`: as stored; empty: none is stored.
  const TestMember& add_member(std::string_view member_status, bool with_key,
                               std::string_view role = {}) {
    const auto key = crypto::KeyPair::generate(crypto::Curve::p256);
    const size_t index = members.size();
    members.push_back({key, rpc::test::make_certificate(key, clock.unix), index});
    const TestMember& member = members.back();
    put(tables::members_certs, member.id(), member.certificate.pem());
    json::object info{{"status", member_status}};
    if (!role.empty()) info["recovery_role"] = role;
    put(tables::members_info, member.id(), json::dump(info));
    if (with_key) {
      put(tables::members_encryption_keys, member.id(), encryption_key(index).public_key().pem());
    }
    return member;
  }

  // -----------------------------------------------------------------------------------
  // transactions
  /// Runs and, where it succeeds, commits, as a request would. "" or the error's message.
  template <typename Effect>
  std::string transact(Effect effect) {
    kv::Tx tx = store.begin(kv::Context::framework);
    try {
      const auto done = effect(tx);
      if (!done) return done.error().message;
    } catch (const RpcException& refusal) {
      return refusal.what();
    }
    last_commit = store.commit(tx).id;
    return "";
  }
  TxId last_commit;

  /// Seqno of the last write of a single-value table; 0 if there is none.
  uint64_t written_at(std::string_view table) {
    kv::ReadOnlyTx tx = store.begin_read_only(kv::Context::framework);
    const auto version = tx.ro(table).get_version_of_previous_write(tables::unit());
    return version ? version->value : 0;
  }
  Bytes raw_unit(std::string_view table) { return to_bytes(*get(table, as_text(tables::unit()))); }

  // ------------------------------------------------------------------------------------------
  // shares
  ledger::RecoveryShares shares() {
    return *ledger::parse_recovery_shares(raw_unit(tables::recovery_shares));
  }
  Result<crypto::Share> share_of(const TestMember& member) {
    return ledger::decrypt_share(shares(), member.id(),
                                 encryption_key(member.encryption_key_index));
  }
  /// What the given members together get out of the tables.
  std::optional<crypto::SymmetricKey> unwrap(const std::vector<const TestMember*>& by,
                                             size_t threshold) {
    std::vector<crypto::Share> collected;
    for (const TestMember* member : by) {
      const auto share = share_of(*member);
      if (!share) return std::nullopt;
      collected.push_back(*share);
    }
    const auto secret = ledger::unwrap_latest_secret(shares(), collected, threshold);
    if (!secret) return std::nullopt;
    return *secret;
  }
  ledger::SecretBroadcast broadcast() {
    return *ledger::parse_secret_broadcast(raw_unit(tables::encrypted_ledger_secrets));
  }
  /// What a node does when a rekey commits.
  void take_up_secrets(size_t key_index = 100) {
    auto grown = std::make_shared<ledger::LedgerSecrets>(*secrets);
    const SeqNo at{written_at(tables::encrypted_ledger_secrets)};
    const auto sent = broadcast();
    for (const auto& item : sent.nodes.at(NodeId{node_id})) {
      const auto key = ledger::open_ledger_secret(item.sealed, encryption_key(key_index));
      ASSERT_TRUE(key.ok()) << key.error().message;
      ASSERT_TRUE(grown->add(item.start(at), *key).ok());
    }
    secrets = grown;
  }

  // ----------------------------------------------------------------------------------------
  // requests
  /// With api-version and, for signed ones, the member's signature. Status, code and message.
  http::Response get_gov(const std::string& path, std::string_view version = "2024-07-01") {
    const char separator = path.find('?') == std::string::npos ? '?' : '&';
    return get_request("/gov" + path + separator + "api-version=" + std::string(version));
  }
  http::Response post_gov(const std::string& path, const TestMember& member, std::string_view type,
                          std::string_view payload) {
    const auto message = sign_message({std::string(type), 1'750'000'000, std::nullopt},
                                      as_bytes(payload), member.certificate, member.key);
    EXPECT_TRUE(message.ok());
    return send(http::Method::post, "/gov" + path + "?api-version=2024-07-01", as_text(*message),
                {{"content-type", "application/cose"}});
  }
};

}  // namespace entente::gov::test
