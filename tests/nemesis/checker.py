#!/usr/bin/env python3
"""Is a recorded history one that the service may produce? (docs/verification.md)

    checker.py FILE        a history that nemesis.py wrote

Transaction ids give the order of the versions, so nothing has to be searched: writes are sorted by
id and every observation is compared with the one log of its object. Every rule is a function that
yields what is wrong, in words; checker_test.py shows each of them failing. The names are those of
the external history invariants that such services are specified with.
"""

import bisect
import collections
import functools
import sys

from history import COMMITTED, INVALID, OK, PENDING, REFUSED, UNSEEN, load


def name(operation):
    what = operation.id or "read"
    at = ".".join(map(str, operation.txid)) if operation.txid else "-"
    return f"{what} at {at} (session {operation.session}, {operation.node})"


class Known:
    """A history with what follows from it at once."""

    def __init__(self, history):
        self.history = history
        self.operations = history.operations
        self.writes = [one for one in self.operations if one.write]
        self.by_id = {}
        for one in self.writes:
            self.by_id.setdefault(one.id, one)
        self.status = {}  # of a transaction, if it was ever said to be final
        for report in history.reports:
            if report.status in (COMMITTED, INVALID):
                self.status.setdefault(report.txid, report.status)

    def committed(self, operation):
        return operation.txid is not None and self.status.get(operation.txid) == COMMITTED

    @functools.cached_property
    def committed_writes(self):
        """By transaction id."""
        return sorted((one for one in self.writes if self.committed(one)), key=lambda one: one.txid)

    @functools.cached_property
    def observations(self):
        """(operation, key, log, value) of everything that was seen; a write saw what it changed."""
        return [(one, key, log, value) for one in self.operations if one.observed is not None
                for key, (log, value) in one.observed.items()]

    @functools.cached_property
    def canonical(self):
        """The log of each object: the longest that a committed operation or the end knows."""
        longest = {}

        def offer(key, log):
            if len(log) > len(longest.get(key, ())):
                longest[key] = log

        for objects in self.history.final.values():
            for key, (log, _) in objects.items():
                offer(key, log)
        for one, key, log, _ in self.observations:
            if self.committed(one):
                offer(key, log + [one.id] if one.write else log)
        return longest

    @functools.cached_property
    def seqnos_of_key(self):
        """Of the committed writes of each object, ascending."""
        out = collections.defaultdict(list)
        for one in self.committed_writes:
            for key in one.changes:
                out[key].append(one.txid[1])
        return out


# ------------------------------------------------------------------------------ requests and ids


def all_received_is_first_sent(known):
    for one in known.operations:
        if one.answered is not None and one.answered < one.invoked:
            yield f"{name(one)} was answered before it was asked"
        if one.outcome == OK and (one.answered is None or one.txid is None):
            yield f"{name(one)} counts as done without an answer or an id"


def unique_requests(known):
    for id, count in collections.Counter(one.id for one in known.writes).items():
        if count > 1:
            yield f"{id} was sent {count} times"


def unique_transaction_ids(known):
    owner = {}
    for one in known.writes:
        if one.txid is not None and owner.setdefault(one.txid, one.id) != one.id:
            yield f"{name(one)} has the id of {owner[one.txid]}"


def unique_seqnos_committed(known):
    owner = {}
    for one in known.committed_writes:
        if owner.setdefault(one.txid[1], one.id) != one.id:
            yield f"{name(one)} is committed at the seqno of {owner[one.txid[1]]}"


# --------------------------------------------------------------------------------- observations


def only_sent_requests_observed(known):
    for one, key, log, _ in known.observations:
        for id in log:
            sent = known.by_id.get(id)
            if sent is None or key not in sent.changes:
                yield f"{name(one)} saw {id} in {key}, which nobody sent"
            elif sent.invoked > one.answered:
                yield f"{name(one)} saw {id} in {key} before it was sent"


def at_most_once_observed(known):
    for one, key, log, _ in known.observations:
        if len(set(log)) != len(log) or (one.write and one.id in log):
            yield f"{name(one)} saw a write twice in {key}: {log}"


def same_observations(known):
    seen = {}
    for one, key, log, _ in known.observations:
        state = log + [one.id] if one.write else log
        first = seen.setdefault((one.txid, key), (state, one))
        if first[0] != state:
            yield f"{name(one)} and {name(first[1])} have one id and saw different logs of {key}"


def values_follow_from_logs(known):
    for one, key, log, value in known.observations:
        expected = sum(known.by_id[id].changes.get(key, 0) for id in log if id in known.by_id)
        if value != expected:
            yield f"{name(one)} saw {value} in {key} whose log makes it {expected}"


def sums_are_conserved(known):
    for group in known.history.conserved:
        for one in known.operations:
            if one.observed is None or one.write or not set(group) <= set(one.observed):
                continue
            total = sum(one.observed[key][1] for key in group)
            if total != 0:
                yield f"{name(one)} saw {total} in all of {group[0]} …, and not 0"


def committed_read_write_serializable(known):
    """What a committed operation saw is the beginning of the one log of that object."""
    for one, key, log, _ in known.observations:
        if not known.committed(one):
            continue
        state = log + [one.id] if one.write else log
        if known.canonical.get(key, [])[:len(state)] != state:
            yield f"{name(one)} saw {log[-3:]} in {key}, which is not the beginning of its log"


def logs_follow_transaction_ids(known):
    for key, log in known.canonical.items():
        last = None
        for id in log:
            one = known.by_id.get(id)
            if one is None or not known.committed(one):
                continue
            if last is not None and one.txid <= last.txid:
                yield f"{name(one)} stands after {name(last)} in {key}"
            last = one


def all_committed_observed(known):
    """A committed operation saw exactly the committed writes below it, reads their own point too."""
    ids = {one.id for one in known.committed_writes}
    for one, key, log, _ in known.observations:
        if not known.committed(one):
            continue
        find = bisect.bisect_left if one.write else bisect.bisect_right
        expected = find(known.seqnos_of_key[key], one.txid[1])
        found = sum(id in ids for id in log)
        if found != expected:
            yield f"{name(one)} saw {found} of the {expected} committed writes of {key} below it"


def invalid_not_observed_by_committed(known):
    invalid = {one.id for one in known.writes if known.status.get(one.txid) == INVALID}
    for key, log in known.canonical.items():
        for id in log:
            if id in invalid:
                yield f"{id} is Invalid and stands in the log of {key}"


def refused_not_observed(known):
    refused = {one.id for one in known.writes if one.outcome == REFUSED}
    for key, log in known.canonical.items():
        for id in log:
            if id in refused:
                yield f"{id} was refused ({known.by_id[id].answer}) and stands in the log of {key}"


def transactions_are_atomic(known):
    """A write stands in the logs of all objects that it changed, or of none."""
    places = collections.defaultdict(set)
    for key, log in known.canonical.items():
        for id in log:
            places[id].add(key)
    for id, keys in places.items():
        if id in known.by_id and keys != set(known.by_id[id].changes):
            yield f"{id} stands in {sorted(keys)}, it changed {sorted(known.by_id[id].changes)}"


# --------------------------------------------------------------------------------------- commit


def status_is_final(known):
    """Committed and Invalid never change, on any node, at any time."""
    last = {}
    for report in sorted(known.history.reports, key=lambda one: one.answered):
        first = known.status.get(report.txid)
        if report.status in (COMMITTED, INVALID) and report.status != first:
            yield f"{report.txid} is {report.status} at {report.node}, and was {first}"
        before = last.get((report.txid, report.node))
        if before is not None and report.status in (PENDING, UNSEEN) and before.answered <= report.asked:
            yield f"{report.txid} is {report.status} at {report.node}, which had said {before.status}"
        if report.status in (COMMITTED, INVALID):
            last.setdefault((report.txid, report.node), report)


def committed_or_invalid(known):
    """v.s Committed: all of view v up to s is; what older views have from s on is Invalid.
    v.s Invalid: all of view v from s on is."""
    views = collections.defaultdict(lambda: {COMMITTED: [], INVALID: []})
    for (view, seqno), status in known.status.items():
        views[view][status].append(seqno)
    older = []  # (view, its greatest committed seqno)
    for view in sorted(views):
        committed, invalid = views[view][COMMITTED], views[view][INVALID]
        if committed and invalid and max(committed) >= min(invalid):
            yield f"in view {view} seqno {min(invalid)} is Invalid and {max(committed)} is Committed"
        for other, greatest in older:
            if committed and greatest >= min(committed):
                yield f"{other}.{greatest} and {view}.{min(committed)} are both Committed"
        if committed:
            older = [(view, max(committed))]


def committed_ordered_linearizable(known):
    """A write that was answered before another one was asked has the lower id."""
    earliest = None  # the write with the earliest answer among those with greater ids
    for one in reversed(known.committed_writes):
        if earliest is not None and earliest.answered < one.invoked:
            yield f"{name(one)} was asked after {name(earliest)} was answered"
        if earliest is None or one.answered < earliest.answered:
            earliest = one


def linearizable_reads_see_what_was_answered(known):
    """A read with a barrier is not older than any committed write that was answered before it was
    asked."""
    writes = sorted(known.committed_writes, key=lambda one: one.answered)
    newest = []  # of the writes up to here, by id
    for one in writes:
        newest.append(one if not newest or one.txid > newest[-1].txid else newest[-1])
    answered = [one.answered for one in writes]
    for one in known.operations:
        if not one.linearizable or one.outcome != OK:
            continue
        before = bisect.bisect_left(answered, one.invoked)
        if before and newest[before - 1].txid[1] > one.txid[1]:
            yield f"{name(one)} is linearizable and older than {name(newest[before - 1])}, answered before it"
        if not known.committed(one):
            yield f"{name(one)} is linearizable and {known.status.get(one.txid)}"


def promises_are_kept(known):
    for one in known.operations:
        if one.promised and known.status.get(one.txid) != COMMITTED:
            yield f"{name(one)} was acknowledged as committed and is {known.status.get(one.txid)}"


def committed_is_durable(known):
    for node, objects in known.history.final.items():
        sets = {key: set(log) for key, (log, _) in objects.items()}
        for one in known.committed_writes:
            for key in one.changes:
                if one.id not in sets.get(key, ()):
                    yield f"{name(one)} is committed and not in {key} at {node}"


def everything_is_decided(known):
    for one in known.writes:
        if one.txid is not None and one.txid not in known.status:
            yield f"{name(one)} is neither Committed nor Invalid in the end"


def nodes_agree(known):
    first = None
    for node, objects in known.history.final.items():
        first = first or (node, objects)
        if objects != first[1]:
            different = [key for key in objects if objects[key] != first[1].get(key)]
            yield f"{node} and {first[0]} differ in the end, in {different[:3]}"


# -------------------------------------------------------------------------------------- sessions


def sessions_are_monotonic(known):
    """The answers of one session are of one branch: ids only rise, and what follows contains what
    was written or seen before."""
    sessions = collections.defaultdict(list)
    for one in known.operations:
        if one.outcome == OK and one.txid is not None:
            sessions[one.session].append(one)
    for operations in sessions.values():
        last, lengths = None, {}
        for one in sorted(operations, key=lambda one: one.number):
            if last is not None and (one.txid[0] < last.txid[0] or one.txid[1] < last.txid[1]):
                yield f"{name(one)} follows {name(last)} in one session"
            if last is not None and known.committed(one) and known.status.get(last.txid) == INVALID:
                yield f"{name(one)} is Committed and follows {name(last)} in one session, which is Invalid"
            last = one
            for key, (log, _) in (one.observed or {}).items():
                state = log + [one.id] if one.write else log
                before = lengths.get(key, [])
                if state[:len(before)] != before:
                    yield f"{name(one)} no longer sees what its session saw in {key}"
                lengths[key] = state


RULES = (all_received_is_first_sent, unique_requests, unique_transaction_ids, unique_seqnos_committed,
         only_sent_requests_observed, at_most_once_observed, same_observations, values_follow_from_logs,
         sums_are_conserved, committed_read_write_serializable, logs_follow_transaction_ids,
         all_committed_observed, invalid_not_observed_by_committed, refused_not_observed,
         transactions_are_atomic, status_is_final, committed_or_invalid, committed_ordered_linearizable,
         linearizable_reads_see_what_was_answered, promises_are_kept, committed_is_durable, everything_is_decided, nodes_agree, sessions_are_monotonic)


def check(history, most=5):
    """What is wrong, at most `most` lines a rule; empty: nothing."""
    known = Known(history)
    wrong = []
    for rule in RULES:
        for number, what in enumerate(rule(known)):
            if number == most:
                wrong.append(f"{rule.__name__}: …")
                break
            wrong.append(f"{rule.__name__}: {what}")
    return wrong


if __name__ == "__main__":
    found = check(load(sys.argv[1]))
    print("\n".join(found) or "nothing is wrong")
    sys.exit(1 if found else 0)
