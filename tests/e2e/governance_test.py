"""A consortium of three governs a service of three nodes, by signed messages over HTTPS.

The messages are made here, from docs/governance.md, without the project's own tools.
"""

import contextlib
import hashlib
import http.client
import pathlib
import ssl
import threading
import time
import unittest

from cluster_test import Member, quick
from harness import (SOURCE, ConsortiumMember, Identity, Node, command_line, eventually, now_text, openssl,
                     program, run)

MAJORITY = [SOURCE / "constitutions" / "default" / name for name in
            ("actions.js", "validate.js", "resolve.js", "apply.js")]
MAJORITY.insert(1, SOURCE / "constitutions" / "virtual" / "virtual_attestation_actions.js")
UNREACHABLE = (OSError, http.client.HTTPException, ssl.SSLError)


def action(name, **arguments):
    return name, arguments


class Consortium(Node):
    """A service whose three members decide by majority. start() leaves it unopened."""

    def __init__(self, app="logging", members=3, configure=quick):
        super().__init__(app, configure=configure)
        self.opens = False
        (self.folder / "constitution.js").write_text("\n".join(part.read_text() for part in MAJORITY))
        self.members = [self.consortium]
        listed = self.configuration["command"]["start"]["members"]
        for number in range(1, members):
            name = f"member{number}"
            identity = Identity(self.folder, name, curve="prime256v1")
            openssl("genrsa", "-out", self.folder / f"{name}_enc.key.pem", "2048")
            openssl("rsa", "-in", self.folder / f"{name}_enc.key.pem", "-pubout", "-out",
                    self.folder / f"{name}_enc.pub.pem")
            listed.append({"certificate_file": str(identity.cert),
                           "encryption_public_key_file": str(self.folder / f"{name}_enc.pub.pem")})
            self.members.append(ConsortiumMember(identity))

    def accept(self, *actions, client=None):
        """Proposed by the first member, carried by the votes of the others until it is accepted."""
        with contextlib.closing(self.client()) as own:
            client = client or own
            answer = self.members[0].propose(client, *actions)
            if answer.status != 200:
                raise AssertionError(f"{answer}")
            proposal = answer.json["proposalId"]
            for member in self.members:
                if answer.json["proposalState"] != "Open":
                    break
                answer = member.vote(client, proposal)
                if answer.status != 200:
                    raise AssertionError(f"{answer}")
            if answer.json["proposalState"] != "Accepted":
                raise AssertionError(f"{answer}")
            client.wait_for_commit(answer.txid, "gov")
            return answer

    def trust(self, node_id):
        return self.accept(action("transition_node_to_trusted", node_id=node_id, valid_from=now_text()))

    def retire(self, node_id):
        return self.accept(action("remove_node", node_id=node_id))

    def open(self):
        with contextlib.closing(self.client()) as client:
            for member in self.members:
                answer = member.acknowledge(client)
                assert answer.status == 204, answer
        self.accept(*[action("set_user", cert=user.pem) for user in self.users.values()],
                    action("transition_service_to_open", next_service_identity=self.service_cert.read_text()))
        self._eventually(lambda: self._answers("/app/commit"), "the service is open")


class OneNodeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Consortium()
        cls.addClassCleanup(cls.node.close)
        cls.node.start()
        cls.node._eventually(lambda: cls.node._answers("/node/ready/gov"), "members are heard")
        with contextlib.closing(cls.node.client()) as client:
            first = cls.node.members[0]
            early = first.propose(client, action("set_recovery_threshold", recovery_threshold=2))
            assert early.status == 401, early  # has not acknowledged yet
        assert not cls.node._answers("/app/commit")
        cls.node.open()

    def setUp(self):
        self.client = self.node.client()
        self.members = self.node.members

    def gov(self, path):
        return self.client.get(f"/gov/{path}?{ConsortiumMember.API_VERSION}")

    def propose(self, *actions, by=0):
        answer = self.members[by].propose(self.client, *actions)
        self.assertEqual(answer.status, 200, answer)
        return answer.json["proposalId"]

    def submit(self, proposal, ballot, by=0):
        member = self.members[by]
        return member.post(self.client, f"members/proposals/{proposal}/ballots/{member.id}:submit", "ballot",
                           {"ballot": ballot}, proposal)

    def state(self, proposal):
        return self.gov(f"members/proposals/{proposal}").json["proposalState"]

    def refused(self, answer, status, code, text=""):
        self.assertEqual((answer.status, answer.error()[0]), (status, code), answer)
        self.assertIn(text, answer.text)

    # ------------------------------------------------------------------------------ decisions

    def test_two_of_three_add_a_user(self):
        user = Identity(self.node.folder, "carol")
        self.assertEqual(self.node.client(user).post("/app/log/private", {"id": 1, "msg": "x"}).status, 401)
        proposal = self.propose(action("set_user", cert=user.pem, user_data={"name": "Carol"}))
        one = self.members[0].vote(self.client, proposal)
        self.assertEqual((one.json["proposalState"], one.json["ballotCount"]), ("Open", 1))
        two = self.members[2].vote(self.client, proposal)
        self.assertEqual(two.json["proposalState"], "Accepted")
        self.assertEqual(two.json["finalVotes"], {self.members[0].id: True, self.members[2].id: True})
        self.client.wait_for_commit(two.txid)
        self.assertEqual(self.node.client(user).post("/app/log/private", {"id": 1, "msg": "x"}).status, 200)
        self.assertEqual(self.gov(f"service/users/{user.id}").json["userData"], {"user_data": {"name": "Carol"}})
        self.refused(self.members[1].vote(self.client, proposal), 400, "ProposalNotOpen")

    def test_a_withdrawn_proposal_is_over(self):
        proposal = self.propose(action("set_recovery_threshold", recovery_threshold=1))
        self.refused(self.members[1].withdraw(self.client, proposal), 403, "AuthorizationFailed")
        self.assertEqual(self.members[0].withdraw(self.client, proposal).json["proposalState"], "Withdrawn")
        self.refused(self.members[1].vote(self.client, proposal), 400, "ProposalNotOpen")

    def test_what_cannot_be_proposed(self):
        for actions, text in (
                ([action("no_such_action")], "no_such_action"),
                ([action("set_user", cert=5)], "set_user"),
                ([action("set_recovery_threshold", recovery_threshold=300)], "recovery_threshold"),
                ([action("set_constitution", constitution="export function resolve () {}")], "apply")):
            self.refused(self.members[0].propose(self.client, *actions), 400, "ProposalFailedToValidate", text)
        garbled = self.members[0].post(self.client, "members/proposals:create", "proposal", b"{not json")
        self.refused(garbled, 500, "InternalError", "SyntaxError")

    # ------------------------------------------------------------------------- hostile messages

    def test_messages_that_are_not_what_they_seem(self):
        member = self.members[0]
        path = f"/gov/members/proposals:create?{ConsortiumMember.API_VERSION}"
        cose = {"content-type": "application/cose"}
        good = member.message("proposal", {"actions": [{"name": "trigger_ledger_chunk"}]})
        stranger = ConsortiumMember(Identity(self.node.folder, "stranger"))
        impostor = ConsortiumMember(self.node.users["user1"])
        impostor.identity.id, own = member.id, impostor.identity.id
        try:
            forged = impostor.message("proposal", {"actions": []})
        finally:
            impostor.identity.id = own
        for body, what in ((stranger.message("proposal", {}), "of a stranger"), (forged, "by another key"),
                           (member.message("ballot", {}), "of another type"),
                           (good[:-1] + bytes([good[-1] ^ 1]), "damaged")):
            with self.subTest(what):
                self.refused(self.client.post(path, body, cose), 401, "InvalidAuthenticationInfo")
        self.refused(self.client.post(path, good[:40], cose), 500, "InternalError")
        self.refused(self.client.post(path, good, {"content-type": "application/json"}), 401,
                     "InvalidAuthenticationInfo")
        self.refused(self.client.post("/gov/members/proposals:create", good, cose), 400, "MissingApiVersionParameter")
        first = self.client.post(path, good, cose)
        self.assertEqual(first.status, 200, first)
        self.refused(self.client.post(path, good, cose), 400, "ProposalReplay", first.json["proposalId"])
        for bad in (-1, 10_000_000_000):
            message = member.message("proposal", {"actions": []}, created_at=bad)
            self.assertIn(self.client.post(path, message, cose).status, (400, 500))

    def test_a_ballot_for_another_proposal(self):
        one = self.propose(action("trigger_ledger_chunk"))
        other = self.propose(action("trigger_snapshot"))
        member = self.members[1]
        answer = member.post(self.client, f"members/proposals/{one}/ballots/{member.id}:submit", "ballot",
                             {"ballot": "export function vote () { return true; }"}, other)
        self.refused(answer, 400, "InvalidResourceName")
        body = {"ballot": "export function vote () { return true; }"}
        path = f"members/proposals/{one}/ballots/{self.members[2].id}:submit"
        self.refused(member.post(self.client, path, "ballot", body, one), 400, "InvalidResourceName")
        self.assertEqual(self.gov(f"members/proposals/{one}").json["ballotCount"], 0)

    def test_ballots_that_misbehave(self):
        proposal = self.propose(action("set_node_data", node_id="00" * 32, node_data={}))
        for ballot in ("this is no script", "export function other () {}", "import {x} from 'y'"):
            self.refused(self.submit(proposal, ballot), 500, "InternalError")
        began = time.monotonic()
        for by, ballot in enumerate((
                "export function vote () { while (true) {} }",
                "export function vote () { const a = []; while (true) a.push('x'.repeat(100000) + a.length); }",
                "export function vote () { ccf.kv['public:ccf.gov.users.certs'].clear(); return true; }")):
            answer = self.submit(proposal, ballot, by)
            self.assertEqual((answer.status, answer.json["proposalState"]), (200, "Open"), answer)
        self.assertLess(time.monotonic() - began, 300)
        # None of them was a vote, and they do not stop the service.
        self.assertEqual(self.gov(f"members/proposals/{proposal}").json["ballotCount"], 3)
        self.assertEqual(len(self.gov("service/users").json["value"]) >= 2, True)
        self.members[0].withdraw(self.client, proposal)

    def test_a_constitution_that_is_none_never_comes_into_force(self):
        before = self.gov("service/constitution").text
        three = "export function validate (i) {} export function resolve (p, i) {} export function apply (p, i) {}"
        for text in ("not a script (", "", three):
            answer = self.members[0].propose(self.client, action("set_constitution", constitution=text))
            self.refused(answer, 400, "ProposalFailedToValidate")
        self.assertEqual(self.gov("service/constitution").text, before)


class ClusterGovernanceTest(unittest.TestCase):
    def setUp(self):
        self.first = Consortium()
        self.nodes = [self.first]
        self.addCleanup(lambda: [node.close() for node in reversed(self.nodes)])
        self.first.start()
        self.first._eventually(lambda: self.first._answers("/node/ready/gov"), "members are heard")
        self.first.open()
        for _ in range(2):
            node = Member(self.first)
            node.members = self.first.members
            self.nodes.append(node)
            node.start()

    def living(self):
        return [node for node in self.nodes if node.alive()]

    def primary(self):
        def ask():
            for node in self.living():
                with contextlib.suppress(*UNREACHABLE), contextlib.closing(node.client()) as client:
                    if client.get("/node/primary").status == 200:
                        return node
            return None
        return eventually(ask, "a primary")

    def test_votes_go_on_while_the_primary_dies(self):
        accepted, wrong, stop = [], [], threading.Event()

        def decide(number):
            """Adds users one after the other, at a node of its own, whatever happens."""
            members = self.first.members
            count = 0
            while not stop.is_set():
                count += 1
                user = Identity(self.first.folder, f"user-{number}-{count}")
                node = self.living()[number % len(self.living())]
                try:
                    with contextlib.closing(node.client()) as client:
                        answer = members[0].propose(client, action("set_user", cert=user.pem))
                        if answer.status != 200:
                            continue
                        proposal = answer.json["proposalId"]
                        answer = members[1].vote(client, proposal)
                        answer = members[2].vote(client, proposal)
                        if answer.status != 200:
                            continue
                        if answer.json["proposalState"] != "Accepted":
                            wrong.append(answer)
                        client.wait_for_commit(answer.txid, "gov")
                        accepted.append(user.id)
                except (*UNREACHABLE, AssertionError, KeyError, ValueError):
                    continue  # the node died, or what it had was rolled back

        threads = [threading.Thread(target=decide, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        try:
            eventually(lambda: len(accepted) >= 6, "some decisions")
            self.primary().kill()
            before = len(accepted)
            eventually(lambda: len(accepted) >= before + 6, "decisions of the new primary")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])
        for node in self.living():
            def known():
                answer = node.client().get(f"/gov/service/users?{ConsortiumMember.API_VERSION}")
                return set(accepted) <= {user["userId"] for user in answer.json["value"]}
            eventually(known, "every accepted user is known")
        for node in self.living():
            node.stop()
            verified = node.verify_ledger("--service-cert", self.first.service_cert)
            self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
            audited = run(command_line(), "gov", "audit", node.ledger_folder())
            self.assertEqual(audited.returncode, 0, audited.stdout[-3000:] + audited.stderr[-3000:])

    def test_a_rekey_under_load_and_a_node_that_joins_after_it(self):
        first = self.first
        written, stop = [], threading.Event()

        def write():
            client = first.client("user0")
            while not stop.is_set():
                number = len(written) + 1
                answer = client.post("/app/log/private", {"id": number, "msg": f"entry {number}"})
                if answer.status == 200:
                    written.append(answer.txid)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            eventually(lambda: len(written) > 20, "writes")
            first.accept(action("trigger_ledger_rekey"))
            before = len(written)
            eventually(lambda: len(written) > before + 20, "writes after the rekey")
        finally:
            stop.set()
            thread.join()
        late = Member(first)
        late.members = first.members
        self.nodes.append(late)
        late.start()
        last = written[-1]
        for node in self.nodes:
            client = node.client("user0")
            eventually(lambda: client.get(f"/node/tx?transaction_id={last}").json["status"] == "Committed", last)
            for number in (1, len(written)):
                self.assertEqual(client.get(f"/app/log/private?id={number}").json["msg"], f"entry {number}")
        # A transaction from before the rekey, out of the ledger.
        past = late.client("user0").historical("/app/log/private/historical?id=1", written[0])
        self.assertEqual(past.json["msg"], "entry 1", past)
        first.stop()
        keys = [first.folder / f"member{number}_enc.key.pem" for number in range(3)]
        options = [part for key in keys for part in ("--member-key", key)]
        verified = first.verify_ledger("--service-cert", first.service_cert, *options)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)

    def test_a_node_waits_for_the_vote_and_other_code_for_another_one(self):
        first = self.first
        waiting = Member(first)
        waiting.target, waiting.opens = None, False
        self.nodes.append(waiting)
        waiting.start()
        with contextlib.closing(first.client()) as client:
            def pending():
                return client.get("/node/network/nodes?status=Pending").json["nodes"]
            node_id = eventually(pending, "a node waits")[0]["node_id"]
        self.assertFalse(self.open_to_users(waiting))
        first.trust(node_id)
        eventually(lambda: self.open_to_users(waiting), "the node takes part")

        other = Member(first)
        other.program = program("basic")
        code = hashlib.sha256(pathlib.Path(other.program).read_bytes()).hexdigest()
        self.nodes.append(other)
        with self.assertRaises(AssertionError):
            other.start()
        self.assertIn("host data is not authorised", other.log_text())
        first.accept(action("add_virtual_host_data", host_data=code))
        again = Member(first)
        again.program = other.program
        self.nodes.append(again)
        again.start()
        # What is withdrawn from the policy stays where it is, and nobody follows it.
        first.accept(action("remove_virtual_host_data", host_data=code))
        self.assertTrue(self.open_to_users(again))

    @staticmethod
    def open_to_users(node):
        try:
            return node._answers("/app/commit")
        except ssl.SSLError:
            return False


if __name__ == "__main__":
    unittest.main()
