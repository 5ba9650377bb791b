#pragma once
// What a transaction consists of: the snapshot that it reads, per map what it read and wrote.
// Bodies are recycled per thread, so that a small transaction allocates nothing but its records.

#include <memory>
#include <unordered_map>
#include <vector>

#include "entente/kv/tx.h"
#include "kv/state.h"
#include "kv/store.h"
#include "kv/write_buffer.h"
#include "kv/write_set.h"

namespace entente::kv {

/// One read to validate: what the snapshot had under the key.
struct Read {
  const Record* seen;  ///< null: absent
  BytesView key;       ///< in the record, or in the transaction's own memory
};

/// One map opened by a transaction.
struct OpenMap {
  std::string_view name;            ///< in the entry, or in the transaction's own memory
  const MapEntry* entry = nullptr;  ///< null: unknown to the store when last looked up
  const MapRoot* root = nullptr;    ///< in the snapshot; null: not there. Once located
  bool located = false;
  bool whole = false;  ///< depends on everything in the map
  std::vector<Read> reads;
  WriteBuffer writes;

  void clear();
};

/// Bump allocation of small byte strings, freed all at once.
class ByteArena {
 public:
  BytesView copy(BytesView bytes);
  void clear();

 private:
  static constexpr size_t block_size = 4096;
  std::vector<std::unique_ptr<uint8_t[]>> blocks_;  // the first is kept by clear()
  size_t used_ = 0;                                 // of the last block
  std::vector<std::unique_ptr<uint8_t[]>> large_;
};

class TxBody {
 public:
  /// From the thread's spare ones, or new.
  static TxBody* take(Store::Content& store, Context context, bool read_only);
  /// Forgets the transaction; keeps the memory for the next one.
  static void give_back(TxBody* body);
  static void destroy(TxBody* body);

  /// Reads are not remembered: kv/unbound_reads.h.
  bool unbound = false;

  Context context() const { return context_; }
  Store::Content& store() const { return *store_; }

  /// Index of the map in this transaction. Throws AccessError or LimitError.
  size_t open(std::string_view name, Access wanted);
  OpenMap& map(size_t index) { return *maps_[index]; }
  size_t map_count() const { return map_count_; }

  // ---- reads (see ReadHandle). They fix the snapshot.

  /// Own writes included. Null if absent.
  const Record* read(OpenMap& map, BytesView key);
  /// Own writes ignored.
  const Record* read_snapshot(OpenMap& map, BytesView key);
  size_t size(OpenMap& map);
  void visit(OpenMap& map, BytesView from, std::optional<BytesView> to,
             FunctionRef<bool(const Record&)> visit);

  // ---- writes

  void put(OpenMap& map, BytesView key, BytesView value);
  void remove(OpenMap& map, BytesView key);
  void clear(OpenMap& map);
  bool has_writes() const;

  // ---- commit

  const Ref<State>& snapshot() const { return snapshot_; }
  Ref<State> drop_snapshot() { return std::move(snapshot_); }
  void fix_snapshot();
  /// False once something that was read differs in `now`. The snapshot must be fixed.
  bool still_valid(const State& now, const Directory& directory) const;
  /// Ends the use of handles; only write_set() works afterwards.
  void finish() { finished_ = true; }
  bool finished() const { return finished_; }
  const WriteSet& write_set();

 private:
  TxBody() = default;
  void reset();
  size_t find_open(std::string_view name);
  void locate(OpenMap& map);
  void depend(OpenMap& map, BytesView key, const Record* seen);
  void depend_on_all(OpenMap& map);
  void write(OpenMap& map, RecordRef record);

  Store::Content* store_ = nullptr;
  Context context_ = Context::framework;
  bool read_only_ = false;
  bool finished_ = false;
  size_t written_bytes_ = 0;
  size_t absent_bytes_ = 0;  // of keys that were read and are absent
  Ref<State> snapshot_;
  std::vector<std::unique_ptr<OpenMap>> maps_;  // the first map_count_ are in use
  size_t map_count_ = 0;
  std::unordered_map<std::string_view, size_t> by_name_;  // only when many are open
  ByteArena arena_;
  std::vector<RecordRef> replaced_;  // own writes written again: views of them stay valid
  WriteSet write_set_;
  std::vector<std::vector<Write>> spare_writes_;
};

}  // namespace entente::kv
