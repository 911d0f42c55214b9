#!/usr/bin/env python3
"""Clients that people have, unchanged, on the gateway: each stores a tree, four of eight nodes are
killed, and each restores it byte for byte.  What saves databases is in pgbackrest.py and barman.py."""
import contextlib
import filecmp
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from mounting import Mounting, why_not_mounted  # noqa: E402
from s3_cluster import main, run  # noqa: E402
from s3_suite import bytes_by, empty  # noqa: E402

MIB = 1 << 20
TREE = {"large": 12 * MIB + 345, "sub/small": 3000, "sub/deeper/empty": 0, "with space + plus": 17,
        "\u00e4\u00f6\u00fc \u65e5\u672c": 70_000}


def make_tree(folder):
    for number, (name, size) in enumerate(TREE.items()):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(bytes_by(number, size))


def overwrite(path, at, content):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(content)


@contextlib.contextmanager
def changed(tree, name, at=0):
    """For so long 16 bytes of a file are others, since long ago; yields what they will be again."""
    path = os.path.join(tree, name)
    since = os.stat(path).st_mtime_ns
    with open(path, "rb") as file:
        file.seek(at)
        right = file.read(16)
    overwrite(path, at, bytes(byte ^ 255 for byte in right))
    os.utime(path, (10**9, 10**9))
    yield right
    overwrite(path, at, right)
    os.utime(path, ns=(since, since))


def assert_same(folder, other):
    match, wrong, missing = filecmp.cmpfiles(folder, other, list(TREE), shallow=False)
    assert len(match) == len(TREE), (wrong, missing)


class Desk:
    """Where a client works: its files, its configuration, the gateway's address."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.path = cluster.path
        self.write = cluster.write
        self.url = cluster.endpoint
        self.host = self.url.split("//")[1]
        self.tree = cluster.path("tree")
        self.env = {**cluster.env, "AWS_DEFAULT_REGION": "us-east-1", "HOME": cluster.base,
                    "AWS_EC2_METADATA_DISABLED": "true", "RESTIC_PASSWORD": "secret",
                    "PASSPHRASE": "secret"}

    def run(self, *arguments, **how):
        """A bundle of other people's authorities is none of this test's, and stops rclone."""
        return run(["env", "-u", "AWS_CA_BUNDLE", *arguments], env=self.env, **how)


class AwsCli:
    bucket = "aws-cli"

    def __init__(self, desk):
        self.desk = desk

    def aws(self, *arguments):
        return self.desk.run("aws", "--endpoint-url", self.desk.url, "s3", *arguments)

    def store(self):
        self.aws("mb", f"s3://{self.bucket}")
        self.aws("sync", "--quiet", self.desk.tree, f"s3://{self.bucket}/tree")
        listed = self.aws("ls", "--recursive", f"s3://{self.bucket}/").lines
        assert len(listed) == len(TREE), listed
        self.aws("cp", "--quiet", f"s3://{self.bucket}/tree/large", f"s3://{self.bucket}/moved")
        self.aws("mv", "--quiet", f"s3://{self.bucket}/moved", f"s3://{self.bucket}/moved again")

    def restore(self, folder):
        self.aws("sync", "--quiet", f"s3://{self.bucket}/tree", folder)

    def leave(self):
        self.aws("rm", "--quiet", "--recursive", f"s3://{self.bucket}/")
        self.aws("rb", f"s3://{self.bucket}")


class S3cmd:
    bucket = "s3cmd"

    def __init__(self, desk):
        self.desk = desk
        self.config = desk.write("s3cfg", f"""[default]
access_key = {desk.env["AWS_ACCESS_KEY_ID"]}
secret_key = {desk.env["AWS_SECRET_ACCESS_KEY"]}
host_base = {desk.host}
host_bucket = {desk.host}
bucket_location = us-east-1
use_https = False
multipart_chunk_size_mb = 5
""".encode())

    def s3cmd(self, *arguments):
        return self.desk.run("s3cmd", "-c", self.config, "--no-progress", *arguments)

    def store(self):
        self.s3cmd("mb", f"s3://{self.bucket}")
        self.s3cmd("sync", self.desk.tree + "/", f"s3://{self.bucket}/tree/")
        about = self.s3cmd("info", f"s3://{self.bucket}/tree/large").text
        assert "FULL_CONTROL" in about and "AES256" in about, about
        self.s3cmd("mv", f"s3://{self.bucket}/tree/sub/small", f"s3://{self.bucket}/small")
        self.s3cmd("cp", f"s3://{self.bucket}/small", f"s3://{self.bucket}/tree/sub/small")

    def restore(self, folder):
        os.makedirs(folder)
        self.s3cmd("sync", f"s3://{self.bucket}/tree/", folder + "/")

    def leave(self):
        self.s3cmd("del", "--recursive", "--force", f"s3://{self.bucket}")
        self.s3cmd("rb", f"s3://{self.bucket}")


class Rclone:
    bucket = "rclone"

    def __init__(self, desk):
        self.desk = desk
        self.config = desk.write("rclone.conf", f"""[home]
type = s3
provider = Other
access_key_id = {desk.env["AWS_ACCESS_KEY_ID"]}
secret_access_key = {desk.env["AWS_SECRET_ACCESS_KEY"]}
endpoint = {desk.url}
region = us-east-1
force_path_style = true
upload_cutoff = 5M
chunk_size = 5M
""".encode())

    def rclone(self, *arguments):
        return self.desk.run("rclone", "--config", self.config, *arguments)

    def store(self):
        self.rclone("mkdir", f"home:{self.bucket}")
        self.rclone("copy", self.desk.tree, f"home:{self.bucket}/tree")
        self.rclone("check", self.desk.tree, f"home:{self.bucket}/tree")
        self.rclone("sync", f"home:{self.bucket}/tree", f"home:{self.bucket}/second")
        self.rclone("moveto", f"home:{self.bucket}/second/large", f"home:{self.bucket}/moved")

    def restore(self, folder):
        self.rclone("check", "--download", self.desk.tree, f"home:{self.bucket}/tree")
        self.rclone("copy", f"home:{self.bucket}/tree", folder)

    def leave(self):
        self.rclone("purge", f"home:{self.bucket}")


class Restic:
    bucket = "restic"

    def __init__(self, desk):
        self.desk = desk

    def restic(self, *arguments):
        return self.desk.run("restic", "--no-cache", "-r", f"s3:{self.desk.url}/{self.bucket}",
                             *arguments)

    def store(self):
        self.restic("init")
        self.restic("backup", self.desk.tree)
        with open(os.path.join(self.desk.tree, "sub", "small"), "rb") as file:
            self.desk.write("tree/sub/small", file.read()[::-1])
        self.restic("backup", self.desk.tree)
        self.restic("forget", "--keep-last", "1", "--prune")

    def restore(self, folder):
        self.restic("check", "--read-data")
        self.restic("restore", "latest", "--target", folder)
        return folder + self.desk.tree

    def leave(self):
        """It has no word for that."""


class Duplicity:
    bucket = "duplicity"

    def __init__(self, desk):
        self.desk, self.cluster = desk, desk.cluster

    def duplicity(self, *arguments):
        return self.desk.run("duplicity", *arguments, "--s3-endpoint-url", self.desk.url,
                             "--archive-dir", self.desk.path("duplicity"))

    def store(self):
        """A full backup, and one of what has changed since."""
        self.cluster.client.create_bucket(Bucket=self.bucket)  # it makes none
        with changed(self.desk.tree, "sub/small"):
            self.duplicity("full", self.desk.tree, self.url)
        self.duplicity("incremental", self.desk.tree, self.url)

    @property
    def url(self):
        return f"boto3+s3://{self.bucket}/tree"

    def restore(self, folder):
        self.duplicity("verify", "--compare-data", self.url, self.desk.tree)
        self.duplicity("restore", self.url, folder)

    def leave(self):
        self.duplicity("remove-all-but-n-full", "1", "--force", self.url)


class S3fs:
    """Mounted to store, and again to restore, so that nothing comes out of a cache."""

    bucket = "s3fs"

    def __init__(self, desk):
        self.desk, self.cluster = desk, desk.cluster
        self.config = desk.write("passwd-s3fs", "{AWS_ACCESS_KEY_ID}:{AWS_SECRET_ACCESS_KEY}".format(
            **desk.env).encode())
        os.chmod(self.config, 0o600)

    @contextlib.contextmanager
    def mounted(self):
        folder = self.desk.path("mounted")
        os.makedirs(folder, exist_ok=True)
        self.desk.run("s3fs", self.bucket, folder, "-o", f"url={self.desk.url}", "-o",
                      "use_path_request_style,endpoint=us-east-1,multipart_size=5", "-o",
                      f"passwd_file={self.config}")
        try:
            yield folder
        finally:
            run(["umount", folder])

    def store(self):
        """Copied, renamed there and back, and edited in the middle until it is what it should be."""
        self.cluster.client.create_bucket(Bucket=self.bucket)
        with self.mounted() as folder:
            tree, renamed = os.path.join(folder, "tree"), os.path.join(folder, "renamed")
            with changed(self.desk.tree, "large", at=7 * MIB) as right:
                shutil.copytree(self.desk.tree, tree)
            os.rename(os.path.join(tree, "large"), renamed)
            overwrite(renamed, 7 * MIB, right)
            os.rename(renamed, os.path.join(tree, "large"))

    def restore(self, folder):
        with self.mounted() as mounted:
            shutil.copytree(os.path.join(mounted, "tree"), folder)

    def leave(self):
        with self.mounted() as folder:
            shutil.rmtree(os.path.join(folder, "tree"))


class Boto3:
    """By its transfer manager, which cuts what is large into parts."""

    bucket = "boto3"

    def __init__(self, desk):
        self.desk, self.client = desk, desk.cluster.client

    def store(self):
        self.client.create_bucket(Bucket=self.bucket)
        for name in TREE:
            self.client.upload_file(os.path.join(self.desk.tree, name), self.bucket, name,
                                    ExtraArgs={"Metadata": {"by": "boto3"}})

    def restore(self, folder):
        for name in TREE:
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            assert self.client.head_object(Bucket=self.bucket, Key=name)["Metadata"] == {"by": "boto3"}
            self.client.download_file(self.bucket, name, path)

    def leave(self):
        empty(self.client, self.bucket)


class JavaScript:
    bucket = "javascript"

    def __init__(self, desk):
        self.desk = desk

    def sdk(self, *arguments):
        return self.desk.run("node", os.path.join(HERE, "javascript", "sdk.mjs"), *arguments)

    def store(self):
        self.sdk("store", self.desk.tree, self.bucket)

    def restore(self, folder):
        self.sdk("restore", self.bucket, folder, self.desk.cluster.port("gateway-tls"),
                 os.path.join(self.desk.cluster.dir, "gateway", "authority.pem"))

    def leave(self):
        self.sdk("leave", self.bucket)


def clients_here():
    """Those that this machine can run."""
    reason = why_not_mounted()
    if reason:
        print(f"      s3fs: left out: {reason}", flush=True)
    return [client for client in (Restic, AwsCli, Boto3, S3cmd, Rclone, Duplicity, S3fs, JavaScript)
            if client != S3fs or not reason]


def each_client_restores_what_it_stored_from_half_of_the_nodes(cluster):
    desk = Desk(cluster)
    make_tree(desk.tree)
    clients = [client(desk) for client in clients_here()]
    for client in clients:
        client.store()
        print(f"      {client.bucket} stored", flush=True)
    cluster.wait_full()
    cluster.kill(1, 2, 3, 4)
    for client in clients:
        folder = cluster.path("back", client.bucket)
        assert_same(desk.tree, client.restore(folder) or folder)
        print(f"      {client.bucket} restored", flush=True)
    cluster.start(1, 2, 3, 4)
    for client in clients:
        client.leave()


if __name__ == "__main__":
    main(each_client_restores_what_it_stored_from_half_of_the_nodes, world=Mounting)
