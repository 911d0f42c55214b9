#!/usr/bin/env python3
"""Verbs for whole trees: du adds up, filters pick."""
from cluster import BIN, expect, main, noise, run


def sizes(result):
    """Name -> (bytes, objects), as du prints them."""
    return {line.split(maxsplit=2)[2]: tuple(map(int, line.split()[:2])) for line in result.lines}


def each_verb_explains_itself(cluster):
    verbs = [line.split()[3] for line in run([f"{BIN}/hearth", "--help"]).lines
             if line.startswith("  hearth --config FILE ")]
    assert {"mb", "ls", "du", "cp", "rm"} <= set(verbs), verbs
    for verb in verbs:
        text = cluster.hearth(*([verb] if verb != "key" else ["key", "export"]), "--help").text
        assert f" {verb}" in text and "--version" in text, text
        assert verb == "mb" or "  hearth --config FILE mb" not in text, text


def du_adds_up(cluster):
    cluster.hearth("mb", "s3://sums")
    cluster.hearth("mb", "s3://none")
    for key, size in (("a", 1), ("a-b", 10), ("a/1", 100), ("a/x/2", 20_000), ("b/y/z/3", 3)):
        cluster.hearth("cp", "-", f"s3://sums/{key}", data=noise(size))
    assert sizes(cluster.hearth("du", "s3://sums")) == {
        "s3://sums/a/": (20_100, 2), "s3://sums/b/": (3, 1), "s3://sums/": (20_114, 5)}
    assert list(sizes(cluster.hearth("du", "-d", "9", "s3://sums/b"))) == [
        "s3://sums/b/y/z/", "s3://sums/b/y/", "s3://sums/b/"]
    assert sizes(cluster.hearth("du", "--depth", "0", "s3://sums/a")) == {"s3://sums/a/": (20_100, 2)}
    assert sizes(cluster.hearth("du")) == {"s3://none/": (0, 0), "s3://sums/": (20_114, 5)}
    total = cluster.hearth("du", "--json", "-d", "0", "s3://sums").json
    assert total == [{"bucket": "sums", "prefix": "", "size": 20_114, "objects": 5}]
    assert "19.6 KiB" in cluster.hearth("du", "-H", "-d", "0", "s3://sums").text


def du_counts_what_is_meant(cluster):
    def total(*filters):
        return sizes(cluster.hearth("du", "-d", "0", *filters, "s3://sums"))["s3://sums/"]

    assert total("--exclude", "a/*") == (14, 3)
    assert total("--exclude", "*", "--include", "a/*") == (20_100, 2)
    assert total("--include", "a/*", "--exclude", "*") == (0, 0)
    expect(cluster.hearth("du", "--exclude", "[a", "s3://sums", fails=2).err,
           r"hearth: --exclude \[a: the \[ is not closed.*")
    for depth in ("-1", "x", "1025", ""):
        expect(cluster.hearth("du", "--depth", depth, "s3://sums", fails=2).err,
               rf"hearth: --depth {depth}: expected 0 to 1024.*")
    expect(cluster.hearth("du", "s3://nowhere", fails=1).err, r"hearth: du s3://nowhere: .*")


if __name__ == "__main__":
    main(each_verb_explains_itself, du_adds_up, du_counts_what_is_meant)
