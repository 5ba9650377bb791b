#include "cli/gov_client.h"

#include <chrono>
#include <thread>

#include "base/encoding.h"
#include "base/environment.h"
#include "cli/commands.h"
#include "crypto/rsa.h"
#include "crypto/secret.h"

namespace entente::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view api_version = "api-version=2024-07-01";
constexpr std::string_view cose_headers = "content-type: application/cose\r\n";
constexpr milliseconds between_tries{100};
constexpr int most_redirections = 3;

std::string target_of(const std::string& path) {
  std::string out = "/gov" + path;
  out += path.find('?') == std::string::npos ? '?' : '&';
  return out.append(api_version);
}

std::string text_at(const json::value& object, std::string_view key) {
  const json::object* fields = object.if_object();
  const json::value* found = fields == nullptr ? nullptr : fields->if_contains(key);
  const auto* text = found == nullptr ? nullptr : found->if_string();
  return text == nullptr ? std::string() : std::string(*text);
}

/// Code and message of an error body, with the details of what was tried.
void read_refusal(GovAnswer& answer, const Answer& raw) {
  const json::object* body = answer.body.if_object();
  const json::value* error = body == nullptr ? nullptr : body->if_contains("error");
  if (error == nullptr || !error->is_object()) {
    answer.refusal = in_words(raw);
    return;
  }
  answer.code = text_at(*error, "code");
  answer.refusal = answer.code + ": " + text_at(*error, "message");
  const json::value* details = error->get_object().if_contains("details");
  if (details == nullptr || !details->is_array()) return;
  for (const json::value& one : details->get_array()) {
    const std::string message = text_at(one, "message");
    if (!message.empty()) answer.refusal += "\n  " + text_at(one, "auth_policy") + ": " + message;
  }
}

GovAnswer read_answer(const Answer& raw) {
  GovAnswer out;
  out.status = raw.status;
  out.transaction_id = header_of(raw, "x-ms-ccf-transaction-id");
  if (auto body = json::parse(raw.body)) out.body = std::move(*body);
  if (raw.status / 100 != 2) read_refusal(out, raw);
  return out;
}

/// Nobody leads just now, or too much is in flight: the request had no effect.
bool is_worth_another_try(const Answer& answer) {
  return answer.status == 503;
}

}  // namespace

GovClient::GovClient(TlsContext context, std::string address, int timeout_seconds)
    : context_(std::move(context)),
      connection_(context_, std::move(address), timeout_seconds),
      timeout_seconds_(timeout_seconds) {}

Result<Answer> GovClient::call_following_redirections(std::string_view method, std::string target,
                                                      std::string_view body,
                                                      std::string_view headers) {
  for (int redirections = 0;; ++redirections) {
    auto answer = connection_.call(method, target, body, headers);
    if (!answer || (answer->status != 307 && answer->status != 308)) return answer;
    const std::string location = header_of(*answer, "location");
    const auto next = address_in(location);
    const size_t path = location.find('/', location.find("//") + 2);
    if (!next || path == location.npos) return Error{address() + " redirects to nowhere"};
    if (redirections == most_redirections) return Error{address() + " redirects once too often"};
    target = location.substr(path);
    connection_ = ServiceClient(context_, *next, timeout_seconds_);
  }
}

Result<Answer> GovClient::call(std::string_view method, const std::string& target,
                               std::string_view body, std::string_view headers) {
  const auto end = steady_clock::now() + std::chrono::seconds(timeout_seconds_);
  for (;;) {
    auto answer = call_following_redirections(method, target, body, headers);
    if (!answer || !is_worth_another_try(*answer) || steady_clock::now() >= end) return answer;
    std::this_thread::sleep_for(between_tries);
  }
}

Result<GovAnswer> GovClient::get(const std::string& path) {
  const auto answer = call("GET", target_of(path), {}, {});
  if (!answer) return answer.error();
  return read_answer(*answer);
}

Result<json::value> GovClient::get_value(const std::string& path) {
  auto answer = get(path);
  if (!answer) return answer.error();
  if (!answer->accepted()) return Error{address() + "/gov" + path + ": " + answer->refusal};
  return std::move(answer->body);
}

Result<std::optional<std::string>> GovClient::get_text(const std::string& path) {
  auto answer = call("GET", target_of(path), {}, {});
  if (!answer) return answer.error();
  if (answer->status == 404) return std::optional<std::string>();
  if (answer->status != 200) return Error{address() + "/gov" + path + ": " + in_words(*answer)};
  return std::optional(std::move(answer->body));
}

Result<GovAnswer> GovClient::post(const std::string& path, BytesView message) {
  const auto answer = call("POST", target_of(path), as_text(message), cose_headers);
  if (!answer) return answer.error();
  return read_answer(*answer);
}

Result<GovAnswer> GovClient::post(const std::string& path, const MemberSigner& signer,
                                  std::string_view type, std::string_view payload,
                                  std::optional<std::string> proposal_id) {
  const auto now = static_cast<uint64_t>(system_clock().unix_time().count());
  const auto message =
      signer.sign({std::string(type), now, std::move(proposal_id)}, as_bytes(payload));
  if (!message) return message.error();
  return post(path, *message);
}

Result<void> GovClient::wait_for_commit(const std::string& transaction_id) {
  const std::string target = "/node/tx?transaction_id=" + transaction_id;
  const auto end = steady_clock::now() + std::chrono::seconds(timeout_seconds_);
  milliseconds pause{2};
  while (steady_clock::now() < end) {
    const auto document = connection_.get(target);
    if (!document) return document.error();
    const std::string status = text_at(document->body, "status");
    if (status == "Committed") return {};
    if (status == "Invalid") {
      return Error{"transaction " + transaction_id + " was lost in an election: do it once more"};
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, between_tries);
  }
  return Error{"transaction " + transaction_id + " is not committed after " +
               std::to_string(timeout_seconds_) + " seconds"};
}

// ---------------------------------------------------------------------------------------- messages

Result<GovAnswer> propose(GovClient& client, const MemberSigner& signer,
                          std::string_view proposal) {
  return client.post("/members/proposals:create", signer, gov::message_type::proposal, proposal);
}

Result<GovAnswer> submit_ballot(GovClient& client, const MemberSigner& signer,
                                const std::string& proposal_id, std::string_view ballot) {
  const std::string payload = json::dump(json::object{{"ballot", ballot}});
  return client.post("/members/proposals/" + proposal_id + "/ballots/" + signer.id() + ":submit",
                     signer, gov::message_type::ballot, payload, proposal_id);
}

Result<GovAnswer> withdraw(GovClient& client, const MemberSigner& signer,
                           const std::string& proposal_id) {
  return client.post("/members/proposals/" + proposal_id + ":withdraw", signer,
                     gov::message_type::withdrawal, {}, proposal_id);
}

Result<GovAnswer> acknowledge(GovClient& client, const MemberSigner& signer) {
  const std::string path = "/members/state-digests/" + signer.id();
  auto digest = client.post(path + ":update", signer, gov::message_type::state_digest, {});
  if (!digest || !digest->accepted()) return digest;
  const std::string payload =
      json::dump(json::object{{"stateDigest", text_at(digest->body, "stateDigest")}});
  return client.post(path + ":ack", signer, gov::message_type::ack, payload);
}

Result<GovAnswer> submit_share(GovClient& client, const MemberSigner& signer,
                               const std::string& private_encryption_key) {
  const auto key = crypto::RsaKeyPair::from_pem(private_encryption_key);
  if (!key) return key.error();
  const auto found = client.get("/recovery/encrypted-shares/" + signer.id());
  if (!found || !found->accepted()) return found;
  const auto encrypted = from_base64(text_at(found->body, "encryptedShare"));
  if (!encrypted) return Error{client.address() + ": the encrypted share is not base64"};
  auto share = key->decrypt_oaep_sha256(*encrypted);
  if (!share) return share.error().at("the share is not for this key");
  const crypto::WipeAtExit share_wiped(*share);
  std::string payload = json::dump(json::object{{"share", to_base64(*share)}});
  const crypto::WipeAtExit payload_wiped(payload);
  return client.post("/recovery/members/" + signer.id() + ":recover", signer,
                     gov::message_type::recovery_share, payload);
}

}  // namespace entente::cli
