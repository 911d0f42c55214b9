#!/usr/bin/env python3
"""Debian's aws-cli, as people use it: whole objects, and half of the nodes lost."""
from s3_cluster import digest, main, noise


def files_go_up_and_come_back(s3):
    s3.aws("s3", "mb", "s3://attic")
    content = noise(5_000_000, seed=1)
    s3.aws("s3", "cp", s3.write("file", content), "s3://attic/a/file")
    s3.aws("s3", "cp", "s3://attic/a/file", s3.path("back"))
    with open(s3.path("back"), "rb") as file:
        assert digest(file.read()) == digest(content)


def four_of_eight_nodes_may_go(s3):
    s3.wait_full()
    s3.kill(2, 4, 6, 8)
    s3.aws("s3", "cp", "s3://attic/a/file", s3.path("again"))
    with open(s3.path("again"), "rb") as file:
        assert digest(file.read()) == digest(noise(5_000_000, seed=1))


main(files_go_up_and_come_back, four_of_eight_nodes_may_go)
