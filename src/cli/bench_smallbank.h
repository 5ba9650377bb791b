#pragma once
// SmallBank as this project measures it: the stream of operations, and what a bank that executes
// them one after the other holds in the end. Source: docs/smallbank.md (generator and draws).

#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>

namespace entente::cli {

inline constexpr uint32_t smallbank_accounts = 10;
inline constexpr int64_t smallbank_opening_balance = 1000;  ///< of each of the two
inline constexpr uint32_t smallbank_seed = 42;

struct SmallBankOperation {
  enum class Kind { transact_savings, amalgamate, write_check, deposit_checking, balance };
  Kind kind = Kind::balance;
  uint32_t account = 0;      ///< the source of an amalgamation
  uint32_t destination = 0;  ///< of an amalgamation
  int32_t value = 0;         ///< amount; of savings transactions also negative
  bool operator==(const SmallBankOperation&) const = default;
};

class SmallBankGenerator {
 public:
  explicit SmallBankGenerator(uint32_t seed = smallbank_seed) : random_(seed) {}
  SmallBankOperation next();

 private:
  /// floor(x * n / 2^32) of the next 32-bit output x.
  uint32_t draw(uint32_t n) { return static_cast<uint32_t>((uint64_t{random_()} * n) >> 32); }
  std::mt19937 random_;
};

/// The bank after its population.
class SmallBankModel {
 public:
  SmallBankModel();
  /// False if the bank refuses: nothing changed.
  bool apply(const SmallBankOperation& operation);
  int64_t balance(uint32_t account) const { return savings_[account] + checking_[account]; }

 private:
  std::array<int64_t, smallbank_accounts> savings_;
  std::array<int64_t, smallbank_accounts> checking_;
};

/// FlatBuffers bodies (apps/smallbank/smallbank.fbs).
std::string smallbank_population_body();
/// Of a `SmallBank_balance` request.
std::string smallbank_account_body(uint32_t account);
/// From the answer to a balance request; false if it is no such answer.
bool smallbank_read_balance(std::string_view body, int64_t& balance);

/// Appends whole requests; keeps its memory between them. Not thread-safe.
class SmallBankWriter {
 public:
  explicit SmallBankWriter(std::string extra_headers);
  ~SmallBankWriter();
  void append(const SmallBankOperation& operation, std::string& out);

 private:
  struct Builder;
  std::string extra_headers_;
  std::unique_ptr<Builder> builder_;
};

}  // namespace entente::cli
