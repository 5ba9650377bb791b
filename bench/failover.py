#!/usr/bin/env python3
"""How long writes wait when the primary is killed: a fresh sandbox of three nodes for every round,
loaded by `entente bench`; its primary is killed with SIGKILL, and the longest time without an
acknowledged write is what counts.

    bench/failover.py [--program build/release/bin/entente] [--rounds 20] [--connections 4] [--depth 20]
"""
import json
import os
import signal
import statistics
import subprocess
import time

from sandboxes import arguments, load, sandbox


def one_round(options):
    with sandbox(options.program, 3) as (folder, facts):
        nodes = {node["node_id"]: node["pid"] for node in facts["nodes"]}
        bench = load(options.program, folder, "--connections", options.connections, "--depth", options.depth,
                     "--duration", f"{options.before + options.after}s")
        time.sleep(options.before)
        status = json.loads(subprocess.run(
            [options.program, "cluster", "status", "--sandbox", str(folder), "--json"], capture_output=True).stdout)
        os.kill(nodes[status["primary_id"]], signal.SIGKILL)
        report = json.loads(bench.communicate()[0])
        if report["abandoned_connections"] or not report["reconnections"]:
            raise SystemExit(f"the load did not go on: {report}")
        return report


def main():
    parser = arguments(__doc__)
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
