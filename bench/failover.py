#!/usr/bin/env python3
"""How long writes wait when the primary is killed: a fresh sandbox of three nodes for every round,
loaded by `entente bench`; its primary is killed with SIGKILL, and the longest time without an
acknowledged write is what counts.

    bench/failover.py [--program build/release/bin/entente] [--rounds 20] [--connections 4] [--depth 20]
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def one_round(options):
    folder = tempfile.mkdtemp(prefix="entente-failover-")
    sandbox = subprocess.Popen(
        [options.program, "sandbox", "--nodes", "3", "--app", "basic", "--port", "0", "--json", "--workdir", folder],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        line = sandbox.stdout.readline()
        if not line:
            raise SystemExit("the sandbox did not start")
        nodes = {node["node_id"]: node["pid"] for node in json.loads(line)["nodes"]}
        bench = subprocess.Popen(
            [options.program, "bench", "--sandbox", folder, "--connections", str(options.connections), "--depth",
             str(options.depth), "--duration", f"{options.before + options.after}s", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        time.sleep(options.before)
        status = json.loads(subprocess.run(
            [options.program, "cluster", "status", "--sandbox", folder, "--json"], capture_output=True).stdout)
        os.kill(nodes[status["primary_id"]], signal.SIGKILL)
        report = json.loads(bench.communicate()[0])
        if report["abandoned_connections"] or not report["reconnections"]:
            raise SystemExit(f"the load did not go on: {report}")
        return report
    finally:
        sandbox.send_signal(signal.SIGINT)
        sandbox.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/release/bin/entente"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--depth", type=int, default=20)
    parser.add_argument("--before", type=int, default=2, help="seconds of load before the primary is killed")
    parser.add_argument("--after", type=int, default=4, help="and after")
    options = parser.parse_args()
    gaps = []
    for number in range(options.rounds):
        report = one_round(options)
        gaps.append(report["longest_gap_seconds"] * 1000)
        writes = report["writes"]
        print(f"{number + 1:2}: {gaps[-1]:6.0f} ms without an acknowledged write; {writes['acknowledged']} "
              f"acknowledged, {writes['failed']} failed, {writes['unknown']} unknown", flush=True)
    print(f"median {statistics.median(gaps):.0f} ms, least {min(gaps):.0f} ms, most {max(gaps):.0f} ms "
          f"(election timeout 1500 ms)")


if __name__ == "__main__":
    main()
