"""A bad network in front of one node of a cluster."""
import os
import subprocess

from cluster import BIN


class Proxy:
    """A bad network in front of a node; the verbs are those of tests/lib/fault_proxy.c.

    It ends with its standard input, so it cannot outlive the test."""

    def __init__(self, cluster, number):
        self.cluster, self.number = cluster, number
        self.program = subprocess.Popen(
            [os.path.join(BIN, "hearth-fault-proxy"), cluster.port(number)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        address = f"127.0.0.1:{self.program.stdout.readline().strip()}"
        cluster.kill(number)
        cluster.control("start", number, "--advertise", address)

    def tell(self, command):
        self.program.stdin.write(command + "\n")
        self.program.stdin.flush()
        answer = self.program.stdout.readline().strip()
        assert answer.startswith("ok"), (command, answer)
        return answer[3:]

    def arrived(self):
        """Bytes that went up to the node, and down from it."""
        _, up, down = self.tell("count").split()
        return int(up), int(down)

    def remove(self):
        """The node is reached as it listens again."""
        self.cluster.kill(self.number)
        self.program.stdin.close()
        self.program.wait()
        self.cluster.control("start", self.number, "--advertise", "")
