#include "ledger/endorsement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/encoding.h"
#include "crypto/digest.h"

namespace entente::ledger {
namespace {

using testing::HasSubstr;

/// Three services: created at 2.1, recovered at 4.31 and at 7.58 (an election between).
struct History {
  std::vector<crypto::KeyPair> keys;
  std::map<uint64_t, EndorsementRecord> records;
  TxId created{{7}, {58}};

  explicit History(crypto::Curve curve = crypto::Curve::p256) {
    for (int i = 0; i < 3; ++i) keys.push_back(crypto::KeyPair::generate(curve));
    const auto root = crypto::sha256(as_bytes("root"));
    records.emplace(10, make_self_endorsement(keys[0], {{2}, {1}}, UnixTime(1)));
    records.emplace(
        40, make_endorsement(keys[1], {{4}, {31}}, {records.at(10), {10}, root}, UnixTime(2)));
    records.emplace(60,
                    make_endorsement(keys[2], created, {records.at(40), {40}, root}, UnixTime(3)));
  }

  EndorsementAt lookup() const {
    return [this](SeqNo seqno) -> Result<EndorsementRecord> {
      const auto found = records.find(seqno.value);
      if (found == records.end()) return Error{"nothing was written there"};
      return found->second;
    };
  }
  Result<std::vector<ServiceEpoch>> walk() const {
    return walk_endorsements(records.rbegin()->second, created, keys.back().public_key(), lookup());
  }
};

class Endorsements : public testing::TestWithParam<crypto::Curve> {};
INSTANTIATE_TEST_SUITE_P(Curves, Endorsements,
                         testing::Values(crypto::Curve::p256, crypto::Curve::p384));

TEST_P(Endorsements, WalkBackToTheFirstService) {
  const History history(GetParam());
  const auto epochs = history.walk();
  ASSERT_TRUE(epochs.ok()) << epochs.error().message;
  ASSERT_EQ(epochs->size(), 2u);
  EXPECT_EQ((*epochs)[0].key, history.keys[1].public_key());
  EXPECT_EQ((*epochs)[0].begin, (TxId{{4}, {31}}));
  EXPECT_EQ((*epochs)[0].end, (TxId{{5}, {57}}));
  EXPECT_EQ((*epochs)[1].key, history.keys[0].public_key());
  EXPECT_EQ((*epochs)[1].begin, (TxId{{2}, {1}}));
  EXPECT_EQ((*epochs)[1].end, (TxId{{2}, {30}}));

  const std::vector<Bytes> chain = {(*epochs)[0].endorsement, (*epochs)[1].endorsement};
  const auto& service = history.keys[2].public_key();
  EXPECT_EQ(*identity_at({{2}, {30}}, service, chain), history.keys[0].public_key());
  EXPECT_EQ(*identity_at({{4}, {31}}, service, chain), history.keys[1].public_key());
  EXPECT_EQ(*identity_at({{5}, {57}}, service, chain), history.keys[1].public_key());
  EXPECT_EQ(*identity_at({{7}, {58}}, service, {}), service);
  EXPECT_FALSE(identity_at({{7}, {58}}, service, chain).ok());
  EXPECT_FALSE(identity_at({{2}, {57}}, service, chain).ok());
  EXPECT_FALSE(identity_at({{2}, {30}}, service, std::span(chain).first(1)).ok());
  EXPECT_FALSE(identity_at({{2}, {30}}, service, std::span(chain).subspan(1)).ok());
}

TEST_P(Endorsements, RecordsAreReadBack) {
  const History history(GetParam());
  for (const auto& [seqno, record] : history.records) {
    const auto parsed = parse_endorsement_record(as_bytes(record.json()));
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_EQ(parsed->json(), record.json());
    EXPECT_EQ(parsed->previous_version, record.previous_version);
    const auto cose = parse_cose_endorsement(record.endorsement);
    ASSERT_TRUE(cose.ok()) << cose.error().message;
    EXPECT_EQ(cose->end.has_value(), cose->end_root.has_value());
    EXPECT_TRUE(verify_cose_endorsement(*cose, record.endorsing_key).ok());
  }
}

// docs/ledger-format.md: the form of a self-endorsement.
TEST(Endorsement, EncodingOfASelfEndorsement) {
  const auto key = crypto::KeyPair::generate(crypto::Curve::p384);
  const auto record = make_self_endorsement(key, {{2}, {1}}, UnixTime(0x681ca43d));
  const std::string hex = to_hex(record.endorsement);
  EXPECT_TRUE(hex.starts_with(
      "d2845829a3013822"
      "0fa1061a681ca43d"
      "66" +
      to_hex(as_bytes("ccf.v1")) + "a170" + to_hex(as_bytes("epoch.start.txid")) + "63" +
      to_hex(as_bytes("2.1")) + "a05878" + to_hex(key.public_key().der()) + "5860"))
      << hex;
}

TEST(Endorsement, AnElectionDuringRecoveryLeavesAnEntryThatIsSkipped) {
  History history;
  // The third service opened twice: its second record endorses itself for an empty epoch.
  const auto root = crypto::sha256(as_bytes("root"));
  history.records.emplace(65, make_endorsement(history.keys[2], history.created,
                                               {history.records.at(60), {60}, root}, UnixTime(4)));
  ASSERT_LT(history.records.at(65).end->seqno, history.records.at(65).begin.seqno);
  const auto epochs = history.walk();
  ASSERT_TRUE(epochs.ok()) << epochs.error().message;
  EXPECT_EQ(epochs->size(), 2u);
  const std::vector<Bytes> chain = {history.records.at(65).endorsement, (*epochs)[0].endorsement,
                                    (*epochs)[1].endorsement};
  EXPECT_EQ(*identity_at({{2}, {30}}, history.keys[2].public_key(), chain),
            history.keys[0].public_key());
}

TEST(Endorsement, BrokenChainsAreRefusedByName) {
  const auto message = [](const History& history) {
    const auto epochs = history.walk();
    return epochs.ok() ? std::string() : epochs.error().message;
  };
  {
    History history;
    history.created = {{7}, {59}};
    EXPECT_THAT(message(history), HasSubstr("current endorsement: endorsement_epoch_end"));
  }
  {
    History history;
    history.keys[2] = crypto::KeyPair::generate(crypto::Curve::p256);
    EXPECT_THAT(message(history), HasSubstr("endorsing_key"));
  }
  {
    History history;
    history.records.at(60).begin = {{4}, {32}};
    EXPECT_THAT(message(history), HasSubstr("endorsement_epoch_begin: differs"));
  }
  {
    History history;
    history.records.at(60).end = {{5}, {56}};
    EXPECT_THAT(message(history), HasSubstr("endorsement_epoch_end: differs"));
  }
  {
    History history;
    history.records.at(60).previous_version.reset();
    EXPECT_THAT(message(history), HasSubstr("previous_version: missing"));
  }
  {
    History history;
    history.records.at(60).previous_version = SeqNo{41};
    EXPECT_THAT(message(history), HasSubstr("written at 41: nothing was written"));
  }
  {
    History history;
    history.records.at(40).previous_version = SeqNo{40};
    EXPECT_THAT(message(history), HasSubstr("written at 40: previous_version: does not go back"));
  }
  {
    History history;  // The first service did not begin where the chain says.
    history.records.at(10) = make_self_endorsement(history.keys[0], {{2}, {2}}, UnixTime(1));
    EXPECT_THAT(message(history), HasSubstr("written at 10: endorsement_epoch_begin"));
  }
  {
    History history;  // Signed by a stranger in the name of the right key.
    const auto stranger = crypto::KeyPair::generate(crypto::Curve::p256);
    history.records.at(10).endorsement =
        make_self_endorsement(stranger, {{2}, {1}}, UnixTime(1)).endorsement;
    EXPECT_THAT(message(history), HasSubstr("written at 10: endorsement: COSE signature"));
  }
}

TEST(Endorsement, EveryChangedByteIsRefused) {
  const History history;
  const auto& record = history.records.at(40);
  for (size_t at = 0; at < record.endorsement.size(); ++at) {
    Bytes damaged = record.endorsement;
    damaged[at] ^= 0x01;
    const auto parsed = parse_cose_endorsement(damaged);
    EXPECT_FALSE(parsed.ok() && verify_cose_endorsement(*parsed, record.endorsing_key).ok()) << at;
  }
}

}  // namespace
}  // namespace entente::ledger
