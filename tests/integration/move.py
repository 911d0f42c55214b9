#!/usr/bin/env python3
"""mv: the source goes when the destination holds exactly it, and never before."""
import os

from cluster import digest, expect, extents, failpoints, leftovers, main, noise

SMALL = b"a few bytes"
LARGE = noise(700_000, seed=3)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def keys(cluster, url):
    return [entry["key"] for entry in cluster.hearth("ls", "-r", "--json", url).json]


def a_file_becomes_an_object(cluster):
    cluster.hearth("mb", "s3://box")
    for name, content in (("small", SMALL), ("large", LARGE), ("empty", b"")):
        path = cluster.write(name, content)
        cluster.hearth("mv", path, f"s3://box/up/{name}")
        assert not os.path.exists(path)
        assert cluster.hearth("cat", f"s3://box/up/{name}").out == content
    path = cluster.write("kept name", SMALL)
    cluster.hearth("mv", path, "s3://box/up/")
    assert cluster.hearth("cat", "s3://box/up/kept name").out == SMALL


def an_object_becomes_a_file(cluster):
    for name, content in (("small", SMALL), ("large", LARGE), ("empty", b"")):
        cluster.hearth("mv", f"s3://box/up/{name}", cluster.path(name))
        assert read(cluster.path(name)) == content
        assert cluster.current(f"s3://box/up/{name}") is None
    assert not leftovers(cluster.base)


def a_key_gets_another_name_and_no_data_moves(cluster):
    cluster.hearth("mb", "s3://other")
    for destination in ("s3://box/second", "s3://other/third", "s3://other/deep/"):
        cluster.hearth("cp", cluster.path("large"), "s3://box/first")
        before = cluster.hearth("stat", "--shards", "--json", "s3://box/first").json[0]
        line = cluster.hearth("mv", "--json", "s3://box/first", destination).json[0]
        assert (line["action"], line["size"]) == ("move", len(LARGE))
        assert cluster.current("s3://box/first") is None
        name = destination + ("first" if destination.endswith("/") else "")
        after = cluster.hearth("stat", "--shards", "--json", name).json[0]
        assert extents(before) == extents(after)
        assert cluster.current(name) == digest(LARGE)


def what_cannot_be_moved_stays(cluster):
    path = cluster.path("large")
    cluster.hearth("cp", path, "s3://box/there")

    def stays(pattern, *arguments, fails=1):
        result = cluster.hearth("mv", *arguments, fails=fails)
        expect(result.err, "hearth: " + pattern)
        assert read(path) == LARGE and cluster.current("s3://box/there") == digest(LARGE)

    stays(r"mv .*: source and destination are the same object", "s3://box/there", "s3://box/there")
    stays(r"mv .*: source and destination are the same object", "s3://box/there", "s3://box")
    stays(r"mv .* s3://missing/k: .*missing.*", path, "s3://missing/k")
    stays(r"mv .*: .*missing.*", "s3://box/there", "s3://missing/k")
    stays(r"mv .*: write .*No such file or directory", "s3://box/there", cluster.path("no", "dir"))
    stays(r"mv .* /dev/null: the destination is no file.*", "s3://box/there", "/dev/null")
    stays(r"mv .*: one of them must be s3://.*", path, path + "2", fails=2)
    stays(r"mv .*: a stream cannot be moved.*", "-", "s3://box/there", fails=2)
    stays(r"mv .*: a stream cannot be moved.*", "s3://box/there", "-", fails=2)
    stays(r"--include: only with -r.*", "--include", "*", path, "s3://box/there", fails=2)
    os.symlink("large", cluster.path("link"))
    stays(r"mv .*/link s3://box/link: .*only a regular file.*", cluster.path("link"), "s3://box/link")
    assert cluster.current("s3://box/link") is None and os.path.islink(cluster.path("link"))
    expect(cluster.hearth("mv", "s3://box/none", cluster.path("none"), fails=1).err, r"hearth: mv .*(not found|no such).*")
    expect(cluster.hearth("mv", cluster.path("none"), "s3://box/none", fails=1).err,
           r"hearth: mv .*No such file or directory")


def killed_anywhere_it_is_at_one_side_or_both(cluster):
    for point in failpoints("client.put.") + failpoints("client.delete"):
        if point == "client.put.sealed":
            continue  # of objects with several segments: resume.py
        for source, destination in ((cluster.path("large"), "s3://box/moved"),
                                    ("s3://box/moved", cluster.path("large"))):
            result = cluster.hearth("mv", source, destination, fails=None,
                                    env={"HEARTH_FAILPOINT": f"{point}=kill"})
            assert result.code in (0, -9), (point, result.err)
            sides = [os.path.exists(cluster.path("large")) and digest(read(cluster.path("large"))),
                     cluster.current("s3://box/moved")]
            assert digest(LARGE) in sides, point
            assert set(sides) <= {digest(LARGE), None, False}, (point, sides)
            if result.code == -9 and (sides[0] if source[0] == "/" else sides[1]):
                cluster.hearth("mv", source, destination)


def a_tree_moves_up(cluster):
    names = ["a", "dir/b", "dir/c d", "deep/er/grün"]
    for name in names:
        cluster.write(f"tree/{name}", name.encode())
    os.makedirs(cluster.path("tree", "empty", "dir"))
    summary = cluster.hearth("mv", "-r", "--json", cluster.path("tree"), "s3://box/tree").json[-1]
    assert (summary["summary"], summary["copied"], summary["failed"]) == (True, 4, 0)
    assert not os.path.exists(cluster.path("tree"))
    assert sorted(keys(cluster, "s3://box/tree/")) == sorted(f"tree/{name}" for name in names)


def a_tree_moves_across(cluster):
    for inside in ("s3://box/tree/below", "s3://box/tree", "s3://box"):
        expect(cluster.hearth("mv", "-r", "s3://box/tree", inside, fails=1).err,
               r"hearth: mv .*: one of them lies within the other")
    cluster.hearth("mv", "-r", "s3://box/tree", "s3://box/tree-too")
    cluster.hearth("ls", "s3://box/tree/", fails=1)
    assert len(keys(cluster, "s3://box/tree-too/")) == 4


def a_tree_moves_down(cluster):
    cluster.hearth("mv", "-r", "s3://box/tree-too", cluster.path("back"))
    cluster.hearth("ls", "s3://box/tree-too/", fails=1)
    assert read(cluster.path("back", "deep", "er", "grün")) == "deep/er/grün".encode()
    cluster.put("odd/../../up", b"1")
    cluster.put("odd/fine", b"2")
    result = cluster.hearth("mv", "-r", "s3://box/odd", cluster.path("odd"), fails=1)
    assert "cannot be a file name" in result.err and result.err.endswith("1 of 2 failed"), result.err
    assert keys(cluster, "s3://box/odd/") == ["odd/../../up"]
    assert read(cluster.path("odd", "fine")) == b"2"


def links_and_what_is_not_meant_stay(cluster):
    for name in ("keep.txt", "go.jpg", "dir/go.jpg", "dir/keep.txt"):
        cluster.write(f"mixed/{name}", b"x")
    os.symlink("keep.txt", cluster.path("mixed", "link.jpg"))
    result = cluster.hearth("mv", "-r", "--exclude", "*", "--include", "*.jpg", cluster.path("mixed"),
                            "s3://box/mixed", fails=1)
    lines = result.err.splitlines()
    expect(lines[0], r"hearth: mv -r: .*/link.jpg: a symbolic link is not moved")
    expect(lines[1], r"hearth: mv .*: 1 of 3 failed")
    found = sorted(os.path.relpath(os.path.join(folder, name), cluster.path("mixed"))
                   for folder, _, files in os.walk(cluster.path("mixed")) for name in files)
    assert found == ["dir/keep.txt", "keep.txt", "link.jpg"]
    assert keys(cluster, "s3://box/mixed/") == ["mixed/dir/go.jpg", "mixed/go.jpg"]


if __name__ == "__main__":
    main(a_file_becomes_an_object, an_object_becomes_a_file,
         a_key_gets_another_name_and_no_data_moves, what_cannot_be_moved_stays,
         killed_anywhere_it_is_at_one_side_or_both, a_tree_moves_up, a_tree_moves_across,
         a_tree_moves_down, links_and_what_is_not_meant_stay)
