#include "node/forwarded_messages.h"

#include <gtest/gtest.h>

namespace entente::node {
namespace {

constexpr size_t plenty = 1 << 20;

ForwardedRequest a_request() {
  ForwardedRequest request;
  request.correlation = 0x0102030405060708;
  request.session = 42;
  request.pinned_view = View{7};
  request.last_seen = {View{6}, SeqNo{99}};
  request.interface = "primary_rpc_interface";
  static const Bytes certificate = to_bytes("certificate");
  request.certificate = certificate;
  request.request.method = http::Method::patch;
  request.request.target = "/app/a?b=%20&c#d?e";
  request.request.headers = {{"content-type", "text/plain"}, {"x-empty", ""}};
  static const Bytes body = to_bytes(std::string_view("bo\0dy", 5));
  request.request.body = body;
  return request;
}

ForwardedResponse a_response() {
  ForwardedResponse response;
  response.correlation = 17;
  response.last_seen = {View{2}, SeqNo{3}};
  response.response.status = 404;
  response.response.set_header("x-empty", "");
  response.response.set_header("x-text", "caf\xc3\xa9\tau lait");
  response.response.body = to_bytes("body");
  response.response.close = true;
  return response;
}

/// Every beginning is refused, and so is anything behind.
template <typename Decode>
void expect_exact(const Bytes& bytes, const Decode& decode) {
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode(BytesView(bytes).first(size)).ok()) << size;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode(longer).ok());
}

TEST(ForwardedMessages, requests_arrive_as_they_were) {
  const ForwardedRequest sent = a_request();
  const auto bytes = encode(sent, plenty);
  ASSERT_TRUE(bytes);
  const auto got = decode_forwarded_request(*bytes);
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got->correlation, sent.correlation);
  EXPECT_EQ(got->session, sent.session);
  EXPECT_EQ(got->pinned_view, sent.pinned_view);
  EXPECT_EQ(got->last_seen, sent.last_seen);
  EXPECT_EQ(got->interface, sent.interface);
  EXPECT_EQ(to_bytes(got->certificate), to_bytes(sent.certificate));
  EXPECT_EQ(got->request.method, http::Method::patch);
  EXPECT_EQ(got->request.target, sent.request.target);
  EXPECT_EQ(got->request.path, "/app/a");
  EXPECT_EQ(got->request.query, "b=%20&c");
  ASSERT_EQ(got->request.headers.size(), 2u);
  EXPECT_EQ(got->request.header("content-type"), "text/plain");
  EXPECT_EQ(got->request.header("x-empty"), "");
  EXPECT_EQ(to_bytes(got->request.body), to_bytes(sent.request.body));
  expect_exact(*bytes, decode_forwarded_request);

  const auto route = route_of_forwarded_request(*bytes);
  ASSERT_TRUE(route);
  EXPECT_EQ(route->correlation, sent.correlation);
  EXPECT_EQ(route->session, 42u);
  EXPECT_FALSE(route_of_forwarded_request(BytesView(*bytes).first(15)));
}

TEST(ForwardedMessages, responses_arrive_as_they_were) {
  const ForwardedResponse sent = a_response();
  const auto bytes = encode(sent, plenty);
  ASSERT_TRUE(bytes);
  const auto got = decode_forwarded_response(*bytes);
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got->correlation, 17u);
  EXPECT_EQ(got->last_seen, sent.last_seen);
  EXPECT_EQ(got->response.status, 404);
  EXPECT_EQ(got->response.headers, sent.response.headers);
  EXPECT_EQ(got->response.body, sent.response.body);
  EXPECT_TRUE(got->response.close);
  expect_exact(*bytes, decode_forwarded_response);
  EXPECT_EQ(correlation_of_forwarded_response(*bytes), 17u);
  EXPECT_EQ(correlation_of_forwarded_response(BytesView(*bytes).first(7)), std::nullopt);
}

TEST(ForwardedMessages, the_smallest) {
  const auto request = encode(ForwardedRequest{}, plenty);
  ASSERT_TRUE(request && decode_forwarded_request(*request).ok());
  const auto response = encode(ForwardedResponse{}, plenty);
  ASSERT_TRUE(response && decode_forwarded_response(*response).ok());
}

TEST(ForwardedMessages, what_breaks_a_limit_is_not_encoded) {
  const auto refused = [](auto change) {
    ForwardedRequest request = a_request();
    change(request);
    return !encode(request, plenty);
  };
  const std::string target(forwarded_limit::target + 1, 'a');
  const std::string interface(forwarded_limit::interface + 1, 'a');
  const Bytes certificate(forwarded_limit::certificate + 1);
  const Bytes body(plenty);
  EXPECT_FALSE(refused([](ForwardedRequest&) {}));
  EXPECT_TRUE(refused([&](auto& r) { r.request.target = target; }));
  EXPECT_TRUE(refused([&](auto& r) { r.interface = interface; }));
  EXPECT_TRUE(refused([&](auto& r) { r.certificate = certificate; }));
  EXPECT_TRUE(refused([&](auto& r) { r.request.body = body; }));
  EXPECT_TRUE(refused([](auto& r) { r.request.headers.resize(forwarded_limit::headers + 1); }));
  EXPECT_FALSE(refused([](auto& r) { r.request.headers.resize(forwarded_limit::headers); }));

  ForwardedResponse response;
  response.response.body.resize(plenty);
  EXPECT_FALSE(encode(response, plenty));
  EXPECT_TRUE(encode(response, plenty + 100));
  response.response.headers.resize(forwarded_limit::headers + 1);
  EXPECT_FALSE(encode(response, 2 * plenty));
}

TEST(ForwardedMessages, a_size_that_is_not_there_is_refused_without_being_allocated) {
  Bytes bytes = *encode(ForwardedRequest{}, plenty);
  std::fill(bytes.end() - 4, bytes.end(), uint8_t{0xff});  // of the body
  EXPECT_FALSE(decode_forwarded_request(bytes).ok());
  bytes = *encode(ForwardedResponse{}, plenty);
  std::fill(bytes.end() - 4, bytes.end(), uint8_t{0xff});
  EXPECT_FALSE(decode_forwarded_response(bytes).ok());
}

TEST(ForwardedMessages, answers_that_would_mislead_a_client_are_refused) {
  const auto error = [](auto change) {
    ForwardedResponse response = a_response();
    change(response.response);
    const auto decoded = decode_forwarded_response(*encode(response, plenty));
    return decoded.ok() ? "" : decoded.error().message;
  };
  const std::string value = "forwarded response: the value of a header has control characters";
  const std::string name = "forwarded response: the name of a header is none";
  const std::string status = "forwarded response: its status is no final one";
  EXPECT_EQ(error([](http::Response&) {}), "");
  EXPECT_EQ(error([](auto& r) { r.set_header("a", "b\r\nset-cookie: c"); }), value);
  EXPECT_EQ(error([](auto& r) { r.set_header("a", std::string_view("\0", 1)); }), value);
  EXPECT_EQ(error([](auto& r) { r.set_header("a: b\r\nc", "d"); }), name);
  EXPECT_EQ(error([](auto& r) { r.set_header("", "d"); }), name);
  EXPECT_EQ(error([](auto& r) { r.set_header("Upper", "d"); }), name);
  EXPECT_EQ(error([](auto& r) { r.status = 100; }), status);
  EXPECT_EQ(error([](auto& r) { r.status = 600; }), status);
}

TEST(ForwardedMessages, another_format_or_method_is_not_understood) {
  Bytes bytes = *encode(a_request(), plenty);
  bytes[16] = 2;
  EXPECT_EQ(decode_forwarded_request(bytes).error().message,
            "forwarded request: its format is not known");
  bytes = *encode(ForwardedRequest{}, plenty);
  bytes[bytes.size() - 11] = static_cast<uint8_t>(http::method_count);
  EXPECT_EQ(decode_forwarded_request(bytes).error().message,
            "forwarded request: its method is not known");
}

}  // namespace
}  // namespace entente::node
