// Requests of members through the frontend: the first byte says what the rest is. An envelope as it
// comes, or what a member signs: a payload of a proposal, of a ballot, of an acknowledgement, or a
// protected header.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "gov/governance.h"
#include "gov/signed_message.h"
#include "gov/tables.h"
#include "rpc/test_service.h"

namespace {

using namespace entente;

struct TickingClock final : Clock {
  mutable int64_t microseconds = 0;
  MonotonicTime now() const override { return MonotonicTime(microseconds += 50'000); }
  UnixTime unix_time() const override { return UnixTime(1'750'000'000); }
};

class Target {
 public:
  Target() {
    log::set_level(log::Level::fatal);
    governance_.install(service_.frontends.registry(rpc::Actor::gov));
    service_.start();
    put(gov::tables::members_certs, certificate_.id(), certificate_.pem());
    put(gov::tables::members_info, certificate_.id(), R"({"status":"Active"})");
    put(gov::tables::members_acks, certificate_.id(), R"({"state_digest":""})");
    put(gov::tables::constitution, as_text(gov::tables::unit()),
        json::dump(json::value("export function validate(p) { return {valid: true}; }"
                               "export function resolve(p, by, votes) { return 'Open'; }"
                               "export function apply(p, id) {}")));
  }

  void run(uint8_t kind, BytesView rest) {
    switch (kind % 5) {
      case 0:
        send("/members/proposals:create", rest);
        break;
      case 1:
        close(send("/members/proposals:create", sign(gov::message_type::proposal, rest)));
        break;
      case 2: {
        const std::string id =
            open(send("/members/proposals:create", sign(gov::message_type::proposal, {})));
        send("/members/proposals/" + id + "/ballots/" + certificate_.id() + ":submit",
             sign(gov::message_type::ballot, rest, id));
        withdraw(id);
        break;
      }
      case 3:
        send("/members/state-digests/" + certificate_.id() + ":ack",
             sign(gov::message_type::ack, rest));
        break;
      case 4: {
        crypto::cose::Sign1 message;
        message.protected_bytes = to_bytes(rest);
        message.payload = to_bytes("{}");
        message.unprotected_header = crypto::cbor::Value::map({});
        message.signature = key_.sign_raw(crypto::cose::sig_structure(rest, *message.payload));
        close(send("/members/proposals:create", message.encode()));
        break;
      }
    }
    service_.store.compact(service_.store.last().seqno);
  }

 private:
  void put(std::string_view table, std::string_view key, std::string_view value) {
    service_.put(table, key, value);
  }
  Bytes sign(std::string_view type, BytesView payload,
             std::optional<std::string> id = std::nullopt) {
    return *gov::sign_message({std::string(type), ++created_at_, std::move(id)}, payload,
                              certificate_, key_);
  }
  http::Response send(const std::string& path, BytesView body) {
    return service_.send(http::Method::post, "/gov" + path + "?api-version=2024-07-01",
                         as_text(body), {{"content-type", "application/cose"}});
  }
  static std::string open(const http::Response& response) {
    const auto document = json::parse(as_text(response.body));
    if (response.status != 200 || !document) std::abort();  // this constitution takes everything
    return std::string(document->at("proposalId").get_string());
  }
  void close(const http::Response& response) {
    if (response.status == 200) withdraw(open(response));
  }
  void withdraw(const std::string& id) {
    const auto response =
        send("/members/proposals/" + id + ":withdraw", sign(gov::message_type::withdrawal, {}, id));
    if (response.status != 200) std::abort();  // whatever was sent, governance goes on
  }

  rpc::test::Service service_;
  TickingClock clock_;
  crypto::KeyPair key_ = crypto::KeyPair::generate(crypto::Curve::p256);
  crypto::Certificate certificate_ = rpc::test::make_certificate(key_, service_.clock.unix);
  uint64_t created_at_ = 1'750'000'000;
  gov::Governance governance_{gov::Surroundings{
      .clock = clock_,
      .random = crypto::system_random(),
      .node = service_.node,
      .stage = [] { return gov::Stage::part_of_network; },
      .service_key = [] { return nullptr; },
      .secrets = [] { return nullptr; },
      .root_at = [](TxId id) -> Result<Digest> { return crypto::sha256(as_bytes(id.text())); },
      .request_chunk = {},
      .request_snapshot = {},
      .historical_secret_at = {},
      .pending_configurations = {},
      .standing = {}}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Target target;
  if (size > 0) target.run(data[0], {data + 1, size - 1});
  return 0;
}
