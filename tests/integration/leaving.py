#!/usr/bin/env python3
"""A home says goodbye: its node is drained while a customer writes, until nothing of it is left and no
leave to read or write there can still be about; then it is removed.  At each look on the way every
segment has as many good shards as it had before."""
import time

from cluster import expect, main, noise
from customer import Customer, Watcher, wait_for

NODES, LEAVER = 10, 3
OBJECTS = {f"object {i}": noise(100_000 + 150_000 * i, seed=i) for i in range(8)}


def objects_are_stored(cluster):
    """Leave to read or write lasts five seconds instead of ten minutes: somebody waits for its end."""
    cluster.set_coordinator(order="5s")
    cluster.hearth("mb", "s3://box")
    for key, content in OBJECTS.items():
        cluster.put(key, content)
    cluster.wait_full()


def a_node_is_drained_to_the_end_while_a_customer_writes(cluster):
    watcher = Watcher(cluster)
    watcher.look()
    customer = Customer(cluster)
    begun = time.monotonic()
    made = cluster.admin("node", "drain", LEAVER, "--json").json[0]
    ended = wait_for(cluster, made["plan"], lambda now: now["state"] != "running", look=watcher.look)
    customer.end()
    watcher.look()
    assert ended["state"] == "done" and ended["reason"] == "nothing of it is left", ended
    assert ended["moves_done"] > 0, ended
    print(f"      {ended['moves_done']} shards moved, done after {time.monotonic() - begun:.1f} s, "
          f"{watcher.looks} looks at {len(watcher.most)} segments", flush=True)
    cluster.kept = {**OBJECTS, **customer.kept}


def then_it_is_removed_and_nobody_misses_it(cluster):
    said = f"node {LEAVER} is empty: hearth-admin node remove {LEAVER}, or undrain"
    assert said in cluster.status()["attention"].splitlines(), cluster.status()["attention"]
    cluster.admin("node", "remove", LEAVER)
    assert said not in cluster.status()["attention"].splitlines()
    assert cluster.admin("node", "show", LEAVER, "--json").json[0]["state"] == "gone"
    expect(cluster.admin("node", "undrain", LEAVER, fails=1).err, r".*node 3 is not draining.*")
    status = cluster.wait_full()
    assert status["segments_below_n"] == 0, status
    cluster.kill(LEAVER)
    for key, content in cluster.kept.items():
        cluster.check(key, content)


if __name__ == "__main__":
    main(objects_are_stored, a_node_is_drained_to_the_end_while_a_customer_writes,
         then_it_is_removed_and_nobody_misses_it, nodes=NODES)
