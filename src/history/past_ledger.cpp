#include "history/past_ledger.h"

#include <algorithm>

#include "crypto/digest.h"
#include "ledger/entry.h"

namespace entente::history {

namespace {

/// Signatures kept verified, so that neighbours in time cost one check.
constexpr size_t max_recent = 8;
/// Read from the disk at a time.
constexpr uint64_t window_bytes = uint64_t{1} << 20;

std::string place(SeqNo seqno) {
  return "ledger at " + std::to_string(seqno.value);
}

/// Calls `visit(SeqNo, BytesView entry) -> Result<bool>` for the entries first … last in order
/// until it gives false or an error.
template <typename Visit>
Result<void> visit_entries(const ledger::LedgerWriter& ledger, SeqNo first, SeqNo last,
                           const Visit& visit) {
  for (SeqNo at = first; at <= last;) {
    auto range = ledger.read_range(at, last, window_bytes);
    if (!range) return range.error().at(place(at));
    if (range->first != at || range->last < at || range->last > last) {
      return Error{"other entries than asked for"}.at(place(at));
    }
    BytesView rest = range->bytes;
    for (; at <= range->last; ++at) {
      const auto size = ledger::entry_size(rest);
      if (!size) return size.error().at(place(at));
      if (*size > rest.size()) return Error{"the entry is cut off"}.at(place(at));
      const Result<bool> go_on = visit(at, rest.first(*size));
      if (!go_on) return go_on.error().at(place(at));
      if (!*go_on) return {};
      rest = rest.subspan(*size);
    }
  }
  return {};
}

/// The entry, if its ids are the expected ones.
Result<ledger::EntryView> parse_at(BytesView entry, SeqNo seqno) {
  auto view = ledger::parse_entry(entry);
  if (!view) return view.error();
  if (view->txid.seqno != seqno) return Error{"the entry is another one's"};
  return view;
}

size_t tree_bytes(const ledger::MerkleTree& tree) {
  return 64 * static_cast<size_t>(tree.size() - tree.first()) + 4096;
}

}  // namespace

PastLedger::PastLedger(LedgerSources sources)
    : sources_(std::move(sources)), sealer_(sources_.secrets()) {}

Result<std::vector<StatePtr>> PastLedger::read(SeqNo first, SeqNo last, SeqNo committed,
                                               uint64_t max_bytes) {
  sealer_.use(sources_.secrets());
  std::vector<StatePtr> states;
  uint64_t bytes = 0;
  SeqNo at = first;
  while (at <= last && bytes < max_bytes) {
    const auto interval = interval_of(at, committed);
    if (!interval) return interval.error();
    const auto visited = visit_entries(sources_.ledger, at, std::min(last, interval->last()),
                                       [&](SeqNo seqno, BytesView entry) -> Result<bool> {
                                         auto state = read_state(entry, seqno, *interval);
                                         if (!state) return state.error();
                                         bytes += (*state)->content().bytes();
                                         states.push_back(std::move(*state));
                                         return bytes < max_bytes;
                                       });
    if (!visited) return visited.error();
    at = states.back()->id().seqno + 1;
  }
  return states;
}

Result<PastLedger::Interval> PastLedger::interval_of(SeqNo seqno, SeqNo committed) {
  for (size_t i = 0; i < recent_.size(); ++i) {
    if (recent_[i].first <= seqno && seqno <= recent_[i].last()) return recent_[i];
  }
  auto interval = find_interval(seqno, committed);
  if (!interval) return interval.error();
  // The same signature found from further back replaces the shorter knowledge.
  std::erase_if(recent_, [&](const Interval& known) { return known.last() == interval->last(); });
  recent_.push_front(*interval);
  if (recent_.size() > max_recent) recent_.pop_back();
  return interval;
}

Result<PastLedger::Interval> PastLedger::find_interval(SeqNo seqno, SeqNo committed) {
  std::shared_ptr<const SignedRoot> root;
  const auto visited = visit_entries(sources_.ledger, seqno, committed,
                                     [&](SeqNo at, BytesView entry) -> Result<bool> {
                                       auto found = read_signed_root(entry, at);
                                       if (!found) return found.error();
                                       root = std::move(*found);
                                       return root == nullptr;
                                     });
  if (!visited) return visited.error();
  if (root == nullptr) return Error{"no signature up to the commit point"}.at(place(seqno));
  return Interval{seqno, std::move(root)};
}

Result<std::shared_ptr<const SignedRoot>> PastLedger::read_signed_root(BytesView entry,
                                                                       SeqNo seqno) {
  const auto view = parse_at(entry, seqno);
  if (!view) return view.error();
  std::shared_ptr<const SignedRoot> nothing;
  if (!view->private_domain.empty()) return nothing;
  const auto writes = ledger::read_maps(view->public_maps, 0, ledger::Ordering::any);
  if (!writes) return writes.error();
  auto values = ledger::read_signature(*writes, view->txid);
  if (!values) return values.error();
  if (!*values) return nothing;
  if (!(*values)->tree) return Error{"the signature has no tree"};

  auto root = std::make_shared<SignedRoot>();
  root->values = std::move(**values);
  root->entry_digest = crypto::sha256(entry);
  root->bytes = tree_bytes(*root->values.tree) + entry.size();
  if (const auto verified = verify(*root); !verified) return verified.error();
  return std::shared_ptr<const SignedRoot>(std::move(root));
}

Result<void> PastLedger::verify(SignedRoot& root) const {
  const crypto::Certificate service = sources_.service();
  const ledger::NodeSignature& signature = root.values.node;
  if (!signature.certificate) return Error{"the signature carries no node certificate"};
  const auto node = crypto::Certificate::from_pem(*signature.certificate);
  if (!node) return node.error().at("signatures.cert");
  if (!node->signed_by(service)) {
    return Error{"signatures.cert: not issued by the current service identity"};
  }
  const auto node_key = node->public_key();
  if (!node_key) return node_key.error().at("signatures.cert");
  if (node_key->id() != signature.node.value) {
    return Error{"signatures.node: differs from the certificate"};
  }
  const auto by_node = ledger::verify_node_signature(signature, *node_key);
  if (!by_node) return by_node.error().at("signatures.sig");
  if (root.values.cose) {
    const auto service_key = service.public_key();
    if (!service_key) return service_key.error().at("service certificate");
    const auto by_service =
        ledger::verify_cose_signature(*root.values.cose, signature.root, *service_key);
    if (!by_service) return by_service.error().at("cose_signatures");
  }
  root.certificate = *signature.certificate;
  return {};
}

Result<StatePtr> PastLedger::read_state(BytesView entry, SeqNo seqno, const Interval& interval) {
  auto content = std::make_unique<State::Content>();
  content->entry = to_bytes(entry);
  const auto view = parse_at(content->entry, seqno);
  if (!view) return view.error();

  const Digest digest = crypto::sha256(entry);
  const ledger::MerkleTree& tree = *interval.root->values.tree;
  content->signature = seqno == interval.last();
  if (content->signature) {
    if (digest != interval.root->entry_digest) return Error{"the entry has changed"};
  } else if (seqno.value < tree.first() ||
             tree.leaf(seqno.value) != ledger::entry_leaf(*view, digest)) {
    return Error{"the entry is not in the signed Merkle tree"};
  }

  auto writes = sealer_.open_maps(*view, content->plaintext, ledger::Ordering::any);
  if (!writes) return writes.error();
  content->writes = std::move(*writes);
  content->id = view->txid;
  content->root = interval.root;
  if (!content->signature) {
    if (!view->commit_evidence_digest) return Error{"the entry has no commit evidence"};
    if (const auto checked = sealer_.check_commit_evidence(*view); !checked) return checked.error();
    content->components = {
        .write_set_digest = digest,
        .commit_evidence = ledger::commit_evidence(*sealer_.secrets().find(seqno), content->id),
        .claims_digest = view->claims_digest};
  }
  return StatePtr(std::make_shared<State>(std::move(content)));
}

}  // namespace entente::history
