#include <gtest/gtest.h>

#include <map>

#include "entente/kv.h"
#include "kv/store.h"

namespace entente::kv {
namespace {

enum class Colour { red, green };
BOOST_DESCRIBE_ENUM(Colour, red, green)

struct Account {
  std::string owner;
  uint64_t balance = 0;
  std::optional<std::string> note;
  std::vector<int> history;
  Colour colour = Colour::red;
  bool operator==(const Account&) const = default;
};
BOOST_DESCRIBE_STRUCT(Account, (), (owner, balance, note, history, colour))

struct TypedTest : testing::Test {
  TypedTest() { store.set_primary(first_view, {1}); }

  /// The raw bytes that a map holds, after committing what `write` does.
  std::map<std::string, std::string> stored(std::string_view map, auto write) {
    Tx tx = store.begin();
    write(tx);
    EXPECT_EQ(store.commit(tx).status, CommitStatus::committed);
    std::map<std::string, std::string> content;
    const Snapshot snapshot = store.snapshot();
    if (const auto found = snapshot.map(map)) {
      found->foreach ([&](const RecordView& record) {
        content[to_text(record.key)] = to_text(record.value);
        return true;
      });
    }
    return content;
  }

  Store store;
};

using Content = std::map<std::string, std::string>;
const std::string unit(8, '\0');

TEST_F(TypedTest, JsonMap) {
  const Map<std::string, Account> accounts("accounts");
  const Account alice{"Älice \"/\"", 5, std::nullopt, {1, -2}, Colour::green};
  EXPECT_EQ(stored("accounts", [&](Tx& tx) { tx.rw(accounts).put("a\n", alice); }),
            (Content{{"\"a\\n\"",
                      "{\"balance\":5,\"colour\":\"green\",\"history\":[1,-2],\"note\":null,"
                      "\"owner\":\"Älice \\\"/\\\"\"}"}}));
  ReadOnlyTx tx = store.begin_read_only();
  auto handle = tx.ro(accounts);
  EXPECT_EQ(handle.get("a\n"), alice);
  EXPECT_FALSE(handle.get("b"));
  EXPECT_TRUE(handle.has("a\n"));
  EXPECT_EQ(handle.size(), 1u);
  EXPECT_EQ(handle.get_version_of_previous_write("a\n"), SeqNo{1});
  EXPECT_FALSE(handle.get_globally_committed("a\n"));
  store.compact({1});
  EXPECT_EQ(handle.get_globally_committed("a\n"), alice);
}

TEST_F(TypedTest, JsonNumbersAndContainers) {
  const Map<uint64_t, std::map<std::string, bool>> map("m");
  EXPECT_EQ(stored("m",
                   [&](Tx& tx) {
                     tx.wo(map).put(18446744073709551615u, {{"b", true}});
                   }),
            (Content{{"18446744073709551615", "{\"b\":true}"}}));
  const Map<int, Bytes> bytes("bytes");
  EXPECT_EQ(stored("bytes",
                   [&](Tx& tx) {
                     tx.wo(bytes).put(-1, {0, 255});
                   }),
            (Content{{"-1", "\"AP8=\""}}));
  ReadOnlyTx tx = store.begin_read_only();
  EXPECT_EQ(tx.ro(bytes).get(-1), (Bytes{0, 255}));
}

struct Attachment {
  Bytes content;
  std::optional<Bytes> digest;
  std::vector<Bytes> parts;
};
BOOST_DESCRIBE_STRUCT(Attachment, (), (content, digest, parts))
struct Mail {
  std::string subject;
  std::map<std::string, Attachment> attachments;
};
BOOST_DESCRIBE_STRUCT(Mail, (), (subject, attachments))

TEST_F(TypedTest, JsonBytesAreBase64WhereverTheyStand) {
  const Map<int, Mail> mails("mails");
  const Mail mail{"s", {{"a", {{0, 255}, Bytes{1}, {{2}, {}}}}, {"b", {}}}};
  const std::string text =
      R"({"attachments":{"a":{"content":"AP8=","digest":"AQ==","parts":["Ag==",""]},)"
      R"("b":{"content":"","digest":null,"parts":[]}},"subject":"s"})";
  EXPECT_EQ(stored("mails", [&](Tx& tx) { tx.wo(mails).put(1, mail); }), (Content{{"1", text}}));
  ReadOnlyTx tx = store.begin_read_only();
  const auto back = tx.ro(mails).get(1);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->attachments.at("a").content, (Bytes{0, 255}));
  EXPECT_EQ(back->attachments.at("a").digest, Bytes{1});
  EXPECT_EQ(back->attachments.at("a").parts, (std::vector<Bytes>{{2}, {}}));
  EXPECT_EQ(back->attachments.at("b").digest, std::nullopt);
  using Serialiser = JsonSerialiser<Mail>;
  EXPECT_EQ(
      Serialiser::from_serialised(as_bytes(R"({"subject":"x","attachments":{},"more":1})")).subject,
      "x");
  for (const char* other : {"[]", "{}", R"({"subject":"x"})", R"({"subject":1,"attachments":{}})",
                            R"({"subject":"x","attachments":{"a":{"content":[0],"parts":[]}}})"}) {
    EXPECT_THROW(Serialiser::from_serialised(as_bytes(other)), SerialisationError) << other;
  }
}

TEST_F(TypedTest, RawCopyMap) {
  const RawCopySerialisedMap<uint32_t, std::string> numbers("numbers");
  EXPECT_EQ(stored("numbers", [&](Tx& tx) { tx.wo(numbers).put(0x01020304, "text"); }),
            (Content{{"\x04\x03\x02\x01", "text"}}));
  const RawCopySerialisedMap<std::array<uint8_t, 2>, int16_t> arrays("arrays");
  EXPECT_EQ(stored("arrays",
                   [&](Tx& tx) {
                     tx.wo(arrays).put({'a', 'b'}, -2);
                   }),
            (Content{{"ab", "\xfe\xff"}}));
  const RawCopySerialisedMap<Bytes, bool> bytes("bytes");
  EXPECT_EQ(stored("bytes", [&](Tx& tx) { tx.wo(bytes).put({}, true); }), (Content{{"", "\x01"}}));
  const RawCopySerialisedMap<Digest, Digest> digests("digests");
  const Digest digest{{1, 2, 3}};
  EXPECT_EQ(stored("digests", [&](Tx& tx) { tx.wo(digests).put(digest, digest); }),
            (Content{{to_text(BytesView(digest)), to_text(BytesView(digest))}}));
  ReadOnlyTx tx = store.begin_read_only();
  EXPECT_EQ(tx.ro(numbers).get(0x01020304), "text");
  EXPECT_EQ(tx.ro(arrays).get({'a', 'b'}), -2);
  EXPECT_EQ(tx.ro(digests).get(digest), digest);
}

TEST_F(TypedTest, ServiceMapIterates) {
  const ServiceMap<std::string, int> map("public:m");
  EXPECT_EQ(stored("public:m",
                   [&](Tx& tx) {
                     auto handle = tx.rw(map);
                     handle.put("b", 2);
                     handle.put("a", 1);
                     handle.put("c", 3);
                     handle.put("d", 4);
                     handle.remove("d");
                   }),
            (Content{{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  Tx tx = store.begin();
  auto handle = tx.rw(map);
  std::string seen;
  handle.foreach ([&](const std::string& key, const int& value) {
    seen += key + std::to_string(value);
    return key != "b";
  });
  EXPECT_EQ(seen, "a1b2");
  int sum = 0;
  handle.foreach_value([&](int value) { return (sum += value) < 100; });
  EXPECT_EQ(sum, 6);
  seen.clear();
  handle.range("b", "d", [&](const std::string& key, int) {
    seen += key;
    return true;
  });
  EXPECT_EQ(seen, "bc");
  handle.clear();
  EXPECT_EQ(handle.size(), 0u);
}

TEST_F(TypedTest, ValuesUseTheUnitKey) {
  const Value<Account> json("json");
  EXPECT_EQ(stored("json", [&](Tx& tx) { tx.rw(json).put({}); }).begin()->first, unit);
  const RawCopySerialisedValue<uint64_t> raw("raw");
  EXPECT_EQ(stored("raw", [&](Tx& tx) { tx.wo(raw).put(1); }),
            (Content{{unit, std::string("\1\0\0\0\0\0\0\0", 8)}}));
  const TypedValue<std::string, RawCopySerialiser<std::string>, EmptyUnit> empty("empty");
  EXPECT_EQ(stored("empty", [&](Tx& tx) { tx.wo(empty).put("x"); }), (Content{{"", "x"}}));
  Tx tx = store.begin();
  auto handle = tx.rw(raw);
  EXPECT_EQ(handle.get(), 1u);
  EXPECT_TRUE(handle.has());
  handle.clear();
  EXPECT_FALSE(handle.get());
  EXPECT_EQ(handle.get_version_of_previous_write(), SeqNo{2});
  EXPECT_FALSE(handle.get_globally_committed());
}

TEST_F(TypedTest, SetsUseTheUnitValue) {
  const Set<std::string> json("json");
  EXPECT_EQ(stored("json", [&](Tx& tx) { tx.wo(json).insert("a"); }), (Content{{"\"a\"", unit}}));
  const RawCopySerialisedSet<uint8_t> raw("raw");
  EXPECT_EQ(stored("raw",
                   [&](Tx& tx) {
                     auto handle = tx.rw(raw);
                     handle.insert('x');
                     handle.insert('y');
                     handle.insert('z');
                     handle.remove('y');
                   }),
            (Content{{"x", unit}, {"z", unit}}));
  ReadOnlyTx tx = store.begin_read_only();
  auto handle = tx.ro(raw);
  EXPECT_TRUE(handle.contains('x'));
  EXPECT_FALSE(handle.contains('y'));
  EXPECT_FALSE(handle.contains_globally_committed('x'));
  EXPECT_EQ(handle.size(), 2u);
  std::string seen;
  handle.foreach ([&](uint8_t key) {
    seen += static_cast<char>(key);
    return true;
  });
  EXPECT_EQ(seen, "xz");
}

TEST_F(TypedTest, StoredBytesOfAnotherTypeAreAnError) {
  Tx tx = store.begin();
  tx.wo("m").put(as_bytes("k"), as_bytes("not json"));
  tx.wo("m").put(as_bytes("n"), as_bytes("[]"));
  const ServiceMap<std::string, Account> json("m");
  EXPECT_THROW(tx.ro(json).get("k"), SerialisationError);
  EXPECT_THROW(tx.ro(json).get("n"), SerialisationError);
  const RawCopySerialisedMap<std::string, uint32_t> raw("m");
  EXPECT_THROW(tx.ro(raw).get("k"), SerialisationError);
  const ServiceMap<std::string, Bytes> bytes("m");
  EXPECT_THROW(tx.ro(bytes).get("n"), SerialisationError);
}

struct UpperCase {
  static Bytes to_serialised(const std::string& text) {
    Bytes bytes = to_bytes(text);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(std::toupper(byte));
    return bytes;
  }
  static std::string from_serialised(BytesView bytes) { return to_text(bytes); }
};

TEST_F(TypedTest, OwnSerialisers) {
  const TypedMap<std::string, std::string, UpperCase, UpperCase> map("m");
  EXPECT_EQ(stored("m", [&](Tx& tx) { tx.wo(map).put("key", "value"); }),
            (Content{{"KEY", "VALUE"}}));
  const MapSerialisedWith<std::string, int, RawCopySerialiser, JsonSerialiser> with("with");
  EXPECT_EQ(stored("with", [&](Tx& tx) { tx.wo(with).put("key", 3); }), (Content{{"key", "3"}}));
}

}  // namespace
}  // namespace entente::kv
