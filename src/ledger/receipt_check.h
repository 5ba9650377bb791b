#pragma once
// What the two forms of receipts check alike. Internal to receipt.cpp and cose_receipt.cpp.

#include "ledger/receipt.h"

namespace entente::ledger {

/// The components with the claims digest that the verifier supplies or expects; fills in what the
/// report says of the transaction and its leaf.
Result<LeafComponents> checked_components(const LeafComponents& given, const ReceiptTrust& trust,
                                          ReceiptReport& report);

}  // namespace entente::ledger
