#!/usr/bin/env python3
"""Packets vanish: to a node, from a node, three of ten, or every answer of the coordinator; and nobody is
told, as on a real network.  Or connections are reset again and again.  Puts and gets are exact and go on,
and everything reaches all eight.

The cluster lives in a network namespace of its own, where nft drops and resets what it is told to.
"""
import ctypes
import os
import subprocess
import sys

from cluster import BIN, digest, main, noise
from power import NotHere, call

CLONE_NEWNET = 0x40000000
CONTENT = noise(3_000_000, seed=12)


def own_network():
    """We and what we start see nothing but a loopback device of our own."""
    if os.geteuid() != 0:
        raise NotHere("it needs root")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise NotHere(f"unshare: {os.strerror(ctypes.get_errno())}")
    call("ip", "link", "set", "lo", "up")
    call("nft", "add table inet test; add chain inet test input { type filter hook input priority 0; }")


def drop(rule):
    call("nft", f"add rule inet test input {rule} drop")


def reset(rule):
    call("nft", f"add rule inet test input {rule} reject with tcp reset")


def heal():
    call("nft", "flush chain inet test input")


def put(cluster, name):
    cluster.put(name, CONTENT)


def check(cluster, name):
    cluster.check(name, CONTENT)


def a_node_that_is_reached_one_way_is_written_around(cluster):
    cluster.hearth("mb", "s3://box")
    put(cluster, "before")
    for name, end in (("unheard", "sport"), ("unreached", "dport")):
        drop(f"tcp {end} {cluster.port(3)}")
        put(cluster, name)
        check(cluster, name)
        check(cluster, "before")
        heal()
    cluster.wait_full()
    cluster.kill(1, 2, 4, 5)
    for name in ("before", "unheard", "unreached"):
        check(cluster, name)
    cluster.start(1, 2, 4, 5)


def packets_that_get_lost_cost_time_only(cluster):
    for number in (2, 6, 7):
        drop(f"tcp dport {cluster.port(number)} numgen random mod 10 < 3")
    put(cluster, "lossy")
    check(cluster, "lossy")
    heal()
    cluster.wait_full()


def connections_that_are_reset_are_made_again(cluster):
    """One of thirty packets to or from two nodes ends its connection, and so does one of a hundred to the
    coordinator."""
    for number in (3, 8):
        for end in ("dport", "sport"):
            reset(f"tcp {end} {cluster.port(number)} numgen random mod 30 == 0")
    reset(f"tcp dport {cluster.port('coordinator')} numgen random mod 100 == 0")
    for name in ("reset 1", "reset 2", "reset 3"):
        put(cluster, name)
        check(cluster, name)
    heal()
    cluster.wait_full()
    cluster.kill(1, 2, 4, 5)
    for name in ("reset 1", "reset 2", "reset 3"):
        check(cluster, name)
    cluster.start(1, 2, 4, 5)


def an_answer_of_the_coordinator_that_is_lost_is_asked_for_again(cluster):
    for number in range(3):
        program = subprocess.Popen([os.path.join(BIN, "hearth"), "--config", cluster.config, "cp", "-",
                                    f"s3://box/lost-{number}"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        program.stdin.write(CONTENT[:2_000_000])  # more than a pipe holds: it is at work
        drop(f"tcp sport {cluster.port('coordinator')}")
        program.stdin.write(CONTENT[2_000_000:])
        program.stdin.close()
        heal()
        said = program.stderr.read().decode()
        program.stderr.close()
        code = program.wait()
        now = cluster.current(f"s3://box/lost-{number}")
        assert now == digest(CONTENT) if code == 0 else "unknown" in said or now is None, (code, said, now)
        assert cluster.current(f"s3://box/lost-{number}") == now, "it changed its mind"
    cluster.wait_full()


if __name__ == "__main__":
    try:
        own_network()
    except (NotHere, FileNotFoundError) as reason:
        print(f"not run: {reason}")
        sys.exit(0)
    main(a_node_that_is_reached_one_way_is_written_around, packets_that_get_lost_cost_time_only,
         connections_that_are_reset_are_made_again,
         an_answer_of_the_coordinator_that_is_lost_is_asked_for_again)
