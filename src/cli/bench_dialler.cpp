#include "cli/bench_dialler.h"

#include <algorithm>
#include <utility>

#include "cli/service_client.h"

namespace entente::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int patience_of_one = 2;  // seconds: a node that is paused accepts and says nothing
constexpr std::chrono::milliseconds between_rounds{10};
constexpr int permanent_redirect = 308, temporary_redirect = 307, first_failure = 500;
constexpr int most_hops = 2;

}  // namespace

BenchDialler::BenchDialler(TlsContext context, std::vector<std::string> addresses,
                           std::chrono::nanoseconds patience)
    : context_(std::move(context)), addresses_(std::move(addresses)), patience_(patience) {}

BenchDialler::~BenchDialler() {
  ending_ = true;
  {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Result<TlsClient> BenchDialler::connect() {
  if (addresses_.size() == 1) return TlsClient::connect(context_, addresses_.front());
  return find_primary();
}

void BenchDialler::dial(Arrival arrival) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(arrival));
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  }
  wake_.notify_one();
}

/// The address comes first from now on.
void BenchDialler::remember(const std::string& address) {
  auto known = std::find(addresses_.begin(), addresses_.end(), address);
  if (known == addresses_.end()) known = addresses_.insert(addresses_.end(), address);
  std::rotate(addresses_.begin(), known, known + 1);
}

Result<TlsClient> BenchDialler::try_address(std::string address) {
  for (int hop = 0; hop < most_hops; ++hop) {
    auto client = TlsClient::connect(context_, address, patience_of_one);
    if (!client) return client;
    const auto answer = client->exchange(request_text("HEAD", "/node/primary", ""));
    if (!answer) return answer.error().at(address);
    if (answer->status >= first_failure) return Error{address + " knows no primary"};
    if (answer->status != permanent_redirect && answer->status != temporary_redirect) {
      remember(address);  // it is primary, or a server without this question
      return client;
    }
    auto next = address_in(header_of(*answer, "location"));
    if (!next) return Error{address + " redirects to nowhere"};
    address = std::move(*next);
  }
  return Error{"the nodes do not agree on who is primary"};
}

/// One round over all addresses.
Result<TlsClient> BenchDialler::find_primary() {
  Result<TlsClient> last = Error{"no address"};
  for (const std::string& address : std::vector(addresses_)) {
    last = try_address(address);
    if (last || ending_) return last;
  }
  return last;
}

void BenchDialler::run() {
  while (true) {
    std::vector<Arrival> waiting;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
      if (ending_) return;
      waiting.swap(waiting_);
    }
    serve(std::move(waiting));
  }
}

void BenchDialler::serve(std::vector<Arrival> waiting) {
  const auto give_up = Clock::now() + patience_;
  while (!ending_) {
    // Also before the first round: a connection that came back at once may do so again.
    std::this_thread::sleep_for(between_rounds);
    auto client = find_primary();
    while (client && !waiting.empty()) {
      waiting.back()(std::move(client));
      waiting.pop_back();
      if (!waiting.empty()) {
        client = TlsClient::connect(context_, addresses_.front(), patience_of_one);
      }
    }
    if (waiting.empty()) return;
    if (Clock::now() < give_up) continue;
    for (const Arrival& arrival : waiting) {
      arrival(
          Error{"no node took requests any more; the last try said: " + client.error().message});
    }
    return;
  }
}

}  // namespace entente::cli
