"""What is done to the cluster while clients use it. Each nemesis does harm, holds it for a while and
undoes it, so that the next one meets a whole cluster again; only what a minority may suffer is done,
so nothing that is committed may ever be lost."""

import os
import subprocess
import time


class Nemeses:
    """`draw`: the random source of the run. `longest`: seconds that harm is held."""

    def __init__(self, cluster, draw, say, longest):
        self.cluster, self.network, self.draw, self.say = cluster, cluster.network, draw, say
        self.longest = longest

    def names(self):
        missing = {"delay": not self.network.can_delay, "slow_links": not self.network.can_limit,
                   "lossy_links": not self.network.filter, "kill_minority": self.minority() < 2}
        return [name for name in ALL if not missing.get(name)]

    def run(self, name):
        getattr(self, name)()

    # --------------------------------------------------------------------------------- helpers

    def minority(self):
        return (self.cluster.size - 1) // 2

    def hold(self, least=0.1):
        time.sleep(self.draw.uniform(least, self.longest))

    def leader(self):
        return self.cluster.wait_for_leader()

    def backup(self):
        return self.draw.choice(self.cluster.backups() or self.cluster.serving())

    def shuffled(self):
        nodes = list(self.cluster.nodes)
        self.draw.shuffle(nodes)
        return nodes

    def kill(self, nodes):
        for node in nodes:
            self.say(f"kill -9 {node.name}")
            node.kill()
        self.hold()
        self.cluster.replace_dead()

    def separated(self, ways):
        """`ways`: pairs of nodes (from, to) between which packets are lost."""
        self.network.cut(*((source.place, to.place) for source, to in ways))
        self.hold(1)
        self.network.heal()

    def between(self, some, others):
        return [pair for one in some for other in others for pair in ((one, other), (other, one))]

    # ---------------------------------------------------------------------------------- crashes

    def kill_leader(self):
        self.kill([self.leader()])

    def kill_backup(self):
        self.kill([self.backup()])

    def kill_minority(self):
        self.kill(self.shuffled()[:self.minority()])

    def handover(self):
        """SIGTERM to the leader: it ends in order, and another one takes over."""
        node = self.leader()
        self.say(f"SIGTERM {node.name}")
        code = node.stop()
        if code != 0:
            raise AssertionError(f"{node.name} ended with {code}:\n{node.log_text()[-3000:]}")
        self.cluster.replace_dead()

    # ----------------------------------------------------------------------------------- pauses

    def pause(self, node):
        self.say(f"SIGSTOP {node.name}")
        node.pause()
        self.hold()
        node.resume()

    def pause_leader(self):
        self.pause(self.leader())

    def pause_backup(self):
        self.pause(self.backup())

    # ------------------------------------------------------------------------------- partitions

    def isolate_leader(self):
        leader = self.leader()
        self.say(f"{leader.name}, which leads, hears and is heard by nobody")
        self.separated(self.between([leader], [node for node in self.cluster.nodes if node is not leader]))

    def majority_and_minority(self):
        nodes = self.shuffled()
        few, many = nodes[:self.minority()], nodes[self.minority():]
        self.say(f"{[node.name for node in few]} apart from the others")
        self.separated(self.between(few, many))

    def split(self):
        """Everybody alone: nothing can be committed."""
        nodes = self.shuffled()
        self.say("everybody alone")
        self.separated([(one, other) for one in nodes for other in nodes if one is not other])

    def bridge(self):
        """Two groups that only one node hears both of."""
        middle, *others = self.shuffled()
        half = len(others) // 2
        self.say(f"{middle.name} is the only one that hears both sides")
        self.separated(self.between(others[:half], others[half:]))

    def deaf_node(self):
        node = self.draw.choice(self.cluster.nodes)
        self.say(f"{node.name} hears nobody and is heard")
        self.separated([(other, node) for other in self.cluster.nodes if other is not node])

    def mute_node(self):
        node = self.draw.choice(self.cluster.nodes)
        self.say(f"{node.name} hears everybody and is not heard")
        self.separated([(node, other) for other in self.cluster.nodes if other is not node])

    def one_way_links(self):
        pairs = [(one, other) for one in self.cluster.nodes for other in self.cluster.nodes if one is not other]
        some = self.draw.sample(pairs, self.draw.randint(1, len(pairs) // 2))
        self.say(f"lost: {[f'{one.name}>{other.name}' for one, other in some]}")
        self.separated(some)

    def flapping(self):
        nodes = self.shuffled()
        few, many = nodes[:self.minority()], nodes[self.minority():]
        self.say(f"links of {[node.name for node in few]} come and go")
        end = time.monotonic() + self.draw.uniform(1, self.longest)
        while time.monotonic() < end:
            self.network.cut(*((one.place, other.place) for one, other in self.between(few, many)))
            time.sleep(self.draw.uniform(0.1, 1))
            self.network.heal()
            time.sleep(self.draw.uniform(0.1, 1))

    # ------------------------------------------------------------------------------------ links

    def lossy_links(self):
        percent = self.draw.choice([2, 10, 25])
        self.say(f"{percent} % of all packets between nodes are lost")
        for node in self.cluster.nodes:
            self.network.lose(node.place, percent)
        self.hold(1)
        self.network.heal()

    def slow_links(self):
        node, rate = self.draw.choice(self.cluster.nodes), self.draw.choice(["256kbit", "1mbit", "10mbit"])
        self.say(f"{node.name} sends at {rate}")
        self.network.shape(node.place, "tbf", "rate", rate, "burst", "32kbit", "latency", "400ms")
        self.hold(1)
        self.network.heal()

    def delay(self):
        self.say("links are late, by 1 to 200 ms")
        for node in self.cluster.nodes:
            self.network.shape(node.place, "netem", "delay", f"{self.draw.randint(1, 200)}ms", "20ms")
        self.hold(1)
        self.network.heal()

    # ------------------------------------------------------------------------------------- disk

    def full_disk(self):
        """The ledger's file system has no space, then has it again."""
        node = self.draw.choice(self.cluster.nodes)
        used = os.statvfs(node.disk)
        used = (used.f_blocks - used.f_bfree) * used.f_frsize
        self.say(f"the disk of {node.name} is full")
        self.resize(node, used + 64 * 1024)
        self.hold(1)
        self.resize(node, 4 << 30)

    def resize(self, node, size):
        # A file system cannot become smaller than what is in it, which grows meanwhile.
        for extra in (0, 1 << 20, 8 << 20):
            done = subprocess.run(["mount", "-o", f"remount,size={size + extra}", str(node.disk)], capture_output=True)
            if done.returncode == 0:
                return

    # ------------------------------------------------------------------------------- membership

    def replace_leader(self):
        leader = self.leader()
        self.say(f"{leader.name}, which leads, is replaced")
        self.cluster.replace_living(leader)

    def replace_everybody(self):
        self.say("every node is replaced, one after the other")
        for node in list(self.cluster.nodes):
            self.cluster.replace_living(node)

    def leaders_one_after_the_other(self):
        """Whoever leads is paused until somebody else does."""
        for _ in range(3):
            leader = self.leader()
            self.say(f"{leader.name} leads and has to wait")
            leader.pause()
            try:
                self.cluster.wait_for_leader()
            finally:
                leader.resume()


ALL = ("kill_leader", "isolate_leader", "pause_leader", "majority_and_minority", "kill_backup", "one_way_links",
       "flapping", "handover", "lossy_links", "replace_leader", "kill_minority", "bridge", "pause_backup", "split",
       "full_disk", "deaf_node", "mute_node", "slow_links", "delay", "leaders_one_after_the_other",
       "replace_everybody")
