#include "gov/api_version.h"
#include "gov/ids.h"
#include "gov/member_endpoints.h"
#include "gov/proposals.h"

namespace entente::gov {
namespace {

using http::Method;

const MemberCoseSign1Identity& message_of(const Call& call) {
  return call.caller<MemberCoseSign1Identity>();
}

[[noreturn]] void refuse_name(const std::string& message) {
  throw RpcException(http::status::bad_request, errors::invalid_resource_name, message);
}

/// The proposal in the path, which the signed message must name too.
std::string signed_proposal_id(const Call& call) {
  std::string id = id_parameter(call, "proposalId");
  const auto& named = message_of(call).proposal_id;
  if (!named) {
    refuse_name("The signed message does not name a proposal: missing ccf.gov.msg.proposal_id.");
  }
  if (*named != id) {
    refuse_name("The signed message is about proposal " + *named + ", the path about " + id + ".");
  }
  return id;
}

/// What a call asks of the node once its transaction has committed.
void carry_out_after_commit(CommandEndpointContext& ctx, const TxId& id,
                            const Surroundings& surroundings) {
  ctx.call.set_header(http::header::transaction_id, id.text());
  if (const auto requests = ctx.call.user_data<Requests>()) carry_out(*requests, surroundings);
}

/// An endpoint that may decide a proposal.
void install_deciding(EndpointRegistry& registry, const std::string& path, std::string_view type,
                      const Surroundings& surroundings, Scripts& scripts,
                      Proposal (*decide)(Deliberation&, const Call&)) {
  registry
      .make_endpoint(path, Method::post,
                     versioned([&surroundings, &scripts, decide](EndpointContext& ctx) {
                       const auto requests = std::make_shared<Requests>();
                       Deliberation at{ctx.tx, scripts, surroundings, *requests};
                       ctx.call.set_json(to_json(decide(at, ctx.call)));
                       ctx.call.set_user_data(requests);
                     }),
                     {auth::active_member_cose_sign1(std::string(type))})
      .set_locally_committed_function([&surroundings](CommandEndpointContext& ctx, const TxId& id) {
        carry_out_after_commit(ctx, id, surroundings);
      })
      .set_openapi_hidden()
      .install();
}

Proposal create(Deliberation& at, const Call& call) {
  return create_proposal(at, message_of(call));
}

Proposal submit(Deliberation& at, const Call& call) {
  const std::string proposal_id = signed_proposal_id(call);
  const std::string member_id = id_parameter(call, "memberId");
  if (const std::string& signer = message_of(call).signer_id; member_id != signer) {
    refuse_name("Ballot of " + member_name(member_id) + " is signed by " + member_name(signer) +
                ".");
  }
  return submit_ballot(at, proposal_id, message_of(call));
}

void withdraw(EndpointContext& ctx) {
  const std::string id = signed_proposal_id(ctx.call);
  const auto proposal = withdraw_proposal(ctx.tx, id, message_of(ctx.call));
  if (proposal) {
    ctx.call.set_json(to_json(*proposal));
  } else {
    ctx.call.set_status(http::status::no_content);
  }
}

void list(ReadOnlyEndpointContext& ctx) {
  json::array proposals;
  for (const Proposal& proposal : list_proposals(ctx.tx)) proposals.push_back(to_json(proposal));
  ctx.call.set_json(json::object{{"value", std::move(proposals)}});
}

void get(ReadOnlyEndpointContext& ctx) {
  ctx.call.set_json(to_json(get_proposal(ctx.tx, id_parameter(ctx.call, "proposalId"))));
}

/// The bytes as they were signed, whatever they are: no content type.
void actions(ReadOnlyEndpointContext& ctx) {
  ctx.call.response().body = get_actions(ctx.tx, id_parameter(ctx.call, "proposalId"));
}

void ballot(ReadOnlyEndpointContext& ctx) {
  const std::string proposal_id = id_parameter(ctx.call, "proposalId");
  const std::string member_id = id_parameter(ctx.call, "memberId");
  const ProposalInfo info = get_proposal(ctx.tx, proposal_id).info;
  const auto found = info.ballots.find(member_id);
  if (found == info.ballots.end()) {
    throw RpcException(
        http::status::not_found, errors::vote_not_found,
        "Member " + member_name(member_id) + " has not voted on proposal " + proposal_id + ".");
  }
  ctx.call.set_body(found->second, http::content_type::javascript);
}

void install_reading(EndpointRegistry& registry, const std::string& path,
                     void (*handler)(ReadOnlyEndpointContext&)) {
  registry.make_read_only_endpoint(path, Method::get, versioned(handler), auth::none)
      .set_openapi_hidden()
      .install();
}

}  // namespace

void install_proposal_endpoints(EndpointRegistry& registry, const Surroundings& surroundings,
                                Scripts& scripts) {
  const std::string proposals = "/members/proposals", one = proposals + "/{proposalId}",
                    ballots = one + "/ballots/{memberId}";
  install_deciding(registry, proposals + ":create", "proposal", surroundings, scripts, create);
  install_deciding(registry, ballots + ":submit", "ballot", surroundings, scripts, submit);
  registry
      .make_endpoint(one + ":withdraw", Method::post, versioned(withdraw),
                     {auth::active_member_cose_sign1("withdrawal")})
      .set_openapi_hidden()
      .install();
  install_reading(registry, proposals, list);
  install_reading(registry, one, get);
  install_reading(registry, one + "/actions", actions);
  install_reading(registry, ballots, ballot);
}

}  // namespace entente::gov
