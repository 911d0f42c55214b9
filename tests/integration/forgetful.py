#!/usr/bin/env python3
"""A node that does not keep what it acknowledged, in any way: every read is exact, it is named to the
reader and to the coordinator's log, and once it is declared lost all its shards are elsewhere."""
import os
import re

from cluster import BIN, digest, main, noise

LIAR = 2
LIES = {"forget": "NOT_FOUND", "deny": "NOT_FOUND", "shard": "CHECKSUM|INVALID"}  # what it is accused of
NODES = 9  # one more than a segment has shards: there is somewhere to rebuild


def content(lie, number):
    return noise(600_000, seed=100 * len(lie) + number)


def listed(cluster):
    return next(node for node in cluster.admin("node", "list", "--json").json
                if node["owner"] == f"home-{LIAR}")


def lies_told(cluster, lie):
    with open(os.path.join(cluster.dir, "nodes", str(LIAR), "log"), errors="replace") as file:
        return sum(line.startswith(f"evil {lie}") for line in file)


def reported(cluster, accusation):
    number = listed(cluster)["number"]
    with open(os.path.join(cluster.dir, "coordinator", "log"), errors="replace") as file:
        return [line for line in file if re.search(rf"node={number} segment=.* code=({accusation}) ", line)]


def read(cluster, lie):
    """All objects of that lie, exactly; what the reader said on standard error."""
    said = ""
    for number in range(8):
        result = cluster.hearth("cat", f"s3://box/{lie}/{number}")
        assert digest(result.out) == digest(content(lie, number)), (lie, number)
        said += result.err + "\n"
    return said


def each_is_found_out(cluster):
    cluster.hearth("mb", "s3://box")
    for lie, accusation in LIES.items():
        cluster.kill(LIAR)
        cluster.control("start", LIAR, env={"HEARTH_STORAGED": os.path.join(BIN, "evilnode"),
                                            "HEARTH_EVIL": lie})
        for number in range(8):
            cluster.hearth("cp", "-", f"s3://box/{lie}/{number}", data=content(lie, number))
        cluster.kill(5, 6, 7)  # few enough are left that the liar is asked, and can be done without
        said = read(cluster, lie)
        assert lies_told(cluster, lie) > 0, lie
        assert listed(cluster)["id"] in said, (lie, said)
        assert reported(cluster, accusation), lie
        cluster.start(5, 6, 7)


def what_it_did_not_keep_is_rebuilt_elsewhere(cluster):
    cluster.kill(LIAR)
    cluster.admin("node", "lost", listed(cluster)["number"])
    cluster.wait_full("100s")
    cluster.kill(1, 3, 4, 5)
    for lie in LIES:
        read(cluster, lie)
    cluster.start(1, 3, 4, 5)


if __name__ == "__main__":
    main(each_is_found_out, what_it_did_not_keep_is_rebuilt_elsewhere, nodes=NODES)
