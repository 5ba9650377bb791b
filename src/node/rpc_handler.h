#pragma once
// Between transport and service: hands each parsed request to the frontends with what belongs to
// its connection and worker, and each worker's finished transactions to the replica.

#include <memory>
#include <vector>

#include "net/exchange.h"
#include "replica/replica.h"
#include "rpc/frontends.h"

namespace entente::node {

class RpcHandler final : public net::RequestHandler {
 public:
  /// Lanes are made for `workers` threads. Everything handed in must outlive the handler.
  RpcHandler(rpc::Frontends& frontends, replica::Replica& replica, size_t workers);

  /// By the index that the server gave it; before requests arrive on it.
  void add_interface(const rpc::Interface* rules) { interfaces_.push_back(rules); }

  void handle(size_t worker, net::Exchange& exchange) override;
  void end_of_batch(size_t worker) override;

 private:
  struct PerWorker {
    explicit PerWorker(std::unique_ptr<replica::Lane> made) : lane(std::move(made)), rpc(*lane) {}
    std::unique_ptr<replica::Lane> lane;
    rpc::Worker rpc;
  };
  rpc::Session& session_of(net::SessionInfo& info) const;

  rpc::Frontends& frontends_;
  replica::Replica& replica_;
  std::vector<std::unique_ptr<PerWorker>> workers_;
  std::vector<const rpc::Interface*> interfaces_;
};

}  // namespace entente::node
