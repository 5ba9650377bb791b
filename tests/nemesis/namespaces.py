"""A network for tests: every node in a network namespace of its own, all on one bridge, and what can
go wrong between them. Linux, iproute2; nftables for what is lost on one way.

The whole test runs in namespaces that only it sees, so nothing of it is left on the machine, whatever
happens. It needs root, or the right to make user namespaces.
"""

import os
import shutil
import subprocess
import sys

INSIDE = "ENTENTE_NEMESIS_INSIDE"
# Ends everything with it: the processes of the test are in a process namespace of their own.
CONTAIN = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
AS_USER = ["--user", "--map-root-user"]
PROBE = ("mount -t tmpfs none /run && mkdir -p /run/netns && ip netns add probe && "
         "ip link add v0 type veth peer name v1 netns probe && ip link add b0 type bridge")
TOOLS = ("unshare", "nsenter", "ip", "mount")
NETWORK = "10.77"


def enter():
    """Runs this program again inside the namespaces. Returns there; outside, returns only with the
    reason why it is not possible."""
    if os.environ.get(INSIDE):
        return None
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"these programs are not there: {', '.join(missing)}"
    reason = ""
    for options in ([], AS_USER):
        command = [CONTAIN[0], *options, *CONTAIN[1:]]
        probe = subprocess.run([*command, "sh", "-c", PROBE], capture_output=True, text=True)
        if probe.returncode == 0:
            os.environ[INSIDE] = "1"
            os.execvp(command[0], [*command, sys.executable, *sys.argv])
        reason = probe.stderr.strip().splitlines()[-1:] or ["no reason given"]
    return f"no network namespaces can be made here: {reason[0]}"


def run(*command, check=True, text=None):
    done = subprocess.run(command, capture_output=True, text=True, input=text)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.returncode == 0


class Network:
    def __init__(self):
        run("mount", "-t", "tmpfs", "none", "/run")
        os.makedirs("/run/netns")
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "br0", "type", "bridge")
        run("ip", "addr", "add", f"{NETWORK}.255.1/16", "dev", "br0")
        run("ip", "link", "set", "br0", "up")
        self.cuts = set()  # (from, to): packets on this way are lost
        self.loss = {}  # place: percent of what arrives that is lost
        self.shaped = set()
        self.places = []
        self.add_place()
        self.filter = self._works_filter()
        self.can_delay = self._shapes("netem", "delay", "1ms")
        self.can_limit = self._shapes("tbf", "rate", "1mbit", "burst", "32kbit", "latency", "400ms")

    def what_is_missing(self):
        """In words, for the report."""
        out = []
        if not self.filter:
            out.append("no packet filter (nft): links are cut by routes, and nothing is lost at random")
        if not self.can_delay:
            out.append("no netem in this kernel: links are not delayed")
        if not self.can_limit:
            out.append("no tbf in this kernel: the rate of links is not limited")
        return out

    # Place 0 is only for trying things out; nodes are in the others.

    def add_place(self):
        place = len(self.places)
        name = f"n{place}"
        run("ip", "netns", "add", name)
        run("ip", "link", "add", f"v{place}", "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", f"v{place}", "master", "br0", "up")
        run("ip", "-n", name, "addr", "add", f"{self.address(place)}/16", "dev", "eth0")
        for link in ("eth0", "lo"):
            run("ip", "-n", name, "link", "set", link, "up")
        self.places.append(name)
        return place

    def address(self, place):
        return f"{NETWORK}.{place // 200}.{place % 200 + 1}"

    def prefix(self, place):
        """Of the command line of what is to run there."""
        return ["nsenter", f"--net=/run/netns/{self.places[place]}"]

    def _works_filter(self):
        if shutil.which("nft") is None:
            return False
        self.filter = True
        self.loss[0] = 10
        try:
            self._apply_filter(0)
        except RuntimeError:
            return False
        finally:
            self.loss.pop(0)
        return True

    def _shapes(self, *discipline):
        return run("tc", "-n", self.places[0], "qdisc", "replace", "dev", "eth0", "root", *discipline, check=False)

    def _apply_filter(self, place):
        rules = [f"ip saddr {self.address(source)} drop" for source, to in sorted(self.cuts) if to == place]
        if self.loss.get(place):
            nodes = f"ip saddr {NETWORK}.0.0-{NETWORK}.254.255"  # clients lose nothing
            rules.append(f"{nodes} numgen random mod 100 < {self.loss[place]} drop")
        lines = ["flush ruleset", "table ip faults {", "chain arriving {", "type filter hook input priority 0;", *rules,
                 "}", "}"]
        run(*self.prefix(place), "nft", "-f", "-", text="\n".join(lines) + "\n")

    def _apply_route(self, source, to, cut):
        action = ["replace", "blackhole"] if cut else ["del", "blackhole"]
        run("ip", "-n", self.places[source], "route", *action, f"{self.address(to)}/32", check=cut)

    def cut(self, *ways):
        """Packets from the first to the second place of each pair are lost."""
        for source, to in ways:
            if (source, to) in self.cuts:
                continue
            self.cuts.add((source, to))
            self._apply_filter(to) if self.filter else self._apply_route(source, to, True)

    def cut_both(self, *pairs):
        self.cut(*pairs, *((to, source) for source, to in pairs))

    def lose(self, place, percent):
        self.loss[place] = percent
        self._apply_filter(place)

    def shape(self, place, *discipline):
        self.shaped.add(place)
        run("tc", "-n", self.places[place], "qdisc", "replace", "dev", "eth0", "root", *discipline)

    def heal(self):
        ways, self.cuts = self.cuts, set()
        lossy, self.loss = set(self.loss), {}
        for place in lossy | {to for _, to in ways}:
            if self.filter:
                self._apply_filter(place)
        if not self.filter:
            for source, to in ways:
                self._apply_route(source, to, False)
        for place in self.shaped:
            run("tc", "-n", self.places[place], "qdisc", "del", "dev", "eth0", "root", check=False)
        self.shaped = set()
