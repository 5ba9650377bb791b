#include "sim/history/history.h"

#include <algorithm>
#include <set>

#include "sim/history/digest.h"

namespace entente::sim {

HistoryDigest::HistoryDigest(const ClientHistory& history) : events(history) {
  for (size_t at = 0; at < history.size(); ++at) {
    const ClientEvent& event = history[at];
    if (is_request(event)) {
      Call& call = calls[event.request];
      if (call.sent == nullptr) call.sent = &event, call.sent_at = at;
    } else if (is_answer(event)) {
      const auto call = calls.find(event.request);
      if (call == calls.end() || call->second.answered != nullptr) continue;
      call->second.answered = &event;
      call->second.answered_at = at;
      answered.push_back(&call->second);
    } else if (event.kind == ClientEvent::Kind::status) {
      if (event.status == TxStatus::committed) committed.try_emplace(event.id, at);
      if (event.status == TxStatus::invalid) invalid.try_emplace(event.id, at);
    }
  }
  // A transaction that precedes a committed one of its view is committed, whoever asked or not.
  const auto surely_committed = [&](TxId id) {
    const auto later = committed.lower_bound(id);
    return later != committed.end() && later->first.view == id.view;
  };
  for (const Call* call : answered) {
    if (call->writes() && surely_committed(call->answered->id)) {
      committed_writes.try_emplace(call->answered->id, call);
    }
  }
}

namespace {

using Kind = ClientEvent::Kind;
using Found = std::optional<std::string>;

std::string name(uint64_t request) {
  return "request " + std::to_string(request);
}
std::string name(const Call& call) {
  return name(call.sent->request) + " (" + call.answered->id.text() + ")";
}
bool is_prefix(const std::vector<uint64_t>& one, const std::vector<uint64_t>& other) {
  return one.size() <= other.size() && std::equal(one.begin(), one.end(), other.begin());
}

// ------------------------------------------------------------------------- requests and answers

Found all_received_is_first_sent(const HistoryDigest& all) {
  std::set<std::pair<uint64_t, bool>> sent;  // request, whether it writes
  for (const ClientEvent& event : all.events) {
    if (is_request(event)) sent.emplace(event.request, event.kind == Kind::write_sent);
    if (!is_answer(event)) continue;
    if (!sent.contains({event.request, event.kind == Kind::write_answered})) {
      return name(event.request) + " was answered before it was sent";
    }
  }
  return std::nullopt;
}

Found unique(const HistoryDigest& all, bool (*counts)(const ClientEvent&), const char* what) {
  std::set<uint64_t> seen;
  for (const ClientEvent& event : all.events) {
    if (counts(event) && !seen.insert(event.request).second) return name(event.request) + what;
  }
  return std::nullopt;
}
Found unique_txs(const HistoryDigest& all) {
  return unique(all, is_answer, " was answered twice");
}
Found unique_tx_requests(const HistoryDigest& all) {
  return unique(all, is_request, " was sent twice");
}

Found unique_tx_ids(const HistoryDigest& all) {
  std::map<TxId, uint64_t> ids;
  for (const ClientEvent& event : all.events) {
    if (event.kind != Kind::write_answered) continue;
    const auto [first, fresh] = ids.try_emplace(event.id, event.request);
    if (!fresh && first->second != event.request) {
      return event.id.text() + " was given to " + name(first->second) + " and to " +
             name(event.request);
    }
  }
  return std::nullopt;
}

Found unique_seqnos_committed(const HistoryDigest& all) {
  std::map<SeqNo, View> views;
  for (const auto& [id, at] : all.committed) {
    const auto [first, fresh] = views.try_emplace(id.seqno, id.view);
    if (!fresh) {
      return "committed are " + id.text() + " and " + TxId{first->second, id.seqno}.text();
    }
  }
  return std::nullopt;
}

// --------------------------------------------------------------------------------- observations

// An id stands for one state of every list.
Found same_observations(const HistoryDigest& all) {
  std::map<std::pair<TxId, std::string>, const Call*> first;
  for (const Call* call : all.answered) {
    const auto [other, fresh] = first.try_emplace({call->answered->id, call->sent->key}, call);
    if (!fresh && other->second->answered->observed != call->answered->observed) {
      return name(*call) + " and " + name(*other->second) + " observed different lists";
    }
  }
  return std::nullopt;
}

Found only_observe_sent_requests(const HistoryDigest& all) {
  for (const Call* call : all.answered) {
    for (const uint64_t value : call->answered->observed) {
      const Call* writer = all.find(value);
      if (writer == nullptr || !writer->writes() || writer->sent->key != call->sent->key ||
          writer->sent_at > call->answered_at) {
        return name(*call) + " observed " + std::to_string(value) + ", which nobody had sent";
      }
    }
  }
  return std::nullopt;
}

Found at_most_once_observed(const HistoryDigest& all) {
  for (const Call* call : all.answered) {
    auto values = call->answered->observed;
    std::sort(values.begin(), values.end());
    const auto twice = std::adjacent_find(values.begin(), values.end());
    if (twice != values.end()) {
      return name(*call) + " observed " + std::to_string(*twice) + " twice";
    }
  }
  return std::nullopt;
}

// Of committed writes those that were answered before `call` was sent.
Found misses_earlier(const HistoryDigest& all, const Call& call) {
  const std::set<uint64_t> seen(call.answered->observed.begin(), call.answered->observed.end());
  for (const auto& [id, earlier] : all.committed_writes) {
    if (earlier->answered_at > call.sent_at || earlier->sent->key != call.sent->key) continue;
    if (!seen.contains(earlier->sent->request)) {
      return name(call) + " does not observe " + name(*earlier) + ", answered before";
    }
  }
  return std::nullopt;
}

Found all_committed_observed(const HistoryDigest& all) {
  for (const auto& [id, call] : all.committed_writes) {
    if (auto found = misses_earlier(all, *call)) return found;
  }
  return std::nullopt;
}

Found all_committed_observed_by_barriers(const HistoryDigest& all) {
  for (const Call* call : all.answered) {
    if (call->writes() || !call->sent->barrier) continue;
    if (auto found = misses_earlier(all, *call)) return found;
  }
  return std::nullopt;
}

// -------------------------------------------------------------------------------------- statuses

Found committed_or_invalid(const HistoryDigest& all) {
  // Below the highest committed and above the lowest invalid seqno of each view.
  std::map<View, SeqNo> committed;
  std::map<View, SeqNo> invalid;
  for (const auto& [id, at] : all.committed) {
    committed[id.view] = std::max(committed[id.view], id.seqno);
  }
  for (const auto& [id, at] : all.invalid) {
    const auto [lowest, fresh] = invalid.try_emplace(id.view, id.seqno);
    lowest->second = std::min(lowest->second, id.seqno);
  }
  for (const auto& [view, lowest] : invalid) {
    const auto highest = committed.find(view);
    if (highest != committed.end() && highest->second >= lowest) {
      return TxId{view, highest->second}.text() + " is committed and " + TxId{view, lowest}.text() +
             " is invalid";
    }
  }
  // A committed id of a view ends all earlier views below it.
  std::map<View, SeqNo> lowest_committed;
  for (const auto& [id, at] : all.committed) lowest_committed.try_emplace(id.view, id.seqno);
  for (const auto& [view, highest] : committed) {
    for (auto later = lowest_committed.upper_bound(view); later != lowest_committed.end();
         ++later) {
      if (later->second <= highest) {
        return TxId{view, highest}.text() + " is committed and so is " +
               TxId{later->first, later->second}.text();
      }
    }
  }
  return std::nullopt;
}

Found invalid_not_observed_by_committed(const HistoryDigest& all) {
  std::set<uint64_t> invalid;
  for (const Call* call : all.answered) {
    if (call->writes() && all.invalid.contains(call->answered->id)) {
      invalid.insert(call->sent->request);
    }
  }
  for (const auto& [id, call] : all.committed_writes) {
    for (const uint64_t value : call->answered->observed) {
      if (invalid.contains(value)) {
        return name(*call) + ", committed, observes the invalid " + std::to_string(value);
      }
    }
  }
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------- orders

Found committed_rw_serializable(const HistoryDigest& all) {
  // Sorted by length, neighbours are enough.
  std::map<std::string, std::vector<const Call*>> lists;
  for (const auto& [id, call] : all.committed_writes) lists[call->sent->key].push_back(call);
  for (auto& [key, calls] : lists) {
    std::stable_sort(calls.begin(), calls.end(), [](const Call* a, const Call* b) {
      return a->answered->observed.size() < b->answered->observed.size();
    });
    for (size_t i = 1; i < calls.size(); ++i) {
      if (!is_prefix(calls[i - 1]->answered->observed, calls[i]->answered->observed)) {
        return name(*calls[i - 1]) + " and " + name(*calls[i]) + " observed different orders";
      }
    }
  }
  return std::nullopt;
}

// The order of ids is the order of effects, and agrees with real time. Writes that were never
// answered may stand anywhere in the lists.
Found ordered_speculative_linearizable(const HistoryDigest& all) {
  std::map<std::string, const Call*> last;
  size_t latest_sent = 0;
  const Call* latest = nullptr;
  for (const auto& [id, call] : all.committed_writes) {
    if (call->answered->observed.empty() ||
        call->answered->observed.back() != call->sent->request) {
      return name(*call) + " is not the last of what it observed";
    }
    for (const uint64_t value : call->answered->observed) {
      const Call* writer = all.find(value);
      if (writer != nullptr && writer->answered != nullptr && writer->answered->id > id) {
        return name(*call) + " observes " + name(*writer) + ", a later id";
      }
    }
    const Call*& before = last[call->sent->key];
    if (before != nullptr && !is_prefix(before->answered->observed, call->answered->observed)) {
      return name(*call) + " does not follow " + name(*before);
    }
    before = call;
    // Nothing with a lower id may have been sent after this was answered.
    if (latest != nullptr && call->answered_at < latest_sent) {
      return name(*call) + " was answered before " + name(*latest) + " was sent, a lower id";
    }
    if (latest == nullptr || call->sent_at > latest_sent) {
      latest = call;
      latest_sent = call->sent_at;
    }
  }
  return std::nullopt;
}

// The answers of a session lie on one branch, and none comes after its end.
Found session_monotonicity(const HistoryDigest& all) {
  struct Session {
    const ClientEvent* last = nullptr;
    bool ended = false;
    std::map<std::string, const ClientEvent*> lists;
  };
  std::map<uint64_t, Session> sessions;
  for (const ClientEvent& event : all.events) {
    if (event.kind == Kind::session_ended) sessions[event.session].ended = true;
    if (!is_answer(event)) continue;
    Session& session = sessions[event.session];
    if (session.ended) return name(event.request) + " was answered after its session had ended";
    const auto goes_back = [&](const ClientEvent& last) {
      const bool fresh = event.kind == Kind::write_answered;
      return event.id.view < last.id.view || event.id.seqno < last.id.seqno ||
             (fresh && event.id.seqno == last.id.seqno);
    };
    if (session.last != nullptr && goes_back(*session.last)) {
      return name(event.request) + " (" + event.id.text() + ") goes back behind " +
             session.last->id.text() + " in its session";
    }
    session.last = &event;
    const Call* call = all.find(event.request);
    const ClientEvent*& list = session.lists[call == nullptr ? "" : call->sent->key];
    if (list != nullptr && !is_prefix(list->observed, event.observed)) {
      return name(event.request) + " does not see what its session saw";
    }
    list = &event;
  }
  return std::nullopt;
}

struct Rule {
  std::string_view name;
  Found (*find)(const HistoryDigest&);
};
constexpr Rule rules[] = {
    {"AllReceivedIsFirstSent", all_received_is_first_sent},
    {"UniqueTxs", unique_txs},
    {"UniqueTxIds", unique_tx_ids},
    {"UniqueTxRequests", unique_tx_requests},
    {"UniqueSeqNumsCommitted", unique_seqnos_committed},
    {"SameObservations", same_observations},
    {"OnlyObserveSentRequests", only_observe_sent_requests},
    {"AtMostOnceObserved", at_most_once_observed},
    {"AllCommittedObserved", all_committed_observed},
    {"AllCommittedObservedRo", all_committed_observed_by_barriers},
    {"CommittedOrInvalidStrong", committed_or_invalid},
    {"CommittedRwSerializable", committed_rw_serializable},
    {"InvalidNotObservedByCommitted", invalid_not_observed_by_committed},
    {"CommittedRwOrderedSpecLinearizable", ordered_speculative_linearizable},
    {"SessionMonotonicity", session_monotonicity},
};

}  // namespace

std::vector<std::string_view> rule_names() {
  std::vector<std::string_view> names;
  for (const Rule& rule : rules) names.push_back(rule.name);
  return names;
}

std::vector<std::string> broken_rules(const ClientHistory& history) {
  const HistoryDigest all(history);
  std::vector<std::string> broken;
  for (const Rule& rule : rules) {
    if (const auto found = rule.find(all)) broken.push_back(std::string(rule.name) + ": " + *found);
  }
  return broken;
}

}  // namespace entente::sim
