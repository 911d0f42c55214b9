#!/usr/bin/env python3
"""Storage nodes are killed at every step of a put, and again and again under load: what was
acknowledged stays."""
import random
import threading

from cluster import digest, failpoints, main, noise

CONTENT = noise(500_000, seed=2)


def a_bucket_is_there(cluster):
    cluster.hearth("mb", "s3://box")


def a_killed_node_is_written_around(cluster):
    steps = failpoints("storaged.put.") + failpoints("storaged.log.written") + failpoints("storaged.log.synced")
    for point in steps:
        cluster.kill(4)
        cluster.start_broken(4, f"{point}=kill")
        key = f"storaged/{point}"
        cluster.put(key, CONTENT)
        cluster.check(key, CONTENT)
        assert "4" not in cluster.pids(), f"{point} was not passed"
        cluster.start(4)
        cluster.check(key, CONTENT)
    cluster.wait_full()


class Load(threading.Thread):
    """Writes objects one after the other, and keeps what was acknowledged."""

    def __init__(self, cluster, number):
        super().__init__(daemon=True)
        self.cluster, self.number = cluster, number
        self.chance = random.Random(number)
        self.acknowledged = {}
        self.refused = []
        self.writes = 0
        self.over = threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            key = f"load/{self.number}/{self.writes % 100}"
            content = noise(self.chance.choice((9_000, 70_000, 400_000)), seed=self.writes)
            result = self.cluster.put(key, content, fails=None)
            if result.code == 0:
                self.acknowledged[key] = {digest(content)}
            else:  # it may have happened only if that was said
                self.refused.append(result.err)
                if "unknown" in result.err:
                    self.acknowledged.setdefault(key, {None}).add(digest(content))
            self.writes += 1

    def end(self):
        self.over.set()
        self.join()


def fifty_times_two_kills_under_load_lose_nothing(cluster):
    chance = random.Random(50)
    loads = [Load(cluster, number) for number in range(2)]
    for _ in range(50):  # two kills each: w = 6 of 8 nodes stay
        victims = chance.sample(range(1, 9), 2)
        cluster.kill(*victims)
        cluster.start(*victims)
    for load in loads:
        load.end()
    acknowledged = {key: value for load in loads for key, value in load.acknowledged.items()}
    refused = sum(len(load.refused) for load in loads)
    writes = sum(load.writes for load in loads)
    print(f"      {writes} writes, {refused} refused, {len(acknowledged)} objects")
    assert len(acknowledged) > 20, [load.refused[:3] for load in loads]
    for key, allowed in acknowledged.items():
        assert cluster.current(f"s3://box/{key}") in allowed, key
    cluster.wait_full()


if __name__ == "__main__":
    main(a_bucket_is_there, a_killed_node_is_written_around, fifty_times_two_kills_under_load_lose_nothing)
