#!/usr/bin/env python3
"""Clients that people have, unchanged, on the gateway: each stores a tree, four of eight nodes are
killed, and each restores it byte for byte."""
import filecmp
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from s3_cluster import main, run  # noqa: E402
from s3_suite import bytes_by  # noqa: E402

MIB = 1 << 20
TREE = {"large": 12 * MIB + 345, "sub/small": 3000, "sub/deeper/empty": 0, "with space + plus": 17,
        "\u00e4\u00f6\u00fc \u65e5\u672c": 70_000}


def make_tree(folder):
    for number, (name, size) in enumerate(TREE.items()):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(bytes_by(number, size))


def assert_same(folder, other):
    match, wrong, missing = filecmp.cmpfiles(folder, other, list(TREE), shallow=False)
    assert len(match) == len(TREE), (wrong, missing)


class Desk:
    """Where a client works: its files, its configuration, the gateway's address."""

    def __init__(self, cluster):
        self.path = cluster.path
        self.write = cluster.write
        self.url = cluster.endpoint
        self.host = self.url.split("//")[1]
        self.tree = cluster.path("tree")
        self.env = {**cluster.env, "AWS_DEFAULT_REGION": "us-east-1", "HOME": cluster.base,
                    "AWS_EC2_METADATA_DISABLED": "true", "RESTIC_PASSWORD": "secret"}

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


CLIENTS = (Restic, AwsCli, S3cmd, Rclone)


def each_client_restores_what_it_stored_from_half_of_the_nodes(cluster):
    desk = Desk(cluster)
    make_tree(desk.tree)
    clients = [client(desk) for client in CLIENTS]
    for client in clients:
        client.store()
    cluster.wait_full()
    cluster.kill(1, 2, 3, 4)
    for client in clients:
        folder = cluster.path("back", client.bucket)
        assert_same(desk.tree, client.restore(folder) or folder)
        print(f"      {client.bucket}", flush=True)
    cluster.start(1, 2, 3, 4)
    for client in clients:
        client.leave()


if __name__ == "__main__":
    main(each_client_restores_what_it_stored_from_half_of_the_nodes)
