#pragma once
// Indexing: strategies that see every globally committed transaction once, in order, and answer
// queries about the past from what they kept. Source: docs/http-api.md (indexing),
// docs/applications.md.
//
// A strategy is fed on one background thread and asked on any thread; it guards itself.

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "entente/history.h"
#include "entente/json.h"
#include "entente/node_context.h"
#include "entente/types.h"

namespace entente::indexing {

struct SeqNoRange {
  SeqNo first, last;  ///< both included
};

class Strategy {
 public:
  explicit Strategy(std::string name) : name_(std::move(name)) {}
  virtual ~Strategy() = default;
  Strategy(const Strategy&) = delete;
  Strategy& operator=(const Strategy&) = delete;

  const std::string& name() const { return name_; }

  /// The next transaction wanted; nullopt: none for now. handle_committed_transaction must move it
  /// past the transaction it was given.
  virtual std::optional<SeqNo> next_requested() const = 0;
  /// Exactly the transaction that next_requested() asked for, once it is globally committed.
  virtual void handle_committed_transaction(const history::State& state) = 0;

  /// What is still missing of transactions that were handled before and are wanted again, because
  /// what was made of them is no longer in memory. nullopt: nothing. Each call of handle_again must
  /// move `first`.
  virtual std::optional<SeqNoRange> wanted_again() const { return std::nullopt; }
  /// Exactly the first of them.
  virtual void handle_again(const history::State&) {}

  /// One object of /node/index/strategies.
  virtual json::object describe() const;

 private:
  std::string name_;
};

using StrategyPtr = std::shared_ptr<Strategy>;

class Indexer;

/// The strategies of this node. Found with NodeContext::get<Strategies>(). Thread-safe.
class Strategies {
 public:
  explicit Strategies(Indexer& indexer) : indexer_(&indexer) {}
  /// At any time, also while requests run. Installing one that is installed is a no-op: false.
  bool install(StrategyPtr strategy);
  /// False if it is not installed. When this returns, the strategy is not fed any more.
  bool uninstall(const StrategyPtr& strategy);
  /// False from the moment on that it was uninstalled, or failed and was dropped.
  bool installed(const StrategyPtr& strategy) const;
  /// In the order of installation.
  json::array describe() const;

 private:
  Indexer* indexer_;
};

/// Starts at a seqno and goes on without gaps; knows how far it is.
class ContinuousStrategy : public Strategy {
 public:
  ContinuousStrategy(std::string name, SeqNo first) : Strategy(std::move(name)), next_(first) {}

  std::optional<SeqNo> next_requested() const override;
  void handle_committed_transaction(const history::State& state) final;
  /// The last transaction handled; {0,0} before the first.
  TxId watermark() const;
  json::object describe() const override;

 protected:
  /// Under the lock.
  virtual void handle(const history::State& state) = 0;
  virtual bool full() const { return false; }  ///< under the lock: stop asking

  mutable std::mutex mutex_;

 private:
  SeqNo next_;      // guarded by mutex_
  TxId watermark_;  // guarded by mutex_
};

/// Calls back for every key that a transaction wrote to one map.
class VisitEachEntryInMap : public ContinuousStrategy {
 public:
  VisitEachEntryInMap(std::string map, SeqNo first = SeqNo{1}, std::string name = {});
  json::object describe() const override;

 protected:
  void handle(const history::State& state) final;
  /// Under the lock; `value` is absent where the key was removed.
  virtual void visit_entry(const TxId& id, BytesView key, std::optional<BytesView> value) = 0;

 private:
  std::string map_;
};

/// The seqnos at which a key was written, in ascending order; nullopt: not indexed so far yet.
using Seqnos = std::optional<std::vector<SeqNo>>;

struct KeyOrder {
  using is_transparent = void;
  bool operator()(BytesView a, BytesView b) const { return compare(a, b) < 0; }
};
using SeqnosByKey = std::map<Bytes, std::vector<SeqNo>, KeyOrder>;

/// All seqnos by key of one map, in memory: about 8 bytes per write and the keys once. At
/// `max_bytes` it stops where it is.
class SeqnosByKeyInMemory : public VisitEachEntryInMap {
 public:
  explicit SeqnosByKeyInMemory(std::string map, SeqNo first = SeqNo{1},
                               size_t max_bytes = size_t{256} << 20);

  /// Within [first, last], at most `limit` of them (the lowest).
  Seqnos in_range(BytesView key, SeqNo first, SeqNo last,
                  size_t limit = std::vector<SeqNo>().max_size()) const;
  /// Up to the watermark.
  std::vector<SeqNo> all(BytesView key) const;
  std::optional<SeqNo> last_write(BytesView key) const;

 protected:
  void visit_entry(const TxId& id, BytesView key, std::optional<BytesView> value) override;
  bool full() const override { return bytes_ >= max_bytes_; }

 private:
  SeqnosByKey seqnos_;
  size_t bytes_ = 0;
  size_t max_bytes_;
};

/// The same with bounded memory: seqnos are kept in buckets of `seqnos_per_bucket` consecutive
/// transactions, of which the `max_buckets` used last stay in memory. What a query needs of the
/// others is indexed again from the ledger, and the query is answered "not yet" meanwhile.
class SeqnosByKeyBucketed : public Strategy {
 public:
  explicit SeqnosByKeyBucketed(std::string map, size_t seqnos_per_bucket = 1000,
                               size_t max_buckets = 10);

  /// nullopt: not indexed so far yet, or being indexed again. Ranges above max_range() transactions
  /// are a programming error (std::logic_error).
  Seqnos in_range(BytesView key, SeqNo first, SeqNo last,
                  size_t limit = std::vector<SeqNo>().max_size());
  size_t max_range() const { return (max_buckets_ - 1) * seqnos_per_bucket_; }
  TxId watermark() const;

  std::optional<SeqNo> next_requested() const override;
  void handle_committed_transaction(const history::State& state) override;
  std::optional<SeqNoRange> wanted_again() const override;
  void handle_again(const history::State& state) override;
  json::object describe() const override;

 private:
  using Bucket = SeqnosByKey;
  struct Numbered {
    uint64_t number = 0;
    Bucket seqnos;
  };

  uint64_t bucket_of(SeqNo seqno) const { return seqno.value / seqnos_per_bucket_; }
  SeqNo first_of(uint64_t number) const;
  SeqNo last_of(uint64_t number) const { return {(number + 1) * seqnos_per_bucket_ - 1}; }
  void add(Bucket& bucket, const history::State& state) const;
  // The rest under mutex_.
  void hold(Numbered bucket);
  const Bucket* find(uint64_t number);
  void want(uint64_t number);

  const std::string map_;
  const size_t seqnos_per_bucket_;
  const size_t max_buckets_;

  mutable std::mutex mutex_;
  SeqNo next_{1};
  TxId watermark_;
  Numbered current_;          ///< being filled
  std::list<Numbered> held_;  ///< complete ones, used last first
  std::deque<uint64_t> wanted_;
  Bucket again_;      ///< the first of `wanted_`, being filled …
  SeqNo again_next_;  ///< … up to here
};

}  // namespace entente::indexing
