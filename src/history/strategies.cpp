// The indexing strategies that applications build on.

#include <algorithm>
#include <stdexcept>

#include "entente/indexing.h"

namespace entente::indexing {

namespace {

/// The seqnos within [first, last], at most `limit`, appended to `out`.
void append_range(const std::vector<SeqNo>& seqnos, SeqNo first, SeqNo last, size_t limit,
                  std::vector<SeqNo>& out) {
  const auto begin = std::lower_bound(seqnos.begin(), seqnos.end(), first);
  for (auto at = begin; at != seqnos.end() && *at <= last && out.size() < limit; ++at) {
    out.push_back(*at);
  }
}

}  // namespace

json::object Strategy::describe() const {
  return {{"name", name_}};
}

// ------------------------------------------------------------------------------------ continuous

std::optional<SeqNo> ContinuousStrategy::next_requested() const {
  const std::lock_guard lock(mutex_);
  if (full()) return std::nullopt;
  return next_;
}

void ContinuousStrategy::handle_committed_transaction(const history::State& state) {
  const std::lock_guard lock(mutex_);
  handle(state);
  next_ = state.id().seqno + 1;
  watermark_ = state.id();
}

TxId ContinuousStrategy::watermark() const {
  const std::lock_guard lock(mutex_);
  return watermark_;
}

json::object ContinuousStrategy::describe() const {
  json::object description = Strategy::describe();
  const std::lock_guard lock(mutex_);
  description["indexed_watermark"] = watermark_.text();
  description["next_requested_seqno"] = next_.value;
  if (full()) description["full"] = true;
  return description;
}

VisitEachEntryInMap::VisitEachEntryInMap(std::string map, SeqNo first, std::string name)
    : ContinuousStrategy(name.empty() ? "VisitEachEntryIn " + map : std::move(name), first),
      map_(std::move(map)) {}

json::object VisitEachEntryInMap::describe() const {
  json::object description = ContinuousStrategy::describe();
  description["target_map"] = map_;
  return description;
}

void VisitEachEntryInMap::handle(const history::State& state) {
  state.diff(map_).foreach ([&](BytesView key, std::optional<BytesView> value) {
    visit_entry(state.id(), key, value);
    return true;
  });
}

// ------------------------------------------------------------------------------- seqnos in memory

SeqnosByKeyInMemory::SeqnosByKeyInMemory(std::string map, SeqNo first, size_t max_bytes)
    : VisitEachEntryInMap(map, first, "SeqnosByKey " + map), max_bytes_(max_bytes) {}

void SeqnosByKeyInMemory::visit_entry(const TxId& id, BytesView key, std::optional<BytesView>) {
  auto found = seqnos_.find(key);
  if (found == seqnos_.end()) {
    found = seqnos_.try_emplace(to_bytes(key)).first;
    bytes_ += key.size() + 128;
  }
  found->second.push_back(id.seqno);
  bytes_ += sizeof(SeqNo);
}

Seqnos SeqnosByKeyInMemory::in_range(BytesView key, SeqNo first, SeqNo last, size_t limit) const {
  if (last > watermark().seqno) return std::nullopt;
  const std::lock_guard lock(mutex_);
  std::vector<SeqNo> out;
  const auto found = seqnos_.find(key);
  if (found != seqnos_.end()) append_range(found->second, first, last, limit, out);
  return out;
}

std::vector<SeqNo> SeqnosByKeyInMemory::all(BytesView key) const {
  const std::lock_guard lock(mutex_);
  const auto found = seqnos_.find(key);
  return found == seqnos_.end() ? std::vector<SeqNo>() : found->second;
}

std::optional<SeqNo> SeqnosByKeyInMemory::last_write(BytesView key) const {
  const std::lock_guard lock(mutex_);
  const auto found = seqnos_.find(key);
  if (found == seqnos_.end()) return std::nullopt;
  return found->second.back();
}

// ------------------------------------------------------------------------------ seqnos in buckets

SeqnosByKeyBucketed::SeqnosByKeyBucketed(std::string map, size_t seqnos_per_bucket,
                                         size_t max_buckets)
    : Strategy("SeqnosByKey " + map),
      map_(std::move(map)),
      seqnos_per_bucket_(seqnos_per_bucket),
      max_buckets_(max_buckets) {
  if (seqnos_per_bucket_ == 0 || max_buckets_ < 2) {
    throw std::logic_error("An index needs at least two buckets of at least one transaction");
  }
}

SeqNo SeqnosByKeyBucketed::first_of(uint64_t number) const {
  return {std::max<uint64_t>(1, number * seqnos_per_bucket_)};
}

void SeqnosByKeyBucketed::add(Bucket& bucket, const history::State& state) const {
  state.diff(map_).foreach ([&](BytesView key, std::optional<BytesView>) {
    auto found = bucket.find(key);
    if (found == bucket.end()) found = bucket.try_emplace(to_bytes(key)).first;
    found->second.push_back(state.id().seqno);
    return true;
  });
}

void SeqnosByKeyBucketed::hold(Numbered bucket) {
  held_.push_front(std::move(bucket));
  if (held_.size() > max_buckets_) held_.pop_back();
}

const SeqnosByKeyBucketed::Bucket* SeqnosByKeyBucketed::find(uint64_t number) {
  if (number == current_.number) return &current_.seqnos;
  for (auto at = held_.begin(); at != held_.end(); ++at) {
    if (at->number != number) continue;
    held_.splice(held_.begin(), held_, at);
    return &held_.front().seqnos;
  }
  return nullptr;
}

void SeqnosByKeyBucketed::want(uint64_t number) {
  // A query spans at most max_buckets_; more waiting than that come from several queries, and the
  // ones left out are asked for again by their clients.
  if (wanted_.size() >= max_buckets_) return;
  if (std::find(wanted_.begin(), wanted_.end(), number) != wanted_.end()) return;
  if (wanted_.empty()) again_next_ = first_of(number);
  wanted_.push_back(number);
}

Seqnos SeqnosByKeyBucketed::in_range(BytesView key, SeqNo first, SeqNo last, size_t limit) {
  if (last.value - first.value + 1 > max_range()) {
    throw std::logic_error("The index answers ranges of at most " + std::to_string(max_range()) +
                           " transactions");
  }
  const std::lock_guard lock(mutex_);
  if (last > watermark_.seqno) return std::nullopt;
  std::vector<SeqNo> out;
  bool complete = true;
  for (uint64_t number = bucket_of(first); number <= bucket_of(last); ++number) {
    const Bucket* bucket = find(number);
    if (bucket == nullptr) {
      want(number);
      complete = false;
      continue;
    }
    const auto found = bucket->find(key);
    if (found != bucket->end()) append_range(found->second, first, last, limit, out);
  }
  if (!complete) return std::nullopt;
  return out;
}

TxId SeqnosByKeyBucketed::watermark() const {
  const std::lock_guard lock(mutex_);
  return watermark_;
}

std::optional<SeqNo> SeqnosByKeyBucketed::next_requested() const {
  const std::lock_guard lock(mutex_);
  return next_;
}

void SeqnosByKeyBucketed::handle_committed_transaction(const history::State& state) {
  const std::lock_guard lock(mutex_);
  const SeqNo seqno = state.id().seqno;
  if (bucket_of(seqno) != current_.number) {
    hold(std::exchange(current_, Numbered{bucket_of(seqno), {}}));
  }
  add(current_.seqnos, state);
  next_ = seqno + 1;
  watermark_ = state.id();
}

std::optional<SeqNoRange> SeqnosByKeyBucketed::wanted_again() const {
  const std::lock_guard lock(mutex_);
  if (wanted_.empty()) return std::nullopt;
  return SeqNoRange{again_next_, last_of(wanted_.front())};
}

void SeqnosByKeyBucketed::handle_again(const history::State& state) {
  const std::lock_guard lock(mutex_);
  add(again_, state);
  again_next_ = state.id().seqno + 1;
  const uint64_t number = wanted_.front();
  if (again_next_ <= last_of(number)) return;
  wanted_.pop_front();
  hold({number, std::exchange(again_, {})});
  if (!wanted_.empty()) again_next_ = first_of(wanted_.front());
}

json::object SeqnosByKeyBucketed::describe() const {
  json::object description = Strategy::describe();
  const std::lock_guard lock(mutex_);
  description["target_map"] = map_;
  description["indexed_watermark"] = watermark_.text();
  description["next_requested_seqno"] = next_.value;
  description["seqnos_per_bucket"] = seqnos_per_bucket_;
  description["old_results_max_size"] = max_buckets_;
  description["old_results_current_size"] = held_.size();
  description["current_results_size"] = current_.seqnos.size();
  return description;
}

}  // namespace entente::indexing
