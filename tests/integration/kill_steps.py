#!/usr/bin/env python3
"""Client and coordinator are killed at every step of a write and of a delete: it has one outcome,
nothing is half visible, and a retry works.  Steps are the failpoints that the programs list themselves."""
from cluster import Revival, digest, failpoints, main, noise

KILLED = -9

OLD = noise(400_000, seed=1)
NEW = noise(500_000, seed=2)
LARGE = noise((64 << 20) + 100_000, seed=3)  # two segments: the first is sealed by itself


def a_bucket_is_there(cluster):
    cluster.hearth("mb", "s3://box")


def a_killed_client_leaves_the_old_or_the_new(cluster):
    for point in failpoints("client.put."):
        key = f"client/{point}"
        content = LARGE if point.endswith("sealed") else NEW
        cluster.put(key, OLD)
        result = cluster.hearth("cp", "-", f"s3://box/{key}", data=content, fails=None,
                                env={"HEARTH_FAILPOINT": f"{point}=kill"})
        assert result.code == KILLED, (point, result.code, result.err)
        expected = content if point == "client.put.committed" else OLD
        cluster.check(key, expected)
        cluster.put(key, content)
        cluster.check(key, content)


def a_client_killed_after_a_delete_has_deleted(cluster):
    for point in failpoints("client.delete"):
        cluster.put("deleted", OLD)
        result = cluster.hearth("rm", "s3://box/deleted", fails=None,
                                env={"HEARTH_FAILPOINT": f"{point}=kill"})
        assert result.code == KILLED, (point, result.code, result.err)
        assert cluster.current("s3://box/deleted") is None, point


def with_a_dying_coordinator(cluster, point, *arguments, **how):
    """One call of hearth while the coordinator dies at a failpoint; did it die, and the result."""
    cluster.kill("coordinator")
    cluster.start_broken("coordinator", f"{point}=kill")
    revival = Revival(cluster)
    result = cluster.hearth(*arguments, fails=None, **how)
    died = revival.end()
    if not died:  # the step was not reached: it must not be waiting for the next call
        if "coordinator" in cluster.pids():
            cluster.kill("coordinator")
        cluster.start("coordinator")
    return died, result


def check_outcome(cluster, key, result, before, after):
    """Exit 0: it happened.  "unknown": one or the other.  Any other failure: it did not."""
    now = cluster.current(f"s3://box/{key}")
    if result.code == 0:
        assert now == after, (key, result.err)
    elif "unknown" in result.err:
        assert now in (before, after), (key, result.err)
    else:
        assert now == before, (key, result.err)
    assert cluster.current(f"s3://box/{key}") == now, "it changed its mind"


def put_while_dying(cluster, point, content):
    key = f"coordinator/{point.replace(':', '/')}"
    cluster.put(key, OLD)
    died, result = with_a_dying_coordinator(
        cluster, point, "cp", "-", f"s3://box/{key}", data=content)
    check_outcome(cluster, key, result, digest(OLD), digest(content))
    return died, result.code == 0


def each_step_of_a_put_has_one_outcome(cluster):
    """The library asks again for ten seconds, so a restart is not even noticed."""
    inputs = {"begin": NEW, "open": NEW, "commit": NEW, "seal": LARGE, "inline": b"a few bytes"}
    for step, content in inputs.items():
        for point in failpoints(f"coordinator.{step}."):
            died, done = put_while_dying(cluster, point, content)
            assert died, f"{point} was not passed"
            assert done, point


def each_change_of_metadata_has_one_outcome(cluster):
    """Whatever is in the group that was being committed, heartbeats among it."""
    died = done = 0
    for point in failpoints("coordinator.meta."):
        for nth in (1, 2, 3, 4, 6):
            fell, was_done = put_while_dying(cluster, f"{point}:{nth}", NEW)
            died += fell
            done += was_done
    assert died >= 9 and done >= 9, (died, done)  # the test would show nothing otherwise


def a_delete_survives_the_coordinator(cluster):
    for point in failpoints("coordinator.delete.") + failpoints("coordinator.meta."):
        cluster.put("short-lived", NEW)
        _, result = with_a_dying_coordinator(cluster, point, "rm", "s3://box/short-lived")
        check_outcome(cluster, "short-lived", result, digest(NEW), None)


if __name__ == "__main__":
    main(a_bucket_is_there, a_killed_client_leaves_the_old_or_the_new,
         a_client_killed_after_a_delete_has_deleted, each_step_of_a_put_has_one_outcome,
         each_change_of_metadata_has_one_outcome, a_delete_survives_the_coordinator)
