#include "entente/node_context.h"

#include "replica/replica.h"

namespace entente {

TxStatus NodeContext::status(TxId id) const {
  return status_->status(id);
}
TxId NodeContext::last_committed() const {
  return status_->committed();
}
View NodeContext::current_view() const {
  return status_->view();
}
View NodeContext::view_of(SeqNo seqno) const {
  return status_->view_of(seqno);
}
bool NodeContext::is_primary() const {
  return status_->is_primary();
}

std::vector<TxId> NodeContext::view_history(View since) const {
  std::vector<TxId> history;
  const auto starts = status_->view_starts();
  for (size_t i = 0; i < starts.size(); ++i) {
    const View view{i + 1};
    if (view >= since) history.push_back({view, starts[i]});
  }
  return history;
}

}  // namespace entente
