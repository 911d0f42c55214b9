#!/usr/bin/env python3
"""An upload that was killed goes on where it was when the same command runs again, and only then."""
import contextlib
import os
import signal
import subprocess
import time

from cluster import BIN, main, noise

SEGMENT = 64 << 20
CONTENT = noise(SEGMENT) + noise(SEGMENT, seed=2) + noise(1_000_000, seed=3)
KILLED = -9


def states(cluster):
    folder = cluster.path("state", "hearth", "uploads")
    return os.listdir(folder) if os.path.isdir(folder) else []


def copy(cluster, *arguments, failpoint=None, **how):
    env = {"XDG_STATE_HOME": cluster.path("state")}
    if failpoint:
        env["HEARTH_FAILPOINT"] = failpoint
    return cluster.hearth("cp", "--json", *arguments, env=env, **how)


def written(path):
    """Bytes of a file that were written: what is only allocated to it is a hole."""
    fd = os.open(path, os.O_RDONLY)
    total = at = 0
    with contextlib.suppress(OSError):  # ENXIO: only a hole follows
        while True:
            begin = os.lseek(fd, at, os.SEEK_DATA)
            at = os.lseek(fd, begin, os.SEEK_HOLE)
            total += at - begin
    os.close(fd)
    return total


def stored(cluster):
    """Bytes on the disks of all nodes."""
    return sum(written(os.path.join(folder, name))
               for folder, _, files in os.walk(os.path.join(cluster.dir, "nodes")) for name in files)


def killed_after(cluster, segments, key):
    result = copy(cluster, cluster.path("big"), f"s3://box/{key}", fails=KILLED,
                  failpoint=f"client.put.sealed:{segments}=kill")
    assert len(states(cluster)) == 1, result.err
    assert cluster.current(f"s3://box/{key}") is None


def a_killed_upload_goes_on(cluster):
    cluster.hearth("mb", "s3://box")
    cluster.write("big", CONTENT)
    killed_after(cluster, 2, "killed")
    before = stored(cluster)
    result = copy(cluster, cluster.path("big"), "s3://box/killed")
    assert "goes on after 128 MiB" in result.err, result.err
    line, total = result.json
    assert line["resumed_bytes"] == total["resumed_bytes"] == 2 * SEGMENT and line["size"] == len(CONTENT)
    sent = stored(cluster) - before
    assert sent < SEGMENT, sent  # the last megabyte, twice over with its parity, and some log
    cluster.check("killed", CONTENT)
    assert states(cluster) == []


def another_content_is_another_upload(cluster):
    killed_after(cluster, 1, "changed")
    changed = b"!" + CONTENT[1:]
    path = cluster.path("big")
    with open(path, "r+b") as file:
        file.write(b"!")
    result = copy(cluster, path, "s3://box/changed")
    assert result.json[-1]["resumed_bytes"] == 0 and result.err == ""
    cluster.check("changed", changed)
    assert states(cluster) == []

    # Also when its time says that it is the same: the bytes are compared.
    killed_after(cluster, 1, "forged")
    times = os.stat(path)
    with open(path, "r+b") as file:
        file.write(b"?")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    result = copy(cluster, path, "s3://box/forged")
    assert "is sent from its beginning" in result.err and "not what was sent before" in result.err
    assert result.json[-1]["resumed_bytes"] == 0
    cluster.check("forged", b"?" + CONTENT[1:])
    assert states(cluster) == []


def ctrl_c_and_then_again(cluster):
    program = subprocess.Popen(
        [f"{BIN}/hearth", "--config", cluster.config, "cp", cluster.path("big"), "s3://box/stopped"],
        env={**os.environ, "XDG_STATE_HOME": cluster.path("state")}, stderr=subprocess.PIPE)
    while not states(cluster):
        assert program.poll() is None, program.stderr.read()
        time.sleep(0.001)
    program.send_signal(signal.SIGINT)
    _, err = program.communicate()
    if program.returncode == 0:
        return  # it was done before it heard
    assert program.returncode == 130, err
    assert cluster.current("s3://box/stopped") is None and len(states(cluster)) == 1
    assert copy(cluster, cluster.path("big"), "s3://box/stopped").json[-1]["resumed_bytes"] >= SEGMENT
    assert states(cluster) == []


def a_damaged_state_is_a_new_upload(cluster):
    killed_after(cluster, 1, "damaged")
    path = cluster.path("state", "hearth", "uploads", states(cluster)[0])
    with open(path, "r+b") as file:
        file.seek(-20, os.SEEK_END)
        file.write(b"nonsense")
    result = copy(cluster, cluster.path("big"), "s3://box/damaged")
    assert "is sent from its beginning" in result.err, result.err
    assert result.json[-1]["resumed_bytes"] == 0
    assert states(cluster) == []


def nodes_that_went_away_and_came_back(cluster):
    program = subprocess.Popen(
        [f"{BIN}/hearth", "--config", cluster.config, "cp", cluster.path("big"), "s3://box/cut-off"],
        env={**os.environ, "XDG_STATE_HOME": cluster.path("state")}, stderr=subprocess.PIPE)
    while not states(cluster):
        assert program.poll() is None, program.stderr.read()
        time.sleep(0.001)
    cluster.kill(1, 2, 3)
    _, err = program.communicate()
    cluster.start(1, 2, 3)
    if program.returncode == 0:
        return  # it was done before they went
    assert program.returncode == 1 and cluster.current("s3://box/cut-off") is None, err
    assert copy(cluster, cluster.path("big"), "s3://box/cut-off").json[-1]["resumed_bytes"] >= SEGMENT
    cluster.check("cut-off", b"?" + CONTENT[1:])
    assert states(cluster) == []


if __name__ == "__main__":
    main(a_killed_upload_goes_on, another_content_is_another_upload, ctrl_c_and_then_again,
         nodes_that_went_away_and_came_back, a_damaged_state_is_a_new_upload)
