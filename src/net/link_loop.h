#pragma once
// The link thread: one epoll loop for all links of a node.

#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "net/link_incoming.h"
#include "net/link_outgoing.h"

namespace entente::net {

class LinkLoop final {
 public:
  /// All must outlive the loop; the listening socket stays the caller's.
  LinkLoop(const LinkOptions& options, LinkTls tls, LinkHandlers handlers, NodeId self,
           std::string own_address, std::optional<SocketAddress> source, int listener,
           LinkMailbox& mailbox, LinkRefusals& refusals);
  /// The thread must have ended.
  ~LinkLoop();

  /// The thread's work, until the mailbox says stop.
  void run();

 private:
  /// Empties the mailbox's descriptor; the mail itself is looked for in every turn.
  class WakeUp final : public LinkTarget {
   public:
    WakeUp(LinkPoll& poll, int descriptor);
    void on_event(uint32_t events) override;

   private:
    const int descriptor_;
  };

  int wait_time();
  void take_mail();
  void set_peers(std::vector<std::pair<LinkPeerPtr, std::string>> peers);
  void on_time();
  void begin_to_stop();
  bool may_end() const;

  const LinkOptions& options_;
  const LinkTls tls_;
  const LinkHandlers handlers_;
  const NodeId self_;
  LinkMailbox& mailbox_;
  LinkPoll poll_;
  LinkResolver resolver_;
  LinkContext context_;
  WakeUp wake_up_;
  IncomingLinks incoming_;
  std::map<NodeId, std::unique_ptr<OutgoingLink>> outgoing_;
  std::map<uint64_t, OutgoingLink*> by_token_;  ///< tokens are never used again
  uint64_t next_token_ = 1;
  LinkMail mail_;
  std::optional<SteadyTime> stop_at_;
};

}  // namespace entente::net
