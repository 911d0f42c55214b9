#!/usr/bin/env python3
"""The coordinator is killed at every step of a repair: what it had begun is begun again or is garbage,
no good shard is given up, and everything comes back to n."""
import threading

from cluster import digest, failpoints, main, noise

CONTENT = noise(700_000, seed=5)  # three stripes
NODE = 5


def a_bucket_is_there(cluster):
    cluster.hearth("mb", "s3://box")


def a_coordinator_killed_in_a_repair_goes_on_with_it(cluster):
    """One of eight nodes is away while an object is stored: its slot is filled when it is back."""
    for point in failpoints("coordinator.repair."):
        key = f"s3://box/{point}"
        cluster.kill(NODE)
        cluster.hearth("cp", "-", key, data=CONTENT)
        cluster.kill("coordinator")
        cluster.start_broken("coordinator", f"{point}=kill")
        node = threading.Thread(target=cluster.start, args=(NODE,))  # waits until it is heard
        node.start()
        cluster.await_death("coordinator", point)
        cluster.start("coordinator")
        node.join()
        cluster.wait_full()
        assert cluster.current(key) == digest(CONTENT), point


def everything_is_read_back_from_the_half_that_was_repaired(cluster):
    """Four of eight: the node that was away has to be one of those that are asked."""
    cluster.kill(1, 2, 3, 4)
    for point in failpoints("coordinator.repair."):
        cluster.check(point, CONTENT)
    cluster.start(1, 2, 3, 4)


if __name__ == "__main__":
    main(a_bucket_is_there, a_coordinator_killed_in_a_repair_goes_on_with_it,
         everything_is_read_back_from_the_half_that_was_repaired)
