"""A cluster whose coordinator and nodes each have a disk that can lose power: a loop device with ext4
or XFS, which the kernel shuts down without writing what was not synced.

Needs root and loop devices; CutCluster raises NotHere where there are none.
"""
import contextlib
import ctypes
import fcntl
import glob
import os
import signal
import struct
import subprocess
import time

from cluster import Cluster

SHUTDOWN = 0x8004587D  # _IOR('X', 125, uint32_t), of XFS and ext4 alike
WITHOUT_LOG_FLUSH = 2
CLONE_NEWNS = 0x20000
MAKE = {"ext4": ("mkfs.ext4", "-q", "-F"), "xfs": ("mkfs.xfs", "-q", "-f")}


class NotHere(Exception):
    """Why this machine cannot do it."""


def call(*arguments):
    done = subprocess.run(arguments, capture_output=True, check=False, text=True)
    if done.returncode != 0:
        raise NotHere(f"{' '.join(arguments)}: {done.stderr.strip()}")


def own_mounts():
    """What is mounted from now on is seen by us and what we start, and goes with the last of us."""
    if os.geteuid() != 0:
        raise NotHere("it needs root")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise NotHere(f"unshare: {os.strerror(ctypes.get_errno())}")
    call("mount", "--make-rprivate", "/")


class Disk:
    def __init__(self, kind, image, folder, size):
        self.kind, self.image, self.folder = kind, image, folder
        os.makedirs(folder, exist_ok=True)
        call("truncate", "-s", size, image)
        call(*MAKE[kind], image)
        self.mount()

    def mount(self):
        call("mount", "-t", self.kind, "-o", "loop", self.image, self.folder)

    def cut(self):
        """Now.  What was not synced is gone, and whatever is done to it fails."""
        fd = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", WITHOUT_LOG_FLUSH))
        finally:
            os.close(fd)

    def unmount(self):
        """Nobody may have a file open; who just died may take a moment."""
        for _ in range(500):
            if subprocess.run(["umount", self.folder], capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.01)
        call("umount", "--lazy", self.folder)


def check_that_power_fails(disk):
    """What was synced is there afterwards, what was not is not: otherwise cuts would show nothing."""
    for name, synced in (("synced", True), ("unsynced", False)):
        with open(os.path.join(disk.folder, name), "wb") as file:
            file.write(b"x" * 100_000)
            if synced:
                os.fsync(file.fileno())
    disk.cut()
    disk.unmount()
    disk.mount()
    sizes = {name: os.path.getsize(os.path.join(disk.folder, name))
             for name in os.listdir(disk.folder) if name.endswith("synced")}
    if sizes.get("synced") != 100_000 or sizes.get("unsynced", 0) != 0:
        raise NotHere(f"the shutdown of {disk.kind} leaves {sizes}")
    for name in sizes:
        os.unlink(os.path.join(disk.folder, name))


def has_ended(pid):
    """With its last thread, which has its files open until then."""
    try:
        with open(f"/proc/{pid}/status") as file:
            facts = dict(line.split(":", 1) for line in file)
    except OSError:
        return True
    return facts["State"].strip().startswith("Z") and int(facts["Threads"]) <= 1


def state_of(task):
    """R, S, D, T, ...; Z when it is gone."""
    try:
        with open(f"{task}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


def is_of_the_kernel(task):
    """A worker of io_uring: it never returns to the program, and is never stopped."""
    try:
        with open(f"{task}/comm") as file:
            return file.read().startswith("iou-")
    except OSError:
        return True


def freeze(pid):
    """From its return on the program says no word to anybody.

    Its machine loses power at once, but XFS, when it is shut down, lets a sync that is under way
    succeed without having written (45 times among 24,000): what is acknowledged after that
    would be lost by nobody's fault."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    for task in glob.glob(f"/proc/{pid}/task/*"):
        while state_of(task) not in "TZX" and not is_of_the_kernel(task):
            time.sleep(0.001)


class CutCluster(Cluster):
    def __init__(self, kind, size="512M", nodes=8):
        super().__init__(nodes)
        self.kind, self.size, self.disks = kind, size, {}

    def prepare(self):
        own_mounts()
        homes = {"coordinator": os.path.join(self.dir, "coordinator")}
        homes.update((str(n), os.path.join(self.dir, "nodes", str(n))) for n in range(1, self.count + 1))
        for name, home in homes.items():
            self.disks[name] = Disk(self.kind, os.path.join(self.base, f"disk-{name}"), home, self.size)
        check_that_power_fails(self.disks["coordinator"])

    def __enter__(self):
        super().__enter__()
        for disk in self.disks.values():  # what set the cluster up need not have been careful
            call("sync", "-f", disk.folder)
        return self

    def undo(self):
        for disk in self.disks.values():
            disk.unmount()

    def cut(self, *names):
        """Power fails in these homes, and comes back."""
        pids = self.pids()
        for name in names:
            freeze(pids[name])
        for name in names:
            self.disks[name].cut()
            with contextlib.suppress(ProcessLookupError):
                os.kill(pids[name], signal.SIGKILL)
        for name in names:
            while not has_ended(pids[name]):
                time.sleep(0.001)
            self.disks[name].unmount()
            self.disks[name].mount()
        self.start(*names)
