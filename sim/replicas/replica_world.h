#pragma once
// A service of whole replicas under random faults from one seed, with clients whose history is
// checked: one thread, a heap of events, virtual time. First everything may go wrong, then faults
// stop and the service must work. Source: docs/verification.md (whole replicas).

#include <deque>
#include <queue>

#include "consensus/state_hash.h"
#include "sim/history/history.h"
#include "sim/replicas/replica_checker.h"
#include "sim/replicas/replica_plan.h"
#include "sim/simulator/random.h"

namespace entente::sim {

class ReplicaWorld {
 public:
  explicit ReplicaWorld(ReplicaPlan plan);

  /// `events` events of the first phase, then the second. Nothing, or what went wrong.
  std::optional<std::string> run(uint64_t events);

  uint64_t events() const { return events_; }
  consensus::StateHash fingerprint() const { return fingerprint_.finish(); }
  const std::map<std::string, uint64_t>& probes() const { return probes_; }
  const ReplicaChecker& checker() const { return checker_; }
  const ClientHistory& history() const { return history_; }
  std::string report() const;

 private:
  enum class Kind : uint8_t { step, letter, disk, deed, client, request, answer };
  struct Happening {
    uint64_t at;
    uint64_t order;
    Kind kind;
    uint32_t who;     // node or client
    uint64_t detail;  // step number, place of a letter, request
    bool operator>(const Happening& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  struct Letter {
    uint32_t from;
    uint32_t to;
    Bytes bytes;
  };
  struct Request {
    bool write = false;
    uint64_t session = 0;
    uint32_t client = 0;
    uint32_t node = 0;
    std::string key;
    // The answer, when there is one.
    enum class Outcome : uint8_t { none, done, elsewhere, session_ended } outcome = Outcome::none;
    std::vector<uint64_t> observed;
    TxId id;
  };
  struct Client {
    uint64_t session = 0;
    uint32_t node = 0;
    TxId last;             // that its session has seen
    uint64_t waiting = 0;  // for this request
  };
  struct Pending {
    TxId id;
    std::set<uint32_t> voters;
    std::optional<NodeId> joiner = {};
    std::optional<TxId> votes_by = {};  ///< the entry that lets the joiner vote, once there is one
  };
  struct Rot {
    uint32_t node;
    std::string path;
    uint64_t offset;
    unsigned bit;
  };

  void schedule(uint64_t delay, Kind kind, uint32_t who = 0, uint64_t detail = 0);
  void happen(const Happening& happening);
  void advance();
  ReplicaNode& add_node();
  void probe(const std::string& name) { ++probes_[name]; }
  void note(std::string what);

  void step_soon(ReplicaNode& node, uint64_t delay);
  void step(ReplicaNode& node);
  void work_disk(ReplicaNode& node);
  void post(ReplicaNode& from, replica::Letter letter);
  void send_after(uint64_t delay, uint32_t from, uint32_t to, Bytes bytes);
  void deliver(uint64_t place);
  bool damage_entries(Bytes& bytes);

  // replica_deeds.cpp
  void act();
  void partition();
  void flap();
  void pause();
  void slow();
  void kill();
  void join();
  void retire();
  void transfer();
  void change_clock();
  void slow_disk();
  void fail_disk();
  void fill_disk();
  void rot();
  void settle_membership();
  bool propose(std::set<uint32_t> voters, const ReplicaNode& node, std::string_view status,
               bool joins = false);
  bool joiner_votes();
  void give_up_dead_joiner();
  bool quorum_without(const std::set<uint32_t>& voters, std::optional<uint32_t> gone) const;
  ReplicaNode* leader();
  ReplicaNode& some_node();

  // replica_clients.cpp
  void client_turn(uint32_t client);
  void new_session(Client& client, uint32_t node);
  void ask_status();
  void execute(uint64_t request);
  void write(ReplicaNode& node, uint64_t request, const Client& client);
  void read(ReplicaNode& node, Request& request, const Client& client);
  void take_answer(uint64_t request);

  // replica_liveness.cpp
  std::optional<std::string> recover();
  bool converged();
  std::optional<std::string> conclude();
  void check_contents(const ReplicaNode& node);

  ReplicaPlan plan_;
  Random random_;
  uint64_t now_ = 0;
  ReplicaNode::Service service_;
  std::vector<std::unique_ptr<ReplicaNode>> nodes_;
  std::map<NodeId, uint32_t> indexes_;
  std::set<uint32_t> voters_;
  std::optional<Pending> pending_;
  std::set<std::pair<uint32_t, uint32_t>> cut_;
  std::vector<Rot> rotten_;
  std::priority_queue<Happening, std::vector<Happening>, std::greater<>> queue_;
  std::vector<Letter> letters_;
  std::vector<uint64_t> free_letters_;
  std::deque<Letter> old_letters_;
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> last_arrivals_;
  std::vector<Client> clients_;
  std::map<uint64_t, Request> requests_;
  ClientHistory history_;
  std::vector<TxId> answered_;
  std::set<TxId> final_;
  uint64_t next_request_ = 0;
  uint64_t next_session_ = 0;
  uint64_t order_ = 0;
  uint64_t events_ = 0;
  bool faults_ = false;
  std::optional<TxId> new_write_;
  ReplicaChecker checker_;
  std::map<std::string, uint64_t> probes_;
  std::deque<std::string> notes_;
  consensus::Renaming nobody_;
  consensus::StateHasher fingerprint_;
};

}  // namespace entente::sim
