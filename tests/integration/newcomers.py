#!/usr/bin/env python3
"""Four empty nodes beside twelve full ones get their share: all end within 5 % of it, hardly more is
moved than has to be, and customers who read meanwhile do not wait much longer than before.

    newcomers.py [--full]      2,000 objects up to 2 MiB instead of 160 up to 200 KB
"""
import concurrent.futures
import contextlib
import os
import random
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "s3")]
from cluster import digest  # noqa: E402
from customer import Watcher, plan, wait_for  # noqa: E402
from s3_cluster import main  # noqa: E402
from wiping import enrol, number_of  # noqa: E402

FULL = "--full" in sys.argv[1:]
OLD, NEW = 12, range(13, 17)
OBJECTS, LARGEST, BANDWIDTH = (2000, 2 << 20, "20M") if FULL else (160, 200_000, "2M")
GETS = 1000 if FULL else 150
DICE = random.Random(16)
SIZES = {f"{i}": DICE.randrange(LARGEST // 4, LARGEST) for i in range(OBJECTS)}


def content(key):
    return random.Random(key).randbytes(SIZES[key])


def twelve_nodes_are_filled(cluster):
    cluster.client.create_bucket(Bucket="box")
    with concurrent.futures.ThreadPoolExecutor(4) as writers:
        list(writers.map(lambda key: cluster.client.put_object(Bucket="box", Key=key, Body=content(key)), SIZES))
    cluster.wait_full()


def four_empty_ones_come(cluster):
    for name in NEW:
        give_port(cluster, name)
        os.mkdir(os.path.join(cluster.dir, "nodes", str(name)))
        enrol(cluster, name)
    cluster.start(*NEW)
    cluster.count = OLD + len(NEW)
    assert not any(held(cluster)[number_of(cluster, name)] for name in NEW)


def is_listening(port):
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def give_port(cluster, name):
    """The next one that is free."""
    path = os.path.join(cluster.dir, "ports")
    with open(path) as file:
        port = 1 + max(int(line.split()[1]) for line in file)
    while is_listening(port):
        port += 1
    with open(path, "a") as file:
        file.write(f"{name} {port}\n")


def held(cluster):
    """Node -> bytes of the shards that it should have and has, by fsck; of those that answer."""
    found = cluster.admin("fsck", "--space", "--json", fails=None)
    assert found.json[-1]["problems"] == 0, found.text + found.err
    lines = found.json
    return {line["space_of_node"]: line["named_bytes"] for line in lines
            if "space_of_node" in line and line["reached"]}


def waits(cluster, goes_on):
    """Milliseconds of each get, one after the other."""
    dice, found = random.Random(3), []
    while goes_on(len(found)):
        key = dice.choice(list(SIZES))
        begun = time.monotonic()
        got = cluster.client.get_object(Bucket="box", Key=key)["Body"].read()
        found.append(1000 * (time.monotonic() - begun))
        assert digest(got) == digest(content(key)), key
    return sorted(found)


def show_waits(when, found):
    if found:
        print(f"      {len(found)} gets {when}: half within {found[len(found) // 2]:.0f} ms, "
              f"99 of 100 within {found[len(found) * 99 // 100]:.0f} ms", flush=True)


def they_get_their_share_and_hardly_more_is_moved_than_must_be(cluster):
    """A watcher looks on the way; beside the whole of it readers should wait for moves, not for her."""
    look = (lambda: time.sleep(1)) if FULL else Watcher(cluster, prefix="2").look
    before = held(cluster)
    show_waits("before", waits(cluster, lambda count: count < GETS))
    number = cluster.admin("rebalance", "plan", "--bandwidth", BANDWIDTH, "--json").json[0]["plan"]
    cluster.admin("rebalance", "apply", number)
    over, beside = threading.Event(), []
    with concurrent.futures.ThreadPoolExecutor(1) as readers:
        reader = readers.submit(waits, cluster, lambda _: not over.is_set())
        try:
            ended = wait_for(cluster, number, lambda now: now["state"] != "running", limit_s=240, look=look)
        finally:
            over.set()
        beside = reader.result()
    show_waits("beside the moves", beside)
    assert ended["state"] == "done" and ended["moves_done"] > 0, ended
    check_shares(before, held(cluster), plan(cluster, number))


def check_shares(before, after, ended):
    """Nobody came or went, so that the least is what those with less than their share lacked: mostly the
    new ones."""
    assert len(after) == OLD + len(NEW) and sum(after.values()) == sum(before.values()), (before, after)
    share = sum(after.values()) / len(after)
    least = sum(max(0, share - count) for count in before.values())
    percents = sorted(round(100 * count / share, 1) for count in after.values())
    moved = ended["bytes_done"]
    print(f"      {percents[0]} to {percents[-1]} % of their share, {moved / least:.3f} times the least was moved: "
          f"{ended['moves_done']} shards, {moved} bytes", flush=True)
    assert 95 <= percents[0] and percents[-1] <= 105, percents
    assert moved <= 1.1 * least, (moved, least)


def all_is_there_and_whole(cluster):
    cluster.wait_full()
    for key in SIZES:
        got = cluster.client.get_object(Bucket="box", Key=key)["Body"].read()
        assert digest(got) == digest(content(key)), key


if __name__ == "__main__":
    main(twelve_nodes_are_filled, four_empty_ones_come, they_get_their_share_and_hardly_more_is_moved_than_must_be,
         all_is_there_and_whole, nodes=OLD)
