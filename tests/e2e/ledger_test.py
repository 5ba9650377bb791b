"""What a node leaves on disk verifies offline, however it ended."""

import json
import random
import shutil
import threading
import unittest

import harness
from harness import Node, run


class LedgerTest(unittest.TestCase):
    def setUp(self):
        harness.command_line()

    def verify(self, node, *options):
        done = node.verify_ledger("--service-cert", node.service_cert, "--json", *options)
        self.assertEqual(done.returncode, 0, (done.stdout, done.stderr))
        return done

    def write(self, node, count, prefer=None):
        client = node.client("user0")
        txid = None
        for i in range(count):
            table = "public" if i % 2 else "private"
            answer = client.post(f"/app/log/{table}", {"id": i, "msg": f"message {i}"},
                                 {"prefer": prefer} if prefer else {})
            self.assertEqual(answer.status, 200, answer)
            txid = answer.txid
        return txid

    def test_after_a_normal_end(self):
        with Node("logging") as node:
            txid = self.write(node, 200)
            node.client().wait_for_commit(txid)
            self.assertEqual(node.stop(), 0)
            self.verify(node)
            shown = run(harness.command_line(), "ledger", "show", node.ledger_folder(), "--json",
                        "--map", "public:records", "--values")
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertIn(b"message 199", shown.stdout)
            private = run(harness.command_line(), "ledger", "show", node.ledger_folder(), "--values")
            self.assertNotIn(b"message 198", private.stdout)

    def test_chunks(self):
        def configure(configuration):
            configuration["ledger"] = {"chunk_size": "20KB"}

        with Node("logging", configure=configure) as node:
            for _ in range(5):
                txid = self.write(node, 60, prefer="wait=10")
            committed = list(node.ledger_folder().glob("*.committed"))
            self.assertGreaterEqual(len(committed), 3)
            # Read back over several files.
            answer = node.client("user0").until_ready("GET", "/app/log/public/historical/range?id=1")
            self.assertEqual(len(answer.json["entries"]), 5)
            self.assertEqual(node.stop(), 0)
            self.verify(node)

    def test_kill_at_any_moment(self):
        seed = random.randrange(1 << 30)
        generator = random.Random(seed)
        for round in range(6):
            with self.subTest(seed=seed, round=round), Node("logging") as node:
                acknowledged = []
                stop = threading.Event()

                def writer(number):
                    client = node.client("user0")
                    i = 0
                    while not stop.is_set():
                        try:
                            answer = client.post(f"/app/log/public?scope=w{number}",
                                                 {"id": i, "msg": "x" * generator.randrange(1, 2000)},
                                                 {"prefer": "wait=20"} if i % 3 == 0 else {})
                        except Exception:
                            return
                        if answer.status == 200 and "preference-applied" in answer.headers:
                            acknowledged.append(answer.txid)
                        i += 1

                threads = [threading.Thread(target=writer, args=(n,)) for n in range(4)]
                for thread in threads:
                    thread.start()
                harness.eventually(lambda: len(acknowledged) > generator.randrange(1, 40), "some writes are committed")
                node.kill()
                stop.set()
                for thread in threads:
                    thread.join()
                report = json.loads(self.verify(node).stdout.decode().strip().splitlines()[-1])
                # Nothing that was acknowledged as committed is missing.
                verified = report["last_verified"]
                last = max(int(txid.split(".")[1]) for txid in acknowledged)
                self.assertGreaterEqual(int(verified.split(".")[1]), last, report)

    def test_damage_is_named(self):
        def configure(configuration):
            configuration["ledger"] = {"chunk_size": "20KB"}

        with Node("logging", configure=configure) as node:
            txid = self.write(node, 100, prefer="wait=10")
            self.assertEqual(node.stop(), 0)
            chunk = max(node.ledger_folder().glob("*.committed"), key=lambda p: p.stat().st_size)
            content = chunk.read_bytes()
            generator = random.Random(3)
            for _ in range(25):
                at = generator.randrange(len(content))
                damaged = bytearray(content)
                damaged[at] ^= 1 << generator.randrange(8)
                chunk.write_bytes(damaged)
                done = node.verify_ledger("--service-cert", node.service_cert)
                self.assertEqual(done.returncode, 1, at)
                # Where the bit is bound by a signature only, the place is that of the signature.
                self.assertRegex(done.stderr.decode(), r"NOT intact: ledger_[0-9-]+(\.committed)?")
            chunk.write_bytes(content)
            self.verify(node)
            self.assertIsNotNone(txid)

    def test_another_service_is_not_believed(self):
        with Node("logging") as node, Node("logging") as other:
            txid = self.write(node, 3)
            client = node.client("user0")
            client.wait_for_commit(txid)
            receipt = client.until_ready("GET", f"/app/receipt?transaction_id={txid}").json
            self.assertEqual(node.verify_receipt(receipt).returncode, 0)
            self.assertNotEqual(other.verify_receipt(receipt).returncode, 0)
            self.assertEqual(node.stop(), 0)
            done = node.verify_ledger("--service-cert", other.service_cert)
            self.assertNotEqual(done.returncode, 0)

    def test_a_second_start_on_a_used_folder_is_refused(self):
        with Node("logging") as node:
            self.write(node, 5, prefer="wait=10")
            self.assertEqual(node.stop(), 0)
            before = {p.name: p.read_bytes() for p in node.ledger_folder().iterdir()}
            again = run(node.program, "node", "--config", "config.json", cwd=node.folder)
            self.assertEqual(again.returncode, 103)  # the pid file
            (node.folder / "node.pid").unlink()
            again = run(node.program, "node", "--config", "config.json", cwd=node.folder)
            self.assertEqual(again.returncode, 105)  # the ledger
            self.assertEqual({p.name: p.read_bytes() for p in node.ledger_folder().iterdir()}, before)


if __name__ == "__main__":
    unittest.main()
