#include "replica/replica.h"

#include <algorithm>

#include "base/assert.h"
#include "base/log.h"
#include "replica/ledger_sink.h"
#include "replica/replica_tail.h"

namespace entente::replica {
namespace {

constexpr size_t most_workers = 256;
/// Entries may wait for the disk up to here. More are turned away, and another node is asked to
/// lead.
constexpr uint64_t max_unstable_bytes = 64 << 20;
constexpr auto brake_patience = std::chrono::milliseconds(5);
constexpr auto longest_root_wait = std::chrono::seconds(1);
constexpr MonotonicTime root_patience{100};
/// Leaves below the commit point whose roots can still be asked for: a proposal binds itself to the
/// state that it was checked against, which may be committed meanwhile.
constexpr uint64_t kept_leaves = 4096;

consensus::RaftOptions core_options(const ReplicaOptions& options) {
  consensus::RaftOptions core;
  core.self = options.self;
  core.signatures = options.signatures;
  core.heartbeat = options.heartbeat;
  core.election_timeout = options.election_timeout;
  core.seed = options.seed;
  core.max_uncommitted_entries = options.max_uncommitted_transactions;
  core.max_uncommitted_bytes = options.max_uncommitted_bytes;
  core.max_pending_configurations = max_pending_configurations + most_workers;
  // Promotions come from promote_learners(), which looks before the transaction gets its id.
  core.learner_lag = UINT64_MAX / 2;
  return core;
}

std::optional<MonotonicTime> earlier(std::optional<MonotonicTime> a,
                                     std::optional<MonotonicTime> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

}  // namespace

Replica::Tail::Tail(const ReplicaOptions& options, Inbox& inbox)
    : core(core_options(options)),
      sealer(std::make_shared<ledger::LedgerSecrets>()),
      sequencer([&inbox](std::unique_ptr<Batch> batch) { inbox.recycle(std::move(batch)); }) {}

Replica::Replica(ReplicaOptions options, kv::Store& store, Inbox& inbox, LedgerSink& sink,
                 Transport& transport, const Clock& clock)
    : options_(std::move(options)),
      store_(store),
      inbox_(inbox),
      sink_(sink),
      transport_(transport),
      clock_(clock),
      nodes_(std::make_unique<NodeTable>()),
      secrets_(std::make_unique<SecretTable>(options_.self, options_.encryption_key)),
      tail_(std::make_unique<Tail>(options_, inbox)),
      published_(std::make_unique<Published>()),
      lanes_(std::make_unique<Lanes>()),
      confirmations_(std::make_unique<Confirmations>()) {
  if (options_.secrets) secrets_->give(options_.secrets);
  store_.set_local_hook(nodes_info_map, [this](SeqNo seqno, const std::vector<kv::Write>& writes) {
    nodes_->write(seqno, writes);
  });
  store_.set_local_hook(ledger::maps::encrypted_ledger_secrets,
                        [this](SeqNo seqno, const std::vector<kv::Write>& writes) {
                          secrets_->write(seqno, writes);
                        });
  tail_->lane = make_lane();
}

Replica::~Replica() {
  answer_waiting();
}

void Replica::start_service() {
  obey(tail_->core.step(consensus::input::Start{options_.address}));
}

void Replica::join_service(ledger::Signer signer,
                           std::shared_ptr<const ledger::LedgerSecrets> secrets) {
  options_.signer = std::move(signer);
  secrets_->give(std::move(secrets));
  obey(tail_->core.step(consensus::input::Join{}));
}

std::unique_ptr<Lane> Replica::make_lane() {
  auto content = std::make_shared<Lane::Content>(store_, inbox_, *nodes_, *secrets_);
  lanes_->add(content);
  return std::unique_ptr<Lane>(new Lane(std::move(content)));
}

// ------------------------------------------------------------------------------ replica thread

std::optional<MonotonicTime> Replica::step() {
  Tail& tail = *tail_;
  const MonotonicTime now = tail.now = clock_.now();
  tail.wake_at.reset();
  inbox_.take(tail.received);
  for (const StableNotice& notice : tail.received.stable) {
    note_stable(notice);
    obey(tail.core.step(consensus::input::Stable{notice.epoch, notice.upto}));
  }
  for (Incoming& message : tail.received.messages) receive(std::move(message), now);
  for (LedgerRead& read : tail.received.reads) catch_up(std::move(read));
  for (auto& batch : tail.received.batches) tail.sequencer.put(std::move(batch));

  drain(now);
  if (fetch_what_is_missing(now)) drain(now);
  std::move(tail.received.roots.begin(), tail.received.roots.end(),
            std::back_inserter(tail.roots_wanted));
  answer_roots(now);
  if (hand_over_requested_.exchange(false)) {
    obey(tail.core.step(consensus::input::TransferLeadership{}));
  }
  report_costs();
  if (const auto barrier = confirmations_->next_barrier(tail.core.view())) {
    auto outputs = tail.core.step(consensus::input::ReadBarrier{*barrier, now});
    if (outputs.reject) confirmations_->finish(*barrier, false);
    obey(std::move(outputs));
  }
  give_way(now);
  tail.wake_at.reset();
  obey(tail.core.step(consensus::input::Flush{now}));
  // The slot of a signature holds up what came after it: go on once it is filled.
  while (sign(now)) drain(now);
  answer_roots(now);
  write_ledger();
  transmit();
  if (tail.has_peers && now - tail.details_at >= options_.heartbeat) {
    publish_details();
    promote_learners();
  }
  note_dropped_messages();

  published_->waiters.expire(now);
  confirmations_->expire(now);
  std::optional<MonotonicTime> fetch_at;
  if (tail.missing_since) fetch_at = *tail.missing_since + gap_patience;
  // An entry that is just being made in its lane: very soon again.
  if (!tail.roots_wanted.empty()) fetch_at = earlier(fetch_at, now + root_patience);
  const auto deadline =
      earlier(published_->waiters.next_deadline(), confirmations_->next_deadline());
  return earlier(earlier(tail.wake_at, fetch_at), deadline);
}

/// How often consensus asks for signatures depends on what they cost and how long commits take.
void Replica::report_costs() {
  Tail& tail = *tail_;
  const auto signing = tail.signing.get(), round_trip = tail.round_trip.get();
  if (!signing || !round_trip) return;
  const consensus::input::Measured measured{*round_trip, *signing};
  if (std::exchange(tail.reported, {measured.round_trip, measured.signing}) ==
      std::pair(measured.round_trip, measured.signing)) {
    return;
  }
  obey(tail.core.step(measured));
}

/// What peers acknowledged is as fresh as a heartbeat.
void Replica::publish_details() {
  tail_->details_at = tail_->now;
  const std::lock_guard lock(published_->mutex);
  published_->details = tail_->core.details();
}

void Replica::note_dropped_messages() {
  Tail& tail = *tail_;
  const uint64_t dropped = inbox_.dropped_messages();
  if (dropped == tail.dropped_messages || !tail.drops.due(tail.now)) return;
  log::fail("consensus", "{} messages of other nodes were dropped: they come too fast",
            dropped - tail.dropped_messages);
  tail.dropped_messages = dropped;
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
  return fetch_from_lanes();
}

/// What the lanes hold back until their threads are done.
bool Replica::fetch_from_lanes() {
  Tail& tail = *tail_;
  bool found = false;
  lanes_->each([&](Lane::Content& lane) {
    if (auto batch = lane.take_open()) {
      tail.sequencer.put(std::move(batch));
      found = true;
    }
  });
  return found;
}

/// Nothing: the entry is on its way into the tree.
std::optional<Result<Digest>> Replica::root_of(TxId id) const {
  const Tail& tail = *tail_;
  if (store_.view_of(id.seqno) != id.view) return Error{"no such entry in this node's ledger"};
  if (id.seqno > tail.installed()) return std::nullopt;
  if (id.seqno.value + 1 < tail.tree.first()) return Error{"the root is no longer known"};
  return tail.tree.root(id.seqno.value + 1);
}

void Replica::answer_roots(MonotonicTime now) {
  auto& wanted = tail_->roots_wanted;
  if (wanted.empty()) return;
  const auto answer = [&](RootWanted& one) {
    auto root = root_of(one.id);
    if (root) one.answer->set_value(std::move(*root));
    return root.has_value();
  };
  std::erase_if(wanted, answer);
  if (wanted.empty()) return;
  if (fetch_from_lanes()) {
    drain(now);
    std::erase_if(wanted, answer);
  }
}

void Replica::drain(MonotonicTime now) {
  Tail& tail = *tail_;
  tail.sequencer.drain([&](const Batch& batch, const Batch::Entry& entry) {
    extend(entry.meta, batch.content(entry));
    tail.to_propose.push_back(entry.meta);
  });
  propose(now);
}

/// The next entry of the log: its place in the tree, its bytes for the ledger.
void Replica::extend(const consensus::EntryMeta& meta, BytesView bytes) {
  Tail& tail = *tail_;
  ENTENTE_ASSERT(meta.id.seqno == tail.installed() + 1);
  if (tail.unwritten.view != meta.id.view) write_ledger();
  append(tail.unwritten.bytes, bytes);
  note_extended(meta);
}

/// The same when its bytes are already there.
void Replica::note_extended(const consensus::EntryMeta& meta) {
  Tail& tail = *tail_;
  if (tail.unwritten.sizes.empty()) {
    tail.unwritten.first = meta.id.seqno;
    tail.unwritten.view = meta.id.view;
  }
  tail.unwritten.sizes.push_back(static_cast<uint32_t>(meta.bytes));
  tail.tree.append(meta.leaf);
  tail.chunk_bytes += meta.bytes;
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
  const MonotonicTime begin = clock_.now();
  const uint64_t first = std::max(tail.tree.first(), tail.core.committed().seqno.value);
  const auto values =
      ledger::sign_root(*options_.signer, slot.id, tail.tree, first, clock_.unix_time());
  const MonotonicTime made = clock_.now();
  tail.signing.add(made - begin, made);
  const auto writes = values.write_set();
  if (tail.unwritten.view != slot.id.view) write_ledger();
  use_newest(*secrets_, tail.sealer, tail.generation);
  const auto sealed = tail.sealer.seal(writes, slot.id, {}, flags, tail.unwritten.bytes);
  // A reservation dies only with its epoch, and the epoch ends on this thread.
  ENTENTE_ASSERT(store_.fill(slot, writes));
  tail.sequencer.skip();

  consensus::EntryMeta meta;
  meta.id = slot.id;
  meta.kind = consensus::EntryKind::signature;
  meta.bytes = sealed.size;
  meta.leaf = sealed.leaf;
  note_extended(meta);
  if (flags != 0) tail.chunk_bytes = 0;
  note_signature({slot.id.seqno, made});
  tail.to_propose.push_back(std::move(meta));
  propose(now);
  return true;
}

void Replica::note_signature(const Signature& signature) {
  tail_->signatures.push_back(signature);
  published_->last_signed = signature.seqno.value;
}

void Replica::write_ledger() {
  Tail& tail = *tail_;
  Unwritten& unwritten = tail.unwritten;
  if (unwritten.sizes.empty()) return;
  const SeqNo last = unwritten.last();
  auto bytes = std::make_shared<const Bytes>(std::move(unwritten.bytes));
  if (tail.has_peers) {
    tail.recent.append(unwritten.first, unwritten.view, bytes, unwritten.sizes);
  }
  tail.unstable.push_back({tail.epoch, last, bytes->size()});
  published_->unstable_bytes += bytes->size();
  sink_.append(tail.epoch, last, std::move(bytes));
  unwritten.bytes = {};
  unwritten.sizes.clear();
}

void Replica::note_stable(const StableNotice& notice) {
  auto& unstable = tail_->unstable;
  const auto covered = [&](const Unstable& one) {
    return one.epoch < notice.epoch || (one.epoch == notice.epoch && one.last <= notice.upto);
  };
  for (; !unstable.empty() && covered(unstable.front()); unstable.pop_front()) {
    published_->unstable_bytes -= unstable.front().bytes;
  }
}

/// The others commit without this node's disk: a primary that cannot write would go on for ever.
void Replica::give_way(MonotonicTime now) {
  Tail& tail = *tail_;
  if (published_->unstable_bytes < max_unstable_bytes || !tail.has_peers || !is_primary()) return;
  if (tail.gave_way && now - *tail.gave_way < options_.election_timeout) return;
  tail.gave_way = now;
  log::fail("consensus", "{} bytes wait for this node's disk: another node is asked to lead",
            published_->unstable_bytes.load());
  obey(tail.core.step(consensus::input::TransferLeadership{}));
}

void Replica::commit_up_to(SeqNo seqno) {
  Tail& tail = *tail_;
  store_.compact(seqno);
  nodes_->compact(seqno);
  if (seqno.value > kept_leaves) tail.tree.flush(seqno.value - kept_leaves);
  std::optional<MonotonicTime> made;
  for (; !tail.signatures.empty() && tail.signatures.front().seqno <= seqno;
       tail.signatures.pop_front()) {
    made = tail.signatures.front().made;
  }
  if (made) tail.round_trip.add(clock_.now() - *made, tail.now);
  sink_.commit(seqno);
  const TxId reached = tail.core.committed();
  {
    const std::lock_guard lock(published_->mutex);
    published_->committed = reached;
    published_->details = tail.core.details();
  }
  if (published_->braking > 0) published_->moved.notify_all();
  published_->waiters.commit(reached, [this](TxId id) { return status(id); });
  retire_learners();
}

Replica::Tip Replica::tip() const {
  const Tail& tail = *tail_;
  Tip tip;
  tip.log = tail.core.last();
  tip.tree = tail.installed();
  tip.settled = tail.to_propose.empty() && !tail.signature_slot && !tail.sequencer.has_gap() &&
                tail.unwritten.sizes.empty();
  tip.committed = tail.core.committed();
  tip.root = tail.tree.root(tip.committed.seqno.value + 1);
  return tip;
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

bool Replica::brake() {
  const uint64_t most = options_.max_uncommitted_transactions;
  if (most == 0 || store_.uncommitted_transactions() < most / 2 || !is_primary()) {
    return false;
  }
  ++published_->braking;
  {
    std::unique_lock lock(published_->mutex);
    const TxId before = published_->committed;
    published_->moved.wait_for(lock, brake_patience,
                               [&] { return published_->committed != before || stopping_; });
  }
  --published_->braking;
  return true;
}

void Replica::answer_waiting() {
  confirmations_->refuse_all();
  published_->waiters.expire_all();
}

void Replica::hand_over_leadership() {
  hand_over_requested_ = true;
  inbox_.wake();
}

void Replica::stop() {
  stopping_ = true;
  inbox_.wake();
}

// ---------------------------------------------------------------------------------- any thread

size_t Replica::pending_configurations() const {
  return nodes_->pending_configurations();
}

MessageCounts Replica::message_counts() const {
  return {published_->refused_messages, inbox_.dropped_messages()};
}

std::shared_ptr<const ledger::LedgerSecrets> Replica::secrets() const {
  return secrets_->get();
}

Result<Digest> Replica::root_at(TxId id) {
  auto answer = std::make_shared<std::promise<Result<Digest>>>();
  auto root = answer->get_future();
  inbox_.put(RootWanted{id, std::move(answer)});
  if (root.wait_for(longest_root_wait) != std::future_status::ready) {
    return Error{"the root of " + id.text() + " did not come in time"};
  }
  return root.get();
}

Standing Replica::standing(const NodeId& node) const {
  return nodes_->standing(node);
}

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
  if (!is_primary()) return false;
  const uint64_t most = options_.max_uncommitted_transactions;
  const uint64_t most_bytes = options_.max_uncommitted_bytes;
  if (published_->unstable_bytes >= max_unstable_bytes) return true;
  return (most != 0 && store_.uncommitted_transactions() >= most) ||
         (most_bytes != 0 && store_.uncommitted_bytes() >= most_bytes);
}

SeqNo Replica::last_signed() const {
  return {published_->last_signed};
}

void Replica::confirm_leadership(View view, MonotonicTime deadline, ConfirmedCallback callback) {
  if (!is_primary()) return callback(false);
  confirmations_->add(view, deadline, std::move(callback));
  inbox_.wake();
}

void Replica::when_final(TxId id, MonotonicTime deadline, FinalCallback callback) {
  {
    // Under the lock that publishes commit points: either the waiter is there when the point
    // moves, or the moved point is seen here.
    const std::unique_lock lock(published_->mutex);
    if (published_->committed.seqno < id.seqno && published_->committed.view <= id.view) {
      if (published_->waiters.add(id, deadline, std::move(callback))) inbox_.wake();
      return;
    }
  }
  callback(status(id));
}

}  // namespace entente::replica
