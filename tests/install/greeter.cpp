// The smallest service: remembers one greeting per user.
#include <entente/app.h>

namespace {

const entente::kv::Map<std::string, std::string> greetings("greetings");

void register_endpoints(entente::EndpointRegistry& endpoints, entente::NodeContext&) {
  using namespace entente;
  endpoints
      .make_endpoint("/greeting", http::Method::put,
                     [](EndpointContext& ctx) {
                       const auto& user = ctx.call.caller<UserCertIdentity>();
                       ctx.tx.rw(greetings).put(user.user_id, to_text(ctx.call.body()));
                       ctx.call.set_status(http::status::no_content);
                     },
                     {auth::user_cert()})
      .install();
}

}  // namespace

int main(int argc, char** argv) {
  return entente::run(argc, argv, {.name = "greeter", .register_endpoints = register_endpoints});
}
