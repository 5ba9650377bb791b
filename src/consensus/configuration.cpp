#include "consensus/configuration.h"

#include "base/assert.h"

namespace entente::consensus {

void ActiveConfigurations::append(Configuration configuration) {
  ENTENTE_ASSERT(active_.empty() || active_.back().seqno < configuration.seqno);
  active_.push_back(std::move(configuration));
}

void ActiveConfigurations::commit(SeqNo committed) {
  size_t replaced = 0;
  while (replaced + 1 < active_.size() && active_[replaced + 1].seqno <= committed) ++replaced;
  active_.erase(active_.begin(), active_.begin() + static_cast<ptrdiff_t>(replaced));
}

void ActiveConfigurations::truncate(SeqNo last) {
  while (!active_.empty() && active_.back().seqno > last) active_.pop_back();
}

bool ActiveConfigurations::is_voter(const NodeId& node, SeqNo at) const {
  for (const Configuration& configuration : active_) {
    if (configuration.seqno > at) break;
    if (configuration.voters.contains(node)) return true;
  }
  return false;
}

std::map<NodeId, std::string> ActiveConfigurations::nodes() const {
  std::map<NodeId, std::string> named;
  for (const Configuration& configuration : active_) {
    for (const auto& [node, address] : configuration.learners) named[node] = address;
    for (const auto& [node, address] : configuration.voters) named[node] = address;
  }
  return named;
}

}  // namespace entente::consensus
