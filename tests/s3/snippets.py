#!/usr/bin/env python3
"""What docs/s3.md tells people to type works as it stands there, in the order of the page."""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from s3_cluster import S3Cluster, base, main, noise, run  # noqa: E402

PAGE = os.path.join(base.ROOT, "docs", "s3.md")


def snippets():
    """(client, script) of each section that has one."""
    with open(PAGE, encoding="utf-8") as file:
        return re.findall(r"^### (.+?)\n.*?^```sh\n(.*?)^```", file.read(), re.MULTILINE | re.DOTALL)


def each_snippet_of_the_page_works(cluster):
    cluster.write("Pictures/garden.jpg", noise(6_000_000, seed=1))
    cluster.write("Pictures/2025/cat \u00e4.jpg", noise(1000, seed=2))
    env = {**cluster.env, "HOME": cluster.base, "AWS_EC2_METADATA_DISABLED": "true",
           "AWS_DEFAULT_REGION": "us-east-1"}
    found = snippets()
    assert len(found) >= 5, found
    cluster.client.create_bucket(Bucket="vault")  # duplicity makes none
    for client, script in found:
        if client == "s3fs" and not os.path.exists("/dev/fuse"):
            print("      s3fs: left out, for there is no /dev/fuse", flush=True)
            continue
        run(["env", "-u", "AWS_CA_BUNDLE", "bash", "-euo", "pipefail", "-c", script], env=env,
            cwd=cluster.base)
        print(f"      {client}", flush=True)
    for folder in ("Back", "Restored/Pictures", "Duplicated"):
        with open(os.path.join(cluster.base, folder, "garden.jpg"), "rb") as file:
            assert file.read() == noise(6_000_000, seed=1), folder


def an_edit_in_the_middle_of_a_mounted_file_is_there(cluster):
    if os.path.exists("/dev/fuse"):
        content = bytearray(noise(6_000_000, seed=1))
        content[3_000_000:3_000_004] = b"EDIT"
        got = cluster.client.get_object(Bucket="disk", Key="Pictures/plants.jpg")
        assert got["Body"].read() == content


class Mounting(S3Cluster):
    """What is still mounted when it ends is not taken for files of the test."""

    def undo(self):
        run(["umount", "-l", os.path.join(self.base, "Disk")], fails=None)


if __name__ == "__main__":
    main(each_snippet_of_the_page_works, an_edit_in_the_middle_of_a_mounted_file_is_there,
         world=Mounting)
