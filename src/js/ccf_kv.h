#pragma once
// What `ccf.kv` works on: attach one to each use. Which maps a script may read and write follows
// from the context of the transaction (entente/kv/access.h), or from another one that the script is
// to have within it: transactions of governance belong to the framework, its scripts see what
// Context::governance or read_only_governance grants. Without one attached, the methods of
// handles throw `InternalError: Internal: Unable to access MapHandle`.
// Source: docs/javascript.md (ccf.kv).
//
// `ccf.kv[name]` is a handle for any name; its methods are has, get, getVersionOfPreviousWrite,
// set, delete, clear, forEach and the getter size. A handle holds nothing but the name: one that is
// kept in a global of a reused interpreter works on the transaction of the present use. A map is
// opened in the transaction at the first method call. A forbidden method throws a TypeError
// `Cannot call "<method>" on table named <name>. …`; so does what is over a limit of the store,
// as a RangeError. A reserved name ends the whole call (js::FailureKind::aborted).

#include "entente/kv/tx.h"

namespace entente::js {

/// A borrowed transaction, which outlives the use.
class KvTransaction {
 public:
  explicit KvTransaction(kv::Tx& tx) : KvTransaction(tx, tx.context()) {}
  explicit KvTransaction(kv::ReadOnlyTx& tx) : KvTransaction(tx, tx.context()) {}
  /// The script has the access of `context`, which must not be more than that of the transaction.
  KvTransaction(kv::Tx& tx, kv::Context context) : read_(tx), write_(&tx), context_(context) {}
  KvTransaction(kv::ReadOnlyTx& tx, kv::Context context) : read_(tx), context_(context) {}

  kv::ReadOnlyTx& read() const { return read_; }
  /// Null: nothing can be written, whatever the context.
  kv::Tx* write() const { return write_; }
  /// By this, and not by that of the transaction, access is judged.
  kv::Context context() const { return context_; }

 private:
  kv::ReadOnlyTx& read_;
  kv::Tx* write_ = nullptr;
  kv::Context context_;
};

}  // namespace entente::js
