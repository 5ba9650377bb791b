#pragma once
// Bodies of requests and answers, and the tables.

#include <boost/describe/class.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "entente/app.h"

namespace logging {

using entente::Bytes;
using entente::json::value;

using Records = entente::kv::Map<uint64_t, std::string>;
inline constexpr std::string_view private_table = "records", public_table = "public:records";

struct Record {
  uint64_t id = 0;
  std::string msg;
  bool record_claim = false;
  static constexpr std::array optional_fields = {std::string_view("record_claim")};
  static constexpr std::string_view schema_name = "LoggingRecord__In";
};
BOOST_DESCRIBE_STRUCT(Record, (), (id, msg, record_claim))

struct Message {
  std::string msg;
  static constexpr std::string_view schema_name = "LoggingGet__Out";
};
BOOST_DESCRIBE_STRUCT(Message, (), (msg))

struct Stored {
  bool success = false;
  std::string tx_id;
  static constexpr std::string_view schema_name = "LoggingPut__Out";
};
BOOST_DESCRIBE_STRUCT(Stored, (), (success, tx_id))

struct MessageWithReceipt {
  std::string msg;
  value receipt;
  static constexpr std::string_view schema_name = "LoggingGetReceipt__Out";
};
BOOST_DESCRIBE_STRUCT(MessageWithReceipt, (), (msg, receipt))

struct PastEntry {
  uint64_t seqno = 0;
  uint64_t id = 0;
  std::string msg;
  bool operator==(const PastEntry&) const = default;
  static constexpr std::string_view schema_name = "LoggingGetHistoricalRange__Entry";
};
BOOST_DESCRIBE_STRUCT(PastEntry, (), (seqno, id, msg))

struct PastEntries {
  std::vector<PastEntry> entries;
  std::optional<std::string> next_link;
  static constexpr std::string_view schema_name = "LoggingGetHistoricalRange__Out";
  static constexpr std::string_view json_name(std::string_view member) {
    return member == "next_link" ? "@nextLink" : member;
  }
};
BOOST_DESCRIBE_STRUCT(PastEntries, (), (entries, next_link))

struct Endorsements {
  std::vector<Bytes> endorsements;
  static constexpr std::string_view schema_name = "LoggingGetCoseEndorsements__Out";
};
BOOST_DESCRIBE_STRUCT(Endorsements, (), (endorsements))

struct Signature {
  Bytes cose_signature;
  static constexpr std::string_view schema_name = "LoggingGetCoseSignature__Out";
};
BOOST_DESCRIBE_STRUCT(Signature, (), (cose_signature))

/// The usual callers.
inline entente::AuthPolicies default_policies() {
  return {entente::auth::jwt(), entente::auth::user_cert(), entente::auth::user_cose_sign1()};
}

/// The table of a request: with `?scope=S` a table of its own.
inline Records table(std::string_view name, const entente::http::QueryParameters& query) {
  const std::string* scope = query.find("scope");
  return Records(scope == nullptr ? std::string(name) : std::string(name) + "-" + *scope);
}

/// A parameter of the query. Throws 400 InvalidQueryParameterValue.
template <typename T>
T required(const entente::http::QueryParameters& query, std::string_view name) {
  auto parameter = query.get<T>(name);
  if (!parameter) {
    throw entente::RpcException(entente::http::status::bad_request,
                                entente::errors::invalid_query_parameter_value,
                                parameter.error().message);
  }
  return std::move(*parameter);
}
template <typename T>
T optional(const entente::http::QueryParameters& query, std::string_view name, T otherwise) {
  return query.find(name) == nullptr ? otherwise : required<T>(query, name);
}

inline std::string no_such_record(uint64_t id) {
  return "No such record: " + std::to_string(id) + ".";
}

}  // namespace logging
