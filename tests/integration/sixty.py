#!/usr/bin/env python3
"""Sixty homes on one machine, profile home: each has an owner, a network and a place of its own by its
invite, no two shards of a segment share one, and a third of the fleet may go, for who writes as for
who reads."""
from cluster import Cluster, digest, main, noise

NODES = 60
CONTENT = noise(20_000_000, seed=60)


class Homes(Cluster):
    profile = "home"


def listed(cluster):
    return cluster.admin("node", "list", "--json").json


def each_node_has_a_domain_of_its_own(cluster):
    nodes = listed(cluster)
    for fact in ("owner", "network", "place"):
        assert len({node[fact] for node in nodes}) == NODES, fact
    assert all(node["takes_shards"] for node in nodes)


def no_two_shards_share_a_domain(cluster):
    cluster.hearth("mb", "s3://box")
    cluster.hearth("cp", "-", "s3://box/one", data=CONTENT)
    owner = {node["id"]: node["owner"] for node in listed(cluster)}
    segment = cluster.hearth("stat", "--shards", "--json", "s3://box/one").json[0]["segments"][0]
    assert (segment["k"], segment["n"]) == (16, 40), segment
    holders = [owner[holder["node"]] for holder in segment["holders"]]
    assert len(holders) >= 30 and len(set(holders)) == len(holders), holders


def a_third_of_the_fleet_may_go(cluster):
    """Forty hold it or were to, and w = 30 of them did: fourteen of those may be silent."""
    segment = cluster.hearth("stat", "--shards", "--json", "s3://box/one").json[0]["segments"][0]
    number = {node["id"]: int(node["owner"].removeprefix("home-")) for node in listed(cluster)}
    holders = [number[holder["node"]] for holder in segment["holders"]]
    others = [node for node in range(1, NODES + 1) if node not in holders]
    gone = holders[:14] + others[:6]
    cluster.kill(*gone)
    cluster.hearth("cp", "-", "s3://box/two", data=CONTENT)
    for key in ("one", "two"):
        assert digest(cluster.hearth("cat", f"s3://box/{key}").out) == digest(CONTENT), key
    cluster.start(*gone)


if __name__ == "__main__":
    main(each_node_has_a_domain_of_its_own, no_two_shards_share_a_domain,
         a_third_of_the_fleet_may_go, nodes=NODES, world=Homes)
