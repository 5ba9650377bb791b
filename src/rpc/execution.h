#pragma once
// One request on its way through a frontend. Lives on the stack of Frontends::process.

#include "entente/call.h"
#include "rpc/frontends.h"

namespace entente::rpc {

class Execution {
 public:
  Execution(Frontends& frontends, Frontends::Frontend& frontend, Worker& worker,
            const http::Request& request, std::string_view actor_path, Session& session,
            http::Response& response, const AnswerLater* later)
      : frontends_(frontends),
        frontend_(frontend),
        worker_(worker),
        session_(session),
        response_(response),
        later_(later),
        call_(request, actor_path, session, frontends.surroundings_.clock, response) {}

  Outcome run();

 private:
  enum class Attempt { finished, conflict };
  enum class Place {
    here,
    answered,  ///< `response_` says why, or where
    elsewhere  ///< the answer comes later
  };

  // Each returns false after it has filled the response.
  bool admitted();
  bool found();
  bool allowed_on_interface();
  bool authenticated(kv::ReadOnlyTx& tx);
  bool session_consistent();

  // execution_place.cpp
  Place place();
  Place redirect(const Interface& interface);
  Place forward();
  Place hand_to(Forwarder& forwarder, const NodeId& primary);
  std::optional<std::chrono::seconds> wait_asked() const;
  bool linearizable_asked() const;

  void execute_with_retries();
  Attempt execute_once();
  Attempt execute_read_write();
  void execute_read_only();
  void execute_command();
  kv::CommitResult commit(kv::Tx& tx);
  void session_lost();
  void locally_committed(TxId id);
  void answer_exception();
  Outcome wait_for_commit();

  Frontends& frontends_;
  Frontends::Frontend& frontend_;
  Worker& worker_;
  Session& session_;
  http::Response& response_;
  const AnswerLater* later_;
  Call call_;
  const Endpoint* endpoint_ = nullptr;
  int attempts_ = 0;
  std::optional<std::chrono::seconds> wait_;  ///< asked for, cut down to the maximum
  std::optional<TxId> id_;                    ///< of the transaction that the answer is about
  bool wrote_ = false;                        ///< it is a new one
};

}  // namespace entente::rpc
