#include "sim/scenarios/scenario.h"

#include <sstream>
#include <stdexcept>

namespace entente::sim {
namespace {

RaftOptions script_options() {
  RaftOptions options;
  options.signatures.adaptive = false;  // scripts say when to sign, unless they ask for it
  options.signatures.max_count = UINT64_MAX;
  options.signatures.max_delay = std::chrono::hours(24 * 365);
  return options;
}

}  // namespace

std::vector<std::string> names_in(const std::string& word) {
  std::vector<std::string> names;
  const size_t range = word.find("..");
  if (range != std::string::npos) {
    for (int i = std::stoi(word.substr(0, range)); i <= std::stoi(word.substr(range + 2)); ++i) {
      names.push_back(std::to_string(i));
    }
    return names;
  }
  std::string name;
  for (const char c : word) {
    if (c == '{' || c == '}' || c == ',') {
      if (!name.empty()) names.push_back(std::exchange(name, {}));
    } else {
      name += c;
    }
  }
  if (!name.empty()) names.push_back(name);
  return names;
}

Scenario::Scenario() : cluster_(script_options()) {
  cluster_.send = [this](Packet packet) { post(std::move(packet)); };
}

std::optional<std::string> Scenario::run(const std::string& script) {
  std::istringstream lines(script);
  std::string text;
  size_t number = 0;
  const auto failed = [&](const std::string& why) {
    return "line " + std::to_string(number) + ": " + text + "\n  " + why + "\n" + state();
  };
  while (std::getline(lines, text)) {
    ++number;
    std::istringstream stream(text.substr(0, text.find('#')));
    Words words;
    for (std::string word; stream >> word;) words.push_back(word);
    if (words.empty()) continue;
    if (auto why = line(words)) return failed(*why);
  }
  text = "settle";
  if (settle_at_end_) {
    forbidden_.clear();
    if (auto why = settle(6000)) return failed(*why);
  }
  return std::nullopt;
}

Scenario::Trial Scenario::attempt(const std::vector<std::string>& lines) {
  Trial trial;
  for (size_t number = 0; number < lines.size(); ++number) {
    std::istringstream stream(lines[number]);
    Words words;
    for (std::string word; stream >> word;) words.push_back(word);
    try {
      if (!command(words)) trial.done.push_back(number);
    } catch (const std::exception&) {
      continue;  // cannot be done
    }
    trial.violation = cluster_.checker().violation();
    if (trial.violation) return trial;
  }
  return trial;
}

Scenario::Failure Scenario::line(const Words& words) {
  try {
    if (auto why = command(words)) return why;
  } catch (const std::exception& error) {
    return std::string("cannot be done: ") + error.what();
  }
  if (const auto& violation = cluster_.checker().violation()) return violation;
  return forbidden_happened();
}

Scenario::Failure Scenario::command(const Words& words) {
  using Handler = Failure (Scenario::*)(const Words&);
  static const std::map<std::string, Handler> handlers{{"opt", &Scenario::set_option},
                                                       {"start", &Scenario::start},
                                                       {"nodes", &Scenario::nodes},
                                                       {"join", &Scenario::join},
                                                       {"config", &Scenario::configure},
                                                       {"retired", &Scenario::configure},
                                                       {"learner", &Scenario::configure},
                                                       {"tx", &Scenario::write},
                                                       {"sign", &Scenario::write},
                                                       {"autosign", &Scenario::habits},
                                                       {"autoretire", &Scenario::habits},
                                                       {"hold-tx", &Scenario::hold_write},
                                                       {"submit", &Scenario::hold_write},
                                                       {"transfer", &Scenario::transfer},
                                                       {"barrier", &Scenario::barrier},
                                                       {"stable", &Scenario::stable},
                                                       {"stored", &Scenario::stored},
                                                       {"invalid", &Scenario::stable},
                                                       {"deliver", &Scenario::deliver},
                                                       {"rounds", &Scenario::deliver},
                                                       {"drop", &Scenario::move},
                                                       {"hold", &Scenario::move},
                                                       {"dup", &Scenario::move},
                                                       {"release", &Scenario::move},
                                                       {"replay", &Scenario::move},
                                                       {"cut", &Scenario::cut},
                                                       {"isolate", &Scenario::cut},
                                                       {"heal", &Scenario::cut},
                                                       {"pause", &Scenario::cut},
                                                       {"resume", &Scenario::cut},
                                                       {"kill", &Scenario::cut},
                                                       {"timeout", &Scenario::timeout},
                                                       {"elect", &Scenario::elect},
                                                       {"inject", &Scenario::inject},
                                                       {"expect", &Scenario::expect},
                                                       {"expect-within", &Scenario::expect_within},
                                                       {"expect-never", &Scenario::expect_never}};
  const std::string& name = words[0];
  if (name == "tick") return tick(words);
  if (name == "mode") {
    if (words.at(1) != "cft") return "this driver knows mode cft";
    return std::nullopt;
  }
  if (name == "settle") return settle(words.size() > 1 ? std::stoull(words[1]) : 6000);
  if (name == "end") {
    settle_at_end_ = words.at(1) != "no-settle";
    return std::nullopt;
  }
  if (name == "refused") {
    const auto why = command(Words(words.begin() + 1, words.end()));
    if (!why) return "was accepted";
    return std::nullopt;
  }
  const auto handler = handlers.find(name);
  if (handler == handlers.end()) return "no such command: " + name;
  return (this->*handler->second)(words);
}

Node& Scenario::node(const std::string& name) {
  const NodeId id{name};
  if (!cluster_.has(id)) throw std::out_of_range("there is no node " + name);
  return cluster_.at(id);
}

Node& Scenario::leader(const std::string& view) {
  if (view == "latest") {
    Node* latest = cluster_.latest_leader([this](const NodeId& id) { return alive(id); });
    if (latest == nullptr) throw std::out_of_range("nobody leads");
    return *latest;
  }
  for (const auto& [id, one] : cluster_.nodes()) {
    if (one->leads() && one->core().view().value == std::stoull(view)) return *one;
  }
  throw std::out_of_range("nobody leads view " + view);
}

void Scenario::add(const std::string& name) {
  if (cluster_.has({name})) throw std::invalid_argument("node " + name + " was there before");
  cluster_.add({name}, MonotonicTime(1'000'000), habits_);
}

void Scenario::act(Node& one) {
  one.flush();
}

std::string Scenario::state() const {
  std::string out = cluster_.table();
  for (const auto& [link, queue] : links_) {
    for (const Message& message : queue) {
      out += "  pending " + describe({link.first, link.second, message}) + "\n";
    }
  }
  for (const NodeId& id : killed_) out += "  " + id.value + " is dead\n";
  for (const NodeId& id : paused_) out += "  " + id.value + " is paused\n";
  for (const Link& link : cut_) out += "  cut " + link.first.value + ">" + link.second.value + "\n";
  return out;
}

}  // namespace entente::sim
