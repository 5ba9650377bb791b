#!/usr/bin/env python3
"""The checker of histories: one good history passes, and each rule fails on a history that is wrong
in just its way."""

import copy
import os
import pathlib
import tempfile
import unittest

import checker
from history import COMMITTED, INVALID, OK, PENDING, REFUSED, UNKNOWN, UNSEEN, History, Operation, StatusReport
from history import load, save


class World:
    """Executes operations one after the other, as a right service would."""

    def __init__(self):
        self.history = History(conserved=[["a", "b"]])
        self.objects = {}
        self.view, self.seqno, self.time = 2, 0, 0.0
        self.numbers = {}

    def _operation(self, session, **fields):
        self.numbers[session] = self.numbers.get(session, 0) + 1
        self.time += 1
        one = Operation(session=session, number=self.numbers[session], node="n0", invoked=self.time,
                        answered=self.time + 0.5, outcome=OK, **fields)
        self.history.operations.append(one)
        return one

    def see(self, keys):
        return {key: copy.deepcopy(self.objects.get(key, ([], 0))) for key in keys}

    def write(self, session, id, changes, status=COMMITTED, promised=False):
        one = self._operation(session, id=id, changes=changes, observed=self.see(changes), promised=promised)
        self.seqno += 1
        one.txid = (self.view, self.seqno)
        for key, add in changes.items():
            log, value = self.objects.get(key, ([], 0))
            self.objects[key] = (log + [id], value + add)
        self.say(one.txid, status)
        return one

    def read(self, session, *keys):
        one = self._operation(session, keys=keys, observed=self.see(keys))
        one.txid = (self.view, self.seqno)
        return one

    def say(self, txid, status, node="n0", time=1000):
        if status is not None:
            self.history.reports.append(StatusReport(node, time, time + 1, txid, status))

    def end(self):
        self.history.final = {node: self.see(self.objects) for node in ("n0", "n1")}
        return self.history


def good():
    """Two sessions, an election that discards a write, a transfer, lost and refused writes."""
    world = World()
    world.write("s1", "w1", {"x": 0})
    world.write("s2", "w2", {"x": 0}, promised=True)
    world.write("s1", "t1", {"a": -5, "b": 5})
    world.read("s1", "a", "b")
    world.read("s2", "x")
    before = copy.deepcopy(world.objects)
    world.write("s1", "w3", {"x": 0}, status=INVALID)
    world.read("s1", "x")  # of the branch that is discarded
    world.objects = before
    world.view, world.seqno = 4, 4  # a signature
    world.write("s3", "w4", {"x": 0})
    lost = world.write("s3", "w5", {"x": 0}, status=None)
    lost.outcome, lost.txid, lost.observed, lost.answered = UNKNOWN, None, None, None
    world.seqno += 1
    refused = world._operation("s3", id="w6", changes={"x": 0}, answer="503")
    refused.outcome = REFUSED
    world.write("s4", "w7", {"x": 0, "y": 3})
    world.read("s4", "x", "y")
    return world


class CheckerTest(unittest.TestCase):
    def setUp(self):
        self.world = good()
        self.history = self.world.end()

    def operation(self, id):
        return next(one for one in self.history.operations if one.id == id)

    def read(self, *keys, last=False):
        found = [one for one in self.history.operations if one.keys == keys]
        return found[-1 if last else 0]

    def status(self, id, status):
        for report in self.history.reports:
            if report.txid == self.operation(id).txid:
                report.status = status

    def breaks(self, rule):
        found = list(rule(checker.Known(self.history)))
        self.assertTrue(found, f"{rule.__name__} finds nothing")
        self.assertTrue(checker.check(self.history))

    def test_a_right_history_passes(self):
        self.assertEqual(checker.check(self.history), [])

    def test_a_history_survives_its_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "history"
            save(self.history, path)
            self.assertEqual(load(path), self.history)

    def test_answers_come_after_questions(self):
        self.operation("w1").answered = 0.5
        self.breaks(checker.all_received_is_first_sent)

    def test_success_has_an_id(self):
        self.read("x").txid = None
        self.breaks(checker.all_received_is_first_sent)

    def test_a_request_is_sent_once(self):
        self.history.operations.append(copy.deepcopy(self.operation("w1")))
        self.breaks(checker.unique_requests)

    def test_an_id_belongs_to_one_write(self):
        self.operation("w2").txid = self.operation("w1").txid
        self.breaks(checker.unique_transaction_ids)

    def test_a_seqno_is_committed_once(self):
        self.operation("w4").txid = (4, self.operation("w1").txid[1])
        self.world.say(self.operation("w4").txid, COMMITTED)
        self.breaks(checker.unique_seqnos_committed)

    def test_nothing_is_seen_that_was_not_sent(self):
        self.read("x").observed["x"][0].append("ghost")
        self.breaks(checker.only_sent_requests_observed)

    def test_nothing_is_seen_before_it_was_sent(self):
        self.operation("w1").invoked = self.operation("w1").answered = 500
        self.breaks(checker.only_sent_requests_observed)

    def test_nothing_is_executed_twice(self):
        self.read("x", "y").observed["x"][0].append("w4")
        self.breaks(checker.at_most_once_observed)

    def test_one_id_is_one_state(self):
        other = copy.deepcopy(self.read("x", "y"))
        other.observed["x"] = (other.observed["x"][0][:-1], 0)
        self.history.operations.append(other)
        self.breaks(checker.same_observations)

    def test_values_are_those_of_the_log(self):
        self.read("a", "b").observed["a"] = (["t1"], -4)
        self.breaks(checker.values_follow_from_logs)

    def test_sums_are_conserved_in_every_read(self):
        read = self.read("a", "b")
        read.observed["b"] = ([], 0)  # half a transfer
        self.breaks(checker.sums_are_conserved)

    def test_a_committed_operation_sees_the_beginning_of_the_log(self):
        log = self.operation("w4").observed["x"][0]
        log.reverse()
        self.breaks(checker.committed_read_write_serializable)

    def test_a_committed_write_that_is_not_in_the_log_is_found(self):
        self.operation("w2").observed["x"] = ([], 0)
        self.breaks(checker.committed_read_write_serializable)

    def test_the_log_follows_the_ids(self):
        self.operation("w4").txid = (4, 50)
        self.world.say((4, 50), COMMITTED)
        self.breaks(checker.logs_follow_transaction_ids)

    def test_a_committed_write_sees_all_below_it(self):
        self.operation("w7").observed["x"][0].remove("w4")
        self.breaks(checker.all_committed_observed)

    def test_a_committed_read_is_not_stale_for_its_id(self):
        read = self.read("x", "y")
        read.observed["x"] = (read.observed["x"][0][:-1], 0)
        self.breaks(checker.all_committed_observed)

    def test_a_discarded_write_is_not_seen(self):
        self.status("w4", INVALID)
        self.breaks(checker.invalid_not_observed_by_committed)

    def test_a_refused_write_is_not_executed(self):
        self.operation("w5").outcome = REFUSED
        self.breaks(checker.refused_not_observed)

    def test_a_write_is_done_to_all_its_objects(self):
        transfer = self.operation("t1")
        transfer.outcome, transfer.txid, transfer.observed = UNKNOWN, None, None
        for objects in self.history.final.values():
            objects["b"] = ([], 0)
        self.read("a", "b").observed = None
        self.breaks(checker.transactions_are_atomic)

    def test_committed_on_one_node_and_invalid_on_another(self):
        self.world.say(self.operation("w1").txid, INVALID, node="n1")
        self.breaks(checker.status_is_final)

    def test_committed_does_not_become_pending(self):
        for status in (PENDING, UNSEEN):
            with self.subTest(status):
                self.world.say(self.operation("w1").txid, status, time=2000)
                self.breaks(checker.status_is_final)
                self.history.reports.pop()

    def test_pending_and_unknown_may_change(self):
        for status in (PENDING, UNSEEN, PENDING):
            self.world.say(self.operation("w1").txid, status, time=1)
            self.world.say(self.operation("w1").txid, status, node="n1", time=2000)
        self.assertEqual(checker.check(self.history), [])

    def test_what_precedes_a_committed_write_is_committed(self):
        self.status("w1", INVALID)
        self.breaks(checker.committed_or_invalid)

    def test_what_follows_an_invalid_write_is_invalid(self):
        self.status("w4", INVALID)
        self.breaks(checker.committed_or_invalid)

    def test_an_older_view_is_discarded_where_a_newer_one_begins(self):
        self.operation("w3").txid = (2, 9)
        self.world.say((2, 9), COMMITTED)
        self.breaks(checker.committed_or_invalid)

    def test_ids_follow_real_time(self):
        first, second = self.operation("w1"), self.operation("w2")
        first.invoked, first.answered = second.answered + 1, second.answered + 2
        self.breaks(checker.committed_ordered_linearizable)

    def test_concurrent_writes_may_have_any_order(self):
        self.operation("w1").answered = self.operation("w7").answered + 1
        self.assertEqual(list(checker.committed_ordered_linearizable(checker.Known(self.history))), [])

    def test_a_linearizable_read_may_not_be_old(self):
        read = self.read("x", "y")
        read.linearizable = True
        self.assertEqual(checker.check(self.history), [])
        read.invoked = read.answered = 400
        late = copy.deepcopy(self.operation("w7"))
        late.id, late.txid, late.invoked, late.answered = "w8", (4, 90), 300, 301
        self.history.operations.append(late)
        self.world.say(late.txid, COMMITTED)
        self.breaks(checker.linearizable_reads_see_what_was_answered)

    def test_a_linearizable_read_is_committed(self):
        read = self.read("x", "y")
        read.linearizable, read.txid = True, (4, 70)
        self.breaks(checker.linearizable_reads_see_what_was_answered)

    def test_a_promise_is_kept(self):
        self.operation("w3").promised = True
        self.breaks(checker.promises_are_kept)

    def test_what_is_committed_stays(self):
        objects = self.history.final["n1"]
        objects["x"] = (objects["x"][0][:-1], 0)
        self.breaks(checker.committed_is_durable)

    def test_everything_is_decided_in_the_end(self):
        self.status("w1", PENDING)
        self.breaks(checker.everything_is_decided)

    def test_nodes_agree_in_the_end(self):
        self.history.final["n1"]["y"] = ([], 0)
        self.breaks(checker.nodes_agree)

    def test_a_session_does_not_go_back(self):
        read = self.read("x", "y")
        read.txid = (read.txid[0], read.txid[1] - 1)
        self.breaks(checker.sessions_are_monotonic)

    def test_a_session_does_not_change_its_branch(self):
        self.operation("w4").session, self.operation("w4").number = "s1", 50
        self.breaks(checker.sessions_are_monotonic)

    def test_a_session_sees_what_it_wrote(self):
        self.read("x", "y").observed["x"] = ([], 0)
        self.breaks(checker.sessions_are_monotonic)

    def test_every_rule_is_shown_to_fail(self):
        text = pathlib.Path(os.path.abspath(__file__)).read_text()
        for rule in checker.RULES:
            self.assertIn(f"self.breaks(checker.{rule.__name__})", text)


if __name__ == "__main__":
    unittest.main()
