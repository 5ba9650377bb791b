#pragma once
// The inside of a lane (see replica.h).

#include "kv/store.h"
#include "ledger/entry_sealer.h"
#include "replica/inbox.h"
#include "replica/replica.h"

namespace entente::replica {

struct Lane::Content {
  kv::Store& store;
  Inbox& inbox;
  ledger::EntrySealer sealer;
  std::unique_ptr<Batch> batch = nullptr;
};

}  // namespace entente::replica
