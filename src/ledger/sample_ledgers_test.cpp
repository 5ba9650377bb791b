// Everything that this room reads and writes, against real ledgers.
#include "ledger/sample_ledgers.h"

#include <gtest/gtest.h>

#include <array>

#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/x509.h"
#include "ledger/endorsement.h"
#include "ledger/entry.h"
#include "ledger/entry_sealer.h"
#include "ledger/merkle.h"
#include "ledger/receipt.h"
#include "ledger/shares.h"
#include "ledger/signature.h"

namespace entente::ledger {
namespace {

constexpr std::string_view service_info = "public:ccf.gov.service.info";
constexpr std::string_view service_config = "public:ccf.gov.service.config";
constexpr std::string_view nodes_info = "public:ccf.gov.nodes.info";
constexpr std::string_view endorsed_certificates = "public:ccf.gov.nodes.endorsed_certificates";

class SampleLedgers : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, SampleLedgers, testing::ValuesIn(samples::names()),
                         [](const auto& instance) { return instance.param; });

/// The entry built again out of what was read, whatever its type.
Bytes rebuilt(const EntryView& entry, const kv::WriteSet& maps, EntrySealer& sealer) {
  Bytes out;
  if (entry.type == EntryType::write_set_evidence_claims) {
    sealer.seal(maps, entry.txid, *entry.claims_digest, entry.flags, out);
    return out;
  }
  // Old types are never written: header as found, maps encoded, sealed again by hand.
  const size_t header = entry.public_domain.size() - entry.public_maps.size();
  Bytes in_clear = to_bytes(entry.public_domain.first(header));
  append(in_clear, encode_maps(maps, Domain::in_clear));
  Bytes encrypted = encode_maps(maps, Domain::encrypted);
  crypto::Aes256Gcm cipher(sealer.secrets().find(entry.txid.seqno)->key);
  std::array<uint8_t, crypto::gcm_tag_size> tag;
  cipher.seal(entry.iv.first<crypto::gcm_iv_size>(), in_clear, encrypted, encrypted, tag);
  append(out, entry.bytes.first(entry_header_size));
  append(out, tag);
  append(out, entry.bytes.subspan(24, 20));
  append(out, in_clear);
  append(out, encrypted);
  return out;
}

TEST_P(SampleLedgers, EveryEntryIsRebuiltByteForByte) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load(GetParam());
  EXPECT_EQ(ledger.entries.size(), ledger.expected.at("entries").to_number<size_t>());
  EntrySealer sealer(ledger.secrets);
  Bytes plaintext;
  for (size_t i = 0; i < ledger.entries.size(); ++i) {
    const auto entry = parse_entry(ledger.entries[i]);
    ASSERT_TRUE(entry.ok()) << entry.error().message;
    ASSERT_EQ(entry->txid.seqno.value, i + 1);
    const auto maps = sealer.open_maps(*entry, plaintext);
    ASSERT_TRUE(maps.ok()) << i + 1 << ": " << maps.error().message;
    ASSERT_TRUE(sealer.check_commit_evidence(*entry).ok()) << i + 1;
    ASSERT_EQ(rebuilt(*entry, *maps, sealer), ledger.entries[i]) << "seqno " << i + 1;
    const auto lenient = sealer.open_maps(*entry, plaintext, Ordering::any);
    ASSERT_TRUE(lenient.ok());
    ASSERT_EQ(rebuilt(*entry, *lenient, sealer), ledger.entries[i]) << "seqno " << i + 1;
  }
}

/// What of the state the checks below need, as the ledger goes by.
struct Followed {
  std::string service_certificate;
  std::map<std::string, std::string> node_certificates;

  void apply(const kv::WriteSet& maps) {
    if (const auto info = find_write(maps, service_info, unit_key())) {
      service_certificate = json::parse(as_text(*info))->at("cert").as_string();
    }
    for (const kv::MapWrites& map : maps) {
      for (const kv::Write& write : map.writes) {
        if (!write.value) continue;
        if (map.map == endorsed_certificates) {
          node_certificates[to_text(write.key)] = to_text(*write.value);
        } else if (map.map == nodes_info) {
          const auto info = json::parse(as_text(*write.value));
          if (const auto* cert = info->as_object().if_contains("cert")) {
            node_certificates[to_text(write.key)] = std::string(cert->as_string());
          }
        }
      }
    }
  }
};

crypto::PublicKey key_of(const std::string& pem) {
  return *crypto::Certificate::from_pem(pem)->public_key();
}

void check_signature(const SignatureTransaction& signature, const MerkleTree& tree,
                     const Followed& state, const TxId& txid) {
  ASSERT_EQ(signature.node.root, tree.root()) << txid.text();
  const std::string& certificate = state.node_certificates.at(signature.node.node.value);
  if (signature.node.certificate) {
    EXPECT_EQ(key_of(*signature.node.certificate).id(), signature.node.node.value);
  }
  // The ids of 1.x nodes are not those of their keys.
  const auto key = key_of(certificate);
  EXPECT_TRUE(key.verify_digest(signature.node.root, signature.node.signature)) << txid.text();
  if (key.id() == signature.node.node.value) {
    const auto verified = verify_node_signature(signature.node, key);
    EXPECT_TRUE(verified.ok()) << verified.error().message;
  }
  if (signature.cose) {
    const auto verified =
        verify_cose_signature(*signature.cose, tree.root(), key_of(state.service_certificate));
    EXPECT_TRUE(verified.ok()) << txid.text() << ": " << verified.error().message;
  }
}

TEST_P(SampleLedgers, RootsSignaturesAndTreesAreAsExpected) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load(GetParam());
  const auto& expected = ledger.expected.at("signatures").as_array();
  size_t seen = 0;
  size_t cose = 0;
  MerkleTree tree;
  Followed state;
  EntrySealer sealer(ledger.secrets);
  Bytes plaintext;
  for (const Bytes& bytes : ledger.entries) {
    const auto entry = parse_entry(bytes);
    const auto maps = sealer.open_maps(*entry, plaintext);
    state.apply(*maps);
    const auto signature = read_signature(*maps, entry->txid);
    ASSERT_TRUE(signature.ok()) << entry->txid.text() << ": " << signature.error().message;
    if (*signature) {
      const auto& wanted = expected.at(seen++);
      EXPECT_EQ(wanted.at("txid").as_string(), entry->txid.text());
      EXPECT_EQ(wanted.at("root").as_string(), (*signature)->node.root.hex());
      EXPECT_EQ(wanted.at("cose").as_bool(), (*signature)->cose.has_value());
      cose += (*signature)->cose.has_value();
      check_signature(**signature, tree, state, entry->txid);
      if ((*signature)->tree) {
        const uint64_t first = (*signature)->tree->first();
        EXPECT_EQ(wanted.at("tree_first_leaf").to_number<uint64_t>(), first);
        EXPECT_TRUE(
            equal(tree.serialise(first, tree.size()), *find_write(*maps, maps::tree, unit_key())));
      }
    }
    tree.append(entry_leaf(*entry, crypto::sha256(bytes)));
  }
  EXPECT_EQ(seen, expected.size());
  EXPECT_EQ(cose, ledger.expected.at("cose_signatures").to_number<size_t>());
  EXPECT_EQ(tree.root().hex(), ledger.expected.at("root_over_all_entries").as_string());
  EXPECT_EQ(key_of(state.service_certificate).id(),
            ledger.expected.at("service_key_sha256").as_string());
  EXPECT_EQ(key_of(state.service_certificate), key_of(ledger.text("common/service_cert.pem")));
}

TEST_P(SampleLedgers, DigestsOfSampleEntries) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load(GetParam());
  EntrySealer sealer(ledger.secrets);
  Bytes plaintext;
  for (const auto& sample : ledger.expected.at("samples").as_array()) {
    const TxId txid = *TxId::parse(sample.at("txid").as_string());
    const BytesView bytes = ledger.entry(txid.seqno.value);
    const auto entry = parse_entry(bytes);
    const Digest write_set = crypto::sha256(bytes);
    EXPECT_EQ(entry->txid, txid);
    EXPECT_EQ(write_set.hex(), sample.at("write_set_digest").as_string());
    EXPECT_EQ(entry_leaf(*entry, write_set).hex(), sample.at("leaf").as_string());
    ASSERT_TRUE(sealer.open(*entry, plaintext).ok());
    EXPECT_EQ(to_hex(plaintext), sample.at("private_plaintext").as_string());
    if (const auto* evidence = sample.as_object().if_contains("commit_evidence");
        evidence != nullptr && evidence->is_string()) {
      EXPECT_EQ(commit_evidence(*ledger.secrets->find(txid.seqno), txid), evidence->as_string());
    }
    if (entry->claims_digest) {
      EXPECT_EQ(entry->claims_digest->hex(), sample.at("claims_digest").as_string());
    }
  }
}

/// Every write to a single-value map, by seqno.
std::map<uint64_t, Bytes> history_of(const samples::Ledger& ledger, std::string_view map) {
  std::map<uint64_t, Bytes> history;
  for (const Bytes& bytes : ledger.entries) {
    const auto entry = parse_entry(bytes);
    const auto maps = read_maps(entry->public_maps, 0, Ordering::any);
    if (const auto value = find_write(*maps, map, unit_key())) {
      history[entry->txid.seqno.value] = to_bytes(*value);
    }
  }
  return history;
}

TEST_P(SampleLedgers, RecoveryValuesAreRewrittenByteForByte) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load(GetParam());
  for (const auto& written : history_of(ledger, maps::historical_encrypted_ledger_secret)) {
    const auto parsed = parse_historical_secret(written.second);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_EQ(parsed->json(), as_text(written.second));
  }
  for (const auto& written : history_of(ledger, maps::recovery_shares)) {
    const auto parsed = parse_recovery_shares(written.second);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_EQ(parsed->json(), as_text(written.second));
  }
  for (const auto& written : history_of(ledger, maps::previous_service_identity_endorsement)) {
    const auto parsed = parse_endorsement_record(written.second);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_EQ(parsed->json(), as_text(written.second));
  }
}

std::vector<crypto::RsaKeyPair> member_keys(const samples::Ledger& ledger) {
  std::vector<crypto::RsaKeyPair> keys;
  for (int i = 0; i < 5; ++i) {
    const auto pem = ledger.text("common/member" + std::to_string(i) + "_enc_privk.pem");
    if (auto key = crypto::RsaKeyPair::from_pem(pem)) keys.push_back(*key);
  }
  return keys;
}

template <typename Parsed>
auto lookup(const std::map<uint64_t, Bytes>& history, Result<Parsed> (*parse)(BytesView)) {
  return [&history, parse](SeqNo seqno) -> Result<Parsed> {
    const auto found = history.find(seqno.value);
    if (found == history.end()) return Error{"nothing was written there"};
    return parse(found->second);
  };
}

TEST_P(SampleLedgers, AllSecretsAreRecoveredFromTheMembersKeys) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load(GetParam());
  const auto shares = history_of(ledger, maps::recovery_shares);
  const auto historical = history_of(ledger, maps::historical_encrypted_ledger_secret);
  ASSERT_FALSE(shares.empty());
  const uint64_t shared_at = shares.rbegin()->first;
  const auto last = std::prev(historical.upper_bound(shared_at));
  uint64_t threshold = 0;
  for (const auto& written : history_of(ledger, service_config)) {
    if (written.first > shared_at) break;
    threshold =
        json::parse(as_text(written.second))->at("recovery_threshold").to_number<uint64_t>();
  }
  const auto written_at = lookup(historical, parse_historical_secret);
  const auto keys = member_keys(ledger);
  const auto recovered =
      recover_ledger_secrets(*parse_recovery_shares(shares.rbegin()->second), keys, threshold,
                             *parse_historical_secret(last->second), {last->first}, written_at);
  if (ledger.name == "sgx_service_prefix") {
    // Shares of a scheme before 4.0.9.
    ASSERT_FALSE(recovered.ok());
    return;
  }
  ASSERT_TRUE(recovered.ok()) << recovered.error().message;
  ASSERT_EQ(recovered->all().size(), ledger.secrets->all().size());
  for (size_t i = 0; i < recovered->all().size(); ++i) {
    EXPECT_EQ(recovered->all()[i].start, ledger.secrets->all()[i].start);
    EXPECT_TRUE(recovered->all()[i].key == ledger.secrets->all()[i].key);
  }
}

TEST_P(SampleLedgers, IdentitiesAreEndorsed) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load(GetParam());
  const auto history = history_of(ledger, maps::previous_service_identity_endorsement);
  if (history.empty()) return;  // releases before endorsements
  const auto info = json::parse(as_text(history_of(ledger, service_info).rbegin()->second));
  const TxId created = *TxId::parse(info->at("current_service_create_txid").as_string());
  const auto service = key_of(ledger.text("common/service_cert.pem"));
  const auto current = parse_endorsement_record(history.rbegin()->second);
  const auto epochs =
      walk_endorsements(*current, created, service, lookup(history, parse_endorsement_record));
  ASSERT_TRUE(epochs.ok()) << epochs.error().message;
  const bool recovered_with_endorsements =
      ledger.name == "double_sealed_service" || ledger.name == "ref7_recovered";
  ASSERT_EQ(epochs->size(), recovered_with_endorsements ? 1u : 0u);
  if (epochs->empty()) return;
  const ServiceEpoch& first = epochs->front();
  EXPECT_EQ(first.begin, (TxId{{2}, {1}}));
  EXPECT_EQ(first.end, (TxId{{created.view.value - 2}, created.seqno - 1}));
  const std::vector<Bytes> chain = {first.endorsement};
  EXPECT_EQ(identity_at(first.end, service, chain)->id(), first.key.id());
  EXPECT_FALSE(identity_at(created, service, chain).ok());
  EXPECT_FALSE(identity_at(first.end, first.key, chain).ok());
}

// docs/ledger-format.md, COSE signature: protected header of the example, byte for byte.
TEST(SampleSignature, ProtectedHeaderOfTheExample) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load("acme_containing_service");
  const auto entry = parse_entry(ledger.entry(2));
  const auto maps = read_maps(entry->public_maps);
  const auto signature = read_signature(*maps, entry->txid);
  ASSERT_TRUE(signature.ok());
  const CoseSignature& cose = *(*signature)->cose;
  const std::string kid = "ad3f40d7da00c4be3c7580ab9b0fe91c7b4de9322e99b6680cece8e0629bd8ae";
  const std::string expected =
      "a50138220458"
      "40" +
      to_hex(as_bytes(kid)) + "19018b020fa3061a6900f2090173" +
      to_hex(as_bytes("service.example.com")) + "0270" + to_hex(as_bytes("ledger.signature")) +
      "66" + to_hex(as_bytes("ccf.v1")) + "a164" + to_hex(as_bytes("txid")) + "63" +
      to_hex(as_bytes("2.2"));
  EXPECT_EQ(to_hex(cose.message.protected_bytes), expected);
  EXPECT_EQ(expected.size() / 2, 0x8bu);
  EXPECT_EQ(cose.issuer, "service.example.com");
  EXPECT_EQ(cose.subject, "ledger.signature");
  EXPECT_EQ(cose.issued_at.count(), 0x6900f209);
  // Encoded again, the message is the same.
  const auto value = find_write(*maps, maps::cose_signatures, unit_key());
  EXPECT_EQ(json::dump(json::value(to_base64(cose.message.encode()))), as_text(*value));
}

// docs/ledger-format.md, tree: leaves 1 to 3 and the roots signed at 2 and 4.
TEST(SampleTree, RootsOfTheExample) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load("acme_containing_service");
  MerkleTree tree;
  const auto append_entry = [&](uint64_t seqno) {
    const BytesView bytes = ledger.entry(seqno);
    tree.append(entry_leaf(*parse_entry(bytes), crypto::sha256(bytes)));
    return tree.leaf(seqno).hex();
  };
  EXPECT_TRUE(append_entry(1).starts_with("d415a3ff"));
  EXPECT_EQ(tree.root().hex(), "8b2c93d1a2628ee8e5614d511e26fe83fef3b57f66560787c45ce4ada57878ec");
  EXPECT_TRUE(append_entry(2).starts_with("1049cda7"));
  EXPECT_TRUE(append_entry(3).ends_with("2e58b285"));
  EXPECT_EQ(tree.root().hex(), "4d8aea95f4c79fa04fba988ca6ba3a95641b95f847a881672442abb094a91ace");
}

// ------------------------------------------------------------------------------------- receipts

struct ReceiptFile {
  const char* name;
  const char* txid;
};

TEST(SampleReceipts, VerifyAndAreBuiltAgain) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load("ref7_recovered");
  const std::string service = ledger.text("common/service_cert_first_epoch.pem");
  EntrySealer sealer(ledger.secrets);
  for (const auto& file :
       {ReceiptFile{"receipt_2.20.json", "2.20"}, ReceiptFile{"cose_receipt_2.35.cbor", "2.35"},
        ReceiptFile{"cose_receipt_2.38.cbor", "2.38"},
        ReceiptFile{"cose_receipt_2.40.cbor", "2.40"}}) {
    const Bytes receipt = samples::read(ledger.folder / "receipts" / file.name);
    const auto report = verify_receipt(receipt, service);
    ASSERT_TRUE(report.ok()) << file.name << ": " << report.error().message;
    EXPECT_EQ(report->txid->text(), file.txid);
    EXPECT_FALSE(verify_receipt(receipt, ledger.text("common/service_cert.pem")).ok());

    // The same receipt out of the ledger.
    const SeqNo seqno = report->txid->seqno;
    const BytesView bytes = ledger.entry(seqno.value);
    const auto entry = parse_entry(bytes);
    const LeafComponents components{crypto::sha256(bytes),
                                    commit_evidence(*ledger.secrets->find(seqno), entry->txid),
                                    entry->claims_digest};
    std::optional<SignatureTransaction> signature;
    for (uint64_t at = seqno.value + 1; !signature; ++at) {
      const auto later = parse_entry(ledger.entry(at));
      const auto maps = read_maps(later->public_maps);
      signature = std::move(*read_signature(*maps, later->txid));
    }
    if (report->form == ReceiptReport::Form::cose) {
      EXPECT_EQ(make_cose_receipt(components, seqno, *signature->tree, *signature->cose), receipt);
    } else {
      EXPECT_EQ(json::dump(to_json(
                    make_receipt(components, seqno, *signature->tree, signature->node, ""))),
                as_text(receipt));
    }
  }
  const Bytes receipt = samples::read(ledger.folder / "receipts" / "receipt_2.81.json");
  const auto report = verify_receipt(receipt, service);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->signature_transaction);
  const auto entry = parse_entry(ledger.entry(81));
  const auto maps = read_maps(entry->public_maps);
  const auto signature = read_signature(*maps, entry->txid);
  EXPECT_EQ(json::dump(to_json(make_signature_receipt((*signature)->node, ""))), as_text(receipt));
}

TEST(SampleReceipts, AReceiptOfAnEarlierIdentityNeedsItsEndorsement) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load("ref7_recovered");
  const auto trusted = crypto::Certificate::from_pem(ledger.text("common/service_cert.pem"));
  const auto history = history_of(ledger, maps::previous_service_identity_endorsement);
  ReceiptTrust trust{.service = *trusted};
  trust.cose_endorsements = {parse_endorsement_record(history.rbegin()->second)->endorsement};
  const Bytes receipt = samples::read(ledger.folder / "receipts" / "cose_receipt_2.35.cbor");
  const auto report = verify_receipt(receipt, trust);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->endorsements, 1u);
  for (size_t bit = 0; bit < 8 * trust.cose_endorsements[0].size(); bit += 3) {
    ReceiptTrust damaged = trust;
    damaged.cose_endorsements[0][bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    EXPECT_FALSE(verify_receipt(receipt, damaged).ok()) << bit;
  }
}

TEST(SampleReceipts, EveryChangedByteOfACoseReceiptFails) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load("ref7_recovered");
  const auto service =
      crypto::Certificate::from_pem(ledger.text("common/service_cert_first_epoch.pem"));
  const ReceiptTrust trust{.service = *service};
  const Bytes receipt = samples::read(ledger.folder / "receipts" / "cose_receipt_2.38.cbor");
  ASSERT_TRUE(verify_receipt(receipt, trust).ok());
  for (size_t at = 0; at < receipt.size(); ++at) {
    for (const uint8_t change : {0x01, 0x20}) {
      Bytes damaged = receipt;
      damaged[at] ^= change;
      EXPECT_FALSE(verify_receipt(damaged, trust).ok()) << "byte " << at << " ^ " << int{change};
    }
  }
}

/// What a JSON receipt says, with its certificate as bytes: the same for two texts that differ only
/// in spelling.
std::string meaning(BytesView text) {
  auto receipt = parse_receipt(as_text(text));
  if (!receipt) return "";
  auto certificate = crypto::Certificate::from_pem(receipt->certificate);
  if (certificate) receipt->certificate = to_hex(certificate->der());
  return json::dump(to_json(*receipt));
}

TEST(SampleReceipts, EveryChangedByteOfAJsonReceiptFails) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const samples::Ledger ledger = samples::load("ref7_recovered");
  const auto service =
      crypto::Certificate::from_pem(ledger.text("common/service_cert_first_epoch.pem"));
  const ReceiptTrust trust{.service = *service};
  for (const char* name : {"receipt_2.20.json", "receipt_2.81.json"}) {
    const Bytes receipt = samples::read(ledger.folder / "receipts" / name);
    ASSERT_TRUE(verify_receipt(receipt, trust).ok());
    const std::string original = meaning(receipt);
    size_t respelled = 0;
    for (size_t at = 0; at < receipt.size(); ++at) {
      // One bit each, not the same for all: neighbours in value, case, and beyond ASCII.
      Bytes damaged = receipt;
      damaged[at] ^= std::array<uint8_t, 4>{0x01, 0x20, 0x02, 0x80}[at % 4];
      if (!verify_receipt(damaged, trust).ok()) continue;
      EXPECT_EQ(meaning(damaged), original) << name << " byte " << at;
      ++respelled;
    }
    // Line breaks inside the PEM text are the only such bytes.
    EXPECT_LT(respelled, 40u) << name;
  }
}

}  // namespace
}  // namespace entente::ledger
