#include "ledger/endorsement.h"

#include "base/assert.h"
#include "base/encoding.h"
#include "base/json.h"
#include "ledger/json_fields.h"

namespace entente::ledger {
namespace {

namespace cose = crypto::cose;
namespace cbor = crypto::cbor;

constexpr std::string_view label_ccf = "ccf.v1";
constexpr std::string_view label_begin = "epoch.start.txid";
constexpr std::string_view label_end = "epoch.end.txid";
constexpr std::string_view label_end_root = "epoch.end.merkle.root";
/// A recovery takes people: no service had this many.
constexpr size_t max_epochs = 1000;

/// A recovered service starts two views after the last signature, at the next seqno.
TxId after(const TxId& end) {
  return {{end.view.value + 2}, end.seqno + 1};
}
TxId before(const TxId& created) {
  return {{created.view.value - 2}, created.seqno - 1};
}

Bytes sign_endorsement(const crypto::KeyPair& service, const crypto::PublicKey& endorsed,
                       const TxId& begin, const std::optional<TxId>& end,
                       const std::optional<Digest>& end_root, UnixTime issued_at) {
  cbor::Writer header;
  header.map(3);
  header.integer(cose::label_alg).integer(cose::algorithm_of(service.curve()));
  header.integer(cose::label_cwt_claims).map(1);
  header.integer(cose::claim_iat).integer(issued_at.count());
  header.text(label_ccf).map(end ? 3 : 1);
  header.text(label_begin).text(begin.text());
  if (end) {
    header.text(label_end).text(end->text());
    header.text(label_end_root).bytes(*end_root);
  }
  return cose::sign(service, header.encoded(), endorsed.der(), cose::Payload::attached);
}

Error header_error(std::string_view header, std::string_view what) {
  return {"COSE protected header: " + std::string(header) + ": " + std::string(what)};
}

Result<TxId> header_txid(const cbor::Value& ccf, std::string_view label) {
  const cbor::Value* value = ccf.find(label);
  const auto text = value != nullptr ? value->as_text() : std::nullopt;
  const auto txid = text ? TxId::parse(*text) : std::nullopt;
  if (!txid) return header_error(label, "not a transaction id");
  return *txid;
}

Result<UnixTime> header_issued_at(const cbor::Value& header) {
  const cbor::Value* claims = header.find(cose::label_cwt_claims);
  const cbor::Value* value = claims != nullptr ? claims->find(cose::claim_iat) : nullptr;
  const auto seconds = value != nullptr ? value->as_integer() : std::nullopt;
  if (!seconds) return header_error("CWT iat", "not an integer");
  return UnixTime(*seconds);
}

Result<void> read_epoch(const cbor::Value& ccf, CoseEndorsement& endorsement) {
  auto begin = header_txid(ccf, label_begin);
  if (!begin) return begin.error();
  endorsement.begin = *begin;
  const cbor::Value* root = ccf.find(label_end_root);
  if (ccf.find(label_end) == nullptr) {
    return root == nullptr ? Result<void>() : header_error(label_end_root, "without an end");
  }
  auto end = header_txid(ccf, label_end);
  if (!end) return end.error();
  endorsement.end = *end;
  const auto bytes = root != nullptr ? root->as_bytes() : std::nullopt;
  if (bytes) endorsement.end_root = Digest::from_bytes(*bytes);
  if (!endorsement.end_root) return header_error(label_end_root, "not 32 bytes");
  return {};
}

}  // namespace

// ---------------------------------------------------------------------------------- the COSE part

Result<CoseEndorsement> parse_cose_endorsement(BytesView encoded) {
  auto message = cose::Sign1::parse(encoded);
  if (!message) return message.error();
  if (!message->payload) return Error{"COSE payload: missing"};
  if (!message->unprotected_header.items.empty()) {
    return Error{"COSE unprotected header: is not empty"};
  }
  auto endorsed = crypto::PublicKey::from_der(*message->payload);
  if (!endorsed) return endorsed.error().at("COSE payload");
  auto issued_at = header_issued_at(message->protected_header);
  if (!issued_at) return issued_at.error();
  const cbor::Value* ccf = message->protected_header.find(label_ccf);
  if (ccf == nullptr || !ccf->is(cbor::Kind::map)) return header_error(label_ccf, "not a map");
  CoseEndorsement endorsement{.message = {},
                              .endorsed = std::move(*endorsed),
                              .begin = {},
                              .end = {},
                              .end_root = {},
                              .issued_at = *issued_at};
  if (auto read = read_epoch(*ccf, endorsement); !read) return read.error();
  endorsement.message = std::move(*message);
  return endorsement;
}

Result<void> verify_cose_endorsement(const CoseEndorsement& endorsement,
                                     const crypto::PublicKey& endorsing) {
  if (endorsement.message.algorithm() != cose::algorithm_of(endorsing.curve())) {
    return header_error("alg", "is not that of the endorsing key");
  }
  if (!cose::verify(endorsement.message, endorsing)) {
    return Error{"COSE signature: does not verify with the endorsing key"};
  }
  return {};
}

// ------------------------------------------------------------------------------------- the record

std::string EndorsementRecord::json() const {
  json::object fields;
  fields["endorsement"] = to_base64(endorsement);
  fields["endorsing_key"] = to_base64(endorsing_key.der());
  fields["endorsement_epoch_begin"] = begin.text();
  if (end) fields["endorsement_epoch_end"] = end->text();
  if (previous_version) fields["previous_version"] = previous_version->value;
  return json::dump(fields);
}

Result<EndorsementRecord> parse_endorsement_record(BytesView text) {
  auto document = json::parse(as_text(text));
  if (!document) return document.error();
  const json::Reader reader(*document);
  auto endorsement = fields::base64(reader, "endorsement");
  if (!endorsement) return endorsement.error();
  auto spki = fields::base64(reader, "endorsing_key");
  if (!spki) return spki.error();
  auto key = crypto::PublicKey::from_der(*spki);
  if (!key) return key.error().at("At #/endorsing_key");
  auto begin = fields::txid(reader, "endorsement_epoch_begin");
  if (!begin) return begin.error();
  auto end = fields::optional(reader, "endorsement_epoch_end", fields::txid);
  if (!end) return end.error();
  auto previous = fields::optional(reader, "previous_version", fields::seqno);
  if (!previous) return previous.error();
  return EndorsementRecord{std::move(*endorsement), std::move(*key), *begin, *end, *previous};
}

EndorsementRecord make_self_endorsement(const crypto::KeyPair& service, const TxId& created,
                                        UnixTime issued_at) {
  const crypto::PublicKey& key = service.public_key();
  return {sign_endorsement(service, key, created, {}, {}, issued_at), key, created, {}, {}};
}

EndorsementRecord make_endorsement(const crypto::KeyPair& service, const TxId& created,
                                   const PreviousEpoch& previous, UnixTime issued_at) {
  ENTENTE_ASSERT(created.view.value > 2 && created.seqno.value > 1);
  const TxId begin = previous.record.self() ? previous.record.begin : after(*previous.record.end);
  const TxId end = before(created);
  return {sign_endorsement(service, previous.record.endorsing_key, begin, end,
                           previous.last_signed_root, issued_at),
          service.public_key(), begin, end, previous.written_at};
}

// -------------------------------------------------------------------------------------- the chain

namespace {

/// The COSE message of a record, verified, agreeing with what the record says of it.
Result<CoseEndorsement> checked_endorsement(const EndorsementRecord& record,
                                            const crypto::PublicKey& endorsing) {
  if (!(record.endorsing_key == endorsing)) {
    return Error{"endorsing_key: is not the next newer service key"};
  }
  auto endorsement = parse_cose_endorsement(record.endorsement);
  if (!endorsement) return endorsement.error().at("endorsement");
  if (endorsement->begin != record.begin) {
    return Error{"endorsement_epoch_begin: differs from the signed one"};
  }
  if (endorsement->end != record.end) {
    return Error{"endorsement_epoch_end: differs from the signed one"};
  }
  if (auto verified = verify_cose_endorsement(*endorsement, endorsing); !verified) {
    return verified.error().at("endorsement");
  }
  if (record.self() && !(endorsement->endorsed == endorsing)) {
    return Error{"endorsement: without an end, but for another key"};
  }
  return endorsement;
}

/// Left by an election in the middle of a recovery; endorses nothing.
bool ill_formed(const TxId& begin, const TxId& end) {
  return end.seqno < begin.seqno;
}

/// The epoch before the ones collected so far.
struct Boundary {
  std::optional<TxId> newer_begin;  ///< absent before the first
  TxId created;

  Result<void> check_end(const TxId& end) const {
    if (!newer_begin) {
      if (created.view.value > 2 && created.seqno.value > 1 && end == before(created)) return {};
      return Error{"endorsement_epoch_end: " + end.text() +
                   " is not just before the service created at " + created.text()};
    }
    if (*newer_begin == after(end)) return {};
    return Error{"endorsement_epoch_end: " + end.text() + " is not just before " +
                 newer_begin->text()};
  }
  Result<void> check_self(const TxId& begin) const {
    const TxId expected = newer_begin ? *newer_begin : created;
    if (begin == expected) return {};
    return Error{"endorsement_epoch_begin: " + begin.text() + " where " + expected.text() +
                 " is expected"};
  }
};

}  // namespace

Result<std::vector<ServiceEpoch>> walk_endorsements(const EndorsementRecord& current,
                                                    const TxId& created,
                                                    const crypto::PublicKey& service,
                                                    const EndorsementAt& record_at) {
  std::vector<ServiceEpoch> epochs;
  crypto::PublicKey endorsing = service;
  EndorsementRecord record = current;
  std::optional<SeqNo> at;
  Boundary boundary{{}, created};
  for (size_t steps = 0; steps < max_epochs; ++steps) {
    const std::string place = at ? "endorsement written at " + std::to_string(at->value)
                                 : std::string("current endorsement");
    auto endorsement = checked_endorsement(record, endorsing);
    if (!endorsement) return endorsement.error().at(place);
    if (record.self()) {
      if (auto checked = boundary.check_self(record.begin); !checked) {
        return checked.error().at(place);
      }
      return epochs;
    }
    if (!record.previous_version) return Error{place + ": previous_version: missing"};
    if (!ill_formed(record.begin, *record.end)) {
      if (auto checked = boundary.check_end(*record.end); !checked) {
        return checked.error().at(place);
      }
      epochs.push_back(
          {record.begin, *record.end, endorsement->endorsed, std::move(record.endorsement)});
      boundary.newer_begin = record.begin;
    }
    if (at && *record.previous_version >= *at) {
      return Error{place + ": previous_version: does not go back"};
    }
    endorsing = endorsement->endorsed;
    at = record.previous_version;
    auto older = record_at(*at);
    if (!older) {
      return older.error().at("endorsement written at " + std::to_string(at->value));
    }
    record = std::move(*older);
  }
  return Error{"endorsements: more than " + std::to_string(max_epochs) + " service identities"};
}

Result<crypto::PublicKey> identity_at(const TxId& txid, const crypto::PublicKey& service,
                                      std::span<const Bytes> endorsements) {
  crypto::PublicKey key = service;
  std::optional<TxId> newer_begin;
  for (size_t index = 0; index < endorsements.size(); ++index) {
    const std::string place = "COSE endorsement " + std::to_string(index);
    auto endorsement = parse_cose_endorsement(endorsements[index]);
    if (!endorsement) return endorsement.error().at(place);
    if (auto verified = verify_cose_endorsement(*endorsement, key); !verified) {
      return verified.error().at(place);
    }
    if (!endorsement->end) return Error{place + ": has no end"};
    const TxId& begin = endorsement->begin;
    const TxId& end = *endorsement->end;
    key = endorsement->endorsed;
    if (ill_formed(begin, end)) continue;
    if (newer_begin && *newer_begin != after(end)) {
      return Error{place + ": its end " + end.text() + " is not just before " +
                   newer_begin->text()};
    }
    newer_begin = begin;
    if (begin.seqno <= txid.seqno && txid.seqno <= end.seqno && begin.view <= txid.view &&
        txid.view <= end.view) {
      return key;
    }
  }
  if (endorsements.empty()) return service;
  return Error{"COSE endorsements: none covers transaction " + txid.text()};
}

}  // namespace entente::ledger
