#!/usr/bin/env python3
"""What an interface can be: both protocols on one port, self-signed, without TLS, quick to hang up."""

import http.client
import json
import shutil
import socket
import ssl
import unittest

import harness
from harness import LIMIT, Node, eventually, read_answer


def configure(configuration):
    interfaces = configuration["network"]["rpc_interfaces"]
    interfaces["both"] = {"bind_address": "127.0.0.1:0", "app_protocol": "HTTP1+HTTP2"}
    interfaces["own"] = {"bind_address": "127.0.0.1:0", "endorsement": {"authority": "Node"}}
    interfaces["open"] = {"bind_address": "127.0.0.1:0", "endorsement": {"authority": "Unsecured"},
                          "accepted_endpoints": ["/node/state", "/app/log/public.*"]}
    interfaces["closed"] = {"bind_address": "127.0.0.1:0", "endorsement": {"authority": "Unsecured"}}


class InterfacesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node("logging", configure=configure)
        cls.addClassCleanup(cls.node.close)
        cls.node.start()

    def url(self, interface, path):
        host, port = self.node.addresses[interface]
        return f"https://{host}:{port}{path}"

    # ------------------------------------------------------------------ both protocols on one port

    def curl(self, protocol, *arguments):
        if shutil.which("curl") is None:
            self.skipTest("curl is not installed")
        if protocol == "--http2" and b"HTTP2" not in harness.run("curl", "--version").stdout:
            self.skipTest("this curl does not speak HTTP/2")
        user = self.node.users["user0"]
        done = harness.run("curl", "-sS", protocol, "--cacert", self.node.service_cert, "--cert", user.cert,
                           "--key", user.key, "-w", " %{http_version} %{http_code}", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode()

    def test_curl_speaks_either_on_one_port(self):
        for protocol, version in (("--http2", "2"), ("--http1.1", "1.1")):
            with self.subTest(protocol):
                body = json.dumps({"id": 5, "msg": f"by {version}"})
                posted = self.curl(protocol, "-H", "content-type: application/json", "-d", body,
                                   self.url("both", "/app/log/private"))
                self.assertEqual(posted, f"true {version} 200")
                got = self.curl(protocol, self.url("both", "/app/log/private?id=5"))
                self.assertEqual(got, f'{{"msg":"by {version}"}} {version} 200')
                waited = self.curl(protocol, "-H", "prefer: wait=30", "-d", body, "-o", "/dev/null", "-D", "-",
                                   self.url("both", "/app/log/private"))
                self.assertIn("preference-applied: wait=30", waited)

    def test_alpn_chooses(self):
        for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["h2"], "h2"),
                                (["http/1.1"], "http/1.1"), (["something"], None), (None, None)):
            with self.node.raw(interface="both", protocols=offered) as connection:
                self.assertEqual(connection.selected_alpn_protocol(), chosen, offered)
                if chosen == "h2":
                    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0")
                    self.assertEqual(connection.recv(9)[3], 4)  # SETTINGS
                else:
                    connection.sendall(b"GET /node/state HTTP/1.1\r\n\r\n")
                    self.assertEqual(read_answer(connection).status, 200)

    def test_it_is_published_as_configured(self):
        interfaces = self.node.client().get("/node/network/nodes/self").json
        if "rpc_interfaces" in interfaces:
            self.assertEqual(interfaces["rpc_interfaces"]["both"]["app_protocol"], "HTTP1+HTTP2")

    # ------------------------------------------------------------------------------------ authority

    def test_authority_node_shows_the_self_signed_certificate(self):
        own = self.node.folder / "nodecert.pem"
        context = ssl.create_default_context(cafile=own)
        context.check_hostname = False
        with socket.create_connection(self.node.addresses["own"], timeout=LIMIT) as plain:
            with context.wrap_socket(plain) as connection:
                self.assertEqual(connection.getpeercert(binary_form=True),
                                 ssl.PEM_cert_to_DER_cert(own.read_text()))
        # It is not the service's.
        with self.assertRaises(ssl.SSLCertVerificationError):
            with self.node.raw(interface="own"):
                pass
        # And the others do not show it.
        with self.node.raw() as connection:
            self.assertNotEqual(connection.getpeercert(binary_form=True),
                                ssl.PEM_cert_to_DER_cert(own.read_text()))

    def test_unsecured_serves_what_is_listed_in_plain_text(self):
        def get(interface, path, method="GET", body=None):
            connection = http.client.HTTPConnection(*self.node.addresses[interface], timeout=LIMIT)
            try:
                connection.request(method, path, body=body)
                answer = connection.getresponse()
                return answer.status, answer.read()
            finally:
                connection.close()

        status, body = get("open", "/node/state")
        self.assertEqual((status, json.loads(body)["state"]), (200, "PartOfNetwork"))
        self.assertEqual(get("open", "/node/network"), (503, b""))
        self.assertEqual(get("open", "/app/log/private?id=1"), (503, b""))
        # Nobody can be told apart without TLS: an endpoint that wants a user refuses.
        self.assertEqual(get("open", "/app/log/public", "POST", b'{"id":1,"msg":"x"}')[0], 401)
        self.assertEqual(get("closed", "/node/state"), (503, b""))
        context = ssl.create_default_context()
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            with socket.create_connection(self.node.addresses["open"], timeout=LIMIT) as plain:
                context.wrap_socket(plain, server_hostname="127.0.0.1")
        self.assertTrue(self.node.alive())


class IdleTest(unittest.TestCase):
    def setUp(self):
        def quick(configuration):
            configuration["idle_connection_timeout"] = "1s"
            configuration["network"]["rpc_interfaces"]["h2"] = {
                "bind_address": "127.0.0.1:0", "app_protocol": "HTTP2"}

        self.node = Node("logging", configure=quick)
        self.addCleanup(self.node.close)
        self.node.start()

    def closes(self, connection):
        """Nothing is answered: the server hangs up."""
        rest = b""
        try:
            while (more := connection.recv(4096)):
                rest += more
        except (ConnectionError, ssl.SSLError) as error:
            self.assertNotIsInstance(error, TimeoutError)
        return rest

    def test_silent_connections_are_closed(self):
        with self.node.raw() as connection:
            connection.sendall(b"GET /node/state HTTP/1.1\r\n\r\n")
            self.assertEqual(read_answer(connection).status, 200)
            self.assertEqual(self.closes(connection), b"")
        with self.node.raw() as connection:  # within a header
            connection.sendall(b"GET /node/state HTTP/1.1\r\nhost:")
            self.assertEqual(self.closes(connection), b"")
        with socket.create_connection(self.node.addresses["main"], timeout=LIMIT) as plain:
            self.assertEqual(self.closes(plain), b"")  # before TLS
        with self.node.raw(interface="h2", protocols=["h2"]) as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0")
            self.assertNotIn(b"HTTP/1.1", self.closes(connection))
        client = self.node.client()
        active = lambda: client.get("/node/metrics").json["sessions"]["interfaces"]["h2"]["active"]
        eventually(lambda: active() == 0, "idle sessions are not counted")

    def test_a_client_that_writes_stays(self):
        """Slowly, byte by byte, for longer than the time-out."""
        import time
        with self.node.raw() as connection:
            begin = time.monotonic()
            connection.sendall(b"GET /node/state HTTP/1.1\r\nx: ")
            while time.monotonic() - begin < 2.5:
                connection.sendall(b"y")
                time.sleep(0.05)
            connection.sendall(b"\r\n\r\n")
            self.assertEqual(read_answer(connection).status, 200)


if __name__ == "__main__":
    unittest.main()
