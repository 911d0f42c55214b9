"""A home loses its disk with all that was on it, and goes on as a new node."""
import os
import shutil

from cluster import BIN, run


def number_of(cluster, name):
    """What the coordinator calls it, if it answers to that name now."""
    address = f"127.0.0.1:{cluster.port(name)}"
    return max(node["number"] for node in cluster.admin("node", "list", "--json").json
               if address in node["addresses"])


def forget(cluster, *names):
    """Their disks are empty, all at once."""
    cluster.kill(*names)
    for name in names:
        home = os.path.join(cluster.dir, "nodes", str(name))
        for entry in os.listdir(home):
            path = os.path.join(home, entry)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif entry != "log":
                os.unlink(path)


def lose(cluster, *names):
    """They are gone for good, and the operator says so."""
    numbers = [number_of(cluster, name) for name in names]
    forget(cluster, *names)
    for number in numbers:
        cluster.admin("node", "lost", number)


def enrol(cluster, name):
    """A new key and an empty disk."""
    home = os.path.join(cluster.dir, "nodes", str(name))
    invite = cluster.admin("node", "invite", "--owner", f"home-{name}", "--network", f"network-{name}")
    run([os.path.join(BIN, "hearth-storaged"), "init", "--dir", home, "--listen",
         f"127.0.0.1:{cluster.port(name)}", "--invite", invite.text.strip()])


def come_back(cluster, name):
    """At the old place."""
    enrol(cluster, name)
    cluster.start(name)


def wipe(cluster, name):
    lose(cluster, name)
    come_back(cluster, name)
