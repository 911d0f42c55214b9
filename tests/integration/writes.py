#!/usr/bin/env python3
"""Writes go on while at least w = 6 of 8 nodes take their shard, are refused clearly below that, and
reach all eight afterwards."""
import urllib.request

from cluster import expect, main, noise, until

CONTENT = {name: noise(1_500_000, seed=seed)
           for seed, name in enumerate(("all", "two-dead", "three-dead", "stopped", "later"))}


def put(cluster, name, **how):
    return cluster.put(name, CONTENT[name], **how)


def check(cluster, name):
    cluster.check(name, CONTENT[name])


def all_eight_take_their_shard(cluster):
    cluster.hearth("mb", "s3://box")
    put(cluster, "all")
    check(cluster, "all")
    cluster.wait_full()
    assert cluster.holders("all") == [8]


def two_dead_are_written_around(cluster):
    cluster.kill(3, 7)
    put(cluster, "two-dead")
    check(cluster, "two-dead")
    assert min(cluster.holders("two-dead")) >= 6


def three_dead_are_refused(cluster):
    cluster.kill(5)
    result = put(cluster, "three-dead", fails=1)
    expect(result.err.splitlines()[-1], r"hearth: cp - s3://box/three-dead: .*(node|shard).*")
    expect(cluster.hearth("cat", "s3://box/three-dead", fails=1).err, r"hearth: cat .*: .*not found.*|.*no such.*")
    assert len(cluster.hearth("ls", "s3://box/").lines) == 2


def small_things_need_no_node(cluster):
    cluster.put("inline", b"a few bytes")
    assert cluster.hearth("cat", "s3://box/inline").out == b"a few bytes"
    cluster.hearth("rm", "s3://box/inline")


def what_was_written_around_reaches_all_eight(cluster):
    cluster.start(3, 5, 7)
    status = cluster.wait_full()
    assert status["segments_below_n"] == 0 and status["health"] == "healthy"
    assert cluster.holders("two-dead") == [8]
    cluster.kill(1, 2, 4, 6)  # what 3 and 7 got later is as good as the rest
    check(cluster, "two-dead")
    cluster.start(1, 2, 4, 6)


def metrics_of(cluster):
    page = urllib.request.urlopen(f"http://127.0.0.1:{cluster.port('coordinator-admin')}/metrics")
    lines = page.read().decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def status_and_metrics_say_the_same(cluster):
    """Nodes report all the time how much room their disks have, so both are asked until no report comes
    between the two."""
    names = {"objects": "hearth_objects", "bytes": "hearth_object_bytes", "capacity": "hearth_capacity_bytes",
             "segments": "hearth_segments", "segments_below_n": "hearth_segments_below_n",
             "repaired_total": "hearth_repaired_shards_total"}

    def agreed():
        status, metrics = cluster.wait_full(), metrics_of(cluster)
        return metrics if all(status[name] == int(metrics[names[name]]) for name in names) else None

    metrics = until(agreed, "they never agree")
    assert metrics['hearth_cluster_health{health="healthy"}'] == "1"
    assert metrics['hearth_nodes{state="alive"}'] == "8"
    lines = cluster.admin("status").lines
    assert lines[0].startswith("healthy: 8 of 8 nodes answer"), lines


def a_stopped_node_is_not_waited_for(cluster):
    cluster.stop(2)
    result = put(cluster, "stopped")
    assert result.seconds < 20, result.seconds
    check(cluster, "stopped")
    assert min(cluster.holders("stopped")) >= 6
    cluster.start(2)
    cluster.wait_full()
    assert cluster.holders("stopped") == [8]


def a_node_declared_lost_is_rebuilt_elsewhere_or_waited_for(cluster):
    cluster.kill(8)
    number = next(node["number"] for node in cluster.admin("node", "list", "--json").json
                  if node["owner"] == "home-8")
    cluster.admin("node", "lost", number)
    states = {node["owner"]: node["state"] for node in cluster.admin("node", "list", "--json").json}
    assert states["home-8"] == "lost"
    put(cluster, "later")
    for name in ("all", "two-dead", "stopped", "later"):
        check(cluster, name)
    cluster.start(8)  # its shards count again
    cluster.wait_full()
    assert cluster.holders("all") == [8]


if __name__ == "__main__":
    main(all_eight_take_their_shard, two_dead_are_written_around, three_dead_are_refused,
         small_things_need_no_node, what_was_written_around_reaches_all_eight,
         status_and_metrics_say_the_same,
         a_stopped_node_is_not_waited_for, a_node_declared_lost_is_rebuilt_elsewhere_or_waited_for)
