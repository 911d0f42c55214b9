#!/usr/bin/env python3
"""Two machines that run as one node, because its whole home was copied, are noticed and both shut out; what
it held is made anew; an operator lets one of them in again, and pages of every node say what is going on."""
import os
import shutil
import socket
import subprocess

from cluster import BIN, expect, main, noise, until

TWIN = 3
NODES = 9  # one more than a segment has shards: there is somewhere to rebuild
CONTENT = noise(700_000, seed=3)


def listed(cluster):
    return next(node for node in cluster.admin("node", "list", "--json").json
                if node["owner"] == f"home-{TWIN}")


def wait_for(cluster, what):
    """`what` is a predicate of the node as it is listed."""
    until(lambda: what(listed(cluster)), "the node stays as it was")
    return listed(cluster)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def copy_home(cluster):
    """As somebody would who moves a node to a new machine and forgets the old one."""
    home, copy = os.path.join(cluster.dir, "nodes", str(TWIN)), cluster.path("twin")
    shutil.copytree(home, copy)
    os.remove(os.path.join(copy, "pid"))
    path = os.path.join(copy, "hearth-storaged.conf")
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace(f":{cluster.port(TWIN)}", f":{free_port()}").replace(home, copy))
    return path


def two_with_one_home_are_both_shut_out(cluster):
    cluster.hearth("mb", "s3://box")
    cluster.put("before", CONTENT)
    cluster.kill(TWIN)
    config = copy_home(cluster)
    cluster.start(TWIN)
    with open(cluster.path("twin.log"), "w") as log:
        cluster.twin = subprocess.Popen(
            [os.path.join(BIN, "hearth-storaged"), "--config", config], stdout=log, stderr=log)
    try:
        node = wait_for(cluster, lambda node: node["state"] == "lost")
        expect(node["attention"], "two machines report as this node: .*")
        cluster.check("before", CONTENT)
        cluster.wait_full()
        cluster.kill("coordinator")
        cluster.start("coordinator")
        assert listed(cluster)["state"] == "lost"
    finally:
        cluster.twin.kill()
        cluster.twin.wait()


def stopping_one_is_not_enough(cluster):
    cluster.kill(TWIN)
    cluster.control("start", "coordinator")
    assert listed(cluster)["state"] == "lost"


def an_operator_lets_one_in_again(cluster):
    cluster.admin("node", "lost", "--found", str(listed(cluster)["number"]))
    cluster.start(TWIN)
    node = wait_for(cluster, lambda node: node["state"] == "alive")
    assert node["attention"] == "" and node["takes_shards"], node
    cluster.wait_full()
    cluster.check("before", CONTENT)


def a_page_says_all_about_a_node(cluster):
    page = cluster.admin("node", "show", str(listed(cluster)["number"])).text
    for heading in ("node", "owner", "network", "place", "addresses", "state", "seen", "uptime",
                    "hazard", "space", "incarnation", "reports", "pattern"):
        assert f"\n{heading} " in "\n" + page, heading
    assert len(listed(cluster)["pattern_percent"]) == 7 * 24


def a_pass_can_be_asked_for(cluster):
    before = cluster.status()["sweep"]["pass"]
    done = cluster.admin("sweep", "run", "--wait", "--json").json[0]
    assert done["pass"] > before and done["segments"] >= 1, done
    cluster.admin("sweep", "run")


if __name__ == "__main__":
    main(two_with_one_home_are_both_shut_out, stopping_one_is_not_enough,
         an_operator_lets_one_in_again, a_page_says_all_about_a_node, a_pass_can_be_asked_for,
         nodes=NODES)
