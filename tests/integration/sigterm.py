#!/usr/bin/env python3
"""SIGTERM in the middle of everything: nodes, coordinator and clients end by themselves, in time, and
nothing that was acknowledged is lost."""
import os
import signal
import subprocess
import time

from callers import Callers
from cluster import BIN, leftovers, main, noise
from power import has_ended

STOP_S = 10  # what a stop may take
SLACK_S = 10  # and a busy machine
SEED = 7


def told_to_stop(cluster, *names):
    """All at once; each says that it was told, and has ended in time."""
    pids = cluster.pids()
    said = {name: stops_said(cluster, name) for name in names}
    until = time.monotonic() + STOP_S + SLACK_S
    for name in names:
        os.kill(pids[name], signal.SIGTERM)
    for name in names:
        while not has_ended(pids[name]):
            assert time.monotonic() < until, f"{name} does not end"
            time.sleep(0.01)
        assert stops_said(cluster, name) == said[name] + 1, f"{name} ended by itself"


def stops_said(cluster, name):
    folder = ("nodes", name) if name.isdigit() else (name,)
    with open(os.path.join(cluster.dir, *folder, "log"), errors="replace") as file:
        return file.read().count(" process.stopped ")


def under_load_all_that_is_acknowledged_stays(cluster):
    with Callers(cluster, seed=SEED, pause_ms=20) as callers:
        for names in (["1", "2"], ["coordinator"], ["3"], ["coordinator", "4", "5"], list(cluster.pids())):
            callers.wait_for(40)
            told_to_stop(cluster, *names)
            cluster.start(*names)
        verdict = callers.judge()
    print(f"      {verdict}")
    verdict.check()


def a_put_that_is_told_to_stop_leaves_nothing(cluster):
    """In the middle of its second segment."""
    cluster.hearth("mb", "s3://box")
    put = subprocess.Popen([os.path.join(BIN, "hearth"), "--config", cluster.config, "cp", "-", "s3://box/half"],
                           stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    for seed in range(10):
        put.stdin.write(noise(8_000_000, seed=seed))
    put.send_signal(signal.SIGTERM)
    _, said = put.communicate(timeout=STOP_S + SLACK_S)
    assert put.returncode != 0, said
    assert cluster.current("s3://box/half") is None


def a_get_that_is_told_to_stop_leaves_no_file(cluster):
    cluster.put("large", noise(60_000_000))
    target = cluster.path("large")
    get = subprocess.Popen([os.path.join(BIN, "hearth"), "--config", cluster.config, "cp", "--bwlimit", "1M",
                            "s3://box/large", target], stderr=subprocess.PIPE)
    while not leftovers(cluster.base):
        assert get.poll() is None, get.stderr.read()
        time.sleep(0.01)
    get.send_signal(signal.SIGTERM)
    get.communicate(timeout=STOP_S + SLACK_S)
    assert get.returncode != 0
    assert not os.path.exists(target) and not leftovers(cluster.base)


if __name__ == "__main__":
    main(under_load_all_that_is_acknowledged_stays, a_put_that_is_told_to_stop_leaves_nothing,
         a_get_that_is_told_to_stop_leaves_no_file)
