#pragma once
// The tables of the bank and one customer's accounts as a transaction sees them. Refusals are
// exceptions: they end the procedure, and nothing that it wrote is kept.

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "entente/kv.h"

namespace smallbank {

/// The text of a 400.
struct Refusal {
  std::string_view text;
};

using Id = uint64_t;
using Money = int64_t;

namespace tables {
using Accounts = entente::kv::RawCopySerialisedMap<std::string, Id>;
using Balances = entente::kv::RawCopySerialisedMap<Id, Money>;
inline const Accounts accounts("a");
inline const Balances savings("b");
inline const Balances checkings("c");
}  // namespace tables

/// Money does not wrap around.
inline Money add(Money a, Money b) {
  Money sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) throw Refusal{"Balance out of range"};
  return sum;
}
inline Money subtract(Money a, Money b) {
  Money difference = 0;
  if (__builtin_sub_overflow(a, b, &difference)) throw Refusal{"Balance out of range"};
  return difference;
}

/// The id under a name. The key is looked at where it stands in the request.
template <typename Tx>
Id id_of(Tx& tx, std::string_view name, std::string_view refusal) {
  const auto value = tx.ro(tables::accounts.name()).get(entente::as_bytes(name));
  if (!value) throw Refusal{refusal};
  return entente::kv::RawCopySerialiser<Id>::from_serialised(*value);
}

template <typename Tx>
Money balance_of(Tx& tx, const tables::Balances& table, Id id, std::string_view refusal) {
  const auto balance = tx.ro(table).get(id);
  if (!balance) throw Refusal{refusal};
  return *balance;
}

}  // namespace smallbank
