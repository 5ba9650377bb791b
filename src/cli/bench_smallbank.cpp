#include "cli/bench_smallbank.h"

#include <flatbuffers/flatbuffers.h>

#include <cstring>
#include <string_view>
#include <vector>

#include "smallbank_generated.h"

namespace entente::cli {
namespace {

using Kind = SmallBankOperation::Kind;

constexpr std::string_view procedures[] = {"transact_savings", "amalgamate", "write_check",
                                           "deposit_checking", "balance"};

std::string text_of(const flatbuffers::FlatBufferBuilder& builder) {
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

}  // namespace

SmallBankOperation SmallBankGenerator::next() {
  SmallBankOperation operation;
  operation.kind = static_cast<Kind>(draw(5));
  operation.account = draw(smallbank_accounts);
  switch (operation.kind) {
    case Kind::transact_savings:
      operation.value = static_cast<int32_t>(draw(100)) - 50;
      break;
    case Kind::amalgamate:
      operation.destination = draw(smallbank_accounts - 1);
      if (operation.destination >= operation.account) ++operation.destination;
      break;
    case Kind::write_check:
      operation.value = static_cast<int32_t>(draw(50));
      break;
    case Kind::deposit_checking:
      operation.value = 1 + static_cast<int32_t>(draw(50));
      break;
    case Kind::balance:
      break;
  }
  return operation;
}

SmallBankModel::SmallBankModel() {
  savings_.fill(smallbank_opening_balance);
  checking_.fill(smallbank_opening_balance);
}

bool SmallBankModel::apply(const SmallBankOperation& operation) {
  int64_t& savings = savings_[operation.account];
  int64_t& checking = checking_[operation.account];
  switch (operation.kind) {
    case Kind::transact_savings:
      if (savings + operation.value < 0) return false;
      savings += operation.value;
      break;
    case Kind::amalgamate:
      checking_[operation.destination] += savings + checking;
      savings = checking = 0;
      break;
    case Kind::write_check: {
      const int64_t total = savings + checking;
      const int64_t penalty = total < operation.value ? 1 : 0;
      checking = total - operation.value - penalty;
      break;
    }
    case Kind::deposit_checking:
      checking += operation.value;
      break;
    case Kind::balance:
      break;
  }
  return true;
}

std::string smallbank_population_body() {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(smallbank::CreateAccounts(builder, 0, smallbank_accounts,
                                           smallbank_opening_balance, smallbank_opening_balance));
  return text_of(builder);
}

std::string smallbank_account_body(uint32_t account) {
  flatbuffers::FlatBufferBuilder builder;
  const auto name = builder.CreateString(std::to_string(account));
  builder.Finish(smallbank::CreateTransaction(builder, name, 0));
  return text_of(builder);
}

bool smallbank_read_balance(std::string_view body, int64_t& balance) {
  // Numbers are read where they stand, which must suit their type.
  std::vector<uint64_t> aligned(body.size() / sizeof(uint64_t) + 1);
  if (!body.empty()) std::memcpy(aligned.data(), body.data(), body.size());
  const auto* bytes = reinterpret_cast<const uint8_t*>(aligned.data());
  flatbuffers::Verifier verifier(bytes, body.size());
  if (!verifier.VerifyBuffer<smallbank::Balance>(nullptr)) return false;
  balance = flatbuffers::GetRoot<smallbank::Balance>(bytes)->balance();
  return true;
}

struct SmallBankWriter::Builder {
  flatbuffers::FlatBufferBuilder flat;
};

SmallBankWriter::SmallBankWriter(std::string extra_headers)
    : extra_headers_(std::move(extra_headers)), builder_(std::make_unique<Builder>()) {}
SmallBankWriter::~SmallBankWriter() = default;

void SmallBankWriter::append(const SmallBankOperation& operation, std::string& out) {
  flatbuffers::FlatBufferBuilder& flat = builder_->flat;
  flat.Clear();
  const char account = static_cast<char>('0' + operation.account);
  const auto name = flat.CreateString(&account, 1);
  if (operation.kind == Kind::amalgamate) {
    const char destination = static_cast<char>('0' + operation.destination);
    flat.Finish(smallbank::CreateAmalgamate(flat, name, flat.CreateString(&destination, 1)));
  } else {
    flat.Finish(smallbank::CreateTransaction(flat, name, operation.value));
  }
  out += "POST /app/SmallBank_";
  out += procedures[static_cast<size_t>(operation.kind)];
  out += " HTTP/1.1\r\nhost: entente\r\ncontent-type: application/octet-stream\r\n";
  out += extra_headers_;
  out += "content-length: ";
  out += std::to_string(flat.GetSize());
  out += "\r\n\r\n";
  out.append(reinterpret_cast<const char*>(flat.GetBufferPointer()), flat.GetSize());
}

}  // namespace entente::cli
