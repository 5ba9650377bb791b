#include <fmt/format.h>

#include "base/encoding.h"
#include "gov/api_version.h"
#include "gov/ids.h"
#include "gov/member_endpoints.h"
#include "gov/recovery_shares.h"
#include "gov/tables.h"

namespace entente::gov {
namespace {

using http::Method;

[[noreturn]] void refuse(int status, std::string_view code, const std::string& message) {
  throw RpcException(status, code, message);
}

const MemberCoseSign1Identity& message_of(const Call& call) {
  return call.caller<MemberCoseSign1Identity>();
}

/// The member in the path, who must be the signer. That it has the form of an id is not asked.
std::string signing_member(const Call& call) {
  std::string member(call.path_parameter("memberId"));
  if (const std::string& signer = message_of(call).signer_id; member != signer) {
    refuse(http::status::bad_request, errors::invalid_authentication_info,
           fmt::format("The path is about member {}, but the message is signed by {}.",
                       member_name(member), member_name(signer)));
  }
  return member;
}

std::optional<MemberAck> stored_ack(kv::ReadOnlyTx& tx, std::string_view member) {
  return tables::get<MemberAck>(tx, tables::members_acks, member);
}

void answer(Call& call, const std::string& member, const std::string& digest) {
  call.set_json(json::object{{"memberId", member}, {"stateDigest", digest}});
}

void get(ReadOnlyEndpointContext& ctx) {
  const std::string member(ctx.call.path_parameter("memberId"));
  const auto ack = stored_ack(ctx.tx, member);
  if (!ack) {
    refuse(http::status::not_found, errors::resource_not_found,
           "No acknowledgement is expected of member " + member_name(member) + ".");
  }
  answer(ctx.call, member, ack->state_digest);
}

void update(EndpointContext& ctx) {
  const std::string member = signing_member(ctx.call);
  const auto root = latest_signed_root(ctx.tx);
  if (!root) {
    refuse(http::status::internal_server_error, errors::internal_error,
           "The service has not signed its state yet.");
  }
  MemberAck ack = stored_ack(ctx.tx, member).value_or(MemberAck{});
  ack.state_digest = *root;
  tables::put_keeping(ctx.tx, tables::members_acks, std::string_view(member), ack);
  answer(ctx.call, member, ack.state_digest);
}

std::string acknowledged_digest(BytesView payload) {
  const auto document = json::parse(as_text(payload));
  if (!document) {
    refuse(http::status::bad_request, errors::invalid_input,
           "The payload is not JSON: " + document.error().message);
  }
  const json::object* members = document->if_object();
  const json::value* digest = members == nullptr ? nullptr : members->if_contains("stateDigest");
  if (digest == nullptr || !digest->is_string()) {
    refuse(http::status::bad_request, errors::invalid_input,
           "The payload has no text 'stateDigest'.");
  }
  return std::string(digest->get_string());
}

/// A member that acknowledged takes part from now on; of its key shares too.
void activate(kv::Tx& tx, const Surroundings& surroundings, const std::string& member) {
  const auto failed = [&](std::string_view why) {
    refuse(http::status::internal_server_error, errors::internal_error,
           fmt::format("Error activating member {}: {}", member_name(member), why));
  };
  auto info = tables::get<MemberInfo>(tx, tables::members_info, std::string_view(member));
  if (!info) failed("it is not in the table of members.");
  if (info->status == MemberStatus::active) return;
  info->status = MemberStatus::active;
  tables::put_keeping(tx, tables::members_info, std::string_view(member), *info);
  if (const auto shares = refresh_for_new_member(tx, surroundings, member); !shares) {
    failed("no recovery shares could be issued: " + shares.error().message);
  }
}

void acknowledge(EndpointContext& ctx, const Surroundings& surroundings) {
  const std::string member = signing_member(ctx.call);
  auto ack = stored_ack(ctx.tx, member);
  if (!ack) {
    refuse(http::status::forbidden, errors::authorization_failed,
           "No acknowledgement is expected of member " + member_name(member) + ".");
  }
  const MemberCoseSign1Identity& message = message_of(ctx.call);
  if (const std::string digest = acknowledged_digest(message.content);
      digest != ack->state_digest) {
    refuse(http::status::bad_request, errors::state_digest_mismatch,
           fmt::format("The digest {} is not the one that member {} was asked to acknowledge: {}.",
                       digest, member_name(member), ack->state_digest));
  }
  ack->cose_sign1_req = to_base64(message.envelope);
  tables::put_keeping(ctx.tx, tables::members_acks, std::string_view(member), *ack);
  activate(ctx.tx, surroundings, member);
  ctx.call.set_status(http::status::no_content);
}

}  // namespace

void install_state_digest_endpoints(EndpointRegistry& registry, const Surroundings& surroundings) {
  const std::string digest = "/members/state-digests/{memberId}";
  registry.make_read_only_endpoint(digest, Method::get, versioned(get), auth::none)
      .set_openapi_hidden()
      .install();
  registry
      .make_endpoint(digest + ":update", Method::post, versioned(update),
                     {auth::member_cose_sign1("state_digest")})
      .set_openapi_hidden()
      .install();
  registry
      .make_endpoint(
          digest + ":ack", Method::post,
          versioned([&surroundings](EndpointContext& ctx) { acknowledge(ctx, surroundings); }),
          {auth::member_cose_sign1("ack")})
      .set_openapi_hidden()
      .install();
}

}  // namespace entente::gov
