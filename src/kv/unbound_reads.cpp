#include "kv/unbound_reads.h"

#include <utility>

#include "kv/tx_body.h"

namespace entente::kv {
namespace {

/// A transaction shows its body to what derives from it.
struct Opened : ReadOnlyTx {
  static TxBody& body(ReadOnlyTx& tx) { return *(tx.*(&Opened::body_)); }
};

}  // namespace

UnboundReads::UnboundReads(ReadOnlyTx& tx)
    : body_(Opened::body(tx)), before_(std::exchange(body_.unbound, true)) {}
UnboundReads::~UnboundReads() {
  body_.unbound = before_;
}

}  // namespace entente::kv
