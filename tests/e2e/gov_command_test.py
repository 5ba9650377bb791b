#!/usr/bin/env python3
"""`entente gov` and `entente cose` as members use them: against a sandbox of three members, with key
files, with a program that keeps the key, and with messages signed away from the service; and the audit
of the ledger afterwards."""
import base64
import json
import pathlib
import subprocess
import tempfile
import time
import unittest

import harness

SIGNER = """#!/usr/bin/env python3
import base64, json, subprocess, sys
asked = json.load(sys.stdin)
der = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", sys.argv[1]], capture_output=True, check=True,
                     input=base64.b64decode(asked["value"])).stdout
def integer(at):
    size = der[at + 1]
    return der[at + 2:at + 2 + size], at + 2 + size
at = 3 if der[1] & 0x80 else 2
r, at = integer(at)
s, at = integer(at)
raw = b"".join(part.lstrip(b"\\0").rjust(48, b"\\0") for part in (r, s))
print(json.dumps({"value": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}))
"""


class GovCommandTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.scratch.name) / "sandbox"
        cls.sandbox = subprocess.Popen(
            [harness.program("entente"), "sandbox", "--port", "0", "--workdir", str(cls.folder), "--members", "3",
             "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = cls.sandbox.stdout.readline()
        if not line:
            raise AssertionError(f"the sandbox did not start: {cls.sandbox.stderr.read()}")
        cls.facts = json.loads(line)
        cls.users = 0

    @classmethod
    def tearDownClass(cls):
        cls.sandbox.terminate()
        cls.sandbox.wait(harness.LIMIT)
        cls.sandbox.stdout.close()
        cls.sandbox.stderr.close()
        cls.scratch.cleanup()

    def run_gov(self, *words, code=0):
        done = harness.run(harness.program("entente"), "gov", *words)
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout.decode()}\n{done.stderr.decode()}")
        return done

    def gov(self, *words, member=None, code=0):
        where = ["--sandbox", str(self.folder)] + (["--member", str(member)] if member is not None else [])
        done = self.run_gov(*words, *where, code=code)
        return done.stdout.decode() if code == 0 else done.stderr.decode()

    def gov_json(self, *words, member=None):
        return json.loads(self.gov(*words, "--json", member=member))

    def certificate(self):
        """Of a new user."""
        type(self).users += 1
        return str(harness.Identity(self.scratch.name, f"fresh{self.users}").cert)

    def propose(self, *more, member=0):
        return self.gov_json("propose", "set_user", "--cert", self.certificate(), *more, member=member)["answer"]

    def test_members_are_active(self):
        members = self.gov_json("members")
        self.assertEqual([member["status"] for member in members], ["Active"] * 3)
        self.assertEqual({member["recoveryRole"] for member in members}, {"Participant"})

    def test_a_majority_adds_a_user(self):
        proposal = self.propose("--user-data", '{"role": "clerk"}')
        self.assertEqual(proposal["proposalState"], "Open")
        shown = self.gov("show", proposal["proposalId"][:8])
        for part in ("set_user", '"role": "clerk"', "no ballot", "3 active members have not voted"):
            self.assertIn(part, shown)
        first = self.gov_json("vote", proposal["proposalId"], "--accept", member=1)["answer"]
        self.assertEqual((first["proposalState"], first["ballotCount"]), ("Open", 1))
        self.assertIn("accepts exactly this", self.gov("show", proposal["proposalId"]))
        decided = self.gov("vote", proposal["proposalId"][:10], "--accept", member=2)
        self.assertIn("is Accepted", decided)
        self.assertIn("globally committed", decided)
        listed = {one["proposalId"]: one for one in self.gov_json("list")}
        self.assertEqual(set(listed[proposal["proposalId"]]["finalVotes"].values()), {True})

    def test_a_voter_accepts_content(self):
        proposal = self.propose()["proposalId"]
        seen = pathlib.Path(self.scratch.name) / "seen.json"
        seen.write_text(self.gov("show", proposal, "--raw"))
        other = seen.with_name("other.json")
        other.write_text(seen.read_text() + " ")
        refused = self.gov("vote", proposal, "--accept", "--seen", str(other), member=1, code=1)
        self.assertIn("NOT what", refused)
        self.gov("vote", proposal, "--accept", "--seen", str(seen), member=1)
        self.gov("vote", proposal, "--reject", member=0)
        shown = self.gov("show", proposal)
        for part in ("accepts exactly this", "rejects", "1 active members have not voted"):
            self.assertIn(part, shown)
        refused = self.gov("vote", proposal, "--accept", member=0, code=1)
        self.assertIn("VoteAlreadyExists", refused)
        self.assertIn("is Withdrawn", self.gov("withdraw", proposal, member=0))

    def test_a_ballot_that_throws_is_explained(self):
        proposal = self.propose("--vote")["proposalId"]
        ballot = pathlib.Path(self.scratch.name) / "ballot.js"
        ballot.write_text("export function vote() { throw new Error('not today'); }")
        self.gov("vote", proposal, "--ballot", str(ballot), member=1)
        self.gov("vote", proposal, "--accept", member=2)
        self.assertIn("failed: Error: not today", self.gov("show", proposal))

    def test_the_service_says_what_is_wrong(self):
        file = pathlib.Path(self.scratch.name) / "wrong.json"
        file.write_text('{"actions": [{"name": "remove_usr", "args": {}}]}')
        refused = self.gov("propose", "--file", str(file), code=1)
        self.assertIn("did you mean remove_user?", refused)
        self.assertIn("64 hex digits", self.gov("propose", "remove_user", "--user-id", "12", code=105))
        self.run_gov("propose", "remove_user", "--sandbox", str(self.folder), code=106)
        self.assertIn("ProposalNotFound", self.gov("show", "0" * 64, code=1))
        self.assertIn("too short", self.gov("show", "0", code=1))
        foreign = self.run_gov("ack", "--sandbox", str(self.folder), "--member-cert", self.facts["users"][0]["certificate"],
                               "--member-key", self.facts["users"][0]["private_key"], code=1)
        self.assertIn("InvalidAuthenticationInfo", foreign.stderr.decode())

    def test_a_program_signs(self):
        script = pathlib.Path(self.scratch.name) / "signer.py"
        script.write_text(SIGNER)
        key = self.facts["members"][1]["private_key"]
        done = self.gov("propose", "trigger_snapshot", "--signer", f"python3 '{script}' '{key}'", member=1)
        self.assertIn("is Open", done)
        self.assertIn("ended with exit code", self.gov("ack", "--signer", "exit 3", member=1, code=1))

    def test_messages_are_signed_elsewhere(self):
        scratch = pathlib.Path(self.scratch.name)
        entente, member = harness.program("entente"), self.facts["members"][2]
        (scratch / "proposal.json").write_text(
            self.run_gov("propose", "set_user", "--cert", self.certificate(), "--print").stdout.decode())
        signed = harness.run(entente, "cose", "sign1", "--content", scratch / "proposal.json", "--signing-cert",
                             member["certificate"], "--signing-key", member["private_key"], "--ccf-gov-msg-type",
                             "proposal", "--ccf-gov-msg-created_at", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        self.assertEqual(signed.returncode, 0, signed.stderr)
        (scratch / "proposal.cose").write_bytes(signed.stdout)
        answer = json.loads(self.gov("send", str(scratch / "proposal.cose"), "--json"))["answer"]
        self.assertEqual(answer["proposalState"], "Open")
        again = self.gov("send", str(scratch / "proposal.cose"), code=1)
        self.assertIn("ProposalReplay", again)

        common = ["--content", scratch / "ballot.json", "--signing-cert", member["certificate"], "--ccf-gov-msg-type",
                  "ballot", "--ccf-gov-msg-proposal_id", answer["proposalId"], "--ccf-gov-msg-created_at",
                  "2024-05-01T12:00:00+00:00"]
        (scratch / "ballot.json").write_text(self.gov("vote", answer["proposalId"], "--accept", "--print"))
        prepared = harness.run(entente, "cose", "prepare", *common)
        self.assertEqual(json.loads(prepared.stdout)["alg"], "ES384")
        self.assertEqual(len(base64.b64decode(json.loads(prepared.stdout)["value"])), 48)
        script = scratch / "signer2.py"
        script.write_text(SIGNER)
        raw = subprocess.run(["python3", script, member["private_key"]], input=prepared.stdout, capture_output=True,
                             check=True).stdout
        (scratch / "signature.json").write_bytes(raw)
        finished = harness.run(entente, "cose", "finish", *common, "--signature", scratch / "signature.json")
        self.assertEqual(finished.returncode, 0, finished.stderr)
        (scratch / "ballot.cose").write_bytes(finished.stdout)
        voted = json.loads(self.gov("send", str(scratch / "ballot.cose"), "--json"))["answer"]
        self.assertEqual(voted["ballotCount"], 1)

    def test_the_ledger_accounts_for_everything(self):
        audit = harness.run(harness.program("entente"), "gov", "audit", str(self.folder / "ledger"), "--service-cert",
                            self.facts["service_certificate"], "--json")
        self.assertEqual(audit.returncode, 0, audit.stdout.decode() + audit.stderr.decode())
        report = json.loads(audit.stdout)
        self.assertEqual(report["faults"], [])
        events = report["events"]
        self.assertEqual(events[0]["what"], "service created")
        self.assertEqual(sum(event["what"] == "acknowledges the state" for event in events), 3)
        opening = next(event for event in events if "transition_service_to_open" in event.get("actions", [])
                       and event.get("state") == "Accepted")
        self.assertEqual(len(opening["votes"]), 2)
        self.assertEqual(opening["writes"]["users.certs"], 2)

    def test_actions_are_listed(self):
        listed = {action["name"]: action for action in json.loads(self.run_gov("actions", "--json").stdout)}
        self.assertIn("set_user", listed)
        self.assertEqual(listed["set_user"]["arguments"][0]["option"], "--cert")
        self.assertIn("--cert FILE", self.run_gov("actions").stdout.decode())


if __name__ == "__main__":
    unittest.main()
