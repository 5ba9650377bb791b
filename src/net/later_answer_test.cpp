#include <gtest/gtest.h>

#include <sys/socket.h>

#include <condition_variable>
#include <deque>
#include <random>

#include "net/test_support.h"

namespace entente::net {
namespace {

using test::eventually;
using test::plain;
using test::TestServer;

/// Promised answers with the target that was asked for, handed between threads.
class Promises {
 public:
  struct Promise {
    std::string target;
    LaterAnswer answer;
    void keep() {
      http::Response response;
      response.set_body(target, "text/plain");
      answer.complete(std::move(response));
    }
  };

  void put(std::string target, LaterAnswer answer) {
    const std::lock_guard guard(lock_);
    waiting_.push_back({std::move(target), std::move(answer)});
    changed_.notify_all();
  }
  std::optional<Promise> take() {
    std::unique_lock guard(lock_);
    changed_.wait(guard, [this] { return ended_ || !waiting_.empty(); });
    if (waiting_.empty()) return std::nullopt;
    Promise promise = std::move(waiting_.front());
    waiting_.pop_front();
    return promise;
  }
  size_t size() {
    const std::lock_guard guard(lock_);
    return waiting_.size();
  }
  void end() {
    const std::lock_guard guard(lock_);
    ended_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<Promise> waiting_;
  bool ended_ = false;
};

std::string get_text(std::string_view target) {
  return format_request(http::Method::get, target, "x", "", {});
}

/// Targets under /now are answered at once, all others later.
auto promise_into(Promises& promises) {
  return [&promises](size_t worker, Exchange& exchange) {
    if (exchange.request().path.starts_with("/now")) return test::echo(worker, exchange);
    std::string target(exchange.request().target);
    promises.put(std::move(target), exchange.answer_later());
  };
}

TEST(LaterAnswer, PipelinedAnswersKeepTheirOrder) {
  Promises promises;
  TestServer server({}, {}, promise_into(promises));
  HttpClient client = server.connect();
  ASSERT_TRUE(client
                  .send_raw(get_text("/now1") + get_text("/a") + get_text("/now2") +
                            get_text("/b") + get_text("/now3"))
                  .ok());
  EXPECT_EQ(client.receive()->body, "GET /now1 1 ");
  auto a = promises.take(), b = promises.take();
  EXPECT_TRUE(eventually([&] { return server.handler.handled == 5; }));  // executed meanwhile
  b->keep();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  a->keep();
  for (const char* body : {"/a", "GET /now2 1 ", "/b", "GET /now3 1 "}) {
    const auto reply = client.receive();
    ASSERT_TRUE(reply.ok()) << reply.error().message;
    EXPECT_EQ(reply->body, body);
  }
}

/// Two answers that reach the connection in one round of its worker, as two ranges of its output.
std::string two_answers_in_one_round(const InterfaceConfig& config, size_t closing_one) {
  Promises promises;
  TestServer server(config, {}, promise_into(promises));
  HttpClient client = server.connect();
  EXPECT_TRUE(client.send_raw(get_text("/a") + get_text("/b")).ok());
  std::vector<LaterAnswer> answers;
  for (int i = 0; i < 2; ++i) answers.push_back(std::move(promises.take()->answer));
  // On the worker itself: it takes both from its mailbox at once.
  server.server.post(0, [&answers, closing_one] {
    for (size_t i = 0; i < answers.size(); ++i) {
      http::Response response;
      response.set_body(std::string(1, static_cast<char>('A' + i)), "text/plain");
      response.close = i == closing_one;
      answers[i].complete(std::move(response));
    }
  });
  const auto all = client.receive_until_closed();
  EXPECT_TRUE(all.ok()) << all.error().message;
  std::string bodies;
  for (size_t at = 0; (at = all->find("\r\n\r\n", at)) != all->npos; at += 4) {
    bodies += (*all)[at + 4];
  }
  EXPECT_TRUE(eventually([&] { return server.server.metrics().active == 0; }));
  return bodies;
}

TEST(LaterAnswer, TheSecondOfOneRoundCloses) {
  EXPECT_EQ(two_answers_in_one_round(plain(), 1), "AB");
  EXPECT_EQ(two_answers_in_one_round({}, 1), "AB");
}

TEST(LaterAnswer, TheFirstOfOneRoundCloses) {
  EXPECT_EQ(two_answers_in_one_round(plain(), 0), "A");
  EXPECT_EQ(two_answers_in_one_round({}, 0), "A");
}

TEST(LaterAnswer, ManyFromManyThreads) {
  Promises promises;
  ServerOptions options;
  options.workers = 2;
  TestServer server(plain(), options, promise_into(promises));
  std::vector<std::thread> keepers;
  for (int i = 0; i < 3; ++i) {
    keepers.emplace_back([&promises, i] {
      std::mt19937 random(static_cast<unsigned>(i));
      std::vector<Promises::Promise> held;
      while (auto promise = promises.take()) {
        held.push_back(std::move(*promise));
        if (held.size() < 4 && promises.size() > 0) continue;
        std::shuffle(held.begin(), held.end(), random);
        for (auto& one : held) one.keep();
        held.clear();
      }
      for (auto& one : held) one.keep();
    });
  }
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&server, c] {
      HttpClient client = server.connect();
      for (int round = 0; round < 20; ++round) {
        std::string all;
        for (int i = 0; i < 50; ++i) {
          all += get_text((i % 3 == 0 ? "/now" : "/") + std::to_string(c * 100 + i));
        }
        ASSERT_TRUE(client.send_raw(all).ok());
        for (int i = 0; i < 50; ++i) {
          const std::string number = std::to_string(c * 100 + i);
          const auto reply = client.receive();
          ASSERT_TRUE(reply.ok()) << reply.error().message;
          ASSERT_EQ(reply->body, i % 3 == 0 ? "GET /now" + number + " 1 " : "/" + number);
        }
      }
    });
  }
  for (auto& client : clients) client.join();
  promises.end();
  for (auto& keeper : keepers) keeper.join();
}

TEST(LaterAnswer, DroppedIs500) {
  TestServer server(plain(), {}, [](size_t, Exchange& exchange) { (void)exchange.answer_later(); });
  HttpClient client = server.connect();
  const auto reply = client.get("/");
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  EXPECT_EQ(reply->status, 500);
  EXPECT_NE(reply->body.find(R"("code":"InternalError")"), std::string::npos);
  EXPECT_TRUE(client.get("/").ok());  // the connection lives on
}

TEST(LaterAnswer, ThrowAfterThePromiseAnswersOnce) {
  TestServer server(plain(), {}, [](size_t, Exchange& exchange) {
    const LaterAnswer later = exchange.answer_later();
    throw std::runtime_error("after the promise");
  });
  HttpClient client = server.connect();
  EXPECT_EQ(client.get("/")->status, 500);
  EXPECT_EQ(client.get("/")->status, 500);
}

TEST(LaterAnswer, ClientThatHasGoneIsHarmless) {
  Promises promises;
  TestServer server({}, {}, promise_into(promises));
  {
    HttpClient client = server.connect();
    ASSERT_TRUE(client.send_raw(get_text("/a") + get_text("/b")).ok());
    ASSERT_TRUE(eventually([&] { return promises.size() == 2; }));
    // A reset, so that the server does not wait for the answers to be due.
    const linger hard{1, 0};
    setsockopt(client.socket(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  ASSERT_TRUE(eventually([&] { return server.metrics().active == 0; }));
  promises.take()->keep();
  { const auto dropped = promises.take(); }
  HttpClient next = server.connect();
  EXPECT_TRUE(next.get("/now").ok());
}

TEST(LaterAnswer, HalfClosedClientGetsLateAnswers) {
  for (const bool tls : {true, false}) {
    Promises promises;
    InterfaceConfig config;
    config.tls = tls;
    TestServer server(config, {}, promise_into(promises));
    HttpClient client = server.connect();
    ASSERT_TRUE(client.send_raw(get_text("/a")).ok());
    client.finish_sending();
    auto promise = promises.take();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    promise->keep();
    const auto all = client.receive_until_closed();
    ASSERT_TRUE(all.ok()) << all.error().message;
    EXPECT_TRUE(all->ends_with("\r\n\r\n/a")) << *all;
  }
}

TEST(LaterAnswer, OutstandingAnswersAreBounded) {
  Promises promises;
  ServerOptions options;
  options.max_outstanding_answers = 10;
  TestServer server(plain(), options, promise_into(promises));
  HttpClient client = server.connect();
  std::string all;
  for (int i = 0; i < 100; ++i) all += get_text("/" + std::to_string(i));
  ASSERT_TRUE(client.send_raw(all).ok());
  ASSERT_TRUE(eventually([&] { return promises.size() == 10; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(server.handler.handled, 10u);
  for (int i = 0; i < 100; ++i) {
    promises.take()->keep();
    const auto reply = client.receive();
    ASSERT_TRUE(reply.ok()) << i << reply.error().message;
    EXPECT_EQ(reply->body, "/" + std::to_string(i));
  }
}

TEST(LaterAnswer, ErrorBehindAPromiseWaitsItsTurn) {
  Promises promises;
  TestServer server(plain(), {}, promise_into(promises));
  HttpClient client = server.connect();
  ASSERT_TRUE(client.send_raw(get_text("/a") + "BAD").ok());
  EXPECT_TRUE(eventually([&] { return server.metrics().errors.parsing == 1; }));
  promises.take()->keep();
  EXPECT_EQ(client.receive()->body, "/a");
  EXPECT_EQ(client.receive()->status, 400);
  EXPECT_TRUE(client.closed_within(std::chrono::seconds(10)));
}

TEST(LaterAnswer, ClosingAnswerIsTheLast) {
  Promises promises;
  TestServer server(plain(), {}, promise_into(promises));
  HttpClient client = server.connect();
  ASSERT_TRUE(client.send_raw(get_text("/a") + get_text("/b") + get_text("/now")).ok());
  auto a = promises.take(), b = promises.take();
  b->keep();
  http::Response last;
  last.status = 500;
  last.close = true;
  a->answer.complete(std::move(last));
  const auto all = client.receive_until_closed();
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(*all, "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n");
}

TEST(LaterAnswer, HeadStaysWithoutBody) {
  Promises promises;
  TestServer server(plain(), {}, promise_into(promises));
  HttpClient client = server.connect();
  ASSERT_TRUE(client.send_raw("HEAD /a HTTP/1.1\r\n\r\n").ok());
  promises.take()->keep();
  const auto reply = client.receive(true);
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(*reply->header("content-length"), "2");
  EXPECT_FALSE(client.closed_within(std::chrono::milliseconds(50)));
}

}  // namespace
}  // namespace entente::net
