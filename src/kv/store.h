#pragma once
// The transactional store of one replica: named ordered maps, optimistic serialisable
// transactions, versions, roll-back and hooks.
//
// Every write transaction has a seqno, the next one, and the view in which it was written. Its
// writes are visible as soon as it commits here (locally); it may be rolled back until compact()
// says that it is globally committed. Everything is thread-safe. One lock orders all changes; it
// is held only while a transaction is validated and installed, never while one is executed,
// encoded or written. Memory of dropped versions is freed outside of it.
//
// Sequencer rules (docs/consensus.md, executor to core hand-off): view check, allocation of the
// transaction id and making the writes visible are one atomic step; every result carries its
// epoch, and an epoch ends with every roll-back and change of role.

#include <atomic>
#include <compare>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "entente/kv/tx.h"
#include "entente/result.h"
#include "entente/types.h"
#include "kv/snapshot.h"
#include "kv/write_set.h"

namespace entente::kv {

/// Incarnation of the log tail, as consensus counts it.
struct Epoch {
  uint64_t value = 0;
  auto operator<=>(const Epoch&) const = default;
};

enum class CommitStatus : uint8_t {
  committed,    ///< id, epoch: the new transaction
  read_only,    ///< nothing written; id: the last transaction that it could observe
  conflict,     ///< something read has changed: execute again on a new transaction
  not_primary,  ///< this store does not accept writes now (or not in the epoch asked for)
  session_lost  ///< the transaction that the session has seen last was rolled back
};

struct CommitResult {
  CommitStatus status = CommitStatus::conflict;
  TxId id;
  Epoch epoch;
};

/// Conditions checked in the same atomic step that allocates the id.
struct CommitConditions {
  std::optional<Epoch> epoch;   ///< commit only in this epoch
  std::optional<TxId> session;  ///< commit only if this is {0,0} or on the present branch
};

/// A transaction id whose content is still to come. A plain value; it dies with its epoch.
struct Reservation {
  TxId id;
  Epoch epoch;
};

struct ViewStart {
  View view;
  SeqNo first;
  bool operator==(const ViewStart&) const = default;
};

/// Called with the writes of one transaction to one map, ascending by key. Views live during the
/// call. Removals have no value. Must not throw.
using Hook = std::function<void(SeqNo version, const std::vector<Write>& writes)>;

/// One map of a ledger snapshot to start from. Views are copied.
struct LoadedMap {
  std::string_view name;
  SeqNo version;
  std::vector<RecordView> records;  ///< any order, each key once
};

class Store {
 public:
  struct Content;  ///< only for the files of this room

  Store();  ///< empty, a follower, epoch 0
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // ---- transactions (any thread)

  Tx begin(Context context = Context::framework);
  ReadOnlyTx begin_read_only(Context context = Context::framework);

  /// Ends the transaction: its handles, and the views that it returned, are dead afterwards; only
  /// write_set() may still be used. A transaction commits at most once.
  CommitResult commit(Tx& tx, const CommitConditions& conditions = {});

  /// The writes of a transaction that was committed, in ledger order. Lives as long as the
  /// transaction. Not under the lock: encode at leisure.
  static const WriteSet& write_set(Tx& tx);

  /// The last transaction that the transaction could observe: fixes its snapshot if it has none.
  static TxId observed(ReadOnlyTx& tx);
  /// Whether the transaction has opened any map. Not after it committed.
  static bool touched(const ReadOnlyTx& tx);

  // ---- sequencing (the replica)

  /// Accepts writes in this view from now on. `epoch` is not less than before (asserted).
  void set_primary(View view, Epoch epoch);
  /// The same, with the first seqno of the view taken as by reserve(), before any writer gets one.
  Reservation open_view(View view, Epoch epoch);
  /// Refuses writes from now on; reservations die.
  void set_follower(Epoch epoch);

  /// Takes the next seqno for a transaction whose content depends on all earlier ones (a
  /// signature); later transactions may commit meanwhile. nullopt if not primary in this epoch.
  /// Until it is filled, writers should not read the maps that it will write: they are ordered
  /// after it without seeing it.
  std::optional<Reservation> reserve(Epoch epoch);
  /// Installs its writes. False if the reservation died. The views are copied.
  bool fill(const Reservation& reservation, const WriteSet& writes);

  /// Installs a transaction of the primary, or replayed from a ledger: id.seqno must be the next
  /// one and its view not lower than the last (asserted); no reservation may be open. An error
  /// names a map or key over its limit; nothing is installed then.
  Result<void> apply(TxId id, const WriteSet& writes);

  /// Undoes everything above `to`, newest first. Not below what is compacted (asserted).
  /// Reservations die; one at or below `to` must not be open (asserted).
  void rollback(SeqNo to, View next_view, Epoch epoch);

  /// Everything up to `upto` is globally committed: runs global hooks on this thread, forgets
  /// undo records. Lower than before: nothing. Above the last seqno or an open reservation:
  /// asserted. One thread at a time.
  void compact(SeqNo upto);

  /// Starts from a ledger snapshot. Only on a store that never held anything (asserted). The last
  /// view start says the view of `last`. An error names the place.
  Result<void> load(TxId last, std::vector<ViewStart> view_starts, std::span<const LoadedMap> maps);

  // ---- where it stands (any thread)

  TxId last() const;        ///< last local transaction, reservations included; {0,0} when empty
  SeqNo committed() const;  ///< last compacted
  Epoch epoch() const;
  bool is_primary() const;
  View view_of(SeqNo seqno) const;  ///< {0} if 0 or not held
  std::vector<ViewStart> view_starts() const;
  /// Not yet globally committed; for back-pressure. Without lock.
  size_t uncommitted_transactions() const;
  size_t uncommitted_bytes() const;  ///< keys and values

  Snapshot snapshot() const;
  /// The state at committed(). Undoes the uncommitted rest on a private copy.
  Snapshot committed_snapshot() const;

  // ---- hooks. Set them before the first transaction.

  /// At commit, fill, apply and in version order per map; under the lock: must be short and must
  /// not call the store.
  void set_local_hook(std::string_view map, Hook hook);
  /// From compact(), in version order; outside the lock.
  void set_global_hook(std::string_view map, Hook hook);

 private:
  std::unique_ptr<Content> content_;
};

}  // namespace entente::kv
