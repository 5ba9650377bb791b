#pragma once
// The connections that other nodes made to this one: accepted, identified, received from. Belongs
// to the link thread.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/link_frame.h"
#include "net/link_outgoing.h"

namespace entente::net {

class IncomingLinks;

class IncomingLink final : public LinkTarget {
 public:
  IncomingLink(LinkContext& context, IncomingLinks& all, uint64_t number, int socket);

  uint64_t number() const { return number_; }
  /// Null until the other side has proven who it is.
  const LinkPeerPtr& peer() const { return peer_; }

  void on_event(uint32_t events) override;
  /// Refuses whom it has waited for too long.
  void on_time();
  SteadyTime deadline() const { return deadline_; }
  void resume();
  void refuse(LinkRefusal reason, std::string_view detail);
  /// Nothing more comes out of it.
  void silence();

 private:
  bool identify();
  void take(BytesView plaintext);
  FrameReader::Outcome take_message(BytesView& rest);
  bool deliver(MessageKind kind, Bytes payload);
  bool introduced(bool first, std::string_view address);
  void end();

  LinkContext& context_;
  IncomingLinks& all_;
  const uint64_t number_;
  LinkConnection connection_;
  LinkPeerPtr peer_;
  SteadyTime deadline_;
  FrameReader frames_;
  bool ended_ = false;
  bool paused_ = false;
  bool vouched_for_ = false;  ///< a stranger so far
  bool first_ = true;         ///< nothing has come yet
  Bytes left_over_;           ///< plaintext behind the message that was answered with `pause`
};

/// All of them, and the socket on which they come.
class IncomingLinks final : public LinkTarget {
 public:
  /// The socket stays the caller's.
  IncomingLinks(LinkContext& context, int socket);
  ~IncomingLinks();

  void on_event(uint32_t events) override;
  void on_time();
  SteadyTime deadline() const;
  void resume(const NodeId& peer);
  /// Ends all and accepts no more.
  void close();
  /// At the end of a turn: what ended in it can be destroyed.
  void bury() { dead_.clear(); }

  /// The link has proven to be from that peer: an older one of the same peer ends.
  void identified(IncomingLink& link);
  void ended(IncomingLink& link);

 private:
  void watch(bool input);
  bool may_accept();
  void accept(int socket);
  void end_oldest_handshake();

  LinkContext& context_;
  const int socket_;
  const uint64_t number_;
  uint32_t interest_ = 0;
  uint64_t next_ = 0;
  std::map<uint64_t, std::unique_ptr<IncomingLink>> links_;  ///< the oldest first
  std::map<NodeId, IncomingLink*> by_peer_;
  std::vector<std::unique_ptr<IncomingLink>> dead_;
  double allowance_;  ///< handshakes that may begin now
  SteadyTime allowance_at_, accept_again_;
};

}  // namespace entente::net
