#!/usr/bin/env python3
"""`entente bench` loads a sandbox of three nodes while its primary is killed: it goes on at the next
primary, and afterwards every write that was acknowledged as committed is still there."""
import json
import pathlib
import signal
import subprocess
import tempfile
import unittest

import harness
from harness import eventually
from sandbox_cluster_test import PATIENCE, Cluster


class BenchFailoverTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name) / "cluster"
        self.record = pathlib.Path(scratch.name) / "record"

    def start(self, *options):
        cluster = Cluster(self.folder, 3, *options)
        self.addCleanup(cluster.close)
        return cluster

    def bench(self, *options):
        """Runs until it is interrupted."""
        process = subprocess.Popen(
            [harness.program("entente"), "bench", "--sandbox", str(self.folder), "--connections", "3", "--depth", "4",
             "--prefer-wait", "20", "--duration", "1h", "--patience", f"{PATIENCE:.0f}s", "--record", str(self.record),
             "--json", *options],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def end(self, bench):
        bench.send_signal(signal.SIGINT)
        self.assertEqual(bench.wait(PATIENCE), 0)
        report = json.loads(bench.stdout.read())
        writes = report["writes"]
        self.assertEqual(writes["acknowledged"] + writes["failed"] + writes["unknown"],
                         report["requests"] + report["unanswered"], report)
        return report

    def check(self, *options):
        done = harness.run(harness.program("entente"), "bench", "--sandbox", self.folder, "--check", self.record,
                           "--json", *options)
        return done.returncode, json.loads(done.stdout)

    def wait_for_load(self, cluster):
        """Until the load is under way: its commits are seen."""
        def committed():
            document = cluster.healthy()
            if document is None:
                return 0
            return max(int(node["committed"].split(".")[1]) for node in document["nodes"] if "committed" in node)
        start = eventually(committed, "the cluster is healthy", PATIENCE, 0.2)
        eventually(lambda: committed() > start + 200, "commits", PATIENCE, 0.2)

    def test_every_committed_write_survives_the_primary(self):
        cluster = self.start()
        bench = self.bench()
        self.wait_for_load(cluster)
        old = cluster.primary()
        cluster.kill(old["node_id"])
        eventually(lambda: "2 of 3 nodes live, a majority" in cluster.said(), "what happened is said", PATIENCE)
        new = cluster.primary()
        self.assertNotEqual(new["node_id"], old["node_id"])
        self.wait_for_load(cluster)
        report = self.end(bench)
        self.assertGreaterEqual(report["reconnections"], 3, report)
        self.assertEqual((report["errors"], report["abandoned_connections"]), (0, 0), report)
        self.assertGreater(report["writes"]["committed"], 300, report)
        code, checked = self.check()
        self.assertEqual(code, 0, checked)
        self.assertEqual(checked["promised"], report["writes"]["committed"])
        self.assertGreaterEqual(checked["committed"], checked["promised"])
        self.assertEqual(cluster.end(), 0, cluster.said())

    def test_a_replaced_primary_loses_nothing(self):
        cluster = self.start("--heal")
        bench = self.bench()
        self.wait_for_load(cluster)
        dead = cluster.primary()["node_id"]
        cluster.kill(dead)
        eventually(lambda: "is gone from the service: healed" in cluster.said(), "the node is replaced", PATIENCE, 0.2)
        self.wait_for_load(cluster)
        self.end(bench)
        fresh = next(node for node in cluster.healthy()["nodes"] if node["node_id"] not in
                     {one["node_id"] for one in cluster.nodes})
        # The new node has it all, too.
        code, checked = self.check("--address", fresh["address"])
        self.assertEqual(code, 0, checked)
        self.assertEqual(cluster.end(), 0, cluster.said())

    def test_a_lost_majority_stops_commits_and_loses_nothing(self):
        cluster = self.start()
        bench = self.bench()
        self.wait_for_load(cluster)
        report = self.end(bench)
        primary = cluster.primary()["node_id"]
        last = [node for node in cluster.nodes if node["node_id"] != primary][0]
        for node in cluster.nodes:
            if node is not last:
                cluster.kill(node["node_id"])
        eventually(lambda: "LOST ITS MAJORITY: 1 of 3 nodes live" in cluster.said(), "it is said", PATIENCE)
        self.assertIsNone(cluster.process.poll(), "the rest is kept")
        client = cluster.client(last["address"])
        answer = client.put("/app/records/one-more", "value")
        self.assertEqual(answer.status, 503, answer)
        code, document = cluster.status("--timeout", "2")
        self.assertEqual((code, document["healthy"]), (1, False), document)
        # Everything is there, and known to be committed as far as this node was told.
        written = [line.split() for line in self.record.read_text().splitlines()[1:]]
        self.assertEqual(len(written), report["writes"]["acknowledged"])
        for key, value, txid, promised in written[::max(1, len(written) // 200)]:
            self.assertEqual(promised, "committed")
            answer = client.get(f"/app/records/{key}")
            self.assertEqual((answer.status, answer.body.decode()), (200, value))
            status = client.get(f"/node/tx?transaction_id={txid}").json["status"]
            self.assertIn(status, ("Committed", "Pending"))
        client.close()
        self.assertEqual(cluster.end(), 1, cluster.said())
        done = harness.run(harness.program("entente"), "ledger", "verify", "--service-cert",
                           cluster.facts["service_certificate"], pathlib.Path(last["folder"]) / "ledger")
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
