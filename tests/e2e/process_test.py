#!/usr/bin/env python3
"""The node as a process: signals, exit codes, what a crash leaves, and options of the command line."""

import json
import signal
import socket
import subprocess
import threading
import unittest

import harness
from harness import LIMIT, Node, eventually


class SignalTest(unittest.TestCase):
    def end(self, node, number):
        node.process.send_signal(number)
        code = node.process.wait(LIMIT)
        self.assertEqual(code, 0, node.log_text()[-2000:])
        return node.log_text()

    def test_each_signal_ends_it_cleanly(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            with self.subTest(number.name), Node("logging") as node:
                client = node.client("user0")
                answer = client.post("/app/log/private", {"id": 1, "msg": "x"})
                self.assertEqual(answer.status, 200)
                text = self.end(node, number)
                self.assertIn(f"{number.name}: ", text)
                self.assertIn("Host stopped successfully", text.strip().splitlines()[-1])
                self.assertTrue((node.folder / "node.pid").exists())  # it stays
                # What was answered was also committed.
                report = json.loads(node.verify_ledger("--json").stdout)
                self.assertGreaterEqual(int(report["last_verified"].split(".")[1]),
                                        int(answer.txid.split(".")[1]))

    def test_under_load(self):
        """Whoever waits for commit gets an answer or a closed connection, never silence."""
        with Node("logging") as node:
            failures, answered = [], []

            def work(number):
                client = node.client("user0")
                try:
                    for i in range(100000):
                        answer = client.post(f"/app/log/public?scope=s{number}", {"id": i, "msg": "x"},
                                             {"prefer": "wait=30"})
                        if answer.status not in (200, 503):
                            failures.append(answer)
                        elif "preference-applied" in answer.headers:
                            answered.append(answer.txid)
                except TimeoutError as silence:
                    failures.append(silence)
                except Exception:
                    pass  # closed

            threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
            for thread in threads:
                thread.start()
            eventually(lambda: len(answered) > 100, "writes are committed")
            self.end(node, signal.SIGHUP)
            for thread in threads:
                thread.join(LIMIT)
                self.assertFalse(thread.is_alive())
            self.assertEqual(failures, [])
            report = json.loads(node.verify_ledger("--json").stdout)
            last = max(int(txid.split(".")[1]) for txid in answered)
            self.assertGreaterEqual(int(report["last_verified"].split(".")[1]), last)

    def test_the_first_sigterm_is_a_notice(self):
        def configure(configuration):
            configuration["ignore_first_sigterm"] = True

        with Node("logging", configure=configure) as node:
            client = node.client("user0")
            self.assertFalse(client.get("/node/state").json["stop_notice"])
            self.assertEqual(client.get("/node/ready/app").status, 204)
            node.process.send_signal(signal.SIGTERM)
            eventually(lambda: client.get("/node/state").json["stop_notice"], "the notice is seen")
            self.assertEqual(client.get("/node/ready/app").status, 503)
            self.assertEqual(client.get("/node/ready/gov").status, 503)
            answer = client.post("/app/log/private", {"id": 1, "msg": "still"}, {"prefer": "wait=30"})
            self.assertEqual(answer.status, 200)
            self.assertIn("preference-applied", answer.headers)
            text = self.end(node, signal.SIGTERM)
            self.assertIn("SIGTERM: Notifying enclave, but not shutting down.", text)

    def test_sighup_is_never_ignored(self):
        def configure(configuration):
            configuration["ignore_first_sigterm"] = True

        with Node("logging", configure=configure) as node:
            self.assertIn("SIGHUP: Shutting down", self.end(node, signal.SIGHUP))

    def test_batch_fsync(self):
        """Every commit that is answered was synced before; a killed process loses none."""
        def configure(configuration):
            configuration["ledger"] = {"durability": "batch_fsync", "chunk_size": "20KB"}

        with Node("logging", configure=configure) as node:
            client = node.client("user0")
            for i in range(40):
                answer = client.post("/app/log/private", {"id": i, "msg": "x" * 1500}, {"prefer": "wait=30"})
                self.assertIn("preference-applied", answer.headers)
            node.kill()
            done = node.verify_ledger("--service-cert", node.service_cert, "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertGreaterEqual(int(json.loads(done.stdout)["last_verified"].split(".")[1]),
                                    int(answer.txid.split(".")[1]))


class ExitCodeTest(unittest.TestCase):
    """The codes of docs/configuration.md, each with a message that names the place."""

    def setUp(self):
        self.prepared = Node("logging")
        self.addCleanup(self.prepared.close)
        self.folder = self.prepared.folder

    def node(self, *options):
        return harness.run(self.prepared.program, *(options or ("node", "--config", "config.json")),
                           cwd=self.folder)

    def write(self, configuration):
        text = configuration if isinstance(configuration, str) else json.dumps(configuration)
        (self.folder / "config.json").write_text(text)

    def ends(self, code, *parts, options=()):
        done = self.node(*options)
        said = done.stdout.decode() + done.stderr.decode()
        self.assertEqual(done.returncode, code, said)
        for part in parts:
            self.assertIn(part, said)
        return done.stdout.decode()

    def test_options(self):
        self.ends(106, "--config", options=("node",))
        self.ends(105, "--log-level", options=("node", "--config", "x", "--log-level", "loud"))
        self.ends(105, options=("node", "--no-such-option"))
        self.ends(105, "--config-timeout", options=("node", "--config", "x", "--config-timeout", "soon"))
        self.ends(0, "CCF host: ", "Platform: ", options=("node", "--version"))
        self.ends(0, "--config", options=("node", "--help"))

    def test_configurations(self):
        self.ends(134, "missing.json", options=("node", "--config", "missing.json"))
        self.write('{"network":')
        self.ends(134, "config.json")
        wrong = dict(self.prepared.configuration, ledger={"chunksize": "1MB"})
        self.write(wrong)
        self.ends(134, "ledger.chunksize", "chunk_size")
        self.write(self.prepared.configuration)
        before = sorted(self.folder.iterdir())
        self.ends(0, "is valid", options=("node", "--config", "config.json", "--check"))
        self.ends(0, "is valid", options=("--config", "config.json", "--check"))
        self.assertEqual(sorted(self.folder.iterdir()), before)

    def test_what_is_not_offered(self):
        main = self.prepared.configuration["network"]["rpc_interfaces"]["main"]
        main["app_protocol"] = "QUIC"
        self.write(self.prepared.configuration)
        self.ends(0, "main.app_protocol", options=("node", "--config", "config.json", "--check"))
        self.ends(1, 'main.app_protocol: "QUIC" is not offered', '"HTTP1+HTTP2"')
        self.assertFalse((self.folder / "node.pid").exists())

    def test_files_in_the_way(self):
        self.write(self.prepared.configuration)
        (self.folder / "node.pid").write_text("1")
        text = self.ends(103)
        self.assertTrue(text.rstrip().splitlines()[-1].endswith("PID file node.pid already exists. Exiting."), text)
        (self.folder / "node.pid").unlink()
        (self.folder / "ledger").mkdir()
        (self.folder / "ledger" / "ledger_1").write_bytes(b"x")
        self.ends(105, "ledger")

    def test_threshold(self):
        start = self.prepared.configuration["command"]["start"]
        start["service_configuration"] = {"recovery_threshold": 2}
        self.write(self.prepared.configuration)
        self.ends(105, "recovery_threshold")
        self.assertFalse((self.folder / "node.pid").exists())

    def test_files_that_are_named(self):
        for name in (self.folder / "constitution.js", self.prepared.member.cert,
                     self.folder / "member0_enc.pub.pem"):
            with self.subTest(name.name):
                self.write(self.prepared.configuration)
                moved = name.rename(name.with_suffix(".moved"))
                self.ends(255, name.name)
                moved.rename(name)
                harness.shutil.rmtree(self.folder / "ledger", ignore_errors=True)
                (self.folder / "node.pid").unlink(missing_ok=True)

    def test_an_address_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            self.prepared.configuration["network"]["rpc_interfaces"]["main"]["bind_address"] = address
            self.write(self.prepared.configuration)
            self.ends(1, "main", address)

    def test_an_address_that_does_not_exist(self):
        for interface in ("node_to_node_interface", "rpc_interfaces"):
            with self.subTest(interface):
                configuration = json.loads(json.dumps(self.prepared.configuration))
                place = configuration["network"][interface]
                (place["main"] if interface == "rpc_interfaces" else place)["bind_address"] = "no.such.invalid:0"
                self.write(configuration)
                self.ends(1, "no.such.invalid")
                harness.shutil.rmtree(self.folder / "ledger", ignore_errors=True)
                (self.folder / "node.pid").unlink(missing_ok=True)

    def test_a_configuration_that_comes_late(self):
        waiting = subprocess.Popen(
            [self.prepared.program, "node", "--config", "config.json", "--check", "--config-timeout", f"{LIMIT:.0f}s"],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(waiting.stdout.close)
        text = json.dumps(self.prepared.configuration)
        for part in (text[:100], text[:-1], text):
            self.assertIsNone(waiting.poll())
            self.write(part)
        self.assertEqual(waiting.wait(LIMIT), 0, waiting.stdout.read())

    def test_ledger_commands(self):
        cli = harness.command_line()
        for verb in ("verify", "show"):
            done = harness.run(cli, "ledger", verb, self.folder / "nothing")
            self.assertEqual(done.returncode, 255)
            self.assertIn(b"there is no such folder", done.stderr)
        (self.folder / "empty").mkdir()
        self.assertEqual(harness.run(cli, "ledger", "verify", self.folder / "empty").returncode, 1)


if __name__ == "__main__":
    unittest.main()
