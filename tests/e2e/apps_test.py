"""The small applications, and receipts of what they wrote."""

import struct
import unittest

from harness import Node


def balance_request(name, value=0):
    """FlatBuffers by hand: a Transaction {name, value}."""
    name = name.encode()
    # root offset | vtable (8 bytes: size, table size, field offsets) | table | string
    table = struct.pack("<iIi", 8, 8, value)  # soffset to vtable, offset to string, value
    vtable = struct.pack("<HHHH", 8, 12, 4, 8)
    string = struct.pack("<I", len(name)) + name + b"\0"
    body = struct.pack("<I", 4 + len(vtable)) + vtable + table + string
    return body + b"\0" * (-len(body) % 4)


def accounts_request(first, last, checking, savings):
    vtable = struct.pack("<HHHHHH", 12, 40, 8, 16, 24, 32)
    table = struct.pack("<iIQQqq", 12, 0, first, last, checking, savings)
    # The 8-byte fields are aligned in the buffer: 4 root + 12 vtable = 16.
    return struct.pack("<I", 16) + vtable + table


class BasicTest(unittest.TestCase):
    def test_records(self):
        with Node("basic") as node:
            client = node.client("user0")
            payload = bytes(range(256))
            answer = client.put("/app/records/key", payload)
            self.assertEqual((answer.status, answer.body), (204, b""), answer)
            got = client.get("/app/records/key")
            self.assertEqual((got.status, got.body, got.headers["content-type"]), (200, payload, "text/plain"))
            self.assertEqual(client.get("/app/records/other").error(), ("InvalidResourceName", "No such key"))
            self.assertEqual(client.post("/app/records", {"a": "1", "b": "2"}).status, 204)
            self.assertEqual(client.get("/app/records/b").body, b"2")
            self.assertEqual(node.client().get("/app/records/b").status, 401)
            client.wait_for_commit(answer.txid)
            receipt = client.until_ready("GET", f"/app/receipt?transaction_id={answer.txid}").json
            self.assertEqual(node.verify_receipt(receipt).returncode, 0)
            self.assertEqual(receipt["leaf_components"]["claims_digest"], "0" * 64)


class SmallBankTest(unittest.TestCase):
    def test_money_moves(self):
        with Node("smallbank") as node:
            client = node.client("user0")
            call = lambda procedure, body: client.post(
                f"/app/SmallBank_{procedure}", body, {"content-type": "application/octet-stream"})
            self.assertEqual(call("create_batch", accounts_request(0, 10, 1000, 1000)).status, 204)
            self.assertEqual(call("deposit_checking", balance_request("3", 7)).status, 204)
            answer = call("balance", balance_request("3"))
            self.assertEqual((answer.status, answer.headers["content-type"]), (200, "application/octet-stream"))
            self.assertIn(struct.pack("<q", 2007), answer.body)
            refused = call("transact_savings", balance_request("3", -5000))
            self.assertEqual((refused.status, refused.text), (400, "Not enough money in savings account"))
            self.assertEqual(call("balance", b"\0" * 16).status, 400)
            self.assertEqual(call("balance", balance_request("nobody")).text, "Account does not exist")


if __name__ == "__main__":
    unittest.main()
