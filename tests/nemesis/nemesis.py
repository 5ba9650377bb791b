#!/usr/bin/env python3
"""Real processes under real faults: a cluster in network namespaces, clients that write down what they
are told, and a checker that says whether a right service may have told them that.

    tests/nemesis/nemesis.py --nodes 3 --seconds 60 --seed 1
    tests/nemesis/nemesis.py --nodes 5 --seconds 600 --only kill_leader,split --keep DIR

Needs Linux and root, or the right to make user namespaces; otherwise it says why it does not run and
ends with exit code 77. Exit code 1: something is wrong. docs/verification.md says what is checked.
The seed draws what is done and when; what the processes make of it differs from run to run.
"""

import argparse
import collections
import pathlib
import random
import shutil
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import namespaces  # noqa: E402

SKIPPED = 77


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=3, choices=(3, 5, 7))
    parser.add_argument("--seconds", type=float, default=60, help="how long nemeses are at work")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--pause", type=float, default=0.03, help="of a client between two operations, on average")
    parser.add_argument("--longest", type=float, help="seconds that a fault lasts at most; 30, or 5 in short runs")
    parser.add_argument("--only", help="nemeses, separated by commas")
    parser.add_argument("--keep", help="folder for the history and the logs, and for the ledgers if something is wrong")
    return parser.parse_args()


class Run:
    def __init__(self, options):
        # Only inside the namespaces: these start programs.
        import checker
        import clients
        import cluster
        import history
        import ledgers
        import nemeses
        self.checker, self.clients_module, self.ledgers, self.history_module = checker, clients, ledgers, history
        self.options = options
        self.began = time.monotonic()
        self.draw = random.Random(options.seed)
        self.network = namespaces.Network()
        for missing in self.network.what_is_missing():
            self.say(f"note: {missing}")
        self.say("note: clocks are not changed: that takes privileges, or a library in every process")
        self.cluster = cluster.Cluster(self.network, options.nodes, self.say)
        longest = options.longest or (30 if options.seconds > 120 else 5)
        self.nemeses = nemeses.Nemeses(self.cluster, self.draw, self.say, longest)
        self.work = clients.Work()
        self.clients = [clients.Client(number, self.cluster, self.work, options.seed, options.pause)
                        for number in range(options.clients)]
        self.poller = clients.StatusPoller(self.cluster, self.clients, options.seed)
        self.done = collections.Counter()
        self.wrong = []

    def say(self, what):
        print(f"{time.monotonic() - self.began:7.1f} s  {what}", flush=True)

    # ------------------------------------------------------------------------------ the phases

    def disturb(self):
        """Each nemesis once in an order of the seed, then again, until the time is over."""
        names = self.options.only.split(",") if self.options.only else self.nemeses.names()
        end = time.monotonic() + self.options.seconds
        order = []
        while time.monotonic() < end:
            if not order:
                order = list(names)
                self.draw.shuffle(order)
            name = order.pop()
            self.say(f"-- {name}")
            self.nemeses.run(name)
            self.done[name] += 1
            time.sleep(self.draw.uniform(0.2, 2))

    def finish(self):
        """Everything is healed; what is left of the clients is collected."""
        self.network.heal()
        for node in self.cluster.nodes:
            node.resume()
        self.say("healed")
        self.cluster.settle()
        for one in [*self.clients, self.poller]:
            one.stopping.set()
        for one in [*self.clients, self.poller]:
            one.join(60)
            if one.is_alive():
                self.wrong.append(f"{one.name} does not end")
        for client in self.clients:
            self.wrong += [f"unexpected answer: {one}" for one in client.unexpected]
        # A write after all others, so that everything before it is decided.
        from harness import eventually
        from cluster import PATIENCE

        def last_write():
            leader = self.cluster.leader()
            if leader is None:
                return None
            client = leader.client("user0")
            answer = client.post("/app/apply", {"id": "last", "changes": {"last": 0}})
            client.close()
            return answer.txid if answer.status == 200 else None

        txid = self.history_module.parse_txid(eventually(last_write, "a last write", PATIENCE, 0.2))

        def known_everywhere():
            return all([one.status for one in self.clients_module.ask_statuses(node, [txid])] == ["Committed"]
                       for node in self.cluster.nodes)

        eventually(known_everywhere, "all nodes know the last write as committed", PATIENCE, 0.2)

    def collect(self):
        history = self.history_module.History()
        history.operations = [one for client in self.clients for one in client.operations]
        history.reports = list(self.poller.reports)
        history.conserved = [self.clients_module.accounts_of(one) for one in range(self.work.generations())]
        ids = sorted({one.txid for one in history.operations if one.txid is not None})
        for node in self.cluster.nodes:
            reports = self.clients_module.ask_statuses(node, ids, timeout=60)
            if len(reports) != len(ids):
                self.wrong.append(f"{node.name} answered {len(reports)} of {len(ids)} questions about statuses")
            history.reports += reports
            history.final[node.name] = self.content_of(node)
        return history

    def content_of(self, node):
        import json
        out = {}
        with self.clients_module.PipelinedGets(node, 60) as gets:
            for keys in self.work.all_keys():
                (status, text), = gets.ask(["/app/read?keys=" + ",".join(keys)])
                if status != 200:
                    raise AssertionError(f"{node.name} does not read: {status} {text[:200]}")
                for key, value in json.loads(text).items():
                    out[key] = (value["log"], value["value"])
        return out

    def check_ledgers(self):
        """Byte for byte up to the minimum commit; what a dead node committed is the same, too."""
        import harness
        commits = {node: self.cluster.commit_of(node) for node in self.cluster.nodes}
        lowest = min(commits.values())
        leader = self.cluster.wait_for_leader()
        for node in [*(one for one in self.cluster.nodes if one is not leader), leader]:
            code = node.stop()
            if code != 0:
                self.wrong.append(f"{node.name} ended with {code}: {node.log_text()[-2000:]}")
        reference = leader.disk / "ledger"
        for node in [*self.cluster.nodes, *self.cluster.gone]:
            folder = node.disk / "ledger"
            upto = lowest if node in self.cluster.nodes else min(lowest, self.committed_in(folder))
            place = self.ledgers.first_difference(reference, folder, upto) if upto else None
            if place is not None:
                self.wrong.append(f"the ledgers of {leader.name} and {node.name} differ at seqno {place}, "
                                  f"they must not up to {upto}")
            if node in self.cluster.nodes:
                done = harness.run(harness.command_line(), "ledger", "verify", "--service-cert",
                                   self.cluster.service_cert, folder)
                if done.returncode != 0:
                    self.wrong.append(f"{node.name}: ledger verify: {done.stdout.decode()[-500:]} "
                                      f"{done.stderr.decode()[-500:]}")
        self.say(f"ledgers of {len(self.cluster.nodes)} nodes compared up to {lowest}, "
                 f"and what {len(self.cluster.gone)} others had committed")

    @staticmethod
    def committed_in(folder):
        ends = [int(path.name.split("-")[1].split(".")[0]) for path in folder.glob("ledger_*-*.committed")]
        return max(ends, default=0)

    # ---------------------------------------------------------------------------------- a run

    def run(self):
        for one in [*self.clients, self.poller]:
            one.start()
        self.disturb()
        self.finish()
        history = self.collect()
        self.check_ledgers()
        if self.options.keep:
            self.keep(history)
        self.wrong += self.checker.check(history)
        self.summary(history)
        return not self.wrong

    def summary(self, history):
        operations = history.operations
        writes = [one for one in operations if one.write]
        status = {report.txid: report.status for report in history.reports}
        outcomes = collections.Counter(one.outcome for one in writes)
        final = collections.Counter(status.get(one.txid) for one in writes if one.txid)
        views = {txid[0] for txid, one in status.items() if one == "Committed"}
        self.say(f"{len(operations)} operations, {len(writes)} writes: {dict(outcomes)}, in the end {dict(final)}; "
                 f"{sum(one.promised for one in writes)} acknowledged as committed; "
                 f"{len({one.session for one in operations})} sessions, {len(views)} views, "
                 f"{len(history.reports)} questions about statuses")
        answers = collections.Counter(one.answer for one in operations if one.outcome != "ok")
        self.say(f"other answers: {dict(answers.most_common(12))}")
        self.say(f"nemeses: {dict(self.done)}; {self.cluster.counts['replaced']} nodes replaced")
        for one in self.wrong:
            print("WRONG:", one)
        self.say(f"{len(self.checker.RULES)} rules: " + ("SOMETHING IS WRONG" if self.wrong else "nothing is wrong"))

    def keep(self, history):
        folder = pathlib.Path(self.options.keep)
        folder.mkdir(parents=True, exist_ok=True)
        self.history_module.save(history, folder / "history.jsonl")
        for node in [*self.cluster.nodes, *self.cluster.gone]:
            shutil.copy(node.folder / "log.txt", folder / f"{node.name}.log")

    def keep_nodes(self):
        if not self.options.keep:
            return
        for node in [*self.cluster.nodes, *self.cluster.gone]:
            shutil.copytree(node.folder, pathlib.Path(self.options.keep) / node.name, dirs_exist_ok=True)

    def close(self):
        for one in [*self.clients, self.poller]:
            one.stopping.set()
        if self.wrong:
            self.keep_nodes()
        self.cluster.close()


def main():
    options = arguments()
    reason = namespaces.enter()
    if reason:
        print(f"skipped: {reason}")
        return SKIPPED
    try:
        run = Run(options)
    except unittest.SkipTest as missing:
        print(f"skipped: {missing}")
        return SKIPPED
    try:
        good = run.run()
    except BaseException as failure:
        run.wrong.append(repr(failure))
        for node in [*run.cluster.nodes, *run.cluster.gone]:
            print(f"--- end of the log of {node.name} ({'lives' if node.alive() else node.process.returncode})")
            print(node.log_text()[-1500:])
        raise
    finally:
        run.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
