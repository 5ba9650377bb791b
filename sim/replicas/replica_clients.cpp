// Clients that append to lists and read them, in sessions, and ask what became of it.

#include <algorithm>
#include <cstring>

#include "sim/replicas/replica_world.h"

namespace entente::sim {
namespace {

constexpr uint64_t patience = 400'000;  // then a request counts as lost
constexpr const char* lists = "lists";
using Seen = ClientEvent::Kind;

std::vector<uint64_t> decode(std::optional<BytesView> value) {
  std::vector<uint64_t> list(value ? value->size() / sizeof(uint64_t) : 0);
  if (!list.empty()) std::memcpy(list.data(), value->data(), list.size() * sizeof(uint64_t));
  return list;
}
BytesView encode(const std::vector<uint64_t>& list) {
  return {reinterpret_cast<const uint8_t*>(list.data()), list.size() * sizeof(uint64_t)};
}

}  // namespace

void ReplicaWorld::new_session(Client& client, uint32_t node) {
  client = {++next_session_, node, {}, 0};
}

void ReplicaWorld::client_turn(uint32_t number) {
  Client& client = clients_[number];
  schedule(random_.between(1, 2 * plan_.client_gap), Kind::client, number);
  if (random_.chance(150)) return ask_status();
  if (client.waiting != 0) {
    if (!random_.chance(plan_.client_gap * 1000 / patience + 1)) return;
    // Lost, perhaps executed: the client tries again elsewhere, under a new number.
    probe("requests given up");
    new_session(client, static_cast<uint32_t>(random_.below(nodes_.size())));
  }
  if (random_.chance(20)) {
    new_session(client, static_cast<uint32_t>(random_.below(nodes_.size())));
  }
  Request request;
  request.write = random_.chance(650);
  request.session = client.session;
  request.client = number;
  request.node = client.node;
  request.key = "k" + std::to_string(random_.below(plan_.keys));
  const uint64_t id = client.waiting = ++next_request_;
  history_.push_back(
      {request.write ? Seen::write_sent : Seen::read_sent, id, request.session, request.key});
  requests_[id] = std::move(request);
  schedule(random_.between(1, plan_.longest_delay), Kind::request, number, id);
}

void ReplicaWorld::ask_status() {
  if (answered_.empty()) return;
  const size_t recent = std::min<size_t>(answered_.size(), 50);
  const TxId id = answered_[answered_.size() - 1 - random_.below(recent)];
  const ReplicaNode& node = *nodes_[random_.below(nodes_.size())];
  if (node.dead || node.paused) return;
  const TxStatus status = node.replica->status(id);
  checker_.told(node, id, status);
  history_.push_back({Seen::status, 0, 0, {}, {}, id, status});
}

void ReplicaWorld::execute(uint64_t number) {
  Request& request = requests_.at(number);
  ReplicaNode& node = *nodes_[request.node];
  const Client& client = clients_[request.client];
  if (node.dead || node.paused) return;  // lost
  if (client.session != request.session) {
    // A late request of a session that the client has left: it may be executed all the same, and
    // nobody hears of it.
    if (!request.write || random_.chance(500)) return;
  }
  if (request.write) {
    write(node, number, client);
  } else {
    read(node, request, client);
  }
  if (faults_ && random_.chance(20)) return;  // the answer is lost
  schedule(random_.between(1, plan_.longest_delay), Kind::answer, request.client, number);
}

void ReplicaWorld::write(ReplicaNode& node, uint64_t number, const Client& client) {
  Request& request = requests_.at(number);
  using Outcome = Request::Outcome;
  if (node.replica->over_limit()) {
    probe("turned away: too much is uncommitted");
    request.outcome = Outcome::elsewhere;
    return;
  }
  auto tx = node.store.begin();
  auto map = tx.rw(lists);
  auto list = decode(map.get(as_bytes(request.key)));
  list.push_back(number);  // the request's number is its value
  map.put(as_bytes(request.key), encode(list));
  replica::CommitOptions options;
  options.urgent = random_.chance(300);
  if (client.session == request.session) options.conditions.session = client.last;
  const auto result = node.lane->commit(tx, options);
  node.lane->hand_over();
  switch (result.status) {
    case kv::CommitStatus::committed:
      request.outcome = Outcome::done;
      request.observed = std::move(list);
      request.id = result.id;
      answered_.push_back(result.id);
      return step_soon(node, random_.between(1, node.step_delay));
    case kv::CommitStatus::session_lost:
      probe("sessions lost");
      request.outcome = Outcome::session_ended;
      return;
    default:
      request.outcome = Outcome::elsewhere;
  }
}

void ReplicaWorld::read(ReplicaNode& node, Request& request, const Client& client) {
  auto tx = node.store.begin_read_only();
  request.observed = decode(tx.ro(lists).get(as_bytes(request.key)));
  request.id = kv::Store::observed(tx);
  const TxId last = client.last;
  const bool stands = last.seqno.value == 0 || node.store.view_of(last.seqno) == last.view;
  request.outcome = stands ? Request::Outcome::done : Request::Outcome::session_ended;
  if (!stands) probe("sessions lost");
}

void ReplicaWorld::take_answer(uint64_t number) {
  const Request& request = requests_.at(number);
  Client& client = clients_[request.client];
  if (client.session == request.session && client.waiting == number) {
    client.waiting = 0;
    if (request.outcome == Request::Outcome::done) {
      client.last = request.id;
      history_.push_back({request.write ? Seen::write_answered : Seen::read_answered,
                          number,
                          request.session,
                          {},
                          request.observed,
                          request.id});
    } else if (request.outcome == Request::Outcome::session_ended) {
      history_.push_back({Seen::session_ended, 0, request.session});
      new_session(client, request.node);
    } else {
      const ReplicaNode* leads = leader();
      const bool knows = leads != nullptr && random_.chance(700);
      new_session(client,
                  static_cast<uint32_t>(knows ? leads->index : random_.below(nodes_.size())));
    }
  }
}

}  // namespace entente::sim
