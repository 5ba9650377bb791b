#pragma once
// One connection of a load client: keeps `depth` requests in flight, and knows of each what it
// was, so that every one ends as exactly one of answered or unanswered. Its TLS connection may be
// lost and replaced by another one. Owned and used by one thread.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/bench_load.h"
#include "cli/bench_response.h"
#include "cli/tls_client.h"

namespace entente::cli {

using SteadyTime = std::chrono::steady_clock::time_point;

class BenchConnection {
 public:
  BenchConnection(TlsClient client, const LoadOptions& options);

  /// What the event loop was last told.
  bool watched_for_writing = false;
  /// Another TLS connection was asked for and has not arrived.
  bool dialled = false;

  int socket() const { return client_->socket(); }
  bool open() const { return client_.has_value(); }
  /// Without a connection and waiting for one.
  bool waits() const { return !client_ && !abandoned_; }
  bool wants_to_write() const { return written_ < out_.size(); }
  /// Nothing is in flight, and no more is to be sent or can be.
  bool finished() const { return in_flight_ == 0 && (abandoned_ || nothing_left()); }
  /// The node refused work that belongs elsewhere, and has answered everything else: another one
  /// is to be looked for.
  bool wants_to_leave() const { return leaving_ && in_flight_ == 0; }
  bool silent_since(SteadyTime time) const { return in_flight_ != 0 && progress_ < time; }

  void start(RequestStream* stream, const LoadPhase& phase, std::optional<uint64_t> requests);
  void stop() { left_ = 0; }

  /// Sends as many new requests as fit into the depth, in one write.
  void send(SteadyTime now, LoadResult& result);
  void flush(LoadResult& result);
  /// Takes in everything that arrived. Returns the number of answers.
  uint64_t receive(LoadResult& result);

  /// What is in flight stays unanswered; the connection is closed.
  void lose(const std::string& reason, LoadResult& result);
  void leave();
  void resume(TlsClient client);
  /// No node took it: it takes no further part.
  void abandon(const std::string& reason, LoadResult& result);

 private:
  struct InFlight {
    SteadyTime sent_at;
    SentRequest request;
  };

  bool nothing_left() const { return left_ && *left_ == 0; }
  uint64_t take_answers(LoadResult& result);
  void take(const ResponseFrame& answer, std::string_view body, SteadyTime now, LoadResult& result);

  std::optional<TlsClient> client_;
  const uint32_t depth_;
  BenchRecord* const record_;
  RequestStream* stream_ = nullptr;
  AcknowledgementClock* clock_ = nullptr;
  int refusal_ = 0;               ///< status that is an expected answer of the workload
  std::optional<uint64_t> left_;  ///< still to send; nullopt: no bound
  std::string out_;
  size_t written_ = 0;
  std::string received_;
  size_t filled_ = 0;
  std::vector<InFlight> sent_;  ///< ring of depth_
  uint32_t oldest_ = 0;
  uint32_t in_flight_ = 0;
  SteadyTime progress_{};  ///< of the last answer, or of sending when nothing was in flight
  bool leaving_ = false;
  bool abandoned_ = false;
};

}  // namespace entente::cli
