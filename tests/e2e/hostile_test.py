"""Clients that misbehave: the node answers as documented, counts, and stays up."""

import concurrent.futures
import json
import random
import socket
import ssl
import struct
import unittest

import harness
from harness import LIMIT, Node, eventually, read_answer


def small_limits(configuration):
    main = configuration["network"]["rpc_interfaces"]["main"]
    main["http_configuration"] = {"max_body_size": "10KB", "max_header_size": "1KB", "max_headers_count": 20}
    capped = {"bind_address": "127.0.0.1:0", "max_open_sessions_soft": 10, "max_open_sessions_hard": 15}
    configuration["network"]["rpc_interfaces"]["capped"] = capped
    configuration["network"]["rpc_interfaces"]["h2"] = {"bind_address": "127.0.0.1:0", "app_protocol": "HTTP2"}


class HostileTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node("logging", configure=small_limits)
        cls.addClassCleanup(cls.node.close)
        cls.node.start()

    def setUp(self):
        self.addCleanup(lambda: self.assertTrue(self.node.alive(), self.node.log_text()[-2000:]))

    def metrics(self, interface="main"):
        return self.node.client().get("/node/metrics").json["sessions"]["interfaces"][interface]

    def answers(self):
        """The node still serves a well-behaved client."""
        client = self.node.client("user0")
        self.assertEqual(client.post("/app/log/private", {"id": 1, "msg": "still here"}).status, 200)
        client.close()

    # ------------------------------------------------------------------------------ bad requests

    def fragments(self):
        valid = b"GET /node/state HTTP/1.1\r\n\r\n"
        cases = [b"\x01", b"NOTAVERB ", b"POST / HTTP/42.42", json.dumps({"hello": "world"}).encode(),
                 b"GET /node/state HTTP/1.1\r\nBad Header: x\r\n\r\n", b"GET / HTTP/1.1\nfoo: bar\n\n",
                 b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                 b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
                 b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
                 b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
                 b"POST / HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n",
                 b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n"]
        for i in range(0, len(valid) - 1):
            for byte in (0x00, 0x01, valid[i] + 128):
                cases.append(valid[:i] + bytes([byte]) + valid[i + 1:])
        return cases

    def test_parse_errors_are_answered_at_once_and_counted(self):
        before = self.metrics()["errors"]["parsing"]
        answered = 0
        for fragment in self.fragments():
            with self.node.raw() as connection:
                connection.sendall(fragment)
                answer = read_answer(connection)
                self.assertIsNotNone(answer, fragment)
                if answer.status == 404:
                    continue
                self.assertEqual(answer.status, 400, (fragment, answer))
                self.assertEqual(answer.headers["content-type"], "text/plain")
                self.assertTrue(answer.body.startswith(b"Unable to parse data as a HTTP request."), answer)
                self.assertIn(fragment, answer.body)
                self.assertEqual(connection.recv(1), b"")
                answered += 1
            self.assertEqual(self.metrics()["errors"]["parsing"], before + answered, fragment)
        self.answers()

    def test_random_bytes(self):
        generator = random.Random(5)
        for _ in range(60):
            with self.node.raw() as connection:
                try:
                    connection.sendall(generator.randbytes(generator.randrange(1, 3000)))
                    connection.settimeout(0.2)
                    connection.recv(100)
                except (OSError, ssl.SSLError):
                    pass
        for port in [address for address in self.node.addresses.values()]:
            for _ in range(20):
                with socket.create_connection(port, timeout=LIMIT) as plain:
                    plain.sendall(generator.randbytes(generator.randrange(1, 500)))
        self.answers()

    # -------------------------------------------------------------------------------------- limits

    def test_limits(self):
        exact_value, exact_name = "v" * 1024, "n" * 1024
        cases = [
            ({}, b"x" * 10 * 1024, None, None),
            ({}, b"x" * (10 * 1024 + 1), 413, "RequestBodyTooLarge"),
            ({"a": exact_value}, b"", None, None),
            ({"a": exact_value + "v"}, b"", 431, "RequestHeaderTooLarge"),
            ({exact_name: "a"}, b"", None, None),
            ({exact_name + "n": "a"}, b"", 431, "RequestHeaderTooLarge"),
            ({f"h{i}": "x" for i in range(19)}, b"", None, None),  # and content-length
            ({f"h{i}": "x" for i in range(20)}, b"", 431, "RequestHeaderTooLarge"),
        ]
        counted = {413: "request_payload_too_large", 431: "request_header_too_large"}
        for headers, body, status, code in cases:
            before = self.metrics()["errors"]
            head = "POST /nowhere HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
            head += f"content-length: {len(body)}\r\n\r\n"
            with self.node.raw() as connection:
                try:
                    connection.sendall(head.encode() + body)
                except (OSError, ssl.SSLError):
                    pass  # refused while still writing
                answer = read_answer(connection)
            if status is None:
                self.assertEqual(answer.status, 404, headers)
                continue
            if answer is not None:
                self.assertEqual(answer.status, status)
                self.assertEqual(answer.error()[0], code)
            after = self.metrics()["errors"]
            expected = dict(before)
            expected[counted[status]] += 1
            self.assertEqual(after, expected)
        self.answers()

    def test_session_caps(self):
        held = []
        self.addCleanup(lambda: [c.close() for c in held])
        context = self.node.tls()
        address = self.node.addresses["capped"]
        for _ in range(10):
            plain = socket.create_connection(address, timeout=LIMIT)
            connection = context.wrap_socket(plain)
            connection.sendall(b"GET /node/state HTTP/1.1\r\n\r\n")
            self.assertEqual(read_answer(connection).status, 200)
            held.append(connection)
        with context.wrap_socket(socket.create_connection(address, timeout=LIMIT)) as over:
            over.sendall(b"GET /node/state HTTP/1.1\r\n\r\n")
            answer = read_answer(over)
            self.assertEqual(answer.status, 503)
            self.assertEqual(answer.error(), ("SessionCapExhausted",
                                              "Service is currently busy and unable to serve new connections"))
        for _ in range(30):  # above the hard cap: closed before TLS
            try:
                held.append(socket.create_connection(address, timeout=LIMIT))
            except OSError:
                pass
        metrics = self.metrics("capped")
        self.assertLessEqual(metrics["peak"], 15)
        self.assertGreaterEqual(metrics["peak"], 10)
        for connection in held:
            connection.close()
        eventually(lambda: self.metrics("capped")["active"] == 0, "closed sessions are not counted")
        client = self.node.client(interface="capped")
        self.assertEqual(client.get("/node/state").status, 200)

    # --------------------------------------------------------------------------- rude connections

    def test_disconnects_at_every_point(self):
        request = (b"POST /app/log/private HTTP/1.1\r\ncontent-type: application/json\r\n"
                   b"prefer: wait=5\r\ncontent-length: 22\r\n\r\n" + b'{"id":9,"msg":"gone."}')
        context = self.node.tls(self.node.users["user0"])
        address = self.node.addresses["main"]
        for cut in list(range(0, len(request), 7)) + [len(request)] * 20:
            for reset in (False, True):
                plain = socket.create_connection(address, timeout=LIMIT)
                if reset:
                    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection = context.wrap_socket(plain)
                connection.sendall(request[:cut])
                connection.close()
        for cut in range(0, 300, 20):  # inside the handshake
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            hello = context.wrap_bio(incoming, outgoing)
            try:
                hello.do_handshake()
            except ssl.SSLWantReadError:
                pass
            with socket.create_connection(address, timeout=LIMIT) as plain:
                plain.sendall(outgoing.read()[:cut])
        eventually(lambda: self.metrics()["active"] <= 2, "gone connections are not counted")
        self.answers()

    def test_pipelining_keeps_the_order(self):
        writes = b"".join(
            b"POST /app/log/private?scope=p HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s"
            b"GET /app/log/private?scope=p&id=3 HTTP/1.1\r\n\r\n" % (len(body), body)
            for body in (b'{"id":3,"msg":"m%d"}' % i for i in range(50)))
        with self.node.raw("user0") as connection:
            connection.sendall(writes)
            stream = connection.makefile("rb")
            for i in range(50):
                self.assertEqual(self.read_from(stream), (200, b"true"))
                self.assertEqual(self.read_from(stream), (200, b'{"msg":"m%d"}' % i))

    @staticmethod
    def read_from(stream):
        status = int(stream.readline().split()[1])
        length = 0
        while (line := stream.readline().strip()):
            name, _, value = line.partition(b":")
            if name == b"content-length":
                length = int(value)
        return status, stream.read(length)

    def test_slow_and_chunked_bodies(self):
        with self.node.raw("user0") as connection:
            for byte in b"POST /app/log/private HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n":
                connection.sendall(bytes([byte]))
            for chunk in (b'{"id":4,', b'"msg":', b'"in pieces"}'):
                connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            connection.sendall(b"0\r\n\r\n")
            self.assertEqual(read_answer(connection).status, 200)
        self.assertEqual(self.node.client("user0").get("/app/log/private?id=4").json["msg"], "in pieces")

    def test_upgrades_are_ignored(self):
        client = self.node.client()
        for headers in ({"upgrade": "websocket", "connection": "Upgrade"}, {"upgrade": "h2c"}):
            self.assertEqual(client.request("GET", "/app/commit", headers=headers).status, 200)

    def test_many_clients_at_once(self):
        def work(number):
            client = self.node.client("user0")
            for i in range(20):
                path = f"/app/log/public?scope=many{number}"
                if client.post(path, {"id": i, "msg": "x" * (i + 1)}).status != 200:
                    return "post"
                if client.get(f"{path}&id={i}").json != {"msg": "x" * (i + 1)}:
                    return "get"
            client.close()
            return None

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            self.assertEqual(set(pool.map(work, range(32))), {None})

    # ------------------------------------------------------------------------------------------ TLS

    def test_versions_and_protocols(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.node.raw(version=version, protocols=["h2", "http/1.1"]) as connection:
                self.assertEqual(connection.selected_alpn_protocol(), "http/1.1")
        with self.node.raw(interface="h2", protocols=["h2", "http/1.1"]) as connection:
            self.assertEqual(connection.selected_alpn_protocol(), "h2")
        with self.node.raw(protocols=["h2"]) as connection:
            self.assertIsNone(connection.selected_alpn_protocol())
            connection.sendall(b"GET /node/state HTTP/1.0\r\n\r\n")
            self.assertEqual(read_answer(connection).status, 200)
        old = self.node.tls()
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            with socket.create_connection(self.node.addresses["main"], timeout=LIMIT) as plain:
                old.wrap_socket(plain)

    def test_http1_on_an_http2_interface_is_closed(self):
        with self.node.raw(interface="h2") as connection:
            connection.sendall(b"GET /node/state HTTP/1.1\r\n\r\n" * 4)
            received = b""
            try:
                while (more := connection.recv(4096)):
                    received += more
            except (OSError, ssl.SSLError):
                pass
            self.assertNotIn(b"HTTP/1.1", received)
        self.answers()


if __name__ == "__main__":
    unittest.main()
