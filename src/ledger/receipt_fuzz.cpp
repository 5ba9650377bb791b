// Any bytes as what a verifier or a recovering node is handed: receipts of both forms, signatures,
// endorsements, recovery values. Nothing may verify under a key that signed none of them.

#include "base/assert.h"
#include "crypto/x509_issue.h"
#include "ledger/endorsement.h"
#include "ledger/receipt.h"
#include "ledger/shares.h"
#include "ledger/signature.h"

using namespace entente;
using namespace entente::ledger;

namespace {

const ReceiptTrust& trust() {
  static const ReceiptTrust one = [] {
    const auto key = crypto::KeyPair::generate(crypto::Curve::p256);
    return ReceiptTrust{.service = *crypto::self_signed_ca(key, "CN=Fuzz", {})};
  }();
  return one;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const BytesView bytes(data, size);
  ENTENTE_ASSERT(!verify_receipt(bytes, trust()).ok());
  if (const auto receipt = parse_receipt(as_text(bytes))) {
    const auto again = receipt_from_json(to_json(*receipt));
    ENTENTE_ASSERT(again.ok() && to_json(*again) == to_json(*receipt));
  }
  (void)parse_cose_receipt(bytes);
  (void)parse_node_signature(bytes);
  (void)parse_cose_signature(bytes);
  (void)parse_cose_signature_value(bytes);
  if (const auto endorsement = parse_cose_endorsement(bytes)) {
    (void)verify_cose_endorsement(*endorsement, *trust().service.public_key());
  }
  if (const auto record = parse_endorsement_record(bytes)) {
    ENTENTE_ASSERT(parse_endorsement_record(as_bytes(record->json())).ok());
  }
  if (const auto shares = parse_recovery_shares(bytes)) {
    ENTENTE_ASSERT(parse_recovery_shares(as_bytes(shares->json())).ok());
  }
  if (const auto secret = parse_historical_secret(bytes)) {
    ENTENTE_ASSERT(parse_historical_secret(as_bytes(secret->json())).ok());
  }
  return 0;
}
