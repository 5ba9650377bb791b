#include "history/state_cache.h"

#include <algorithm>

#include "base/assert.h"
#include "base/log.h"

namespace entente::history {

namespace {
/// What a request costs besides its states.
constexpr size_t request_overhead = 512;
constexpr size_t seqno_overhead = sizeof(SeqNo) + sizeof(StatePtr);
}  // namespace

StateCache::StateCache(std::function<SeqNo()> committed, const Clock& clock,
                       std::function<void()> wake, Limits limits)
    : committed_(std::move(committed)), clock_(clock), wake_(std::move(wake)), limits_(limits) {}

Fetched<std::vector<StatePtr>> StateCache::get(RequestKey key, std::vector<SeqNo> seqnos) {
  ENTENTE_ASSERT(!seqnos.empty());
  if (seqnos.size() > max_states_per_request) {
    return {.failure = Error{"more than " + std::to_string(max_states_per_request) +
                             " transactions in one request"}};
  }
  if (seqnos.front() == SeqNo{0} || seqnos.back() > committed_()) {
    return {.failure =
                Error{"transaction " + std::to_string(seqnos.back().value) + " is not committed"}};
  }
  {
    const std::lock_guard lock(mutex_);
    auto found = requests_.find(key);
    if (found != requests_.end() && found->second.seqnos == seqnos) {
      Request& request = found->second;
      if (request.failure) {
        // Told once; asking again tries again.
        Error failure = std::move(*request.failure);
        erase(found);
        return {.failure = std::move(failure)};
      }
      request.expires = clock_.now() + limits_.expiry;
      uses_.splice(uses_.end(), uses_, request.use);
      if (request.missing != 0) return {};
      return {.value = request.states};
    }
    if (found != requests_.end()) erase(found);

    Request request;
    request.id = next_id_++;
    request.missing = seqnos.size();
    request.bytes = request_overhead + seqnos.size() * seqno_overhead;
    request.states.resize(seqnos.size());
    request.seqnos = std::move(seqnos);
    request.expires = clock_.now() + limits_.expiry;
    request.use = uses_.insert(uses_.end(), key);
    bytes_ += request.bytes;
    queue_.emplace_back(key, request.id);
    requests_.emplace(key, std::move(request));
    evict(key);
    tidy_queue();
  }
  wake_();
  return {};
}

bool StateCache::drop(RequestKey key) {
  const std::lock_guard lock(mutex_);
  const auto found = requests_.find(key);
  if (found == requests_.end()) return false;
  erase(found);
  return true;
}

void StateCache::set_expiry(std::chrono::seconds expiry) {
  const std::lock_guard lock(mutex_);
  limits_.expiry = expiry;
}

void StateCache::set_soft_limit(size_t bytes) {
  const std::lock_guard lock(mutex_);
  limits_.soft_bytes = bytes;
  if (!uses_.empty()) evict(uses_.back());
}

size_t StateCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

size_t StateCache::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_.size();
}

size_t StateCache::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

bool StateCache::fetch_some(PastLedger& ledger) {
  std::optional<Run> run;
  uint64_t batch_bytes = 0;
  {
    const std::lock_guard lock(mutex_);
    run = next_run();
    batch_bytes = limits_.batch_bytes;
  }
  if (!run) return false;
  auto states = ledger.read(run->first, run->last, committed_(), batch_bytes);
  if (!states) {
    // Every query for a damaged part of the ledger comes along here.
    if (const auto left_out = complaints_.due(clock_.now())) {
      log::fail("history", "Reading the past: {} (and {} like it not logged)",
                states.error().message, *left_out);
    }
  }
  const std::lock_guard lock(mutex_);
  store(*run, std::move(states));
  return true;
}

std::optional<StateCache::Run> StateCache::next_run() {
  while (!queue_.empty()) {
    const auto [key, id] = queue_.front();
    queue_.pop_front();
    const auto found = requests_.find(key);
    if (found == requests_.end() || found->second.id != id) continue;  // dropped meanwhile
    const Request& request = found->second;
    if (request.missing == 0 || request.failure) continue;
    size_t first = request.seqnos.size() - request.missing;  // filled from the front
    size_t last = first;
    while (last + 1 < request.seqnos.size() &&
           request.seqnos[last + 1] == request.seqnos[last] + 1) {
      ++last;
    }
    return Run{key, id, request.seqnos[first], request.seqnos[last]};
  }
  return std::nullopt;
}

void StateCache::store(const Run& run, Result<std::vector<StatePtr>> states) {
  const auto found = requests_.find(run.key);
  if (found == requests_.end() || found->second.id != run.id) return;
  Request& request = found->second;
  if (!states) return fail(request, states.error());

  size_t more = 0;
  const SignedRoot* root = nullptr;
  for (StatePtr& state : *states) {
    more += state->content().bytes();
    if (state->content().root.get() != root) {
      root = state->content().root.get();
      more += root->bytes;
    }
    request.states[request.seqnos.size() - request.missing] = std::move(state);
    --request.missing;
  }
  request.bytes += more;
  bytes_ += more;
  if (request.bytes > limits_.soft_bytes) {
    return fail(request, Error{"the transactions asked for do not fit into the memory limit of " +
                               std::to_string(limits_.soft_bytes) + " bytes"});
  }
  if (request.missing != 0) queue_.emplace_back(run.key, run.id);
  evict(run.key);
}

void StateCache::fail(Request& request, Error error) {
  const size_t left = request_overhead + request.seqnos.size() * seqno_overhead;
  bytes_ -= request.bytes - left;
  request.bytes = left;
  request.states.clear();
  request.failure = std::move(error);
}

void StateCache::erase(Requests::iterator request) {
  bytes_ -= request->second.bytes;
  uses_.erase(request->second.use);
  requests_.erase(request);
}

void StateCache::evict(RequestKey keep) {
  while (bytes_ > limits_.soft_bytes && requests_.size() > 1) {
    auto victim = uses_.begin();
    if (*victim == keep) ++victim;
    erase(requests_.find(*victim));
  }
}

/// Handles that change what they ask for leave entries of their earlier requests behind.
void StateCache::tidy_queue() {
  constexpr size_t slack = 64;
  if (queue_.size() <= 2 * requests_.size() + slack) return;
  std::erase_if(queue_, [this](const auto& waiting) {
    const auto found = requests_.find(waiting.first);
    return found == requests_.end() || found->second.id != waiting.second;
  });
}

void StateCache::expire() {
  const MonotonicTime now = clock_.now();
  const std::lock_guard lock(mutex_);
  while (!uses_.empty()) {
    const auto oldest = requests_.find(uses_.front());
    if (oldest->second.expires > now) return;
    erase(oldest);
  }
}

}  // namespace entente::history
