#pragma once
// A service under random faults from one seed: nodes, network and clocks are simulated, the cores
// are real, every step is checked. First a phase in which everything may go wrong, then one in
// which faults stop and the service must work. Source: docs/verification.md (simulator).

#include <deque>
#include <queue>
#include <set>
#include <string>

#include "sim/simulator/plan.h"
#include "sim/simulator/random.h"
#include "sim/simulator/recorder.h"
#include "sim/world/cluster.h"

namespace entente::sim {

class Simulator {
 public:
  /// `tracing`: messages are kept for the report too.
  explicit Simulator(Plan plan, bool tracing = false, bool recording = false);
  /// The run so far, if it is recorded.
  const std::vector<std::string>& script() const { return recorder_->lines(); }

  /// Runs `events` events of the first phase and then the second. Nothing, or what went wrong.
  std::optional<std::string> run(uint64_t events);

  uint64_t events() const { return events_; }
  /// Equal for equal runs.
  StateHash fingerprint() const;
  const std::map<std::string, uint64_t>& probes() { return cluster_.checker().probes(); }
  uint64_t committed() { return cluster_.checker().committed().size(); }
  /// The last messages and actions, and all nodes.
  std::string report() const;

 private:
  struct Host {
    Node* node = nullptr;
    bool dead = false;
    bool paused = false;
    uint64_t tick_us = 10'000;  // real time between two ticks
    uint64_t slow_until = 0;    // validation is reported late
    size_t under_way = 0;       // messages to it
  };
  // Small, since the heap moves them about: packets lie elsewhere.
  struct Happening {
    enum class Kind : uint8_t { message, tick, action };
    uint64_t at;  // microseconds
    uint64_t order;
    Kind kind;
    uint32_t packet;  // of a message: its place in packets_
    Host* host;       // of a message or a tick
    bool operator>(const Happening& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  // On its way, perhaps more than once.
  struct Sent {
    Packet packet;
    uint64_t number;                     // as a recorder counts
    std::optional<uint64_t> first = {};  // only so many of its entries
  };
  void record(const std::string& line) {
    if (recorder_) recorder_->line(line);
  }
  void schedule(uint64_t delay, Happening::Kind kind, Host* host = nullptr, uint32_t packet = 0);
  void send_after(uint64_t delay, Sent sent);
  void send_in_order(Sent sent);
  Happening next();
  void post(Packet packet);
  void happen(const Happening& happening);
  void deliver(Host& host, uint32_t packet);
  void tick(Host& host);
  NodeId add_joiner(const Snapshot& snapshot, const std::string& donor = {});
  void note(std::string what);
  bool alive(const NodeId& id) const;

  // actions.cpp
  void act();
  void write(Node& leader);
  void partition();
  void pause();
  void kill();
  void reconfigure(Node& leader);
  void report_validation();
  void damage();
  void resend(Node& leader);
  void late_write(Node& leader);

  // ambushes.cpp
  void corner(Node& leader);
  void exile(Node& leader);
  void submit_what_fits();
  void shorten(Sent& sent);
  void cut_off(const std::set<NodeId>& some, uint64_t timeouts);

  // actions.cpp
  bool quorums_survive_without(const NodeId& id) const;
  std::vector<NodeId> living() const;
  Node* some_leader();

  // liveness.cpp
  std::optional<std::string> recover();
  bool converged(SeqNo written);

  Plan plan_;
  bool tracing_;
  Random random_;
  Cluster cluster_;
  std::map<NodeId, Host> hosts_;
  std::set<std::pair<NodeId, NodeId>> cut_;
  uint64_t cut_until_ = 0;  ///< no healing before
  std::priority_queue<Happening, std::vector<Happening>, std::greater<>> queue_;
  std::map<std::pair<NodeId, NodeId>, uint64_t> last_arrivals_;  // of links that keep the order
  std::vector<Sent> packets_;                                    // under way; places are used again
  std::vector<uint32_t> free_packets_;
  std::deque<Sent> history_;
  struct HeldWrite {
    NodeId at;
    Node::Held held;
    std::string name;
  };
  std::deque<HeldWrite> held_;
  std::deque<std::string> notes_;
  uint64_t now_ = 0;
  uint64_t order_ = 0;
  uint64_t events_ = 0;
  uint64_t next_id_ = 0;
  uint64_t next_read_ = 0;
  uint64_t next_write_ = 0;
  bool faults_ = true;
  std::optional<Recorder> recorder_;
  Renaming nobody_;
  StateHasher fingerprint_;
};

}  // namespace entente::sim
