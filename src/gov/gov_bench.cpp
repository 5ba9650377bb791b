// Whole proposals through the frontend: made, voted on twice, applied (set_user), by the default
// constitution, with signing by members left out of the time.

#include <benchmark/benchmark.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "gov/governance.h"
#include "gov/signed_message.h"
#include "gov/tables.h"
#include "rpc/test_service.h"

namespace entente::gov {
namespace {

struct BenchMember {
  explicit BenchMember(crypto::Curve curve) : key(crypto::KeyPair::generate(curve)) {}
  crypto::KeyPair key;
  crypto::Certificate certificate = rpc::test::make_certificate(key, UnixTime(1'750'000'000));
};

class Bench {
 public:
  explicit Bench(crypto::Curve curve)
      : members_{BenchMember(curve), BenchMember(curve), BenchMember(curve)} {
    log::set_level(log::Level::fatal);
    governance_.install(service_.frontends.registry(rpc::Actor::gov));
    service_.start();
    for (const BenchMember& member : members_) {
      service_.put(tables::members_certs, member.certificate.id(), member.certificate.pem());
      service_.put(tables::members_info, member.certificate.id(), R"({"status":"Active"})");
    }
    std::string constitution;
    for (const char* name : {"actions.js", "validate.js", "resolve.js", "apply.js"}) {
      std::ifstream file(std::string("constitutions/default/") + name);
      if (!file) throw std::runtime_error("run this in the root of the source tree");
      std::stringstream text;
      text << file.rdbuf();
      constitution += text.str() + "\n";
    }
    service_.put(tables::constitution, as_text(tables::unit()),
                 json::dump(json::value(constitution)));
    const json::object args{{"cert", members_[0].certificate.pem()}};
    payload_ = json::dump(
        json::object{{"actions", json::array{json::object{{"name", "set_user"}, {"args", args}}}}});
  }

  Bytes sign(size_t member, std::string_view type, std::string_view payload,
             std::optional<std::string> id = std::nullopt) {
    return *sign_message({std::string(type), ++created_at_, std::move(id)}, as_bytes(payload),
                         members_[member].certificate, members_[member].key);
  }
  json::value send(const std::string& path, BytesView message) {
    const auto response = service_.send(http::Method::post,
                                        "/gov/members/proposals" + path + "?api-version=2024-07-01",
                                        as_text(message), {{"content-type", "application/cose"}});
    if (response.status != 200) throw std::runtime_error(rpc::test::body_text(response));
    return rpc::test::body_json(response);
  }
  Bytes proposal() { return sign(0, message_type::proposal, payload_); }
  Bytes ballot(size_t member, const std::string& id) {
    return sign(member, message_type::ballot,
                R"({"ballot":"export function vote(proposal, by) { return true; }"})", id);
  }
  std::string ballot_path(size_t member, const std::string& id) const {
    return "/" + id + "/ballots/" + members_[member].certificate.id() + ":submit";
  }
  void forget() { service_.store.compact(service_.store.last().seqno); }

 private:
  rpc::test::Service service_;
  std::array<BenchMember, 3> members_;
  std::string payload_;
  uint64_t created_at_ = 1'750'000'000;
  Governance governance_{Surroundings{
      .clock = system_clock(),
      .random = crypto::system_random(),
      .node = service_.node,
      .stage = [] { return Stage::part_of_network; },
      .service_key = [] { return nullptr; },
      .secrets = [] { return nullptr; },
      .root_at = [](TxId id) -> Result<Digest> { return crypto::sha256(as_bytes(id.text())); },
      .request_chunk = {},
      .request_snapshot = {},
      .historical_secret_at = {},
      .pending_configurations = {},
      .standing = {}}};
};

void whole_proposals(benchmark::State& state, crypto::Curve curve) {
  Bench bench(curve);
  for (auto _ : state) {
    state.PauseTiming();
    const Bytes proposal = bench.proposal();
    state.ResumeTiming();
    const std::string id(bench.send(":create", proposal).at("proposalId").get_string());
    for (size_t member = 0; member < 2; ++member) {
      state.PauseTiming();
      const Bytes ballot = bench.ballot(member, id);
      state.ResumeTiming();
      const json::value answer = bench.send(bench.ballot_path(member, id), ballot);
      if ((answer.at("proposalState") == "Accepted") != (member == 1)) state.SkipWithError("state");
    }
    state.PauseTiming();
    bench.forget();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(whole_proposals, p256, crypto::Curve::p256)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(whole_proposals, p384, crypto::Curve::p384)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace entente::gov
