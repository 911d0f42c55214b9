#!/usr/bin/env python3
"""Sixty homes and the profile made for them, 16 of 40: each segment lies in forty of them, and any
twenty-four may be away, for who writes as for who reads."""
import random

from cluster import Cluster, digest, main, noise

NODES, K, N = 60, 16, 40
SIZES = (1, 50_000, 2_000_000, 20_000_000)


class HomeFleet(Cluster):
    profile = "home"


def content(size):
    return noise(size, seed=size)


def check_all(cluster, prefix):
    for size in SIZES:
        assert digest(cluster.hearth("cat", f"s3://box/{prefix}-{size}").out) == digest(content(size)), size


def store(cluster, prefix):
    for size in SIZES:
        cluster.hearth("cp", cluster.write("file", content(size)), f"s3://box/{prefix}-{size}")


def holders(cluster, name):
    stat = cluster.hearth("stat", "--shards", "--json", f"s3://box/{name}").json[0]
    return [{holder["node"] for holder in segment["holders"]} for segment in stat["segments"]]


def each_segment_lies_in_forty_homes(cluster):
    cluster.hearth("mb", "s3://box")
    store(cluster, "first")
    cluster.wait_full()
    assert holders(cluster, "first-1") == []  # with its key, in the metadata
    for size in SIZES[1:]:
        assert [len(nodes) for nodes in holders(cluster, f"first-{size}")] == [N], size


def any_24_may_be_away(cluster):
    away = random.Random(7).sample(range(1, NODES + 1), N - K)
    cluster.kill(*away)
    check_all(cluster, "first")
    store(cluster, "second")
    check_all(cluster, "second")
    cluster.start(*away)


if __name__ == "__main__":
    main(each_segment_lies_in_forty_homes, any_24_may_be_away, nodes=NODES, world=HomeFleet)
