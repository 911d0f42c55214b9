#!/usr/bin/env python3
"""After a restore: shards that the backup cannot know are found at every node and kept, until an
operator gives them up; then they are named, trashed, and nothing else is.

Run alone: tests/integration/gc.py
"""
import os

from cluster import digest, main, noise, until

BEFORE, AFTER = noise(5 << 20, 1), noise(3 << 20, 2)
SHARDS = 8


def collected(cluster):
    return cluster.admin("gc", "run", "--wait", "--json").json[0]


def total(status, what):
    return sum(node.get(what, 0) for node in status["nodes"])


def restore(cluster, backup):
    meta = os.path.join(cluster.dir, "coordinator", "meta")
    cluster.kill("coordinator")
    names = os.listdir(meta)
    database = next(name for name in names if not name.endswith(("-wal", "-shm", ".lock")))
    for name in names:
        os.remove(os.path.join(meta, name))
    os.rename(backup, os.path.join(meta, database))
    cluster.start("coordinator")


def what_agrees_is_not_even_listed(cluster):
    cluster.hearth("mb", "s3://box")
    cluster.hearth("cp", "-", "s3://box/before", data=BEFORE)
    cluster.wait_full()
    status = collected(cluster)
    assert not status["held"] and total(status, "listed") == 0, status
    assert all(node["reconciled"] and "purges_until" in node for node in status["nodes"]), status


def what_a_backup_cannot_know_is_found_and_kept(cluster):
    cluster.admin("backup", cluster.path("backup"))
    cluster.hearth("cp", "-", "s3://box/after", data=AFTER)
    cluster.wait_full()
    restore(cluster, cluster.path("backup"))
    status = collected(cluster)
    assert status["held"] and status["recovery_epoch"] == 1, status
    assert total(status, "ahead") == SHARDS and total(status, "unwanted") == 0, status
    assert not any("purges_until" in node for node in status["nodes"]), status
    assert status["shards_dead"] == 0, status
    assert f"{SHARDS} shards from after the backup" in cluster.admin("gc", "status").text


def given_up_it_is_named_and_trashed_and_nothing_else_is(cluster):
    cluster.admin("gc", "release")
    status = collected(cluster)
    assert not status["held"] and total(status, "unwanted") == SHARDS, status
    until(lambda: cluster.admin("gc", "status", "--json").json[0]["shards_dead"] == 0, "shards stay dead")
    assert digest(cluster.hearth("cat", "s3://box/before").out) == digest(BEFORE)
    found = cluster.fsck()
    assert found["trashed"] == SHARDS and found["orphans"] == 0, found


if __name__ == "__main__":
    main(what_agrees_is_not_even_listed, what_a_backup_cannot_know_is_found_and_kept,
         given_up_it_is_named_and_trashed_and_nothing_else_is)
