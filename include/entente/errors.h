#pragma once
// Error codes of the HTTP interface and the exception that answers a request with one of them.
// Body of every error: {"error":{"code","message"[,"details"]}}. Source: docs/http-api.md (errors).

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace entente {

namespace errors {
#define ENTENTE_ERROR_CODE(name, text) inline constexpr std::string_view name = #text
ENTENTE_ERROR_CODE(authorization_failed, AuthorizationFailed);
ENTENTE_ERROR_CODE(backup_not_found, BackupNotFound);
ENTENTE_ERROR_CODE(csr_public_key_invalid, CSRPublicKeyInvalid);
ENTENTE_ERROR_CODE(frontend_not_open, FrontendNotOpen);
ENTENTE_ERROR_CODE(internal_error, InternalError);
ENTENTE_ERROR_CODE(invalid_authentication_info, InvalidAuthenticationInfo);
ENTENTE_ERROR_CODE(invalid_created_at, InvalidCreatedAt);
ENTENTE_ERROR_CODE(invalid_header_value, InvalidHeaderValue);
ENTENTE_ERROR_CODE(invalid_input, InvalidInput);
ENTENTE_ERROR_CODE(invalid_node_state, InvalidNodeState);
ENTENTE_ERROR_CODE(invalid_query_parameter_value, InvalidQueryParameterValue);
ENTENTE_ERROR_CODE(invalid_quote, InvalidQuote);
ENTENTE_ERROR_CODE(invalid_resource_name, InvalidResourceName);
ENTENTE_ERROR_CODE(js_exception, JSException);
ENTENTE_ERROR_CODE(missing_api_version_parameter, MissingApiVersionParameter);
ENTENTE_ERROR_CODE(missing_required_header, MissingRequiredHeader);
ENTENTE_ERROR_CODE(node_already_exists, NodeAlreadyExists);
ENTENTE_ERROR_CODE(node_already_recovering, NodeAlreadyRecovering);
ENTENTE_ERROR_CODE(node_cannot_handle_request, NodeCannotHandleRequest);
ENTENTE_ERROR_CODE(node_not_retired_committed, NodeNotRetiredCommitted);
ENTENTE_ERROR_CODE(not_implemented, NotImplemented);
ENTENTE_ERROR_CODE(precondition_failed, PreconditionFailed);
ENTENTE_ERROR_CODE(primary_not_found, PrimaryNotFound);
ENTENTE_ERROR_CODE(proposal_created_too_long_ago, ProposalCreatedTooLongAgo);
ENTENTE_ERROR_CODE(proposal_failed_to_validate, ProposalFailedToValidate);
ENTENTE_ERROR_CODE(proposal_not_found, ProposalNotFound);
ENTENTE_ERROR_CODE(proposal_not_open, ProposalNotOpen);
ENTENTE_ERROR_CODE(proposal_replay, ProposalReplay);
ENTENTE_ERROR_CODE(request_already_forwarded, RequestAlreadyForwarded);
ENTENTE_ERROR_CODE(request_body_too_large, RequestBodyTooLarge);
ENTENTE_ERROR_CODE(request_header_too_large, RequestHeaderTooLarge);
ENTENTE_ERROR_CODE(resource_not_found, ResourceNotFound);
ENTENTE_ERROR_CODE(service_not_waiting_for_recovery_shares, ServiceNotWaitingForRecoveryShares);
ENTENTE_ERROR_CODE(session_cap_exhausted, SessionCapExhausted);
ENTENTE_ERROR_CODE(session_consistency_lost, SessionConsistencyLost);
ENTENTE_ERROR_CODE(startup_seqno_is_old, StartupSeqnoIsOld);
ENTENTE_ERROR_CODE(state_digest_mismatch, StateDigestMismatch);
ENTENTE_ERROR_CODE(too_many_pending_transactions, TooManyPendingTransactions);
ENTENTE_ERROR_CODE(transaction_commit_attempts_exceed_limit, TransactionCommitAttemptsExceedLimit);
ENTENTE_ERROR_CODE(transaction_invalid, TransactionInvalid);
ENTENTE_ERROR_CODE(transaction_pending_or_unknown, TransactionPendingOrUnknown);
ENTENTE_ERROR_CODE(transaction_replication_failed, TransactionReplicationFailed);
ENTENTE_ERROR_CODE(unsupported_api_version_value, UnsupportedApiVersionValue);
ENTENTE_ERROR_CODE(unsupported_content_type, UnsupportedContentType);
ENTENTE_ERROR_CODE(unsupported_http_verb, UnsupportedHttpVerb);
ENTENTE_ERROR_CODE(vote_already_exists, VoteAlreadyExists);
ENTENTE_ERROR_CODE(vote_not_found, VoteNotFound);
#undef ENTENTE_ERROR_CODE
}  // namespace errors

/// Thrown by a handler: the request is answered with this status and error, nothing is written.
class RpcException : public std::runtime_error {
 public:
  RpcException(int status, std::string_view code, const std::string& message)
      : std::runtime_error(message), status_(status), code_(code) {}
  int status() const { return status_; }
  const std::string& code() const { return code_; }

 private:
  int status_;
  std::string code_;
};

/// Thrown when a JSON document is malformed or does not fit the type that it is read into:
/// 400 InvalidInput with this text.
class JsonException : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace entente
