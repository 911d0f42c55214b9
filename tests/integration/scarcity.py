#!/usr/bin/env python3
"""Descriptors, memory, disk space and the right time run short, and come back: what cannot be done is
refused in words, what was stored stays readable, and nothing has to be started again."""
import contextlib
import os
import shutil
import socket
import subprocess
import time

from cluster import BIN, FAKETIME, digest, expect, main, noise, run, until
from power import CutCluster, NotHere

DESCRIPTORS = 64
MEMORY_MIB = 64
CONTENT = noise(1_000_000, seed=8)


def put(cluster, name, **how):
    return cluster.put(name, CONTENT, **how)


def check(cluster, name):
    cluster.check(name, CONTENT)


def few_descriptors_are_enough(cluster):
    cluster.hearth("mb", "s3://box")
    for pid in cluster.pids().values():
        run(["prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}", "--pid", str(pid)])
    put(cluster, "few")
    check(cluster, "few")


@contextlib.contextmanager
def flood(port):
    """More connections than the process has descriptors, of somebody who says nothing."""
    with contextlib.ExitStack() as open_:
        for _ in range(2 * DESCRIPTORS):
            try:
                open_.enter_context(socket.create_connection(("127.0.0.1", int(port)), timeout=1))
            except TimeoutError:
                break  # its queue is full, too
        yield


def a_flooded_node_is_written_around_and_comes_back(cluster):
    with flood(cluster.port(4)):
        put(cluster, "flooded")
        check(cluster, "flooded")
    cluster.wait_full()
    cluster.kill(1, 2, 3, 5)
    check(cluster, "flooded")  # node 4 answers again
    cluster.start(1, 2, 3, 5)


def a_flooded_coordinator_answers_again(cluster):
    pid = cluster.pids()["coordinator"]
    with flood(cluster.port("coordinator")):
        pass
    put(cluster, "after")
    check(cluster, "after")
    assert cluster.pids()["coordinator"] == pid


def faked(cluster, name, **clock):
    """hearth-storaged by another clock."""
    settings = " ".join(f"{key}={value}" for key, value in clock.items())
    path = cluster.write(name, (
        f"#!/bin/sh\nLD_PRELOAD={FAKETIME} FAKETIME_DONT_FAKE_MONOTONIC=1 {settings} "
        f"exec {BIN}/hearth-storaged \"$@\"\n").encode())
    os.chmod(path, 0o755)
    return {"HEARTH_STORAGED": path}


def check_that_node_5_serves(cluster, name):
    """Its content is whole only with that node."""
    cluster.wait_full()
    cluster.kill(1, 2, 3, 4)
    check(cluster, name)
    cluster.start(1, 2, 3, 4)


def a_clock_one_hour_off_is_no_hindrance(cluster):
    """The node takes the coordinator's time for orders."""
    if not os.path.exists(FAKETIME):
        print("      not run: no faketime")
        return
    for offset in ("+1h", "-1h"):
        cluster.kill(5)
        cluster.control("start", 5, env=faked(cluster, f"storaged{offset}", FAKETIME=offset))
        result = run([os.path.join(BIN, "hearth"), "--config", cluster.config, "cp", "-", "s3://box/late"],
                     data=CONTENT, env={"LD_PRELOAD": FAKETIME, "FAKETIME": offset,
                                        "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
        assert result.err == "", result.err
        check_that_node_5_serves(cluster, "late")
    cluster.kill(5)
    cluster.start(5)


def a_clock_that_jumps_is_no_hindrance(cluster):
    if not os.path.exists(FAKETIME):
        print("      not run: no faketime")
        return
    clock = cluster.write("clock", b"+0")
    cluster.kill(5)
    cluster.control("start", 5, env=faked(cluster, "jumping", FAKETIME_TIMESTAMP_FILE=clock, FAKETIME_NO_CACHE=1))
    pid = cluster.pids()["5"]
    for offset in ("+1h", "-1h", "+0"):
        cluster.write("clock", offset.encode())
        put(cluster, "jumped")
        check_that_node_5_serves(cluster, "jumped")
    assert cluster.pids()["5"] == pid
    cluster.kill(5)
    cluster.start(5)


class MemoryLimit:
    """For one process, its page cache and all, from its beginning."""

    def __init__(self, name, mib):
        self.path = f"/sys/fs/cgroup/memory/hearth-test-{os.getpid()}-{name}"
        try:
            os.mkdir(self.path)
            with open(os.path.join(self.path, "memory.limit_in_bytes"), "w") as file:
                file.write(str(mib << 20))
        except OSError as reason:
            raise NotHere(f"memory limit: {reason}") from None

    def program(self, cluster):
        """hearth-storaged within it."""
        path = cluster.write(os.path.basename(self.path), (
            f"#!/bin/sh\necho $$ >{self.path}/cgroup.procs && exec {BIN}/hearth-storaged \"$@\"\n").encode())
        os.chmod(path, 0o755)
        return {"HEARTH_STORAGED": path}

    def remove(self):
        """Nobody is left in it; who just died may take a moment."""
        while True:
            with contextlib.suppress(OSError):
                os.rmdir(self.path)
                return
            time.sleep(0.01)


def little_memory_is_enough(cluster):
    """Each node has its own little, and none is killed for want of more."""
    limits = {}
    try:
        for number in range(1, cluster.count + 1):
            limits[number] = MemoryLimit(number, MEMORY_MIB)
            cluster.kill(number)
            cluster.control("start", number, env=limits[number].program(cluster))
        pids = cluster.pids()
        for seed in range(3):
            content = noise(40_000_000, seed=seed)
            cluster.put(f"memory-{seed}", content)
            cluster.check(f"memory-{seed}", content)
        assert cluster.pids() == pids
    except NotHere as reason:
        print(f"      not run: {reason}")
    finally:
        for number, limit in limits.items():
            cluster.control("kill", number, fails=None)  # unless it was killed
            limit.remove()
            cluster.start(number)


class Ballast:
    """What somebody else keeps on a disk."""

    def __init__(self, disk, leave):
        self.path = os.path.join(disk.folder, "ballast")
        free = shutil.disk_usage(disk.folder).free
        with open(self.path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, free - leave)
        if leave == 0:  # to the last block
            with open(self.path, "ab", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(4096))

    def remove(self):
        os.unlink(self.path)


def full_nodes_refuse_and_take_again(cluster):
    put(cluster, "before")
    ballasts = [Ballast(disk, 40 << 20) for name, disk in cluster.disks.items() if name != "coordinator"]
    refused = None
    for number in range(400):
        result = cluster.put(f"full-{number}", noise(8_000_000), fails=None)
        if result.code != 0:
            refused = number
            break
    expect(result.err.splitlines()[-1], r"hearth: cp - s3://box/full-\d+: .*(0 of distinct|space).*")
    expect(cluster.hearth("cat", f"s3://box/full-{refused}", fails=1).err, r"hearth: cat .*: .*no such.*")
    check(cluster, "before")
    cluster.hearth("rm", "s3://box/full-0")
    for ballast in ballasts:
        ballast.remove()
    cluster.wait_full()
    wait_for_room(cluster)
    put(cluster, "again")
    check(cluster, "again")


def wait_for_room(cluster):
    """Until the coordinator has heard that there is some again."""
    until(lambda: all(node["free"] >= 100 << 20 for node in cluster.admin("node", "list", "--json").json),
          "it stays full")


def a_full_coordinator_still_reads_and_goes_on(cluster):
    ballast = Ballast(cluster.disks["coordinator"], 0)
    check(cluster, "before")
    waiting = subprocess.Popen([os.path.join(BIN, "hearth"), "--config", cluster.config, "cp", "-",
                                "s3://box/waiting"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    waiting.stdin.write(b"a few bytes")
    waiting.stdin.close()
    check(cluster, "again")
    ballast.remove()
    waiting.wait()
    said = waiting.stderr.read().decode()
    waiting.stderr.close()
    outcome = cluster.current("s3://box/waiting")
    assert waiting.returncode == 0 and outcome == digest(b"a few bytes") or "unknown" in said or (
        outcome is None and said), (waiting.returncode, outcome, said)
    cluster.put("inline", b"a few bytes")
    assert cluster.hearth("cat", "s3://box/inline").out == b"a few bytes"


def on_small_disks(_):
    """Each home has a disk of its own."""
    try:
        with CutCluster("ext4") as cluster:
            cluster.hearth("mb", "s3://box")
            full_nodes_refuse_and_take_again(cluster)
            a_full_coordinator_still_reads_and_goes_on(cluster)
            cluster.fsck()
    except NotHere as reason:
        print(f"      not run: {reason}")


if __name__ == "__main__":
    main(few_descriptors_are_enough, a_flooded_node_is_written_around_and_comes_back,
         a_flooded_coordinator_answers_again, a_clock_one_hour_off_is_no_hindrance,
         a_clock_that_jumps_is_no_hindrance, little_memory_is_enough, on_small_disks)
