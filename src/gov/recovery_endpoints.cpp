// /gov/recovery/*: members fetch their shares and hand them in.

#include "base/encoding.h"
#include "base/log.h"
#include "crypto/secret.h"
#include "gov/api_version.h"
#include "gov/ids.h"
#include "gov/service_endpoints.h"
#include "gov/submitted_shares.h"
#include "gov/tables.h"

namespace entente::gov {
namespace {

using http::Method;

/// A share has 44 bytes; more than this is not even kept.
constexpr size_t max_share_bytes = 4096;

[[noreturn]] void refuse(int status, std::string_view code, const std::string& message) {
  throw RpcException(status, code, message);
}
[[noreturn]] void internal_error(const std::string& message) {
  refuse(http::status::internal_server_error, errors::internal_error, message);
}
[[noreturn]] void invalid_input(const std::string& message) {
  refuse(http::status::bad_request, errors::invalid_input, message);
}

void get_encrypted_share(ReadOnlyEndpointContext& ctx) {
  const std::string id = id_parameter(ctx.call, "memberId");
  const auto row = ctx.tx.ro(tables::recovery_shares).get(tables::unit());
  if (!row) internal_error("No recovery shares were issued yet.");
  const auto shares = ledger::parse_recovery_shares(*row);
  if (!shares) tables::refuse(tables::recovery_shares, tables::unit(), shares.error().message);
  const auto share = shares->encrypted_shares.find(id);
  if (share == shares->encrypted_shares.end()) {
    refuse(http::status::not_found, errors::resource_not_found,
           "Recovery share not found for member " + member_name(id) + ".");
  }
  ctx.call.set_json(json::object{{"memberId", id}, {"encryptedShare", to_base64(share->second)}});
}

void check_stage(kv::ReadOnlyTx& tx, const Surroundings& surroundings) {
  const auto info = tables::get<ServiceInfo>(tx, tables::service_info, tables::unit());
  if (!info || info->status != ServiceStatus::waiting_for_recovery_shares) {
    refuse(http::status::forbidden, errors::service_not_waiting_for_recovery_shares,
           "Service is not waiting for recovery shares.");
  }
  if (surroundings.stage() == Stage::reading_private) {
    refuse(http::status::forbidden, errors::node_already_recovering,
           "Node is already recovering private ledger.");
  }
}

/// The bytes of `{"share": base64}`.
Bytes share_of(const json::value& payload) {
  const json::object* members = payload.if_object();
  const json::value* share = members == nullptr ? nullptr : members->if_contains("share");
  if (share == nullptr || !share->is_string()) {
    invalid_input("The payload must be an object with a text 'share'.");
  }
  auto bytes = from_base64(share->get_string());
  if (!bytes) internal_error("The share is not base64.");
  if (bytes->size() > max_share_bytes) invalid_input("The share is too long.");
  return std::move(*bytes);
}

Result<void> recover(kv::Tx& tx, const Surroundings& surroundings) {
  try {
    return start_private_recovery(tx, surroundings);
  } catch (const RpcException& refusal) {
    return Error{refusal.what()};
  }
}

void submit_share(EndpointContext& ctx, const Surroundings& surroundings) {
  check_stage(ctx.tx, surroundings);
  const std::string id = id_parameter(ctx.call, "memberId");
  const auto& signer = ctx.call.caller<MemberCoseSign1Identity>();
  const auto payload = json::parse(as_text(signer.content));
  if (!payload) invalid_input(payload.error().message);
  if (id != signer.signer_id) {
    refuse(http::status::bad_request, errors::invalid_authentication_info,
           "Member ID from path (" + member_name(id) + ") does not match the signer (" +
               member_name(signer.signer_id) + ").");
  }
  Bytes share = share_of(*payload);
  const crypto::WipeAtExit wipe(share);
  if (auto kept = keep_submitted_share(ctx.tx, surroundings, id, share); !kept) {
    internal_error("Error submitting recovery share: " + kept.error().message);
  }
  const size_t count = submitted_share_count(ctx.tx);
  const uint64_t threshold = service_config(ctx.tx).recovery_threshold;
  const bool full = is_full_share(share);
  std::string message = full ? std::string("Full recovery key successfully submitted")
                             : std::to_string(count) + "/" + std::to_string(threshold) +
                                   " recovery shares successfully submitted";
  if (full || count >= threshold) {
    if (auto started = recover(ctx.tx, surroundings); !started) {
      // Shares that do not fit together say nothing about which of them is wrong: all have to come
      // again. This is the one write of a request that failed.
      clear_submitted_shares(ctx.tx);
      ctx.call.set_error(http::status::internal_server_error, errors::internal_error,
                         "Failed to initiate private recovery: " + started.error().message);
      ctx.call.set_apply_writes(true);
      log::fail("gov", "Private recovery with {} shares failed: {}", count,
                started.error().message);
      return;
    }
    message += "\nEnd of recovery procedure initiated";
  }
  ctx.call.set_json(json::object{{"message", message},
                                 {"submittedCount", count},
                                 {"recoveryThreshold", threshold},
                                 {"fullKeySubmitted", full}});
}

}  // namespace

void install_recovery_endpoints(EndpointRegistry& registry, const Surroundings& surroundings) {
  registry
      .make_read_only_endpoint("/recovery/encrypted-shares/{memberId}", Method::get,
                               versioned(get_encrypted_share), auth::none)
      .set_openapi_hidden()
      .install();
  registry
      .make_endpoint(
          "/recovery/members/{memberId}:recover", Method::post,
          versioned([&surroundings](EndpointContext& ctx) { submit_share(ctx, surroundings); }),
          {auth::active_member_cose_sign1("recovery_share")})
      .set_openapi_hidden()
      .install();
}

}  // namespace entente::gov
