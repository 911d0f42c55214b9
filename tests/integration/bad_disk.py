#!/usr/bin/env python3
"""The disk of a node stands still, has less room than it says, becomes read-only, or is unmounted under it:
the node says so, serves what it has or takes itself out, and is accused of nothing; with its disk back it
goes on.

On a loop device with the node's volume alone; says why where the machine has none."""
import contextlib
import os
import subprocess

from cluster import main, noise, until
from power import NotHere, call, has_ended, own_mounts

CONTENT = noise(1_000_000, seed=6)
NODE = 5
OTHERS = (1, 2, 3, 4)


def home(cluster):
    return os.path.join(cluster.dir, "nodes", str(NODE))


def volume(cluster):
    return os.path.join(home(cluster), "volume")


def log(cluster):
    with open(os.path.join(home(cluster), "log"), errors="replace") as file:
        return file.read()


def disk(cluster):
    return cluster.path("below", "disk")


def mount(cluster):
    call("mount", "-o", "loop,errors=remount-ro", disk(cluster), volume(cluster))


def mend(cluster):
    """Its node is dead."""
    call("umount", volume(cluster))
    subprocess.run(["fsck.ext4", "-fy", disk(cluster)], capture_output=True, check=False)
    mount(cluster)
    cluster.start(NODE)
    cluster.wait_full()


def give_it_a_disk(cluster):
    """Configuration, key and log stay where they are.  What is below the disk has as much room as it needs."""
    own_mounts()
    cluster.kill(NODE)
    os.rename(volume(cluster), volume(cluster) + ".before")
    os.makedirs(volume(cluster))
    os.makedirs(cluster.path("below"))
    call("mount", "-t", "tmpfs", "-o", "size=300M", "none", cluster.path("below"))
    call("truncate", "-s", "256M", disk(cluster))
    call("mkfs.ext4", "-q", "-F", disk(cluster))
    mount(cluster)
    call("cp", "-a", volume(cluster) + ".before/.", volume(cluster))
    cluster.start(NODE)


def put(cluster, name):
    cluster.put(name, CONTENT)
    cluster.wait_full()


def check_with_node(cluster, name):
    """Four of eight are dead, so its shard is needed."""
    cluster.kill(*OTHERS)
    cluster.check(name, CONTENT)
    cluster.start(*OTHERS)


def nobody_is_accused(cluster):
    for node in cluster.admin("node", "list", "--json").json:
        assert node["reports"] == 0, node


def start_is_refused(cluster, words):
    assert cluster.control("start", NODE, fails=None).code != 0
    assert words in log(cluster), log(cluster)[-2000:]


def put_without_it(cluster, name):
    """Seven nodes are left, six would do."""
    for number in range(4):
        cluster.put(f"{name}-{number}", CONTENT)
        cluster.check(f"{name}-{number}", CONTENT)


def a_disk_that_stands_still_is_not_waited_for(cluster):
    put(cluster, "still")
    call("fsfreeze", "--freeze", volume(cluster))
    try:
        put_without_it(cluster, "frozen")
    finally:
        call("fsfreeze", "--unfreeze", volume(cluster))
    cluster.wait_full()
    nobody_is_accused(cluster)
    for name in ("still", "frozen-0", "frozen-3"):
        check_with_node(cluster, name)


def a_disk_that_has_less_room_than_it_says_loses_nothing_it_acknowledged(cluster):
    """What the file system reserved is not there when it is needed: a sync fails."""
    put(cluster, "room")
    ballast = cluster.path("below", "ballast")
    with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    put_without_it(cluster, "thin")
    until(lambda: "volume.log_failed" in log(cluster), "the node does not say that a write failed")
    nobody_is_accused(cluster)
    cluster.kill(NODE)
    os.unlink(ballast)
    mend(cluster)
    for name in ("room", "thin-0", "thin-3"):
        check_with_node(cluster, name)


def break_file_system(cluster):
    """Its kernel finds an error and makes it read-only, as it does in life."""
    device = subprocess.run(["findmnt", "-no", "SOURCE", volume(cluster)], capture_output=True,
                            text=True, check=True).stdout.strip()
    with open(f"/sys/fs/ext4/{os.path.basename(device)}/trigger_fs_error", "w") as file:
        file.write("1")


def a_disk_that_becomes_read_only_serves_what_it_has(cluster):
    put(cluster, "before")
    try:
        break_file_system(cluster)
    except OSError as reason:
        print(f"      not run: {reason}")
        return
    put_without_it(cluster, "meanwhile")
    until(lambda: "volume.read_only" in log(cluster), "the node does not say that it is read-only")
    check_with_node(cluster, "before")
    nobody_is_accused(cluster)
    cluster.kill(NODE)
    start_is_refused(cluster, "Read-only file system")
    mend(cluster)
    check_with_node(cluster, "before")


def a_disk_that_is_unmounted_takes_its_node_out(cluster):
    put(cluster, "with")
    pid = cluster.pids()[str(NODE)]
    call("umount", "--lazy", volume(cluster))
    until(lambda: "volume.gone" in log(cluster), "the node does not say that its volume is gone")
    until(lambda: has_ended(pid), "the node goes on without its volume")
    assert os.listdir(volume(cluster)) == [], "something was written to the empty mount point"
    cluster.check("with", CONTENT)
    nobody_is_accused(cluster)
    start_is_refused(cluster, "is its disk mounted?")
    mount(cluster)
    cluster.start(NODE)
    cluster.wait_full()
    check_with_node(cluster, "with")


def a_node_with_a_disk_of_its_own(cluster):
    cluster.hearth("mb", "s3://box")
    try:
        give_it_a_disk(cluster)
    except NotHere as reason:
        print(f"      not run: {reason}")
        return
    a_disk_that_stands_still_is_not_waited_for(cluster)
    a_disk_that_has_less_room_than_it_says_loses_nothing_it_acknowledged(cluster)
    a_disk_that_becomes_read_only_serves_what_it_has(cluster)
    a_disk_that_is_unmounted_takes_its_node_out(cluster)


if __name__ == "__main__":
    main(a_node_with_a_disk_of_its_own)
