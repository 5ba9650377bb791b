#pragma once
// HTTP/1.1 on one connection: pipelined requests are handled as they come and answered in order,
// also around answers that come later. Source: docs/http-api.md (HTTP/1.1).

#include <deque>

#include "net/http1_parser.h"
#include "net/http_response.h"
#include "net/session.h"

namespace entente::net {

class Http1Session final : public Session {
 public:
  /// Both must outlive the session.
  Http1Session(WorkerContext& worker, PeerContext& peer);

  size_t receive(BytesView input, size_t fresh, Bytes& out) override;
  void complete(uint64_t slot, http::Response&& response, Bytes& out) override;
  void shut_down(Bytes& out) override;
  bool has_more() const override { return stopped_early_ && !blocked(); }
  bool blocked() const override;
  bool answers_due() const override { return !waiting_.empty(); }
  bool finished() const override { return closing_ && waiting_.empty(); }

 private:
  /// The place of a response that is not sent yet, because it or one before it is still due.
  struct Slot {
    bool ready = false;
    bool to_head = false;
    bool close = false;
    Bytes bytes;
  };

  void answer(const http::Response& response, bool to_head, Bytes& out);
  void answer_error(BytesView input, size_t message_begin, size_t fresh, Bytes& out);
  void release_ready(Bytes& out);

  WorkerContext& worker_;
  PeerContext& peer_;
  SessionInfo info_;
  Http1Parser parser_;
  ResponseFields fields_;
  std::deque<Slot> waiting_;  ///< the first is not ready
  uint64_t first_slot_ = 0;   ///< number of waiting_.front(), or of the next request
  size_t waiting_bytes_ = 0;
  bool closing_ = false;  ///< no more requests are read
  bool stopped_early_ = false;
};

}  // namespace entente::net
