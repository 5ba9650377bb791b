"""The service under test: nodes in namespaces, and what an operator does with them."""

import collections
import http.client
import json
import pathlib
import signal
import ssl
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import harness  # noqa: E402
from harness import eventually  # noqa: E402

PATIENCE = harness.LIMIT * 5
UNREACHABLE = (OSError, http.client.HTTPException, ssl.SSLError, ValueError, KeyError)


class NetworkNode(harness.Node):
    """A node in a place of the network. With `target` it joins the service of that node."""

    def __init__(self, cluster, place, target=None):
        self.place, self.name = place, f"n{place}"
        address = cluster.network.address(place)
        self.paused = self.ready = False

        def configure(configuration):
            configuration["network"] = {
                "node_to_node_interface": {"bind_address": f"{address}:8001"},
                "rpc_interfaces": {"main": {"bind_address": f"{address}:8000"}},
            }
            # A machine with more nodes than cores; nothing here measures time.
            configuration["consensus"] = {"message_timeout": "50ms", "election_timeout": "1500ms"}
            configuration["ledger"] = {"directory": "disk/ledger"}
            if target is not None:
                configuration["command"] = {
                    "type": "Join", "service_certificate_file": "service_cert.pem",
                    "join": {"target_rpc_address": f"{cluster.network.address(target.place)}:8000",
                             "retry_timeout": "200ms"},
                }

        super().__init__("nemesis_app", configure=configure)
        self.prefix = cluster.network.prefix(place)
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(self.disk)], check=True)
        if target is not None:
            (self.folder / "service_cert.pem").write_bytes(cluster.first.service_cert.read_bytes())
            self.users, self.consortium, self.target = cluster.first.users, cluster.first.consortium, target

    def ask(self, method, path, body=None, timeout=3):
        """One request on a connection of its own: (status, document or None). None: no answer."""
        connection = http.client.HTTPSConnection(*self.addresses["main"], context=self.tls(), timeout=timeout)
        try:
            connection.request(method, path, body=body)
            response = connection.getresponse()
            text = response.read()
            document = json.loads(text) if text and text[:1] in b"{[" else None
            return response.status, document
        except UNREACHABLE:
            return None
        finally:
            connection.close()

    def get(self, path):
        """The document of a 200, or None."""
        answer = self.ask("GET", path)
        return answer[1] if answer is not None and answer[0] == 200 else None

    def pause(self):
        self.paused = True
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.paused = False
        if self.alive():
            self.process.send_signal(signal.SIGCONT)

    def serves(self):
        return self.ready and self.alive() and not self.paused


class Cluster:
    def __init__(self, network, size, say):
        self.network, self.say = network, say
        self.size = size
        self.nodes = []  # that are to serve
        self.gone = []  # ended, for whatever reason
        self.counts = collections.Counter()
        self.first = self._start(None)
        self.service_cert = self.first.service_cert
        while len(self.nodes) < size:
            self.join()

    def _start(self, target):
        node = NetworkNode(self, self.network.add_place(), target)
        self.nodes.append(node)
        node.start()
        node.id = eventually(lambda: node.get("/node/state"), f"{node.name} says who it is", PATIENCE)["node_id"]
        node.ready = True
        return node

    def close(self):
        for node in [*self.nodes, *self.gone]:
            node.resume()
            node.close()

    def serving(self):
        return [node for node in self.nodes if node.serves()]

    # ------------------------------------------------------------------------------- who leads

    def leader(self):
        """The node that leads the newest view, or None."""
        best, view = None, 0
        for node in self.serving():
            document = node.get("/node/consensus")
            details = document and document["details"]
            if details and details["leadership_state"] == "Leader" and details["current_view"] > view:
                best, view = node, details["current_view"]
        return best

    def wait_for_leader(self):
        return eventually(self.leader, "somebody leads", PATIENCE, 0.1)

    def backups(self):
        leader = self.leader()
        return [node for node in self.serving() if node is not leader]

    # ------------------------------------------------------------------------------ membership

    def join(self):
        """One more node, which votes and has caught up when this returns."""
        leader = self.wait_for_leader()
        node = self._start(leader)

        def voting():
            self.expect_alive(node)
            document, commit = node.get("/node/consensus"), node.get("/node/commit")
            if document is None or commit is None:
                return False
            configurations = document["details"]["configs"]
            committed = int(commit["transaction_id"].split(".")[1])
            return configurations and all(
                node.id in one["nodes"] and committed >= one["idx"] for one in configurations)

        eventually(voting, f"{node.name} votes", PATIENCE, 0.1)
        self.say(f"{node.name} has joined")
        return node

    @staticmethod
    def expect_alive(node):
        if not node.alive():
            raise AssertionError(f"{node.name} ended by itself with {node.process.returncode}:\n"
                                 f"{node.log_text()[-3000:]}")

    def at_leader(self, method, path, good, what):
        def ask():
            leader = self.leader()
            answer = leader and leader.ask(method, path)
            return answer is not None and answer and answer[0] in good
        eventually(ask, what, PATIENCE, 0.2)

    def retire(self, node):
        """Until the service does not need the node any more."""
        def decided():
            leader = self.leader()
            if leader is None:
                return False
            try:
                leader.retire(node.id)
                return True
            except (*UNREACHABLE, AssertionError):  # it does not lead any more, or its view ended
                return False

        eventually(decided, f"{node.name} is retired", PATIENCE, 0.2)

        def removable():
            leader = self.leader()
            document = leader and leader.get("/node/network/removable_nodes")
            return document and any(one["node_id"] == node.id for one in document["nodes"])

        eventually(removable, f"{node.name} is removable", PATIENCE, 0.1)
        self.say(f"{node.name} is retired")

    def forget(self, node):
        self.at_leader("DELETE", f"/node/network/nodes/{node.id}", (200, 204, 404), f"{node.name} is deleted")
        if node in self.nodes:
            self.nodes.remove(node)
        if node not in self.gone:
            self.gone.append(node)

    def replace_dead(self):
        """As many new nodes as have ended."""
        dead = [node for node in self.nodes if not node.alive()]
        for node in dead:
            self.nodes.remove(node)
            self.gone.append(node)
        for node in dead:
            self.join()
            self.retire(node)
            self.forget(node)
            self.counts["replaced"] += 1

    def replace_living(self, node):
        """Nobody dies before the service says that it may."""
        self.join()
        self.retire(node)
        code = node.stop()
        if code != 0:
            raise AssertionError(f"{node.name} ended with {code}:\n{node.log_text()[-3000:]}")
        self.forget(node)
        self.counts["replaced"] += 1

    # --------------------------------------------------------------------------------- the end

    def settle(self):
        """All nodes live, follow one leader and commit something new."""
        def committed_by(node, seqno=0):
            document = node.get("/node/commit")
            return document and int(document["transaction_id"].split(".")[1]) >= seqno

        def agreed():
            for node in self.nodes:
                self.expect_alive(node)
            leader = self.leader()
            answer = leader and leader.get("/node/commit")
            if not answer:
                return False
            goal = int(answer["transaction_id"].split(".")[1])
            return all(committed_by(node, goal) for node in self.nodes) and self.leader() is leader

        eventually(agreed, "all nodes follow one leader", PATIENCE, 0.2)

    def commit_of(self, node):
        return int(eventually(lambda: node.get("/node/commit"), "a commit point")["transaction_id"].split(".")[1])
