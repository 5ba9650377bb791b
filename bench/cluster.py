#!/usr/bin/env python3
"""Writes to a cluster: a sandbox of several nodes, loaded by `entente bench`; rate, latencies, and the
CPU that each node spends on a write.

    bench/cluster.py [--program build/release/bin/entente] [--nodes 3] [--repeat 1] [OPTION of bench...]
    bench/cluster.py --connections 8 --depth 100 --count 1000000
"""
import json

from sandboxes import arguments, cpu_of, load, sandbox


def main():
    parser = arguments(__doc__)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=1)
    options, of_bench = parser.parse_known_args()
    for _ in range(options.repeat):
        with sandbox(options.program, options.nodes) as (folder, facts):
            pids = [node["pid"] for node in facts["nodes"]]
            before = [cpu_of(pid) for pid in pids]
            report = json.loads(load(options.program, folder, *of_bench).communicate()[0])
            spent = [1e6 * (cpu_of(pid) - began) / report["requests"] for pid, began in zip(pids, before)]
            latency = report["latency_microseconds"]
            print(f"{report['requests_per_second']:.0f} a second, answers {report['statuses']}, latency median "
                  f"{latency['p50'] / 1000:.2f} ms, 99 % {latency['p99'] / 1000:.2f} ms; CPU of all nodes "
                  f"{sum(spent):.1f} us a request ({', '.join(f'{one:.1f}' for one in spent)})", flush=True)


if __name__ == "__main__":
    main()
