#include "node/joining.h"

#include <thread>

#include "base/log.h"
#include "crypto/secret.h"
#include "net/http_client.h"

namespace entente::node {
namespace {

using namespace std::chrono_literals;

constexpr auto first_pause = 200ms;
constexpr auto attention_interval = 20ms;
constexpr std::string_view untrusted = "TLS: the server's certificate is not trusted: ";

/// Nothing: ask again later.
using Verdict = std::optional<std::variant<Welcome, JoinRefused>>;

class Applicant {
 public:
  Applicant(const JoinParty& party, const JoinRequest& request)
      : party_(party),
        target_(party.target.target_rpc_address),
        body_(json::dump(request.to_json())) {}

  Verdict ask();

 private:
  Verdict read(const net::ClientResponse& answer);
  Verdict read_success(const std::string& body);
  void follow(const std::string& location);
  void turn_back();

  const JoinParty& party_;
  Address target_;
  std::string body_;
  bool reached_ = false;
  bool waiting_ = false;  // said that it is pending
};

Verdict Applicant::ask() {
  net::HttpClientOptions options;
  options.host = target_.host;
  options.port = target_.port;
  options.trusted_pem = party_.service_certificate_pem;
  options.client_certificate_pem = party_.node_certificate_pem;
  options.client_key_pem = party_.node_key.private_pem();
  const crypto::WipeAtExit wiped(options.client_key_pem);
  options.alpn = {"http/1.1"};
  options.timeout = std::chrono::ceil<std::chrono::milliseconds>(party_.patience);
  options.max_response_size = 64u << 20;
  auto client = net::HttpClient::connect(options);
  if (!client) {
    const std::string& why = client.error().message;
    const size_t at = why.find(untrusted);
    if (at != why.npos && !reached_) {
      return JoinRefused{"Early error when joining existing network at " + target_.text() +
                         ": TLS -1 invalid cert on handshake: " +
                         why.substr(at + untrusted.size()) + ". Shutting down node gracefully..."};
    }
    log::debug("node", "Join: {}", why);
    turn_back();
    return std::nullopt;
  }
  reached_ = true;
  auto answer = client->post("/node/join", body_, {{"content-type", "application/json"}});
  if (!answer) {
    log::info("node", "No answer to the join request from {}: {}", target_.text(),
              answer.error().message);
    turn_back();
    return std::nullopt;
  }
  const crypto::WipeAtExit answer_wiped(answer->body);  // may hold the service's keys
  return read(*answer);
}

Verdict Applicant::read(const net::ClientResponse& answer) {
  const std::string* location = answer.header("location");
  const bool redirected = answer.status == 307 || answer.status == 308;
  if (answer.status == 200) return read_success(answer.body);
  if (redirected && location != nullptr && party_.target.follow_redirect) {
    follow(*location);
    return std::nullopt;
  }
  if (answer.status >= 400 && answer.status < 500) {
    return JoinRefused{"Join request to " + target_.text() + " returned " +
                       std::to_string(answer.status) + " Bad Request: " + answer.body +
                       ". Shutting down node gracefully."};
  }
  log::info("node", "An error occurred while joining the network: {} {}", answer.status,
            answer.body);
  return std::nullopt;
}

void Applicant::follow(const std::string& location) {
  constexpr std::string_view scheme = "https://";
  if (!location.starts_with(scheme)) return;
  const std::string_view rest = std::string_view(location).substr(scheme.size());
  const auto address = Address::parse(rest.substr(0, rest.find('/')));
  if (!address) {
    log::fail("node", "Join: redirected to {}, which is no address", location);
    return;
  }
  log::info("node", "Join: the primary is at {}", address->text());
  target_ = *address;
}

/// Whoever the configured target named does not answer: it may know of another primary by now.
void Applicant::turn_back() {
  target_ = party_.target.target_rpc_address;
}

Verdict Applicant::read_success(const std::string& body) {
  const auto document = json::parse(body);
  auto answer = document ? JoinAnswer::from_json(*document) : Result<JoinAnswer>(document.error());
  if (!answer) {
    log::fail("node", "Join: cannot read the answer of {}: {}", target_.text(),
              answer.error().message);
    return std::nullopt;
  }
  if (answer->welcome) return std::move(*answer->welcome);
  if (!waiting_) {
    log::info("node", "Node {} is waiting for votes of members to be trusted", party_.id.value);
  }
  waiting_ = true;
  return std::nullopt;
}

bool interrupted(std::chrono::microseconds pause, const std::function<bool()>& stop_asked) {
  for (std::chrono::microseconds waited{0}; waited < pause; waited += attention_interval) {
    if (stop_asked()) return true;
    std::this_thread::sleep_for(std::min<std::chrono::microseconds>(attention_interval, pause));
  }
  return stop_asked();
}

}  // namespace

JoinOutcome join(const JoinParty& party, const JoinRequest& request,
                 const std::function<bool()>& stop_asked) {
  Applicant applicant(party, request);
  for (std::chrono::microseconds pause = first_pause;; pause = party.target.retry_timeout) {
    if (interrupted(pause, stop_asked)) return JoinInterrupted{};
    auto verdict = applicant.ask();
    if (!verdict) continue;
    if (auto* refused = std::get_if<JoinRefused>(&*verdict)) return std::move(*refused);
    return std::get<Welcome>(std::move(*verdict));
  }
}

}  // namespace entente::node
