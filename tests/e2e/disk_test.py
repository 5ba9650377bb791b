#!/usr/bin/env python3
"""A disk that is full: reads and writes go on until too many transactions are not committed, then
applications are turned away and `/node` goes on; nothing that was committed is lost; the service
goes on when there is space again."""

import contextlib
import json
import resource
import subprocess
import unittest

import harness
from harness import Node

BOUND = 60  # transactions that may wait for commit
COMMITTED = 40  # while the disk still has space


def small_bound(configuration):
    configuration["consensus"] = {"max_uncommitted_tx_count": BOUND}


class SmallDisk:
    """A file system of its own for the ledger, which a file of ours fills to the last byte."""

    def __init__(self, node):
        self.folder = node.folder / "disk"
        self.folder.mkdir()
        self.filler = self.folder / "filler"
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(self.folder)],
                                 capture_output=True)
        if mounted.returncode != 0:
            raise unittest.SkipTest(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
        node.configuration["ledger"] = {"directory": "disk/ledger"}

    def fill(self, _):
        with open(self.filler, "ab", buffering=0) as filler:
            for size in (4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        filler.write(b"x" * size)

    def free(self, _):
        self.filler.unlink()

    def close(self):
        subprocess.run(["umount", "--lazy", str(self.folder)], capture_output=True)


class SmallFiles:
    """Without the right to mount: no file of the node may grow beyond its open chunk."""

    def __init__(self, node):
        self.node = node

    def set(self, limit):
        _, hard = resource.prlimit(self.node.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.node.process.pid, resource.RLIMIT_FSIZE, (limit, hard))

    def fill(self, _):
        size = max(path.stat().st_size for path in self.node.ledger_folder().iterdir())
        log = (self.node.folder / "log.txt").stat().st_size
        # The log is a file of the process too.
        if size < log + 20000:
            raise AssertionError(f"the open chunk ({size}) is too small beside the log ({log})")
        self.set(size + 100)

    def free(self, _):
        self.set(resource.RLIM_INFINITY)

    def close(self):
        pass


class DiskTest(unittest.TestCase):
    def setUp(self):
        harness.command_line()

    @contextlib.contextmanager
    def node(self, disk_kind):
        node = Node("logging", configure=small_bound)
        disk = None
        try:
            disk = disk_kind(node)
            node.start()
            yield node, disk
        finally:
            if node.process is not None and node.alive():
                node.kill()
            if disk is not None:
                disk.close()
            node.close()

    def write(self, client, number, **headers):
        return client.post("/app/log/private", {"id": number, "msg": f"{number} " + "x" * 2000}, headers)

    def committed_last(self, node):
        report = node.verify_ledger("--service-cert", node.service_cert, "--json")
        self.assertEqual(report.returncode, 0, (report.stdout, report.stderr))
        return int(json.loads(report.stdout)["last_verified"].split(".")[1])

    def fill_until_refused(self, node, disk, client):
        """The transaction ids that were answered without being committed."""
        for number in range(COMMITTED):
            answer = self.write(client, number, prefer="wait=30")
            self.assertEqual(answer.status, 200)
            self.assertIn("preference-applied", answer.headers)
        disk.fill(node)
        uncommitted = []
        for number in range(COMMITTED, COMMITTED + 20 * BOUND):
            answer = self.write(client, number)
            if answer.status != 200:
                self.assertEqual(answer.status, 503, answer)
                self.assertEqual(answer.error()[0], "TooManyPendingTransactions")
                break
            uncommitted.append(answer.txid)
            if number < COMMITTED + BOUND // 2:
                for known in (0, number):
                    read = client.get(f"/app/log/private?id={known}")
                    self.assertEqual((read.status, read.json["msg"].split()[0]), (200, str(known)))
        else:
            self.fail("writes were never turned away")
        # Not before the bound; signatures count too.
        self.assertGreater(len(uncommitted), BOUND // 2)
        return uncommitted

    def committed(self, client):
        """The seqno that the node says is globally committed."""
        return int(client.get("/node/commit").json["transaction_id"].split(".")[1])

    def status(self, client, txid):
        return client.get(f"/node/tx?transaction_id={txid}").json["status"]

    def check_full_and_free_again(self, disk_kind):
        with self.node(disk_kind) as (node, disk):
            client = node.client("user0")
            uncommitted = self.fill_until_refused(node, disk, client)
            # Refused again and again, and the reason is in the log.
            self.assertEqual(self.write(client, 0).status, 503)
            self.assertEqual(client.get("/node/state").status, 200)
            self.assertIn("could not write the ledger", node.log_text())
            self.assertEqual(self.status(client, uncommitted[-1]), "Pending")
            last = self.committed(client)
            self.assertLess(last, int(uncommitted[-1].split(".")[1]))

            disk.free(node)
            for txid in uncommitted:  # all that was answered
                harness.eventually(lambda: self.status(client, txid) == "Committed", f"{txid} is committed")
            answer = harness.eventually(
                lambda: (got := self.write(client, 1, prefer="wait=30")).status == 200 and got,
                "writes are taken again")
            self.assertIn("preference-applied", answer.headers)
            self.assertIn("the disk works again after", node.log_text())
            self.assertEqual(node.stop(), 0)
            self.assertGreaterEqual(self.committed_last(node), int(answer.txid.split(".")[1]))

    def check_killed_while_full(self, disk_kind):
        with self.node(disk_kind) as (node, disk):
            client = node.client("user0")
            self.fill_until_refused(node, disk, client)
            committed = self.committed(client)
            node.kill()
            self.assertGreaterEqual(self.committed_last(node), committed)

    def check_stopped_while_full(self, disk_kind):
        """It cannot keep what it answered: it says so, and its exit code does."""
        with self.node(disk_kind) as (node, disk):
            client = node.client("user0")
            self.fill_until_refused(node, disk, client)
            committed = self.committed(client)
            self.assertEqual(node.stop(), 1)
            self.assertIn("The ledger could not be written to its end", node.log_text())
            self.assertGreaterEqual(self.committed_last(node), committed)

    def test_full_file_system(self):
        self.check_full_and_free_again(SmallDisk)

    def test_full_file_system_and_killed(self):
        self.check_killed_while_full(SmallDisk)

    def test_full_file_system_and_stopped(self):
        self.check_stopped_while_full(SmallDisk)

    def test_file_size_limit(self):
        self.check_full_and_free_again(SmallFiles)

    def test_file_size_limit_and_killed(self):
        self.check_killed_while_full(SmallFiles)

    def test_no_space_from_the_start(self):
        """A node that cannot write its first transaction ends instead of waiting for ever."""
        # The folder that the ledger needs cannot be made: a file has its name.
        node = Node("logging")
        self.addCleanup(node.close)
        (node.folder / "ledger").write_text("not a folder")
        (node.folder / "config.json").write_text(json.dumps(node.configuration))
        done = harness.run(node.program, "node", "--config", "config.json", cwd=node.folder)
        self.assertNotIn(done.returncode, (0, -6, -11), done.stdout)
        self.assertIn(b"ledger", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
