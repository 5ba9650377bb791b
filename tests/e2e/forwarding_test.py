"""Writes that arrive at a backup: forwarded, or redirected where the interface says so."""

import unittest

from cluster_test import Member, quick
from harness import Node, eventually


def with_redirections(configuration):
    quick(configuration)
    interfaces = configuration["network"]["rpc_interfaces"]
    interfaces["redirecting"] = {
        "bind_address": "127.0.0.1:0",
        "redirections": {"to_primary": {"kind": "NodeByRole", "target": {"role": "primary"}}},
    }


class ForwardingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.first = Node(configure=with_redirections)
        cls.addClassCleanup(cls.first.close)
        cls.first.start()
        cls.second = Member(cls.first)
        cls.addClassCleanup(cls.second.close)
        with_redirections(cls.second.configuration)
        cls.second.start()
        cls.wait_until_backup_knows(cls)

    def wait_until_backup_knows(self):
        def ask():
            network = self.second.client().get("/node/network")
            return network.status == 200 and network.json.get("primary_id")
        eventually(ask, "the backup knows its primary")

    def test_a_write_at_a_backup_is_done_by_the_primary(self):
        client = self.second.client("user0")
        answer = client.post("/app/log/private", {"id": 5, "msg": "forwarded"})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.first.client("user0").get("/app/log/private?id=5").json["msg"], "forwarded")
        # The connection has forwarded: it reads where it wrote.
        self.assertEqual(client.get("/app/log/private?id=5").json["msg"], "forwarded")
        committed = lambda: self.second.client().get(
            f"/node/tx?transaction_id={answer.txid}").json["status"] == "Committed"
        eventually(committed, "the backup says that it is committed")

    def test_the_primary_sees_who_calls(self):
        anonymous = self.second.client().post("/app/log/private", {"id": 6, "msg": "x"})
        self.assertEqual(anonymous.status, 401)

    def test_waiting_for_commit_works_through_a_backup(self):
        answer = self.second.client("user0").post("/app/log/private", {"id": 7, "msg": "x"},
                                                  headers={"prefer": "wait=30"})
        self.assertEqual(answer.status, 200, answer)
        status = self.first.client().get(f"/node/tx?transaction_id={answer.txid}").json["status"]
        self.assertEqual(status, "Committed")

    def test_head_primary_says_where_it_is(self):
        host, port = self.first.addresses["main"]
        answer = self.second.client().request("HEAD", "/node/primary")
        self.assertEqual(answer.status, 308)
        self.assertEqual(answer.headers["location"], f"https://{host}:{port}/node/primary")
        self.assertEqual(self.first.client().request("HEAD", "/node/primary").status, 200)


if __name__ == "__main__":
    unittest.main()
