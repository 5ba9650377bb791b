#include "net/server.h"

#include <gtest/gtest.h>

#include <sys/socket.h>

#include <future>
#include <set>

#include "net/test_support.h"

namespace entente::net {
namespace {

using test::eventually;
using test::plain;
using test::TestServer;

std::string get_text(std::string_view target) {
  return format_request(http::Method::get, target, "x", "", {});
}

TEST(Server, AnswersOverTlsAndPlainTcp) {
  for (const bool tls : {true, false}) {
    InterfaceConfig config;
    config.tls = tls;
    TestServer server(config);
    HttpClient client = server.connect();
    const auto posted = client.post("/a?b=c", "body");
    ASSERT_TRUE(posted.ok()) << posted.error().message;
    EXPECT_EQ(posted->status, 200);
    EXPECT_EQ(posted->body, "POST /a?b=c 2 body");
    const auto again = client.get("/again");
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(again->body, "GET /again 1 ");
    EXPECT_EQ(server.metrics().active, 1u);
  }
}

TEST(Server, ResponseIsWrittenAsDocumented) {
  TestServer server(plain(), {}, [](size_t, Exchange& exchange) {
    http::Response& response = exchange.response();
    response.status = 404;
    response.set_body(std::string_view("none"), "text/plain");
    response.set_header("zebra", "z");
    response.set_header("Alpha", "a\r\nevil: 1");
    response.set_header("connection", "close");
    response.set_header("transfer-encoding", "chunked");
    response.set_header("content-length", "99");
  });
  HttpClient client = server.connect();
  ASSERT_TRUE(client.send_raw(get_text("/") + "HEAD / HTTP/1.0\r\n\r\n").ok());
  client.finish_sending();
  const auto all = client.receive_until_closed();
  ASSERT_TRUE(all.ok()) << all.error().message;
  const std::string head = "HTTP/1.1 404 Not Found\r\nalpha: a  evil: 1\r\ncontent-length: ";
  const std::string rest = "\r\ncontent-type: text/plain\r\nzebra: z\r\n\r\n";
  EXPECT_EQ(*all, head + "4" + rest + "none" + head + "99" + rest);
}

TEST(Server, ErrorsOfParsingAreAnsweredAtOnceAndCountedOnce) {
  TestServer server;
  const std::vector<std::string> fragments = {
      std::string("\x01"), "NOTAVERB ",
      "POST / HTTP/42.42", R"({"hello": "world"})",
      "GET / HTTP/1.1\nx", "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nnothex"};
  uint64_t count = 0;
  for (const std::string& fragment : fragments) {
    HttpClient client = server.connect();
    ASSERT_TRUE(client.send_raw(fragment).ok());
    const auto reply = client.receive();
    ASSERT_TRUE(reply.ok()) << fragment << reply.error().message;
    EXPECT_EQ(reply->status, 400);
    EXPECT_EQ(*reply->header("content-type"), "text/plain");
    EXPECT_TRUE(
        reply->body.starts_with("Unable to parse data as a HTTP request. Error message is:"
                                " HTTP parsing failed (HPE_"))
        << reply->body;
    EXPECT_TRUE(reply->body.ends_with("\nError occurred while parsing fragment:\n" + fragment))
        << reply->body;
    EXPECT_EQ(server.metrics().errors.parsing, ++count);
    EXPECT_TRUE(client.closed_within(std::chrono::seconds(10)));
  }
  EXPECT_EQ(server.handler.handled, 0u);
}

TEST(Server, DamagedRequestIsRefusedAtEveryByte) {
  TestServer server(plain());
  const std::string valid = "GET /node/state HTTP/1.1\r\n\r\n";
  uint64_t count = 0;
  for (size_t i = 0; i + 1 < valid.size(); ++i) {
    for (const int damage : {0, 1, static_cast<int>(static_cast<uint8_t>(valid[i])) + 128}) {
      std::string sent = valid;
      sent[i] = static_cast<char>(damage);
      HttpClient client = server.connect();
      ASSERT_TRUE(client.send_raw(sent).ok());
      const auto reply = client.receive();
      ASSERT_TRUE(reply.ok()) << i << reply.error().message;
      EXPECT_EQ(reply->status, 400);
      EXPECT_TRUE(reply->body.ends_with(":\n" + sent)) << reply->body;
      EXPECT_NE(reply->body.find("around byte " + std::to_string(i) + "\n"), std::string::npos)
          << reply->body;
      EXPECT_EQ(server.metrics().errors.parsing, ++count);
    }
  }
}

TEST(Server, EchoesTheWholeMessageAndTheWholeFragment) {
  TestServer server(plain());
  {  // a message in two fragments
    HttpClient client = server.connect();
    ASSERT_TRUE(client.send_raw("GET /first").ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ASSERT_TRUE(client.send_raw("\x80rest").ok());
    const auto reply = client.receive();
    ASSERT_TRUE(reply.ok());
    EXPECT_TRUE(
        reply->body.ends_with("byte 10\nError occurred while parsing fragment:\n"
                              "GET /first\x80rest"))
        << reply->body;
  }
  {  // a good request and a bad one in one fragment
    HttpClient client = server.connect();
    const std::string sent = get_text("/good") + "BAD";
    ASSERT_TRUE(client.send_raw(sent).ok());
    EXPECT_EQ(client.receive()->body, "GET /good 1 ");
    const auto reply = client.receive();
    ASSERT_TRUE(reply.ok());
    EXPECT_TRUE(reply->body.ends_with(":\n" + sent)) << reply->body;
  }
}

TEST(Server, LimitsAreAnsweredAndCountedOnce) {
  InterfaceConfig config;
  config.limits.max_body_size = 1024;
  config.limits.max_header_size = 100;
  config.limits.max_headers_count = 8;
  TestServer server(config);
  struct Row {
    size_t body, name, value, count;
    int status;
    const char* code;
    const char* message;
  };
  const Row rows[] = {
      {1024, 1, 1, 1, 200, "", ""},
      {0, 100, 1, 1, 200, "", ""},
      {0, 1, 100, 1, 200, "", ""},
      {0, 1, 1, 6, 200, "", ""},
      {1025, 1, 1, 1, 413, "RequestBodyTooLarge",
       "HTTP request body is too large (max size allowed: 1KB)"},
      {0, 101, 1, 1, 431, "RequestHeaderTooLarge", "Header key for 'nnn"},
      {0, 1, 101, 1, 431, "RequestHeaderTooLarge", "Header value for 'n' is too large"},
      {0, 1, 1, 7, 431, "RequestHeaderTooLarge", "Too many headers (max number allowed: 8)"},
  };
  ErrorCounts expected;
  for (const Row& row : rows) {
    ClientHeaders headers;
    for (size_t i = 0; i < row.count; ++i) {
      headers.emplace_back(std::string(row.name, 'n'), std::string(row.value, 'v'));
    }
    HttpClient client = server.connect();
    const auto reply = client.post("/nowhere", std::string(row.body, 'b'), headers);
    ASSERT_TRUE(reply.ok()) << reply.error().message;
    EXPECT_EQ(reply->status, row.status);
    if (row.status == 413) ++expected.request_payload_too_large;
    if (row.status == 431) ++expected.request_header_too_large;
    EXPECT_EQ(server.metrics().errors, expected);
    if (row.status == 200) continue;
    EXPECT_TRUE(reply->body.starts_with(std::string(R"({"error":{"code":")") + row.code +
                                        R"(","message":")" + row.message))
        << reply->body;
    EXPECT_EQ(*reply->header("content-type"), "application/json");
    EXPECT_TRUE(client.closed_within(std::chrono::seconds(10)));
  }
}

TEST(Server, AnswerReachesAClientThatStillWrites) {
  InterfaceConfig config;
  TestServer server(config);
  HttpClient client = server.connect();
  const auto reply = client.post("/", std::string(3 << 20, 'b'));
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  EXPECT_EQ(reply->status, 413);
}

TEST(Server, PipelinedRequestsAreAnsweredInOrder) {
  TestServer server;
  HttpClient client = server.connect();
  std::string all;
  for (int i = 0; i < 2000; ++i) all += get_text("/" + std::to_string(i));
  std::thread writer([&] { EXPECT_TRUE(client.send_raw(all).ok()); });
  writer.join();
  for (int i = 0; i < 2000; ++i) {
    const auto reply = client.receive();
    ASSERT_TRUE(reply.ok()) << i << reply.error().message;
    ASSERT_EQ(reply->body, "GET /" + std::to_string(i) + " 1 ");
  }
}

TEST(Server, BatchEndsBeforeItsAnswersLeave) {
  std::atomic<size_t> in_batch{0}, batches{0};
  TestServer server(plain());
  server.handler.on_request = [&](size_t worker, Exchange& exchange) {
    ++in_batch;
    test::echo(worker, exchange);
  };
  std::promise<void> release;
  auto released = release.get_future().share();
  server.handler.on_batch = [&](size_t) {
    EXPECT_GT(in_batch.exchange(0), 0u);
    if (batches++ == 0) released.wait();
  };
  HttpClient client = server.connect();
  std::string all;
  for (int i = 0; i < 10; ++i) all += get_text("/");
  ASSERT_TRUE(client.send_raw(all).ok());
  ASSERT_TRUE(eventually([&] { return batches == 1; }));
  EXPECT_EQ(server.handler.handled, 10u);  // all of one read, and nothing was sent yet
  char byte;
  EXPECT_EQ(::recv(client.socket(), &byte, 1, MSG_PEEK | MSG_DONTWAIT), -1);
  release.set_value();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(client.receive().ok());
}

TEST(Server, ExceptionBecomes500AndCloses) {
  TestServer server;
  HttpClient client = server.connect();
  const auto reply = client.get("/throw");
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  EXPECT_EQ(reply->status, 500);
  EXPECT_EQ(reply->body, R"({"error":{"code":"InternalError","message":"Exception: on purpose"}})");
  EXPECT_TRUE(client.closed_within(std::chrono::seconds(10)));
}

TEST(Server, CloseIsAsTheHandlerSaysNotAsTheClientAsks) {
  TestServer server;
  HttpClient client = server.connect();
  ASSERT_TRUE(client.get("/", {{"connection", "close"}}).ok());
  EXPECT_FALSE(client.closed_within(std::chrono::milliseconds(200)));
  HttpClient other = server.connect();
  ASSERT_TRUE(other.get("/close").ok());
  EXPECT_TRUE(other.closed_within(std::chrono::seconds(10)));
  EXPECT_TRUE(eventually([&] { return server.metrics().active == 1; }));
}

TEST(Server, HalfClosedClientGetsItsAnswers) {
  for (const bool tls : {true, false}) {
    InterfaceConfig config;
    config.tls = tls;
    TestServer server(config);
    HttpClient client = server.connect();
    std::string all;
    for (int i = 0; i < 3; ++i) all += get_text("/large?200000");
    ASSERT_TRUE(client.send_raw(all).ok());
    client.finish_sending();
    const auto replies = client.receive_until_closed();
    ASSERT_TRUE(replies.ok()) << replies.error().message;
    EXPECT_GT(replies->size(), 600000u);
    EXPECT_TRUE(eventually([&] { return server.metrics().active == 0; }));
  }
}

TEST(Server, SlowReaderStopsItsOwnRequestsOnly) {
  ServerOptions options;
  options.max_unsent_bytes = 64 << 10;
  TestServer server({}, options);
  HttpClient slow = server.connect();
  constexpr size_t requests = 400;
  std::string all;
  for (size_t i = 0; i < requests; ++i) all += get_text("/large?100000");
  ASSERT_TRUE(slow.send_raw(all).ok());
  // It reads nothing: the server must stop long before it has made 40 MB of answers.
  HttpClient other = server.connect();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(other.get("/").ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_LT(server.handler.handled, 50 + requests);
  for (size_t i = 0; i < requests; ++i) {
    const auto reply = slow.receive();
    ASSERT_TRUE(reply.ok()) << i << reply.error().message;
    ASSERT_EQ(reply->body.size(), 100000u);
  }
  EXPECT_EQ(server.handler.handled, 50 + requests);
}

TEST(Server, LargeBodiesInBothDirections) {
  InterfaceConfig config;
  config.limits.max_body_size = 64 << 20;
  TestServer server(config);
  HttpClient client = server.connect();
  const std::string body(6 << 20, 'b');
  const auto reply = client.post("/", body);
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  EXPECT_EQ(reply->body, "POST / 2 " + body);
}

TEST(Server, MetricsCountConnections) {
  TestServer server;
  {
    std::vector<HttpClient> clients;
    for (int i = 0; i < 5; ++i) {
      clients.push_back(server.connect());
      ASSERT_TRUE(clients.back().get("/").ok());
    }
    EXPECT_EQ(server.metrics().active, 5u);
    EXPECT_EQ(server.server.metrics().active, 5u);
  }
  EXPECT_TRUE(eventually([&] { return server.metrics().active == 0; }));
  EXPECT_EQ(server.metrics().peak, 5u);
  EXPECT_EQ(server.server.metrics().peak, 5u);
}

TEST(Server, ConnectionsSpreadOverWorkers) {
  std::mutex lock;
  std::set<size_t> seen;
  ServerOptions options;
  options.workers = 3;
  TestServer server(plain(), options, [&](size_t worker, Exchange& exchange) {
    const std::lock_guard guard(lock);
    seen.insert(worker);
    test::echo(worker, exchange);
  });
  std::vector<HttpClient> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(server.connect());
    ASSERT_TRUE(clients.back().get("/").ok());
  }
  EXPECT_EQ(seen.size(), 3u);
}

TEST(Server, SessionInfoBelongsToTheConnection) {
  TestServer server(plain(), {}, [](size_t, Exchange& exchange) {
    SessionInfo& session = exchange.session();
    auto count = std::static_pointer_cast<int>(session.user);
    if (!count) session.user = count = std::make_shared<int>(0);
    *session.connection_user = count;
    exchange.response().set_body(std::to_string(++*count) + " " + session.interface->name,
                                 "text/plain");
  });
  HttpClient one = server.connect(), two = server.connect();
  EXPECT_EQ(one.get("/")->body, "1 main");
  EXPECT_EQ(one.get("/")->body, "2 main");
  EXPECT_EQ(two.get("/")->body, "1 main");
}

TEST(Server, TicksRunOnEveryWorker) {
  std::atomic<size_t> ticks[2] = {};
  ServerOptions options;
  options.workers = 2;
  options.tick_interval = std::chrono::milliseconds(1);
  options.on_tick = [&](size_t worker) { ++ticks[worker]; };
  TestServer server(plain(), options);
  EXPECT_TRUE(eventually([&] { return ticks[0] > 2 && ticks[1] > 2; }));
  std::promise<std::thread::id> ran;
  server.server.post(1, [&] { ran.set_value(std::this_thread::get_id()); });
  EXPECT_NE(ran.get_future().get(), std::this_thread::get_id());
}

TEST(Server, InterfacesThatCannotListenSayWhy) {
  test::FunctionHandler handler;
  Server server({}, handler);
  InterfaceConfig config = plain();
  config.name = "first";
  const auto first = server.add_interface(config);
  ASSERT_TRUE(first.ok());
  EXPECT_NE(server.bound_address(*first).port, 0);
  EXPECT_EQ(server.bound_address(*first).host, "127.0.0.1");
  EXPECT_FALSE(server.add_interface(config).ok());
  config.name = "second";
  config.port = server.bound_address(*first).port;
  const auto taken = server.add_interface(config);
  ASSERT_FALSE(taken.ok());
  EXPECT_NE(taken.error().message.find("second"), std::string::npos);
  EXPECT_NE(taken.error().message.find(std::to_string(config.port)), std::string::npos);
}

TEST(Server, ManyInterfacesCountApart) {
  test::FunctionHandler handler;
  handler.on_request = test::echo;
  Server server({}, handler);
  for (const char* name : {"a", "b"}) {
    InterfaceConfig config = plain();
    config.name = name;
    ASSERT_TRUE(server.add_interface(config).ok());
  }
  ASSERT_TRUE(server.start().ok());
  HttpClientOptions options;
  options.tls = false;
  options.port = server.bound_address(1).port;
  auto client = HttpClient::connect(options);
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE(client->get("\x01").ok());
  const ServerMetrics metrics = server.metrics();
  EXPECT_EQ(metrics.interfaces[0].errors.parsing, 0u);
  EXPECT_EQ(metrics.interfaces[1].errors.parsing, 1u);
  EXPECT_EQ(metrics.interfaces[0].peak, 0u);
  EXPECT_EQ(metrics.interfaces[1].peak, 1u);
}

TEST(Server, StopLetsDueAnswersLeaveAndRefusesTheRest) {
  std::promise<LaterAnswer> promised;
  TestServer server(
      {}, {}, [&](size_t, Exchange& exchange) { promised.set_value(exchange.answer_later()); });
  HttpClient idle = server.connect();
  HttpClient waiting = server.connect();
  ASSERT_TRUE(waiting.send_raw(get_text("/")).ok());
  LaterAnswer later = promised.get_future().get();
  std::thread stopper([&] { server.server.stop(std::chrono::seconds(20)); });
  EXPECT_TRUE(idle.closed_within(std::chrono::seconds(10)));
  http::Response response;
  response.set_body(std::string_view("late"), "text/plain");
  later.complete(std::move(response));
  EXPECT_EQ(waiting.receive()->body, "late");
  stopper.join();
  EXPECT_FALSE(server.try_connect().ok());
  EXPECT_EQ(server.metrics().active, 0u);
}

TEST(Server, StopEndsAtItsLimitWhateverIsDue) {
  std::promise<LaterAnswer> promised;
  TestServer server(plain(), {}, [&](size_t, Exchange& exchange) {
    promised.set_value(exchange.answer_later());
  });
  HttpClient waiting = server.connect();
  ASSERT_TRUE(waiting.send_raw(get_text("/")).ok());
  LaterAnswer later = promised.get_future().get();
  server.server.stop(std::chrono::milliseconds(50));
  EXPECT_TRUE(waiting.closed_within(std::chrono::seconds(10)));
  later.complete({});  // nobody is there any more
}

}  // namespace
}  // namespace entente::net
