"""Several nodes of one service: joining, forwarding, elections, ledgers that agree."""

import json
import os
import signal
import unittest

from harness import Node, eventually, run, command_line


class Member(Node):
    """A node that joins the service of another one."""

    def __init__(self, first, target=None):
        self.first = first
        target = target or first

        def configure(configuration):
            host, port = target.addresses["main"]
            configuration["command"] = {
                "type": "Join",
                "service_certificate_file": "service_cert.pem",
                "join": {"target_rpc_address": f"{host}:{port}", "retry_timeout": "100ms"},
            }
            configuration["consensus"] = first.configuration.get("consensus", {})

        super().__init__(configure=configure)
        (self.folder / "service_cert.pem").write_bytes(first.service_cert.read_bytes())
        self.users, self.consortium, self.target = first.users, first.consortium, target


def quick(configuration):
    configuration["consensus"] = {"message_timeout": "20ms", "election_timeout": "500ms"}


class ClusterTest(unittest.TestCase):
    def setUp(self):
        self.nodes = [Node(configure=quick)]
        self.addCleanup(lambda: [node.close() for node in reversed(self.nodes)])
        self.nodes[0].start()

    def add(self, target=None):
        node = Member(self.nodes[0], target)
        self.nodes.append(node)
        node.start()
        return node

    def primary(self, among=None):
        """The living node that says that it is."""
        def ask():
            for node in among or self.nodes:
                if node.alive() and node.client().get("/node/primary").status == 200:
                    return node
            return None
        return eventually(ask, "a primary")

    def write(self, node, number, text="x"):
        answer = node.client("user0").post("/app/log/private", {"id": number, "msg": text})
        self.assertEqual(answer.status, 200, answer)
        return answer.txid

    def committed(self, node, txid):
        def ask():
            status = node.client().get(f"/node/tx?transaction_id={txid}")
            self.assertNotEqual(status.json.get("status"), "Invalid")
            return status.json.get("status") == "Committed"
        eventually(ask, f"{txid} is committed")

    def read(self, node, number):
        answer = node.client("user0").get(f"/app/log/private?id={number}")
        return answer.json["msg"] if answer.status == 200 else answer.status

    def test_a_service_survives_its_primary(self):
        first = self.nodes[0]
        for number in range(20):
            txid = self.write(first, number, f"before {number}")
        second, third = self.add(), self.add()
        self.committed(first, txid)
        for node in (second, third):
            self.committed(node, txid)
            self.assertEqual(self.read(node, 7), "before 7")
            network = node.client().get("/node/network/nodes").json["nodes"]
            self.assertEqual([n["status"] for n in network], ["Trusted"] * 3)
            self.assertEqual(node.client().get("/node/consensus").json["details"]["acks"], {})
        last = int(txid.split(".")[1])
        eventually(lambda: all(ack["seqno"] >= last and ack["last_received_ms"] < 60_000 for ack in
                               first.client().get("/node/consensus").json["details"]["acks"].values()),
                   "the primary shows what was acknowledged")
        between = first.client().get("/node/node_to_node/metrics").json
        self.assertEqual(len(between["links"]), 2)
        for link in between["links"].values():
            self.assertTrue(link["connected"] and link["receiving"], between)
        self.assertEqual(between["refused_messages"], 0)
        txid = self.write(first, 100, "last of the old primary")
        self.committed(third, txid)

        first.kill()
        new = self.primary()
        self.assertIn(new, (second, third))
        self.assertEqual(self.read(new, 100), "last of the old primary")
        txid = self.write(new, 101, "first of the new primary")
        for node in (second, third):
            self.committed(node, txid)
            self.assertEqual(self.read(node, 101), "first of the new primary")

        # A new node takes the place of the one that died.
        fourth = self.add(target=second)
        self.committed(fourth, txid)
        self.assertEqual(self.read(fourth, 5), "before 5")
        for node in (second, third, fourth):
            node.stop()
            verified = node.verify_ledger("--service-cert", first.service_cert)
            self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)

    def test_a_stopped_primary_hands_over(self):
        second, third = self.add(), self.add()
        first = self.nodes[0]
        txid = self.write(first, 1, "one")
        self.committed(third, txid)
        self.assertEqual(first.stop(), 0)
        new = self.primary()
        self.assertEqual(self.read(new, 1), "one")
        self.committed(new, self.write(new, 2, "two"))

    def test_a_node_that_missed_new_members_hears_of_them_from_themselves(self):
        first = self.nodes[0]
        absent, third = self.add(), self.add()
        self.committed(absent, self.write(first, 1, "all here"))
        os.kill(absent.process.pid, signal.SIGSTOP)
        fourth = self.add()
        self.committed(fourth, self.write(first, 2, "one is absent"))
        leaving = first.client().get("/node/state").json["node_id"]
        first.retire(leaving)
        self.primary(among=(third, fourth))
        first.stop()
        if self.primary(among=(third, fourth)) is third:
            third.kill()  # now the two that never heard of each other must elect
        os.kill(absent.process.pid, signal.SIGCONT)
        new = self.primary()
        self.committed(absent, self.write(new, 3, "back"))
        self.assertEqual(self.read(absent, 3), "back")

    def test_a_node_with_an_unknown_service_is_refused(self):
        other = Node(configure=quick)
        self.nodes.append(other)
        other.start()
        stranger = Member(self.nodes[0])
        self.nodes.append(stranger)
        (stranger.folder / "service_cert.pem").write_bytes(other.service_cert.read_bytes())
        with self.assertRaises(AssertionError):
            stranger.start()
        self.assertIn("invalid cert on handshake", stranger.log_text())


if __name__ == "__main__":
    unittest.main()
