#include "cli/bench_connection.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "cli/bench_record.h"

namespace entente::cli {
namespace {

constexpr size_t initial_buffer = 64 << 10;
constexpr size_t longest_answer = 64 << 20;
constexpr int ok_begin = 200, ok_end = 300;
constexpr int temporary_redirect = 307;
constexpr int internal_error = 500, unavailable = 503, gateway_timeout = 504;

/// Parts of the answers of nodes that cannot do what was asked, but another one may
/// (docs/http-api.md, forwarding). A primary that is full answers otherwise.
constexpr std::array<std::string_view, 5> not_here{"TransactionReplicationFailed",
                                                   "PrimaryNotFound", "unknown primary",
                                                   "establish channel", "RequestAlreadyForwarded"};

bool of_a_failover(int status, std::string_view body) {
  if (status == temporary_redirect || status == gateway_timeout) return true;
  if (status == internal_error) return body.find("SessionConsistencyLost") != body.npos;
  return status == unavailable &&
         std::any_of(not_here.begin(), not_here.end(),
                     [&](std::string_view text) { return body.find(text) != body.npos; });
}

void note(const std::string& problem, LoadResult& result) {
  if (result.problems.size() < LoadResult::most_problems) result.problems.push_back(problem);
}

}  // namespace

BenchConnection::BenchConnection(TlsClient client, const LoadOptions& options)
    : client_(std::move(client)),
      depth_(options.depth),
      record_(options.record),
      sent_(options.depth) {
  received_.resize(initial_buffer);
}

void BenchConnection::start(RequestStream* stream, const LoadPhase& phase,
                            std::optional<uint64_t> requests) {
  stream_ = stream;
  left_ = requests;
  refusal_ = phase.refusal_status;
  clock_ = phase.clock;
}

void BenchConnection::send(SteadyTime now, LoadResult& result) {
  if (!client_ || leaving_) return;
  if (in_flight_ == 0) progress_ = now;
  while (in_flight_ < depth_ && !nothing_left()) {
    uint32_t at = oldest_ + in_flight_;
    if (at >= depth_) at -= depth_;
    sent_[at] = {now, stream_->append_next(out_)};
    ++in_flight_;
    if (left_) --*left_;
  }
  flush(result);
}

void BenchConnection::flush(LoadResult& result) {
  while (written_ < out_.size()) {
    ERR_clear_error();
    errno = 0;
    const int n = SSL_write(client_->native(), out_.data() + written_,
                            static_cast<int>(out_.size() - written_));
    if (n <= 0) {
      const int error = SSL_get_error(client_->native(), n);
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        lose("writing: " + (errno != 0 ? std::strerror(errno) : openssl_reason()), result);
      }
      return;
    }
    written_ += static_cast<size_t>(n);
  }
  out_.clear();
  written_ = 0;
}

uint64_t BenchConnection::receive(LoadResult& result) {
  uint64_t answers = 0;
  while (client_) {
    if (filled_ == received_.size()) received_.resize(received_.size() * 2);
    ERR_clear_error();
    errno = 0;
    const size_t room = received_.size() - filled_;
    const int n = SSL_read(client_->native(), received_.data() + filled_, static_cast<int>(room));
    if (n <= 0) {
      const int error = SSL_get_error(client_->native(), n);
      if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) break;
      if (error == SSL_ERROR_ZERO_RETURN || (error == SSL_ERROR_SYSCALL && errno == 0)) {
        lose("the server closed the connection", result);
      } else {
        lose("reading: " + (errno != 0 ? std::strerror(errno) : openssl_reason()), result);
      }
      break;
    }
    filled_ += static_cast<size_t>(n);
    answers += take_answers(result);
    // A record may be waiting inside OpenSSL; the socket itself is watched by epoll.
    if (client_ && SSL_has_pending(client_->native()) == 0 && static_cast<size_t>(n) < room) break;
  }
  return answers;
}

uint64_t BenchConnection::take_answers(LoadResult& result) {
  uint64_t answers = 0;
  size_t used = 0;
  const SteadyTime now = std::chrono::steady_clock::now();
  const uint64_t acknowledged_before = result.writes.acknowledged;
  std::string lost;  // why, if it is
  while (used < filled_ && lost.empty()) {
    const std::string_view rest(received_.data() + used, filled_ - used);
    const auto frame = parse_response(rest);
    if (!frame) {
      lost = frame.error().message;
      break;
    }
    if (!*frame) break;
    const ResponseFrame& answer = **frame;
    if (answer.size() > longest_answer) {
      lost = "an answer of " + std::to_string(answer.size()) + " bytes";
      break;
    }
    if (answer.size() > rest.size()) break;
    if (in_flight_ == 0) {
      lost = "an answer without a request";
      break;
    }
    take(answer, rest.substr(answer.header_size, answer.body_size), now, result);
    ++answers;
    used += answer.size();
    if (answer.close) lost = "the server closes after status " + std::to_string(answer.status);
  }
  filled_ -= used;
  if (filled_ != 0) std::memmove(received_.data(), received_.data() + used, filled_);
  if (answers != 0) progress_ = now;
  if (clock_ != nullptr && result.writes.acknowledged != acknowledged_before) clock_->tick(now);
  if (!lost.empty()) lose(lost, result);
  return answers;
}

void BenchConnection::take(const ResponseFrame& answer, std::string_view body, SteadyTime now,
                           LoadResult& result) {
  const InFlight& asked = sent_[oldest_];
  ++result
        .statuses[std::min<size_t>(static_cast<size_t>(answer.status), result.statuses.size() - 1)];
  result.latencies.record(now - asked.sent_at);
  result.preferences_applied += answer.preference_applied ? 1 : 0;
  const bool good =
      (answer.status >= ok_begin && answer.status < ok_end) || answer.status == refusal_;
  if (!good && of_a_failover(answer.status, body)) {
    ++result.sent_away;
    leaving_ = true;
  }
  if (asked.request.write) {
    WriteOutcomes& writes = result.writes;
    if (answer.status == gateway_timeout) {
      ++writes.unknown;  // the primary may have executed it
    } else if (good) {
      ++writes.acknowledged;
      writes.committed += answer.preference_applied ? 1 : 0;
      if (record_ != nullptr) {
        record_->add(asked.request.key, answer.transaction_id, answer.preference_applied,
                     result.recorded);
      }
    } else {
      ++writes.failed;
    }
  }
  oldest_ = oldest_ + 1 == depth_ ? 0 : oldest_ + 1;
  --in_flight_;
}

void BenchConnection::lose(const std::string& reason, LoadResult& result) {
  if (!client_) return;
  ++result.lost_connections;
  result.unanswered += in_flight_;
  for (; in_flight_ != 0; --in_flight_) {
    if (sent_[oldest_].request.write) ++result.writes.unknown;
    oldest_ = oldest_ + 1 == depth_ ? 0 : oldest_ + 1;
  }
  note(reason, result);
  leave();
}

void BenchConnection::leave() {
  client_.reset();
  out_.clear();
  written_ = filled_ = 0;
  oldest_ = 0;
  leaving_ = false;
  watched_for_writing = false;
}

void BenchConnection::resume(TlsClient client) {
  client_.emplace(std::move(client));
}

void BenchConnection::abandon(const std::string& reason, LoadResult& result) {
  abandoned_ = true;
  ++result.abandoned;
  note(reason, result);
}

}  // namespace entente::cli
