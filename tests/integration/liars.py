#!/usr/bin/env python3
"""A node that lies in any way is found out: every read is exact, and the liar, nobody else, is named to
the reader and reported to the coordinator."""
import os

from cluster import BIN, digest, main, noise

LIES = ("flip", "tag", "swap", "other", "old", "zero", "short")
# Five nodes answer and four are asked: of so many objects one surely needs the liar.
OBJECTS = {f"object-{seed}": noise(700_000, seed=seed) for seed in range(12)}


def objects_of_honest_nodes(cluster):
    cluster.set_coordinator(per_week=0)  # no audits: they would find out who lies before readers do
    cluster.hearth("mb", "s3://box")
    for name, content in OBJECTS.items():
        cluster.put(name, content)
    cluster.wait_full()


def nodes_by_owner(cluster):
    return {node["owner"]: node for node in cluster.admin("node", "list", "--json").json}


def lies_told(cluster, number, lie):
    with open(os.path.join(cluster.dir, "nodes", str(number), "log"), errors="replace") as file:
        return sum(line.startswith(f"evil {lie}") for line in file)


def make_evil(cluster, number, lie):
    cluster.kill(number)
    cluster.control("start", number, env={
        "HEARTH_STORAGED": os.path.join(BIN, "evilnode"), "HEARTH_EVIL": lie})


def make_honest(cluster, number):
    cluster.kill(number)
    cluster.start(number)


def read_everything(cluster):
    """All objects; what the reader said on standard error."""
    said = ""
    for name, content in OBJECTS.items():
        result = cluster.hearth("cat", f"s3://box/{name}")
        assert digest(result.out) == digest(content), name
        said += result.err + "\n"
    return said


def each_lie_is_found_out(cluster):
    for index, lie in enumerate(LIES):
        number = index + 1
        before = nodes_by_owner(cluster)
        make_evil(cluster, number, lie)
        others = [n for n in range(1, 9) if n != number][index % 4:][:3]
        cluster.kill(*others)  # five answer and four suffice: the liar is asked
        said = read_everything(cluster)
        after = nodes_by_owner(cluster)
        told = lies_told(cluster, number, lie)
        liar = before[f"home-{number}"]
        assert told > 0, f"{lie}: node {number} was never asked"
        assert liar["id"] in said, (lie, said)
        assert after[liar["owner"]]["reports"] > liar["reports"], lie
        for owner, node in after.items():
            if owner != liar["owner"] and f"{owner}" not in [f"home-{n}" for n in others]:
                assert node["reports"] == before[owner]["reports"], (lie, owner)
        cluster.start(*others)
        make_honest(cluster, number)


def what_was_new_is_not_replaced_by_what_was_old(cluster):
    """A whole shard of the version before, under the new one's name."""
    make_evil(cluster, 8, "old")
    for round_ in range(3):
        content = noise(2_000_000, seed=100 + round_)
        cluster.put("renewed", content)
        cluster.check("renewed", content)
    make_honest(cluster, 8)


def repair_spreads_no_lie(cluster):
    """The repair of a lost shard reads from a liar too, and must not believe it."""
    make_evil(cluster, 5, "flip")
    cluster.kill(6, 7)
    content = noise(1_800_000, seed=42)
    cluster.put("repaired", content)
    cluster.start(6, 7)
    cluster.wait_full()
    make_honest(cluster, 5)
    cluster.kill(1, 2, 3, 4)
    cluster.check("repaired", content)
    cluster.start(1, 2, 3, 4)


if __name__ == "__main__":
    main(objects_of_honest_nodes, each_lie_is_found_out,
         what_was_new_is_not_replaced_by_what_was_old, repair_spreads_no_lie)
