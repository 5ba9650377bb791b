"""What clients did and what they were told, as plain values; a file of JSON lines.

Times are seconds of one monotonic clock. A transaction id is (view, seqno). `observed` is what an
operation found: {key: (log, value)}, the log being the ids of the writes that changed the object.
"""

import dataclasses
import json
from typing import Optional

OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"
COMMITTED, INVALID, PENDING, UNSEEN = "Committed", "Invalid", "Pending", "Unknown"


def parse_txid(text):
    view, seqno = text.split(".")
    return int(view), int(seqno)


@dataclasses.dataclass
class Operation:
    session: str  # one connection
    number: int  # of the operation in its session
    node: str  # that was asked
    invoked: float
    answered: Optional[float] = None  # None: no answer
    id: str = ""  # of a write; empty: it is a read
    changes: dict = dataclasses.field(default_factory=dict)  # of a write: {key: number to add}
    keys: tuple = ()  # of a read
    outcome: str = UNKNOWN
    txid: Optional[tuple] = None
    observed: Optional[dict] = None
    promised: bool = False  # the answer was given at global commit
    linearizable: bool = False  # a read that the service says has seen all that was answered before
    answer: str = ""  # status and error code, for people

    @property
    def write(self):
        return bool(self.id)


@dataclasses.dataclass
class StatusReport:
    node: str
    asked: float
    answered: float
    txid: tuple
    status: str


@dataclasses.dataclass
class History:
    operations: list = dataclasses.field(default_factory=list)
    reports: list = dataclasses.field(default_factory=list)
    # What all nodes hold in the end, by committed reads: {key: (log, value)} of each node.
    final: dict = dataclasses.field(default_factory=dict)
    # Keys whose values always add up to 0 when they are read together.
    conserved: list = dataclasses.field(default_factory=list)


def save(history, path):
    with open(path, "w") as file:
        for kind, values in (("operation", history.operations), ("report", history.reports)):
            for value in values:
                file.write(json.dumps({kind: dataclasses.asdict(value)}) + "\n")
        file.write(json.dumps({"final": history.final, "conserved": history.conserved}) + "\n")


def _pair(value):
    return tuple(value) if value is not None else None


def _objects(value):
    return {key: (list(log), number) for key, (log, number) in value.items()} if value is not None else None


def load(path):
    history = History()
    with open(path) as file:
        for line in file:
            entry = json.loads(line)
            if "operation" in entry:
                one = Operation(**entry["operation"])
                one.txid, one.keys, one.observed = _pair(one.txid), tuple(one.keys), _objects(one.observed)
                history.operations.append(one)
            elif "report" in entry:
                one = StatusReport(**entry["report"])
                one.txid = _pair(one.txid)
                history.reports.append(one)
            else:
                history.final = {node: _objects(objects) for node, objects in entry["final"].items()}
                history.conserved = entry["conserved"]
    return history
