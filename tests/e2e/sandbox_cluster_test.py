#!/usr/bin/env python3
"""A sandbox of several nodes as a person uses it: nodes are killed while clients write, the service
goes on, nothing that was acknowledged as committed is lost, dead nodes are replaced, and the status
command tells the truth throughout."""
import json
import os
import pathlib
import signal
import ssl
import subprocess
import tempfile
import threading
import unittest
import http.client

import harness
from harness import eventually

# A cluster of slow builds on a loaded machine needs longer than a node.
PATIENCE = harness.LIMIT * 4
UNREACHABLE = (OSError, http.client.HTTPException, ssl.SSLError)


class Cluster:
    """`entente sandbox --nodes N`, started and understood."""

    def __init__(self, folder, nodes, *options):
        self.folder = pathlib.Path(folder)
        self.said_file = self.folder.parent / (self.folder.name + ".said")
        with open(self.said_file, "wb") as said:
            self.process = subprocess.Popen(
                [harness.program("entente"), "sandbox", "--nodes", str(nodes), "--app", "basic", "--port", "0",
                 "--workdir", str(folder), "--json", *options],
                stdout=subprocess.PIPE, stderr=said, stdin=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the sandbox did not start: {self.said()}")
        self.facts = json.loads(line)
        self.nodes = self.facts["nodes"]
        self.context = ssl.create_default_context(cafile=self.facts["service_certificate"])
        self.context.check_hostname = False
        self.context.load_cert_chain(self.facts["users"][0]["certificate"], self.facts["users"][0]["private_key"])

    def said(self):
        return self.said_file.read_text(errors="replace")

    def client(self, address):
        host, port = address.removeprefix("https://").rsplit(":", 1)
        return harness.Client((host, int(port)), self.context)

    def status(self, *options):
        """(exit code, document) of the status command."""
        done = harness.run(harness.program("entente"), "cluster", "status", "--sandbox", self.folder, "--json",
                           *options)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr.decode()

    def healthy(self):
        code, document = self.status()
        return document if code == 0 else None

    def primary(self):
        """The entry of the primary in a status that says that all is well."""
        document = eventually(self.healthy, "a primary and a majority", PATIENCE, 0.2)
        return next(node for node in document["nodes"] if node["node_id"] == document["primary_id"])

    def kill(self, node_id):
        os.kill(next(node["pid"] for node in self.nodes if node["node_id"] == node_id), signal.SIGKILL)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()


class Writer(threading.Thread):
    """Puts records one after the other; goes to the next node when one does not take a write."""

    def __init__(self, cluster, addresses, name):
        super().__init__(name=name, daemon=True)
        self.cluster, self.addresses = cluster, addresses
        self.stopping = threading.Event()
        self.acknowledged = []  # (key, value, transaction id, globally committed)

    def run(self):
        at = number = 0
        client = self.cluster.client(self.addresses[at])
        while not self.stopping.is_set():
            key, value = f"{self.name}-{number}", f"value {number} of {self.name}"
            number += 1
            # Every other write is answered only when it is globally committed.
            wait = {"prefer": "wait=5"} if number % 2 else {}
            try:
                answer = client.put(f"/app/records/{key}", value, wait)
            except UNREACHABLE:
                answer = None
            if answer is not None and answer.status == 204 and answer.txid:
                committed = bool(wait) and "preference-applied" in answer.headers
                self.acknowledged.append((key, value, answer.txid, committed))
                continue
            client.close()
            at = (at + 1) % len(self.addresses)
            client = self.cluster.client(self.addresses[at])
            self.stopping.wait(0.02)
        client.close()

    def committed(self):
        return [write for write in list(self.acknowledged) if write[3]]


class SandboxClusterTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name) / "cluster"

    def start(self, nodes, *options):
        cluster = Cluster(self.folder, nodes, *options)
        self.addCleanup(cluster.close)
        self.assertEqual(len(cluster.nodes), nodes, cluster.facts)
        return cluster

    def writers(self, cluster):
        """One for each node, which it asks first."""
        addresses = [node["address"] for node in cluster.nodes]
        writers = [Writer(cluster, addresses[i:] + addresses[:i], f"w{i}") for i in range(len(addresses))]
        for writer in writers:
            writer.start()
            self.addCleanup(writer.stopping.set)
        return writers

    def stop(self, writers):
        for writer in writers:
            writer.stopping.set()
        for writer in writers:
            writer.join(PATIENCE)
            self.assertFalse(writer.is_alive())

    def more_committed(self, writers, count):
        """Waits until the writers have seen so many more commits."""
        before = sum(len(writer.committed()) for writer in writers)
        eventually(lambda: sum(len(w.committed()) for w in writers) >= before + count,
                   f"{count} more commits", PATIENCE, 0.05)

    def check(self, cluster, address, writers):
        """Everything that was acknowledged as committed is there; so is what turns out to be committed."""
        client = cluster.client(address)

        def final(txid):
            answer = client.get(f"/app/tx?transaction_id={txid}")
            self.assertEqual(answer.status, 200, answer)
            return answer.json["status"] if answer.json["status"] in ("Committed", "Invalid") else None

        there = 0
        for writer in writers:
            for key, value, txid, committed in writer.acknowledged:
                status = eventually(lambda: final(txid), f"{txid} is final", PATIENCE)
                if committed:
                    self.assertEqual(status, "Committed", f"{key} {txid} was acknowledged as committed")
                if status == "Committed":
                    answer = client.get(f"/app/records/{key}")
                    self.assertEqual((answer.status, answer.body.decode()), (200, value), key)
                    there += 1
        client.close()
        return there

    def verify_ledgers(self, cluster, folders):
        for folder in folders:
            done = harness.run(harness.program("entente"), "ledger", "verify", "--service-cert",
                               cluster.facts["service_certificate"], pathlib.Path(folder) / "ledger")
            self.assertEqual(done.returncode, 0, f"{folder}: {done.stdout} {done.stderr}")

    def test_nothing_committed_is_lost_with_the_primary(self):
        cluster = self.start(3)
        code, document = cluster.status()
        self.assertEqual(code, 0, document)
        self.assertEqual([node["status"] for node in document["nodes"]], ["Trusted"] * 3)
        self.assertEqual(sorted(node["role"] for node in document["nodes"]), ["backup", "backup", "primary"])
        self.assertEqual({node["node_id"] for node in document["nodes"]},
                         {node["node_id"] for node in cluster.nodes})

        writers = self.writers(cluster)
        self.more_committed(writers, 20)
        old = cluster.primary()
        cluster.kill(old["node_id"])
        self.more_committed(writers, 20)
        new = cluster.primary()
        self.assertNotEqual(new["node_id"], old["node_id"])
        self.assertGreater(new["view"], old["view"])
        self.stop(writers)
        self.assertGreaterEqual(self.check(cluster, new["address"], writers), 40)
        eventually(lambda: "2 of 3 nodes live, a majority" in cluster.said(), "what happened is said", PATIENCE)
        self.assertIn("with exit code 137 (signal 9, Killed)", cluster.said())
        self.assertIn("--heal", cluster.said())
        self.assertEqual(cluster.end(), 0, cluster.said())
        left = [node["folder"] for node in cluster.nodes if node["node_id"] != old["node_id"]]
        self.verify_ledgers(cluster, left)

    def test_a_dead_primary_is_replaced(self):
        cluster = self.start(3, "--heal")
        writers = self.writers(cluster)
        self.more_committed(writers, 10)
        dead = cluster.primary()["node_id"]
        cluster.kill(dead)

        def healed():
            document = cluster.healthy()
            if document is None:
                return None
            ids = [node["node_id"] for node in document["nodes"]]
            good = all(node["status"] == "Trusted" and node["answers"] for node in document["nodes"])
            return document if good and dead not in ids and len(ids) == 3 else None

        document = eventually(healed, "three nodes again, without the dead one", PATIENCE, 0.2)
        self.more_committed(writers, 10)
        self.stop(writers)
        known = {node["node_id"] for node in cluster.nodes}
        fresh = [node for node in document["nodes"] if node["node_id"] not in known]
        self.assertEqual(len(fresh), 1, document)
        self.assertEqual((self.folder / "node3" / "rpc_addresses.json").read_text(),
                         json.dumps({"main": fresh[0]["address"]}, separators=(",", ":")))
        for node in document["nodes"]:
            self.check(cluster, node["address"], writers)
        eventually(lambda: "is gone from the service: healed" in cluster.said(), "it is said", PATIENCE)
        self.assertEqual(cluster.end(), 0, cluster.said())
        self.verify_ledgers(cluster, [self.folder / "node3"])

    def test_without_a_majority_it_says_so_and_keeps_the_rest(self):
        cluster = self.start(3)
        primary = cluster.primary()["node_id"]
        backups = [node for node in cluster.nodes if node["node_id"] != primary]
        cluster.kill(backups[0]["node_id"])
        eventually(lambda: "2 of 3 nodes live" in cluster.said(), "the first death is said", PATIENCE)
        code, document = cluster.status()
        self.assertEqual((code, document["healthy"]), (0, True), document)
        dead = next(node for node in document["nodes"] if node["node_id"] == backups[0]["node_id"])
        self.assertFalse(dead["answers"])
        self.assertIn("error", dead)
        cluster.kill(backups[1]["node_id"])
        eventually(lambda: "LOST ITS MAJORITY: 1 of 3 nodes live" in cluster.said(), "the loss is said", PATIENCE)
        code, document = cluster.status()
        self.assertEqual((code, document["healthy"]), (1, False), document)
        self.assertEqual([node["answers"] for node in document["nodes"] if node["node_id"] == primary], [True])
        self.assertIsNone(cluster.process.poll())
        cluster.kill(primary)
        self.assertEqual(cluster.process.wait(PATIENCE), 1)
        self.assertIn("no node is left", cluster.said())
        code, reason = cluster.status()
        self.assertEqual(code, 1)
        self.assertIn("no node of this sandbox runs", reason)

    def test_a_node_that_is_only_paused_is_not_given_up(self):
        cluster = self.start(3)
        primary = cluster.primary()["node_id"]
        paused = next(node for node in cluster.nodes if node["node_id"] != primary)
        os.kill(paused["pid"], signal.SIGSTOP)
        try:
            code, document = cluster.status("--timeout", "1")
            self.assertEqual(code, 0, document)
            seen = next(node for node in document["nodes"] if node["node_id"] == paused["node_id"])
            self.assertFalse(seen["answers"])
        finally:
            os.kill(paused["pid"], signal.SIGCONT)

        def back():
            document = cluster.healthy()
            return document and all(node["answers"] for node in document["nodes"])

        eventually(back, "the node answers again", PATIENCE, 0.2)
        self.assertNotIn("ended, with", cluster.said())
        self.assertEqual(cluster.end(), 0, cluster.said())

    def test_what_makes_no_sense_is_refused(self):
        for options, reason in ((["--nodes", "2"], "odd"), (["--nodes", "11"], "--nodes"),
                                (["--nodes", "0"], "--nodes"), (["--heal"], "--nodes 3")):
            done = harness.run(harness.program("entente"), "sandbox", "--workdir", self.folder, *options)
            self.assertEqual(done.returncode, 105, done.stderr)
            self.assertIn(reason, done.stderr.decode())
            self.assertFalse(self.folder.exists())


if __name__ == "__main__":
    unittest.main()
