#!/usr/bin/env python3
"""A byte of a shard rots on a disk.  Its node finds it by itself, says so, and the shard is rebuilt:
the object is whole again before any reader has noticed."""
import os
import signal

from cluster import main, noise, until

CONTENT = noise(1_000_000, seed=4)
NODE = 4
IN_A_CELL = 4096 + 64 + 1000  # behind the log's first page and the header of its first record
LIMIT_S = 150  # a node scrubs from its second minute on


def an_object_is_stored(cluster):
    cluster.hearth("mb", "s3://box")
    cluster.put("kept", CONTENT)
    cluster.wait_full()


def flip_a_byte(path):
    with open(path, "r+b") as file:
        file.seek(IN_A_CELL)
        byte = file.read(1)[0]
        file.seek(IN_A_CELL)
        file.write(bytes([byte ^ 1]))


def end(cluster, node):
    """In good order: an index is written, which knows the shard whatever becomes of its bytes."""
    os.kill(cluster.pids()[str(node)], signal.SIGTERM)
    until(lambda: str(node) not in cluster.pids(), "the node does not end")


def placement(cluster):
    return cluster.hearth("stat", "--shards", "s3://box/kept").lines


def said(path, words):
    with open(path, errors="replace") as file:
        return any(all(word in line for word in words) for line in file)


def wait_until_said(path, *ways):
    """Each way to say it is a line's words, separated by blanks."""
    until(lambda: any(said(path, words.split()) for words in ways), f"{path}: nobody said {ways}", LIMIT_S)


def rot_is_found_and_repaired_before_anybody_reads(cluster):
    before = placement(cluster)
    end(cluster, NODE)
    flip_a_byte(os.path.join(cluster.dir, "nodes", str(NODE), "volume", "log-00000001"))
    cluster.start(NODE)
    wait_until_said(os.path.join(cluster.dir, "nodes", str(NODE), "log"), "shard.damaged")
    coordinator = os.path.join(cluster.dir, "coordinator", "log")
    # The node said so, unless an audit was first.
    wait_until_said(coordinator, "by=itself damaged", "shard.convicted fault=rotten")
    wait_until_said(coordinator, "segment.repaired")
    cluster.wait_full()
    assert all(node["reports"] == 0 for node in cluster.admin("node", "list", "--json").json)
    assert placement(cluster) != before


def it_is_read_with_the_new_shard(cluster):
    others = [number for number in range(1, 9) if number != NODE]
    cluster.kill(*others[:4])
    cluster.check("kept", CONTENT)
    cluster.start(*others[:4])
    cluster.wait_full()


if __name__ == "__main__":
    main(an_object_is_stored, rot_is_found_and_repaired_before_anybody_reads,
         it_is_read_with_the_new_shard)
