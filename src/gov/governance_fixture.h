#pragma once
// For tests and fuzzers only: a whole governance over a store in memory, and members who send
// signed requests to it through the frontend.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <fstream>
#include <sstream>

#include "crypto/digest.h"
#include "gov/api_document.h"
#include "gov/effects_fixture.h"
#include "gov/governance.h"
#include "rpc/common_endpoints.h"

namespace entente::gov::test {

using rpc::test::body_json;
using rpc::test::body_text;
using rpc::test::header_of;
using rpc::test::summary;

/// Every look at it takes 20 ms: scripts that never end do so after the same work everywhere. Where
/// several threads look, one uses up the time of another: they set `step` to 0.
struct TickingClock final : Clock {
  mutable std::atomic<int64_t> microseconds{0};
  int64_t step = 20'000;
  MonotonicTime now() const override { return MonotonicTime(microseconds += step); }
  UnixTime unix_time() const override { return UnixTime(1'750'000'000); }
};

/// A file of the project's own constitutions.
inline std::string constitution_file(const std::string& name) {
  std::ifstream file(std::string(ENTENTE_SOURCE_DIR) + "/constitutions/" + name);
  EXPECT_TRUE(file.good()) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The parts as genesis joins them.
inline std::string joined(const std::vector<std::string>& files) {
  std::string text;
  for (const std::string& file : files) {
    if (!text.empty()) text += '\n';
    text += constitution_file(file);
  }
  return text;
}

/// The smallest constitution: each part may be replaced.
struct TinyConstitution {
  std::string top;
  std::string validate = "return {valid: true};";
  std::string resolve =
      "return votes.filter(v => v.vote).length > 1 ? 'Accepted'"
      " : votes.filter(v => !v.vote).length > 1 ? 'Rejected' : 'Open';";
  std::string apply;
  std::string text() const {
    return top + "\nexport function validate(proposal) {" + validate +
           "}\nexport function resolve(proposal, proposer, votes, id) {" + resolve +
           "}\nexport function apply(proposal, id) {" + apply + "}\n";
  }
};

constexpr std::string_view yes = "export function vote(proposal, proposer) { return true; }";
constexpr std::string_view no = "export function vote(proposal, proposer) { return false; }";
constexpr std::string_view nothing = R"({"actions":[]})";

inline std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::dump(value);
}

class GovernanceService : public EffectsService {
 public:
  explicit GovernanceService(size_t active_members = 3) {
    for (size_t i = 0; i < active_members; ++i) add_member("Active", false);
    rpc::install_common_endpoints(frontends.registry(rpc::Actor::gov), node, api_documents());
    governance.install(frontends.registry(rpc::Actor::gov));
    start();
    set_constitution(TinyConstitution{}.text());
  }

  TickingClock ticking;
  bool has_roots = true;
  Governance governance{Surroundings{.clock = ticking,
                                     .random = crypto::system_random(),
                                     .node = node,
                                     .stage = surroundings.stage,
                                     .service_key = surroundings.service_key,
                                     .secrets = surroundings.secrets,
                                     .root_at = [this](TxId id) -> Result<Digest> {
                                       if (!has_roots) return Error{"not in this ledger"};
                                       return root_of(id);
                                     },
                                     .request_chunk = surroundings.request_chunk,
                                     .request_snapshot = surroundings.request_snapshot,
                                     .historical_secret_at = {},
                                     .pending_configurations = surroundings.pending_configurations,
                                     .standing = surroundings.standing}};

  /// Of the stand-in for a ledger.
  static Digest root_of(TxId id) { return crypto::sha256(as_bytes(id.text())); }

  void set_constitution(const std::string& text) {
    put_unit(tables::constitution, json::value(text));
  }
  void use(const TinyConstitution& constitution) { set_constitution(constitution.text()); }

  // ---- signed requests

  uint64_t created_at = 1'750'000'000;

  static std::string versioned_path(const std::string& path) {
    return "/gov" + path + "?api-version=2024-07-01";
  }
  Bytes sign(const TestMember& member, std::string_view type, std::string_view payload,
             std::optional<std::string> proposal = std::nullopt) {
    const auto message = sign_message({std::string(type), created_at, std::move(proposal)},
                                      as_bytes(payload), member.certificate, member.key);
    EXPECT_TRUE(message.ok()) << (message.ok() ? "" : message.error().message);
    return *message;
  }
  http::Response post(const std::string& path, BytesView message,
                      const Headers& headers = {{"content-type", "application/cose"}}) {
    return send(http::Method::post, path, as_text(message), headers);
  }

  /// Each proposal is signed a second later.
  http::Response propose(const TestMember& member, std::string_view payload = nothing) {
    ++created_at;
    return post(versioned_path("/members/proposals:create"), sign(member, "proposal", payload));
  }
  /// The id of a proposal that was taken.
  std::string proposal(const TestMember& member, std::string_view payload = nothing) {
    const auto response = propose(member, payload);
    EXPECT_EQ(response.status, 200) << body_text(response);
    if (response.status != 200) return std::string(64, '0');
    return std::string(body_json(response).at("proposalId").get_string());
  }
  static std::string ballot_path(const std::string& id, const std::string& member) {
    return versioned_path("/members/proposals/" + id + "/ballots/" + member + ":submit");
  }
  http::Response vote(const TestMember& member, const std::string& id, std::string_view ballot) {
    const std::string payload = json::dump(json::object{{"ballot", ballot}});
    return post(ballot_path(id, member.id()), sign(member, "ballot", payload, id));
  }
  http::Response withdraw(const TestMember& member, const std::string& id) {
    return post(versioned_path("/members/proposals/" + id + ":withdraw"),
                sign(member, "withdrawal", "", id));
  }

  // ---- what is stored

  std::string state_of(const std::string& id) {
    const auto response = get_request(versioned_path("/members/proposals/" + id));
    if (response.status != 200) return summary(response);
    return std::string(body_json(response).at("proposalState").get_string());
  }
  bool stored(const std::string& id) {
    return get(tables::proposals_info, id).has_value() || get(tables::proposals, id).has_value();
  }
  static std::string state_in(const http::Response& response) {
    if (response.status != 200) return summary(response);
    return std::string(body_json(response).at("proposalState").get_string());
  }
};

}  // namespace entente::gov::test
