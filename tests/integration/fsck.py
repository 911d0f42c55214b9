#!/usr/bin/env python3
"""hearth-admin fsck, while everything runs: clean is clean also under load, each kind of harm is found
and named, and what could not be looked at is no harm and not clean either."""
import os
import shutil
import sqlite3
import threading

from cluster import main, noise, until


def fsck(cluster, *arguments, fails=0):
    """Findings by kind, and the counts."""
    lines = cluster.admin("fsck", "--json", *arguments, fails=fails).json
    findings = {}
    for line in lines:
        if "finding" in line:
            findings.setdefault(line["finding"], []).append(line)
    return findings, lines[-1]


def a_sound_cluster_is_clean(cluster):
    cluster.hearth("mb", "s3://box")
    for seed in range(4):
        cluster.hearth("cp", "-", f"s3://box/{seed}", data=noise(900_000, seed=seed))
    cluster.wait_full()
    findings, counts = fsck(cluster, "--deep")
    assert not findings and counts["problems"] == 0, findings
    assert counts["segments"] == 4 and counts["shards"] == counts["verified"] == 32, counts
    assert counts["nodes_reached"] == counts["nodes"] == 8, counts
    assert "clean: 4 objects" in cluster.admin("fsck").text


def it_is_clean_while_objects_come_and_go(cluster):
    over = threading.Event()

    def write():
        count = 0
        while not over.is_set():
            cluster.hearth("cp", "-", f"s3://box/load/{count % 5}", data=noise(300_000, seed=count))
            if count % 3 == 2:
                cluster.hearth("rm", f"s3://box/load/{count % 5}")
            count += 1

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        for _ in range(4):
            findings, counts = fsck(cluster, "--deep")
            assert not findings and counts["problems"] == 0, (findings, counts)
    finally:
        over.set()
        writer.join()


def space_agrees_in_the_metadata_and_at_the_nodes(cluster):
    cluster.wait_full()
    def agreed():
        """Uploads that have ended and dead shards are on their way to the trash for a while."""
        lines = cluster.admin("fsck", "--json", "--space").json
        spaces = [line for line in lines if "space_of_node" in line]
        return spaces if all(space["listed_bytes"] == space["named_bytes"] for space in spaces) else None

    spaces = until(agreed, "nodes list what the metadata does not name")
    assert len(spaces) == 8
    for space in spaces:
        assert space["reached"] and space["listed_bytes"] == space["named_bytes"], space
        assert space["listed_shards"] == space["named_shards"], space
        assert space["reported_bytes"] >= space["listed_bytes"], space


def what_does_not_answer_is_not_clean(cluster):
    cluster.kill(2)
    findings, counts = fsck(cluster, fails=3)
    assert set(findings) == {"unchecked"} and counts["problems"] == 0, findings
    assert counts["unchecked"] == len(findings["unchecked"]) > 0, counts
    cluster.start(2)
    cluster.wait_full()


def what_is_deleted_anyway_need_not_be_looked_at(cluster):
    """Nobody rebuilds it where a node was lost; it is counted, and everything else decides."""
    cluster.hearth("rm", "-r", "s3://box/load/")
    cluster.kill(2)
    before = fsck(cluster, fails=3)[1]
    cluster.hearth("rm", "s3://box/3")
    counts = fsck(cluster, fails=3)[1]
    assert counts["unchecked"] == before["unchecked"] - 1, (before, counts)
    assert counts["doomed"] == before["doomed"] + 1 and counts["problems"] == 0, (before, counts)
    for seed in range(3):
        cluster.hearth("mv", f"s3://box/{seed}", cluster.path(str(seed)))
    counts = fsck(cluster)[1]
    assert counts["unchecked"] == 0 and counts["doomed"] == before["doomed"] + 4, counts
    cluster.start(2)
    for seed in range(4):
        cluster.hearth("cp", "-", f"s3://box/{seed}", data=noise(900_000, seed=seed))
    cluster.wait_full()


def a_difference_of_space_is_shown_shard_by_shard(cluster):
    """Metadata of before an object was stored: its shards are what nodes list and nobody names."""
    cluster.admin("backup", cluster.path("before"))
    cluster.hearth("cp", "-", "s3://box/after", data=noise(900_000, seed=9))
    cluster.admin("restore", cluster.path("before"))

    def settled():
        """Orders of before the restore expire, and nodes are heard again."""
        lines = cluster.admin("fsck", "--json", "--space", fails=None).json
        orphans = [line["node"] for line in lines if line.get("finding") == "orphan"]
        return lines if len(orphans) == 8 and lines[-1]["in_flight"] == 0 else None

    lines = until(settled, "fsck does not name what nobody names")
    spaces = {line["space_of_node"]: line for line in lines if "space_of_node" in line}
    orphans = [line["node"] for line in lines if line.get("finding") == "orphan"]
    assert sorted(orphans) == sorted(spaces) == list(range(1, 9)), lines
    for space in spaces.values():
        assert space["listed_shards"] == space["named_shards"] + 1, space
        assert space["listed_bytes"] > space["named_bytes"], space
    table = [line.split() for line in cluster.admin("fsck", "--space", fails=1).lines if line[0].isdigit()]
    assert [[int(word) for word in row[:5]] for row in table] == [
        [node, space["listed_bytes"], space["listed_shards"], space["named_bytes"], space["named_shards"]]
        for node, space in sorted(spaces.items())], table
    cluster.admin("gc", "release")
    cluster.admin("gc", "run", "--wait")  # given up: named dead, and trashed
    space_agrees_in_the_metadata_and_at_the_nodes(cluster)


def each_harm_is_found_and_named(cluster):
    """Done to a copy that runs in the place of the cluster."""
    original = cluster.dir
    cluster.kill(*cluster.pids())
    cluster.dir = cluster.path("copy")
    shutil.copytree(original, cluster.dir)
    path = os.path.join(cluster.dir, "coordinator", "hearth-coordinator.conf")
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:  # nobody makes good what is found
        file.write("".join(line for line in text.splitlines(True) if not line.startswith("repair")))
    with sqlite3.connect(os.path.join(cluster.dir, "coordinator", "meta", "meta.db")) as database:
        first, last = (database.execute(
            f"SELECT segment, holders FROM segment ORDER BY segment {order} LIMIT 1").fetchone()
            for order in ("", "DESC"))
        database.execute("UPDATE segment SET vk = zeroblob(32) WHERE segment = ?", first[:1])
        holders = last[1][:1] + last[1][7:13] + last[1][1:7] + last[1][13:]
        database.execute("UPDATE segment SET holders = ? WHERE segment = ?", (holders, last[0]))
        database.execute("UPDATE usage SET bytes = bytes + 1")
    database.close()
    try:
        cluster.control("up")
        findings, counts = fsck(cluster, "--deep", fails=1)
    finally:
        cluster.kill(*cluster.pids())
        cluster.dir = original
    for kind in ("tag", "missing", "reference"):
        assert kind in findings, (kind, findings)
    assert {f["segment"] for f in findings["tag"]} == {first[0].hex()}, findings["tag"]
    assert {f["segment"] for f in findings["missing"]} == {last[0].hex()}, findings["missing"]
    assert counts["problems"] == sum(map(len, findings.values())) - counts["unchecked"]
    cluster.control("up")


if __name__ == "__main__":
    main(a_sound_cluster_is_clean, it_is_clean_while_objects_come_and_go,
         space_agrees_in_the_metadata_and_at_the_nodes, what_does_not_answer_is_not_clean,
         what_is_deleted_anyway_need_not_be_looked_at, a_difference_of_space_is_shown_shard_by_shard,
         each_harm_is_found_and_named)
