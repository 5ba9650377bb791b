#!/usr/bin/env python3
"""How long a new node takes to catch up: a sandbox of one node is loaded with many small writes, then
a second node joins it and receives the whole ledger. The time runs from the start of its process
until it knows as committed what was committed when it was started, and votes.

    bench/catch_up.py [--program build/release/bin/entente] [--writes 1000000] [--repeat 1]
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent


def get(address, path, context):
    try:
        with urllib.request.urlopen(f"https://{address}{path}", context=context, timeout=5) as answer:
            return json.load(answer)
    except (OSError, urllib.error.URLError, ValueError):
        return None


def committed(address, context):
    document = get(address, "/node/commit", context)
    return int(document["transaction_id"].split(".")[1]) if document else 0


def cpu_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="entente-catch-up-"))
    sandbox = subprocess.Popen(
        [options.program, "sandbox", "--app", "basic", "--port", "0", "--json", "--workdir", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    joiner = None
    try:
        line = sandbox.stdout.readline()
        if not line:
            raise SystemExit("the sandbox did not start")
        facts = json.loads(line)
        target = facts["address"].removeprefix("https://")
        context = ssl.create_default_context(cafile=facts["service_certificate"])
        context.check_hostname = False
        subprocess.run(
            [options.program, "bench", "--sandbox", str(folder), "--connections", "8", "--depth", "100", "--count",
             str(options.writes)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while committed(target, context) < options.writes:
            time.sleep(0.05)
        new = folder / "joiner"
        new.mkdir()
        shutil.copy(facts["service_certificate"], new / "service_cert.pem")
        (new / "node.json").write_text(json.dumps({
            "network": {"node_to_node_interface": {"bind_address": "127.0.0.1:0"},
                        "rpc_interfaces": {"main": {"bind_address": "127.0.0.1:0"}}},
            "command": {"type": "Join", "service_certificate_file": "service_cert.pem",
                        "join": {"target_rpc_address": target, "retry_timeout": "100ms"}},
            "consensus": {"message_timeout": "50ms", "election_timeout": "1500ms"},
            "output_files": {"rpc_addresses_file": "rpc.json"},
            "development": {"insecure_open": {"users": []}}}))
        goal = committed(target, context)
        with open(new / "out", "wb") as log:
            began = time.monotonic()
            joiner = subprocess.Popen([options.program, "node", "--config", "node.json", "--app", "basic"],
                                      cwd=new, stdout=log, stderr=log)
        address, last_said = None, began
        while True:
            if joiner.poll() is not None:
                raise SystemExit(f"the new node ended with {joiner.returncode}: {(new / 'out').read_text()[-2000:]}")
            if address is None and (new / "rpc.json").exists():
                try:
                    address = json.loads((new / "rpc.json").read_text())["main"]
                except ValueError:
                    pass
            reached = committed(address, context) if address else 0
            if reached >= goal:
                break
            if time.monotonic() - last_said > 1:
                last_said = time.monotonic()
                print(f"  {last_said - began:5.1f} s: {reached}", flush=True)
            time.sleep(0.02)
        took = time.monotonic() - began
        print(f"{goal} transactions in {took:.2f} s, {goal / took:.0f}/s; CPU of the new node "
              f"{cpu_of(joiner.pid):.2f} s", flush=True)
        return took
    finally:
        if joiner is not None and joiner.poll() is None:
            joiner.send_signal(signal.SIGTERM)
            try:
                joiner.wait(20)
            except subprocess.TimeoutExpired:
                joiner.kill()
        sandbox.send_signal(signal.SIGINT)
        sandbox.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/release/bin/entente"))
    parser.add_argument("--writes", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=1)
    options = parser.parse_args()
    for _ in range(options.repeat):
        measure(options)


if __name__ == "__main__":
    main()
