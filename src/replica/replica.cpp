#include "replica/replica.h"

#include <algorithm>

#include "base/assert.h"
#include "base/log.h"
#include "consensus/raft/raft.h"
#include "ledger/entry_sealer.h"
#include "ledger/merkle.h"
#include "replica/inbox.h"
#include "replica/lane.h"
#include "replica/ledger_sink.h"
#include "replica/sequencer.h"
#include "replica/waiters.h"

namespace entente::replica {
namespace {

kv::Epoch to_kv(consensus::Epoch epoch) {
  return {epoch.value};
}

std::optional<MonotonicTime> earlier(std::optional<MonotonicTime> a,
                                     std::optional<MonotonicTime> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

}  // namespace

struct Replica::Tail {
  Tail(const ReplicaOptions& options, Inbox& inbox)
      : core({options.self, options.signatures}),
        sealer(options.secrets),
        sequencer([&inbox](std::unique_ptr<Batch> batch) { inbox.recycle(std::move(batch)); }) {}

  consensus::Raft core;
  ledger::MerkleTree tree;
  ledger::EntrySealer sealer;
  Sequencer sequencer;
  Inbox::Content received;                        // kept for its memory
  std::vector<consensus::EntryMeta> to_propose;   // in order, in the tree, not yet proposed
  Bytes to_write;                                 // their bytes, not yet given to the sink
  SeqNo last_written;                             // given to the sink
  std::optional<kv::Reservation> signature_slot;  // the signature that is asked for
  uint64_t chunk_bytes = 0;                       // of entries since the last chunk end
  std::optional<MonotonicTime> wake_at;           // as consensus asked
  SeqNo missing;                                  // held up everything at the last step …
  std::optional<MonotonicTime> missing_since;     // … and has done so since then
};

struct Replica::Lanes {
  std::mutex mutex;
  std::vector<std::weak_ptr<Lane::Content>> made;  // guarded by mutex

  void add(const std::shared_ptr<Lane::Content>& lane) {
    const std::lock_guard lock(mutex);
    std::erase_if(made, [](const auto& one) { return one.expired(); });
    made.push_back(lane);
  }
  template <typename Take>
  void take_open(const Take& take) {
    const std::lock_guard lock(mutex);
    for (const auto& one : made) {
      const auto lane = one.lock();
      if (auto batch = lane ? lane->take_open() : nullptr) take(std::move(batch));
    }
  }
};

struct Replica::Published {
  mutable std::mutex mutex;
  TxId committed;              // guarded by mutex
  consensus::Details details;  // guarded by mutex
  std::atomic<uint64_t> view{0};
  std::atomic<bool> primary{false};
  std::atomic<uint64_t> last_signed{0};
  Waiters waiters;
};

Replica::Replica(ReplicaOptions options, kv::Store& store, Inbox& inbox, LedgerSink& sink,
                 const Clock& clock)
    : options_(std::move(options)),
      store_(store),
      inbox_(inbox),
      sink_(sink),
      clock_(clock),
      tail_(std::make_unique<Tail>(options_, inbox)),
      published_(std::make_unique<Published>()),
      lanes_(std::make_unique<Lanes>()) {}

Replica::~Replica() {
  published_->waiters.expire_all();
}

void Replica::start_service() {
  obey(tail_->core.step(consensus::input::Start{options_.address}));
}

std::unique_ptr<Lane> Replica::make_lane() {
  auto content =
      std::make_shared<Lane::Content>(store_, inbox_, ledger::EntrySealer(options_.secrets));
  lanes_->add(content);
  return std::unique_ptr<Lane>(new Lane(std::move(content)));
}

// ------------------------------------------------------------------------------ replica thread

std::optional<MonotonicTime> Replica::step() {
  Tail& tail = *tail_;
  const MonotonicTime now = clock_.now();
  inbox_.take(tail.received);
  for (const StableNotice& notice : tail.received.stable) {
    obey(tail.core.step(consensus::input::Stable{notice.epoch, notice.upto}));
  }
  for (auto& batch : tail.received.batches) tail.sequencer.put(std::move(batch));

  tail.wake_at.reset();
  drain(now);
  if (fetch_what_is_missing(now)) drain(now);
  obey(tail.core.step(consensus::input::Flush{now}));
  // The slot of a signature holds up what came after it: go on once it is filled.
  while (sign(now)) drain(now);
  write_ledger();

  published_->waiters.expire(now);
  std::optional<MonotonicTime> fetch_at;
  if (tail.missing_since) fetch_at = *tail.missing_since + gap_patience;
  return earlier(earlier(tail.wake_at, fetch_at), published_->waiters.next_deadline());
}

/// True if lanes had something that they had not handed over and it was time to take it.
bool Replica::fetch_what_is_missing(MonotonicTime now) {
  Tail& tail = *tail_;
  const SeqNo next = tail.sequencer.next();
  // A slot that waits for its signature is no gap, what stands before it is.
  const bool waits_for_slot = tail.signature_slot && tail.signature_slot->id.seqno == next;
  const bool held_up = !waits_for_slot && (tail.sequencer.has_gap() || tail.signature_slot);
  if (!held_up) {
    tail.missing_since.reset();
    return false;
  }
  if (!tail.missing_since || tail.missing != next) {
    tail.missing = next;
    tail.missing_since = now;
  }
  if (now - *tail.missing_since < gap_patience) return false;
  tail.missing_since = now;  // if it is just being made, look again later
  bool found = false;
  lanes_->take_open([&](std::unique_ptr<Batch> batch) {
    tail.sequencer.put(std::move(batch));
    found = true;
  });
  return found;
}

void Replica::drain(MonotonicTime now) {
  Tail& tail = *tail_;
  tail.sequencer.drain([&](const Batch& batch, const Batch::Entry& entry) {
    tail.tree.append(entry.meta.leaf);
    append(tail.to_write, batch.content(entry));
    tail.chunk_bytes += entry.meta.bytes;
    tail.to_propose.push_back(entry.meta);
  });
  propose(now);
}

void Replica::propose(MonotonicTime now) {
  Tail& tail = *tail_;
  if (tail.to_propose.empty()) return;
  const consensus::Epoch epoch = tail.core.epoch();
  auto outputs = tail.core.step(consensus::input::Propose{epoch, tail.to_propose, now});
  // Epochs end under the store's lock and the sequencer drops what is older: nothing stale and
  // nothing out of order can come here.
  ENTENTE_ASSERT(!outputs.reject);
  tail.to_propose.clear();
  obey(std::move(outputs));
}

bool Replica::sign(MonotonicTime now) {
  Tail& tail = *tail_;
  if (!tail.signature_slot || tail.signature_slot->id.seqno != tail.sequencer.next()) return false;
  const kv::Reservation slot = *tail.signature_slot;
  tail.signature_slot.reset();
  ENTENTE_ASSERT(tail.tree.size() == slot.id.seqno.value);

  uint8_t flags = 0;
  const bool requested = chunk_requested_.exchange(false);
  if (requested || tail.chunk_bytes >= options_.chunk_size) flags |= ledger::close_chunk_after;
  const auto values =
      ledger::sign_root(options_.signer, slot.id, tail.tree, tail.tree.first(), clock_.unix_time());
  const auto writes = values.write_set();
  const auto sealed = tail.sealer.seal(writes, slot.id, {}, flags, tail.to_write);
  // A reservation dies only with its epoch, and the epoch ends on this thread.
  ENTENTE_ASSERT(store_.fill(slot, writes));
  tail.tree.append(sealed.leaf);
  tail.chunk_bytes = flags == 0 ? tail.chunk_bytes + sealed.size : 0;
  tail.sequencer.skip();

  consensus::EntryMeta meta;
  meta.id = slot.id;
  meta.kind = consensus::EntryKind::signature;
  meta.bytes = sealed.size;
  meta.leaf = sealed.leaf;
  tail.to_propose.push_back(std::move(meta));
  propose(now);
  published_->last_signed = slot.id.seqno.value;
  return true;
}

void Replica::write_ledger() {
  Tail& tail = *tail_;
  if (tail.to_write.empty()) return;
  tail.last_written = tail.core.last().seqno;
  sink_.append(tail.core.epoch(), tail.last_written, std::move(tail.to_write));
  tail.to_write = {};
}

void Replica::obey(consensus::Outputs outputs) {
  Tail& tail = *tail_;
  // One voter never truncates; replication brings the other half of this function.
  ENTENTE_ASSERT(!outputs.truncate);
  if (outputs.role) {
    const auto& role = *outputs.role;
    const bool leads = role.leadership == consensus::Leadership::leader;
    tail.sequencer.begin_epoch(role.epoch, tail.core.last().seqno + 1);
    if (leads) {
      store_.set_primary(role.view, to_kv(role.epoch));
    } else {
      store_.set_follower(to_kv(role.epoch));
    }
    published_->view = role.view.value;
    published_->primary = leads;
    const std::lock_guard lock(published_->mutex);
    published_->details = tail.core.details();
  }
  if (outputs.commit) commit_up_to(*outputs.commit);
  if (outputs.want_signature) {
    tail.signature_slot = store_.reserve(to_kv(tail.core.epoch()));
    if (!tail.signature_slot) tail.core.step(consensus::input::SignatureAbandoned{});
  }
  tail.wake_at = earlier(tail.wake_at, outputs.wake_at);
}

void Replica::commit_up_to(SeqNo seqno) {
  Tail& tail = *tail_;
  store_.compact(seqno);
  tail.tree.flush(seqno.value);
  sink_.commit(seqno);
  {
    const std::lock_guard lock(published_->mutex);
    published_->committed = tail.core.committed();
    published_->details = tail.core.details();
  }
  published_->waiters.commit(seqno, [this](TxId id) { return status(id); });
}

void Replica::run() {
  while (!stopping_) {
    const auto again = step();
    std::optional<std::chrono::steady_clock::time_point> deadline;
    if (again) {
      const auto delay = std::max(*again - clock_.now(), MonotonicTime(0));
      deadline = std::chrono::steady_clock::now() + delay;
    }
    inbox_.wait_until(deadline);
  }
  step();
}

void Replica::answer_waiting() {
  published_->waiters.expire_all();
}

void Replica::stop() {
  stopping_ = true;
  inbox_.wake();
}

// ---------------------------------------------------------------------------------- any thread

TxStatus Replica::status(TxId id) const {
  // The commit point first: an id that it covers has its final view by then.
  const TxId reached = committed();
  return consensus::evaluate_status(id, store_.view_of(id.seqno), reached);
}

TxId Replica::committed() const {
  const std::lock_guard lock(published_->mutex);
  return published_->committed;
}

TxId Replica::last() const {
  return store_.last();
}
View Replica::view() const {
  return {published_->view};
}
bool Replica::is_primary() const {
  return published_->primary;
}

std::optional<NodeId> Replica::primary() const {
  const std::lock_guard lock(published_->mutex);
  return published_->details.primary;
}

std::vector<SeqNo> Replica::view_starts() const {
  std::vector<SeqNo> starts;
  for (const kv::ViewStart& start : store_.view_starts()) {
    while (starts.size() < start.view.value) starts.push_back(start.first);
  }
  return starts;
}

View Replica::view_of(SeqNo seqno) const {
  return store_.view_of(seqno);
}

consensus::Details Replica::details() const {
  const std::lock_guard lock(published_->mutex);
  return published_->details;
}

bool Replica::over_limit() const {
  const uint64_t most = options_.max_uncommitted_transactions;
  const uint64_t most_bytes = options_.max_uncommitted_bytes;
  return (most != 0 && store_.uncommitted_transactions() >= most) ||
         (most_bytes != 0 && store_.uncommitted_bytes() >= most_bytes);
}

SeqNo Replica::last_signed() const {
  return {published_->last_signed};
}

void Replica::when_final(TxId id, MonotonicTime deadline, FinalCallback callback) {
  {
    // Under the lock that publishes commit points: either the waiter is there when the point
    // moves, or the moved point is seen here.
    const std::unique_lock lock(published_->mutex);
    if (published_->committed.seqno < id.seqno) {
      if (published_->waiters.add(id, deadline, std::move(callback))) inbox_.wake();
      return;
    }
  }
  callback(status(id));
}

}  // namespace entente::replica
