#pragma once
// Which code may touch which map, decided by the map's name alone. Names are case-sensitive.
// Source: docs/ledger-format.md (names), docs/applications.md (ccf.kv access table).

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "entente/bytes.h"

namespace entente::kv {

enum class Access : uint8_t { none = 0, read = 1, write = 2, read_write = 3 };

inline bool allows(Access granted, Access wanted) {
  return (static_cast<int>(granted) & static_cast<int>(wanted)) == static_cast<int>(wanted);
}

enum class NameClass : uint8_t {
  public_governance,    ///< `public:ccf.gov.…`
  public_internal,      ///< `public:ccf.internal.…`
  private_framework,    ///< `ccf.gov.…`, `ccf.internal.…`
  reserved,             ///< any other `ccf.…` or `public:ccf.…`: refused to everybody
  public_application,   ///< any other `public:…`
  private_application,  ///< anything else
  invalid               ///< empty, or longer than max_map_name_size
};
inline constexpr size_t name_class_count = static_cast<size_t>(NameClass::invalid) + 1;

/// On whose behalf a transaction runs. It is fixed when the transaction begins.
enum class Context : uint8_t {
  framework,              ///< the node itself: everything but reserved names
  application,            ///< an endpoint that may write
  read_only_application,  ///< an endpoint that may not, or a historical one
  read_only_governance,   ///< a ballot, a validation, a resolution
  governance              ///< the application of an accepted proposal
};
inline constexpr size_t context_count = static_cast<size_t>(Context::governance) + 1;

/// What one transaction may write: keys, values and names of maps, 20 bytes for each record and 40
/// for each map, replaced writes included. So its ledger entry is not larger by more than 1 KiB.
inline constexpr size_t max_transaction_size = size_t{64} << 20;  ///< bytes
inline constexpr size_t max_map_name_size = 1024;                ///< bytes
inline constexpr size_t max_key_size = size_t{16} << 20;         ///< bytes
inline constexpr size_t max_value_size = size_t{32} << 20;      ///< bytes

NameClass name_class(std::string_view map);
Access access_of(Context context, NameClass name);
inline Access access_of(Context context, std::string_view map) {
  return access_of(context, name_class(map));
}
using entente::to_text;  // of bytes, which the next line would hide
/// `application`, `read-only governance` …
std::string_view to_text(Context context);

/// A transaction asked for a map, or a kind of access to it, that its context does not have.
/// The message names map, access and context.
class AccessError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A key, a value, a transaction or the number of maps is over its limit.
class LimitError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace entente::kv
