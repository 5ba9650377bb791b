#include "gov/join_policy.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "gov/tables.h"
#include "tee/virtual_platform.h"

namespace entente::gov {
namespace {

using Refusal = std::optional<JoinRefusal>;

Refusal refuse(std::string_view message) {
  return JoinRefusal{std::string(message)};
}

bool allowed_to_join(kv::ReadOnlyTx& tx, std::string_view table, BytesView key) {
  const auto row = tx.ro(table).get(key);
  return row && as_text(*row) == "\"AllowedToJoin\"";
}

/// Where the rules of a platform are.
struct Rules {
  std::string_view host_data;  ///< empty: not asked for
  std::string_view measurements;
  bool hex_measurement;
};

const Rules& rules_of(Platform platform) {
  static constexpr Rules rules[] = {
      {tables::nodes_virtual_host_data, tables::nodes_virtual_measurements, false},
      {tables::nodes_snp_host_data, tables::nodes_snp_measurements, true},
      {"", tables::nodes_code_ids, true}};
  return rules[static_cast<size_t>(platform)];
}

Refusal check_host_data(kv::ReadOnlyTx& tx, const VerifiedEvidence& evidence) {
  const std::string_view table = rules_of(evidence.platform).host_data;
  if (table.empty()) return std::nullopt;
  if (!evidence.host_data) return refuse("Quote does not contain trusted host data");
  if (tx.ro(table).has(as_bytes(evidence.host_data->hex()))) return std::nullopt;
  return refuse("Quote host data is not authorised");
}

/// A security version number as scripts store it: text, or a number.
std::optional<uint64_t> svn_of(const json::value* row) {
  const json::object* members = row == nullptr ? nullptr : row->if_object();
  const json::value* svn = members == nullptr ? nullptr : members->if_contains("svn");
  if (svn == nullptr) return std::nullopt;
  if (svn->is_int64() && svn->get_int64() >= 0) return static_cast<uint64_t>(svn->get_int64());
  if (svn->is_uint64()) return svn->get_uint64();
  if (!svn->is_string()) return std::nullopt;
  const std::string_view text = svn->get_string();
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Refusal check_uvm(kv::ReadOnlyTx& tx, const VerifiedEvidence& evidence) {
  const auto& uvm = *evidence.uvm;
  const auto row = tables::get_json(tx, tables::nodes_snp_uvm_endorsements, as_bytes(uvm.did));
  const json::object* feeds = row ? row->if_object() : nullptr;
  const auto minimum = svn_of(feeds == nullptr ? nullptr : feeds->if_contains(uvm.feed));
  if (!minimum || *minimum > uvm.svn || !equal(uvm.measurement, evidence.measurement)) {
    return refuse("UVM endorsements are not authorised");
  }
  return std::nullopt;
}

Refusal check_measurement(kv::ReadOnlyTx& tx, const VerifiedEvidence& evidence) {
  if (evidence.platform == Platform::sev_snp && evidence.uvm) return check_uvm(tx, evidence);
  const Rules& rules = rules_of(evidence.platform);
  const std::string key =
      rules.hex_measurement ? to_hex(evidence.measurement) : to_text(evidence.measurement);
  if (allowed_to_join(tx, rules.measurements, as_bytes(key))) return std::nullopt;
  return refuse("Quote does not contain known enclave measurement");
}

/// Every row for this model has to be met; there has to be one.
Refusal check_tcb(kv::ReadOnlyTx& tx, const VerifiedEvidence& evidence) {
  if (evidence.platform != Platform::sev_snp) return std::nullopt;
  bool known = false, met = true;
  tx.ro(tables::nodes_snp_tcb_versions).foreach ([&](BytesView cpuid, BytesView row) {
    if (!evidence.cpu || cpu_model(as_text(cpuid)) != evidence.cpu) return true;
    known = true;
    const auto document = json::parse(as_text(row));
    const auto minimum = document ? parse_tcb(*document) : Result<Tcb>(document.error());
    met = met && minimum && meets(evidence.tcb, *minimum);
    return true;
  });
  if (!known) return refuse("Quote is of a processor for which no minimum TCB version is set");
  if (!met) return refuse("Quote TCB version is below the minimum for its processor");
  return std::nullopt;
}

/// Platforms have 64 bytes for it; what the digest does not fill is zero.
Refusal check_report_data(const VerifiedEvidence& evidence, const Digest& node_key) {
  const BytesView data = evidence.report_data;
  const BytesView digest = node_key;
  if (data.size() >= digest.size() && equal(data.first(digest.size()), digest)) {
    const BytesView rest = data.subspan(digest.size());
    if (std::all_of(rest.begin(), rest.end(), [](uint8_t byte) { return byte == 0; })) {
      return std::nullopt;
    }
  }
  return refuse("Quote report data does not match the hash of the public key for this node");
}

}  // namespace

std::optional<JoinRefusal> check_join(kv::ReadOnlyTx& tx, const VerifiedEvidence& evidence,
                                      const Digest& node_key) {
  if (auto refused = check_host_data(tx, evidence)) return refused;
  if (auto refused = check_measurement(tx, evidence)) return refused;
  if (auto refused = check_tcb(tx, evidence)) return refused;
  return check_report_data(evidence, node_key);
}

std::optional<JoinRefusal> check_join(kv::ReadOnlyTx& tx, const tee::Evidence& evidence,
                                      const Digest& node_key, std::string_view own_format) {
  const auto unverified = refuse("Quote could not be verified");
  if (evidence.format != own_format || own_format != tee::virtual_platform::format) {
    return unverified;
  }
  const auto claims = tee::virtual_platform::read_evidence(evidence);
  if (!claims) return unverified;
  return check_join(tx,
                    VerifiedEvidence{.platform = Platform::virtual_machine,
                                     .measurement = claims->measurement,
                                     .host_data = claims->host_data,
                                     .report_data = claims->report_data,
                                     .uvm = {},
                                     .cpu = {},
                                     .tcb = {}},
                    node_key);
}

}  // namespace entente::gov
