#pragma once
// Asking one node of a service, over a connection that is kept between questions. Blocking; not
// thread-safe.

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "cli/tls_client.h"

namespace entente::cli {

/// What a GET answered with status 200.
struct Document {
  json::value body;
  std::string transaction_id;  ///< empty if the answer carries none
};

class ServiceClient {
 public:
  /// `address` is host:port. Nothing is connected yet.
  ServiceClient(TlsContext context, std::string address, int timeout_seconds);

  const std::string& address() const { return address_; }
  /// Connects when needed; once more when a connection that was kept turns out to have ended or to
  /// belong to an overtaken branch of the ledger, so that only requests that may arrive twice are
  /// to be sent. An answer of any status. `headers`: further whole lines.
  Result<Answer> call(std::string_view method, std::string_view target, std::string_view body = {},
                      std::string_view headers = {});
  /// An error for every status but 200, and for a body that is not JSON.
  Result<Document> get(std::string_view target);

 private:
  Result<Answer> try_once(std::string_view request);

  TlsContext context_;
  std::string address_;
  int timeout_seconds_;
  std::optional<TlsClient> connection_;
};

/// One request that goes where redirections (307, 308) send it, over a few of them at most.
Result<Answer> call_following(const TlsContext& context, std::string address,
                              std::string_view method, std::string_view target,
                              int timeout_seconds);

/// Value of a header of an answer; the name in lower case. Empty if it is not there.
std::string header_of(const Answer& answer, std::string_view name);

/// host:port of an https URL; nothing for what is none.
std::optional<std::string> address_in(std::string_view url);

/// Status and the beginning of the body, for error messages.
std::string in_words(const Answer& answer);

}  // namespace entente::cli
