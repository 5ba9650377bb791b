#include "ledger/entry.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <variant>

#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "ledger/entry_sealer.h"

namespace entente::ledger {
namespace {

crypto::SymmetricKey key_from_hex(std::string_view hex) {
  const Bytes bytes = *from_hex(hex);
  return crypto::SymmetricKey(std::span<const uint8_t>(bytes).first<32>());
}

std::shared_ptr<LedgerSecrets> secrets_from(
    std::initializer_list<std::pair<uint64_t, std::string_view>> keys) {
  auto secrets = std::make_shared<LedgerSecrets>();
  for (const auto& [start, hex] : keys) {
    EXPECT_TRUE(secrets->add({start}, key_from_hex(hex)).ok());
  }
  return secrets;
}

// docs/ledger-format.md, worked examples: the service whose first secret this is.
constexpr std::string_view example_secret =
    "d917951c0773a06148d2ff5bf0c984d075fdceb601255157ac004bb53b351079";

constexpr std::string_view private_example =
    "0100bb0000000000"
    "67b30d330439b435fcd37fd402addd90"
    "110000000000000002000000"
    "5100000000000000"
    "041100000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "266ee6ffc4bd003458c67798796e06e07ee60c105c3fddeabdf831dca3572b78"
    "0000000000000000"
    "d0575ea51389082b5384f1a6d6687dd5c47fd010e7f45e60cde4ec13609ff144"
    "981837ad3823855b1e8fd3e453b907752957c335e40c659d7b3270fe87db64f8"
    "7cdb12b232c1";

TEST(EntryExample, PrivateWrite) {
  EntrySealer sealer(secrets_from({{1, example_secret}}));
  const kv::WriteSet writes = {{"records", {{as_bytes("42"), as_bytes("hello")}}}};
  Bytes sealed_bytes;
  const SealedEntry sealed = sealer.seal(writes, {{2}, {17}}, Digest{}, 0, sealed_bytes);
  EXPECT_EQ(to_hex(sealed_bytes), private_example);
  EXPECT_EQ(sealed.size, 195u);
  EXPECT_EQ(sealed.write_set_digest.hex(),
            "c5496af8ff336bca85edc3ee95843622b16b0d08296d7f43674e65cfb6d07980");
  EXPECT_EQ(sealed.leaf.hex(), "520d2e9a61bac7ea344c60b5c31563cd2f6ce3474e8680d44029e8cad13a9aaa");

  const LedgerSecret& secret = *sealer.secrets().find({17});
  EXPECT_EQ(derive_commit_secret(secret.key).hex(),
            "c7001b5933cecf49103c001e22641f7141f8b207acd21878b6f435b3291917cd");
  EXPECT_EQ(commit_evidence(secret, {{2}, {17}}),
            "ce:2.17:c6b549e9831683c505c6b39792b47f6f3a8897384090dbab705c349182ece503");

  auto entry = parse_entry(sealed_bytes);
  ASSERT_TRUE(entry.ok()) << entry.error().message;
  EXPECT_EQ(entry->txid, (TxId{{2}, {17}}));
  EXPECT_EQ(entry->public_domain.size(), 81u);
  EXPECT_EQ(entry_leaf(*entry, sealed.write_set_digest), sealed.leaf);
  Bytes plaintext;
  auto maps = sealer.open_maps(*entry, plaintext);
  ASSERT_TRUE(maps.ok()) << maps.error().message;
  EXPECT_EQ(to_hex(plaintext),
            "0700000000000000"
            "7265636f726473"
            "0000000000000000"
            "0000000000000000"
            "0100000000000000"
            "0200000000000000"
            "3432"
            "0500000000000000"
            "68656c6c6f"
            "0000000000000000");
  EXPECT_EQ(as_text(find_write(*maps, "records", as_bytes("42")).value()), "hello");
  EXPECT_TRUE(sealer.check_commit_evidence(*entry).ok());
}

TEST(EntryExample, SnapshotEvidence) {
  EntrySealer sealer(secrets_from({{1, example_secret}}));
  const std::string hash = "211b4d39c3b7a9a0667fd79326bbd3dacb423a24fee30f065f8bbfb967f5d67e";
  const std::string value = R"({"hash":")" + hash + R"(","version":14})";
  const kv::WriteSet writes = {
      {"public:ccf.internal.snapshot_evidence", {{unit_key(), as_bytes(value)}}}};
  Bytes bytes;
  sealer.seal(writes, {{2}, {15}}, *Digest::from_hex(hash), 0, bytes);
  const std::string expected =
      "0100320100000000"
      "b83a964b59c7aa71cc6c1c8e56a0c1fa"
      "0f0000000000000002000000"
      "0e01000000000000"
      "040f00000000000000" +
      hash + "208d8cc7aa897bfed37ca6190695e7404e562c639bc43293b0df243777ea0030" +
      "0000000000000000"
      "2500000000000000" +
      to_hex(as_bytes("public:ccf.internal.snapshot_evidence")) +
      "0000000000000000"
      "0000000000000000"
      "0100000000000000"
      "0800000000000000" +
      "0000000000000000"
      "5800000000000000" +
      to_hex(as_bytes(value)) + "0000000000000000";
  EXPECT_EQ(to_hex(bytes), expected);
}

// ---------------------------------------------------------------------------------- round trip

using Model = std::map<std::string, std::map<std::string, std::optional<std::string>>>;

/// Views into the model.
kv::WriteSet write_set_of(const Model& model) {
  kv::WriteSet writes;
  for (const auto& [name, records] : model) {
    kv::MapWrites map{name, {}};
    for (const auto& [key, value] : records) {
      map.writes.push_back({as_bytes(key), value ? std::optional(as_bytes(*value)) : std::nullopt});
    }
    writes.push_back(std::move(map));
  }
  return writes;
}

Model model_of(const kv::WriteSet& writes) {
  Model model;
  for (const kv::MapWrites& map : writes) {
    for (const kv::Write& write : map.writes) {
      model[std::string(map.map)][to_text(write.key)] =
          write.value ? std::optional(to_text(*write.value)) : std::nullopt;
    }
  }
  return model;
}

rc::Gen<Model> any_model() {
  const auto name =
      rc::gen::oneOf(rc::gen::arbitrary<std::string>(),
                     rc::gen::map(rc::gen::arbitrary<std::string>(),
                                  [](const std::string& text) { return "public:" + text; }));
  const auto value =
      rc::gen::oneOf(rc::gen::map(rc::gen::arbitrary<std::string>(),
                                  [](std::string text) { return std::optional(std::move(text)); }),
                     rc::gen::just(std::optional<std::string>()));
  const auto records =
      rc::gen::nonEmpty(rc::gen::container<std::map<std::string, std::optional<std::string>>>(
          rc::gen::arbitrary<std::string>(), value));
  return rc::gen::container<Model>(name, records);
}

TEST(Entry, WhatIsSealedIsReadBack) {
  auto secrets = secrets_from({{1, example_secret}});
  ASSERT_TRUE(secrets->add({100}, crypto::random_key()).ok());
  EntrySealer sealer(secrets);
  EXPECT_TRUE(rc::check([&] {
    const Model model = *any_model();
    const kv::WriteSet writes = write_set_of(model);
    const TxId txid{{*rc::gen::inRange<uint64_t>(1, max_view + 1)},
                    {*rc::gen::inRange<uint64_t>(1, 200)}};
    Digest claims;
    claims.bytes[3] = *rc::gen::arbitrary<uint8_t>();
    const uint8_t flags = *rc::gen::inRange<uint8_t>(0, 4);

    Bytes bytes = to_bytes("before");
    const SealedEntry sealed = sealer.seal(writes, txid, claims, flags, bytes);
    const BytesView own = BytesView(bytes).subspan(6);
    RC_ASSERT(own.size() == sealed.size && sealed.size == sealed_size(writes));
    RC_ASSERT(*entry_size(own) == sealed.size);
    const auto entry = parse_entry(own);
    RC_ASSERT(entry.ok());
    RC_ASSERT(entry->txid == txid && entry->flags == flags && entry->reserved == 0u);
    RC_ASSERT(entry->claims_digest == claims);
    RC_ASSERT(entry->commit_evidence_digest == sealed.commit_evidence_digest);
    RC_ASSERT(crypto::sha256(own) == sealed.write_set_digest);
    RC_ASSERT(entry_leaf(*entry, sealed.write_set_digest) == sealed.leaf);
    RC_ASSERT(crypto::sha256(as_bytes(commit_evidence(*secrets->find(txid.seqno), txid))) ==
              sealed.commit_evidence_digest);

    Bytes plaintext;
    const auto opened = sealer.open_maps(*entry, plaintext);
    RC_ASSERT(opened.ok());
    RC_ASSERT(model_of(*opened) == model);
    for (const kv::MapWrites& map : *opened) {
      RC_ASSERT(
          map.map.starts_with("public:") ==
          (map.map.data() < reinterpret_cast<const char*>(plaintext.data()) ||
           map.map.data() >= reinterpret_cast<const char*>(plaintext.data()) + plaintext.size()));
    }
    RC_ASSERT(equal(encode_maps(*opened, Domain::encrypted), plaintext));
    RC_ASSERT(equal(encode_maps(*opened, Domain::in_clear), entry->public_maps));
  }));
}

TEST(Entry, EveryFlippedBitIsRefused) {
  EntrySealer sealer(secrets_from({{1, example_secret}}));
  const kv::WriteSet writes = {{"public:a", {{as_bytes("k"), as_bytes("v")}}},
                               {"secret", {{as_bytes("k"), std::nullopt}}}};
  Bytes bytes;
  const SealedEntry sealed = sealer.seal(writes, {{2}, {5}}, Digest{}, 0, bytes);
  Bytes plaintext;
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    Bytes damaged = bytes;
    damaged[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    const auto entry = parse_entry(damaged);
    if (!entry) continue;
    // Flags are authenticated by the leaf alone.
    if (bit / 8 == 1) {
      EXPECT_NE(entry_leaf(*entry, crypto::sha256(damaged)), sealed.leaf);
      continue;
    }
    const auto opened = sealer.open(*entry, plaintext);
    EXPECT_FALSE(opened.ok()) << "bit " << bit;
    EXPECT_TRUE(plaintext.empty());
  }
}

TEST(Entry, EveryTruncationIsRefused) {
  const Bytes bytes = *from_hex(private_example);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(parse_entry(BytesView(bytes).first(size)).ok()) << size;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(parse_entry(longer).ok());
}

// --------------------------------------------------------------------------------------- errors

struct Damage {
  const char* what;
  size_t offset;
  Bytes replacement;
  const char* message;
};

TEST(Entry, ErrorsNameFieldAndOffset) {
  const Damage cases[] = {
      {"version", 0, {2}, "byte 1000: version: is 2, expected 1"},
      {"flags", 1, {4}, "byte 1001: flags: unknown bits 4"},
      {"size", 2, {0xff}, "byte 1002: entry size: 263 bytes announced, 195 present"},
      {"small", 2, {35}, "byte 1002: entry size: 35 is too small"},
      {"huge", 2, {0, 0, 0, 0, 1}, "byte 1002: entry size: 4294967296 is above the limit"},
      {"iv seqno", 24, {18}, "byte 1045: seqno: 17 differs from 18 in the IV"},
      {"iv seqno 0", 24, {0}, "byte 1024: IV: seqno out of range"},
      {"iv view", 32, {0}, "byte 1032: IV: view is 0"},
      {"snapshot bit", 35, {0x80}, "byte 1032: IV: snapshot bit on an entry"},
      {"public size",
       36,
       {0xff, 0xff, 0xff},
       "byte 1036: public domain size: ends beyond the entry"},
      {"short domain", 36, {70}, "byte 1085: commit evidence digest: ends beyond the data"},
      {"no domain", 36, {0}, "byte 1044: entry type: ends beyond the data"},
      {"type", 44, {5}, "byte 1044: entry type: unknown value 5"},
      {"snapshot", 44, {1}, "byte 1061: snapshot leaf: not 32 bytes"},
  };
  for (const Damage& damage : cases) {
    Bytes bytes = *from_hex(private_example);
    std::copy(damage.replacement.begin(), damage.replacement.end(),
              bytes.begin() + static_cast<ptrdiff_t>(damage.offset));
    const auto entry = parse_entry(bytes, 1000);
    ASSERT_FALSE(entry.ok()) << damage.what;
    EXPECT_EQ(entry.error().message, damage.message) << damage.what;
  }
}

Bytes u64(uint64_t value) {
  Bytes out(8);
  std::memcpy(out.data(), &value, 8);
  return out;
}

/// Concatenates numbers (u64) and lp-strings.
Bytes domain(std::initializer_list<std::variant<int, const char*>> items) {
  Bytes out;
  for (const auto& item : items) {
    if (const int* number = std::get_if<int>(&item)) {
      append(out, u64(static_cast<uint64_t>(static_cast<int64_t>(*number))));
    } else {
      const std::string_view text = std::get<const char*>(item);
      append(out, u64(text.size()));
      append(out, as_bytes(text));
    }
  }
  return out;
}

TEST(Maps, ErrorsNameMapAndField) {
  const std::pair<Bytes, const char*> cases[] = {
      {domain({99}), "byte 10: map name: ends beyond the data"},
      {domain({"m"}), "byte 19: map m: read version: ends beyond the data"},
      {domain({"m", 0}), "byte 27: map m: read count: ends beyond the data"},
      {domain({"m", 0, 1, "k", 7, 1, "k", "v", 0}), "byte 27: map m: read count: not 0"},
      {domain({"m", 0, 0, -1}), "byte 35: map m: write count: beyond the end of the domain"},
      {domain({"m", 0, 0, 1, 99, 5}), "byte 43: map m: key: ends beyond the data"},
      {domain({"m", 0, 0, 1, "k", 9}), "byte 52: map m: value: ends beyond the data"},
      {domain({"m", 0, 0, 2, "b", "v", "a", "v", 0}),
       "byte 61: map m: key: writes are not in ascending order"},
      {domain({"m", 0, 0, 2, "a", "v", "a", "v", 0}),
       "byte 61: map m: key: writes are not in ascending order"},
      {domain({"m", 0, 0, 1, "a", "v"}), "byte 61: map m: remove count: ends beyond the data"},
      {domain({"m", 0, 0, 0, -1}), "byte 43: map m: remove count: beyond the end of the domain"},
      {domain({"m", 0, 0, 0, 2, "b", "a"}),
       "byte 60: map m: removed key: removals are not in ascending order"},
      {domain({"m", 0, 0, 1, "a", "v", 1, "a"}), "byte 61: map m: removed key: is also written"},
      {domain({"m", 0, 0, 0, 0}), "byte 10: map m: map: has no writes"},
      {domain({"n", 0, 0, 1, "a", "v", 0, "m", 0, 0, 1, "a", "v", 0}),
       "byte 69: map name: maps are not in ascending order"},
      {domain({"m", 0, 0, 1, "a", "v", 0, "m", 0, 0, 1, "a", "v", 0}),
       "byte 69: map name: maps are not in ascending order"},
  };
  for (const auto& [bytes, message] : cases) {
    const auto maps = read_maps(bytes, 10);
    ASSERT_FALSE(maps.ok()) << message;
    EXPECT_EQ(maps.error().message, message);
  }
}

TEST(Maps, OldLedgersMayBeInAnyOrder) {
  const Bytes bytes = domain({"n", 0,   1, "read", 3, 3, "b", "1", "a", "2", "b", "3", 2,   "c",
                              "a", "m", 0, 0,      0, 1, "x", "n", 0,   0,   1,   "c", "4", 0});
  EXPECT_FALSE(read_maps(bytes).ok());
  const auto maps = read_maps(bytes, 0, Ordering::any);
  ASSERT_TRUE(maps.ok()) << maps.error().message;
  const Model expected = {{"m", {{"x", std::nullopt}}},
                          {"n", {{"a", "2"}, {"b", "3"}, {"c", "4"}}}};
  EXPECT_EQ(model_of(*maps), expected);
  ASSERT_EQ(maps->size(), 2u);
  EXPECT_EQ((*maps)[0].map, "m");
}

TEST(Maps, EveryTruncationIsRefused) {
  const Bytes bytes = domain({"m", 0, 0, 1, "a", "v", 1, "b"});
  ASSERT_TRUE(read_maps(bytes).ok());
  for (size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_FALSE(read_maps(BytesView(bytes).first(size)).ok()) << size;
    EXPECT_FALSE(read_maps(BytesView(bytes).first(size), 0, Ordering::any).ok()) << size;
  }
}

TEST(Sealer, OpensOnlyWithTheSecretThatApplies) {
  const auto first = crypto::random_key();
  const auto second = crypto::random_key();
  auto secrets = std::make_shared<LedgerSecrets>();
  ASSERT_TRUE(secrets->add({3}, first).ok());
  ASSERT_TRUE(secrets->add({10}, second).ok());
  EntrySealer sealer(secrets);
  const kv::WriteSet writes = {{"m", {{as_bytes("k"), as_bytes("v")}}}};
  for (const uint64_t seqno : {9, 10}) {
    Bytes bytes;
    sealer.seal(writes, {{2}, {seqno}}, Digest{}, 0, bytes);
    const auto entry = parse_entry(bytes);
    ASSERT_TRUE(entry.ok());
    auto other = std::make_shared<LedgerSecrets>();
    ASSERT_TRUE(other->add({1}, seqno == 9 ? second : first).ok());
    Bytes plaintext;
    EXPECT_TRUE(sealer.open(*entry, plaintext).ok());
    EntrySealer stranger(other);
    EXPECT_FALSE(stranger.open(*entry, plaintext).ok());
    EXPECT_FALSE(stranger.check_commit_evidence(*entry).ok());
    stranger.use(secrets);
    EXPECT_TRUE(stranger.open(*entry, plaintext).ok());
    EXPECT_TRUE(stranger.check_commit_evidence(*entry).ok());

    auto later = std::make_shared<LedgerSecrets>();
    ASSERT_TRUE(later->add({11}, first).ok());
    EntrySealer ignorant(later);
    const auto opened = ignorant.open(*entry, plaintext);
    ASSERT_FALSE(opened.ok());
    EXPECT_NE(opened.error().message.find("no ledger secret"), std::string::npos);
  }
}

TEST(LedgerSecrets, TheGreatestStartThatIsNotLater) {
  LedgerSecrets secrets;
  EXPECT_EQ(secrets.find({1}), nullptr);
  EXPECT_EQ(secrets.latest(), nullptr);
  const auto one = crypto::random_key();
  EXPECT_FALSE(secrets.add({0}, one).ok());
  ASSERT_TRUE(secrets.add({48}, crypto::random_key()).ok());
  ASSERT_TRUE(secrets.add({2}, one).ok());
  ASSERT_TRUE(secrets.add({2}, one).ok());
  EXPECT_FALSE(secrets.add({2}, crypto::random_key()).ok());
  EXPECT_EQ(secrets.find({1}), nullptr);
  EXPECT_EQ(secrets.find({2})->start.value, 2u);
  EXPECT_EQ(secrets.find({47})->start.value, 2u);
  EXPECT_EQ(secrets.find({48})->start.value, 48u);
  EXPECT_EQ(secrets.find({max_seqno})->start.value, 48u);
  secrets.truncate({47});
  EXPECT_EQ(secrets.latest()->start.value, 48u);
  secrets.truncate({46});
  EXPECT_EQ(secrets.latest()->start.value, 2u);
}

TEST(CommitEvidence, NamesItsTransaction) {
  const std::string nonce(64, 'a');
  EXPECT_EQ(evidence_txid("ce:2.17:" + nonce), (TxId{{2}, {17}}));
  for (const std::string& text :
       {std::string("ce:2.17:"), "ce:2.17" + nonce, "2.17:" + nonce, "ce:0.17:" + nonce,
        "ce:2.17:" + nonce + "a", "ce:2.17:" + std::string(64, 'g')}) {
    EXPECT_FALSE(evidence_txid(text)) << text;
  }
}

}  // namespace
}  // namespace entente::ledger
