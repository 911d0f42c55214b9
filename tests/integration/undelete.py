#!/usr/bin/env python3
"""What was deleted or replaced is listed and comes back byte for byte, also with two nodes gone; what
the operator is told when it cannot.

Run alone: tests/integration/undelete.py
"""
from cluster import digest, main, noise

SMALL, LARGE, OTHER = noise(300, 1), noise(5 << 20, 2), noise(1 << 20, 3)


def what_was_deleted_comes_back(cluster):
    cluster.hearth("mb", "s3://box")
    for key, content in {"small": SMALL, "dir/large": LARGE}.items():
        cluster.hearth("cp", "-", f"s3://box/{key}", data=content)
    cluster.hearth("rm", "-r", "s3://box/")
    cluster.kill(7, 8)
    listed = cluster.admin("undelete", "--list", "s3://box", "--json").json
    assert [entry["key"] for entry in listed] == ["dir/large", "small"], listed
    assert [entry["bytes"] for entry in listed] == [len(LARGE), len(SMALL)], listed
    for key in ("small", "dir/large"):
        cluster.admin("undelete", f"s3://box/{key}")
    assert digest(cluster.hearth("cat", "s3://box/small").out) == digest(SMALL)
    assert digest(cluster.hearth("cat", "s3://box/dir/large").out) == digest(LARGE)
    assert cluster.admin("undelete", "--list", "s3://box").text == ""
    cluster.start(7, 8)


def what_was_replaced_comes_back_when_that_is_meant(cluster):
    cluster.hearth("cp", "-", "s3://box/dir/large", data=OTHER)
    refused = cluster.admin("undelete", "s3://box/dir/large", fails=1)
    assert "the key has an object" in refused.err, refused.err
    kept = cluster.admin("undelete", "--list", "s3://box/dir/", "--json").json[0]
    cluster.admin("undelete", "--replace", "--version-id", kept["version_id"], "s3://box/dir/large")
    assert digest(cluster.hearth("cat", "s3://box/dir/large").out) == digest(LARGE)
    cluster.admin("undelete", "--replace", "s3://box/dir/large")
    assert digest(cluster.hearth("cat", "s3://box/dir/large").out) == digest(OTHER)


def what_cannot_come_back_is_said(cluster):
    for arguments, words in {("s3://box/never",): "nothing deleted is kept",
                             ("s3://nowhere/k",): "no such bucket"}.items():
        refused = cluster.admin("undelete", *arguments, fails=1)
        assert words in refused.err and len(refused.err.splitlines()) == 1, refused.err
    assert cluster.fsck()["trashed"] == 0


if __name__ == "__main__":
    main(what_was_deleted_comes_back, what_was_replaced_comes_back_when_that_is_meant,
         what_cannot_come_back_is_said)
