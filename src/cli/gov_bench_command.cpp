// `gov bench`: how many proposals a second a service decides: each is created, gets two ballots and
// adds a user. For a service whose constitution decides by majority of three members.

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>

#include "cli/commands.h"
#include "cli/gov_actions.h"
#include "cli/gov_ballot.h"
#include "cli/gov_commands.h"
#include "cli/gov_options.h"
#include "cli/sandbox_folder.h"
#include "crypto/x509_issue.h"

namespace entente::cli {
namespace {

struct BenchOptions {
  GovOptions gov;
  std::vector<std::string> certificates, keys;
  unsigned connections = 2;
  uint64_t count = 1000;
};

/// One member's connection.
class Voter {
 public:
  Voter(const GovOptions& options, const TlsContext& context, MemberSigner signer)
      : signer_(std::move(signer)), service_(context, options.address, options.timeout_seconds) {}

  const std::string& id() const { return signer_.id(); }

  /// The body of a 200.
  Result<json::value> post(const std::string& path, std::string_view type, std::string_view payload,
                           std::optional<std::string> proposal = std::nullopt) {
    gov::MessageHeader header;
    header.type = std::string(type);
    header.created_at = static_cast<uint64_t>(std::time(nullptr));
    header.proposal_id = std::move(proposal);
    const auto message = signer_.sign(header, as_bytes(payload));
    if (!message) return message.error();
    const auto answer = service_.call("POST", "/gov" + path + "?api-version=2024-07-01",
                                      as_text(*message), "content-type: application/cose\r\n");
    if (!answer) return answer.error();
    if (answer->status != 200) return Error{in_words(*answer)};
    return json::parse(answer->body);
  }

 private:
  MemberSigner signer_;
  ServiceClient service_;
};

std::string text_at(const json::value& body, std::string_view key) {
  return std::string(body.as_object().at(key).as_string());
}

Result<std::string> user_certificate() {
  const auto key = crypto::KeyPair::generate(crypto::Curve::p256);
  const auto now =
      std::chrono::duration_cast<UnixTime>(std::chrono::system_clock::now().time_since_epoch());
  const auto certificate = crypto::self_signed_ca(key, "CN=bench", {now, 1});
  if (!certificate) return certificate.error();
  return certificate->pem();
}

/// One proposal from creation to acceptance.
Result<void> decide(std::vector<Voter>& voters, const std::string& content) {
  auto created = voters[0].post("/members/proposals:create", "proposal", content);
  if (!created) return created.error().at("proposal");
  const std::string id = text_at(*created, "proposalId");
  std::string state = text_at(*created, "proposalState");
  for (size_t i = 0; i < 2 && state == "Open"; ++i) {
    const std::string ballot =
        json::dump(json::object{{"ballot", accepting_ballot(content, voters[0].id())}});
    const auto voted =
        voters[i].post("/members/proposals/" + id + "/ballots/" + voters[i].id() + ":submit",
                       "ballot", ballot, id);
    if (!voted) return voted.error().at("ballot");
    state = text_at(*voted, "proposalState");
  }
  if (state != "Accepted") return Error{"proposal " + id + " is " + state};
  return {};
}

int run_bench(BenchOptions& options) {
  if (auto client = client_of(options.gov); !client) {  // fills in what a sandbox's folder says
    return failed(client.error().message, exit_code::bad_option);
  }
  if (options.keys.empty() && options.certificates.empty() && !options.gov.sandbox.empty()) {
    for (unsigned i = 0; i < 2; ++i) {
      const IdentityFiles files = SandboxFolder(options.gov.sandbox).member(i);
      options.certificates.push_back(files.certificate);
      options.keys.push_back(files.private_key);
    }
  }
  if (options.certificates.size() != options.keys.size() || options.keys.size() < 2) {
    return failed("two members are needed, each with a certificate and a key",
                  exit_code::bad_option);
  }
  const auto context = TlsContext::make({options.gov.service_certificate, "", ""});
  if (!context) return failed(context.error().message);
  std::atomic<uint64_t> left{options.count}, decided{0}, failures{0};
  std::mutex mutex;
  std::string first_failure;  // guarded by mutex
  const auto fail = [&](const std::string& why) {
    const std::lock_guard lock(mutex);
    if (failures++ == 0) first_failure = why;
  };
  const auto work = [&] {
    std::vector<Voter> voters;
    for (size_t i = 0; i < 2; ++i) {
      auto signer = signer_with_key(options.certificates[i], options.keys[i]);
      if (!signer) return fail(signer.error().message);
      voters.emplace_back(options.gov, *context, std::move(*signer));
    }
    while (left.fetch_sub(1) - 1 < options.count) {
      const auto user = user_certificate();
      if (!user) return fail(user.error().message);
      const auto done = decide(
          voters,
          json::dump(json::object{
              {"actions", json::array{json::object{{"name", "set_user"},
                                                   {"args", json::object{{"cert", *user}}}}}}}));
      if (done) {
        ++decided;
      } else {
        fail(done.error().message);
      }
    }
  };
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < options.connections; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fmt::print("{} proposals decided in {:.2f} s: {:.0f}/s; {} failed{}\n", decided.load(),
             took.count(), static_cast<double>(decided) / took.count(), failures.load(),
             first_failure.empty() ? "" : ", the first: " + first_failure);
  return failures == 0 ? exit_code::success : exit_code::failure;
}

}  // namespace

void add_gov_bench(CLI::App& gov, Invocation& invocation) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App& bench = *gov.add_subcommand(
      "bench", "Proposals a second: each is created, gets two ballots and adds a user");
  add_service_options(bench, options->gov);
  bench.add_option("--member-cert", options->certificates,
                   "Of the members that vote; with --sandbox: its first two");
  bench.add_option("--member-key", options->keys, "Their keys, in the same order");
  bench
      .add_option("--connections", options->connections,
                  "Threads, each with one connection a member")
      ->check(CLI::Range(1, 64));
  bench.add_option("--count", options->count, "Proposals");
  bench.callback(
      [&invocation, options] { invocation.run = [options] { return run_bench(*options); }; });
}

}  // namespace entente::cli
