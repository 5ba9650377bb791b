#include "net/link_loop.h"

#include <unistd.h>

#include <algorithm>

#include "base/assert.h"

namespace entente::net {

LinkLoop::WakeUp::WakeUp(LinkPoll& poll, int descriptor) : descriptor_(descriptor) {
  ENTENTE_ASSERT(poll.watch(descriptor, poll.add(*this), 0, EPOLLIN));
}

void LinkLoop::WakeUp::on_event(uint32_t) {
  uint64_t count;
  ENTENTE_ASSERT(::read(descriptor_, &count, sizeof count) == sizeof count);
}

LinkLoop::LinkLoop(const LinkOptions& options, LinkTls tls, LinkHandlers handlers, NodeId self,
                   std::string own_address, std::optional<SocketAddress> source, int listener,
                   LinkMailbox& mailbox, LinkRefusals& refusals)
    : options_(options),
      tls_(std::move(tls)),
      handlers_(std::move(handlers)),
      self_(std::move(self)),
      mailbox_(mailbox),
      resolver_(options.resolve ? options.resolve : resolve_host,
                [&mailbox](uint64_t token, LinkResolver::Addresses hosts) {
                  mailbox.resolved({token, std::move(hosts)});
                }),
      context_{.options = options_,
               .handlers = handlers_,
               .mailbox = mailbox,
               .refusals = refusals,
               .poll = poll_,
               .resolver = resolver_,
               .tls = tls_,
               .own_address = std::move(own_address),
               .source = source,
               .random = std::minstd_rand(
                   static_cast<std::minstd_rand::result_type>(options.seed % 2147483646 + 1)),
               .now = std::chrono::steady_clock::now()},
      wake_up_(poll_, mailbox.descriptor()),
      incoming_(context_, listener) {}

LinkLoop::~LinkLoop() = default;

void LinkLoop::run() {
  while (!may_end()) {
    poll_.wait(wait_time());
    context_.now = std::chrono::steady_clock::now();
    poll_.dispatch();
    take_mail();
    on_time();
    incoming_.bury();
  }
  outgoing_.clear();
  incoming_.close();
}

int LinkLoop::wait_time() {
  if (!mailbox_.may_sleep()) return 0;
  SteadyTime next = std::min(incoming_.deadline(), stop_at_.value_or(SteadyTime::max()));
  for (const auto& [id, link] : outgoing_) next = std::min(next, link->deadline());
  if (next == SteadyTime::max()) return -1;
  const auto now = std::chrono::steady_clock::now();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now);
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 60'000));
}

void LinkLoop::take_mail() {
  mailbox_.take(mail_);
  if (mail_.peers && !stop_at_) set_peers(std::move(*mail_.peers));
  for (auto& [token, hosts] : mail_.resolved) {
    const auto found = by_token_.find(token);
    if (found != by_token_.end()) found->second->resolved(hosts);
  }
  for (const LinkPeerPtr& peer : mail_.ready) {
    const auto found = outgoing_.find(peer->id);
    if (found != outgoing_.end() && found->second->peer() == peer) found->second->on_ready();
  }
  for (const NodeId& peer : mail_.resumed) incoming_.resume(peer);
  if (mail_.stop) begin_to_stop();
}

void LinkLoop::set_peers(std::vector<std::pair<LinkPeerPtr, std::string>> peers) {
  std::map<NodeId, std::unique_ptr<OutgoingLink>> before = std::move(outgoing_);
  outgoing_.clear();
  for (auto& [peer, address] : peers) {
    if (peer->id == self_) continue;
    auto& link = outgoing_[peer->id];
    const auto found = before.find(peer->id);
    if (found != before.end() && found->second->peer() == peer &&
        found->second->address() == address) {
      link = std::move(found->second);
      before.erase(found);
      continue;
    }
    const uint64_t token = next_token_++;
    link = std::make_unique<OutgoingLink>(context_, peer, std::move(address), token);
    by_token_.emplace(token, link.get());
  }
  for (const auto& [id, link] : before) by_token_.erase(link->token());
}

void LinkLoop::on_time() {
  incoming_.on_time();
  for (auto& [id, link] : outgoing_) {
    if (context_.now >= link->deadline()) link->on_time();
  }
}

void LinkLoop::begin_to_stop() {
  stop_at_ = context_.now + options_.stop_grace;
  incoming_.close();
  for (auto& [id, link] : outgoing_) link->finish();
}

bool LinkLoop::may_end() const {
  if (!stop_at_) return false;
  if (context_.now >= *stop_at_) return true;
  return std::all_of(outgoing_.begin(), outgoing_.end(),
                     [](const auto& link) { return link.second->finished(); });
}

}  // namespace entente::net
