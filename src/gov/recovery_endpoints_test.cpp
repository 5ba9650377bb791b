// /gov/recovery/*, as whole requests.

#include <gtest/gtest.h>

#include "crypto/aead.h"
#include "gov/effects_fixture.h"
#include "gov/service_endpoints.h"
#include "gov/submitted_shares.h"

namespace entente::gov {
namespace {

using rpc::test::body_json;
using rpc::test::body_text;
using rpc::test::summary;
using test::TestMember;

/// A service after a disaster: its tables are those of an older one with two secrets, from seqno 1
/// and from 30 on; this node has only the secret of the recovery, from 100 on.
class RecoveryEndpointsTest : public testing::Test {
 protected:
  RecoveryEndpointsTest() { install_recovery_endpoints(registry(), service.surroundings); }
  EndpointRegistry& registry() { return service.frontends.registry(rpc::Actor::gov); }

  void recover(size_t participants, size_t owners, uint64_t threshold) {
    for (size_t i = 0; i < participants; ++i) service.add_member("Active", true);
    for (size_t i = 0; i < owners; ++i) service.add_member("Active", true, "Owner");
    service.put_config(threshold);
    service.put_unit(tables::historical_encrypted_ledger_secret, json::object{{"next_version", 1}});
    const SeqNo first{service.written_at(tables::historical_encrypted_ledger_secret)};
    history[first.value] = service.raw_unit(tables::historical_encrypted_ledger_secret);
    service.put(tables::historical_encrypted_ledger_secret, as_text(tables::unit()),
                ledger::make_historical_secret(second, *service.first_secrets->latest(), first,
                                               SeqNo{30}, crypto::system_random())
                    .json());
    std::vector<ledger::RecoveryMember> holders;
    for (size_t i = 0; i < service.members.size(); ++i) {
      holders.push_back(
          {service.members[i].id(), test::encryption_key(i).public_key(), i >= participants});
    }
    service.put(tables::recovery_shares, as_text(tables::unit()),
                ledger::share_ledger_secret(second, holders, threshold, std::nullopt,
                                            crypto::system_random())
                    ->json());
    service.put_info("WaitingForRecoveryShares");
    auto fresh = std::make_shared<ledger::LedgerSecrets>();
    ASSERT_TRUE(fresh->add({100}, crypto::random_key()).ok());
    service.secrets = fresh;
    service.stage = Stage::public_only;
    service.surroundings.historical_secret_at =
        [this](SeqNo seqno) -> Result<ledger::HistoricalSecret> {
      if (!history.contains(seqno.value)) return Error{"nothing written there"};
      return ledger::parse_historical_secret(history[seqno.value]);
    };
    service.start();
  }

  static std::string payload(BytesView share) {
    return json::dump(json::object{{"share", to_base64(share)}});
  }
  http::Response submit(const TestMember& member, std::string_view content,
                        std::string_view url_id = {}) {
    const std::string id(url_id.empty() ? std::string_view(member.id()) : url_id);
    return service.post_gov("/recovery/members/" + id + ":recover", member, "recovery_share",
                            content);
  }
  http::Response submit_own(const TestMember& member) {
    return submit(member, payload(service.share_of(member)->encode()));
  }
  size_t kept() {
    kv::ReadOnlyTx tx = service.store.begin_read_only(kv::Context::framework);
    return submitted_share_count(tx);
  }
  void expect_recovered() {
    const auto items = service.broadcast().nodes.at(NodeId{service.node_id});
    ASSERT_EQ(items.size(), 2u);
    EXPECT_EQ(items[0].version, SeqNo{1});
    EXPECT_EQ(items[1].version, SeqNo{30});
    EXPECT_EQ(*ledger::open_ledger_secret(items[0].sealed, test::encryption_key(100)),
              service.first_secrets->latest()->key);
    EXPECT_EQ(*ledger::open_ledger_secret(items[1].sealed, test::encryption_key(100)), second);
  }

  test::EffectsService service;
  const crypto::SymmetricKey second = crypto::random_key();
  std::map<uint64_t, Bytes> history;
};

TEST_F(RecoveryEndpointsTest, shares_are_collected_up_to_the_threshold) {
  recover(3, 0, 2);
  const auto first = submit_own(service.members[2]);
  ASSERT_EQ(first.status, 200) << summary(first);
  EXPECT_EQ(body_json(first),
            json::value(json::object{{"message", "1/2 recovery shares successfully submitted"},
                                     {"submittedCount", 1},
                                     {"recoveryThreshold", 2},
                                     {"fullKeySubmitted", false}}));
  EXPECT_EQ(service.written_at(tables::encrypted_ledger_secrets), 0u);
  // The same member again is no second share.
  EXPECT_EQ(body_json(submit_own(service.members[2])).at("submittedCount"), json::value(1));
  const auto last = submit_own(service.members[0]);
  EXPECT_EQ(body_json(last).at("message"),
            json::value("2/2 recovery shares successfully submitted\n"
                        "End of recovery procedure initiated"));
  expect_recovered();
  // A late one does no harm.
  EXPECT_EQ(submit_own(service.members[1]).status, 200);
  expect_recovered();
}

TEST_F(RecoveryEndpointsTest, an_owner_alone_is_enough) {
  recover(2, 1, 2);
  EXPECT_EQ(submit_own(service.members[0]).status, 200);
  const auto owner = submit_own(service.members[2]);
  EXPECT_EQ(body_json(owner), json::value(json::object{{"message",
                                                        "Full recovery key successfully submitted\n"
                                                        "End of recovery procedure initiated"},
                                                       {"submittedCount", 2},
                                                       {"recoveryThreshold", 2},
                                                       {"fullKeySubmitted", true}}));
  expect_recovered();
}

TEST_F(RecoveryEndpointsTest, an_owner_is_enough_whatever_others_have_handed_in) {
  recover(3, 1, 3);
  EXPECT_EQ(submit(service.members[0], payload(as_bytes("no share"))).status, 200);
  EXPECT_EQ(submit_own(service.members[3]).status, 200);
  expect_recovered();
}

TEST_F(RecoveryEndpointsTest, shares_rest_sealed_with_the_secret_in_force) {
  recover(2, 0, 2);
  const Bytes share = service.share_of(service.members[0])->encode();
  ASSERT_EQ(submit_own(service.members[0]).status, 200);
  const auto row = service.get(tables::encrypted_submitted_shares, service.members[0].id());
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->find(to_base64(share)), std::string::npos);
  const auto sealed = from_base64(json::parse(*row)->as_string());
  crypto::Aes256Gcm cipher(service.secrets->latest()->key);
  EXPECT_EQ(*crypto::open_gcm_blob(cipher, *sealed), share);
}

TEST_F(RecoveryEndpointsTest, a_wrong_share_wipes_all_of_them) {
  recover(3, 0, 2);
  struct Wrong {
    std::string name;
    Bytes share;
  };
  auto altered = *service.share_of(service.members[1]);
  altered.y[3] ^= 1;
  for (const Wrong& wrong :
       {Wrong{"altered", altered.encode()},
        {"not a share", to_bytes("44 bytes?")},
        {"empty", {}},
        {"of another member", service.share_of(service.members[0])->encode()}}) {
    ASSERT_EQ(submit_own(service.members[0]).status, 200) << wrong.name;
    EXPECT_EQ(kept(), 1u) << wrong.name;
    const auto response = submit(service.members[1], payload(wrong.share));
    EXPECT_EQ(summary(response).substr(0, 33), "500 InternalError: Failed to init") << wrong.name;
    EXPECT_EQ(kept(), 0u) << wrong.name;
    EXPECT_EQ(service.written_at(tables::encrypted_ledger_secrets), 0u) << wrong.name;
  }
  // From the beginning, with the right ones.
  EXPECT_EQ(submit_own(service.members[0]).status, 200);
  EXPECT_EQ(submit_own(service.members[1]).status, 200);
  expect_recovered();
}

TEST_F(RecoveryEndpointsTest, a_forged_full_share_wipes_too) {
  recover(2, 0, 2);
  crypto::Share forged;
  forged.y.fill(7);
  const auto response = submit(service.members[0], payload(forged.encode()));
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(kept(), 0u);
}

TEST_F(RecoveryEndpointsTest, a_broken_chain_of_secrets_wipes_too) {
  recover(1, 0, 1);
  service.surroundings.historical_secret_at = nullptr;
  EXPECT_NE(summary(submit_own(service.members[0])).find("does not recover a ledger"),
            std::string::npos);
  EXPECT_EQ(kept(), 0u);
  service.surroundings.historical_secret_at = [](SeqNo) -> Result<ledger::HistoricalSecret> {
    return Error{"not readable"};
  };
  // The newest record holds the first secret, nothing older is needed.
  EXPECT_EQ(submit_own(service.members[0]).status, 200);
  service.put(tables::historical_encrypted_ledger_secret, as_text(tables::unit()), "[]");
  EXPECT_EQ(submit_own(service.members[0]).status, 500);
  EXPECT_EQ(kept(), 0u);
}

TEST_F(RecoveryEndpointsTest, errors_in_their_order) {
  recover(2, 0, 2);
  const TestMember& member = service.members[0];
  const std::string good = payload(service.share_of(member)->encode());
  const auto code = [&](std::string_view content, std::string_view url_id = {}) {
    const auto text = summary(submit(member, content, url_id));
    return text.substr(0, text.find(':'));
  };
  EXPECT_EQ(code("not JSON"), "400 InvalidInput");
  EXPECT_EQ(code("[]"), "400 InvalidInput");
  EXPECT_EQ(code("{}"), "400 InvalidInput");
  EXPECT_EQ(code(R"({"share":1})"), "400 InvalidInput");
  EXPECT_EQ(code(R"({"share":"%"})"), "500 InternalError");
  EXPECT_EQ(code(payload(Bytes(5000, 1))), "400 InvalidInput");
  EXPECT_EQ(code(good, service.members[1].id()), "400 InvalidAuthenticationInfo");
  EXPECT_EQ(code("not JSON", service.members[1].id()), "400 InvalidInput");
  EXPECT_EQ(code("not JSON", "abc"), "400 InvalidResourceName");
  EXPECT_EQ(kept(), 0u);
  service.secrets = nullptr;
  EXPECT_EQ(code(good), "500 InternalError");
  service.stage = Stage::reading_private;
  EXPECT_EQ(code("not JSON", "abc"), "403 NodeAlreadyRecovering");
  for (const char* status : {"Opening", "Open", "Recovering"}) {
    service.put_info(status);
    EXPECT_EQ(code("not JSON", "abc"), "403 ServiceNotWaitingForRecoveryShares") << status;
  }
}

TEST_F(RecoveryEndpointsTest, only_active_members_with_the_right_message_type) {
  recover(2, 0, 2);
  const auto& accepted = service.add_member("Accepted", true);
  EXPECT_EQ(submit(accepted, payload(as_bytes("x"))).status, 401);
  const TestMember& member = service.members[0];
  const auto path = "/recovery/members/" + member.id() + ":recover";
  for (const char* type : {"ballot", "encrypted_recovery_share", ""}) {
    EXPECT_EQ(service.post_gov(path, member, type, "{}").status, 401) << type;
  }
  const auto message = sign_message({"recovery_share", 1, std::nullopt}, as_bytes("{}"),
                                    member.certificate, member.key);
  const auto unversioned = service.send(http::Method::post, "/gov" + path, as_text(*message),
                                        {{"content-type", "application/cose"}});
  EXPECT_EQ(summary(unversioned).substr(0, 31), "400 MissingApiVersionParameter:");
  const auto unsigned_one = service.send(http::Method::post, "/gov" + path, "{}");
  EXPECT_EQ(unsigned_one.status, 401);
}

TEST_F(RecoveryEndpointsTest, encrypted_shares_are_public) {
  recover(1, 0, 1);
  const TestMember& member = service.members[0];
  const auto response = service.get_gov("/recovery/encrypted-shares/" + member.id());
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(body_json(response).at("memberId"), json::value(member.id()));
  EXPECT_EQ(body_json(response).at("encryptedShare"),
            json::value(to_base64(service.shares().encrypted_shares.at(member.id()))));
  const std::string nobody(64, 'f');
  EXPECT_EQ(summary(service.get_gov("/recovery/encrypted-shares/" + nobody)),
            "404 ResourceNotFound: Recovery share not found for member m[" + nobody + "].");
  EXPECT_EQ(summary(service.get_gov("/recovery/encrypted-shares/abc")).substr(0, 24),
            "400 InvalidResourceName:");
  service.transact([](kv::Tx& tx) -> Result<void> {
    tx.wo(tables::recovery_shares).clear();
    return {};
  });
  EXPECT_EQ(summary(service.get_gov("/recovery/encrypted-shares/" + nobody)).substr(0, 18),
            "500 InternalError:");
}

}  // namespace
}  // namespace entente::gov
