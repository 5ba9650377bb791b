#include "cli/bench_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <thread>

#include "cli/bench_dialler.h"
#include "cli/service_client.h"

namespace entente::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t at_a_time = 64;
constexpr size_t most_shown = 10;
constexpr std::chrono::milliseconds before_asking_again{20};

std::string value_request(WorkloadKind kind, const RecordedWrite& write) {
  return request_text("GET",
                      kind == WorkloadKind::logging ? "/app/log/private?id=" + write.key
                                                    : "/app/records/" + write.key,
                      "");
}

bool holds(WorkloadKind kind, const Answer& answer, const std::string& value) {
  if (answer.status != 200) return false;
  if (kind != WorkloadKind::logging) return answer.body == value;
  const auto body = json::parse(answer.body);
  if (!body) return false;
  const auto text = json::Reader(*body).member("msg");
  if (!text) return false;
  const auto found = text->as_string();
  return found && *found == value;
}

/// Status of a transaction in words; an error for every answer that says none.
Result<std::string> status_in(const Answer& answer) {
  if (answer.status != 200) return Error{in_words(answer)};
  const auto body = json::parse(answer.body);
  if (!body) return body.error();
  const auto status = json::Reader(*body).member("status");
  if (!status) return status.error();
  const auto text = status->as_string();
  if (!text) return text.error();
  return std::string(*text);
}

class Check {
 public:
  Check(TlsContext context, const LoadOptions& load, const RecordFile& record)
      : dialler_(std::move(context), load.addresses, load.patience),
        patience_(load.patience),
        kind_(record.kind),
        writes_(record.writes) {}

  Result<RecordCheck> run(const std::function<void(const std::string&)>& progress) {
    check_.writes = writes_.size();
    std::deque<const RecordedWrite*> open;
    for (const RecordedWrite& write : writes_) {
      check_.promised += write.committed ? 1 : 0;
      open.push_back(&write);
    }
    auto last_success = Clock::now();
    while (!open.empty()) {
      const size_t before = open.size();
      const auto asked = ask_some(open);
      if (open.size() < before) last_success = Clock::now();
      if (progress) progress(fmt::format("checking: {} writes left", open.size()));
      if (Clock::now() - last_success > patience_) {
        if (!asked) return asked.error();
        for (const RecordedWrite* write : open) {
          wrong(*write, check_.undecided, "is neither Committed nor Invalid");
        }
        break;
      }
      if (!asked || open.size() == before) std::this_thread::sleep_for(before_asking_again);
    }
    return std::move(check_);
  }

 private:
  /// Asks about the first of `open`; what is decided goes out of it, what is not goes to its end.
  Result<void> ask_some(std::deque<const RecordedWrite*>& open) {
    if (!client_) {
      auto connected = dialler_.connect();
      if (!connected) return connected.error();
      client_.emplace(std::move(*connected));
    }
    const size_t count = std::min(open.size(), at_a_time);
    std::string requests;
    for (size_t i = 0; i < count; ++i) {
      requests += request_text("GET", "/node/tx?transaction_id=" + open[i]->id.text(), "");
      requests += value_request(kind_, *open[i]);
    }
    auto answers = client_->exchange_all(requests, 2 * count);
    if (!answers) {
      client_.reset();
      return answers.error();
    }
    for (size_t i = 0; i < count; ++i) {
      const RecordedWrite* write = open.front();
      open.pop_front();
      const auto status = status_in((*answers)[2 * i]);
      if (!status) {  // of a node that changes its role; nothing is known yet
        open.push_back(write);
        client_.reset();
      } else if (!decided(*write, *status, (*answers)[2 * i + 1])) {
        open.push_back(write);
      }
    }
    return {};
  }

  bool decided(const RecordedWrite& write, const std::string& status, const Answer& answer) {
    if (status == "Committed") {
      if (answer.status >= 500) return false;  // the value has to be asked for again
      if (holds(kind_, answer, write.value)) {
        ++check_.committed;
      } else {
        wrong(write, check_.missing,
              "is Committed, and its value is not there: " + in_words(answer));
      }
      return true;
    }
    if (status != "Invalid") return false;
    if (write.committed) {
      wrong(write, check_.lost, "was acknowledged as committed, and is Invalid");
    } else {
      ++check_.overtaken;
    }
    return true;
  }

  void wrong(const RecordedWrite& write, uint64_t& count, const std::string& what) {
    ++count;
    if (check_.wrong.size() == most_shown) return;
    check_.wrong.push_back("key " + write.key + ", transaction " + write.id.text() + " " + what);
  }

  BenchDialler dialler_;
  const std::chrono::nanoseconds patience_;
  const WorkloadKind kind_;
  const std::vector<RecordedWrite>& writes_;
  std::optional<TlsClient> client_;
  RecordCheck check_;
};

}  // namespace

Result<RecordCheck> check_record(const LoadOptions& load, const RecordFile& record,
                                 const std::function<void(const std::string&)>& progress) {
  auto context = TlsContext::make(load.identity);
  if (!context) return context.error();
  return Check(std::move(*context), load, record).run(progress);
}

json::value to_json(const RecordCheck& check) {
  return json::object{{"writes", check.writes},
                      {"promised", check.promised},
                      {"committed", check.committed},
                      {"overtaken", check.overtaken},
                      {"lost", check.lost},
                      {"missing", check.missing},
                      {"undecided", check.undecided},
                      {"wrong", json::array(check.wrong.begin(), check.wrong.end())},
                      {"ok", check.ok()}};
}

std::string to_text(const RecordCheck& check) {
  std::string out = fmt::format(
      "{} acknowledged writes, {} of them as committed\n"
      "  committed and there  {:>12}\n"
      "  overtaken            {:>12}  (Invalid, and never acknowledged as committed)\n"
      "  LOST                 {:>12}\n"
      "  MISSING              {:>12}\n"
      "  UNDECIDED            {:>12}\n",
      check.writes, check.promised, check.committed, check.overtaken, check.lost, check.missing,
      check.undecided);
  for (const std::string& one : check.wrong) out += "  " + one + "\n";
  return out + (check.ok() ? "nothing is missing\n" : "SOMETHING IS MISSING\n");
}

}  // namespace entente::cli
