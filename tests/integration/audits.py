#!/usr/bin/env python3
"""Audits of real nodes: who denies or withholds what it took is found out and suspended, with evidence
that can be checked by whoever has the CA's certificate; honest nodes are not."""
import glob
import os
import time

from cluster import BIN, expect, main, noise

OBJECTS = 40
DENIES, STALLS = 3, 5
PATIENCE_S = 150  # of this test, with a busy machine


def objects_are_stored(cluster):
    cluster.set_coordinator(patience="200ms", recheck="100ms")
    cluster.hearth("mb", "s3://box")
    for seed in range(OBJECTS):
        cluster.put(f"object-{seed}", noise(300_000, seed=seed))
    cluster.wait_full()


def nodes(cluster, *arguments):
    lines = cluster.admin("audit", *(arguments or ("status",)), "--json").json
    return {int(node["owner"].removeprefix("home-")): node for node in lines}


def honest_nodes_pass(cluster):
    for node in nodes(cluster, "run", "--cells", "20").values():
        assert node["requested"] == 0 and node["passes"] >= 15, node
        assert node["fails"] == 0 and node["state"] == "alive", node


def make(cluster, number, lie):
    cluster.kill(number)
    cluster.control("start", number, env={
        "HEARTH_STORAGED": os.path.join(BIN, "evilnode"), "HEARTH_EVIL": lie})


def until(cluster, number, is_so, cells):
    """Audits by hand go on until it is so: a node that is slow or starting is asked again."""
    end = time.monotonic() + PATIENCE_S
    while True:
        node = nodes(cluster)[number]
        if is_so(node):
            return node
        assert time.monotonic() < end, node
        if cells:
            cluster.admin("audit", "run", "--node", node["id"], "--cells", str(cells))
        else:
            time.sleep(0.2)


def who_denies_is_suspended(cluster):
    make(cluster, DENIES, "some")
    node = until(cluster, DENIES, lambda node: node["state"] == "suspended", 10)
    assert node["fails"] >= 2, node


def its_evidence_proves_it_elsewhere(cluster):
    folder = cluster.path("evidence")
    os.mkdir(folder)
    listed = cluster.admin("audit", "evidence", "--out", folder, "--json").json
    assert len(listed) >= 2, listed
    files = sorted(glob.glob(os.path.join(folder, "*.evidence")))
    assert len(files) == len(listed)
    assert {record["fault"] for record in listed} == {"missing"}, listed
    cluster.kill("coordinator")  # it is not needed
    cluster.admin("audit", "verify", *files)
    with open(files[0], "r+b") as file:
        file.seek(60)
        byte = file.read(1)
        file.seek(60)
        file.write(bytes([byte[0] ^ 1]))
    expect(cluster.admin("audit", "verify", files[0], fails=1).err, r".*audit verify: .*altered.*")
    cluster.start("coordinator")


def who_withholds_is_contained_and_then_proven(cluster):
    make(cluster, STALLS, "stall")
    until(cluster, STALLS, lambda node: node["contained_now"] > 0, 10)
    node = until(cluster, STALLS, lambda node: node["fails"] > 0, 0)
    faults = {record["fault"] for record in
              cluster.admin("audit", "evidence", "--node", node["id"], "--json").json}
    assert faults == {"silent"}, faults


def nobody_else_is_convicted(cluster):
    for number, node in nodes(cluster).items():
        if number not in (DENIES, STALLS):
            assert node["fails"] == 0 and node["state"] == "alive", node


def bad_questions(cluster):
    expect(cluster.admin("audit", "run", "--node", "99", fails=1).err, r".*node 99: no such node.*")
    expect(cluster.admin("audit", "run", "--cells", "0", fails=None).err, r".*--cells 0: expected 1 to .*")
    empty = cluster.path("empty")
    cluster.write("empty", b"")
    expect(cluster.admin("audit", "verify", empty, fails=1).err, r".*empty: .*no evidence.*")
    for number in (DENIES, STALLS):  # for the last claim: their disks are as they should be
        cluster.kill(number)
        cluster.start(number)


if __name__ == "__main__":
    main(objects_are_stored, honest_nodes_pass, who_denies_is_suspended,
         its_evidence_proves_it_elsewhere, who_withholds_is_contained_and_then_proven,
         nobody_else_is_convicted, bad_questions)
