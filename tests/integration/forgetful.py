#!/usr/bin/env python3
"""A node that does not keep what it acknowledged, in any way: every read is exact, it is named to the
reader and to the coordinator's log, and once it is declared lost all its shards are elsewhere."""
import os
import re

from cluster import BIN, digest, main, noise

LIES = {"forget": "NOT_FOUND", "deny": "NOT_FOUND", "shard": "CHECKSUM|INVALID"}  # what it is accused of
LIARS = {"forget": 2, "deny": 3, "shard": 4}  # one that was found out is trusted with nothing any more
NODES = 11  # without the liars as many as a segment has shards


def content(lie, number):
    return noise(600_000, seed=100 * len(lie) + number)


def listed(cluster, lie):
    return next(node for node in cluster.admin("node", "list", "--json").json
                if node["owner"] == f"home-{LIARS[lie]}")


def lies_told(cluster, lie):
    with open(os.path.join(cluster.dir, "nodes", str(LIARS[lie]), "log"), errors="replace") as file:
        return sum(line.startswith(f"evil {lie}") for line in file)


def reported(cluster, lie, accusation):
    number = listed(cluster, lie)["number"]
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
        cluster.kill(LIARS[lie])
        cluster.control("start", LIARS[lie], env={"HEARTH_STORAGED": os.path.join(BIN, "evilnode"),
                                                 "HEARTH_EVIL": lie})
        for number in range(8):
            cluster.put(f"{lie}/{number}", content(lie, number))
        cluster.kill(5, 6, 7)  # few enough are left that the liar is asked, and can be done without
        said = read(cluster, lie)
        assert lies_told(cluster, lie) > 0, lie
        assert listed(cluster, lie)["id"] in said, (lie, said)
        assert reported(cluster, lie, accusation), lie
        cluster.start(5, 6, 7)
        cluster.kill(LIARS[lie])


def what_they_did_not_keep_is_rebuilt_elsewhere(cluster):
    for lie in LIES:
        cluster.admin("node", "lost", listed(cluster, lie)["number"])
    cluster.wait_full("100s")
    cluster.kill(1, 5, 6, 7)
    for lie in LIES:
        read(cluster, lie)
    cluster.start(1, 5, 6, 7)


if __name__ == "__main__":
    main(each_is_found_out, what_they_did_not_keep_is_rebuilt_elsewhere, nodes=NODES)
