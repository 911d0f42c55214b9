#!/usr/bin/env python3
"""hearth-admin fsck --offline finds whatever is amiss: each kind of harm is done to a copy of a sound cluster, and
it says so."""
import glob
import os
import re
import shutil
import sqlite3

from cluster import BIN, FAKETIME, fsck_offline, main, noise, run


def a_sound_cluster(cluster):
    cluster.hearth("mb", "s3://box")
    for seed in range(4):
        cluster.hearth("cp", "-", f"s3://box/{seed}", data=noise(900_000, seed=seed))
    cluster.hearth("cp", "-", "s3://box/inline", data=b"a few bytes")
    cluster.wait_full()
    found = cluster.fsck()
    assert found["objects"] == 5 and found["segments"] == 4 and found["shards"] == 32, found
    assert found["verified"] == 32 and found["listed"] == 32 and found["in_flight"] == 0, found
    assert found["nodes_reached"] == found["nodes"] == 8 and found["unchecked"] == 0, found


def database_of(folder):
    return sqlite3.connect(os.path.join(folder, "coordinator", "meta", "meta.db"))


def sql(statement):
    def change(folder):
        with database_of(folder) as database:
            assert database.execute(statement).rowcount > 0, statement
    return change


def exchange_two_holders(folder):
    with database_of(folder) as database:
        segment, holders = database.execute("SELECT segment, holders FROM segment").fetchone()
        holders = holders[:1] + holders[7:13] + holders[1:7] + holders[13:]
        database.execute("UPDATE segment SET holders = ? WHERE segment = ?", (holders, segment))


def logs(folder, number):
    return glob.glob(os.path.join(folder, "nodes", str(number), "volume", "log-*"))


def flip_a_bit(folder):
    with open(logs(folder, 3)[0], "r+b") as file:
        file.seek(100_000)
        byte = file.read(1)[0]
        file.seek(100_000)
        file.write(bytes([byte ^ 1]))


def lose_a_log(folder):
    for path in logs(folder, 5):
        os.unlink(path)


def lose_a_node(folder):
    shutil.rmtree(os.path.join(folder, "nodes", "2"))


def unmount(folder):
    home = os.path.join(folder, "nodes", "6")
    os.rename(os.path.join(home, "volume"), os.path.join(home, "disk"))
    os.mkdir(os.path.join(home, "volume"))


FIRST = "(SELECT segment FROM segment ORDER BY segment LIMIT 1)"
# Each group on one copy: what was done, and what fsck has to say.
HARM = (
    ((flip_a_bit, "nodes/3/volume: .* are not what was stored"),
     (lose_a_log, '"missing","node":5,.*its node does not list it'),
     (sql("UPDATE node SET owner = 1 WHERE node = 4"), "fail together")),
    ((lose_a_node, '"unchecked","node":2,.*its node does not answer'),
     (sql("UPDATE segment SET refs = refs + 1 WHERE segment = " + FIRST), "refs say 2, bodies 1"),
     (sql("UPDATE segment SET dying_ms = 5 WHERE segment = " + FIRST), "is dying, and 1 extents")),
    ((sql("UPDATE segment SET vk = zeroblob(32) WHERE segment = " + FIRST), "does not fit its tag"),
     (sql("UPDATE usage SET bytes = bytes + 1"), "usage of a bucket is off by"),
     (sql("UPDATE usage SET reserved_bytes = 7, reserved_objects = 1"),
      "what uploads under way reserve of a bucket is off by"),
     (sql("DELETE FROM body WHERE body IN (SELECT body FROM object_version LIMIT 1)"),
      "a version without its body")),
    ((exchange_two_holders, '"missing",.*"slot":1,'),
     (sql("UPDATE object_version SET size = size + 1 WHERE key = CAST('1' AS BLOB)"),
      "1: extents hold 900000 bytes, the version says 900001")),
    ((sql("DELETE FROM segment WHERE segment = " + FIRST), "nobody names it"),
     (sql("DELETE FROM object_version WHERE key = CAST('2' AS BLOB)"), "neither a version nor doom")),
    ((sql("DELETE FROM segment"), "a body names it, and it is not there"),),
    ((sql("UPDATE segment SET length = length - 70000 WHERE segment = " + FIRST), "an extent ends at"),),
)


def every_harm_is_found(cluster):
    for group in HARM:
        copy = cluster.path("copy")
        shutil.copytree(cluster.dir, copy)
        for change, _ in group:
            change(copy)
        result = fsck_offline(copy, fails=1)
        for _, words in group:
            assert re.search(words, result.text), (words, result.text)
        counts = result.json[-1]
        assert counts["problems"] + (counts["unchecked"] > 0) >= len(group), counts
        shutil.rmtree(copy)


def a_volume_is_where_its_node_says(cluster):
    """Also elsewhere than in the node's folder; and where its disk is not mounted no volume is made."""
    copy = cluster.path("copy")
    shutil.copytree(cluster.dir, copy)
    unmount(copy)
    home = os.path.join(copy, "nodes", "6")
    config = os.path.join(home, "hearth-storaged.conf")
    with open(config) as file:
        before = file.read()
    for there in (("volume",), ()):
        result = fsck_offline(copy, fails=1)
        assert re.search('"damage","node":6,.*is its disk mounted', result.text), result.text
        counts = result.json[-1]
        assert counts["problems"] == 1 and counts["unchecked"] == 4, counts
        assert os.listdir(home).count("volume") == len(there)
        if there:
            made = set(os.listdir(os.path.join(home, "volume")))
            assert made <= {"lock"}, f"made where no disk is: {made}"
            shutil.rmtree(os.path.join(home, "volume"))
    with open(config, "w") as file:
        file.write(re.sub(r"(?m)^\[volume\]\n", "", before) + "\n[volume]\ndirectory = disk\n")
    counts = fsck_offline(copy).json[-1]
    assert counts["verified"] == 32 and counts["unchecked"] == 0, counts
    shutil.rmtree(copy)


def the_metadata_is_checked_alone(cluster):
    """What nodes hold is not said to be amiss by who has not looked."""
    copy = cluster.path("copy")
    shutil.copytree(os.path.join(cluster.dir, "coordinator"), os.path.join(copy, "coordinator"))
    before = contents_of(copy)
    check = [os.path.join(BIN, "hearth-admin"), "fsck", "--json", "--offline",
             os.path.join(copy, "coordinator", "hearth-coordinator.conf")]
    counts = run(check).json[-1]
    assert counts["objects"] == 5 and counts["segments"] == 4 and counts["unchecked"] == 0, counts
    assert contents_of(copy) == before  # nothing was written to what was looked at
    sql("UPDATE usage SET bytes = bytes + 1")(copy)
    assert "usage of a bucket is off by" in run(check, fails=1).text
    shutil.rmtree(copy)


def contents_of(folder):
    found = {}
    for path in glob.glob(os.path.join(folder, "coordinator", "meta", "**"), recursive=True):
        if os.path.isfile(path) and not path.endswith(".lock"):
            with open(path, "rb") as file:
                found[path] = file.read()
    return found


def a_check_that_takes_long_is_no_harm(cluster):
    """By its second minute the volumes would begin to compact, here a log that holds half a put."""
    if not os.path.exists(FAKETIME):
        print("      not run: no faketime")
        return
    cluster.control("up")
    cluster.kill(3)
    cluster.start_broken(3, "storaged.put.cell=kill")
    cluster.hearth("cp", "-", "s3://box/half", data=noise(4_000_000, seed=9))
    assert "3" not in cluster.pids()
    cluster.start(3)
    cluster.wait_full()
    cluster.kill(*cluster.pids())
    copy = cluster.path("copy")  # whose coordinator would remember that time
    shutil.copytree(cluster.dir, copy)
    fsck_offline(copy, env={"LD_PRELOAD": FAKETIME, "FAKETIME": "+0 x10000"})
    shutil.rmtree(copy)


def what_runs_is_not_checked(cluster):
    cluster.control("up")
    result = fsck_offline(cluster.dir, fails=3)
    assert "stop the coordinator first" in result.err, result.err
    cluster.kill("coordinator")
    result = fsck_offline(cluster.dir, fails=3)
    assert "another process" in result.err or "in use" in result.err, result.err


if __name__ == "__main__":
    main(a_sound_cluster, every_harm_is_found,
         a_volume_is_where_its_node_says, the_metadata_is_checked_alone,
         a_check_that_takes_long_is_no_harm, what_runs_is_not_checked)
