#!/usr/bin/env python3
"""A random half of the nodes lose their disks at once: every object with k shards left is readable and
comes back to full redundancy, every other one fails cleanly, and the two are told apart by what the
operator is shown.  No wrong byte is read."""
import collections
import os
import random

from cluster import expect, main, noise, until
from wiping import come_back, lose

NODES, K, N = 16, 4, 8
SEED = int(os.environ.get("HEARTH_SEED", "1"))
SIZES = (9_000, 200_000, 3_000_000)  # on nodes, each one segment


def contents():
    """Key -> bytes, of twelve of each size."""
    return {f"{size}/{number}": noise(size, seed=size + number) for size in SIZES for number in range(12)}


def store_objects(cluster):
    cluster.hearth("mb", "s3://box")
    for key, content in contents().items():
        cluster.write(f"files/{key}", content)
    cluster.hearth("cp", "-r", cluster.path("files"), "s3://box/")
    cluster.wait_full()


def segment_of(cluster, key):
    """The one of an object."""
    (segment,) = cluster.hearth("stat", "--shards", "--json", f"s3://box/{key}").json[0]["segments"]
    return segment


def holders(cluster, key):
    """Node ids."""
    return {holder["node"] for holder in segment_of(cluster, key)["holders"]}


def ids_of(cluster, numbers):
    """Node ids."""
    return {node["id"] for node in cluster.admin("node", "list", "--json").json
            if any(address.endswith(f":{cluster.port(number)}") for number in numbers
                   for address in node["addresses"])}


def wipe_half(cluster):
    """Which keys have k shards left: some, and not all.  One copy writes to few nodes, so that the first
    half that is drawn may spare all or none."""
    dice = random.Random(SEED)
    held = {key: holders(cluster, key) for key in contents()}
    cluster.readable = set()
    while not 0 < len(cluster.readable) < len(held):
        cluster.victims = dice.sample(range(1, NODES + 1), NODES // 2)
        gone = ids_of(cluster, cluster.victims)
        cluster.readable = {key for key, nodes in held.items() if len(nodes - gone) >= K}
    print(f"      seed {SEED}: nodes {' '.join(map(str, cluster.victims))}", flush=True)
    lose(cluster, *cluster.victims)


def what_has_k_shards_left_is_read_and_the_rest_fails_cleanly(cluster):
    store_objects(cluster)
    wipe_half(cluster)
    check_all(cluster)


def check_all(cluster):
    wanted = contents()
    for key, content in wanted.items():
        if key in cluster.readable:
            cluster.check(key, content)
        else:
            result = cluster.hearth("cat", f"s3://box/{key}", fails=1)
            assert content.startswith(result.out), f"{key}: other bytes came"
            expect(result.err.splitlines()[-1], r"hearth: cat .* has [0-3] of 8 shards reachable, 4 needed.*")
    print(f"      {len(cluster.readable)} of {len(wanted)} objects can be read", flush=True)
    assert 0 < len(cluster.readable) < len(wanted)


def the_operator_is_told_how_many_cannot_be_read(cluster):
    unreadable = len(contents()) - len(cluster.readable)
    until(lambda: cluster.status()["segments_unreadable"] == unreadable, "the status has other numbers")
    assert cluster.status()["health"] not in ("healthy", "healing")


def the_operator_is_shown_which(cluster):
    """By the shards that are on no node that answers."""
    found = cluster.admin("fsck", "--json", fails=None).json
    gone = collections.Counter(finding["segment"] for finding in found
                               if finding.get("finding") in ("missing", "unchecked"))
    shown = {segment for segment, count in gone.items() if count > N - K}
    lost = {segment_of(cluster, key)["id"] for key in set(contents()) - cluster.readable}
    assert shown == lost, (shown, lost, found)


def the_readable_come_back_to_full_redundancy(cluster):
    """On the nodes that are left and on new ones."""
    for victim in cluster.victims:
        come_back(cluster, victim)
    unreadable = len(contents()) - len(cluster.readable)
    until(lambda: cluster.status()["segments_below_n"] <= unreadable, "they stay below n", 200)
    alive = {node["id"] for node in cluster.admin("node", "list", "--json").json if node["state"] == "alive"}
    for key in cluster.readable:
        assert len(holders(cluster, key) & alive) == N, key
    check_all(cluster)


def what_is_lost_can_be_deleted(cluster):
    for key in set(contents()) - cluster.readable:
        cluster.hearth("rm", f"s3://box/{key}")
    cluster.wait_full()
    assert cluster.status()["segments_unreadable"] == 0


if __name__ == "__main__":
    main(what_has_k_shards_left_is_read_and_the_rest_fails_cleanly, the_operator_is_told_how_many_cannot_be_read,
         the_operator_is_shown_which,
         the_readable_come_back_to_full_redundancy, what_is_lost_can_be_deleted, nodes=NODES)
