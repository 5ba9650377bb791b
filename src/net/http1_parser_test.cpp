#include "net/http1_parser.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdio>

namespace entente::net {
namespace {

using Outcome = Http1Parser::Outcome;

/// What a parser makes of a byte stream: one line per request, then the error if there is one.
struct Reading {
  std::vector<std::string> requests;
  std::string error;    ///< `NAME: reason`, or the message of a limit
  size_t error_at = 0;  ///< in the stream
  bool incomplete = false;
  bool operator==(const Reading&) const = default;
};

std::string describe(const http::Request& request) {
  std::string text(http::to_text(request.method));
  text += " [" + std::string(request.path) + "][" + std::string(request.query) + "]";
  for (const auto& header : request.headers) {
    text += " " + std::string(header.name) + "=" + std::string(header.value) + ";";
  }
  return text + " " + std::string(as_text(request.body));
}

/// Drives the parser as a connection does: bytes come in fragments of the given sizes (the rest in
/// one), consumed bytes are dropped, and the buffer moves.
Reading read(std::string_view stream, const std::vector<size_t>& fragments = {},
             const HttpLimits& limits = {}) {
  Reading reading;
  Http1Parser parser(limits);
  std::string buffer;
  size_t dropped = 0, taken = 0, fragment = 0;
  while (taken < stream.size()) {
    const size_t size = fragment < fragments.size()
                            ? std::min(fragments[fragment++], stream.size() - taken)
                            : stream.size() - taken;
    std::string moved(buffer);  // a new address each time
    moved.append(stream.substr(taken, size));
    buffer = std::move(moved);
    taken += size;
    for (;;) {
      const Outcome outcome = parser.parse(as_bytes(buffer));
      if (outcome == Outcome::failed) {
        const Http1Error& error = parser.error();
        reading.error =
            *error.name != 0 ? std::string(error.name) + ": " + error.reason : error.reason;
        reading.error_at = dropped + error.position;
        return reading;
      }
      if (outcome == Outcome::need_more && parser.within_message()) break;
      if (outcome == Outcome::request) reading.requests.push_back(describe(parser.request()));
      dropped += parser.consumed();
      buffer.erase(0, parser.consumed());
      parser.next();
      if (buffer.empty()) break;
    }
  }
  reading.incomplete = parser.within_message();
  return reading;
}

std::vector<size_t> byte_by_byte(std::string_view stream) {
  return std::vector<size_t>(stream.size(), 1);
}

struct Accepted {
  const char* stream;
  std::vector<std::string> requests;
};

const Accepted accepted[] = {
    {"GET / HTTP/1.1\r\n\r\n", {"GET [/][] "}},
    {"GET /a/b?c=d&e#f HTTP/1.1\r\nHost: x\r\n\r\n", {"GET [/a/b][c=d&e] host=x; "}},
    {"GET /a#b?c HTTP/1.1\r\n\r\n", {"GET [/a][] "}},
    {"GET / HTTP/1.0\r\n\r\n", {"GET [/][] "}},
    {"GET / HTTP/0.9\r\n\r\n", {"GET [/][] "}},
    {"GET / HTTP/2.0\r\n\r\n", {"GET [/][] "}},
    {"GET /\r\n\r\n", {"GET [/][] "}},
    {"GET /\r\nA: b\r\n\r\n", {"GET [/][] a=b; "}},
    {"\r\n\r\nGET / HTTP/1.1\r\n\r\n", {"GET [/][] "}},
    {"\n\nGET / HTTP/1.1\r\n\r\n", {"GET [/][] "}},
    {"GET  /  HTTP/1.1\r\n\r\n", {"GET [/][] "}},
    {"OPTIONS * HTTP/1.1\r\n\r\n", {"OPTIONS [*][] "}},
    {"GET http://a.b:1/c?d HTTP/1.1\r\n\r\n", {"GET [http://a.b:1/c][d] "}},
    {"CONNECT a:1 HTTP/1.1\r\n\r\n", {"CONNECT [a:1][] "}},
    {"M-SEARCH * HTTP/1.1\r\n\r\n", {"M-SEARCH [*][] "}},
    {"PROPFIND /x HTTP/1.1\r\n\r\n", {"PROPFIND [/x][] "}},
    {"GET / HTTP/1.1\r\nA:\r\nB:  \r\nC:\t c c \t\r\n\r\n", {"GET [/][] a=; b=; c=c c; "}},
    {"GET / HTTP/1.1\r\nA: \x80\xff\r\nX!#$%&'*+-.^_`|~9: 1\r\n\r\n",
     {"GET [/][] a=\x80\xff; x!#$%&'*+-.^_`|~9=1; "}},
    {"GET / HTTP/1.1\r\nA: 1\r\na: 2\r\n\r\n", {"GET [/][] a=1; a=2; "}},
    {"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", {"POST [/][] content-length=3; abc"}},
    {"POST / HTTP/1.1\r\nContent-Length: 3 \r\n\r\nabc", {"POST [/][] content-length=3; abc"}},
    {"POST / HTTP/1.1\r\nContent-Length: 003\r\n\r\nabc", {"POST [/][] content-length=003; abc"}},
    {"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", {"POST [/][] content-length=0; "}},
    {"GET / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", {"GET [/][] content-length=2; {}"}},
    {"POST / HTTP/1.1\r\nTransfer-Encoding: "
     "chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
     {"POST [/][] transfer-encoding=chunked; abc0123456789"}},
    {"POST / HTTP/1.1\r\ntransfer-encoding: gzip, Chunked\r\n\r\n0\r\n\r\n",
     {"POST [/][] transfer-encoding=gzip, Chunked; "}},
    {"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
     "1;a;b=c;d=\"e\\\"f\t\xff\"\r\nx\r\n000;z\r\nT: railer\r\nU:\r\n\r\n",
     {"POST [/][] transfer-encoding=chunked; x"}},
    {"GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\ncontent-length: 1\r\n\r\nxGET /3 HTTP/1.1\r\n\r\n",
     {"GET [/1][] ", "POST [/2][] content-length=1; x", "GET [/3][] "}},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\n\r\n",
     {"GET [/][] connection=keep-alive; ", "GET [/][] "}},
    {"GET / HTTP/1.1\r\nConnection: x, CLOSE\r\n\r\n\r\n\r\n", {"GET [/][] connection=x, CLOSE; "}},
    {"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
     {"GET [/][] upgrade=websocket; connection=Upgrade; ", "GET [/2][] "}},
};

TEST(Http1Parser, AcceptsAtAnyFragmentation) {
  for (const Accepted& row : accepted) {
    const Reading whole = read(row.stream);
    EXPECT_EQ(whole.error, "") << row.stream;
    EXPECT_EQ(whole.requests, row.requests) << row.stream;
    EXPECT_FALSE(whole.incomplete) << row.stream;
    EXPECT_EQ(read(row.stream, byte_by_byte(row.stream)), whole) << row.stream;
  }
}

struct Refused {
  const char* stream;
  const char* error;
  size_t at;  ///< offending byte; it must be refused without those behind it
};

constexpr char no_method[] = "HPE_INVALID_METHOD: Invalid method encountered";
constexpr char bad_name[] = "HPE_INVALID_HEADER_TOKEN: Invalid header token";
constexpr char bad_value[] = "HPE_INVALID_HEADER_TOKEN: Invalid header value char";
constexpr char bad_length[] = "HPE_INVALID_CONTENT_LENGTH: Invalid character in Content-Length";
constexpr char bad_coding[] =
    "HPE_INVALID_TRANSFER_ENCODING: Invalid `Transfer-Encoding` header value";
constexpr char bad_chunk[] = "HPE_INVALID_CHUNK_SIZE: Invalid character in chunk size";
constexpr char after_close[] = "HPE_CLOSED_CONNECTION: Data after `Connection: close`";
constexpr char no_protocol[] = "HPE_INVALID_CONSTANT: Expected HTTP/";
#define H "GET / HTTP/1.1\r\n"
#define P "POST / HTTP/1.1\r\n"
#define C "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"

const Refused refused[] = {
    {"\x01", no_method, 0},
    {"NOTAVERB ", no_method, 3},
    {"{\"a\":1}", no_method, 0},
    {"get / HTTP/1.1", no_method, 0},
    {" GET", no_method, 0},
    {"GETS /", "HPE_INVALID_METHOD: Expected space after method", 3},
    {"GET\r\n", "HPE_INVALID_METHOD: Expected space after method", 3},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", no_method, 2},
    {"PLAY / HTTP/1.1", no_method, 1},
    {"GET ?a", "HPE_INVALID_URL: Unexpected start char in url", 4},
    {"GET \n", "HPE_INVALID_URL: Invalid characters in url", 4},
    {"GET a ", "HPE_INVALID_URL: Unexpected char in url schema", 5},
    {"GET a:b", "HPE_INVALID_URL: Unexpected char in url schema", 6},
    {"GET http://a<b", "HPE_INVALID_URL: Unexpected char in url server", 12},
    {"GET http://a@b@c", "HPE_INVALID_URL: Double @ in url", 14},
    {"GET /a\x80", "HPE_INVALID_URL: Invalid char in url path", 6},
    {"GET /a\tb", "HPE_INVALID_URL: Invalid char in url path", 6},
    {"GET /a?\x7f", "HPE_INVALID_URL: Invalid char in url query", 7},
    {"GET /a?#\x01", "HPE_INVALID_URL: Invalid char in url fragment start", 8},
    {"GET /\n", "HPE_INVALID_URL: Expected CRLF", 5},
    {"GET /\rx", "HPE_INVALID_URL: Expected CRLF", 6},
    {"GET / \r\n", no_protocol, 6},
    {"GET / http/1.1", no_protocol, 6},
    {"GET / ICE/1.0", no_protocol, 6},
    {"POST / HTTP/42.42", "HPE_INVALID_VERSION: Expected dot", 13},
    {"GET / HTTP/1.2", "HPE_INVALID_VERSION: Invalid HTTP version", 13},
    {"GET / HTTP/0.0", "HPE_INVALID_VERSION: Invalid HTTP version", 13},
    {"GET / HTTP/3.0", "HPE_INVALID_VERSION: Invalid HTTP version", 13},
    {"GET / HTTP/x", "HPE_INVALID_VERSION: Invalid major version", 11},
    {"GET / HTTP/1.x", "HPE_INVALID_VERSION: Invalid minor version", 13},
    {"GET / HTTP/1.1\n", "HPE_INVALID_VERSION: Expected CRLF after version", 14},
    {"GET / HTTP/1.1 \r\n", "HPE_INVALID_VERSION: Expected CRLF after version", 14},
    {"GET / HTTP/1.1\rx", "HPE_STRICT: Expected CRLF after version", 15},
    {H " A: b", "HPE_UNEXPECTED_SPACE: Unexpected space after start line", 16},
    {H "A: b\r\n c", "HPE_INVALID_HEADER_TOKEN: Unexpected whitespace after header value", 22},
    {H "A : b", bad_name, 17},
    {H "A\r\n", bad_name, 17},
    {H ": b", bad_name, 16},
    {H "\x80", bad_name, 16},
    {H "A\xc3: b", bad_name, 17},
    {H "\n", "HPE_INVALID_HEADER_TOKEN: Invalid header field char", 16},
    {H "A: b\n", "HPE_CR_EXPECTED: Missing expected CR after header value", 20},
    {H "A:\n", bad_value, 18},
    {H "A: b\x01", bad_value, 20},
    {H "A: 01234567\x7f", bad_value, 27},
    {H "A: b\rc", "HPE_LF_EXPECTED: Missing expected LF after header value", 21},
    {H "A:\rc", "HPE_STRICT: Expected LF after CR", 19},
    {H "\rx", "HPE_STRICT: Expected LF after headers", 17},
    {P "Content-Length: 1\r\nContent-Length: 1\r\n",
     "HPE_UNEXPECTED_CONTENT_LENGTH: Duplicate Content-Length", 52},
    {P "Content-Length: 1\r\nTransfer-Encoding: chunked",
     "HPE_INVALID_TRANSFER_ENCODING: Transfer-Encoding can't be present with Content-Length", 53},
    {P "Transfer-Encoding: chunked\r\nContent-Length: 1",
     "HPE_INVALID_CONTENT_LENGTH: Content-Length can't be present with Transfer-Encoding", 59},
    {P "Content-Length: \r\n", "HPE_INVALID_CONTENT_LENGTH: Empty Content-Length", 33},
    {P "Content-Length: 1 2", bad_length, 35},
    {P "Content-Length: +3", bad_length, 33},
    {P "Content-Length: -3", bad_length, 33},
    {P "Content-Length: 3,3", bad_length, 34},
    {P "Content-Length: 0x3", bad_length, 34},
    {P "Content-Length: 18446744073709551616",
     "HPE_INVALID_CONTENT_LENGTH: Content-Length overflow", 52},
    {P "Transfer-Encoding: gzip\r\n\r\n",
     "HPE_INVALID_TRANSFER_ENCODING: Request has invalid `Transfer-Encoding`", 43},
    {P "Transfer-Encoding: xchunked\r\n\r\n",
     "HPE_INVALID_TRANSFER_ENCODING: Request has invalid `Transfer-Encoding`", 47},
    {P "Transfer-Encoding: chunked, gzip", bad_coding, 43},
    {P "Transfer-Encoding: chunked, chunked", bad_coding, 43},
    {P "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", bad_coding, 64},
    {C "x", bad_chunk, 47},
    {C "\r\n", bad_chunk, 47},
    {C "1 \r\n", bad_chunk, 48},
    {C "1\n", "HPE_CR_EXPECTED: Missing expected CR after chunk size", 48},
    {C "1\rx", "HPE_STRICT: Expected LF after chunk size", 49},
    {C "1\r\nab", "HPE_STRICT: Expected LF after chunk data", 51},
    {C "1\r\na\n", "HPE_CR_EXPECTED: Missing expected CR after chunk data", 51},
    {C "1;\r", "HPE_STRICT: Invalid character in chunk extensions", 49},
    {C "1;a b", "HPE_STRICT: Invalid character in chunk extensions name", 50},
    {C "1;a=(", "HPE_STRICT: Invalid character in chunk extensions value", 51},
    {C "1;a=\"\x01", "HPE_STRICT: Invalid character in chunk extensions quoted value", 52},
    {C "1;a=\"\\\r", "HPE_STRICT: Invalid quoted-pair in chunk extensions quoted value", 53},
    {C "1;a=\"b\"c", "HPE_STRICT: Invalid character in chunk extensions quote value", 54},
    {C "0\r\nA b", bad_name, 51},
    {C "0\r\n\rx", "HPE_STRICT: Expected LF after headers", 51},
    {H "Connection: close\r\n\r\nG", after_close, 37},
    {H "Connection: close\r\n\r\n\r\n\nG", after_close, 40},
    {"GET / HTTP/1.0\r\n\r\nG", after_close, 18},
    {"GET / HTTP/2.0\r\n\r\nG", after_close, 18},
    {"GET /\r\n\r\nG", after_close, 9},
    {H "\r\n\x80", no_method, 18},
};

TEST(Http1Parser, RefusesAtTheOffendingByte) {
  for (const Refused& row : refused) {
    const std::string_view stream = row.stream;
    const Reading whole = read(stream);
    EXPECT_EQ(whole.error, row.error) << stream;
    EXPECT_EQ(whole.error_at, row.at) << stream;
    EXPECT_EQ(read(stream, byte_by_byte(stream)), whole) << stream;
    // Eagerly: up to and including that byte it is refused, one byte less is not.
    EXPECT_EQ(read(stream.substr(0, row.at + 1)), whole) << stream;
    EXPECT_EQ(read(stream.substr(0, row.at)).error, "") << stream;
  }
}

TEST(Http1Parser, RefusesAnyDamagedByteOfARequestAtOnce) {
  const std::string valid = "GET /node/state HTTP/1.1\r\n\r\n";
  for (size_t i = 0; i + 1 < valid.size(); ++i) {
    for (const int damage : {0, 1, static_cast<int>(static_cast<uint8_t>(valid[i])) + 128}) {
      std::string stream = valid;
      stream[i] = static_cast<char>(damage);
      const Reading reading = read(stream);
      EXPECT_EQ(reading.error.substr(0, 4), "HPE_") << i << " " << damage;
      EXPECT_EQ(reading.error_at, i) << damage;
      EXPECT_TRUE(reading.requests.empty());
    }
  }
}

// The whole alphabet at the places that matter, as llhttp 9.3 takes it.
TEST(Http1Parser, EveryByteInEveryPlace) {
  struct Place {
    const char* prefix;
    std::string_view allowed;  ///< besides the classes
    bool letters, digits, high, printable;
  };
  const Place places[] = {
      {"GET /", "\r ", true, true, false, true},
      {"GET / HTTP/1.", "01", false, false, false, false},
      {H "A", "!#$%&'*+-.^_`|~:", true, true, false, false},
      {H, "!#$%&'*+-.^_`|~\r", true, true, false, false},
      {H "A: b", "\t\r ", true, true, true, true},
      {P "content-length: 1", "\r ", false, true, false, false},
      {C "1;a=\"", "\t ", true, true, true, true},
  };
  for (const Place& place : places) {
    for (int b = 0; b < 256; ++b) {
      const char c = static_cast<char>(b);
      const bool letter = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z');
      const bool digit = b >= '0' && b <= '9';
      const bool expected = (b != 0 && place.allowed.find(c) != std::string_view::npos) ||
                            (place.letters && letter) || (place.digits && digit) ||
                            (place.high && b >= 0x80) || (place.printable && b > 0x20 && b < 0x7f);
      EXPECT_EQ(read(std::string(place.prefix) + c).error.empty(), expected)
          << place.prefix << " + " << b;
    }
  }
}

TEST(Http1Parser, AnySplitGivesTheSame) {
  EXPECT_TRUE(rc::check([] {
    // Valid and damaged streams of several requests, cut anywhere.
    std::string stream;
    const auto count = *rc::gen::inRange<size_t>(1, 4);
    for (size_t i = 0; i < count; ++i) {
      stream += accepted[*rc::gen::inRange<size_t>(0, std::size(accepted))].stream;
    }
    if (*rc::gen::arbitrary<bool>()) {
      stream[*rc::gen::inRange<size_t>(0, stream.size())] =
          static_cast<char>(*rc::gen::inRange(0, 256));
    }
    const auto cuts = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(1, 20));
    RC_ASSERT(read(stream, cuts) == read(stream));
  }));
}

struct Limit {
  std::string name;
  std::string at_limit, over;  ///< streams
  std::string message;
  Http1Error::Kind kind;
};

TEST(Http1Parser, LimitsHoldExactly) {
  HttpLimits limits;
  limits.max_body_size = 1024;
  limits.max_header_size = 100;
  limits.max_headers_count = 3;
  limits.max_target_size = 200;
  using Kind = Http1Error::Kind;
  const auto body = [](size_t size) {
    return P "content-length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'b');
  };
  const auto chunked = [](size_t size) {
    std::string text = C;
    for (; size > 7; size -= 7) text += "7\r\n1234567\r\n";
    return text + std::to_string(size) + "\r\n" + std::string(size, 'b') + "\r\n0\r\n\r\n";
  };
  const auto name = [](size_t size) { return H + std::string(size, 'N') + ": v\r\n\r\n"; };
  const auto value = [](size_t size) { return H "n: " + std::string(size, 'v') + "\r\n\r\n"; };
  const auto count = [](size_t n) {
    std::string text = H;
    for (size_t i = 0; i < n; ++i) text += "h" + std::to_string(i) + ": v\r\n";
    return text + "\r\n";
  };
  const auto trailers = [](size_t n) {
    std::string text = C "0\r\n";
    for (size_t i = 1; i < n; ++i) text += "h: v\r\n";
    return text + "\r\n";
  };
  const auto target = [](size_t size) {
    return "GET /" + std::string(size - 1, 't') + " HTTP/1.1\r\n\r\n";
  };
  const std::string too_large = "HTTP request body is too large (max size allowed: 1KB)";
  const std::string too_many = "Too many headers (max number allowed: 3)";
  const Limit rows[] = {
      {"body", body(1024), body(1025), too_large, Kind::body_too_large},
      {"chunks", chunked(1024), chunked(1025), too_large, Kind::body_too_large},
      {"name", name(100), name(101),
       "Header key for '" + std::string(101, 'N') + "' is too large (max size allowed: 100)",
       Kind::header_too_large},
      {"value", value(100), value(101), "Header value for 'n' is too large (max size allowed: 100)",
       Kind::header_too_large},
      {"count", count(3), count(4), too_many, Kind::header_too_large},
      {"trailers", trailers(3), trailers(4), too_many, Kind::header_too_large},
      {"target", target(200), target(201), "Request target is too large (max size allowed: 200)",
       Kind::header_too_large},
  };
  for (const Limit& row : rows) {
    const Reading fits = read(row.at_limit, {}, limits);
    EXPECT_EQ(fits.error, "") << row.name;
    EXPECT_EQ(fits.requests.size(), 1u) << row.name;
    EXPECT_EQ(read(row.at_limit, byte_by_byte(row.at_limit), limits), fits) << row.name;
    EXPECT_EQ(read(row.over, {}, limits).error, row.message) << row.name;
    EXPECT_EQ(read(row.over, byte_by_byte(row.over), limits).error, row.message) << row.name;
    Http1Parser parser(limits);
    ASSERT_EQ(parser.parse(as_bytes(row.over)), Outcome::failed) << row.name;
    EXPECT_EQ(parser.error().kind, row.kind) << row.name;
  }
}

/// What is wrong first is what is said, however the bytes were cut.
TEST(Http1Parser, ALimitBeforeAnErrorIsWhatCounts) {
  HttpLimits limits;
  limits.max_target_size = 20;
  for (const size_t padding : {5, 12, 13, 14, 30}) {
    const std::string stream = "GET http://" + std::string(padding, 'h') + "@@/ HTTP/1.1\r\n\r\n";
    const auto whole = read(stream, {}, limits);
    const auto bytewise = read(stream, byte_by_byte(stream), limits);
    EXPECT_NE(whole.error, "");
    EXPECT_EQ(whole.error, bytewise.error) << padding;
  }
}

TEST(Http1Parser, ALimitBeforeAnErrorInAValueIsWhatCounts) {
  HttpLimits limits;
  limits.max_header_size = 30;
  for (const size_t padding : {5, 20, 21, 22, 29, 30, 31, 60}) {
    for (const std::string& header :
         {"transfer-encoding: " + std::string(padding, 'x') + ",chunked,gzip",
          "content-length: " + std::string(padding, '0') + "99999999999999999999999"}) {
      const std::string stream = "POST / HTTP/1.1\r\n" + header + "\r\n\r\n";
      const auto whole = read(stream, {}, limits);
      EXPECT_NE(whole.error, "");
      EXPECT_EQ(whole.error, read(stream, byte_by_byte(stream), limits).error) << header;
    }
  }
}

TEST(Http1Parser, EndlessPartsWithoutContentAreBounded) {
  HttpLimits limits;
  limits.max_body_size = 1024;
  limits.max_header_size = 100;
  limits.max_target_size = 200;
  const std::string endless[] = {"GET " + std::string(1000, ' '),
                                 "GET / " + std::string(1000, ' '),
                                 H "A:" + std::string(1000, ' '),
                                 P "content-length: 1" + std::string(1000, ' '),
                                 P "content-length: " + std::string(1000, '0'),
                                 C + std::string(70000, '0'),
                                 C "1;" + std::string(70000, 'e'),
                                 C "1;a=\"" + std::string(70000, 'q')};
  for (const std::string& stream : endless) {
    EXPECT_NE(read(stream, {}, limits).error, "") << stream.substr(0, 40);
    EXPECT_NE(read(stream, std::vector<size_t>(stream.size() / 97, 97), limits).error, "")
        << stream.substr(0, 40);
  }
  // Blank lines between messages belong to none: the caller may drop them.
  const Reading blank = read(std::string(70000, '\n') + H "\r\n", {}, limits);
  EXPECT_EQ(blank.requests.size(), 1u);
}

}  // namespace
}  // namespace entente::net
