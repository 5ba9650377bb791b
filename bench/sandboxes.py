"""What the measurements of several nodes share: a sandbox of their own, and the time of processes."""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    # Some of what is started works in a folder of its own.
    parser.add_argument("--program", default=str(ROOT / "build/release/bin/entente"),
                        type=lambda path: str(pathlib.Path(path).resolve()))
    return parser


@contextlib.contextmanager
def sandbox(program, nodes=1):
    """Yields its folder and what it says of itself; ends it and removes the folder."""
    folder = tempfile.mkdtemp(prefix="entente-bench-")
    process = subprocess.Popen(
        [program, "sandbox", "--nodes", str(nodes), "--app", "basic", "--port", "0", "--json", "--workdir", folder],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        line = process.stdout.readline()
        if not line:
            raise SystemExit("the sandbox did not start")
        yield pathlib.Path(folder), json.loads(line)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def load(program, folder, *options):
    """A running `entente bench`, whose report is read from its output."""
    return subprocess.Popen([program, "bench", "--sandbox", str(folder), "--json", *map(str, options)],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def cpu_of(pid):
    """Seconds of CPU that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
