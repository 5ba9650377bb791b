#include "cli/service_client.h"

#include <algorithm>
#include <utility>

namespace entente::cli {
namespace {

constexpr int most_redirections = 3;

bool same_letters(char a, char b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return lower(a) == lower(b);
}

/// After an election a connection may have been told of transactions that are no more: it gets this
/// answer and has to be made again (docs/http-api.md, session consistency). Nothing was executed.
bool belongs_to_another_branch(const Answer& answer) {
  return answer.status == 500 && answer.body.find("SessionConsistencyLost") != std::string::npos;
}

struct Place {
  std::string address;
  std::string target;
};

/// `https://host:port/target`.
std::optional<Place> place_of(std::string_view location) {
  constexpr std::string_view scheme = "https://";
  if (!location.starts_with(scheme)) return std::nullopt;
  location.remove_prefix(scheme.size());
  const size_t slash = location.find('/');
  if (slash == 0 || slash == location.npos) return std::nullopt;
  return Place{std::string(location.substr(0, slash)), std::string(location.substr(slash))};
}

}  // namespace

std::string header_of(const Answer& answer, std::string_view name) {
  std::string_view lines = answer.header;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find("\r\n"), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 2, lines.size()));
    const size_t colon = line.find(':');
    if (colon != name.size() || !std::equal(name.begin(), name.end(), line.begin(), same_letters)) {
      continue;
    }
    const size_t begin = line.find_first_not_of(" \t", colon + 1);
    if (begin == line.npos) return "";
    return std::string(line.substr(begin, line.find_last_not_of(" \t") - begin + 1));
  }
  return "";
}

std::optional<std::string> address_in(std::string_view url) {
  auto place = place_of(url);
  if (!place) return std::nullopt;
  return std::move(place->address);
}

std::string in_words(const Answer& answer) {
  constexpr size_t most_shown = 200;
  std::string out = "status " + std::to_string(answer.status);
  if (!answer.body.empty()) out += ": " + answer.body.substr(0, most_shown);
  return out;
}

ServiceClient::ServiceClient(TlsContext context, std::string address, int timeout_seconds)
    : context_(std::move(context)),
      address_(std::move(address)),
      timeout_seconds_(timeout_seconds) {}

Result<Answer> ServiceClient::try_once(std::string_view request) {
  if (!connection_) {
    auto connected = TlsClient::connect(context_, address_, timeout_seconds_);
    if (!connected) return connected.error();
    connection_.emplace(std::move(*connected));
  }
  auto answer = connection_->exchange(request);
  if (!answer || header_of(*answer, "connection") == "close") connection_.reset();
  if (!answer) return answer.error().at(address_);
  return answer;
}

Result<Answer> ServiceClient::call(std::string_view method, std::string_view target,
                                   std::string_view body, std::string_view headers) {
  const std::string request = request_text(method, target, body, headers);
  const bool kept = connection_.has_value();
  auto answer = try_once(request);
  if (!kept || (answer && !belongs_to_another_branch(*answer))) return answer;
  connection_.reset();
  return try_once(request);
}

Result<Document> ServiceClient::get(std::string_view target) {
  const auto answer = call("GET", target);
  if (!answer) return answer.error();
  const std::string place = address_ + std::string(target);
  if (answer->status != 200) return Error{place + " answered with " + in_words(*answer)};
  auto body = json::parse(answer->body);
  if (!body) return body.error().at(place);
  return Document{std::move(*body), header_of(*answer, "x-ms-ccf-transaction-id")};
}

Result<Answer> call_following(const TlsContext& context, std::string address,
                              std::string_view method, std::string_view target,
                              int timeout_seconds) {
  Place place{std::move(address), std::string(target)};
  for (int redirections = 0;; ++redirections) {
    auto answer = ServiceClient(context, place.address, timeout_seconds).call(method, place.target);
    if (!answer || (answer->status != 307 && answer->status != 308)) return answer;
    auto next = place_of(header_of(*answer, "location"));
    if (!next) return Error{place.address + " redirects to nowhere"};
    if (redirections == most_redirections)
      return Error{place.address + " redirects once too often"};
    place = std::move(*next);
  }
}

}  // namespace entente::cli
