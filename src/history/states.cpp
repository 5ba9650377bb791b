#include <algorithm>

#include "entente/history.h"
#include "history/state_cache.h"

namespace entente::history {

namespace {
RequestKey application(Handle handle) {
  return {Owner::application, handle};
}
}  // namespace

Fetched<StatePtr> States::at(Handle handle, SeqNo seqno) {
  auto states = cache_->get(application(handle), {seqno});
  if (states.value) return {.value = states.value->front()};
  return {.failure = std::move(states.failure)};
}

Fetched<std::vector<StatePtr>> States::range(Handle handle, SeqNo first, SeqNo last) {
  if (last < first) return {.failure = Error{"an empty range"}};
  if (last - first >= max_states_per_request) {
    return {.failure = Error{"more than " + std::to_string(max_states_per_request) +
                             " transactions in one request"}};
  }
  std::vector<SeqNo> all;
  all.reserve(last - first + 1);
  for (SeqNo seqno = first; seqno <= last; ++seqno) all.push_back(seqno);
  return cache_->get(application(handle), std::move(all));
}

Fetched<std::vector<StatePtr>> States::seqnos(Handle handle, std::vector<SeqNo> seqnos) {
  std::sort(seqnos.begin(), seqnos.end());
  seqnos.erase(std::unique(seqnos.begin(), seqnos.end()), seqnos.end());
  if (seqnos.empty()) return {.value = std::vector<StatePtr>()};
  return cache_->get(application(handle), std::move(seqnos));
}

bool States::drop(Handle handle) {
  return cache_->drop(application(handle));
}
void States::set_default_expiry(std::chrono::seconds expiry) {
  cache_->set_expiry(expiry);
}
void States::set_soft_limit(size_t bytes) {
  cache_->set_soft_limit(bytes);
}

}  // namespace entente::history
