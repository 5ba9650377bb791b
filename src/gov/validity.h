#pragma once
// From when and how long certificates are valid, as proposals say it.
// Source: docs/governance.md (certificates).

#include <string_view>

#include "crypto/x509_issue.h"

namespace entente::gov {

/// A point in time, UTC unless it has an offset. Forms (S: `T` or a space; .f: any number of
/// digits, dropped; O: `+hh:mm`, `-hh:mm`, or a space in place of the colon, one space before it
/// allowed):
///   YYMMDDhhmmss or YYYYMMDDhhmmss, then `Z` or `±hhmm`      years of two digits: 1950 to 2049
///   YYYY-MM-DDShh:mm:ss[.f][O]
/// Everything else is an error, dates that do not exist included.
Result<UnixTime> parse_valid_from(std::string_view text);

/// With at least one day, ending before the year 10000.
Result<crypto::Validity> parse_validity(std::string_view valid_from, uint64_t days);

}  // namespace entente::gov
