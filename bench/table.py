#!/usr/bin/env python3
"""Runs the end-to-end measurements of docs/performance.md on this machine and prints them as a table.

    bench/table.py [--program build/release/bin/entente] [--seconds 10] [--repeat 3] [--json] [ROW …]

Each row starts a fresh sandbox on a free port (ledger on disk, all features on), loads it from the
same machine with `entente bench`, and ends it. Of the repeated runs the median is shown. Nothing is
compared with a limit: numbers are for people.
"""
import argparse
import json
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
RATE, SERVER, P50 = "requests_per_second", "server_cpu_microseconds_per_request", "p50"

# name, application, options of `bench`, what to show
ROWS = [
    ("put", "basic", ["--connections", "8", "--depth", "100"], [RATE, SERVER]),
    ("get", "basic", ["--connections", "8", "--depth", "100", "--reads", "100"], [RATE, SERVER]),
    ("put-64", "basic", ["--connections", "64", "--depth", "1"], [RATE, SERVER]),
    ("put-one", "basic", ["--connections", "1", "--depth", "1"], [P50, SERVER]),
    ("put-wait", "basic", ["--connections", "1", "--depth", "1", "--prefer-wait", "5"], [P50]),
    ("smallbank", "smallbank",
     ["--workload", "smallbank", "--connections", "8", "--depth", "100", "--count", "200000"],
     [RATE, SERVER]),
    ("logging", "logging",
     ["--workload", "logging", "--connections", "8", "--depth", "100"], [RATE, SERVER]),
]


class Sandbox:
    def __init__(self, program, application):
        self.folder = tempfile.mkdtemp(prefix="entente-bench-")
        self.process = subprocess.Popen(
            [program, "sandbox", "--app", application, "--port", "0", "--json",
             "--workdir", self.folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the sandbox did not start:\n{self.process.stderr.read()}")
        self.facts = json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def measure(program, row, seconds):
    _, application, options, _ = row
    options = list(options)
    if "--count" not in options:
        options += ["--duration", f"{seconds}s", "--warm-up", "1s"]
    with Sandbox(program, application) as sandbox:
        done = subprocess.run(
            [program, "bench", "--sandbox", sandbox.folder, "--json", *options],
            stdout=subprocess.PIPE, text=True)
        if not done.stdout:
            raise SystemExit(f"{row[0]}: the benchmark did not run")
        result = json.loads(done.stdout)
        if done.returncode != 0:
            print(f"{row[0]}: errors: {result['statuses']} {result['problems']}", file=sys.stderr)
        return result


def value(result, what):
    return result["latency_microseconds"][what] if what == P50 else result.get(what, 0.0)


def shown(what, number):
    if what == RATE:
        return f"{number:,.0f}/s"
    if what == P50:
        return f"median {number / 1000:.3f} ms"
    return f"server CPU {number:.2f} us"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=str(ROOT / "build/release/bin/entente"))
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="every result, one JSON list")
    parser.add_argument("rows", nargs="*", metavar="ROW",
                        help="of: " + ", ".join(row[0] for row in ROWS))
    arguments = parser.parse_args()
    known = {row[0]: row for row in ROWS}
    for name in arguments.rows:
        if name not in known:
            parser.error(f"no row {name}; there are {', '.join(known)}")
    results = []
    if not arguments.json:
        print("| row | measured (median of", arguments.repeat, "runs) | options |\n|---|---|---|")
    for name in arguments.rows or known:
        row = known[name]
        runs = []
        for number in range(arguments.repeat):
            print(f"{name}: run {number + 1} of {arguments.repeat}", file=sys.stderr)
            runs.append(measure(arguments.program, row, arguments.seconds))
        results.append({"row": name, "application": row[1], "runs": runs})
        medians = [shown(what, statistics.median(value(run, what) for run in runs))
                   for what in row[3]]
        if not arguments.json:
            print(f"| {name} | {', '.join(medians)} | `{' '.join(row[2])}` |", flush=True)
    if arguments.json:
        print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
