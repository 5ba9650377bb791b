// What a request costs between the parser and the store: routing, authentication by user
// certificate, handler, transaction, answer. Everything in memory; commits go to the store alone
// or, to see this room's own part, nowhere.

#include <benchmark/benchmark.h>

#include <array>

#include "rpc/test_service.h"

namespace entente::rpc {
namespace {

using http::Method;

constexpr std::string_view map = "records";

struct BenchService : test::Service {
  BenchService() {
    app()
        .make_endpoint("/records/{key}", Method::put,
                       [](EndpointContext& ctx) {
                         ctx.tx.wo(map).put(as_bytes(ctx.call.path_parameter("key")),
                                            ctx.call.body());
                         ctx.call.set_status(http::status::no_content);
                       },
                       {auth::user_cert()})
        .install();
    app()
        .make_read_only_endpoint("/records/{key}", Method::get,
                                 [](ReadOnlyEndpointContext& ctx) {
                                   const auto value =
                                       ctx.tx.ro(map).get(as_bytes(ctx.call.path_parameter("key")));
                                   if (value) ctx.call.set_body(as_text(*value));
                                 },
                                 {auth::user_cert()})
        .install();
    app()
        .make_endpoint("/empty/{key}", Method::put, [](EndpointContext&) {}, {auth::user_cert()})
        .install();
    app()
        .make_command_endpoint(
            "/nothing", Method::get, [](CommandEndpointContext&) {}, auth::none)
        .install();
    for (int i = 0; i < 20; ++i) {
      app()
          .make_command_endpoint(
              "/other" + std::to_string(i) + "/{a}", Method::get, [](CommandEndpointContext&) {},
              auth::none)
          .install();
    }
    const auto key = crypto::KeyPair::generate(crypto::Curve::p256);
    const auto certificate = test::make_certificate(key, clock.unix);
    show_certificate(certificate);
    session.certificate->facts();  // parsing happens once in a connection's life
    put(tables::users_certs, certificate.id(), certificate.pem());
    for (int i = 0; i < 1000; ++i) put(map, "key" + std::to_string(i), std::string(20, 'v'));
    start();
  }

  /// A request as a browser-like client sends it.
  http::Request request(Method method, std::string_view path, std::string_view body = {}) {
    http::Request out;
    out.method = method;
    out.target = out.path = path;
    out.headers = {{"host", "127.0.0.1:8000"},
                   {"user-agent", "bench"},
                   {"accept", "*/*"},
                   {"content-type", "text/plain"},
                   {"content-length", "20"}};
    out.body = as_bytes(body);
    return out;
  }
};

void run(benchmark::State& state, BenchService& service, Worker& worker, Method method,
         std::string_view path, int expected) {
  const auto request = service.request(method, path, "01234567890123456789");
  const AnswerLater later = []() -> Answer { return {}; };
  http::Response response;
  for (auto _ : state) {
    response.reset();
    service.frontends.process(worker, request, service.session, response, &later);
    benchmark::DoNotOptimize(response);
  }
  if (response.status != expected) state.SkipWithError(test::summary(response).c_str());
}

/// All but the work of the store at commit.
void put_without_commit(benchmark::State& state) {
  BenchService service;
  uint64_t seqno = 1000;
  Worker worker([&](kv::Tx&, const replica::CommitOptions&) {
    return kv::CommitResult{kv::CommitStatus::committed, {first_view, SeqNo{++seqno}}, {}};
  });
  run(state, service, worker, Method::put, "/app/records/key500", 204);
}
BENCHMARK(put_without_commit);

void put_with_store_commit(benchmark::State& state) {
  BenchService service;
  Worker worker([&](kv::Tx& tx, const replica::CommitOptions&) {
    auto result = service.store.commit(tx);
    if (result.id.seqno.value % 1024 == 0) service.store.compact(result.id.seqno);
    return result;
  });
  run(state, service, worker, Method::put, "/app/records/key500", 204);
}
BENCHMARK(put_with_store_commit);

/// Routing, authentication, an empty handler, an empty commit.
void put_empty(benchmark::State& state) {
  BenchService service;
  Worker worker([&](kv::Tx&, const replica::CommitOptions&) {
    return kv::CommitResult{kv::CommitStatus::read_only, {first_view, SeqNo{7}}, {}};
  });
  run(state, service, worker, Method::put, "/app/empty/key500", 200);
}
BENCHMARK(put_empty);

void get(benchmark::State& state) {
  BenchService service;
  run(state, service, service.worker, Method::get, "/app/records/key500", 200);
}
BENCHMARK(get);

/// Routing and nothing else.
void command_without_authentication(benchmark::State& state) {
  BenchService service;
  run(state, service, service.worker, Method::get, "/app/nothing", 200);
}
BENCHMARK(command_without_authentication);

void route_exact(benchmark::State& state) {
  BenchService service;
  Router router;
  router.build(service.app());
  std::array<std::string_view, PathTemplate::max_parameters> values;
  for (auto _ : state) {
    auto match = router.find(Method::get, "/nothing", values);
    benchmark::DoNotOptimize(match);
  }
}
BENCHMARK(route_exact);

void route_template(benchmark::State& state) {
  BenchService service;
  Router router;
  router.build(service.app());
  std::array<std::string_view, PathTemplate::max_parameters> values;
  for (auto _ : state) {
    auto match = router.find(Method::put, "/records/key500", values);
    benchmark::DoNotOptimize(match);
  }
}
BENCHMARK(route_template);

/// The store's part of a PUT up to the commit: begin, look the user up, put, abandon.
void store_part_of_put(benchmark::State& state) {
  BenchService service;
  const std::string user = service.session.certificate->facts()->id;
  for (auto _ : state) {
    kv::Tx tx = service.store.begin(kv::Context::application);
    benchmark::DoNotOptimize(tx.ro(tables::users_certs).has(as_bytes(user)));
    tx.wo(map).put(as_bytes("key500"), as_bytes("01234567890123456789"));
  }
}
BENCHMARK(store_part_of_put);

}  // namespace
}  // namespace entente::rpc
