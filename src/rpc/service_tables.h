#pragma once
// The governance tables that authentication reads. Source: docs/ledger-format.md (tables).

#include <string_view>

namespace entente::rpc::tables {

inline constexpr std::string_view users_certs = "public:ccf.gov.users.certs",
                                  members_certs = "public:ccf.gov.members.certs",
                                  members_info = "public:ccf.gov.members.info",
                                  nodes_info = "public:ccf.gov.nodes.info",
                                  jwt_keys = "public:ccf.gov.jwt.public_signing_keys_metadata_v2";

}  // namespace entente::rpc::tables
