// Random histories against a sequential model: transactions that interleave, commit, conflict, are
// rolled back and compacted, with reservations and snapshots among them.

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "entente/kv.h"
#include "kv/store.h"

namespace entente::kv {
namespace {

using ModelMap = std::map<std::string, std::string>;
using Model = std::map<std::string, ModelMap>;
using Writes = std::map<std::string, std::map<std::string, std::optional<std::string>>>;

constexpr const char* map_names[] = {"m", "public:n", "o"};

std::string random_key(std::mt19937& random) {
  return "k" + std::to_string(random() % 40);
}

Model content(const Snapshot& snapshot) {
  Model model;
  for (const MapView& map : snapshot.maps()) {
    map.foreach ([&](const RecordView& record) {
      model[std::string(map.name)][to_text(record.key)] = to_text(record.value);
      return true;
    });
  }
  return model;
}

void apply(Model& model, const Writes& writes) {
  for (const auto& [map, changes] : writes) {
    for (const auto& [key, value] : changes) {
      if (value) {
        model[map][key] = *value;
      } else if (model.contains(map)) {
        model[map].erase(key);
      }
    }
    if (model.contains(map) && model[map].empty()) model.erase(map);
  }
}

WriteSet as_write_set(const Writes& writes) {
  WriteSet set;
  for (const auto& [map, changes] : writes) {
    MapWrites& out = set.emplace_back();
    out.map = map;
    for (const auto& [key, value] : changes) {
      std::optional<BytesView> bytes;
      if (value) bytes = as_bytes(*value);
      out.writes.push_back({as_bytes(key), bytes});
    }
  }
  return set;
}

Writes random_writes(std::mt19937& random) {
  Writes writes;
  for (uint32_t i = 0; i < 1 + random() % 4; ++i) {
    auto& value = writes[map_names[random() % 3]][random_key(random)];
    if (random() % 4 != 0) value = std::to_string(random());
  }
  return writes;
}

/// A transaction under way, and what it has been told so far, to be checked against the state
/// before its own position once that is known.
struct Client {
  explicit Client(Tx tx_) : tx(std::move(tx_)) {}
  Tx tx;
  Writes writes;
  struct Seen {
    std::string map, key;
    std::optional<std::string> value;
  };
  std::vector<Seen> seen;
  std::vector<std::pair<std::string, size_t>> sizes;

  void step(std::mt19937& random) {
    const std::string map = map_names[random() % 3];
    const std::string key = random_key(random);
    Handle handle = tx.rw(map);
    switch (random() % 12) {
      case 0: {
        // The size without own writes is what the history decides.
        size_t own = 0, size = handle.size();
        for (const auto& [k, v] : writes[map]) own += v ? 1 : 0;
        size_t stored = 0;
        handle.foreach_key([&](BytesView k) {
          const auto mine = writes[map].find(to_text(k));
          stored += mine == writes[map].end() ? 1 : 0;
          return true;
        });
        RC_ASSERT(size == own + stored);
        if (writes[map].empty()) sizes.emplace_back(map, size);
        return;
      }
      case 1:
      case 2:
      case 3:
      case 4: {
        const auto value = handle.get(as_bytes(key));
        std::optional<std::string> text;
        if (value) text = to_text(*value);
        const auto& own = writes[map];
        if (const auto mine = own.find(key); mine != own.end()) {
          RC_ASSERT(text == mine->second);
        } else {
          seen.push_back({map, key, text});
        }
        return;
      }
      case 5:
        handle.remove(as_bytes(key));
        writes[map][key] = std::nullopt;
        return;
      default: {
        // Values depend on what was read, as in a real application.
        const std::string value = std::to_string(random()) + (seen.empty() ? "" : seen.back().key);
        handle.put(as_bytes(key), as_bytes(value));
        writes[map][key] = value;
      }
    }
  }

  bool has_writes() const {
    return std::any_of(writes.begin(), writes.end(),
                       [](const auto& m) { return !m.second.empty(); });
  }

  /// Everything that it saw is what `before` holds.
  void check(const Model& before) const {
    for (const Seen& read : seen) {
      const auto map = before.find(read.map);
      std::optional<std::string> value;
      if (map != before.end()) {
        if (const auto found = map->second.find(read.key); found != map->second.end()) {
          value = found->second;
        }
      }
      RC_ASSERT(value == read.value);
    }
    for (const auto& [map, size] : sizes) {
      RC_ASSERT((before.contains(map) ? before.at(map).size() : 0) == size);
    }
  }
};

/// The whole history as it stands: the writes of each transaction by position.
struct History {
  std::vector<Writes> entries;
  std::vector<View> views;

  Model upto(size_t count) const {
    Model model;
    for (size_t i = 0; i < count; ++i) apply(model, entries[i]);
    return model;
  }
};

Digest replayed(const History& history, size_t count) {
  Store store;
  for (size_t i = 0; i < count; ++i) {
    RC_ASSERT(store.apply({history.views[i], {i + 1}}, as_write_set(history.entries[i])).ok());
  }
  return state_digest(store.snapshot());
}

void check_committed_reads(Store& store, const Model& committed) {
  ReadOnlyTx tx = store.begin_read_only();
  for (const char* name : map_names) {
    ReadHandle map = tx.ro(name);
    for (int i = 0; i < 40; ++i) {
      const std::string key = "k" + std::to_string(i);
      const auto value = map.get_globally_committed(as_bytes(key));
      const auto known = committed.find(name);
      const bool present = known != committed.end() && known->second.contains(key);
      RC_ASSERT(value.has_value() == present);
      if (present) RC_ASSERT(to_text(*value) == known->second.at(key));
    }
  }
}

RC_GTEST_PROP(Model, InterleavedTransactionsAreSerialisable, ()) {
  std::mt19937 random(*rc::gen::arbitrary<uint32_t>());
  const int steps = *rc::gen::inRange(10, 600);
  Store store;
  uint64_t epoch = 1;
  View view = first_view;
  store.set_primary(view, {epoch});
  History history;
  std::vector<Client> clients;
  std::optional<Reservation> reservation;
  std::vector<std::pair<Snapshot, Model>> snapshots;
  size_t committed = 0;

  for (int step = 0; step < steps; ++step) {
    while (clients.size() < 4) clients.emplace_back(store.begin());
    const size_t which = random() % clients.size();
    const uint32_t what = random() % 100;
    if (what < 70) {
      clients[which].step(random);
    } else if (what < 88) {
      Client& client = clients[which];
      const CommitResult result = store.commit(client.tx);
      if (result.status == CommitStatus::committed) {
        RC_ASSERT(client.has_writes());
        RC_ASSERT(result.id == (TxId{view, {history.entries.size() + 1}}));
        // A reservation may be open below: it does not write what clients read.
        client.check(history.upto(history.entries.size()));
        history.entries.push_back(client.writes);
        history.views.push_back(view);
      } else if (result.status == CommitStatus::read_only) {
        RC_ASSERT(!client.has_writes());
        if (result.id.seqno.value <= history.entries.size() && result.id.seqno.value >= committed &&
            store.view_of(result.id.seqno) == result.id.view) {
          client.check(history.upto(result.id.seqno.value));
        }
      } else {
        RC_ASSERT(result.status == CommitStatus::conflict);
      }
      clients.erase(clients.begin() + static_cast<ptrdiff_t>(which));
    } else if (what < 91) {
      snapshots.emplace_back(store.snapshot(), content(store.snapshot()));
      RC_ASSERT(snapshots.back().second == history.upto(history.entries.size()));
    } else if (what < 94) {
      if (!reservation) {
        reservation = store.reserve({epoch});
        RC_ASSERT(reservation.has_value());
        history.entries.emplace_back();
        history.views.push_back(view);
      } else {
        const std::string value = std::to_string(random());
        Writes& writes = history.entries[reservation->id.seqno.value - 1];
        writes["signatures"]["k"] = value;
        writes["signatures"]["x" + std::to_string(random() % 4)] = std::nullopt;
        writes["signatures"]["x" + std::to_string(random() % 4)] = value;
        RC_ASSERT(store.fill(*reservation, as_write_set(writes)));
        reservation.reset();
        RC_ASSERT(content(store.snapshot()) == history.upto(history.entries.size()));
      }
    } else if (what < 97) {
      const size_t limit = reservation ? reservation->id.seqno.value - 1 : history.entries.size();
      const size_t upto = committed + random() % (limit - committed + 1);
      store.compact({upto});
      committed = upto;
      RC_ASSERT(store.committed() == SeqNo{committed});
      RC_ASSERT(store.uncommitted_transactions() == history.entries.size() - committed);
      check_committed_reads(store, history.upto(committed));
      RC_ASSERT(content(store.committed_snapshot()) == history.upto(committed));
    } else {
      const size_t limit = reservation ? reservation->id.seqno.value - 1 : history.entries.size();
      const size_t to = committed + random() % (limit - committed + 1);
      view.value += 1 + random() % 2;
      store.rollback({to}, view, {++epoch});
      if (reservation) RC_ASSERT(!store.fill(*reservation, {}));
      reservation.reset();
      history.entries.resize(to);
      history.views.resize(to);
      RC_ASSERT(state_digest(store.snapshot()) == replayed(history, to));
    }
  }
  if (reservation) RC_ASSERT(store.fill(*reservation, {}));
  RC_ASSERT(state_digest(store.snapshot()) == replayed(history, history.entries.size()));
  for (const auto& [snapshot, then] : snapshots) RC_ASSERT(content(snapshot) == then);
}

/// Fillings below later writes to the same keys, at every roll-back point.
RC_GTEST_PROP(Model, ReservationsAreOrderedByTheirSeqno, ()) {
  std::mt19937 random(*rc::gen::arbitrary<uint32_t>());
  const size_t count = *rc::gen::inRange<size_t>(1, 60);
  Store store;
  store.set_primary(first_view, {1});
  History history;
  std::vector<size_t> open;
  std::map<size_t, Reservation> reservations;
  for (size_t i = 0; i < count; ++i) {
    history.entries.push_back(random_writes(random));
    history.views.push_back(first_view);
    if (random() % 3 == 0) {
      reservations[i] = *store.reserve({1});
      open.push_back(i);
    } else {
      Tx tx = store.begin();
      for (const auto& [map, changes] : history.entries[i]) {
        for (const auto& [key, value] : changes) {
          if (value) {
            tx.wo(map).put(as_bytes(key), as_bytes(*value));
          } else {
            tx.wo(map).remove(as_bytes(key));
          }
        }
      }
      RC_ASSERT(store.commit(tx).status == CommitStatus::committed);
    }
    // Later reservations may be filled before earlier ones.
    if (!open.empty() && random() % 2 == 0) {
      const size_t at = random() % open.size();
      RC_ASSERT(store.fill(reservations[open[at]], as_write_set(history.entries[open[at]])));
      open.erase(open.begin() + static_cast<ptrdiff_t>(at));
    }
  }
  std::shuffle(open.begin(), open.end(), random);
  for (const size_t at : open) {
    RC_ASSERT(store.fill(reservations[at], as_write_set(history.entries[at])));
  }
  RC_ASSERT(state_digest(store.snapshot()) == replayed(history, count));
  const size_t committed = random() % (count + 1);
  store.compact({committed});
  RC_ASSERT(state_digest(store.committed_snapshot()) == replayed(history, committed));
  check_committed_reads(store, history.upto(committed));
  uint64_t epoch = 1;
  for (size_t to = count; to > committed;
       to -= std::min<size_t>(to - committed, 1 + random() % 3)) {
    store.rollback({to}, {3}, {++epoch});
    RC_ASSERT(state_digest(store.snapshot()) == replayed(history, to));
  }
}

}  // namespace
}  // namespace entente::kv
