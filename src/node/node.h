#pragma once
// One running node: the only place where the real clock, disk, network and threads are wired into
// the rooms. Source: docs/architecture.md (threads), docs/node-operation.md (start order).
//
// Threads: the workers of the server execute requests; the replica thread owns consensus and the
// ledger tail; the ledger thread writes files; history has its own. The thread that calls run()
// waits for signals.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "entente/app.h"
#include "node/config.h"

namespace entente::node {

/// Why a node did not start or ended, and the exit code of the process.
struct Exit {
  int code = 0;
  std::string message;  ///< empty after a normal stop
};

class Node {
 public:
  Node(Configuration configuration, const Application& application);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Everything up to answering requests. nullopt: it runs. `stop_asked` is called on this thread
  /// between the steps and every few milliseconds of a wait; where it says yes, start() returns
  /// code 0 and only stop() may follow.
  std::optional<Exit> start(std::function<bool()> stop_asked = [] { return false; });
  /// Answers who waits, refuses new requests, signs and writes what is left. False if the disk did
  /// not take all of it. Idempotent.
  bool stop();
  /// `stop_notice` from now on: the readiness endpoints say no.
  void notice_stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Runs a node until a signal ends it: SIGTERM, SIGINT or SIGHUP. Blocks these signals in the
/// calling thread, which must be the only one. The command line is for the log.
Exit run(const Configuration& configuration, const Application& application,
         const std::vector<std::string>& command_line);

}  // namespace entente::node
