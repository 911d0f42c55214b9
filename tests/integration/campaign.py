#!/usr/bin/env python3
"""Faults by the hundred while many callers work: nothing acknowledged is lost, no byte is wrong, each
key is linearizable, and every disk is in order afterwards.

    campaign.py                 a slice of each scenario: minutes
    campaign.py --full          the whole of each scenario once
    campaign.py --hours H       the whole, again and again with other seeds, for H hours
    campaign.py --only NAME     one scenario (with any of these)

Of each scenario one line: what was done, what became of it, the seed, the time.
"""
import argparse
import contextlib
import os
import signal
import sys
import time

from callers import Callers
from cluster import Cluster, stop_cleanly
from power import CutCluster, NotHere


def kill_two_nodes(cluster, callers):
    """As many as writes can do without."""
    victims = callers.chance.sample(range(1, cluster.count + 1), 2)
    cluster.kill(*victims)
    cluster.start(*victims)
    return 2


def kill_the_coordinator(cluster, callers):
    cluster.kill("coordinator")
    callers.wait_for(1) if callers.chance.random() < 0.5 else None
    cluster.start("coordinator")
    return 1


def kill_a_client(_, callers):
    callers.kill_one()
    return 1


@contextlib.contextmanager
def stopped(*pids):
    """They go on as if nothing had been, with whatever they knew before."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def stop_a_client(_, callers):
    with stopped(callers.chance.choice(callers.programs).pid):
        callers.wait_for(30)
    return 1


def stop_two_nodes(cluster, callers):
    pids = cluster.pids()
    with stopped(*(pids[name] for name in callers.chance.sample([*"12345678"], 2))):
        callers.wait_for(5)
    return 2


def stop_the_coordinator(cluster, callers):
    with stopped(cluster.pids()["coordinator"]):
        callers.wait_for(1)
    return 1


STOPS = {stop_two_nodes: "nodes stopped", stop_the_coordinator: "coordinators stopped",
         stop_a_client: "clients stopped"}
KILLS = {kill_two_nodes: "nodes killed", kill_the_coordinator: "coordinators killed",
         kill_a_client: "clients killed"}


def kills(kill):
    def scenario(cluster, amount, seed):
        with Callers(cluster, keys=100, pause_ms=200, seed=seed) as callers:
            done = 0
            while done < amount:
                callers.wait_for(callers.chance.randrange(1, 20))
                done += kill(cluster, callers)
            return f"{done} {KILLS[kill]}", callers.judge()
    return scenario


def check_what_was_said(cluster):
    """A shard that was lost would be repaired, and nobody could tell at the end."""
    said = cluster.said_of_loss()
    assert not said, "\n".join(said[:20])


def power_cuts(cluster, amount, seed):
    """Two nodes of eight, or the coordinator, each with a disk of its own; now and then all of them."""
    with Callers(cluster, keys=100, pause_ms=200, seed=seed) as callers:
        done = 0
        while done < amount:
            callers.wait_for(callers.chance.randrange(1, 20))
            names = callers.chance.choice((
                ["coordinator"], [*cluster.disks], *[callers.chance.sample([*"12345678"], 2) for _ in range(6)]))
            check_what_was_said(cluster)  # the log may go with the disk
            cluster.cut(*names)
            done += len(names)
        return f"power of {done} disks cut", callers.judge()


def on_disks_of(kind):
    """Large ones, of which little is ever written: logs that were cut off keep what they had reserved."""
    return lambda: CutCluster(kind, size="8G")


def histories(cluster, amount, seed):
    """`amount` calls on 20 keys, through any of the kills, and of the stops for a while."""
    faults = {**KILLS, **STOPS}
    done = dict.fromkeys(faults, 0)
    with Callers(cluster, seed=seed) as callers:
        while callers.calls() < amount:
            callers.wait_for(20)
            fault = callers.chance.choice(list(faults))
            done[fault] += fault(cluster, callers)
        return ", ".join(f"{done[fault]} {what}" for fault, what in faults.items()), callers.judge()


# Name, where, scenario, amount of a slice, amount of the whole.
SCENARIOS = (
    ("histories", Cluster, histories, 1000, 10_000),
    ("storaged-kills", Cluster, kills(kill_two_nodes), 20, 500),
    ("coordinator-kills", Cluster, kills(kill_the_coordinator), 10, 200),
    ("client-kills", Cluster, kills(kill_a_client), 20, 200),
    ("power-cuts-ext4", on_disks_of("ext4"), power_cuts, 10, 200),
    ("power-cuts-xfs", on_disks_of("xfs"), power_cuts, 10, 200),
)


def run_one(name, where, scenario, amount, seed):
    start = time.monotonic()
    said = "came to no end"
    try:
        with where() as cluster:
            done, verdict = scenario(cluster, amount, seed)
            said = f"{done}; {verdict}"
            verdict.check()
            check_what_was_said(cluster)
            found = cluster.fsck()
            said += "; fsck: " + ", ".join(f"{found[what]} {what}" for what in ("segments", "shards", "problems"))
    except NotHere as reason:
        said = f"not run: {reason}"
    finally:
        print(f"{name}: {said}; seed {seed}, {time.monotonic() - start:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--hours", type=float, default=0)
    parser.add_argument("--only", choices=[scenario[0] for scenario in SCENARIOS])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    whole = options.full or options.hours > 0
    stop_cleanly(0 if whole else 280)
    until = time.monotonic() + options.hours * 3600
    seed = options.seed
    while True:
        for name, where, scenario, slice_, all_ in SCENARIOS:
            if options.only in (None, name):
                run_one(name, where, scenario, all_ if whole else slice_, seed)
            if seed > options.seed and time.monotonic() > until:
                return
        seed += 1
        if time.monotonic() >= until:
            return


if __name__ == "__main__":
    sys.exit(main())
