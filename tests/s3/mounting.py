"""Whether s3fs can mount here, and a cluster that leaves nothing mounted."""
import os

from s3_cluster import S3Cluster, run

CAP_SYS_ADMIN = 21


def why_not_mounted():
    """None: it can be.  A container may be without the device, or without the right to mount."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"/dev/fuse: {error.strerror}"
    with open("/proc/self/status") as file:
        rights = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff:"))
    if not rights >> CAP_SYS_ADMIN & 1:
        return "mounting: not permitted"
    return None


class Mounting(S3Cluster):
    """What is still mounted when it ends is not taken for files of the test."""

    def undo(self):
        with open("/proc/self/mounts") as file:
            folders = [line.split()[1] for line in file]
        for folder in folders:
            if folder.startswith(self.base + "/"):
                run(["umount", "-l", folder], fails=None)
