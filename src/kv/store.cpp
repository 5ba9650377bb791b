// Transactions: begin, commit, and where the store stands.

#include "kv/store.h"

#include <algorithm>

#include "kv/content.h"
#include "kv/tx_body.h"

namespace entente::kv {
namespace {

/// A snapshot that is at most so many changes old is dropped before the new writes are installed,
/// so that they happen in place; an older one may hold much memory, whose release can wait until
/// the lock is free.
constexpr uint64_t cheap_age = 32;

bool session_holds(const Store::Content& store, const CommitConditions& conditions) {
  return !conditions.session || conditions.session->seqno == SeqNo{} ||
         store.view_of(conditions.session->seqno) == conditions.session->view;
}

}  // namespace

View Store::Content::view_of(SeqNo seqno) const {
  if (seqno == SeqNo{} || seqno > last()) return {};
  const auto after = std::upper_bound(view_starts.begin(), view_starts.end(), seqno,
                                      [](SeqNo s, const ViewStart& v) { return s < v.first; });
  return after == view_starts.begin() ? View{} : std::prev(after)->view;
}

SeqNo Store::Content::allocate(View in) {
  own(state);
  state->last = {in, state->last.seqno + 1};
  ++state->mutation;
  if (view_starts.empty() || view_starts.back().view != in) {
    view_starts.push_back({in, state->last.seqno});
  }
  undo.push();
  uncommitted_transactions.fetch_add(1, std::memory_order_relaxed);
  return state->last.seqno;
}

Store::Store() : content_(std::make_unique<Content>()) {}
Store::~Store() = default;

Tx Store::begin(Context context) {
  return Tx(TxBody::take(*content_, context, false));
}

ReadOnlyTx Store::begin_read_only(Context context) {
  return ReadOnlyTx(TxBody::take(*content_, context, true));
}

bool Store::touched(const ReadOnlyTx& tx) {
  return tx.body_->map_count() != 0;
}

TxId Store::observed(ReadOnlyTx& tx) {
  tx.body_->fix_snapshot();
  return tx.body_->snapshot()->last;
}

CommitResult Store::commit(Tx& tx, const CommitConditions& conditions) {
  TxBody& body = *tx.body_;
  ENTENTE_ASSERT(&body.store() == content_.get() && !body.finished());
  Content& store = *content_;
  const bool writes = body.has_writes();
  if (!writes) {
    body.fix_snapshot();
    if (!conditions.session) {
      body.finish();
      return {CommitStatus::read_only, body.snapshot()->last, {}};
    }
  }

  Ref<State> dropped;  // destroyed after the lock is released
  std::lock_guard lock(store.mutex);
  body.finish();
  CommitResult result{CommitStatus::conflict, {}, store.epoch};
  if (!session_holds(store, conditions)) {
    result.status = CommitStatus::session_lost;
    return result;
  }
  if (!writes) {
    result.status = CommitStatus::read_only;
    result.id = body.snapshot()->last;
    return result;
  }
  if (!store.primary || (conditions.epoch && *conditions.epoch != store.epoch)) {
    result.status = CommitStatus::not_primary;
    return result;
  }
  if (body.snapshot() && !body.still_valid(*store.state, store.directory)) return result;

  dropped = body.drop_snapshot();
  if (dropped && dropped->mutation + cheap_age >= store.state->mutation) dropped = nullptr;
  const SeqNo seqno = store.allocate(store.view);
  for (size_t i = 0; i < body.map_count(); ++i) {
    OpenMap& map = body.map(i);
    if (map.writes.empty()) continue;
    install(store, seqno, store.directory.find_or_create(map.name),
            [&](auto visit) { map.writes.for_each(visit); });
  }
  result.status = CommitStatus::committed;
  result.id = store.state->last;
  return result;
}

const WriteSet& Store::write_set(Tx& tx) {
  ENTENTE_ASSERT(tx.body_->finished());
  return tx.body_->write_set();
}

// ---- where it stands

TxId Store::last() const {
  std::lock_guard lock(content_->mutex);
  return content_->state->last;
}

SeqNo Store::committed() const {
  return {content_->committed.load()};
}

Epoch Store::epoch() const {
  std::lock_guard lock(content_->mutex);
  return content_->epoch;
}

bool Store::is_primary() const {
  std::lock_guard lock(content_->mutex);
  return content_->primary;
}

View Store::view_of(SeqNo seqno) const {
  std::lock_guard lock(content_->mutex);
  return content_->view_of(seqno);
}

std::vector<ViewStart> Store::view_starts() const {
  std::lock_guard lock(content_->mutex);
  return content_->view_starts;
}

size_t Store::uncommitted_transactions() const {
  return content_->uncommitted_transactions.load(std::memory_order_relaxed);
}

size_t Store::uncommitted_bytes() const {
  return content_->uncommitted_bytes.load(std::memory_order_relaxed);
}

Snapshot Store::snapshot() const {
  std::lock_guard lock(content_->mutex);
  return Snapshot(content_->state);
}

Snapshot Store::committed_snapshot() const {
  Ref<State> state;
  std::vector<std::vector<UndoWrite>> newer;
  {
    std::lock_guard lock(content_->mutex);
    state = content_->state;
    UndoLog& log = content_->undo;
    for (SeqNo at = log.first(); at <= log.last(); ++at) newer.push_back(log.at(at).writes);
    const SeqNo committed{content_->committed.load()};
    const TxId last{content_->view_of(committed), committed};
    state = Ref<State>::adopt(new State(*state));
    state->last = last;
  }
  for (auto writes = newer.rbegin(); writes != newer.rend(); ++writes) {
    undo(*state, *writes, state->mutation);
  }
  return Snapshot(std::move(state));
}

// ---- hooks

void Store::set_local_hook(std::string_view map, Hook hook) {
  std::lock_guard lock(content_->mutex);
  content_->directory.find_or_create(map).local_hook = std::move(hook);
}

void Store::set_global_hook(std::string_view map, Hook hook) {
  std::lock_guard lock(content_->mutex);
  content_->directory.find_or_create(map).global_hook = std::move(hook);
  content_->global_hooks = true;
}

}  // namespace entente::kv
