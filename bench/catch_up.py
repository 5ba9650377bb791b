#!/usr/bin/env python3
"""How long a new node takes to catch up: a sandbox of one node is loaded with many small writes, then
a second node joins it and receives the whole ledger. The time runs from the start of its process
until it knows as committed what was committed when it was started, and votes.

    bench/catch_up.py [--program build/release/bin/entente] [--writes 1000000] [--repeat 1]
"""
import json
import shutil
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request

from sandboxes import arguments, cpu_of, load, sandbox


def get(address, path, context):
    try:
        with urllib.request.urlopen(f"https://{address}{path}", context=context, timeout=5) as answer:
            return json.load(answer)
    except (OSError, urllib.error.URLError, ValueError):
        return None


def committed(address, context):
    document = get(address, "/node/commit", context)
    return int(document["transaction_id"].split(".")[1]) if document else 0


def start_joiner(options, folder, target, certificate):
    folder.mkdir()
    shutil.copy(certificate, folder / "service_cert.pem")
    (folder / "node.json").write_text(json.dumps({
        "network": {"node_to_node_interface": {"bind_address": "127.0.0.1:0"},
                    "rpc_interfaces": {"main": {"bind_address": "127.0.0.1:0"}}},
        "command": {"type": "Join", "service_certificate_file": "service_cert.pem",
                    "join": {"target_rpc_address": target, "retry_timeout": "100ms"}},
        "consensus": {"message_timeout": "50ms", "election_timeout": "1500ms"},
        "output_files": {"rpc_addresses_file": "rpc.json"}}))
    with open(folder / "out", "wb") as log:
        return subprocess.Popen([options.program, "node", "--config", "node.json", "--app", "basic"],
                                cwd=folder, stdout=log, stderr=log)


def trust(options, folder, target, context):
    """The members of the sandbox vote for the one node that asks to join."""
    while True:
        document = get(target, "/gov/service/nodes?api-version=2024-07-01", context) or {"value": []}
        pending = [node["nodeId"] for node in document["value"] if node["status"] == "Pending"]
        if pending:
            subprocess.run([options.program, "gov", "propose", "transition_node_to_trusted", "--vote",
                            "--node-id", pending[0], "--sandbox", str(folder)], check=True, stdout=subprocess.DEVNULL)
            return
        time.sleep(0.02)


def wait_for(joiner, folder, goal, context, began):
    """Until the joiner knows `goal` as committed; says now and then how far it is."""
    address, last_said = None, began
    while True:
        if joiner.poll() is not None:
            raise SystemExit(f"the new node ended with {joiner.returncode}: {(folder / 'out').read_text()[-2000:]}")
        if address is None and (folder / "rpc.json").exists():
            try:
                address = json.loads((folder / "rpc.json").read_text())["main"]
            except ValueError:
                pass  # half written
        reached = committed(address, context) if address else 0
        if reached >= goal:
            return
        if time.monotonic() - last_said > 1:
            last_said = time.monotonic()
            print(f"  {last_said - began:5.1f} s: {reached}", flush=True)
        time.sleep(0.02)


def measure(options):
    with sandbox(options.program) as (folder, facts):
        target = facts["address"].removeprefix("https://")
        context = ssl.create_default_context(cafile=facts["service_certificate"])
        context.check_hostname = False
        load(options.program, folder, "--connections", 8, "--depth", 100, "--count", options.writes).communicate()
        while committed(target, context) < options.writes:
            time.sleep(0.05)
        goal = committed(target, context)
        began = time.monotonic()
        joiner = start_joiner(options, folder / "joiner", target, facts["service_certificate"])
        try:
            trust(options, folder, target, context)
            wait_for(joiner, folder / "joiner", goal, context, began)
            took = time.monotonic() - began
            print(f"{goal} transactions in {took:.2f} s, {goal / took:.0f}/s; CPU of the new node "
                  f"{cpu_of(joiner.pid):.2f} s", flush=True)
        finally:
            joiner.send_signal(signal.SIGTERM)
            try:
                joiner.wait(20)
            except subprocess.TimeoutExpired:
                joiner.kill()


def main():
    parser = arguments(__doc__)
    parser.add_argument("--writes", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=1)
    options = parser.parse_args()
    for _ in range(options.repeat):
        measure(options)


if __name__ == "__main__":
    main()
