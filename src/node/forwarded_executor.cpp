#include "node/forwarded_executor.h"

#include "base/log.h"

namespace entente::node {
namespace {

constexpr size_t remembered_certificates = 256;

/// Counts one answer that waits for global commit, until nobody can give it any more.
class Promise {
 public:
  Promise(std::shared_ptr<ForwardedOutbox> outbox, NodeId to, uint64_t correlation, TxId last_seen)
      : outbox_(std::move(outbox)), to_(std::move(to)) {
    answer_.correlation = correlation;
    answer_.last_seen = last_seen;
    ++outbox_->waiting;
  }
  ~Promise() { --outbox_->waiting; }
  Promise(const Promise&) = delete;
  Promise& operator=(const Promise&) = delete;

  void keep(http::Response&& response) {
    answer_.response = std::move(response);
    outbox_->send_answer(to_, answer_);
  }

 private:
  const std::shared_ptr<ForwardedOutbox> outbox_;
  const NodeId to_;
  ForwardedResponse answer_;
};

}  // namespace

ForwardedExecutor::ForwardedExecutor(ForwardedExecutorLimits limits, rpc::Frontends& frontends,
                                     replica::Replica& replica, const Clock& clock,
                                     std::shared_ptr<ForwardedOutbox> outbox)
    : limits_(limits),
      frontends_(frontends),
      clock_(clock),
      outbox_(std::move(outbox)),
      lane_(replica.make_lane()),
      worker_(*lane_),
      thread_([this] { run(); }) {}

ForwardedExecutor::~ForwardedExecutor() {
  stop();
}

void ForwardedExecutor::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    queue_.clear();
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

bool ForwardedExecutor::put(const NodeId& from, Bytes request) {
  const std::lock_guard lock(mutex_);
  const bool full = queue_.size() >= limits_.queued_requests ||
                    (!queue_.empty() && queued_bytes_ + request.size() > limits_.queued_bytes);
  Share& own = shares_[from];
  const bool too_much =
      own.requests > 0 && (own.requests >= limits_.queued_requests / limits_.shares ||
                           own.bytes + request.size() > limits_.queued_bytes / limits_.shares);
  if (full || too_much || stopping_) return false;
  ++own.requests;
  own.bytes += request.size();
  queued_bytes_ += request.size();
  queue_.push_back({from, std::move(request)});
  if (waiting_) {
    waiting_ = false;
    changed_.notify_one();
  }
  return true;
}

bool ForwardedExecutor::take(std::vector<Queued>& batch) {
  batch.clear();
  std::unique_lock lock(mutex_);
  while (!stopping_ && queue_.empty()) {
    waiting_ = true;
    changed_.wait(lock);
  }
  waiting_ = false;
  batch.swap(queue_);
  shares_.clear();
  queued_bytes_ = 0;
  return !stopping_;
}

void ForwardedExecutor::run() {
  // Answers leave after so many requests, however many came at once.
  constexpr size_t largest_batch = 256;
  std::vector<Queued> queued;
  std::vector<net::LinkMessage> answers;
  const auto finish = [&] {
    lane_->hand_over();
    const size_t sent = outbox_->send(answers);
    outbox_->unsent += answers.size() - sent;
    answers.clear();
  };
  while (take(queued)) {
    size_t executed = 0;
    for (const Queued& one : queued) {
      execute(one, answers);
      if (++executed % largest_batch != 0) continue;
      finish();
      if (stopping_) break;
    }
    finish();
  }
}

void ForwardedExecutor::execute(const Queued& queued, std::vector<net::LinkMessage>& answers) {
  const auto forwarded = decode_forwarded_request(queued.bytes);
  if (!forwarded.ok()) {
    ++malformed_;
    if (const auto left_out = refusals_.due(clock_.now())) {
      log::fail("rpc", "from node {}: {} (and {} others not logged)", queued.from.value,
                forwarded.error().message, *left_out);
    }
    return;
  }
  rpc::Session session;
  session.id = forwarded->session;
  session.forwarded = true;
  session.pinned_view = forwarded->pinned_view;
  session.seen = forwarded->last_seen;
  if (!forwarded->certificate.empty()) session.certificate = certificate(forwarded->certificate);

  const rpc::AnswerLater later = [&] {
    // By now the session has seen what this answer is going to tell.
    const auto promise = std::make_shared<Promise>(outbox_, queued.from, forwarded->correlation,
                                                   session.last_seen());
    return [promise](http::Response&& response) { promise->keep(std::move(response)); };
  };
  const bool may_wait = outbox_->waiting < limits_.waiting_answers;
  ForwardedResponse answer;
  const rpc::Outcome outcome = frontends_.process(worker_, forwarded->request, session,
                                                  answer.response, may_wait ? &later : nullptr);
  ++executed_;
  if (outcome == rpc::Outcome::deferred) return;
  answer.correlation = forwarded->correlation;
  answer.last_seen = session.last_seen();
  answers.push_back(
      {&queued.from, net::MessageKind::forwarded_response, outbox_->encode_answer(answer)});
}

std::shared_ptr<rpc::ClientCertificate> ForwardedExecutor::certificate(BytesView der) {
  std::string key = to_text(der);
  const auto known = certificates_.find(key);
  if (known != certificates_.end()) return known->second;
  if (certificates_.size() >= remembered_certificates) certificates_.clear();
  auto parsed = std::make_shared<rpc::ClientCertificate>(to_bytes(der));
  certificates_.emplace(std::move(key), parsed);
  return parsed;
}

}  // namespace entente::node
