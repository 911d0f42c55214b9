#!/usr/bin/env python3
"""What docs/s3.md tells people to type works as it stands there, in the order of the page; what needs
a database is run by the tests that have one."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from mounting import Mounting, why_not_mounted  # noqa: E402
from page import snippets  # noqa: E402
from s3_cluster import main, noise, run  # noqa: E402

WITH_A_DATABASE = ("pgBackRest", "Barman")


def why_left_out(client):
    if client in WITH_A_DATABASE:
        return "has a test of its own"
    return why_not_mounted() if client == "s3fs" else None


def each_snippet_of_the_page_works(cluster):
    cluster.write("Pictures/garden.jpg", noise(6_000_000, seed=1))
    cluster.write("Pictures/2025/cat \u00e4.jpg", noise(1000, seed=2))
    os.symlink(os.path.join(HERE, "javascript", "node_modules"), cluster.path("node_modules"))
    env = {**cluster.env, "HOME": cluster.base, "AWS_EC2_METADATA_DISABLED": "true",
           "AWS_DEFAULT_REGION": "us-east-1"}
    found = snippets()
    assert len(found) >= 10, found
    cluster.client.create_bucket(Bucket="vault")  # duplicity makes none
    for client, scripts in found.items():
        reason = why_left_out(client)
        for script in scripts if reason is None else ():
            run(["env", "-u", "AWS_CA_BUNDLE", "bash", "-euo", "pipefail", "-c", script], env=env,
                cwd=cluster.base)
        print(f"      {client}: {reason or 'works'}", flush=True)
    for folder in ("Back", "Restored/Pictures", "Duplicated"):
        with open(os.path.join(cluster.base, folder, "garden.jpg"), "rb") as file:
            assert file.read() == noise(6_000_000, seed=1), folder


def an_edit_in_the_middle_of_a_mounted_file_is_there(cluster):
    if why_not_mounted() is None:
        content = bytearray(noise(6_000_000, seed=1))
        content[3_000_000:3_000_004] = b"EDIT"
        got = cluster.client.get_object(Bucket="disk", Key="Pictures/plants.jpg")
        assert got["Body"].read() == content


if __name__ == "__main__":
    main(each_snippet_of_the_page_works, an_edit_in_the_middle_of_a_mounted_file_is_there,
         world=Mounting)
