"""What every end-to-end test needs: identities, a node, and a client.

Standard library only. The programs under test are found through the environment:
  ENTENTE_BIN   folder(s) that hold the programs `entente`, `logging`, `basic` … (os.pathsep
                between them); without it every build folder of the source tree is searched.
A test is skipped, with the reason, when the program that it drives is not there.

Nothing waits for a fixed time: `eventually` polls until a condition holds or a generous limit
(for slow machines) is over.
"""

import atexit
import base64
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TXID_HEADER = "x-ms-ccf-transaction-id"
# Generous: sanitizer builds on a loaded machine are slow, and nothing below measures time.
LIMIT = float(os.environ.get("ENTENTE_TEST_LIMIT", "60"))


def program(name):
    """Path of a built program, or skips the test."""
    folders = [pathlib.Path(p) for p in os.environ.get("ENTENTE_BIN", "").split(os.pathsep) if p]
    for folder in folders:
        for candidate in (folder / name, *sorted(folder.glob(f"**/{name}"))):
            if candidate.is_file() and os.access(candidate, os.X_OK):
                return str(candidate)
    if not folders:
        found = [p for p in SOURCE.glob(f"build/**/{name}") if p.is_file() and os.access(p, os.X_OK)]
        if found:
            return str(max(found, key=lambda p: p.stat().st_mtime))
    raise unittest.SkipTest(f"the program `{name}` is not built (set ENTENTE_BIN)")


def command_line():
    """A program with the offline tools: every program of the project has them."""
    try:
        return program("entente")
    except unittest.SkipTest:
        return program("logging")


def eventually(condition, what, limit=LIMIT, pause=0.02):
    """Polls `condition` until it gives something true, and returns that."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit:.0f} s: {what}")
        time.sleep(pause)


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, timeout=LIMIT * 4, **options)


def openssl(*arguments, **options):
    done = run("openssl", *arguments, **options)
    if done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(map(str, arguments))}: {done.stderr.decode()}")
    return done.stdout


# -------------------------------------------------------------------------------------- identities


class Identity:
    """A key on P-256 with a self-signed certificate, as files `<name>.key.pem`, `<name>.cert.pem`."""

    def __init__(self, folder, name, days=30, curve="prime256v1", dates=None):
        self.name = name
        self.key = pathlib.Path(folder) / f"{name}.key.pem"
        self.cert = pathlib.Path(folder) / f"{name}.cert.pem"
        openssl("ecparam", "-name", curve, "-genkey", "-noout", "-out", self.key)
        if dates is None:
            openssl("req", "-new", "-x509", "-key", self.key, "-out", self.cert, "-days", str(days),
                    "-subj", f"/CN={name}")
        else:
            self._dated(folder, *dates)
        self.pem = self.cert.read_text()
        der = ssl.PEM_cert_to_DER_cert(self.pem)
        import hashlib
        self.id = hashlib.sha256(der).hexdigest()

    def _dated(self, folder, start, end):
        """`openssl ca` is the one command of OpenSSL 3.0 that takes both dates."""
        with tempfile.TemporaryDirectory(dir=folder) as ca:
            ca = pathlib.Path(ca)
            (ca / "index").write_text("")
            (ca / "serial").write_text("01\n")
            (ca / "conf").write_text(
                "[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nserial=%s\nnew_certs_dir=%s\ndefault_md=sha256\n"
                "policy=p\n[p]\ncommonName=supplied\n[req]\ndistinguished_name=n\n[n]\n"
                % (ca / "index", ca / "serial", ca))
            openssl("req", "-new", "-key", self.key, "-out", ca / "csr", "-subj", f"/CN={self.name}",
                    "-config", ca / "conf")
            openssl("ca", "-batch", "-config", ca / "conf", "-selfsign", "-keyfile", self.key, "-in",
                    ca / "csr", "-out", self.cert, "-startdate", start, "-enddate", end, "-notext")

    def sign_raw(self, message):
        """ECDSA over SHA-256 as r ‖ s."""
        der = openssl("dgst", "-sha256", "-sign", self.key, input=message)
        return der_to_raw(der, 32)


def der_to_raw(der, size):
    def integer(at):
        assert der[at] == 2
        length = der[at + 1]
        return int.from_bytes(der[at + 2:at + 2 + length], "big"), at + 2 + length

    at = 2 if der[1] < 0x80 else 3
    r, at = integer(at)
    s, _ = integer(at)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


# ---------------------------------------------------------------------------- a little CBOR and COSE


def cbor(value):
    def head(major, n):
        for size, code in ((1, 24), (2, 25), (4, 26), (8, 27)):
            if n < 24:
                return bytes([major << 5 | n])
            if n < 1 << (8 * size):
                return bytes([major << 5 | code]) + n.to_bytes(size, "big")
        raise ValueError(n)

    if value is None:
        return b"\xf6"
    if value is True or value is False:
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, (bytes, bytearray)):
        return head(2, len(value)) + bytes(value)
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    if isinstance(value, dict):
        return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())
    raise TypeError(value)


def decode_cbor(data):
    """One item, definite lengths only; tags as ("tag", number, item)."""

    def item(at):
        major, info = data[at] >> 5, data[at] & 31
        at += 1
        if info < 24:
            n = info
        elif info < 28:
            size = 1 << (info - 24)
            n, at = int.from_bytes(data[at:at + size], "big"), at + size
        else:
            raise ValueError("indefinite")
        if major == 0:
            return n, at
        if major == 1:
            return -1 - n, at
        if major in (2, 3):
            raw = data[at:at + n]
            assert len(raw) == n
            return (raw if major == 2 else raw.decode()), at + n
        if major == 4:
            out = []
            for _ in range(n):
                value, at = item(at)
                out.append(value)
            return out, at
        if major == 5:
            pairs = {}
            for _ in range(n):
                key, at = item(at)
                pairs[key], at = item(at)
            return pairs, at
        if major == 6:
            value, at = item(at)
            return ("tag", n, value), at
        return {20: False, 21: True, 22: None}[n], at

    value, end = item(0)
    if end != len(data):
        raise ValueError("bytes after the item")
    return value


def cose_sign1(identity, payload, headers=None):
    """COSE_Sign1 with ES256 by an identity's key; `kid` is the hex id, as the service wants it."""
    protected = cbor({1: -7, 4: identity.id.encode(), **(headers or {})})
    signature = identity.sign_raw(cbor(["Signature1", protected, b"", payload]))
    return b"\xd2" + cbor([protected, {}, payload, signature])


CONSTITUTION = [SOURCE / "constitutions" / name for name in
                ("default/actions.js", "default/validate.js", "sandbox/resolve.js", "default/apply.js")]


class ConsortiumMember:
    """Signs governance messages, written from docs/governance.md and not with the project's tools."""

    API_VERSION = "api-version=2024-07-01"

    def __init__(self, identity):
        self.identity = identity
        self.id = identity.id

    def message(self, kind, payload, proposal_id=None, created_at=None):
        headers = {"ccf.gov.msg.type": kind,
                   "ccf.gov.msg.created_at": int(time.time()) if created_at is None else created_at}
        if proposal_id is not None:
            headers["ccf.gov.msg.proposal_id"] = proposal_id
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return cose_sign1(self.identity, body, headers)

    def post(self, client, path, kind, payload=b"", proposal_id=None, **options):
        return client.post(f"/gov/{path}?{self.API_VERSION}",
                           self.message(kind, payload, proposal_id, **options),
                           headers={"content-type": "application/cose"})

    def acknowledge(self, client):
        digest = self.post(client, f"members/state-digests/{self.id}:update", "state_digest")
        if digest.status != 200:
            raise AssertionError(f"state digest: {digest}")
        return self.post(client, f"members/state-digests/{self.id}:ack", "ack", digest.json)

    def propose(self, client, *actions):
        """Each action: (name, arguments); without any: no `args`. The answer."""
        document = {"actions": [{"name": name, **({"args": arguments} if arguments else {})}
                                for name, arguments in actions]}
        return self.post(client, "members/proposals:create", "proposal", document)

    def vote(self, client, proposal_id, yes=True):
        ballot = f"export function vote (proposal, proposerId) {{ return {str(bool(yes)).lower()}; }}"
        return self.post(client, f"members/proposals/{proposal_id}/ballots/{self.id}:submit", "ballot",
                         {"ballot": ballot}, proposal_id)

    def withdraw(self, client, proposal_id):
        return self.post(client, f"members/proposals/{proposal_id}:withdraw", "withdrawal", b"", proposal_id)

    def decide(self, client, *actions):
        """Proposes what a constitution accepts at once; returns the answer of a committed change."""
        answer = self.propose(client, *actions)
        if answer.status != 200 or answer.json["proposalState"] != "Accepted":
            raise AssertionError(f"{[name for name, _ in actions]}: {answer}")
        client.wait_for_commit(answer.txid, "gov")
        return answer


def now_text():
    """A time as certificates of proposals take it, a little ago: clocks differ."""
    return time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() - 60))


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# ------------------------------------------------------------------------------------------ client


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def txid(self):
        return self.headers.get(TXID_HEADER)

    def error(self):
        """(code, message) of the error body."""
        error = self.json["error"]
        return error["code"], error["message"]

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:300]!r}"


class Client:
    """One keep-alive connection; reconnects when the server closed it between requests."""

    def __init__(self, address, context):
        self.address, self.context = address, context
        self.connection = None

    def request(self, method, path, body=None, headers=None):
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("content-type", "application/json")
        elif isinstance(body, str):
            body = body.encode()
            headers.setdefault("content-type", "text/plain")
        for attempt in (0, 1):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPSConnection(*self.address, context=self.context, timeout=LIMIT)
            try:
                self.connection.request(method, path, body=body, headers=headers)
                response = self.connection.getresponse()
                return Answer(response.status, response.headers, response.read())
            except (ConnectionError, http.client.HTTPException, ssl.SSLEOFError):
                self.close()
                if fresh or attempt:
                    raise

    def get(self, path, **headers):
        return self.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path, body=None, headers=None):
        return self.request("POST", path, body, headers)

    def put(self, path, body=None, headers=None):
        return self.request("PUT", path, body, headers)

    def delete(self, path, headers=None):
        return self.request("DELETE", path, headers=headers)

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    # What the clients of such a service do.

    def until_ready(self, method, path, body=None, headers=None):
        """Repeats a historical request until it is not 202; each 202 must say when to try again."""

        def ask():
            answer = self.request(method, path, body, headers)
            if answer.status != 202:
                return answer
            if not answer.headers.get("retry-after", "").isdigit():
                raise AssertionError(f"202 without retry-after: {answer}")
            return None

        return eventually(ask, f"{method} {path} is available")

    def historical(self, path, txid, method="GET"):
        return self.until_ready(method, path, headers={TXID_HEADER: txid})

    def wait_for_commit(self, txid, frontend="app"):
        def committed():
            answer = self.get(f"/{frontend}/tx?transaction_id={txid}")
            if answer.status == 500 and answer.error()[0] == "SessionConsistencyLost":
                self.close()  # an election came in between: the next one is another session
                return False
            if answer.status != 200 or answer.json["status"] == "Invalid":
                raise AssertionError(f"{txid}: {answer}")
            return answer.json["status"] == "Committed"

        eventually(committed, f"{txid} is committed")
        return txid


# -------------------------------------------------------------------------------------------- node


class Node:
    """A service of one node in its own folder. Use as a context manager."""

    def __init__(self, app="logging", users=("user0", "user1"), configure=None, environment=None):
        self.program = program(app)
        self.environment = environment
        self.prefix = []  # of the command line: what the node runs in
        self.target = None  # the node whose service it joins
        self.opens = True  # start() leaves an open service
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"entente-{app}-"))
        self.process = None
        self.clients = []
        try:
            self.users = {name: Identity(self.folder, name) for name in users}
            self.member = Identity(self.folder, "member0")
            self.consortium = ConsortiumMember(self.member)
            openssl("genrsa", "-out", self.folder / "member0_enc.key.pem", "2048")
            openssl("rsa", "-in", self.folder / "member0_enc.key.pem", "-pubout", "-out",
                    self.folder / "member0_enc.pub.pem")
            (self.folder / "constitution.js").write_text(
                "\n".join(part.read_text() for part in CONSTITUTION))
            self.configuration = self._configuration()
            if configure:
                configure(self.configuration)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def _configuration(self):
        return {
            "network": {
                "node_to_node_interface": {"bind_address": "127.0.0.1:0"},
                "rpc_interfaces": {"main": {"bind_address": "127.0.0.1:0"}},
            },
            "command": {
                "type": "Start",
                "service_certificate_file": "service_cert.pem",
                "start": {
                    "constitution_files": ["constitution.js"],
                    "members": [{
                        "certificate_file": str(self.member.cert),
                        "encryption_public_key_file": str(self.folder / "member0_enc.pub.pem"),
                    }],
                    "cose_signatures": {"issuer": "service.example.com", "subject": "ledger.signature"},
                    "initial_service_certificate_validity_days": 30,
                },
            },
            "node_certificate": {"initial_validity_days": 30},
            "output_files": {"rpc_addresses_file": "rpc.json", "node_to_node_address_file": "n2n.json"},
        }

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        (self.folder / "config.json").write_text(json.dumps(self.configuration, indent=2))
        self.log = open(self.folder / "log.txt", "ab")
        self.process = subprocess.Popen(
            [*self.prefix, self.program, "node", "--config", "config.json"], cwd=self.folder, stdout=self.log,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**os.environ, **(self.environment or {})})
        atexit.register(self.close)
        self._eventually((self.folder / "rpc.json").exists, "the address file exists")
        self.addresses = {
            name: (host_port.rsplit(":", 1)[0], int(host_port.rsplit(":", 1)[1]))
            for name, host_port in json.loads((self.folder / "rpc.json").read_text()).items()}
        self.service_cert = self.folder / "service_cert.pem"
        self._eventually(self.service_cert.exists, "the service certificate exists")
        if self.target is not None:
            self._eventually(self._admitted, "the node is trusted")
        elif self.opens:
            self._eventually(lambda: self._answers("/node/ready/gov"), "members are heard")
            self.open()
            self._eventually(lambda: self._answers("/app/commit"), "the service is open")

    def open(self):
        """By the only member's decision: the users are known and the service is open."""
        with contextlib.closing(self.client()) as client:
            acknowledged = self.consortium.acknowledge(client)
            if acknowledged.status != 204:
                raise AssertionError(f"acknowledgement: {acknowledged}")
            users = [("set_user", {"cert": user.pem}) for user in self.users.values()]
            certificate = self.service_cert.read_text()
            self.consortium.decide(
                client, *users, ("transition_service_to_open", {"next_service_identity": certificate}))

    def _admitted(self):
        """Whoever waits at the target gets the vote of the consortium."""
        if self._answers("/app/commit"):
            return True
        with contextlib.suppress(OSError, http.client.HTTPException, AssertionError):
            nodes = self.target.client().get("/node/network/nodes?status=Pending")
            for node in nodes.json["nodes"] if nodes.status == 200 else ():
                self.target.trust(node["node_id"])
        return False

    def trust(self, node_id):
        with contextlib.closing(self.client()) as client:
            return self.consortium.decide(
                client, ("transition_node_to_trusted", {"node_id": node_id, "valid_from": now_text()}))

    def retire(self, node_id):
        with contextlib.closing(self.client()) as client:
            return self.consortium.decide(client, ("remove_node", {"node_id": node_id}))

    def _eventually(self, condition, what):
        def checked():
            if self.process.poll() is not None:
                raise AssertionError(f"the node ended with {self.process.returncode}:\n{self.log_text()[-4000:]}")
            return condition()

        try:
            return eventually(checked, what)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n{self.log_text()[-4000:]}") from None

    def _answers(self, path):
        client = self.client()
        try:
            return client.get(path).status in (200, 204)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            client.close()

    def log_text(self):
        return (self.folder / "log.txt").read_text(errors="replace")

    def tls(self, identity=None, version=None, protocols=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.service_cert)
        if identity is not None:
            context.load_cert_chain(identity.cert, identity.key)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        if protocols:
            context.set_alpn_protocols(protocols)
        return context

    def client(self, user=None, interface="main"):
        """`user`: a name of self.users, an Identity, or None for no client certificate."""
        identity = self.users[user] if isinstance(user, str) else user
        client = Client(self.addresses[interface], self.tls(identity))
        self.clients.append(client)
        return client

    @contextlib.contextmanager
    def raw(self, user=None, interface="main", **options):
        """A TLS connection to write bytes on."""
        identity = self.users[user] if isinstance(user, str) else user
        with socket.create_connection(self.addresses[interface], timeout=LIMIT) as plain:
            with self.tls(identity, **options).wrap_socket(plain) as connection:
                yield connection

    def kill(self):
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(LIMIT)

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT)

    def alive(self):
        return self.process.poll() is None

    def close(self):
        atexit.unregister(self.close)
        for client in self.clients:
            client.close()
        self.clients = []
        if self.process is not None:
            if self.process.poll() is None:
                self.process.terminate()
                try:
                    self.process.wait(10)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
            self.log.close()
            self.process = None
        if not os.environ.get("ENTENTE_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    # The offline tools, on what the node left.

    def ledger_folder(self):
        return self.folder / self.configuration.get("ledger", {}).get("directory", "ledger")

    def verify_ledger(self, *options):
        return run(command_line(), "ledger", "verify", self.ledger_folder(), *options)

    def verify_receipt(self, receipt, *options):
        """`receipt`: JSON value or COSE bytes."""
        name = self.folder / ("receipt.cose" if isinstance(receipt, bytes) else "receipt.json")
        name.write_bytes(receipt if isinstance(receipt, bytes) else json.dumps(receipt).encode())
        return run(command_line(), "receipt", "verify", name, "--service-cert", self.service_cert, *options)


def read_answer(connection):
    """Parses one HTTP/1.1 answer from a raw connection; None when the server closed first."""
    response = http.client.HTTPResponse(connection)
    try:
        response.begin()
    except (http.client.BadStatusLine, ConnectionError, ssl.SSLEOFError):
        return None
    return Answer(response.status, response.headers, response.read())
