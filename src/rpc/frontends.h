#pragma once
// The three frontends (app, node, gov) and what every request passes through: choice of frontend
// and endpoint, interface rules, forwarding or redirection, authentication, execution with retries,
// commit, wait for global commit, answer. Source: docs/http-api.md (dispatch, execution).
//
// Set-up (one thread): fill the registries, seal(), add_interface(), forward_with(). Afterwards
// process() runs on any number of worker threads at once, each with its own Worker.

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/environment.h"
#include "entente/endpoint.h"
#include "entente/http.h"
#include "kv/store.h"
#include "replica/replica.h"
#include "rpc/forwarder.h"
#include "rpc/interface.h"
#include "rpc/metrics.h"
#include "rpc/router.h"
#include "rpc/session.h"

namespace entente::rpc {

enum class Actor : uint8_t { app, node, gov };
inline constexpr size_t actor_count = 3;

/// The longest `Prefer: wait=SECONDS` that is honoured; more is cut down to this.
inline constexpr std::chrono::seconds max_commit_wait{60};
/// Executions of one request before it is given up as conflicting.
inline constexpr int max_attempts = 30;

/// How a worker commits: replica::Lane::commit in the node, the store alone in tests.
using CommitFunction = std::function<kv::CommitResult(kv::Tx&, const replica::CommitOptions&)>;

/// What belongs to one worker thread. Not thread-safe.
class Worker {
 public:
  explicit Worker(CommitFunction commit) : commit_(std::move(commit)) {}
  explicit Worker(replica::Lane& lane)
      : commit_([&lane](kv::Tx& tx, const replica::CommitOptions& options) {
          return lane.commit(tx, options);
        }) {}

 private:
  friend class Execution;
  friend class Frontends;
  CommitFunction commit_;
  std::shared_ptr<CounterShard> counters_;  ///< made by Frontends on the first request
};

/// Delivers an answer that was deferred. Called at most once, on any thread, at once or later, also
/// when the connection is long gone (then it does nothing).
using Answer = std::function<void(http::Response&&)>;
/// Called when a request is going to be answered later. The request's views end with process().
using AnswerLater = std::function<Answer()>;

enum class Outcome {
  answered,  ///< `response` is the answer
  deferred   ///< the Answer will be called; `response` is empty
};

struct Surroundings {
  kv::Store& store;
  replica::Status& status;
  const Clock& clock;
  /// Address (`host:port`) that a redirection resolves to, or nullopt. Called on workers.
  std::function<std::optional<std::string>(const RedirectTarget&, const Interface&)> resolve;
};

class Frontends {
 public:
  explicit Frontends(Surroundings surroundings);
  ~Frontends();
  Frontends(const Frontends&) = delete;
  Frontends& operator=(const Frontends&) = delete;

  EndpointRegistry& registry(Actor actor);
  /// Ends registration. Once.
  void seal();
  /// After seal(), before requests arrive on the interface. Lives as long as this object.
  Result<const Interface*> add_interface(InterfaceRules rules);

  /// Before requests arrive; must outlive this object. Without one, a node that is not primary
  /// answers 500 to what it should forward.
  void forward_with(Forwarder& forwarder) { forwarder_ = &forwarder; }

  /// A closed frontend answers 404 FrontendNotOpen. All are closed at first. Thread-safe.
  void open(Actor actor);
  void close(Actor actor);
  bool is_open(Actor actor) const;

  /// Answers one request. `later` may be null: then nothing is ever deferred. Never throws.
  Outcome process(Worker& worker, const http::Request& request, Session& session,
                  http::Response& response, const AnswerLater* later = nullptr);

  /// Sums over all workers, by Endpoint::index. Thread-safe.
  std::vector<EndpointCounts> counts() const { return counters_.sums(); }
  /// Requests that were refused before an endpoint was found.
  uint64_t dispatch_failures() const { return counters_.dispatch_failures(); }

 private:
  friend class Execution;
  struct Frontend {
    explicit Frontend(std::string actor) : registry(std::move(actor)) {}
    EndpointRegistry registry;
    Router router;
    std::atomic<bool> open{false};
    kv::Context context = kv::Context::framework;            ///< of read-write endpoints
    kv::Context read_only_context = kv::Context::framework;  ///< of the others
    bool bounded = false;  ///< refuses requests while too many transactions are uncommitted
  };

  Surroundings surroundings_;
  std::array<std::unique_ptr<Frontend>, actor_count> frontends_;
  std::deque<Interface> interfaces_;
  std::vector<const Endpoint*> endpoints_;  ///< by index
  Forwarder* forwarder_ = nullptr;
  bool sealed_ = false;
  Counters counters_;
};

}  // namespace entente::rpc
