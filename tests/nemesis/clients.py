"""Concurrent clients that write down what they did and what they were told."""

import http.client
import json
import random
import ssl
import threading
import time

from cluster import UNREACHABLE
from history import OK, REFUSED, UNKNOWN, Operation, StatusReport, parse_txid

TXID_HEADER = "x-ms-ccf-transaction-id"
TIMEOUT = 5.0  # of a request; then nobody knows what became of it
LISTS, COUNTERS, ACCOUNTS = 4, 2, 5
PER_GENERATION = 250  # operations; then other objects are used, so that logs stay short


def accounts_of(generation):
    return [f"g{generation}.account{number}" for number in range(ACCOUNTS)]


class Work:
    """What clients do, drawn at random. Shared by them."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0

    def generation(self):
        with self.lock:
            self.count += 1
            return self.count // PER_GENERATION

    def generations(self):
        return self.count // PER_GENERATION + 1

    def all_keys(self):
        for generation in range(self.generations()):
            yield [*accounts_of(generation), *(f"g{generation}.list{n}" for n in range(LISTS)),
                   *(f"g{generation}.counter{n}" for n in range(COUNTERS))]

    def next(self, draw):
        """(changes of a write or None, keys of a read)"""
        generation = self.generation()
        kind = draw.random()
        if kind < 0.35:
            return {f"g{generation}.list{draw.randrange(LISTS)}": 0}, ()
        if kind < 0.45:
            return {f"g{generation}.counter{draw.randrange(COUNTERS)}": 1}, ()
        if kind < 0.65:
            source, to = draw.sample(accounts_of(generation), 2)
            amount = draw.randint(1, 100)
            return {source: -amount, to: amount}, ()
        if kind < 0.8:
            return None, tuple(accounts_of(generation))
        return None, (f"g{generation}.list{draw.randrange(LISTS)}", f"g{generation}.counter{draw.randrange(COUNTERS)}")


def outcome_of(status, code):
    """What an answer says about a write. Everything else than these is unexpected."""
    if status == 200:
        return OK
    if status == 503 or (status == 500 and code == "SessionConsistencyLost"):
        return REFUSED
    if status == 504:
        return UNKNOWN
    return None


class Client(threading.Thread):
    """Sessions one after the other, each with one node, until something goes wrong with it."""

    def __init__(self, number, cluster, work, seed, pause):
        super().__init__(name=f"client{number}", daemon=True)
        self.cluster, self.work, self.pause = cluster, work, pause
        self.draw = random.Random(f"{seed} client {number}")
        self.stopping = threading.Event()
        self.operations = []
        self.unexpected = []
        self.sessions = self.written = 0

    def run(self):
        try:
            while not self.stopping.is_set():
                nodes = self.cluster.serving()
                if nodes:
                    self.session(self.draw.choice(nodes))
                self.stopping.wait(0.05)
        except Exception as failure:  # a defect of the test: it must not go unnoticed
            self.unexpected.append(f"{self.name} ended: {failure!r}")
            raise

    def session(self, node):
        self.sessions += 1
        session, number = f"{self.name}.{self.sessions}", 0
        connection = http.client.HTTPSConnection(*node.addresses["main"], context=node.tls(node.users["user0"]),
                                                 timeout=TIMEOUT)
        try:
            connection.connect()
        except UNREACHABLE:
            connection.close()
            return
        while not self.stopping.is_set() and number < 200:
            number += 1
            changes, keys = self.work.next(self.draw)
            one = Operation(session=session, number=number, node=node.name, invoked=0, keys=keys)
            if changes is not None:
                self.written += 1
                one.id, one.changes = f"{self.name}-{self.written}", changes
            goes_on = self.do(connection, one)
            self.operations.append(one)
            if not goes_on:
                break
            self.stopping.wait(self.pause * self.draw.random() * 2)
        connection.close()

    def do(self, connection, one):
        """False: the session is over."""
        headers, waits = {}, one.write and self.draw.random() < 0.3
        if waits:
            headers["prefer"] = "wait=2"
        elif not one.write and self.draw.random() < 0.3:
            headers["prefer"] = "wait=2, linearizable"
        one.invoked = time.monotonic()
        try:
            if one.write:
                body = json.dumps({"id": one.id, "changes": one.changes}).encode()
                headers["content-type"] = "application/json"
                connection.request("POST", "/app/apply", body, headers)
            else:
                connection.request("GET", "/app/read?keys=" + ",".join(one.keys), headers=headers)
            response = connection.getresponse()
            text = response.read()
        except UNREACHABLE as failure:
            one.answer = type(failure).__name__
            return False
        one.answered = time.monotonic()
        closes = response.headers.get("connection", "").lower() == "close"
        txid = response.headers.get(TXID_HEADER)
        document = json.loads(text) if text[:1] == b"{" else {}
        error = document.get("error", {}) if response.status != 200 else {}
        one.answer = f"{response.status} {error.get('code', '')}".strip()
        outcome = outcome_of(response.status, error.get("code"))
        if outcome is None:
            self.unexpected.append(f"{one.answer} {error.get('message', text[:100])}")
        one.outcome = outcome or UNKNOWN
        if txid is not None:
            one.txid = parse_txid(txid)
            if one.outcome == REFUSED:
                one.outcome = UNKNOWN  # it was executed, and its status decides
        if outcome == OK:
            if txid is None:
                self.unexpected.append(f"{one.answer} without a transaction id")
                one.outcome = UNKNOWN
                return True
            one.observed = {key: (value["log"], value["value"]) for key, value in document.items()}
            one.linearizable = "linearizable" in response.headers.get("preference-applied", "")
            one.promised = waits and "preference-applied" in response.headers
        return outcome == OK and not closes


class StatusPoller(threading.Thread):
    """Asks any node about any transaction while things happen."""

    def __init__(self, cluster, clients, seed):
        super().__init__(name="poller", daemon=True)
        self.cluster, self.clients = cluster, clients
        self.draw = random.Random(f"{seed} poller")
        self.stopping = threading.Event()
        self.reports = []

    def run(self):
        while not self.stopping.wait(0.05):
            nodes, clients = self.cluster.serving(), [one for one in self.clients if one.operations]
            if not nodes or not clients:
                continue
            operations = self.draw.choice(clients).operations
            ids = [one.txid for one in operations[-50:] + self.draw.sample(operations, min(5, len(operations)))
                   if one.txid is not None]
            if ids:
                txid = self.draw.choice(ids)
                self.reports += ask_statuses(self.draw.choice(nodes), [txid])


def ask_statuses(node, ids, timeout=5):
    """Reports of one node, over one connection. What it does not answer is left out."""
    out = []
    try:
        with PipelinedGets(node, timeout) as gets:
            for begin in range(0, len(ids), 100):
                some = ids[begin:begin + 100]
                asked = time.monotonic()
                answers = gets.ask([f"/node/tx?transaction_id={view}.{seqno}" for view, seqno in some])
                answered = time.monotonic()
                for txid, (status, text) in zip(some, answers):
                    if status == 200:
                        out.append(StatusReport(node.name, asked, answered, txid, json.loads(text)["status"]))
    except UNREACHABLE:
        pass
    return out


class PipelinedGets:
    """Many requests in one write: a client that asks one by one takes minutes for a long history."""

    def __init__(self, node, timeout):
        import socket
        plain = socket.create_connection(node.addresses["main"], timeout=timeout)
        self.connection = node.tls(node.users["user0"]).wrap_socket(plain)
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, targets):
        self.connection.sendall(b"".join(b"GET %s HTTP/1.1\r\nhost: entente\r\n\r\n" % one.encode()
                                         for one in targets))
        return [self._answer() for _ in targets]

    def _fill(self):
        data = self.connection.recv(1 << 16)
        if not data:
            raise ConnectionError("closed")
        self.received += data

    def _answer(self):
        while b"\r\n\r\n" not in self.received:
            self._fill()
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        length = 0
        for line in head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.lower() == b"content-length":
                length = int(value)
        while len(self.received) < length:
            self._fill()
        body, self.received = self.received[:length], self.received[length:]
        return int(head.split(b" ", 2)[1]), body
