#include "kv/store.h"

#include <gtest/gtest.h>

#include "entente/kv.h"

namespace entente::kv {
namespace {

BytesView b(std::string_view text) {
  return as_bytes(text);
}

std::optional<std::string> text(std::optional<BytesView> value) {
  if (!value) return std::nullopt;
  return to_text(*value);
}
std::optional<std::string> owned_text(const std::optional<Bytes>& value) {
  if (!value) return std::nullopt;
  return to_text(*value);
}

struct StoreTest : testing::Test {
  StoreTest() { store.set_primary(first_view, {1}); }

  TxId put(std::string_view map, std::string_view key, std::string_view value) {
    Tx tx = store.begin();
    tx.wo(map).put(b(key), b(value));
    const CommitResult result = store.commit(tx);
    EXPECT_EQ(result.status, CommitStatus::committed);
    return result.id;
  }
  TxId remove(std::string_view map, std::string_view key) {
    Tx tx = store.begin();
    tx.wo(map).remove(b(key));
    const CommitResult result = store.commit(tx);
    EXPECT_EQ(result.status, CommitStatus::committed);
    return result.id;
  }
  std::optional<std::string> get(std::string_view map, std::string_view key) {
    ReadOnlyTx tx = store.begin_read_only();
    return text(tx.ro(map).get(b(key)));
  }
  std::optional<std::string> committed(std::string_view map, std::string_view key) {
    ReadOnlyTx tx = store.begin_read_only();
    return owned_text(tx.ro(map).get_globally_committed(b(key)));
  }
  Digest digest() { return state_digest(store.snapshot()); }

  Store store;
};

TEST_F(StoreTest, IdsCountUpFromOneInTheView) {
  EXPECT_EQ(store.last(), (TxId{}));
  EXPECT_EQ(put("m", "a", "1"), (TxId{{2}, {1}}));
  EXPECT_EQ(put("m", "b", "2"), (TxId{{2}, {2}}));
  store.set_primary({5}, {2});
  EXPECT_EQ(put("m", "c", "3"), (TxId{{5}, {3}}));
  EXPECT_EQ(store.view_of({0}), View{0});
  EXPECT_EQ(store.view_of({2}), View{2});
  EXPECT_EQ(store.view_of({3}), View{5});
  EXPECT_EQ(store.view_of({4}), View{0});
  EXPECT_EQ(store.view_starts(), (std::vector<ViewStart>{{{2}, {1}}, {{5}, {3}}}));
}

TEST_F(StoreTest, OwnWritesAreSeenButNotTheirVersion) {
  const TxId first = put("m", "a", "old");
  Tx tx = store.begin();
  auto m = tx.rw("m");
  m.put(b("a"), b("new"));
  EXPECT_EQ(text(m.get(b("a"))), "new");
  EXPECT_EQ(m.get_version_of_previous_write(b("a")), first.seqno);
  m.remove(b("a"));
  EXPECT_FALSE(m.has(b("a")));
  EXPECT_EQ(m.get_version_of_previous_write(b("a")), first.seqno);
  m.put(b("b"), b("x"));
  EXPECT_FALSE(m.get_version_of_previous_write(b("b")));
  EXPECT_EQ(get("m", "a"), "old") << "nothing is visible before commit";
}

TEST_F(StoreTest, ViewsOfReplacedOwnWritesStayValid) {
  Tx tx = store.begin();
  auto m = tx.rw("m");
  m.put(b("a"), b("a value long enough to live on the heap"));
  const auto before = m.get(b("a"));
  m.remove(b("a"));
  m.put(b("a"), b("another"));
  EXPECT_EQ(text(before), "a value long enough to live on the heap");
}

TEST_F(StoreTest, SizeAndIterationMergeOwnWrites) {
  put("m", "a", "1");
  put("m", "c", "3");
  put("m", "e", "5");
  Tx tx = store.begin();
  auto m = tx.rw("m");
  m.put(b("b"), b("2"));
  m.put(b("c"), b("three"));
  m.remove(b("e"));
  m.remove(b("never there"));
  m.put(b("f"), b("6"));
  EXPECT_EQ(m.size(), 4u);
  std::string seen;
  m.foreach ([&](BytesView key, BytesView value) {
    seen += to_text(key) + "=" + to_text(value) + " ";
    return true;
  });
  EXPECT_EQ(seen, "a=1 b=2 c=three f=6 ");
  seen.clear();
  m.foreach_key([&](BytesView key) {
    seen += to_text(key);
    return seen.size() < 2;
  });
  EXPECT_EQ(seen, "ab") << "false stops";
  seen.clear();
  m.range(b("b"), b("f"), [&](BytesView key, BytesView) {
    seen += to_text(key);
    return true;
  });
  EXPECT_EQ(seen, "bc") << "from <= key < to";
  seen.clear();
  m.range(b("bb"), std::nullopt, [&](BytesView key, BytesView) {
    seen += to_text(key);
    return true;
  });
  EXPECT_EQ(seen, "cf");
}

TEST_F(StoreTest, IterationVisitsWhatWasThereAtItsStart) {
  put("m", "a", "1");
  put("m", "b", "2");
  Tx tx = store.begin();
  auto m = tx.rw("m");
  std::string seen;
  m.foreach ([&](BytesView key, BytesView) {
    seen += to_text(key);
    m.put(b("c" + to_text(key)), b("new"));
    m.remove(b("b"));
    tx.rw("another" + to_text(key)).put(key, key);
    return true;
  });
  EXPECT_EQ(seen, "ab");
  EXPECT_EQ(m.size(), 3u);
  EXPECT_THROW(m.foreach ([](BytesView, BytesView) -> bool { throw std::runtime_error("x"); }),
               std::runtime_error);
}

TEST_F(StoreTest, ClearRemovesEveryVisibleKey) {
  put("m", "a", "1");
  put("m", "b", "2");
  Tx tx = store.begin();
  auto m = tx.rw("m");
  m.put(b("own"), b("3"));
  m.clear();
  EXPECT_EQ(m.size(), 0u);
  m.put(b("b"), b("again"));
  ASSERT_EQ(store.commit(tx).status, CommitStatus::committed);
  EXPECT_FALSE(get("m", "a"));
  EXPECT_FALSE(get("m", "own"));
  EXPECT_EQ(get("m", "b"), "again");
}

TEST_F(StoreTest, WriteSetIsInLedgerOrder) {
  put("z", "k", "v");
  Tx tx = store.begin();
  tx.wo("z").put(b("b"), b("1"));
  tx.wo("z").put(b("a"), b("2"));
  tx.wo("z").put(b("b"), b("last write wins"));
  tx.wo("public:p").remove(b("absent"));
  tx.ro("read only");
  tx.wo("m").put(b(""), b(""));
  ASSERT_EQ(store.commit(tx).status, CommitStatus::committed);
  const WriteSet& writes = Store::write_set(tx);
  ASSERT_EQ(writes.size(), 3u);
  EXPECT_EQ(writes[0].map, "m");
  EXPECT_EQ(writes[1].map, "public:p");
  EXPECT_EQ(writes[2].map, "z");
  ASSERT_EQ(writes[0].writes.size(), 1u);
  EXPECT_EQ(text(writes[0].writes[0].value), "");
  ASSERT_EQ(writes[1].writes.size(), 1u);
  EXPECT_FALSE(writes[1].writes[0].value);
  ASSERT_EQ(writes[2].writes.size(), 2u);
  EXPECT_EQ(to_text(writes[2].writes[0].key), "a");
  EXPECT_EQ(text(writes[2].writes[1].value), "last write wins");
}

TEST_F(StoreTest, WithoutWritesThereIsNoEntryAndNoConflict) {
  const TxId seen = put("m", "a", "1");
  Tx tx = store.begin();
  EXPECT_EQ(text(tx.rw("m").get(b("a"))), "1");
  put("m", "a", "2");
  EXPECT_EQ(text(tx.rw("m").get(b("a"))), "1") << "one snapshot";
  const CommitResult result = store.commit(tx);
  EXPECT_EQ(result.status, CommitStatus::read_only);
  EXPECT_EQ(result.id, seen);
  ReadOnlyTx reader = store.begin_read_only();
  EXPECT_EQ(Store::observed(reader), store.last());
}

TEST_F(StoreTest, TheSnapshotIsFixedAtTheFirstReadForAllMaps) {
  put("m", "a", "1");
  put("n", "a", "1");
  Tx tx = store.begin();
  auto m = tx.ro("m");
  auto n = tx.ro("n");
  put("m", "a", "2");
  EXPECT_EQ(text(m.get(b("a"))), "2") << "not fixed by opening";
  put("n", "a", "3");
  put("new", "a", "1");
  EXPECT_EQ(text(n.get(b("a"))), "1");
  EXPECT_FALSE(tx.ro("new").has(b("a")));
}

// ---- conflicts

struct Conflict {
  const char* name;
  void (*read)(Handle&);
  const char* written_key;
  bool conflicts;
};

class ConflictTest : public StoreTest, public testing::WithParamInterface<Conflict> {};

TEST_P(ConflictTest, IsFoundAtCommit) {
  const Conflict& param = GetParam();
  put("m", "a", "1");
  put("m", "b", "2");
  Tx tx = store.begin();
  auto m = tx.rw("m");
  param.read(m);
  put("m", param.written_key, "other");
  tx.wo("result").put(b("k"), b("v"));
  EXPECT_EQ(store.commit(tx).status,
            param.conflicts ? CommitStatus::conflict : CommitStatus::committed);
  EXPECT_EQ(get("result", "k").has_value(), !param.conflicts);
}

INSTANTIATE_TEST_SUITE_P(
    Reads, ConflictTest,
    testing::Values(
        Conflict{"same_key", [](Handle& m) { m.get(b("a")); }, "a", true},
        Conflict{"other_key", [](Handle& m) { m.get(b("a")); }, "b", false},
        Conflict{"has", [](Handle& m) { m.has(b("a")); }, "a", true},
        Conflict{"version", [](Handle& m) { m.get_version_of_previous_write(b("a")); }, "a", true},
        Conflict{"absent_created", [](Handle& m) { m.get(b("new")); }, "new", true},
        Conflict{"absent_other", [](Handle& m) { m.get(b("new")); }, "newer", false},
        Conflict{"size", [](Handle& m) { m.size(); }, "b", true},
        Conflict{"foreach", [](Handle& m) { m.foreach_key([](BytesView) { return false; }); }, "b",
                 true},
        Conflict{"clear", [](Handle& m) { m.clear(); }, "new", true},
        Conflict{"blind_write", [](Handle& m) { m.put(b("a"), b("mine")); }, "a", false},
        Conflict{"read_back",
                 [](Handle& m) {
                   m.put(b("a"), b("mine"));
                   m.get(b("a"));
                 },
                 "a", false},
        Conflict{"globally_committed", [](Handle& m) { m.get_globally_committed(b("a")); }, "a",
                 false}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(StoreTest, RewritingTheSameValueIsStillAConflict) {
  put("m", "a", "1");
  Tx tx = store.begin();
  auto m = tx.rw("m");
  m.get(b("a"));
  put("m", "a", "1");
  m.put(b("b"), b("x"));
  EXPECT_EQ(store.commit(tx).status, CommitStatus::conflict);
}

TEST_F(StoreTest, AMapThatDidNotExistIsADependencyToo) {
  Tx tx = store.begin();
  EXPECT_FALSE(tx.ro("new").has(b("a")));
  EXPECT_EQ(tx.ro("other").size(), 0u);
  tx.wo("result").put(b("k"), b("v"));
  put("new", "a", "1");
  EXPECT_EQ(store.commit(tx).status, CommitStatus::conflict);
}

TEST_F(StoreTest, RemovingAnAbsentKeyChangesNothingForReaders) {
  put("m", "a", "1");
  Tx tx = store.begin();
  auto m = tx.rw("m");
  EXPECT_EQ(m.size(), 1u);
  const TxId removal = remove("m", "absent");
  m.put(b("b"), b("x"));
  EXPECT_EQ(store.commit(tx).status, CommitStatus::committed);
  EXPECT_EQ(store.snapshot().map("m")->version, removal.seqno + 1);
}

TEST_F(StoreTest, ManyReadsOfOneMapCountAsTheWholeMap) {
  put("m", "a", "1");
  Tx tx = store.begin();
  auto m = tx.rw("m");
  for (int i = 0; i < 70000; ++i) m.get(b("absent" + std::to_string(i)));
  m.put(b("x"), b("y"));
  put("m", "unrelated", "1");
  EXPECT_EQ(store.commit(tx).status, CommitStatus::conflict);
}

// ---- roles, epochs, sessions

TEST(Store, ANewStoreIsAFollower) {
  Store store;
  Tx tx = store.begin();
  tx.wo("m").put(b("a"), b("1"));
  EXPECT_EQ(store.commit(tx).status, CommitStatus::not_primary);
  EXPECT_EQ(store.last(), (TxId{}));
}

TEST_F(StoreTest, AFollowerRefusesWritesButServesReads) {
  put("m", "a", "1");
  Tx before = store.begin();
  before.wo("m").put(b("a"), b("2"));
  store.set_follower({2});
  EXPECT_EQ(store.commit(before).status, CommitStatus::not_primary);
  Tx reader = store.begin();
  EXPECT_EQ(text(reader.ro("m").get(b("a"))), "1");
  EXPECT_EQ(store.commit(reader).status, CommitStatus::read_only);
}

TEST_F(StoreTest, CommitCanBeTiedToAnEpoch) {
  Tx tx = store.begin();
  tx.wo("m").put(b("a"), b("1"));
  store.rollback({0}, {3}, {2});
  EXPECT_EQ(store.commit(tx, {.epoch = Epoch{1}, .session = {}}).status, CommitStatus::not_primary);
  Tx again = store.begin();
  again.wo("m").put(b("a"), b("1"));
  const CommitResult result = store.commit(again, {.epoch = Epoch{2}, .session = {}});
  EXPECT_EQ(result.status, CommitStatus::committed);
  EXPECT_EQ(result.epoch, Epoch{2});
  EXPECT_EQ(result.id, (TxId{{3}, {1}}));
}

TEST_F(StoreTest, ASessionOnAnAbandonedBranchIsLost) {
  put("m", "a", "1");
  const TxId mine = put("m", "b", "1");
  store.rollback({1}, {3}, {2});
  for (const bool refilled : {false, true}) {
    if (refilled) put("m", "b", "other");
    for (const bool writes : {false, true}) {
      Tx tx = store.begin();
      if (writes) tx.wo("m").put(b("c"), b("1"));
      EXPECT_EQ(store.commit(tx, {.epoch = {}, .session = mine}).status,
                CommitStatus::session_lost);
    }
  }
  for (const TxId good : {TxId{}, TxId{{2}, {1}}, TxId{{3}, {2}}}) {
    Tx tx = store.begin();
    tx.wo("m").put(b("c"), b("1"));
    EXPECT_EQ(store.commit(tx, {.epoch = {}, .session = good}).status, CommitStatus::committed);
  }
}

// ---- roll-back and compaction

TEST_F(StoreTest, RollbackRestoresValuesVersionsAndSizes) {
  put("m", "kept", "1");
  put("m", "changed", "1");
  const TxId point = put("m", "removed", "1");
  const Digest then = digest();
  put("m", "changed", "2");
  remove("m", "removed");
  put("m", "new", "1");
  put("new map", "a", "1");
  remove("m", "absent");
  EXPECT_EQ(store.uncommitted_transactions(), 8u);
  store.rollback(point.seqno, {4}, {2});
  EXPECT_EQ(digest(), then);
  EXPECT_EQ(store.last(), point);
  EXPECT_EQ(store.uncommitted_transactions(), 3u);
  EXPECT_EQ(store.uncommitted_bytes(), std::string("kept1changed1removed1").size());
  EXPECT_EQ(put("m", "x", "y"), (TxId{{4}, {4}}));
}

TEST_F(StoreTest, AReaderOfARolledBackValueConflicts) {
  put("m", "a", "1");
  put("m", "a", "2");
  Tx tx = store.begin();
  auto m = tx.rw("m");
  EXPECT_EQ(text(m.get(b("a"))), "2");
  store.rollback({1}, {3}, {2});
  put("m", "a", "2");  // same value, same seqno, another view
  m.put(b("b"), b("from a"));
  EXPECT_EQ(store.commit(tx).status, CommitStatus::conflict);
}

TEST_F(StoreTest, AReaderOfWhatSurvivesRollbackDoesNot) {
  put("m", "a", "1");
  put("m", "b", "2");
  Tx tx = store.begin();
  auto m = tx.rw("m");
  EXPECT_EQ(text(m.get(b("a"))), "1");
  store.rollback({1}, {3}, {2});
  m.put(b("c"), b("from a"));
  EXPECT_EQ(store.commit(tx).status, CommitStatus::committed);
}

TEST_F(StoreTest, GloballyCommittedValues) {
  put("m", "a", "1");
  const TxId first = put("m", "gone", "1");
  EXPECT_FALSE(committed("m", "a"));
  store.compact(first.seqno);
  EXPECT_EQ(store.committed(), first.seqno);
  put("m", "a", "2");
  put("m", "a", "3");
  remove("m", "gone");
  put("m", "gone", "back");
  remove("m", "gone");
  put("m", "later", "1");
  remove("m", "later");
  EXPECT_EQ(committed("m", "a"), "1");
  EXPECT_EQ(committed("m", "gone"), "1");
  EXPECT_FALSE(committed("m", "later"));
  EXPECT_FALSE(committed("unknown map", "a"));
  store.compact({3});
  EXPECT_EQ(committed("m", "a"), "2");
  store.compact({6});
  EXPECT_EQ(committed("m", "a"), "3");
  EXPECT_EQ(committed("m", "gone"), "back");
  store.compact(store.last().seqno);
  EXPECT_FALSE(committed("m", "gone"));
  EXPECT_EQ(store.uncommitted_transactions(), 0u);
  EXPECT_EQ(store.uncommitted_bytes(), 0u);
  store.compact({1});
  EXPECT_EQ(store.committed(), store.last().seqno) << "never goes back";
}

TEST_F(StoreTest, TheCommittedSnapshotHoldsExactlyThat) {
  put("m", "a", "1");
  put("m", "b", "1");
  const Digest then = digest();
  store.compact({2});
  put("m", "a", "2");
  remove("m", "b");
  put("n", "c", "1");
  const Snapshot snapshot = store.committed_snapshot();
  EXPECT_EQ(state_digest(snapshot), then);
  EXPECT_EQ(snapshot.id(), (TxId{{2}, {2}}));
  EXPECT_EQ(snapshot.map("m")->version, SeqNo{2});
  EXPECT_EQ(get("m", "a"), "2");
}

TEST(StoreDeath, RollbackBelowCommitStops) {
  Store store;
  store.set_primary(first_view, {1});
  for (int i = 0; i < 3; ++i) {
    Tx tx = store.begin();
    tx.wo("m").put(b("a"), b("1"));
    store.commit(tx);
  }
  store.compact({2});
  EXPECT_DEATH(store.rollback({1}, {3}, {2}), "invariant broken");
  EXPECT_DEATH(store.compact({4}), "invariant broken");
  EXPECT_DEATH(store.set_follower({0}), "invariant broken");
}

// ---- reservations

WriteSet one_write(std::string_view map, std::string_view key, std::optional<std::string_view> v) {
  std::optional<BytesView> value;
  if (v) value = b(*v);
  return {{map, {{b(key), value}}}};
}

TEST_F(StoreTest, AReservationIsFilledBelowLaterTransactions) {
  put("m", "a", "1");
  const auto reserved = store.reserve({1});
  ASSERT_TRUE(reserved);
  EXPECT_EQ(reserved->id, (TxId{{2}, {2}}));
  EXPECT_EQ(put("m", "a", "3"), (TxId{{2}, {3}}));
  EXPECT_TRUE(store.fill(*reserved, one_write("signatures", "k", "signed")));
  EXPECT_EQ(get("signatures", "k"), "signed");
  ReadOnlyTx tx = store.begin_read_only();
  EXPECT_EQ(tx.ro("signatures").get_version_of_previous_write(b("k")), SeqNo{2});
  EXPECT_FALSE(store.fill(*reserved, {})) << "only once";
  store.rollback({2}, {3}, {2});
  EXPECT_EQ(get("m", "a"), "1");
  EXPECT_EQ(get("signatures", "k"), "signed");
}

TEST_F(StoreTest, AFilledReservationIsBelowLaterWritesToTheSameKeys) {
  put("m", "a", "1");
  put("m", "b", "1");
  const Digest at_2 = digest();
  const auto reserved = store.reserve({1});
  put("m", "a", "4");
  remove("m", "b");
  put("m", "c", "6");
  WriteSet writes = {
      {"m", {{b("a"), b("3")}, {b("b"), b("3")}, {b("c"), b("3")}, {b("d"), b("3")}}}};
  ASSERT_TRUE(store.fill(*reserved, writes));
  EXPECT_EQ(get("m", "a"), "4");
  EXPECT_FALSE(get("m", "b"));
  EXPECT_EQ(get("m", "c"), "6");
  EXPECT_EQ(get("m", "d"), "3");
  EXPECT_EQ(store.snapshot().map("m")->version, SeqNo{6});

  // The same transactions in order give the same states at every point.
  Store replay;
  ASSERT_TRUE(replay.apply({{2}, {1}}, one_write("m", "a", "1")).ok());
  ASSERT_TRUE(replay.apply({{2}, {2}}, one_write("m", "b", "1")).ok());
  ASSERT_TRUE(replay.apply({{2}, {3}}, writes).ok());
  const Digest at_3 = state_digest(replay.snapshot());
  ASSERT_TRUE(replay.apply({{2}, {4}}, one_write("m", "a", "4")).ok());
  ASSERT_TRUE(replay.apply({{2}, {5}}, one_write("m", "b", std::nullopt)).ok());
  ASSERT_TRUE(replay.apply({{2}, {6}}, one_write("m", "c", "6")).ok());
  EXPECT_EQ(digest(), state_digest(replay.snapshot()));
  EXPECT_EQ(store.uncommitted_bytes(), replay.uncommitted_bytes());
  store.rollback({3}, {3}, {2});
  EXPECT_EQ(digest(), at_3);
  store.rollback({2}, {3}, {3});
  EXPECT_EQ(digest(), at_2);
}

TEST_F(StoreTest, FillingIsSeenByValidation) {
  put("signatures", "k", "old");
  const auto reserved = store.reserve({1});
  put("m", "a", "1");
  Tx tx = store.begin();
  EXPECT_EQ(text(tx.ro("signatures").get(b("k"))), "old");
  tx.wo("m").put(b("b"), b("1"));
  ASSERT_TRUE(store.fill(*reserved, one_write("signatures", "k", "new")));
  EXPECT_EQ(store.commit(tx).status, CommitStatus::conflict);
}

TEST_F(StoreTest, AReservationDiesWithItsEpoch) {
  put("m", "a", "1");
  const auto reserved = store.reserve({1});
  put("m", "a", "2");
  EXPECT_FALSE(store.reserve({7})) << "another epoch";
  store.rollback({1}, {3}, {2});
  EXPECT_FALSE(store.fill(*reserved, one_write("signatures", "k", "x")));
  EXPECT_FALSE(get("signatures", "k"));
  const auto next = store.reserve({2});
  ASSERT_TRUE(next);
  EXPECT_EQ(next->id, (TxId{{3}, {2}})) << "the same seqno again";
  EXPECT_FALSE(store.fill(*reserved, one_write("signatures", "k", "x")));
  EXPECT_TRUE(store.fill(*next, one_write("signatures", "k", "y")));
  store.set_follower({3});
  EXPECT_FALSE(store.reserve({3}));
}

TEST(Store, AViewOpensWithASlotThatNoWriterCanTake) {
  Store store;
  const Reservation opening = store.open_view({4}, {3});
  EXPECT_EQ(opening.id, (TxId{{4}, {1}}));
  Tx tx = store.begin();
  tx.rw("m").put(as_bytes("k"), as_bytes("v"));
  EXPECT_EQ(store.commit(tx).id, (TxId{{4}, {2}}));
  EXPECT_TRUE(store.fill(opening, one_write("signatures", "k", "signed")));
  store.compact({2});
}

TEST(StoreDeath, CompactionStopsAtAnOpenReservation) {
  Store store;
  store.set_primary(first_view, {1});
  store.reserve({1});
  EXPECT_DEATH(store.compact({1}), "invariant broken");
}

// ---- replicas

TEST_F(StoreTest, ApplyingWriteSetsGivesTheSameState) {
  Store backup;
  const auto replicate = [&](Tx& tx) {
    const CommitResult result = store.commit(tx);
    ASSERT_EQ(result.status, CommitStatus::committed);
    ASSERT_TRUE(backup.apply(result.id, Store::write_set(tx)).ok());
    ASSERT_EQ(digest(), state_digest(backup.snapshot()));
    ASSERT_EQ(backup.last(), result.id);
  };
  for (int i = 0; i < 50; ++i) {
    Tx tx = store.begin();
    auto m = tx.rw("m" + std::to_string(i % 3));
    m.put(b(std::to_string(i)), b("v"));
    m.remove(b(std::to_string(i - 5)));
    if (i == 20) m.clear();
    replicate(tx);
  }
  EXPECT_EQ(store.view_starts(), backup.view_starts());
}

TEST(Store, ApplyRefusesWhatIsOverTheLimits) {
  Store store;
  const Bytes large(max_key_size + 1);
  EXPECT_FALSE(store.apply({{2}, {1}}, {{"m", {{large, b("v")}}}}).ok());
  EXPECT_FALSE(store.apply({{2}, {1}}, {{"", {{b("k"), b("v")}}}}).ok());
  EXPECT_EQ(store.last(), (TxId{}));
  EXPECT_TRUE(store.apply({{2}, {1}}, one_write("m", "k", "v")).ok());
}

TEST(StoreDeath, ApplyOutOfOrderStops) {
  Store store;
  EXPECT_DEATH((void)store.apply({{2}, {2}}, {}), "invariant broken");
}

TEST_F(StoreTest, LoadingASnapshotGivesTheSameState) {
  put("m", "a", "1");
  put("public:n", "", "");
  store.set_primary({4}, {2});
  put("m", "b", "2");
  const Snapshot snapshot = store.snapshot();
  std::vector<LoadedMap> maps;
  for (const MapView& map : snapshot.maps()) {
    LoadedMap& loaded = maps.emplace_back(LoadedMap{map.name, map.version, {}});
    map.foreach ([&](const RecordView& record) {
      loaded.records.insert(loaded.records.begin(), record);
      return true;
    });
  }
  Store other;
  ASSERT_TRUE(other.load(snapshot.id(), store.view_starts(), maps).ok());
  EXPECT_EQ(state_digest(other.snapshot()), state_digest(snapshot));
  EXPECT_EQ(other.last(), store.last());
  EXPECT_EQ(other.committed(), SeqNo{3});
  EXPECT_EQ(other.view_of({2}), View{2});
  ASSERT_TRUE(other.apply({{4}, {4}}, one_write("m", "c", "3")).ok());
  put("m", "c", "3");
  EXPECT_EQ(digest(), state_digest(other.snapshot()));
  other.rollback({3}, {5}, {1});
  EXPECT_EQ(state_digest(other.snapshot()), state_digest(snapshot));
}

TEST(Store, LoadRefusesNonsense) {
  const std::vector<ViewStart> views = {{{2}, {1}}};
  const auto refused = [&](std::vector<ViewStart> starts, std::vector<LoadedMap> maps) {
    Store store;
    return !store.load({{2}, {5}}, std::move(starts), maps).ok();
  };
  EXPECT_TRUE(refused({}, {}));
  EXPECT_TRUE(refused({{{3}, {1}}}, {}));
  EXPECT_TRUE(refused({{{2}, {6}}}, {}));
  EXPECT_TRUE(refused({{{1}, {3}}, {{2}, {3}}}, {}));
  EXPECT_TRUE(refused(views, {{"m", {6}, {}}}));
  EXPECT_TRUE(refused(views, {{"", {1}, {}}}));
  EXPECT_TRUE(refused(views, {{"m", {1}, {}}, {"m", {1}, {}}}));
  EXPECT_TRUE(refused(views, {{"m", {1}, {{b("k"), b("v"), {9}}}}}));
  EXPECT_TRUE(refused(views, {{"m", {1}, {{b("k"), b("v"), {1}}, {b("k"), b("v"), {1}}}}}));
  EXPECT_FALSE(refused(views, {{"m", {1}, {{b("k"), b("v"), {1}}}}}));
}

// ---- hooks

struct Called {
  SeqNo version;
  std::string writes;
  bool operator==(const Called&) const = default;
};

Hook recorder(std::vector<Called>& calls) {
  return [&calls](SeqNo version, const std::vector<Write>& writes) {
    std::string text;
    for (const Write& write : writes) {
      text += to_text(write.key) + (write.value ? "=" + to_text(*write.value) : " removed") + ";";
    }
    calls.push_back({version, text});
  };
}

std::ostream& operator<<(std::ostream& out, const Called& called) {
  return out << called.version.value << ":" << called.writes;
}

TEST_F(StoreTest, HooksSeeEveryVersionInOrder) {
  std::vector<Called> local;
  std::vector<Called> global;
  store.set_local_hook("m", recorder(local));
  store.set_global_hook("m", recorder(global));
  put("m", "a", "1");
  put("other", "a", "1");
  Tx tx = store.begin();
  tx.wo("m").remove(b("b"));
  tx.wo("other").put(b("x"), b("y"));
  tx.wo("m").put(b("a"), b("2"));
  store.commit(tx);
  const auto reserved = store.reserve({1});
  put("other", "b", "1");
  ASSERT_TRUE(store.fill(*reserved, one_write("m", "s", "4")));
  put("m", "rolled back", "1");
  store.rollback({5}, {3}, {2});
  put("m", "z", "6");
  const std::vector<Called> expected = {
      {{1}, "a=1;"}, {{3}, "a=2;b removed;"}, {{4}, "s=4;"}, {{6}, "z=6;"}};
  std::vector<Called> with_rolled_back = expected;
  with_rolled_back.insert(with_rolled_back.begin() + 3, Called{{6}, "rolled back=1;"});
  EXPECT_EQ(local, with_rolled_back);
  EXPECT_TRUE(global.empty());
  store.compact({3});
  EXPECT_EQ(global, (std::vector<Called>{expected[0], expected[1]}));
  store.compact({6});
  EXPECT_EQ(global, expected);
}

TEST(Store, LocalHooksRunAtApplyToo) {
  Store store;
  std::vector<Called> calls;
  store.set_local_hook("m", recorder(calls));
  ASSERT_TRUE(store.apply({{2}, {1}}, one_write("m", "k", "v")).ok());
  EXPECT_EQ(calls, (std::vector<Called>{{{1}, "k=v;"}}));
}

// ---- names and limits

TEST_F(StoreTest, ContextsLimitAccessByName) {
  const auto error = [&](Context context, const char* map, int wanted) -> std::string {
    Tx tx = store.begin(context);
    try {
      if (wanted == 1) tx.ro(map);
      if (wanted == 2) tx.wo(map);
      if (wanted == 3) tx.rw(map);
    } catch (const AccessError& refused) {
      return refused.what();
    }
    return "";
  };
  constexpr auto app = Context::application;
  EXPECT_EQ(error(app, "records", 3), "");
  EXPECT_EQ(error(app, "public:records", 3), "");
  EXPECT_EQ(error(app, "public:ccf.gov.users.info", 1), "");
  EXPECT_EQ(error(app, "public:ccf.gov.users.info", 3),
            "Cannot open map 'public:ccf.gov.users.info' for reading and writing: it is read-only "
            "in the application context");
  EXPECT_NE(error(app, "public:ccf.internal.tree", 2), "");
  EXPECT_NE(error(app, "ccf.gov.secret", 1), "");
  EXPECT_EQ(error(app, "public:ccf.other", 1),
            "Map name 'public:ccf.other' includes disallowed reserved prefix 'ccf.'");
  EXPECT_NE(error(Context::framework, "ccf.other", 2), "");
  EXPECT_EQ(error(app, "ccfX", 3), "");
  EXPECT_EQ(error(app, "CCF.gov.x", 3), "");
  EXPECT_NE(error(app, "", 1), "");
  EXPECT_NE(error(app, std::string(max_map_name_size + 1, 'x').c_str(), 1), "");
  EXPECT_EQ(error(Context::framework, "public:ccf.gov.users.info", 3), "");
  EXPECT_NE(error(Context::read_only_application, "records", 2), "");
  EXPECT_NE(error(Context::read_only_governance, "records", 1), "");
  EXPECT_EQ(error(Context::governance, "public:ccf.gov.users.info", 3), "");
  EXPECT_EQ(error(Context::governance, "public:records", 2), "");
  EXPECT_NE(error(Context::governance, "public:records", 1), "");
}

TEST_F(StoreTest, SizesAreLimited) {
  Tx tx = store.begin();
  auto m = tx.rw("m");
  const Bytes large(max_key_size + 1);
  EXPECT_THROW(m.put(large, {}), LimitError);
  EXPECT_THROW(m.remove(large), LimitError);
  EXPECT_FALSE(m.has(large));
}

TEST_F(StoreTest, AThousandMaps) {
  constexpr int count = 1000;
  Tx tx = store.begin();
  for (int i = 0; i < count; ++i) tx.wo("map" + std::to_string(i)).put(b("k"), b("v"));
  for (int i = 0; i < count; ++i) ASSERT_TRUE(tx.ro("map" + std::to_string(i)).has(b("k")));
  ASSERT_EQ(store.commit(tx).status, CommitStatus::committed);
  EXPECT_EQ(Store::write_set(tx).size(), static_cast<size_t>(count));
  const Snapshot then = store.snapshot();
  for (int i = 0; i < count; ++i) put("map" + std::to_string(i), "k", std::to_string(i));
  for (int i = 0; i < count; ++i) ASSERT_EQ(get("map" + std::to_string(i), "k"), std::to_string(i));
  EXPECT_EQ(then.maps().size(), static_cast<size_t>(count));
  for (const MapView& map : then.maps()) ASSERT_EQ(to_text(map.get(b("k"))->value), "v");
}

TEST_F(StoreTest, ALargeTransaction) {
  Tx tx = store.begin();
  auto m = tx.rw("m");
  for (int i = 0; i < 10000; ++i) m.put(b(std::to_string(i * 7919 % 10000)), b("v"));
  m.put(b("5"), b("again"));
  EXPECT_EQ(m.size(), 10000u);
  EXPECT_EQ(text(m.get(b("5"))), "again");
  ASSERT_EQ(store.commit(tx).status, CommitStatus::committed);
  EXPECT_EQ(Store::write_set(tx)[0].writes.size(), 10000u);
  EXPECT_EQ(store.snapshot().map("m")->size, 10000u);
}

}  // namespace
}  // namespace entente::kv
