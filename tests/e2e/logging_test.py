"""The logging application as its clients use it, through TLS, on one real node."""

import base64
import hashlib
import json
import subprocess
import time
import unittest

import harness
from harness import TXID_HEADER, Identity, Node, cose_sign1, decode_cbor, eventually


class LoggingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node("logging")
        cls.addClassCleanup(cls.node.close)
        cls.node.start()

    def setUp(self):
        if not self.node.alive():
            self.skipTest("the node is gone, see the test before")
        self.addCleanup(lambda: self.assertTrue(self.node.alive(), self.node.log_text()[-3000:]))
        self.user = self.node.client("user0")
        self.anyone = self.node.client()

    def store(self, path, id, msg, **more):
        answer = self.user.post(path, {"id": id, "msg": msg, **more})
        self.assertEqual((answer.status, answer.json), (200, True), answer)
        view, seqno = map(int, answer.txid.split("."))
        self.assertGreaterEqual(view, 2)
        self.assertGreater(seqno, 0)
        return answer.txid

    def assert_error(self, answer, status, code, message=None):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/json")
        got_code, got_message = answer.error()
        self.assertEqual(got_code, code)
        if message is not None:
            self.assertEqual(got_message, message)
        self.assertIsNone(answer.txid)

    # ------------------------------------------------------------------------------- records

    def test_records(self):
        for table in ("private", "public"):
            path = f"/app/log/{table}"
            self.store(path, 42, "Hello ünïcode \u0001 wörld")
            answer = self.user.get(f"{path}?id=42")
            self.assertEqual(answer.json, {"msg": "Hello ünïcode \u0001 wörld"})
            self.assertIsNotNone(answer.txid)
            # The prefix /app may be left out.
            self.assertEqual(self.user.get(f"/log/{table}?id=42").status, 200)
            self.assert_error(self.user.get(f"{path}?id=4711"), 404, "ResourceNotFound", "No such record: 4711.")
            self.assert_error(self.user.get(path), 400, "InvalidQueryParameterValue", "Missing query parameter 'id'")
            self.assert_error(self.user.post(path, {"id": 1, "msg": ""}), 400, "InvalidInput",
                              "Cannot record an empty log message.")
            self.assert_error(self.user.post(path, {"id": 1}), 400, "InvalidInput")
            self.assert_error(self.user.post(path, b"\xff"), 400, "InvalidInput")
            self.assertEqual(self.user.delete(f"{path}?id=42").json, True)
            self.assertEqual(self.user.delete(f"{path}?id=42").json, False)

    def test_headers_of_answers(self):
        answer = self.user.post("/app/log/private", {"id": 1, "msg": "x"})
        names = [name for name, _ in answer.headers.items()]
        self.assertEqual(names, sorted(names))
        self.assertTrue(all(name == name.lower() for name in names))
        self.assertEqual(answer.headers["content-length"], str(len(answer.body)))
        for absent in ("server", "date", "connection", "keep-alive", "strict-transport-security"):
            self.assertNotIn(absent, answer.headers)

    def test_unknown_paths_and_verbs(self):
        self.assert_error(self.user.get("/app/nothing"), 404, "ResourceNotFound", "Unknown path: /nothing.")
        self.assert_error(self.user.get("/"), 404, "ResourceNotFound")
        answer = self.user.put("/app/log/private", b"")
        self.assert_error(answer, 405, "UnsupportedHttpVerb",
                          "Allowed methods for '/log/private' are: OPTIONS, DELETE, GET, POST.")
        self.assertEqual(answer.headers["allow"], "OPTIONS, DELETE, GET, POST")
        options = self.user.request("OPTIONS", "/app/log/private")
        self.assertEqual((options.status, options.headers["allow"]), (204, "OPTIONS, DELETE, GET, POST"))

    def test_accept(self):
        self.store("/app/log/private", 5, "x")
        path = "/app/log/private?id=5"
        for good in ("*/*", "application/*", "application/json", "text/html;q=0.9, application/json;q=0.1"):
            self.assertEqual(self.user.get(path, accept=good).status, 200, good)
        self.assert_error(self.user.get(path, accept="nonsense"), 400, "InvalidHeaderValue")
        refused = self.user.get(path, accept="text/html;q=0.9,image/jpeg;video/mpeg;q=0.8")
        self.assert_error(refused, 406, "UnsupportedContentType")
        self.assertTrue(refused.error()[1].startswith("No supported content type in accept header: "))

    def test_entity_tags(self):
        path = "/app/log/public"
        tag = hashlib.sha256(b"tagged").hexdigest()
        answer = self.user.post(path, {"id": 77, "msg": "tagged"})
        self.assertEqual(answer.headers["etag"], tag)
        self.assertEqual(self.user.get(f"{path}?id=77", **{"if-none-match": f'"{tag}"'}).status, 304)
        self.assert_error(self.user.post(path, {"id": 77, "msg": "new"}, {"if-match": '"00"'}), 412,
                          "PreconditionFailed", "Resource has changed.")
        self.assertEqual(self.user.post(path, {"id": 77, "msg": "new"}, {"if-match": f'"{tag}"'}).status, 200)
        self.assertEqual(self.user.delete(f"{path}?id=77", {"if-match": f'"{tag}"'}).status, 412)

    def test_locally_committed_function(self):
        answer = self.anyone.post("/app/log/private/anonymous/v2?fail=false", {"id": 8, "msg": "x"})
        self.assertEqual(answer.json, {"success": True, "tx_id": answer.txid})
        failed = self.anyone.post("/app/log/private/anonymous/v2?fail=true", {"id": 8, "msg": "x"})
        self.assertEqual(failed.status, 500)
        self.assertIsNotNone(failed.txid)
        self.assertEqual(failed.json, {"error": {
            "code": "InternalError",
            "message": "Failed to execute local commit handler func: didn't set user_data!"}})
        self.user.wait_for_commit(failed.txid)

    def test_queries_round_trip(self):
        from urllib.parse import quote
        every = "".join(map(chr, range(255)))
        answer = self.anyone.get(f"/app/log/request_query?{quote(every, safe='')}={quote(every, safe='')}")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.body.decode(), f"{every}={every}")

    # ---------------------------------------------------------------------------------- callers

    def test_authentication(self):
        self.assert_error_401(self.anyone.get("/app/log/private?id=1"))
        stranger = self.node.client(Identity(self.node.folder, "stranger"))
        self.assert_error_401(stranger.get("/app/log/private?id=1"))
        self.assertEqual(self.user.post("/app/log/private/prefix_cert", {"id": 10, "msg": "hi"}).json, True)
        self.assertEqual(self.user.get("/app/log/private?id=10").json,
                         {"msg": f"{self.node.users['user0'].id}: hi"})
        self.assert_error(self.user.post("/app/log/private/admin_only", {"id": 10, "msg": "hi"}), 403,
                          "AuthorizationFailed", "Only admins may access this endpoint.")

    def assert_error_401(self, answer):
        self.assertEqual(answer.status, 401, answer)
        error = answer.json["error"]
        self.assertEqual((error["code"], error["message"]),
                         ("InvalidAuthenticationInfo", "Invalid authentication credentials."))
        self.assertEqual([d["auth_policy"] for d in error["details"]], ["jwt", "user_cert", "user_cose_sign1"])
        self.assertIn("www-authenticate", answer.headers)

    def test_every_kind_of_caller(self):
        seen = set()
        user = self.node.users["user0"]
        cases = [
            (self.user, None, "User TLS cert"),
            (self.node.client("user1"), None, "User TLS cert"),
            (self.node.client(self.node.member), None, "Member TLS cert"),
            (self.node.client(Identity(self.node.folder, "nobody")), None, "Any TLS cert"),
            (self.anyone, cose_sign1(user, b"signed words"), "User COSE Sign1"),
            (self.anyone, None, "Unauthenticated"),
        ]
        for client, body, expected in cases:
            headers = {"content-type": "application/cose"} if body else {}
            answer = client.post("/app/multi_auth", body, headers)
            self.assertEqual(answer.status, 200, answer)
            self.assertTrue(answer.text.startswith(expected), answer)
            self.assertNotIn("undefined", answer.text)
            self.assertNotIn(answer.text, seen)
            seen.add(answer.text)

    def test_signed_content(self):
        path, cose = "/app/log/cose_signed_content", {"content-type": "application/cose"}
        gov = {"ccf.gov.msg.type": "ack", "ccf.gov.msg.created_at": int(time.time())}
        signed = cose_sign1(self.node.member, b"from a member", gov)
        answer = self.anyone.post(path, signed, cose)
        self.assertEqual((answer.status, answer.text), (200, "from a member"), answer)
        unsigned = self.anyone.post(path, b"plain", {"content-type": "text/plain"})
        self.assertEqual(unsigned.status, 401)
        self.assertEqual(unsigned.headers["www-authenticate"], 'COSE-SIGN1 realm="Signed request access"')
        self.assertEqual(self.anyone.post(path, b"not COSE", cose).status, 500)
        tampered = bytearray(signed)
        tampered[-1] ^= 1
        self.assertEqual(self.anyone.post(path, bytes(tampered), cose).status, 401)
        self.assertEqual(self.anyone.post(path, cose_sign1(self.node.users["user0"], b"x", gov), cose).status, 401)

    def test_custom_policy(self):
        ask = lambda **headers: self.anyone.get("/app/custom_auth", **headers)
        good = ask(x_custom_auth_name="Alice", x_custom_auth_age="42")
        self.assertEqual((good.json["name"], good.json["age"]), ("Alice", 42))
        for bad in ({}, {"x_custom_auth_name": "", "x_custom_auth_age": "42"},
                    {"x_custom_auth_name": "Alice", "x_custom_auth_age": "12"}):
            self.assertEqual(ask(**bad).status, 401, bad)
        self.assertEqual(ask(x_custom_auth_explode="true").status, 500)

    # ------------------------------------------------------------------------------ transactions

    def test_status_of_transactions(self):
        txid = self.store("/app/log/private", 20, "x")
        self.user.wait_for_commit(txid)
        status = lambda id: self.anyone.get(f"/app/tx?transaction_id={id}")
        view, seqno = map(int, txid.split("."))
        self.assertEqual(status(txid).json, {"status": "Committed", "transaction_id": txid})
        self.assertIsNone(status(txid).txid)
        self.assertEqual(status("1.1").json["status"], "Invalid")
        self.assertEqual(status(f"99999.{seqno}").json["status"], "Invalid")
        self.assertEqual(status("99999.999999").json["status"], "Unknown")
        for bad in ("a.b", "-1.-1", "0.0", "1.0", "0.1", "2.0"):
            self.assert_error(status(bad), 400, "InvalidQueryParameterValue",
                              f"The value '{bad}' passed as query parameter 'transaction_id' could not be "
                              "converted to a valid Transaction ID.")
        commit = self.anyone.get("/app/commit?view_history=true").json
        self.assertGreaterEqual(int(commit["transaction_id"].split(".")[1]), seqno)
        self.assertTrue(commit["view_history"])

    def test_waiting_for_commit(self):
        for _ in range(20):
            answer = self.user.post("/app/log/private", {"id": 21, "msg": "waited for"}, {"prefer": "wait=10"})
            self.assertEqual(answer.status, 200, answer)
            self.assertIn("preference-applied", answer.headers)
            status = self.anyone.get(f"/app/tx?transaction_id={answer.txid}").json["status"]
            self.assertEqual(status, "Committed")
        plain = self.user.post("/app/log/private", {"id": 21, "msg": "not waited for"})
        self.assertNotIn("preference-applied", plain.headers)
        refused = self.user.post("/app/log/private", {"id": 21, "msg": ""}, {"prefer": "wait=10"})
        self.assertEqual(refused.status, 400)

    def test_reads_see_earlier_writes_of_the_connection(self):
        for i in range(50):
            self.store("/app/log/private", 22, str(i))
            self.assertEqual(self.user.get("/app/log/private?id=22").json["msg"], str(i))

    # -------------------------------------------------------------------------------- the past

    def test_historical_states(self):
        ids = [self.store("/app/log/private", 30, f"version {i}") for i in range(10)]
        self.assert_error(self.user.get("/app/log/private/historical?id=30"), 404, "TransactionInvalid",
                          "Could not extract Transaction Id")
        unknown = self.user.get("/app/log/private/historical?id=30", **{TXID_HEADER: "2.999999"})
        self.assert_error(unknown, 404, "TransactionPendingOrUnknown")
        self.assertEqual(unknown.headers["cache-control"], "no-cache")
        self.user.wait_for_commit(ids[-1])
        for i, txid in enumerate(ids):
            answer = self.user.historical("/app/log/private/historical?id=30", txid)
            self.assertEqual(answer.json, {"msg": f"version {i}"})
        self.assertEqual(self.user.historical("/app/log/private/historical?id=31", ids[0]).status, 204)

    def test_receipts_verify_offline(self):
        self.requires_cli()
        msg = "a claim"
        txid = self.store("/app/log/public", 40, msg, record_claim=True)
        self.user.wait_for_commit(txid)
        plain = self.user.until_ready("GET", f"/app/receipt?transaction_id={txid}").json
        self.assertEqual(plain["leaf_components"]["claims_digest"], hashlib.sha256(msg.encode()).hexdigest())
        self.verifies(plain, True)
        hidden = self.user.historical("/app/log/public/historical_receipt?id=40", txid).json
        self.assertEqual(hidden["msg"], msg)
        self.assertNotIn("claims_digest", hidden["receipt"]["leaf_components"])
        digest = hashlib.sha256(msg.encode()).hexdigest()
        self.verifies(hidden["receipt"], True, "--claims-digest", digest)
        self.verifies(hidden["receipt"], False, "--claims-digest", digest.replace(digest[0], "x").replace(
            "x", "0" if digest[0] != "0" else "1"))
        for path, change in ((("signature",), lambda s: s[:-4] + "AAAA"),
                             (("leaf_components", "write_set_digest"), lambda s: "0" * 64),
                             (("leaf_components", "commit_evidence"), lambda s: s[:-1] + ("0" if s[-1] != "0" else "1")),
                             (("leaf_components", "claims_digest"), lambda s: "1" * 64),
                             (("node_id",), lambda s: "0" * 64)):
            altered = json.loads(json.dumps(plain))
            place = altered
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = change(place[path[-1]])
            self.verifies(altered, False)
        for i in range(len(plain["proof"])):
            altered = json.loads(json.dumps(plain))
            side = next(iter(altered["proof"][i]))
            altered["proof"][i] = {side: "0" * 64}
            self.verifies(altered, False)

    def requires_cli(self):
        harness.command_line()

    def verifies(self, receipt, expected, *options):
        done = self.node.verify_receipt(receipt, *options)
        self.assertEqual(done.returncode == 0, expected, (receipt, done.stdout, done.stderr))

    def test_receipt_of_a_signature(self):
        txid = self.store("/app/log/public", 41, "x")
        self.user.wait_for_commit(txid)
        committed = self.anyone.get("/app/commit").json["transaction_id"]
        receipt = self.user.until_ready("GET", f"/app/receipt?transaction_id={committed}").json
        self.assertEqual(receipt["proof"], [])
        self.assertIn("leaf", receipt)
        self.assertNotIn("leaf_components", receipt)
        missing = self.user.historical("/app/log/public/cose_receipt", committed)
        self.assert_error(missing, 404, "ResourceNotFound", "No merkle proof available for this transaction")

    def test_cose_receipts(self):
        self.requires_cli()
        txid = self.store("/app/log/public", 42, "x")
        self.user.wait_for_commit(txid)
        answer = self.user.historical("/app/log/public/cose_receipt", txid)
        self.assertEqual(answer.headers["content-type"], "application/cose")
        receipt = answer.body
        self.verifies(receipt, True)
        _, tag, (protected, unprotected, payload, _) = decode_cbor(receipt)
        self.assertEqual((tag, payload), (18, None))
        header = decode_cbor(protected)
        self.assertEqual(header[395], 2)
        self.assertEqual((header[15][1], header[15][2]), ("service.example.com", "ledger.signature"))
        self.assertEqual(list(unprotected), [396])
        for i in range(0, len(receipt), 7):
            tampered = bytearray(receipt)
            tampered[i] ^= 0x10
            check = self.anyone.request("GET", "/app/log/public/verify_cose_receipt", bytes(tampered),
                                        {"content-type": "application/cose"})
            self.assertEqual(check.status, 400, (i, check))
        check = self.anyone.request("GET", "/app/log/public/verify_cose_receipt", receipt,
                                    {"content-type": "application/cose"})
        self.assertEqual(check.status, 204, check)
        signature = self.user.historical("/app/log/public/cose_signature", txid).json["cose_signature"]
        self.assertEqual(decode_cbor(base64.b64decode(signature))[2][1], {})
        self.assertEqual(self.user.historical("/app/log/public/cose_endorsements", txid).status, 404)
        self.assertEqual(self.user.get("/app/cose_signatures_config").text,
                         '{"issuer":"service.example.com","subject":"ledger.signature"}')

    def test_ranges(self):
        first = int(self.store("/app/log/public", 50, "0").split(".")[1])
        for i in range(1, 40):
            self.store("/app/log/public", 50 + i % 2, str(i))
        last = self.store("/app/log/public", 50, "last")
        self.user.wait_for_commit(last)
        path = f"/app/log/public/historical/range?id=50&from_seqno={first}"
        answer = self.user.until_ready("GET", path).json
        self.assertEqual([e["msg"] for e in answer["entries"]], [str(i) for i in range(0, 40, 2)] + ["last"])
        self.assertNotIn("@nextLink", answer)
        self.assert_error(self.user.get("/app/log/public/historical/range?id=50&from_seqno=9&to_seqno=8"), 400,
                          "InvalidInput", "Invalid range: Starts at 9 but ends at 8")
        beyond = self.user.get("/app/log/public/historical/range?id=50&to_seqno=99999999")
        self.assertEqual(beyond.status, 400)
        self.assertTrue(beyond.error()[1].startswith(
            "Only committed transactions can be queried. Transaction at seqno 99999999 is "))

    def test_sparse_and_handles(self):
        ids = [self.store("/app/log/private", 60, str(i)) for i in range(5)]
        self.user.wait_for_commit(ids[-1])
        seqnos = [txid.split(".")[1] for txid in ids]
        answer = self.user.until_ready(
            "GET", f"/app/log/private/historical/sparse?id=60&seqnos={seqnos[3]},{seqnos[1]}").json
        self.assertEqual([e["msg"] for e in answer["entries"]], ["1", "3"])
        for seqno in seqnos[:2]:
            receipt = self.user.until_ready(
                "GET", f"/app/log/private/historical/handle?handle=7&seqno={seqno}").json
            self.assertIn(f".{seqno}:", receipt["leaf_components"]["commit_evidence"])

    def test_committed_index(self):
        strategies = lambda: [s["name"] for s in self.anyone.get("/node/index/strategies").json]
        self.assertNotIn("CommittedRecords records", strategies())
        self.assertEqual(self.anyone.post("/app/log/private/install_committed_index").status, 200)
        self.assertIn("CommittedRecords records", strategies())
        again = self.anyone.post("/app/log/private/install_committed_index")
        self.assertEqual((again.status, again.text), (412, "Already installed"))
        missing = self.anyone.get("/app/log/private/committed?id=4711")
        self.assertEqual(missing.status, 400)
        self.assertIn("current_txid", missing.json["error"])
        self.user.wait_for_commit(self.store("/app/log/private", 70, "indexed"))
        eventually(lambda: self.anyone.get("/app/log/private/committed?id=70").status == 200, "it is indexed")
        self.assertEqual(self.anyone.get("/app/log/private/committed?id=70").json, {"msg": "indexed"})
        self.assertEqual(self.anyone.post("/app/log/private/uninstall_committed_index").status, 200)
        self.assertNotIn("CommittedRecords records", strategies())

    # -------------------------------------------------------------------------------- documents

    def test_documents(self):
        import os
        app = self.anyone.get("/app/api").json
        self.assertEqual(app["info"]["title"], "CCF Sample Logging App")
        shared = os.environ.get("ENTENTE_SHARED_DATA", harness.SOURCE.parent / "shared" / "data")
        for actor in ("app", "node"):
            golden = harness.pathlib.Path(shared) / "openapi" / f"{actor}_openapi.json"
            if golden.exists():
                served = self.anyone.get(f"/{actor}/api").json
                self.assertEqual(json.dumps(served, indent=2), golden.read_text().rstrip("\n"), actor)

    def test_node_endpoints(self):
        state = self.anyone.get("/node/state")
        self.assertEqual(state.json["state"], "PartOfNetwork")
        self.assertIsNotNone(state.txid)
        network = self.anyone.get("/node/network")
        self.assertEqual(network.json["service_status"], "Open")
        self.assertEqual(network.json["primary_id"], state.json["node_id"])
        self.assertEqual(network.json["service_certificate"], self.node.service_cert.read_text())
        self.assertEqual(self.anyone.get("/node/ready/app").status, 204)
        self.assertEqual(self.anyone.get("/node/primary").status, 200)


if __name__ == "__main__":
    unittest.main()
