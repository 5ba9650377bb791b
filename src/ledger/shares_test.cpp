#include "ledger/shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/random.h"

namespace entente::ledger {
namespace {

using testing::HasSubstr;

// docs/ledger-format.md, wrapping key and shares: the example.
TEST(SharesExample, ShareToSecret) {
  const auto share = crypto::Share::parse(
      *from_hex("0100000096937a715cef116095e7645ed312d44eabb67b6106065d6e3c718c3ba8b8b835"
                "ce422a0d24c54d36"));
  ASSERT_TRUE(share.ok()) << share.error().message;
  const std::vector<crypto::Share> collected = {*share};
  const auto secret = crypto::SharedSecret::combine(collected, 1);
  EXPECT_EQ(to_hex(secret->wrapping_key()),
            "c210863d3a90d12cf776a2690c08fc0418386536abcb2e7b04b96f6e04feec14");
  RecoveryShares shares;
  shares.wrapped_secret = *from_hex(
      "826446cd54f4891981cc2ef9021518d7"
      "000000000000000000000000"
      "1696347c8ba886ab563328e34dab32ae852ce601b8c3f8113fbd71228252d08d");
  const auto latest = unwrap_latest_secret(shares, collected, 1);
  ASSERT_TRUE(latest.ok()) << latest.error().message;
  EXPECT_EQ(to_hex(*latest), "d917951c0773a06148d2ff5bf0c984d075fdceb601255157ac004bb53b351079");
}

/// RSA keys are slow to make: once for all tests.
const std::vector<crypto::RsaKeyPair>& keys() {
  static const std::vector<crypto::RsaKeyPair> made = [] {
    std::vector<crypto::RsaKeyPair> out;
    for (int i = 0; i < 4; ++i) out.push_back(crypto::RsaKeyPair::generate());
    return out;
  }();
  return made;
}

std::vector<RecoveryMember> members(size_t participants, size_t owners) {
  std::vector<RecoveryMember> out;
  // Ids descend, so that the order of shares is not that of the list.
  for (size_t i = 0; i < participants + owners; ++i) {
    out.push_back(
        {std::string(64, static_cast<char>('f' - i)), keys()[i].public_key(), i >= participants});
  }
  return out;
}

TEST(Shares, AnyThresholdOfThemGivesTheSecret) {
  const auto latest = crypto::random_key();
  const auto shares =
      share_ledger_secret(latest, members(3, 1), 2, SeqNo{7}, crypto::system_random());
  ASSERT_TRUE(shares.ok()) << shares.error().message;
  const auto parsed = parse_recovery_shares(as_bytes(shares->json()));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->json(), shares->json());
  EXPECT_EQ(parsed->previous_secret_stored_version, SeqNo{7});
  EXPECT_EQ(parsed->encrypted_shares.size(), 4u);

  std::vector<crypto::Share> all;
  const auto everyone = members(3, 1);
  for (size_t i = 0; i < 4; ++i) {
    const auto share = decrypt_share(*parsed, everyone[i].id, keys()[i]);
    ASSERT_TRUE(share.ok()) << share.error().message;
    all.push_back(*share);
  }
  EXPECT_EQ(all[0].x, 3u);  // sorted by id
  EXPECT_EQ(all[2].x, 1u);
  EXPECT_TRUE(all[3].is_full());
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      const auto secret = unwrap_latest_secret(*parsed, std::vector{all[i], all[j]}, 2);
      ASSERT_EQ(secret.ok(), i != j);
      EXPECT_TRUE(i == j || *secret == latest);
    }
    EXPECT_FALSE(unwrap_latest_secret(*parsed, std::vector{all[i]}, 2).ok());
  }
  EXPECT_TRUE(*unwrap_latest_secret(*parsed, std::vector{all[3]}, 2) == latest);
  EXPECT_THAT(decrypt_share(*parsed, everyone[0].id, keys()[1]).error().message,
              HasSubstr("encrypted_shares/" + everyone[0].id));
  EXPECT_THAT(decrypt_share(*parsed, "nobody", keys()[1]).error().message, HasSubstr("nobody"));
}

TEST(Shares, ImpossibleDistributionsAreRefused) {
  const auto latest = crypto::random_key();
  const auto share = [&](const std::vector<RecoveryMember>& to, size_t threshold) {
    return share_ledger_secret(latest, to, threshold, std::nullopt, crypto::system_random());
  };
  EXPECT_FALSE(share({}, 1).ok());
  EXPECT_FALSE(share(members(2, 0), 0).ok());
  EXPECT_FALSE(share(members(2, 0), 3).ok());
  EXPECT_FALSE(share(members(0, 2), 2).ok());
  EXPECT_TRUE(share(members(0, 2), 1).ok());
  auto twice = members(2, 0);
  twice[1].id = twice[0].id;
  EXPECT_THAT(share(twice, 1).error().message, HasSubstr("appears twice"));
}

TEST(HistoricalSecrets, ValuesOfAServicesLife) {
  EXPECT_EQ(first_historical_secret().json(), R"({"next_version":1})");
  const auto current = crypto::random_key();
  LedgerSecrets secrets;
  ASSERT_TRUE(secrets.add({1}, crypto::random_key()).ok());
  const auto rekeyed = make_historical_secret(current, *secrets.latest(), SeqNo{9}, std::nullopt,
                                              crypto::system_random());
  EXPECT_EQ(rekeyed.current_version({47}), SeqNo{48});
  const auto parsed = parse_historical_secret(as_bytes(rekeyed.json()));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->json(), rekeyed.json());
  EXPECT_EQ(parsed->previous->version, SeqNo{1});
  EXPECT_EQ(parsed->previous->previous_secret_stored_version, SeqNo{9});
  EXPECT_FALSE(parsed->next_version.has_value());
}

/// Opened at 5, rekeyed at 20, recovered at 50 (opened at 55).
struct Chain {
  LedgerSecrets secrets;
  std::map<uint64_t, HistoricalSecret> written;

  Chain() {
    auto& random = crypto::system_random();
    for (const uint64_t start : {1, 21, 50}) {
      EXPECT_TRUE(secrets.add({start}, crypto::random_key()).ok());
    }
    const auto& all = secrets.all();
    written[5] = first_historical_secret();
    written[20] = make_historical_secret(all[1].key, all[0], SeqNo{5}, std::nullopt, random);
    written[55] = make_historical_secret(all[2].key, all[1], SeqNo{20}, SeqNo{50}, random);
  }

  HistoricalSecretAt lookup() const {
    return [this](SeqNo seqno) -> Result<HistoricalSecret> {
      const auto found = written.find(seqno.value);
      if (found == written.end()) return Error{"nothing was written there"};
      return found->second;
    };
  }
  Result<LedgerSecrets> recover() const {
    const auto& last = *written.rbegin();
    return recover_ledger_secrets({secrets.latest()->key, last.second, {last.first}}, lookup());
  }
  bool complete() const {
    const auto recovered = recover();
    EXPECT_TRUE(recovered.ok()) << recovered.error().message;
    if (!recovered || recovered->all().size() != secrets.all().size()) return false;
    for (size_t i = 0; i < secrets.all().size(); ++i) {
      if (!(recovered->all()[i].key == secrets.all()[i].key) ||
          recovered->all()[i].start != secrets.all()[i].start) {
        return false;
      }
    }
    return true;
  }
};

TEST(SecretChain, LeadsToAllSecrets) {
  EXPECT_TRUE(Chain().complete());
}

TEST(SecretChain, ASecretStoredTwiceIsSkipped) {
  Chain chain;
  const auto& all = chain.secrets.all();
  chain.written[60] =
      make_historical_secret(all[2].key, all[1], SeqNo{55}, SeqNo{50}, crypto::system_random());
  EXPECT_TRUE(chain.complete());
}

TEST(SecretChain, BreaksAreRefusedByName) {
  const auto message = [](const Chain& chain) {
    const auto recovered = chain.recover();
    return recovered.ok() ? std::string() : recovered.error().message;
  };
  {
    Chain chain;
    chain.written.at(20).previous->encrypted.back() ^= 1;
    EXPECT_THAT(message(chain), HasSubstr("written at 20: encrypted_data"));
  }
  {
    Chain chain;
    chain.written.erase(20);
    EXPECT_THAT(message(chain), HasSubstr("written at 20: nothing was written there"));
  }
  {
    Chain chain;
    chain.written.at(55).previous->previous_secret_stored_version = SeqNo{55};
    EXPECT_THAT(message(chain), HasSubstr("does not go back"));
  }
  {
    Chain chain;
    chain.written.at(55).previous->version = SeqNo{51};
    EXPECT_THAT(message(chain), HasSubstr("written at 55: version"));
  }
  {
    Chain chain;
    chain.written.at(55).previous->encrypted.resize(20);
    EXPECT_THAT(message(chain), HasSubstr("written at 55: encrypted_data"));
  }
}

TEST(SecretChain, FromValuesAndKeys) {
  const Chain chain;
  const auto shares = share_ledger_secret(chain.secrets.latest()->key, members(3, 0), 2, SeqNo{55},
                                          crypto::system_random());
  ASSERT_TRUE(shares.ok());
  const auto recover = [&](const std::vector<crypto::RsaKeyPair>& with) {
    return recover_ledger_secrets(*shares, with, 2, chain.written.at(55), {55}, chain.lookup());
  };
  const auto recovered = recover({keys()[2], keys()[3], keys()[0]});
  ASSERT_TRUE(recovered.ok()) << recovered.error().message;
  EXPECT_EQ(recovered->all().size(), 3u);
  EXPECT_FALSE(recover({keys()[2]}).ok());
  EXPECT_THAT(recover({keys()[3]}).error().message, HasSubstr("no share is encrypted"));
}

TEST(RecoveryValues, ErrorsNameTheField) {
  const std::pair<const char*, const char*> shares[] = {
      {"", "invalid JSON"},
      {"{}", "wrapped_latest_ledger_secret"},
      {R"({"wrapped_latest_ledger_secret":"*"})", "At #/wrapped_latest_ledger_secret"},
      {R"({"wrapped_latest_ledger_secret":""})", "encrypted_shares"},
      {R"({"wrapped_latest_ledger_secret":"","encrypted_shares":[]})", "At #/encrypted_shares"},
      {R"({"wrapped_latest_ledger_secret":"","encrypted_shares":{"m":1}})",
       "At #/encrypted_shares/m"},
      {R"({"wrapped_latest_ledger_secret":"","encrypted_shares":{},
           "previous_secret_stored_version":0})",
       "At #/previous_secret_stored_version"},
  };
  for (const auto& [text, message] : shares) {
    const auto parsed = parse_recovery_shares(as_bytes(text));
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(parsed.error().message, HasSubstr(message));
  }
  const std::pair<const char*, const char*> secrets[] = {
      {"3", "At #"},
      {R"({"next_version":-1})", "At #/next_version"},
      {R"({"previous_ledger_secret":1})", "At #/previous_ledger_secret"},
      {R"({"previous_ledger_secret":{"version":1}})", "encrypted_data"},
      {R"({"previous_ledger_secret":{"encrypted_data":"","version":"1"}})",
       "At #/previous_ledger_secret/version"},
  };
  for (const auto& [text, message] : secrets) {
    const auto parsed = parse_historical_secret(as_bytes(text));
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(parsed.error().message, HasSubstr(message));
  }
}

}  // namespace
}  // namespace entente::ledger
