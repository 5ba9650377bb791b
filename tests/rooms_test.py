#!/usr/bin/env python3
"""Rooms may use only rooms above them: reads the include lines against the table of
docs/architecture.md. Prints every line that breaks it; exits 1 if there is one."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ORDER = ["base", "crypto", "kv", "ledger", "consensus", "replica", "tee", "rpc", "history", "net",
         "node", "cli"]
# A phrase of the table, as the set of rooms it allows.
PHRASES = {"–": [], "all above": None, "all": None}


def allowed_rooms():
    table = {}
    seen = []
    for line in (ROOT / "docs/architecture.md").read_text().splitlines():
        match = re.match(r"\| `(\w+)` \| .* \| (.*) \|$", line)
        if not match or match[1] not in ORDER or match[1] in table:
            continue
        room, phrase = match[1], match[2].strip()
        if phrase in ("all above", "all"):
            names = list(seen)
        elif "…" in phrase:
            first, last = (part.strip() for part in phrase.split("…"))
            names = ORDER[ORDER.index(first):ORDER.index(last) + 1]
        elif phrase == "–":
            names = []
        else:
            names = [name.strip() for name in phrase.split(",")]
        table[room] = set(names) | {room}
        seen.append(room)
    return table


def violations(table):
    include = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in (".h", ".cpp"):
            continue
        room = path.relative_to(ROOT / "src").parts[0]
        test = path.stem.endswith("_test")
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = include.match(line)
            if not match or match[1].startswith("entente/"):
                continue
            used = match[1].split("/")[0]
            if used not in table or "/" not in match[1]:
                yield f"{path.relative_to(ROOT)}:{number}: {match[1]} is not in a room"
            elif used not in table.get(room, set()) and not (test and used in table):
                yield f"{path.relative_to(ROOT)}:{number}: {room} may not use {used}"
    for path in sorted((ROOT / "apps").rglob("*.cpp")) + sorted((ROOT / "include").rglob("*.h")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = include.match(line)
            if match and match[1].split("/")[0] in table:
                yield f"{path.relative_to(ROOT)}:{number}: only SDK headers here, not {match[1]}"


def main():
    table = allowed_rooms()
    missing = [room for room in ORDER if room not in table]
    if missing:
        print("not in the table of docs/architecture.md:", ", ".join(missing))
        return 1
    found = list(violations(table))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
