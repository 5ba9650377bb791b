"""Who is not let in: POST /node/join as somebody would send it who has no business in the service."""

import base64
import copy
import hashlib
import json
import unittest

from cluster_test import Member, quick
from harness import Identity, Node, eventually, openssl


class JoinRefusalsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node(configure=quick).__enter__()
        cls.backup = Member(cls.node).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.backup.close()
        cls.node.close()

    def setUp(self):
        self.stranger = Identity(self.node.folder, f"stranger-{self.id().rsplit('.', 1)[1]}")

    def spki(self, identity):
        return openssl("pkey", "-in", identity.key, "-pubout", "-outform", "DER")

    def request(self, identity=None, address="127.0.0.1:1", csr_of=None, **quote):
        """What a node of this program would send."""
        identity = identity or self.stranger
        own = self.node.client().get("/node/quotes/self").json
        document = json.loads(base64.b64decode(own["raw"]))
        document["report_data"] = base64.b64encode(
            hashlib.sha256(self.spki(identity)).digest()).decode()
        document.update(quote)
        csr = openssl("req", "-new", "-key", (csr_of or identity).key, "-subj", "/CN=n").decode()
        encryption = openssl("genrsa", "2048")
        return {
            "node_info_network": {
                "node_to_node_interface": {"bind_address": address, "published_address": address},
                "rpc_interfaces": {"main": {"bind_address": "127.0.0.1:2",
                                            "published_address": "127.0.0.1:2"}}},
            "quote_info": {"format": "Insecure_Virtual", "endorsements": "",
                           "quote": base64.b64encode(json.dumps(document).encode()).decode()},
            "public_encryption_key": openssl("rsa", "-pubout", input=encryption).decode(),
            "startup_seqno": 0,
            "certificate_signing_request": csr}

    def ask(self, body, identity="own", node=None):
        node = node or self.node
        client = node.client(self.stranger if identity == "own" else identity)
        before = node.client().get("/node/network/nodes").json
        answer = client.post("/node/join", body)
        self.assertEqual(node.client().get("/node/network/nodes").json, before)
        self.assertNotIn(b"PRIVATE KEY", answer.body)
        return answer

    def refused(self, answer, status, code, text):
        self.assertEqual((answer.status, answer.error()[0]), (status, code), answer)
        self.assertIn(text, answer.error()[1])

    def test_without_a_certificate_of_its_own(self):
        self.refused(self.ask(self.request(), identity=None), 500, "InternalError",
                     "No client certificate")

    def test_what_is_no_request(self):
        good = self.request()
        for member in good:
            if member == "startup_seqno":
                continue
            for bad in (None, 7, "x", []):
                broken = copy.deepcopy(good)
                broken[member] = bad
                self.refused(self.ask(broken), 400, "InvalidInput", member)
        for text in (b"", b"{", b"[" * 5000):
            self.assertEqual(self.ask(text).status, 400)

    def test_evidence_that_does_not_admit(self):
        other = base64.b64encode(bytes(32)).decode()
        for quote, why in (({"report_data": other}, "does not match the hash of the public key"),
                           ({"measurement": "other code"}, "known enclave measurement"),
                           ({"host_data": "00" * 32}, "host data is not authorised"),
                           ({"report_data": None}, "could not be verified"),
                           ({"host_data": 7}, "could not be verified")):
            self.refused(self.ask(self.request(**quote)), 401, "InvalidQuote", why)
        unknown = self.request()
        unknown["quote_info"]["format"] = "OE_SGX_v1"
        self.refused(self.ask(unknown), 401, "InvalidQuote", "could not be verified")

    def test_a_signing_request_of_another_key(self):
        other = Identity(self.node.folder, "other")
        self.refused(self.ask(self.request(csr_of=other)), 400, "CSRPublicKeyInvalid",
                     "not that of the node")

    def test_an_address_that_is_taken(self):
        taken = self.node.client().get("/node/config").json
        address = next(iter(taken.values()))["address"]
        self.refused(self.ask(self.request(address=address)), 400, "NodeAlreadyExists", address)

    def test_a_backup_names_the_primary(self):
        answer = self.ask(self.request(), node=self.backup)
        host, port = self.node.addresses["main"]
        self.assertEqual(answer.status, 308, answer)
        self.assertEqual(answer.headers["location"], f"https://{host}:{port}/node/join")

    def test_a_key_that_was_removed(self):
        body = self.request(address="127.0.0.1:4")
        joined = self.node.client(self.stranger).post("/node/join", body)
        self.assertEqual(joined.status, 200, joined)
        node_id = hashlib.sha256(self.spki(self.stranger)).hexdigest()
        self.node.trust(node_id)
        self.node.retire(node_id)
        client = self.node.client("user0")
        self.refused(self.ask(body), 400, "InvalidNodeState", "not in expected state (Retired)")
        row = f"/node/network/nodes/{node_id}"
        eventually(lambda: client.request("DELETE", row).status == 200, "the row can be deleted")
        self.refused(self.ask(body), 400, "InvalidNodeState", "was removed from the service before")
        self.assertEqual(self.node.client().get("/node/primary").status, 200)

    def test_the_shortest_path_in_is_open(self):
        """The request that all these differ from would have been granted."""
        client = self.node.client(self.stranger)
        body = self.request(address="127.0.0.1:3")
        waiting = client.post("/node/join", body)
        self.assertEqual(waiting.json["node_status"], "Pending", waiting)
        self.assertNotIn("network_info", waiting.json)
        self.node.trust(waiting.json["node_id"])
        answer = client.post("/node/join", body)
        self.assertEqual(answer.json["node_status"], "Trusted", answer)
        self.assertIn("priv_key", answer.json["network_info"]["identity"])


if __name__ == "__main__":
    unittest.main()
