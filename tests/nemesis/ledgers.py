"""Ledger folders as sequences of entries, to compare them byte for byte (docs/ledger-format.md)."""

import itertools
import pathlib

FRAME = 8  # version, flags, 6 bytes of length


def entries(folder):
    """Every whole entry, from the first on; ends where the chunks stop fitting together."""
    chunks = {}
    for path in pathlib.Path(folder).glob("ledger_*"):
        if path.name.endswith(".ignored"):
            continue
        first = int(path.name.removeprefix("ledger_").split(".")[0].split("-")[0])
        # A complete one counts more than one that is being written.
        if first not in chunks or path.name.endswith(".committed"):
            chunks[first] = path
    expected = 1
    for first in sorted(chunks):
        if first != expected:
            return
        for entry in _entries_of(chunks[first].read_bytes()):
            yield entry
            expected += 1


def _entries_of(data):
    end = int.from_bytes(data[:8], "little") or len(data)
    at = 8
    while at + FRAME <= end:
        size = FRAME + int.from_bytes(data[at + 2:at + FRAME], "little")
        if at + size > end or data[at] != 1:
            return
        yield data[at:at + size]
        at += size


def first_difference(one, other, upto):
    """The seqno at which two folders differ or one of them ends; None: equal up to `upto`."""
    pairs = itertools.zip_longest(entries(one), entries(other))
    seqno = 0
    for seqno, (left, right) in enumerate(itertools.islice(pairs, upto), 1):
        if left != right:
            return seqno
    return None if seqno >= upto else seqno + 1
