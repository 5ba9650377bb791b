#include "history/history.h"

#include "base/log.h"
#include "rpc/common_endpoints.h"

namespace entente::history {

namespace {
/// How often the commit point is looked at while strategies are installed.
constexpr std::chrono::milliseconds indexing_interval{10};
constexpr std::chrono::milliseconds idle_interval{1000};
constexpr std::chrono::minutes complaint_interval{1};
}  // namespace

History::History(LedgerSources sources, const replica::Status& status, const Clock& clock,
                 StateCache::Limits limits)
    : sources_(std::move(sources)),
      clock_(clock),
      cache_([&status] { return status.committed().seqno; }, clock, [this] { wake(); }, limits),
      indexer_([&status] { return status.committed().seqno; }, [this] { wake(); }),
      thread_([this] { run(); }) {}

History::~History() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void History::install(NodeContext& node) {
  node.install(std::make_shared<States>(cache_));
  node.install(std::make_shared<indexing::Strategies>(indexer_));
  node.install(std::make_shared<CoseSignaturesConfig>(sources_.cose_signatures));
  // Not owned by the context: whoever made this object ends it after the last request.
  node.install(std::shared_ptr<History>(std::shared_ptr<void>(), this));
}

void History::wake() {
  {
    const std::lock_guard lock(mutex_);
    work_ = true;
  }
  changed_.notify_one();
}

void History::run() {
  PastLedger ledger(sources_);
  bool ledger_damaged = false;
  Occasional complaints(complaint_interval);
  while (true) {
    {
      std::unique_lock lock(mutex_);
      const auto interval = indexer_.empty() || ledger_damaged ? idle_interval : indexing_interval;
      changed_.wait_for(lock, interval, [this] { return work_ || stopping_; });
      if (stopping_) return;
      work_ = false;
    }
    bool more = false;
    more = cache_.fetch_some(ledger) || more;
    const auto indexed = indexer_.step(ledger);
    if (!indexed && complaints.due(clock_.now())) {
      log::fail("history", "Indexing stands still: {}", indexed.error().message);
    }
    ledger_damaged = !indexed;
    more = (indexed && *indexed) || more;
    cache_.expire();
    if (more) {
      const std::lock_guard lock(mutex_);
      work_ = true;
    }
  }
}

void install_receipt_endpoint(EndpointRegistry& registry, const NodeContext& node) {
  rpc::install_receipt_endpoint(registry,
                                read_only_adapter(
                                    [](ReadOnlyEndpointContext& context, const StatePtr& state) {
                                      context.call.set_json(describe_receipt(*state));
                                    },
                                    node, txid_from_query));
}

}  // namespace entente::history
