// Receipts of historical states, in all their forms.

#include "history/history.h"
#include "history/state.h"
#include "ledger/receipt.h"

namespace entente::history {

json::value describe_receipt(const State& state) {
  const State::Content& content = state.content();
  const SignedRoot& root = *content.root;
  const ledger::Receipt receipt =
      content.signature
          ? ledger::make_signature_receipt(root.values.node, root.certificate)
          : ledger::make_receipt(content.components, content.id.seqno, *root.values.tree,
                                 root.values.node, root.certificate);
  return ledger::to_json(receipt);
}

std::optional<Bytes> describe_cose_receipt(const State& state) {
  const State::Content& content = state.content();
  if (content.signature || !content.root->values.cose || !content.components.claims_digest) {
    return std::nullopt;
  }
  return ledger::make_cose_receipt(content.components, content.id.seqno, *content.root->values.tree,
                                   *content.root->values.cose);
}

std::optional<Bytes> describe_merkle_proof(const State& state) {
  const State::Content& content = state.content();
  if (content.signature || !content.components.claims_digest) return std::nullopt;
  const ledger::MerkleTree& tree = *content.root->values.tree;
  return ledger::make_inclusion_proof(content.components,
                                      tree.path(content.id.seqno.value, tree.size()));
}

std::optional<Bytes> describe_cose_signature(const State& state) {
  const auto& cose = state.content().root->values.cose;
  if (!cose) return std::nullopt;
  return cose->message.encode();
}

std::vector<Bytes> describe_cose_endorsements(const State&) {
  // States signed by an earlier identity are refused when they are read, so there is nothing
  // between the signer and the current identity.
  return {};
}

Result<void> verify_self_issued_receipt(const NodeContext& node, BytesView receipt) {
  const auto parsed = ledger::parse_cose_receipt(receipt);
  if (!parsed) return parsed.error();
  const auto history = node.get<History>();
  const auto verified =
      ledger::verify(*parsed, ledger::ReceiptTrust{.service = history->sources().service()});
  if (!verified) return verified.error();
  return {};
}

}  // namespace entente::history
