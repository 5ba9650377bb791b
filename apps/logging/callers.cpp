// Who may write and who is asking: anonymous and restricted writers, every identity described, and
// a policy of the application's own.

#include <charconv>

#include "entente/digest.h"
#include "logging.h"
#include "types.h"

namespace logging {

namespace {

using namespace entente;

const kv::ServiceMap<std::string, json::value> users_info("public:ccf.gov.users.info");
const kv::ServiceMap<std::string, json::value> members_info("public:ccf.gov.members.info");

/// What the service keeps about a caller; null if nothing.
template <typename Tx>
json::value data_of(Tx& tx, const kv::ServiceMap<std::string, json::value>& table,
                    const std::string& id, std::string_view field) {
  const auto info = tx.ro(table).get(id);
  if (!info || !info->is_object()) return nullptr;
  const json::value* data = info->get_object().if_contains(field);
  return data == nullptr ? json::value(nullptr) : *data;
}

JsonAnswer put(EndpointContext& ctx, const Record& record, std::string_view prefix) {
  if (record.msg.empty()) {
    return make_error(http::status::bad_request, errors::invalid_input,
                      "Cannot record an empty log message.");
  }
  ctx.tx.wo(table(private_table, ctx.call.query()))
      .put(record.id, std::string(prefix) + record.msg);
  return make_success(true);
}

constexpr std::string_view anonymous = "Anonymous: ";

JsonAnswer put_anonymous(EndpointContext& ctx, Record&& record) {
  return put(ctx, record, anonymous);
}

JsonAnswer put_anonymous_v2(EndpointContext& ctx, Record&& record) {
  JsonAnswer answer = put(ctx, record, anonymous);
  const bool fail = optional<bool>(ctx.call.query(), "fail", false);
  if (!fail) ctx.call.set_user_data(std::make_shared<Stored>(Stored{true, {}}));
  return answer;
}

/// The id is known only now, so the answer is made here.
void answer_with_id(CommandEndpointContext& ctx, const TxId& id) {
  const auto stored = ctx.call.user_data<Stored>();
  if (!stored) throw std::runtime_error("didn't set user_data!");
  stored->tx_id = id.text();
  ctx.call.set_header(http::header::transaction_id, stored->tx_id);
  ctx.call.set_json(json::from(*stored));
}

JsonAnswer put_with_prefix(EndpointContext& ctx, Record&& record) {
  return put(ctx, record, ctx.call.caller<UserCertIdentity>().user_id + ": ");
}

JsonAnswer put_as_admin(EndpointContext& ctx, Record&& record) {
  const auto data =
      data_of(ctx.tx, users_info, ctx.call.caller<UserCertIdentity>().user_id, "user_data");
  const json::value* admin = data.is_object() ? data.get_object().if_contains("isAdmin") : nullptr;
  if (admin == nullptr || !admin->is_bool() || !admin->get_bool()) {
    return make_error(http::status::forbidden, errors::authorization_failed,
                      "Only admins may access this endpoint.");
  }
  return put(ctx, record, "");
}

// -------------------------------------------------------------------------------- descriptions

std::string describe(EndpointContext& ctx, const Identity& identity);

std::string describe_certificate(const Bytes& der) {
  return "\nThe caller's cert is:\n" + to_base64(der);
}

std::string describe_user(EndpointContext& ctx, const std::string& id) {
  return "\nThe caller is a user with ID: " + id +
         "\nThe caller's user data is: " + json::dump(data_of(ctx.tx, users_info, id, "user_data"));
}

std::string describe_all(EndpointContext& ctx, const AllOfIdentity& all) {
  std::string text = "Conjoined auth policy: " + all.policy;
  for (const auto& [name, identity] : all.identities) text += "\n" + describe(ctx, *identity);
  return text;
}

std::string describe(EndpointContext& ctx, const Identity& identity) {
  const auto* const any = &identity;
  if (const auto* all = dynamic_cast<const AllOfIdentity*>(any)) return describe_all(ctx, *all);
  if (const auto* user = dynamic_cast<const UserCertIdentity*>(any)) {
    return "User TLS cert" + describe_user(ctx, user->user_id) +
           describe_certificate(user->certificate_der);
  }
  if (const auto* member = dynamic_cast<const MemberCertIdentity*>(any)) {
    return "Member TLS cert\nThe caller is a member with ID: " + member->member_id +
           "\nThe caller's member data is: " +
           json::dump(data_of(ctx.tx, members_info, member->member_id, "member_data")) +
           describe_certificate(member->certificate_der);
  }
  if (const auto* cert = dynamic_cast<const AnyCertIdentity*>(any)) {
    return "Any TLS cert" + describe_certificate(cert->certificate_der);
  }
  if (const auto* jwt = dynamic_cast<const JwtIdentity*>(any)) {
    return "JWT\nThe caller is identified by a JWT issued by: " + jwt->key_issuer +
           "\nThe JWT header is:\n" + json::dump(jwt->header) + "\nThe JWT payload is:\n" +
           json::dump(jwt->payload);
  }
  if (const auto* cose = dynamic_cast<const UserCoseSign1Identity*>(any)) {
    return "User COSE Sign1" + describe_user(ctx, cose->signer_id) + "\nThe caller's cert is:\n" +
           cose->certificate_pem + "\nThe signed content is: " + entente::to_text(cose->content);
  }
  return "Unauthenticated";
}

void multi_auth(EndpointContext& ctx) {
  ctx.call.set_status(http::status::ok);
  ctx.call.set_body(describe(ctx, *ctx.call.caller()));
}

// ------------------------------------------------------------------------------- custom policy

struct NamedIdentity : Identity {
  std::string name;
  uint64_t age = 0;
};

/// Believes whatever name and age the headers say, as long as the age is at least 16.
class NameAndAgePolicy : public AuthPolicy {
 public:
  std::shared_ptr<const Identity> authenticate(kv::ReadOnlyTx&, Call& call,
                                               std::string& reason) const override {
    if (call.header("x-custom-auth-explode")) {
      throw std::logic_error("The request asked for an explosion");
    }
    auto identity = std::make_shared<NamedIdentity>();
    identity->name = call.header("x-custom-auth-name").value_or("");
    if (identity->name.empty()) return refuse(reason, "Missing or empty header x-custom-auth-name");
    const auto age = call.header("x-custom-auth-age");
    if (!age) return refuse(reason, "Missing header x-custom-auth-age");
    const char* const end = age->data() + age->size();
    const auto [stop, code] = std::from_chars(age->data(), end, identity->age);
    if (code != std::errc() || stop != end) {
      return refuse(reason, "Header x-custom-auth-age is not a number");
    }
    if (identity->age < minimum_age) return refuse(reason, "Caller age must be at least 16");
    return identity;
  }
  std::string_view name() const override { return "name_and_age"; }

 private:
  static constexpr uint64_t minimum_age = 16;
  static std::shared_ptr<const Identity> refuse(std::string& reason, std::string_view why) {
    reason = why;
    return nullptr;
  }
};

JsonAnswer custom_auth(ReadOnlyEndpointContext& ctx) {
  const auto& caller = ctx.call.caller<NamedIdentity>();
  return make_success(json::object{{"name", caller.name},
                                   {"age", caller.age},
                                   {"description", "Your name is " + caller.name + " and you are " +
                                                       std::to_string(caller.age)}});
}

// ------------------------------------------------------------------------------ other requests

void signed_content(EndpointContext& ctx) {
  ctx.call.set_status(http::status::ok);
  ctx.call.set_body(as_text(ctx.call.caller<MemberCoseSign1Identity>().content));
}

void request_query(CommandEndpointContext& ctx) {
  ctx.call.set_status(http::status::ok);
  ctx.call.set_body(ctx.call.decoded_query());
}

}  // namespace

void register_callers(EndpointRegistry& endpoints) {
  using http::Method;
  endpoints
      .make_endpoint("/log/private/anonymous", Method::post, json_adapter<Record>(put_anonymous),
                     auth::none)
      .set_auto_schema<Record, bool>()
      .install();
  endpoints
      .make_endpoint("/log/private/anonymous/v2", Method::post,
                     json_adapter<Record>(put_anonymous_v2), auth::none)
      .set_auto_schema<Record, Stored>()
      .set_locally_committed_function(answer_with_id)
      .install();
  endpoints
      .make_endpoint("/log/private/prefix_cert", Method::post,
                     json_adapter<Record>(put_with_prefix), {auth::user_cert()})
      .set_auto_schema<Record, bool>()
      .install();
  endpoints
      .make_endpoint("/log/private/admin_only", Method::post, json_adapter<Record>(put_as_admin),
                     {auth::user_cert()})
      .set_auto_schema<Record, bool>()
      .install();
  endpoints
      .make_endpoint("/multi_auth", Method::post, multi_auth,
                     {auth::all_of({auth::user_cert(), auth::jwt(), auth::user_cose_sign1()}),
                      auth::user_cert(), auth::member_cert(), auth::any_cert(), auth::jwt(),
                      auth::user_cose_sign1(), auth::no_auth()})
      .set_auto_schema<void, std::string>()
      .install();
  endpoints
      .make_read_only_endpoint("/custom_auth", Method::get,
                               json_read_only_adapter<void>(custom_auth),
                               {std::make_shared<NameAndAgePolicy>()})
      .set_forwarding_required(Forwarding::always)
      .set_auto_schema<void, json::value>()
      .install();
  endpoints
      .make_endpoint("/log/cose_signed_content", Method::post, signed_content,
                     {auth::member_cose_sign1()})
      .set_auto_schema<void, std::string>()
      .install();
  endpoints.make_command_endpoint("/log/request_query", Method::get, request_query, auth::none)
      .set_forwarding_required(Forwarding::always)
      .set_auto_schema<void, std::string>()
      .install();
}

}  // namespace logging
