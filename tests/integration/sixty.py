#!/usr/bin/env python3
"""Sixty homes on one machine, profile home: each has an owner, a network and a place of its own by its
invite, no two shards of a segment share one, and a third of the fleet may go, for who writes as for
who reads."""
from cluster import Cluster, digest, expect, main, noise

NODES = 60
CONTENT = noise(20_000_000, seed=60)
FITTING = {"small": 14, "medium": 24, "nas": 30, "volunteer": 54, "home-insured": 50}


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
    cluster.put("one", CONTENT)
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
    cluster.put("two", CONTENT)
    for key in ("one", "two"):
        cluster.check(key, CONTENT)
    cluster.start(*gone)


def every_profile_that_fits_can_be_used(cluster):
    cluster.kill(1, 2)  # sixty are more than any of these needs
    for profile, shards in FITTING.items():
        cluster.admin("bucket", "create", "local", profile, "--profile", profile)
        cluster.hearth("cp", "-", f"s3://{profile}/one", data=CONTENT[:300_000])
        stat = cluster.hearth("stat", "--shards", "--json", f"s3://{profile}/one").json[0]
        assert stat["segments"][0]["n"] == shards, (profile, stat)
        assert digest(cluster.hearth("cat", f"s3://{profile}/one").out) == digest(CONTENT[:300_000])
    cluster.start(1, 2)


def one_that_does_not_is_refused_in_words(cluster):
    """A segment of it has 85 shards; a customer is asked for what the profile was worked out for."""
    result = cluster.admin(
        "bucket", "create", "local", "wide", "--profile", "home-wide-insured", fails=1)
    expect(result.err, r"hearth-admin: bucket create .*needs 85 nodes.* 25 more are missing")
    result = cluster.hearth("mb", "--profile", "volunteer", "s3://asleep", fails=1)
    expect(result.err, r"hearth: mb s3://asleep: .*needs 70 nodes.* 10 more are missing")


if __name__ == "__main__":
    main(each_node_has_a_domain_of_its_own, no_two_shards_share_a_domain,
         a_third_of_the_fleet_may_go, every_profile_that_fits_can_be_used,
         one_that_does_not_is_refused_in_words, nodes=NODES, world=Homes)
