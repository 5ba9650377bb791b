#pragma once
// The inside of a lane (see replica.h). Its open batch stands in a slot of its own: the lane takes
// it out for each commit, and the replica thread takes it away when it holds up everybody else
// because the lane's thread is busy with something long.

#include <atomic>
#include <memory>

#include "kv/store.h"
#include "ledger/entry_sealer.h"
#include "replica/inbox.h"
#include "replica/node_table.h"
#include "replica/replica.h"
#include "replica/secret_table.h"

namespace entente::replica {

struct Lane::Content {
  kv::Store& store;
  Inbox& inbox;
  const NodeTable& nodes;
  const SecretTable& secrets;
  ledger::EntrySealer sealer;         // the thread's own
  uint64_t generation;                // of the secrets that it uses
  std::atomic<Batch*> open{nullptr};  // owned; only the lane puts one there

  Content(kv::Store& used_store, Inbox& used_inbox, const NodeTable& known_nodes,
          const SecretTable& known_secrets)
      : store(used_store),
        inbox(used_inbox),
        nodes(known_nodes),
        secrets(known_secrets),
        sealer(known_secrets.get()),
        generation(known_secrets.generation()) {}
  ~Content() { take_open(); }
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;

  /// Any thread. Null if there is none, or if it is just being extended.
  std::unique_ptr<Batch> take_open() {
    return std::unique_ptr<Batch>(open.exchange(nullptr, std::memory_order_acq_rel));
  }
  /// The lane's thread, after take_open().
  void put_open(std::unique_ptr<Batch> batch) {
    open.store(batch.release(), std::memory_order_release);
  }
};

}  // namespace entente::replica
