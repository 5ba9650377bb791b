#pragma once
// Reads back what a load client recorded (bench_record.h) and says whether anything is missing.

#include <chrono>
#include <functional>

#include "base/json.h"
#include "cli/bench_load.h"
#include "cli/bench_record.h"

namespace entente::cli {

struct RecordCheck {
  uint64_t writes = 0;     ///< lines of the record
  uint64_t promised = 0;   ///< of them acknowledged at global commit
  uint64_t committed = 0;  ///< the service says so, and the value is there
  uint64_t overtaken = 0;  ///< Invalid, and never promised: the client may have to repeat it
  uint64_t lost = 0;       ///< promised, and not Committed
  uint64_t missing = 0;    ///< Committed, and the value is not there
  uint64_t undecided = 0;  ///< neither Committed nor Invalid within the patience
  std::vector<std::string> wrong;  ///< the first few of the last three, in words

  bool ok() const { return lost == 0 && missing == 0 && undecided == 0; }
};

/// Asks the service for the status and the value of every write. Follows a failover meanwhile.
Result<RecordCheck> check_record(const LoadOptions& load, const RecordFile& record,
                                 const std::function<void(const std::string&)>& progress = {});

json::value to_json(const RecordCheck& check);
std::string to_text(const RecordCheck& check);

}  // namespace entente::cli
