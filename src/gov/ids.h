#pragma once
// Ids of members, users, nodes and proposals in paths, and how messages name them.
// Source: docs/governance.md (messages and errors).

#include <string>
#include <string_view>

#include "entente/call.h"

namespace entente::gov {

/// Exactly 64 hex digits of either case. Looking one up is case-sensitive all the same.
bool is_id(std::string_view text);

/// The path parameter of that name. Throws RpcException 400 InvalidResourceName if it is no id.
std::string id_parameter(const Call& call, std::string_view name);

/// `m[…]`, as messages name a member.
inline std::string member_name(std::string_view id) {
  return "m[" + std::string(id) + "]";
}

}  // namespace entente::gov
