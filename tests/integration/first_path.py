#!/usr/bin/env python3
"""The first path: every verb of hearth does what it says, and every byte comes back."""
import hashlib
import os
import shutil

from cluster import digest, extents, leftovers, main, noise

# Around every boundary there is: inline, unit, stripe of four cells, segment.
UNIT = 64 << 10
STRIPE = 4 * (UNIT + 16)
SEGMENT = 64 << 20
SIZES = [0, 1, 63, 8191, 8192, 8193, UNIT - 1, UNIT, UNIT + 1, STRIPE - 1, STRIPE, STRIPE + 1,
         1_000_003, SEGMENT - 1, SEGMENT, SEGMENT + 1]


def buckets_are_made_and_listed(cluster):
    cluster.hearth("mb", "s3://photos")
    cluster.hearth("mb", "s3://attic")
    assert [line.split()[2] for line in cluster.hearth("ls").lines] == ["attic", "photos"]
    bucket = cluster.hearth("ls", "--json").json[1]
    assert (bucket["bucket"], bucket["k"], bucket["n"], bucket["w"]) == ("photos", 4, 8, 6)
    cluster.hearth("rb", "s3://attic")
    assert len(cluster.hearth("ls").lines) == 1


def every_size_comes_back(cluster):
    for size in SIZES:
        content = noise(size, seed=size)
        path = cluster.write("source", content)
        cluster.hearth("cp", path, f"s3://photos/size/{size}")
        back = cluster.path("back")
        cluster.hearth("cp", f"s3://photos/size/{size}", back)
        with open(back, "rb") as file:
            assert digest(file.read()) == digest(content), size
    listed = {entry["key"]: entry["size"]
              for entry in cluster.hearth("ls", "-r", "--json", "s3://photos/size/").json}
    assert listed == {f"size/{size}": size for size in SIZES}


def streams_have_no_length(cluster):
    for size in (0, 5, 8193, 3_000_001):
        content = noise(size, seed=size + 7)
        cluster.hearth("cp", "-", f"s3://photos/stream/{size}", data=content)
        assert cluster.hearth("cat", f"s3://photos/stream/{size}").out == content
        assert cluster.hearth("cp", f"s3://photos/stream/{size}", "-").out == content


def ranges_are_exact(cluster):
    size = SEGMENT + 1
    content = noise(size, seed=size)
    for offset, length in ((0, 1), (UNIT - 1, 2), (STRIPE - 5, 10), (12_345_678, 1_000_000),
                           (SEGMENT - 3, 4), (SEGMENT, 1), (SEGMENT - 70_000, 100_000)):
        part = cluster.hearth("cat", "--offset", offset, "--length", length,
                              f"s3://photos/size/{size}").out
        assert digest(part) == digest(content[offset:offset + length]), (offset, length)
    inline = noise(8192, seed=8192)
    assert cluster.hearth(
        "cat", "--offset", 100, "--length", 50, "s3://photos/size/8192").out == inline[100:150]


def a_write_replaces(cluster):
    cluster.hearth("cp", "-", "s3://photos/again", data=noise(100_000))
    cluster.hearth("cp", "-", "s3://photos/again", data=b"second")
    assert cluster.hearth("cat", "s3://photos/again").out == b"second"
    assert len(cluster.hearth("ls", "s3://photos/again").lines) == 1


def listings_have_levels(cluster):
    for key in ("a/1", "a/2", "a/b/3", "a-b", "top"):
        cluster.hearth("cp", "-", f"s3://photos/list/{key}", data=b"x")
    lines = cluster.hearth("ls", "s3://photos/list/").lines
    assert [line.split()[-1] for line in lines] == ["a-b", "a/", "top"]
    assert lines[1].split() == ["PRE", "a/"] and len(lines[1].split("PRE")[0]) == 27
    assert lines[0].split()[2:] == ["1", "a-b"]
    assert [line.split()[-1] for line in cluster.hearth("ls", "s3://photos/list/a/").lines] == [
        "1", "2", "b/"]
    assert [line.split()[-1] for line in cluster.hearth("ls", "-r", "s3://photos/list").lines] == [
        "list/a-b", "list/a/1", "list/a/2", "list/a/b/3", "list/top"]


def shards_lie_on_nodes_of_their_own(cluster):
    stat = cluster.hearth("stat", "--shards", "--json", f"s3://photos/size/{SEGMENT + 1}").json[0]
    assert not stat["inline"] and len(stat["segments"]) == 2
    for segment in stat["segments"]:
        nodes = {holder["node"] for holder in segment["holders"]}
        assert len(nodes) == len(segment["holders"]) >= 6
        assert {holder["slot"] for holder in segment["holders"]} <= set(range(8))
    assert sum(segment["length"] for segment in stat["segments"]) == SEGMENT + 1
    small = cluster.hearth("stat", "--shards", "s3://photos/size/8192").text
    assert "inline" in small
    table = cluster.hearth("stat", "--shards", "s3://photos/size/8193").text
    assert "any 4 of 8 shards suffice" in table and "parity" in table


def labels_come_back(cluster):
    path = cluster.write("source", b"labelled")
    cluster.hearth("cp", "--content-type", "image/jpeg", "--metadata", "camera=old box,year=1987",
                   path, "s3://photos/labelled")
    stat = cluster.hearth("stat", "--json", "s3://photos/labelled").json[0]
    assert stat["content_type"] == "image/jpeg"
    assert stat["metadata"] == {"camera": "old box", "year": "1987"}
    assert (stat["size"], stat["etag"]) == (8, hashlib.md5(b"labelled").hexdigest())


def a_tree_comes_back_as_it_was(cluster):
    tree = cluster.path("tree")
    names = ["plain", "with space", "grün/ß€🔥", "deep/er/and/deeper", "..dots..", "a" * 255,
             "empty", "quote'\"$`\\", "-r", "*?[x]"]
    for index, name in enumerate(names):
        cluster.write(f"tree/{name}", b"" if name == "empty" else noise(20_000 * index, seed=index))
    os.symlink("plain", os.path.join(tree, "link"))
    cluster.hearth("cp", "-r", tree, "s3://photos/tree", "--transfers", 3)
    cluster.hearth("cp", "-r", "s3://photos/tree", cluster.path("tree-back"))
    for name in names + ["link"]:
        with open(os.path.join(tree, name), "rb") as before, \
                open(cluster.path("tree-back", name), "rb") as after:
            assert digest(before.read()) == digest(after.read()), name
    assert not leftovers(cluster.path("tree-back"))
    shutil.rmtree(tree)


def copies_move_no_data(cluster):
    cluster.hearth("mb", "s3://copies")
    cluster.hearth("cp", "s3://photos/size/1000003", "s3://copies/")
    assert cluster.hearth("cat", "s3://copies/1000003").out == noise(1_000_003, seed=1_000_003)
    before = cluster.hearth("stat", "--shards", "--json", "s3://photos/size/1000003").json[0]
    after = cluster.hearth("stat", "--shards", "--json", "s3://copies/1000003").json[0]
    assert extents(before) == extents(after)
    cluster.hearth("cp", "-r", "s3://photos/list", "s3://copies/moved")
    assert len(cluster.hearth("ls", "-r", "s3://copies/moved").lines) == 5


def a_copy_outlives_its_source(cluster):
    cluster.hearth("rm", "s3://photos/size/1000003")
    assert cluster.hearth("cat", "s3://copies/1000003").out == noise(1_000_003, seed=1_000_003)
    cluster.hearth("cat", "s3://photos/size/1000003", fails=1)


def what_is_removed_is_gone(cluster):
    cluster.hearth("rm", "s3://photos/list/top")
    cluster.hearth("cat", "s3://photos/list/top", fails=1)
    cluster.hearth("rm", "-r", "s3://photos/list/a")
    assert [line.split()[-1] for line in cluster.hearth("ls", "-r", "s3://photos/list").lines] == [
        "list/a-b"]
    cluster.hearth("rm", "-r", "s3://photos")
    cluster.hearth("rb", "s3://photos")
    cluster.hearth("rm", "-r", "s3://copies/")
    cluster.hearth("rb", "s3://copies")
    assert cluster.hearth("ls").lines == []


def the_sheet_holds_the_key(cluster):
    sheet = cluster.hearth("key", "export").text
    assert len(sheet.splitlines()) > 3
    assert cluster.hearth("key", "export").text == sheet


def the_operator_sees_the_fleet(cluster):
    status = cluster.status()
    assert status["nodes"] == status["nodes_alive"] == 8
    assert cluster.admin("status").lines[0].startswith("healthy: 8 of 8 nodes answer")
    nodes = cluster.admin("node", "list", "--json").json
    assert len({node["owner"] for node in nodes}) == len({node["network"] for node in nodes}) == 8
    assert all(node["state"] == "alive" for node in nodes)
    assert len(cluster.admin("node", "list").lines) == 9


def a_second_up_changes_nothing(cluster):
    before = cluster.pids()
    cluster.control("up", "--nodes", "8")
    assert cluster.pids() == before


def down_and_up_keeps_everything(cluster):
    cluster.hearth("mb", "s3://kept")
    content = noise(300_000, seed=300)
    cluster.hearth("cp", "-", "s3://kept/object", data=content)
    cluster.control("down")
    assert cluster.pids() == {}
    cluster.control("up")
    assert cluster.hearth("cat", "s3://kept/object").out == content


if __name__ == "__main__":
    main(buckets_are_made_and_listed, every_size_comes_back, streams_have_no_length,
         ranges_are_exact, a_write_replaces, listings_have_levels,
         shards_lie_on_nodes_of_their_own, labels_come_back, a_tree_comes_back_as_it_was,
         copies_move_no_data, a_copy_outlives_its_source, what_is_removed_is_gone,
         the_sheet_holds_the_key, the_operator_sees_the_fleet, a_second_up_changes_nothing,
         down_and_up_keeps_everything)
