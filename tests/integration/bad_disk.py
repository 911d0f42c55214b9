#!/usr/bin/env python3
"""The disk of a node becomes read-only, or is unmounted under it: the node says so, serves what it
has or takes itself out, and is accused of nothing; with its disk back it goes on.

On a loop device with the node's volume alone; says why where the machine has none."""
import os
import subprocess
import time

from cluster import digest, main, noise
from power import NotHere, call, has_ended, own_mounts

CONTENT = noise(1_000_000, seed=6)
NODE = 5
OTHERS = (1, 2, 3, 4)
LIMIT_S = 60


def until(what, otherwise):
    end = time.monotonic() + LIMIT_S
    while not what():
        assert time.monotonic() < end, otherwise
        time.sleep(0.1)


def home(cluster):
    return os.path.join(cluster.dir, "nodes", str(NODE))


def volume(cluster):
    return os.path.join(home(cluster), "volume")


def log(cluster):
    with open(os.path.join(home(cluster), "log"), errors="replace") as file:
        return file.read()


def mount(cluster, *options):
    call("mount", "-o", ",".join(("loop", *options)), cluster.path("disk"), volume(cluster))


def give_it_a_disk(cluster):
    """Configuration, key and log stay where they are."""
    own_mounts()
    cluster.kill(NODE)
    os.rename(volume(cluster), volume(cluster) + ".before")
    os.makedirs(volume(cluster))
    call("truncate", "-s", "256M", cluster.path("disk"))
    call("mkfs.ext4", "-q", "-F", cluster.path("disk"))
    mount(cluster, "errors=remount-ro")
    call("cp", "-a", volume(cluster) + ".before/.", volume(cluster))
    cluster.start(NODE)


def put(cluster, name):
    cluster.hearth("cp", "-", f"s3://box/{name}", data=CONTENT)
    cluster.wait_full()


def check_with_node(cluster, name):
    """Four of eight are dead, so its shard is needed."""
    cluster.kill(*OTHERS)
    assert cluster.current(f"s3://box/{name}") == digest(CONTENT), name
    cluster.start(*OTHERS)


def nobody_is_accused(cluster):
    for node in cluster.admin("node", "list", "--json").json:
        assert node["reports"] == 0, node


def start_is_refused(cluster, words):
    assert cluster.control("start", NODE, fails=None).code != 0
    assert words in log(cluster), log(cluster)[-2000:]


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
    for number in range(4):
        cluster.hearth("cp", "-", f"s3://box/meanwhile-{number}", data=CONTENT)
    until(lambda: "volume.read_only" in log(cluster), "the node does not say that it is read-only")
    check_with_node(cluster, "before")
    nobody_is_accused(cluster)
    cluster.kill(NODE)
    start_is_refused(cluster, "Read-only file system")
    call("umount", volume(cluster))
    subprocess.run(["fsck.ext4", "-fy", cluster.path("disk")], capture_output=True, check=False)
    mount(cluster)
    cluster.start(NODE)
    cluster.wait_full()
    check_with_node(cluster, "before")


def a_disk_that_is_unmounted_takes_its_node_out(cluster):
    put(cluster, "with")
    pid = cluster.pids()[str(NODE)]
    call("umount", "--lazy", volume(cluster))
    until(lambda: "volume.gone" in log(cluster), "the node does not say that its volume is gone")
    until(lambda: has_ended(pid), "the node goes on without its volume")
    assert os.listdir(volume(cluster)) == [], "something was written to the empty mount point"
    assert cluster.current("s3://box/with") == digest(CONTENT)
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
    a_disk_that_becomes_read_only_serves_what_it_has(cluster)
    a_disk_that_is_unmounted_takes_its_node_out(cluster)


if __name__ == "__main__":
    main(a_node_with_a_disk_of_its_own)
