#include <benchmark/benchmark.h>

#include <string>

#include "net/http1_parser.h"
#include "net/http_response.h"

namespace entente::net {
namespace {

constexpr const char* small_get =
    "GET /app/records/key000123 HTTP/1.1\r\nhost: 127.0.0.1:8000\r\n\r\n";
constexpr const char* small_put =
    "PUT /app/records/key000123 HTTP/1.1\r\nhost: 127.0.0.1:8000\r\n"
    "content-type: application/octet-stream\r\ncontent-length: 20\r\n\r\n12345678901234567890";
constexpr const char* browser_get =
    "GET /app/log/private?id=42 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Connection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\n\r\n";

/// 100 pipelined requests in one buffer, as one read of a busy connection gives them.
void parse_pipelined(benchmark::State& state, const char* request) {
  std::string batch;
  for (int i = 0; i < 100; ++i) batch += request;
  const HttpLimits limits;
  Http1Parser parser(limits);
  for (auto _ : state) {
    BytesView left = as_bytes(batch);
    while (!left.empty()) {
      if (parser.parse(left) != Http1Parser::Outcome::request) return state.SkipWithError("?");
      benchmark::DoNotOptimize(parser.request().headers.data());
      left = left.subspan(parser.consumed());
      parser.next();
    }
  }
  state.SetItemsProcessed(state.iterations() * 100);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(batch.size()));
}
BENCHMARK_CAPTURE(parse_pipelined, small_get, small_get);
BENCHMARK_CAPTURE(parse_pipelined, small_put, small_put);
BENCHMARK_CAPTURE(parse_pipelined, browser_get, browser_get);

void parse_byte_by_byte(benchmark::State& state) {
  const std::string_view text = small_put;
  const HttpLimits limits;
  Http1Parser parser(limits);
  for (auto _ : state) {
    for (size_t size = 1; size <= text.size(); ++size) {
      benchmark::DoNotOptimize(parser.parse(as_bytes(text.substr(0, size))));
    }
    parser.next();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse_byte_by_byte);

void write_small_response(benchmark::State& state) {
  http::Response response;
  ResponseFields fields;
  Bytes out;
  response.set_body(std::string_view("12345678901234567890"), "text/plain");
  response.set_header("x-ms-ccf-transaction-id", "2.123456");
  for (auto _ : state) {
    out.clear();
    for (int i = 0; i < 100; ++i) write_response(response, false, fields, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(write_small_response);

}  // namespace
}  // namespace entente::net
