#pragma once
// Runs the scripts of governance: the functions of the constitution, and ballots. Each call gets a
// fresh interpreter, in which the module is evaluated anew, and its own budget of memory, stack and
// time: what `js_runtime_options` says, but never less than the defaults.
// Source: docs/governance.md (constitutions).
//
// Thread-safe: a call borrows one of the isolates that wait here, or makes one more. Compiled
// modules are kept by the digest of their text.

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "entente/kv.h"
#include "gov/decision.h"
#include "gov/surroundings.h"

namespace entente::gov {

/// The constitution as it is stored, and what the engine made of it. Immutable, shared by threads.
class Constitution;
using ConstitutionPtr = std::shared_ptr<const Constitution>;

struct Validation {
  bool valid = false;
  std::string description;  ///< may be empty
};

/// What the scripts of one request are about. Views outlive the calls.
struct ScriptSubject {
  const Constitution& constitution;
  std::string_view proposal;  ///< payload, as text
  std::string_view proposal_id;
  std::string_view proposer;
};

class Scripts {
 public:
  /// `surroundings` must outlive this object.
  explicit Scripts(const Surroundings& surroundings);
  ~Scripts();
  Scripts(const Scripts&) = delete;
  Scripts& operator=(const Scripts&) = delete;

  /// The constitution in force; null if there is none. Throws RpcException 500 if it is no text.
  ConstitutionPtr constitution(kv::ReadOnlyTx& tx);

  ScriptResult<Validation> validate(kv::ReadOnlyTx& tx, const ScriptSubject& subject);
  /// What an older ballot reads does not bind the transaction, and it gets its share of `others`
  /// (how many older ones there are) of the time: nobody's ballot can hold up the votes of others.
  ScriptResult<bool> vote(kv::ReadOnlyTx& tx, const ScriptSubject& subject,
                          const std::string& member, const std::string& ballot, bool newest,
                          size_t others);
  ScriptResult<std::string> resolve(kv::ReadOnlyTx& tx, const ScriptSubject& subject,
                                    const std::vector<Vote>& votes);
  /// `requests` must live until the transaction has committed.
  ScriptResult<std::monostate> apply(kv::Tx& tx, Requests& requests, const ScriptSubject& subject);

  /// After apply: whether what it may have put in place of the constitution can be one. What could
  /// not decide about its own replacement must never come into force.
  Result<void> check_successor(kv::ReadOnlyTx& tx, const Constitution& before);

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace entente::gov
