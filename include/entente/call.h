#pragma once
// One request being answered: what came in, what goes out, who asks. Lives until the answer has
// left the handler; used by one thread. A handler may run several times for one request (its
// transaction conflicted): everything set here is reset before each run.

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "entente/auth.h"
#include "entente/errors.h"
#include "entente/headers.h"
#include "entente/http.h"
#include "entente/json.h"
#include "entente/query.h"
#include "entente/types.h"

namespace entente {

class Clock;
struct Endpoint;
namespace rpc {
struct Session;
class Execution;
}  // namespace rpc

class Call {
 public:
  static constexpr size_t max_path_parameters = 8;

  Call(const http::Request& request, std::string_view actor_path, rpc::Session& session,
       const Clock& clock, http::Response& response)
      : request_(&request),
        actor_path_(actor_path),
        session_(&session),
        clock_(&clock),
        response_(&response) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // -- what came in; views live until the handler returns ----------------------------------------
  const http::Request& request() const { return *request_; }
  http::Method method() const { return request_->method; }
  std::string_view path() const { return request_->path; }       ///< as received, not decoded
  std::string_view actor_path() const { return actor_path_; }    ///< the same without `/app` …
  BytesView body() const { return request_->body; }
  std::optional<std::string_view> header(std::string_view lower_case_name) const {
    return request_->header(lower_case_name);
  }
  /// Parsed anew on every call.
  http::QueryParameters query() const { return http::QueryParameters::parse(request_->query); }
  /// The whole query, percent-decoded.
  std::string decoded_query() const { return http::decode_query(request_->query); }
  /// Text that matched `{name}`, not decoded. The endpoint's template must have it: otherwise
  /// std::logic_error.
  std::string_view path_parameter(std::string_view name) const;
  std::string decoded_path_parameter(std::string_view name) const {
    return http::percent_decode(path_parameter(name));
  }
  /// Only inside handlers.
  const Endpoint& endpoint() const { return *endpoint_; }

  // -- who asks ----------------------------------------------------------------------------------
  const std::shared_ptr<const Identity>& caller() const { return caller_; }
  /// Null if the caller is of another type or there is none.
  template <typename T>
  const T* try_caller() const {
    return dynamic_cast<const T*>(caller_.get());
  }
  /// Throws std::logic_error instead.
  template <typename T>
  const T& caller() const {
    const T* typed = try_caller<T>();
    if (typed == nullptr) throw std::logic_error("Caller is not of the expected type");
    return *typed;
  }
  rpc::Session& session() const { return *session_; }
  const Clock& clock() const { return *clock_; }

  // -- what goes out -----------------------------------------------------------------------------
  http::Response& response() { return *response_; }
  const http::Response& response() const { return *response_; }
  void set_status(int status) { response_->status = status; }
  void set_header(std::string_view name, std::string_view value) {
    response_->set_header(name, value);
  }
  /// Status is left as it is (200 unless set).
  void set_body(std::string_view text, std::string_view content_type = http::content_type::text) {
    response_->set_body(text, content_type);
  }
  void set_body(Bytes bytes, std::string_view content_type = http::content_type::octet_stream) {
    response_->set_body(std::move(bytes), content_type);
  }
  void set_json(const json::value& document);
  /// Status and the standard error body; `details` is left out when empty.
  void set_error(int status, std::string_view code, std::string_view message,
                 const json::array& details = {});

  /// Commit the writes (default: exactly if the status is 2xx).
  void set_apply_writes(bool apply) { apply_writes_ = apply; }
  bool apply_writes() const {
    return apply_writes_.value_or(response_->status >= 200 && response_->status < 300);
  }
  /// Binds application claims to the ledger entry; receipts cover them.
  void set_claims_digest(const Digest& digest) { claims_digest_ = digest; }
  const std::optional<Digest>& claims_digest() const { return claims_digest_; }

  /// Something carried from the handler to the function that runs after the local commit.
  void set_user_data(std::shared_ptr<void> data) { user_data_ = std::move(data); }
  template <typename T>
  std::shared_ptr<T> user_data() const {
    return std::static_pointer_cast<T>(user_data_);
  }

 private:
  friend class rpc::Execution;
  void reset();  ///< before another attempt

  const http::Request* request_;
  std::string_view actor_path_;
  rpc::Session* session_;
  const Clock* clock_;
  http::Response* response_;
  const Endpoint* endpoint_ = nullptr;
  std::array<std::string_view, max_path_parameters> path_parameters_{};
  std::shared_ptr<const Identity> caller_;
  std::optional<bool> apply_writes_;
  std::optional<Digest> claims_digest_;
  std::shared_ptr<void> user_data_;
};

/// Writes status and the standard error body into any response.
void set_error(http::Response& response, int status, std::string_view code,
               std::string_view message, const json::array& details = {});

}  // namespace entente
