#!/usr/bin/env python3
"""Any four of eight nodes may be dead: every one of the 70 ways is read, exactly.

The ways are visited by the revolving door (Knuth 7.2.1.3, Algorithm R): each differs from the one
before by one kill and one start.
"""
from cluster import digest, expect, leftovers, main, noise

NODES, DEAD = 8, 4


def revolving_door(n, t):
    """All t-subsets of 1..n, each one exchange away from the one before (Nijenhuis and Wilf)."""
    if t == 0:
        return [frozenset()]
    if t == n:
        return [frozenset(range(1, n + 1))]
    with_n = [subset | {n} for subset in reversed(revolving_door(n - 1, t - 1))]
    return revolving_door(n - 1, t) + with_n


OBJECTS = {"inline": noise(5_000, seed=1), "small": noise(70_000, seed=2),
           "large": noise(3_000_017, seed=3)}


def everything_is_stored_fully(cluster):
    cluster.hearth("mb", "s3://keep")
    for name, content in OBJECTS.items():
        cluster.hearth("cp", "-", f"s3://keep/{name}", data=content)
    assert cluster.wait_full()["segments_below_n"] == 0


def check_all(cluster, way):
    for name, content in OBJECTS.items():
        got = cluster.hearth("cat", f"s3://keep/{name}").out
        assert digest(got) == digest(content), (sorted(way), name)


def any_four_of_eight_may_be_dead(cluster):
    ways = revolving_door(NODES, DEAD)
    assert len(set(ways)) == 70
    dead = frozenset()
    for way in ways:
        if dead - way:
            cluster.start(*(dead - way))
        cluster.kill(*(way - dead))
        assert not dead or len(way - dead) == 1  # one kill, one start
        dead = way
        check_all(cluster, way)
    cluster.start(*dead)


def five_dead_is_said_and_nothing_is_left(cluster):
    cluster.kill(1, 2, 3, 4, 5)
    target = cluster.path("target")
    for name in ("small", "large"):
        result = cluster.hearth("cp", f"s3://keep/{name}", target, fails=1)
        expect(result.err, rf"(.*\n)?hearth: cp s3://keep/{name} \S+: .*\b[1-5]\b.*shard.*")
        assert leftovers(cluster.base) == []
    assert cluster.hearth("cp", "s3://keep/inline", "-").out == OBJECTS["inline"]


def all_is_readable_when_they_return(cluster):
    cluster.start(1, 2, 3, 4, 5)
    check_all(cluster, ())
    cluster.kill(5, 6, 7, 8)
    check_all(cluster, (5, 6, 7, 8))
    cluster.start(5, 6, 7, 8)


if __name__ == "__main__":
    main(everything_is_stored_fully, any_four_of_eight_may_be_dead,
         five_dead_is_said_and_nothing_is_left, all_is_readable_when_they_return)
