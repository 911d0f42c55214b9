#!/usr/bin/env python3
"""Sixteen nodes are killed, wiped, stopped, cut off one way, made slow, filled up, drained, removed and
brought back, the coordinator and the gateway are killed, and the coordinator stays away for longer than
clients ask for it; shards move by plans that are paused and cancelled; meanwhile objects of every size are
written, replaced, deleted and read, and all nodes are audited.  Afterwards each acknowledged object is
there byte for byte, every queue is empty, nobody honest is accused and every disk is in order.

    thrasher.py [--seed N]      a slice: some hundred objects
    thrasher.py --full          20,000 objects, 4 GiB in all, 12 minutes at least
    thrasher.py --schedule      what would be done, and when, and nothing is

What is done follows from the seed alone, and when is counted in objects, not in seconds.  As many
nodes are away at any time as an object that was acknowledged with w of its shards can do without.  Now
and then all are brought back, nobody writes, and everything becomes whole; then half of the shards of
an object may be away, or lost for good.
"""
import argparse
import collections
import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "s3")]
import cluster as base  # noqa: E402
from cluster import digest, stop_cleanly  # noqa: E402
from course import NODES, SLICE, WHEN_QUIET, schedule, show  # noqa: E402
from s3_cluster import S3Cluster  # noqa: E402
from troubles import Troubles  # noqa: E402
from wiping import come_back, lose  # noqa: E402

import botocore.exceptions  # noqa: E402

KIB, MIB = 1 << 10, 1 << 20


NO_ANSWER = (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError,
             botocore.exceptions.IncompleteReadError)

# ---- what is stored ----


def size_of(chance, largest):
    """Of each kind the size is spread over its magnitudes: 210 KiB on average if the largest is 64 MiB."""
    low, high = chance.choices(((1, 64 * KIB), (64 * KIB, MIB), (MIB, largest)), (90, 9, 1.1))[0]
    return round(low * (high / low) ** chance.random())


def assert_served(error):
    """It is an answer that asks for another try, or none."""
    answer = getattr(error, "response", None) or {"ResponseMetadata": {"HTTPStatusCode": 500}}
    assert answer["ResponseMetadata"]["HTTPStatusCode"] >= 500, error


class Writer(threading.Thread):
    """Writes its share of the objects, and again and again replaces, deletes and reads one of them.
    `held`: key -> digests that it may have; several after a call whose outcome is unknown."""

    def __init__(self, load, number):
        super().__init__(daemon=True)
        self.load, self.number = load, number
        self.chance = random.Random(f"{load.seed} {number}")
        self.client = load.cluster.client_of()
        self.held, self.failed, self.error = {}, 0, None

    def run(self):
        try:
            while self.load.take():
                self.put(f"{self.number}/{len(self.held)}")
                other = self.chance.choice(list(self.held))
                what = self.chance.choices((self.put, self.delete, self.check, None), (10, 5, 30, 55))[0]
                if what:
                    what(other)
        except BaseException as error:  # told by whoever waits for it
            self.error = error

    def put(self, key):
        content = self.chance.randbytes(size_of(self.chance, self.load.options.largest))
        self.change(key, digest(content), lambda: self.client.put_object(Bucket="box", Key=key, Body=content))

    def delete(self, key):
        self.change(key, None, lambda: self.client.delete_object(Bucket="box", Key=key))

    def change(self, key, becomes, call):
        try:
            call()
            self.held[key] = {becomes}
        except (botocore.exceptions.ClientError, *NO_ANSWER) as error:
            assert_served(error)
            self.failed += 1
            self.held[key] = self.held.get(key, {None}) | {becomes}

    def check(self, key):
        found = self.read(key)
        assert found in self.held[key], f"{key}: {found}, expected {self.held[key]}"
        self.held[key] = {found}

    def read(self, key):
        """Nodes in trouble are no reason for it to fail."""
        while True:
            moment = self.load.front.moment()
            try:
                return digest(self.client.get_object(Bucket="box", Key=key)["Body"].read())
            except self.client.exceptions.NoSuchKey:
                return None
            except (botocore.exceptions.ClientError, *NO_ANSWER) as error:
                assert_served(error)
                if self.load.front.moment() == moment:
                    raise


class Load:
    """All writers, and how far they are."""

    def __init__(self, cluster, front, options, writers=4):
        self.cluster, self.front, self.options, self.seed = cluster, front, options, options.seed
        self.begun, self.taken, self.allowed, self.idle = time.monotonic(), 0, 0, 0
        self.progress = threading.Condition()
        cluster.client.create_bucket(Bucket="box")
        self.writers = [Writer(self, number) for number in range(writers)]
        for writer in self.writers:
            writer.start()

    def take(self):
        """One more object may be written, when it is allowed and not before its time; False: that were
        all."""
        with self.progress:
            due = self.begun + self.options.seconds * self.taken / self.options.objects
            self.progress.wait_for(lambda: time.monotonic() >= due, max(0, due - time.monotonic()))
            self.idle += 1
            self.progress.notify_all()
            self.progress.wait_for(lambda: self.taken < self.allowed or self.taken == self.options.objects)
            if self.taken == self.options.objects:
                return False
            self.idle -= 1
            self.taken += 1
            self.progress.notify_all()
            return True

    def go_on(self, count, allowed):
        """Until so many objects were begun; from now on they may be begun up to those allowed."""
        with self.progress:
            self.allowed = allowed
            self.progress.notify_all()
            while self.taken < count or (count == allowed and self.idle < len(self.writers)):
                self.progress.wait(1)
                self.look()

    def look(self):
        for writer in self.writers:
            if writer.error:
                raise writer.error

    def check_with_half(self, event):
        """Nobody writes and everything is whole; k shards of each object are left."""
        is_lost = event.verb == "half lost"
        lose(self.cluster, *event.nodes) if is_lost else self.cluster.kill(*event.nodes)
        for writer in self.writers:
            for key in writer.chance.sample(list(writer.held), min(4, len(writer.held))):
                writer.check(key)
        if not is_lost:
            self.cluster.start(*event.nodes)
            return
        for node in event.nodes:
            come_back(self.cluster, node)
        self.cluster.wait_full("240s")

    def end(self):
        self.go_on(self.options.objects, self.options.objects)
        for writer in self.writers:
            writer.join()
        self.look()

    def check_all(self):
        """Every key of every writer; what is listed is what is there."""
        there = set()
        for writer in self.writers:
            for key in writer.held:
                writer.check(key)
            there |= {key for key, held in writer.held.items() if held != {None}}
        listed = {entry["key"] for entry in self.cluster.hearth("ls", "-r", "--json", "s3://box/").json}
        assert listed == there, (listed - there, there - listed)
        return len(there)


class Auditor(threading.Thread):
    """Has every node asked for cells all the time, whatever trouble it is in."""

    def __init__(self, cluster, front):
        super().__init__(daemon=True)
        self.cluster, self.front, self.over = cluster, front, threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            self.front.moment()
            self.cluster.admin("audit", "run", "--cells", "10", fails=None)

    def end(self):
        """How many cells came; of nobody was it said that one is missing."""
        self.over.set()
        self.join()
        nodes = [node for node in self.cluster.admin("audit", "status", "--json").json if "passes" in node]
        accused = [node for node in nodes if node["fails"]]
        assert not accused, accused
        return sum(node["passes"] for node in nodes)


# ---- all of it ----


def are_alive(cluster):
    """All that are, and the others are gone for good: a node may only ask for the coordinator now and then."""
    states = collections.Counter(node["state"] for node in cluster.admin("node", "list", "--json").json)
    return states.pop("alive", 0) == NODES and set(states) <= {"lost", "gone"}


def check_queues_and_nodes(cluster):
    status = cluster.wait_full("240s")
    queues = ("segments_below_n", "segments_unreadable", "repair_queue", "repair_waiting")
    assert not any(status[name] for name in queues), status
    base.until(lambda: are_alive(cluster), "a node stays away")
    said = cluster.said_of_loss()
    assert not said, "\n".join(said[:20])


def go_through(events, load, troubles):
    for event, until in zip(events, [event.after for event in events[1:]] + [load.options.objects]):
        is_quiet = event.verb in WHEN_QUIET
        load.go_on(event.after, event.after if is_quiet else until)
        troubles.begin(event)
        if is_quiet:
            load.check_with_half(event)
        print(f"      {time.monotonic() - load.begun:.0f} s, {load.taken} objects: {event}", flush=True)
    load.end()


def thrash(cluster, options, events):
    troubles = Troubles(cluster)
    auditor = Auditor(cluster, troubles.front)
    load = Load(cluster, troubles.front, options)
    go_through(events, load, troubles)
    passed = auditor.end()
    print(f"      {passed} audits passed, none failed", flush=True)
    check_queues_and_nodes(cluster)
    print(f"      fsck: {cluster.fsck_online()['verified']} shards verified", flush=True)
    count = load.check_all()
    failed = sum(writer.failed for writer in load.writers)
    print(f"      {count} objects are there, {failed} calls failed, {time.monotonic() - load.begun:.0f} s")
    assert passed >= options.audits, passed


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--schedule", action="store_true")
    parser.add_argument("--objects", type=int)
    parser.add_argument("--events", type=int)
    parser.add_argument("--seconds", type=int, help="that it takes at least")
    parser.add_argument("--audits", type=int, help="that must have passed at least")
    options = parser.parse_args()
    whole = {"seed": 1, "objects": 20_000, "events": 144, "seconds": 720, "largest": 64 * MIB, "audits": 10_000}
    a_slice = {**SLICE, "seconds": 0, "largest": 8 * MIB, "audits": 1}
    for name, value in (whole if options.full else a_slice).items():
        if getattr(options, name, None) is None:
            setattr(options, name, value)
    return options


def main():
    options = parse()
    events = list(schedule(options.seed, options.objects, options.events))
    assert events == list(schedule(options.seed, options.objects, options.events))
    print(f"   seed {options.seed}: {options.objects} objects, {options.events} events", flush=True)
    show(events)
    if options.schedule:
        return
    stop_cleanly(0 if options.full else base.LIMIT_S)
    with S3Cluster(NODES) as cluster:
        cluster.set_coordinator(order="30s")  # else no drain would end
        thrash(cluster, options, events)
        base.nothing_is_amiss_on_any_disk(cluster)


if __name__ == "__main__":
    sys.exit(main())
