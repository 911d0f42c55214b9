#!/usr/bin/env python3
"""A node is killed at every step of its housekeeping: opening its volume, a new log, a checkpoint.
It starts again, and everything that was stored is there."""
import os
import signal

from cluster import digest, failpoints, main, noise

CONTENT = noise(500_000, seed=3)
NODE = 4


def an_object_is_stored(cluster):
    cluster.hearth("mb", "s3://box")
    cluster.put("kept", CONTENT)


def assert_recovers(cluster, point):
    cluster.start(NODE)
    cluster.wait_full()
    assert cluster.current("s3://box/kept") == digest(CONTENT), point


def a_node_killed_while_it_opens_its_volume_starts_again(cluster):
    for point in failpoints("storaged.superblock."):
        cluster.kill(NODE)
        cluster.start_broken(NODE, f"{point}=kill")
        cluster.await_death(NODE, point)
        assert_recovers(cluster, point)


def a_node_killed_at_a_new_log_starts_again(cluster):
    for point in failpoints("storaged.log.created"):
        cluster.kill(NODE)
        cluster.start_broken(NODE, f"{point}=kill")
        if str(NODE) in cluster.pids():  # a log begins with the first record after a start
            cluster.put("new", CONTENT)
        cluster.await_death(NODE, point)
        assert_recovers(cluster, point)


def a_node_killed_at_a_checkpoint_starts_again(cluster):
    """One is written at an orderly end."""
    for point in failpoints("storaged.index."):
        cluster.kill(NODE)
        cluster.start_broken(NODE, f"{point}=kill")
        os.kill(cluster.pids()[str(NODE)], signal.SIGTERM)
        cluster.await_death(NODE, point)
        assert_recovers(cluster, point)


if __name__ == "__main__":
    main(an_object_is_stored, a_node_killed_while_it_opens_its_volume_starts_again,
         a_node_killed_at_a_new_log_starts_again, a_node_killed_at_a_checkpoint_starts_again)
