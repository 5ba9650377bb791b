#!/usr/bin/env python3
"""The sandbox as a person uses it: what it prints works when pasted, a second start on the same
folder destroys nothing, Ctrl-C ends it cleanly, and the folder is good for the ledger commands."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness


class Sandbox:
    def __init__(self, folder, *options):
        self.folder = pathlib.Path(folder)
        self.process = subprocess.Popen(
            [harness.program("entente"), "sandbox", "--port", "0", "--workdir", str(folder),
             *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def printed(self):
        """Everything up to the last line of a start."""
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C ends it"):
                return "".join(lines)
        raise AssertionError(f"the sandbox did not start: {self.process.stderr.read()}")

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        self.process.wait(harness.LIMIT)
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.returncode


class SandboxTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name) / "a folder"  # names with spaces are quoted

    def start(self, *options):
        sandbox = Sandbox(self.folder, *options)
        self.addCleanup(lambda: sandbox.process.poll() is None and sandbox.process.kill())
        return sandbox

    def paste(self, line):
        done = subprocess.run(["bash", "-c", line], capture_output=True, timeout=harness.LIMIT * 2)
        self.assertEqual(done.returncode, 0, f"{line}\n{done.stderr.decode()}")
        return done.stdout.decode(errors="replace")

    def printed_commands(self, text):
        commands = re.findall(r"^# .*\n(.*)$", text, re.M)
        self.assertGreaterEqual(len(commands), 4)
        return commands

    def test_what_is_printed_works_when_pasted(self):
        expected = {
            "logging": ["true", '{"msg":"hello"}', "true"],
            "basic": ["204", "hello", "204"],
            "smallbank": ["204", "2000", "errors"],
        }
        for application in ("logging", "basic", "smallbank"):
            with self.subTest(application):
                self.folder = self.folder.with_name(f"a folder {application}")
                sandbox = self.start("--app", application)
                text = sandbox.printed()
                self.assertIn("INSECURE", text)
                answers = []
                for command in self.printed_commands(text):
                    command = re.sub(r"( bench .*)", r"\1 --count 500 --json", command)
                    answers.append(self.paste(command))
                for answer, part in zip(answers, expected[application]):
                    self.assertIn(part, answer)
                self.assertIn("transaction_id", answers[-4])
                self.assertIn("The ledger is intact and belongs to the service", answers[-3])
                self.assertIn("set_constitution", answers[-2])
                self.assertIn("Every decision is accounted for", answers[-1])
                self.assertEqual(sandbox.end(), 0)

    def test_a_second_start_destroys_nothing(self):
        sandbox = self.start()
        sandbox.printed()
        before = sorted(self.folder.rglob("*"))
        second = harness.run(harness.program("entente"), "sandbox", "--workdir", self.folder)
        self.assertEqual(second.returncode, 1)
        reason = second.stderr.decode()
        for part in ("an earlier sandbox", "with a ledger", "still runs", "--workdir", "rm -r"):
            self.assertIn(part, reason)
        self.assertEqual(sandbox.end(signal.SIGTERM), 0)
        self.assertTrue(set(before) <= set(self.folder.rglob("*")))
        after = harness.run(harness.program("entente"), "sandbox", "--workdir", self.folder)
        self.assertEqual(after.returncode, 1)
        self.assertNotIn("still runs", after.stderr.decode())

    def test_json_names_address_and_files(self):
        sandbox = self.start("--json", "--users", "3", "--members", "2")
        facts = json.loads(sandbox.process.stdout.readline())
        self.assertTrue(facts["address"].startswith("https://127.0.0.1:"))
        self.assertEqual(len(facts["users"]), 3)
        self.assertEqual(len(facts["members"]), 2)
        self.assertTrue(facts["insecure"])
        for path in [facts["service_certificate"], facts["member_certificate"],
                     *(user["certificate"] for user in facts["users"])]:
            self.assertTrue(pathlib.Path(path).is_file(), path)
        self.assertEqual(sandbox.end(), 0)
        self.assertEqual((self.folder / "err").read_text(), "")

    def test_a_node_that_ends_by_itself_is_explained(self):
        sandbox = self.start("--json")
        facts = json.loads(sandbox.process.stdout.readline())
        os.kill(facts["pid"], signal.SIGKILL)
        self.assertEqual(sandbox.process.wait(harness.LIMIT), 1)
        said = sandbox.process.stderr.read()
        for part in ("ended by itself, with exit code 137 (signal 9, Killed)", "Service is open",
                     f"The whole log is {self.folder}/out"):
            self.assertIn(part, said)
        self.assertNotIn("did not start", said)
        sandbox.process.stdout.close()
        sandbox.process.stderr.close()

    @unittest.skipIf(shutil.which("curl") is None, "curl is not installed")
    def test_it_speaks_both_protocols(self):
        sandbox = self.start("--json")
        facts = json.loads(sandbox.process.stdout.readline())
        for option, version in (("--http2", b"2"), ("--http1.1", b"1.1")):
            done = harness.run("curl", "-sS", option, "--cacert", facts["service_certificate"], "-o", "/dev/null",
                               "-w", "%{http_version}", facts["address"] + "/node/state")
            self.assertEqual((done.returncode, done.stdout), (0, version), done.stderr)
        self.assertEqual(sandbox.end(), 0)

    def test_a_port_in_use_is_said(self):
        first = self.start("--json")
        address = json.loads(first.process.stdout.readline())["address"]
        second = harness.run(
            harness.program("entente"), "sandbox", "--port", address.rsplit(":", 1)[1],
            "--workdir", self.folder.with_name("another"))
        self.assertEqual(second.returncode, 1)
        self.assertIn("The node did not start", second.stderr.decode())
        self.assertEqual(first.end(), 0)


if __name__ == "__main__":
    unittest.main()
