#!/usr/bin/env python3
"""Many connections, and connections that end at every point where they can."""

import contextlib
import resource
import select
import socket
import ssl
import struct
import unittest

from harness import LIMIT, Node, eventually, read_answer

MANY = 10000
SOFT, HARD = 100, 110
WIDE_SOFT, WIDE_HARD = 6000, 6010


def raise_descriptor_limit():
    """The node inherits the old soft limit: it has to raise its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MANY + 500:
        raise unittest.SkipTest(f"this process may have {hard} open files; {MANY} connections need more")
    resource.setrlimit(resource.RLIMIT_NOFILE, (MANY + 500, hard))
    return soft


def sessions(node):
    """Counters of sessions, asked on a connection that is closed again."""
    client = node.client()
    try:
        return client.get("/node/metrics").json["sessions"]
    finally:
        client.close()


class ManyConnectionsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        def configure(configuration):
            interfaces = configuration["network"]["rpc_interfaces"]
            for name, soft, hard in (("capped", SOFT, HARD), ("wide", WIDE_SOFT, WIDE_HARD)):
                interfaces[name] = {"bind_address": "127.0.0.1:0", "max_open_sessions_soft": soft,
                                    "max_open_sessions_hard": hard}
            configuration["idle_connection_timeout"] = None

        cls.node = Node("logging", configure=configure)
        cls.addClassCleanup(cls.node.close)
        cls.node.start()
        before = raise_descriptor_limit()
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        cls.addClassCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (before, hard))

    def setUp(self):
        self.held = []
        self.addCleanup(self.close_all)

    def close_all(self):
        for connection in self.held:
            connection.close()
        self.held = []

    def metrics(self, interface):
        return sessions(self.node)["interfaces"][interface]

    def resident(self):
        """Bytes of memory of the node."""
        with open(f"/proc/{self.node.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()

    def connect(self, interface):
        # In blocking mode: the accept queue bounds how far the client runs ahead.
        with contextlib.suppress(OSError):
            self.held.append(socket.create_connection(self.node.addresses[interface], timeout=LIMIT))

    def open_now(self):
        """How many of the held connections the server has not closed."""
        poll = select.poll()
        for connection in self.held:
            poll.register(connection, select.POLLIN | select.POLLHUP | select.POLLERR)
        return len(self.held) - len(poll.poll(0))

    def serves(self, interface):
        client = self.node.client("user0", interface)
        self.assertEqual(client.post("/app/log/private", {"id": 1, "msg": "x"}).status, 200)
        client.close()

    def test_against_small_caps(self):
        memory = self.resident()
        for number in range(MANY):
            self.connect("capped")
            if number % 2000 == 0:
                self.serves("main")
        eventually(lambda: self.open_now() < HARD, "all beyond the hard cap are closed")
        metrics = self.metrics("capped")
        self.assertGreaterEqual(metrics["peak"], SOFT)
        self.assertLess(metrics["peak"], HARD)
        self.assertEqual((metrics["soft_cap"], metrics["hard_cap"]), (SOFT, HARD))
        # Those that are refused cost nothing.
        self.assertLess(self.resident() - memory, 64 << 20)
        self.serves("main")
        self.close_all()
        eventually(lambda: self.metrics("capped")["active"] == 0, "closed connections are not counted")
        self.serves("capped")

    def test_thousands_are_served(self):
        wide = self.metrics("wide")
        if wide["hard_cap"] != WIDE_HARD:
            self.skipTest(f"the node may have {wide['hard_cap']} sessions only")
        memory = self.resident()
        for number in range(MANY):
            self.connect("wide")
            if number % 2000 == 0:
                self.serves("main")
        eventually(lambda: self.metrics("wide")["active"] == WIDE_HARD - 1, "the cap is reached")
        eventually(lambda: self.open_now() < WIDE_HARD, "all beyond the hard cap are closed")
        self.assertEqual(self.metrics("wide")["peak"], WIDE_HARD - 1)
        # Idle connections hold little: far less than their TLS buffers would be.
        self.assertLess((self.resident() - memory) / WIDE_HARD, 128 << 10)
        # Some of those that were let in are used, early and late ones.
        context = self.node.tls()
        for index in [*range(0, WIDE_SOFT, 60)]:
            self.held[index] = context.wrap_socket(self.held[index])
            self.held[index].sendall(b"GET /node/state HTTP/1.1\r\n\r\n")
            self.assertEqual(read_answer(self.held[index]).status, 200)
        # And one above the soft cap is told so.
        over = context.wrap_socket(self.held[WIDE_SOFT + 2])
        over.sendall(b"GET /node/state HTTP/1.1\r\n\r\n")
        self.assertEqual(read_answer(over).error()[0], "SessionCapExhausted")
        over.close()
        self.serves("main")
        self.close_all()
        eventually(lambda: self.metrics("wide")["active"] == 0, "closed connections are not counted")
        self.serves("wide")


class DescriptorLimitTest(unittest.TestCase):
    def test_caps_follow_what_the_system_allows(self):
        """With few open files the caps are lowered, that is said, and the node works at its limit."""
        allowed = 300
        before = resource.getrlimit(resource.RLIMIT_NOFILE)

        class Limited(Node):
            def start(self):
                # A shell in between: the limit is inherited.
                wrapper = self.folder / "limited"
                wrapper.write_text(f'#!/bin/sh\nulimit -n {allowed}\nexec "{self.program}" "$@"\n')
                wrapper.chmod(0o755)
                self.program = str(wrapper)
                super().start()

        with Limited("logging") as node:
            self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE), before)
            metrics = sessions(node)["interfaces"]["main"]
            self.assertLess(metrics["hard_cap"], allowed)
            self.assertLess(metrics["soft_cap"], metrics["hard_cap"])
            self.assertIn("RLIMIT_NOFILE", node.log_text())
            with contextlib.ExitStack() as held:
                for _ in range(3 * allowed):
                    with contextlib.suppress(OSError):
                        held.enter_context(socket.create_connection(node.addresses["main"], timeout=LIMIT))
            client = node.client("user0")
            answer = eventually(lambda: self.written(client), "it is served again")
            self.assertIn("preference-applied", answer.headers)
            self.assertNotIn("Too many open files", node.log_text())
            self.assertEqual(node.stop(), 0)

    @staticmethod
    def written(client):
        with contextlib.suppress(OSError):
            answer = client.post("/app/log/private", {"id": 1, "msg": "x"}, {"prefer": "wait=30"})
            return answer if answer.status == 200 else None


class DisconnectTest(unittest.TestCase):
    """Closed, or reset, at every point; the other points are in hostile_test."""

    @classmethod
    def setUpClass(cls):
        def configure(configuration):
            configuration["network"]["rpc_interfaces"]["both"] = {
                "bind_address": "127.0.0.1:0", "app_protocol": "HTTP1+HTTP2"}

        cls.node = Node("logging", configure=configure)
        cls.addClassCleanup(cls.node.close)
        cls.node.start()

    def tearDown(self):
        self.assertTrue(self.node.alive(), self.node.log_text()[-2000:])
        eventually(lambda: sessions(self.node)["active"] <= 3, "gone connections are not counted")
        client = self.node.client("user0")
        self.assertEqual(client.post("/app/log/private", {"id": 1, "msg": "still here"}).status, 200)

    def connect(self, reset, interface="main"):
        plain = socket.create_connection(self.node.addresses[interface], timeout=LIMIT)
        if reset:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return plain

    def test_within_each_flight_of_the_handshake(self):
        context = self.node.tls(self.node.users["user0"])
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_2, version
            for flight in range(3):
                for part in range(0, 101, 10):  # per cent of the client's flight that is sent
                    for reset in (False, True):
                        with self.connect(reset) as plain:
                            self.shake_hands(context, plain, flight, part)

    @staticmethod
    def shake_hands(context, plain, last_flight, part):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(incoming, outgoing)
        for flight in range(last_flight + 1):
            done = False
            try:
                client.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            message = outgoing.read()
            if flight == last_flight or done:
                plain.sendall(message[:len(message) * part // 100])
                return
            plain.sendall(message)
            while not incoming.pending:
                incoming.write(plain.recv(65536))
            # The rest of the server's flight, as far as it is there.
            plain.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                incoming.write(plain.recv(65536))
            plain.settimeout(LIMIT)

    def test_at_accept(self):
        for reset in (False, True):
            for _ in range(200):
                self.connect(reset).close()

    def test_in_the_middle_of_pipelined_answers(self):
        client = self.node.client("user0")
        self.assertEqual(client.post("/app/log/private", {"id": 7, "msg": "x" * 50000}).status, 200)
        context = self.node.tls(self.node.users["user0"])
        requests = b"GET /app/log/private?id=7 HTTP/1.1\r\n\r\n" * 200  # ten megabytes of answers
        for read in (0, 1, 100, 50000, 50300, 400000, 3000000):
            for reset in (False, True):
                with context.wrap_socket(self.connect(reset)) as connection:
                    connection.sendall(requests)
                    left = read
                    while left > 0:
                        left -= len(connection.recv(min(left, 65536)))

    def test_with_writes_and_waits_under_way(self):
        context = self.node.tls(self.node.users["user0"])
        one = b'POST /app/log/private HTTP/1.1\r\nprefer: wait=5\r\ncontent-length: 18\r\n\r\n{"id":3,"msg":"x"}'
        for count in (1, 2, 50, 1500):  # the last is beyond what one connection may have under way
            for reset in (False, True):
                with context.wrap_socket(self.connect(reset)) as connection:
                    connection.sendall(one * count)

    def test_half_closed_after_the_requests(self):
        """A client that sends no more still gets its answers."""
        with self.node.raw("user0") as connection:
            connection.sendall(b"GET /node/state HTTP/1.1\r\n\r\n" * 20)
            stream = connection.makefile("rb")
            for _ in range(20):
                self.assertEqual(stream.readline().split()[1], b"200")
                while (line := stream.readline().strip()):
                    if line.startswith(b"content-length:"):
                        length = int(line.split()[1])
                stream.read(length)

    def test_http2_at_every_byte(self):
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"
        headers = bytes([0x82, 0x87, 0x04, 11]) + b"/node/state" + bytes([0x41, 1]) + b"x"
        requests = b"".join(len(headers).to_bytes(3, "big") + b"\x01\x05" + stream.to_bytes(4, "big") + headers
                            for stream in range(1, 60, 2))
        context = self.node.tls(self.node.users["user0"], protocols=["h2"])
        everything = preface + requests
        for cut in [*range(0, len(preface) + 2 * len(headers) + 18, 3), len(everything)]:
            for reset in (False, True):
                with context.wrap_socket(self.connect(reset, "both")) as connection:
                    connection.sendall(everything[:cut])
                    if cut == len(everything):
                        self.assertNotEqual(connection.recv(20), b"")


if __name__ == "__main__":
    unittest.main()
