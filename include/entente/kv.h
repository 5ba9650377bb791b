#pragma once
// The key-value store as an application sees it: transactions, raw maps over bytes, typed maps,
// values and sets with their serialisers. Source: docs/applications.md (KV), docs/ledger-format.md
// (names, encodings).
//
//   const entente::kv::Map<std::string, Account> accounts("accounts");
//   auto handle = tx.rw(accounts);
//   if (auto account = handle.get("alice")) handle.put("alice", deposit(*account, 5));

#include "entente/kv/access.h"
#include "entente/kv/maps.h"
#include "entente/kv/serialise.h"
#include "entente/kv/tx.h"
