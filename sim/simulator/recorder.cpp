#include "sim/simulator/recorder.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <sstream>

#include "base/assert.h"
#include "sim/scenarios/scenario.h"

namespace entente::sim {
namespace {

constexpr std::string_view assertion = "an assertion of the core";

/// What an attempt came to: the id of the broken rule, and which lines could be done.
struct Verdict {
  std::string rule;
  std::vector<size_t> done;
};

std::string rule_of(const std::string& violation) {
  return violation.substr(0, violation.find_first_of(": "));
}

// The child writes the rule, a line end, and the numbers of lines as they are.
void attempt_in_child(const std::vector<std::string>& lines, int out) {
  const int nowhere = dup2(out, STDERR_FILENO);  // assertions speak there; it is not read
  (void)nowhere;
  Scenario scenario;
  const auto trial = scenario.attempt(lines);
  std::string answer = (trial.violation ? rule_of(*trial.violation) : "") + "\n";
  for (const size_t number : trial.done) answer += std::to_string(number) + " ";
  size_t written = 0;
  while (written < answer.size()) {
    const ssize_t count = write(out, answer.data() + written, answer.size() - written);
    if (count <= 0) break;
    written += static_cast<size_t>(count);
  }
  _exit(0);
}

Verdict attempt(const std::vector<std::string>& lines) {
  std::array<int, 2> ends{};
  ENTENTE_ASSERT(pipe(ends.data()) == 0);
  const pid_t child = fork();
  ENTENTE_ASSERT(child >= 0);
  if (child == 0) {
    close(ends[0]);
    std::signal(SIGABRT, SIG_DFL);
    attempt_in_child(lines, ends[1]);
  }
  close(ends[1]);
  std::string answer;
  std::array<char, 4096> part{};
  for (ssize_t count; (count = read(ends[0], part.data(), part.size())) > 0;) {
    answer.append(part.data(), static_cast<size_t>(count));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  Verdict verdict;
  if (!WIFEXITED(status)) {
    verdict.rule = assertion;
    return verdict;
  }
  const size_t end = answer.find('\n');
  verdict.rule = answer.substr(0, end);
  std::istringstream numbers(answer.substr(end == std::string::npos ? answer.size() : end + 1));
  for (size_t number = 0; numbers >> number;) verdict.done.push_back(number);
  return verdict;
}

}  // namespace

std::string braced(const std::vector<NodeId>& nodes) {
  std::string out = "{";
  for (const NodeId& node : nodes) out += (out.size() > 1 ? "," : "") + node.value;
  return out + "}";
}

Recorder::Recorder(const RaftOptions& options) {
  const auto option = [&](const std::string& name, uint64_t value) {
    line("opt " + name + " " + std::to_string(value));
  };
  option("adaptive", 1);
  option("seed", options.seed);
  option("heartbeat_ms", static_cast<uint64_t>(options.heartbeat.count() / 1000));
  option("election_timeout_ms", static_cast<uint64_t>(options.election_timeout.count() / 1000));
  option("append_entries", options.append_entries);
  option("retained_entries", options.retained_entries);
  option("stream_bytes", options.stream_bytes);
  option("in_flight_bytes", options.in_flight_bytes);
  line("autosign on");
  line("autoretire on");
}

uint64_t Recorder::posted(const Packet& packet) {
  return sent_[{packet.from, packet.to, std::string(kind_of(packet.message))}]++;
}

// Counted from the newest: what is left out long before then changes nothing.
void Recorder::delivered(const Packet& packet, uint64_t number, std::optional<uint64_t> first) {
  const std::string kind(kind_of(packet.message));
  const uint64_t later = sent_[{packet.from, packet.to, kind}] - 1 - number;
  line("deliver " + packet.from.value + ">" + packet.to.value + " back=" + std::to_string(later) +
       " type=" + kind + (first ? " first=" + std::to_string(*first) : ""));
}

// Ticks of one node in a row are one line.
static std::vector<std::string> joined(const std::vector<std::string>& lines) {
  std::vector<std::string> out;
  for (size_t from = 0; from < lines.size();) {
    size_t to = from + 1;
    while (to < lines.size() && lines[to] == lines[from]) ++to;
    if (lines[from].starts_with("tick ") && lines[from].ends_with(" 1")) {
      out.push_back(lines[from].substr(0, lines[from].size() - 1) + std::to_string(to - from));
    } else {
      out.insert(out.end(), lines.begin() + static_cast<ptrdiff_t>(from),
                 lines.begin() + static_cast<ptrdiff_t>(to));
    }
    from = to;
  }
  return out;
}

// Delta debugging: leave out ever smaller pieces as long as the same rule breaks; single lines
// until each one that is left is needed.
std::vector<std::string> shrink(const std::vector<std::string>& lines) {
  const Verdict whole = attempt(lines);
  if (whole.rule.empty()) return {};
  std::vector<std::string> kept = lines;
  const auto take_if_it_breaks = [&](std::vector<std::string> tried) {
    const bool breaks = attempt(tried).rule == whole.rule;
    if (breaks) kept = std::move(tried);
    return breaks;
  };
  // Lines that cannot be done go: a script is done to the letter. So does all behind the end.
  const auto keep_done = [&] {
    std::vector<std::string> done;
    for (const size_t number : attempt(kept).done) done.push_back(kept[number]);
    if (!done.empty()) take_if_it_breaks(std::move(done));
  };
  keep_done();
  for (size_t piece = kept.size() / 2; piece > 0;) {
    bool any = false;
    for (size_t from = 0; from < kept.size();) {
      std::vector<std::string> tried(kept.begin(), kept.begin() + static_cast<ptrdiff_t>(from));
      const size_t to = std::min(kept.size(), from + piece);
      tried.insert(tried.end(), kept.begin() + static_cast<ptrdiff_t>(to), kept.end());
      if (take_if_it_breaks(std::move(tried))) {
        any = true;
      } else {
        from = to;
      }
    }
    if (piece > 1 || !any) piece /= 2;
  }
  keep_done();
  take_if_it_breaks(joined(kept));
  kept.push_back("end no-settle");
  return kept;
}

}  // namespace entente::sim
