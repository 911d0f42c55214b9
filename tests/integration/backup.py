#!/usr/bin/env python3
"""hearth-admin backup writes a consistent copy of the metadata while the cluster works, and a cluster
that lost its database goes on from it."""
import os
import sqlite3
import threading

from cluster import digest, expect, main, noise

CONTENT = {"inline": noise(100, seed=1), "segment": noise(1_000_000, seed=2)}


def a_backup_is_a_sound_database(cluster):
    cluster.hearth("mb", "s3://box")
    for name, content in CONTENT.items():
        cluster.hearth("cp", "-", f"s3://box/{name}", data=content)
    cluster.admin("backup", cluster.path("backup"))
    with sqlite3.connect(f"file:{cluster.path('backup')}?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT count(*) FROM object_version").fetchone() == (2,)
        assert database.execute("SELECT count(*) FROM segment").fetchone() == (1,)


def a_backup_under_load_is_sound(cluster):
    over = threading.Event()

    def write():
        count = 0
        while not over.is_set():
            cluster.hearth("cp", "-", f"s3://box/load/{count}", data=noise(20_000, seed=count))
            count += 1

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    for number in range(5):
        cluster.admin("backup", cluster.path(f"backup-{number}"))
        with sqlite3.connect(f"file:{cluster.path(f'backup-{number}')}?mode=ro", uri=True) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    over.set()
    writer.join()


def a_backup_goes_to_standard_output(cluster):
    assert cluster.admin("backup", "-").out.startswith(b"SQLite format 3\0")


def a_backup_that_cannot_be_written_leaves_nothing(cluster):
    before = sorted(os.listdir(cluster.base))
    expect(cluster.admin("backup", cluster.path("none", "backup"), fails=1).err,
           r"hearth-admin: backup .*/none/backup: .*No such file or directory")
    expect(cluster.admin("backup", "/dev/full", fails=1).err, r"hearth-admin: backup .*No space.*")
    assert sorted(os.listdir(cluster.base)) == before


def a_cluster_goes_on_from_its_backup(cluster):
    cluster.admin("backup", cluster.path("last"))
    cluster.kill("coordinator")
    meta = os.path.join(cluster.dir, "coordinator", "meta")
    names = sorted(os.listdir(meta))
    database = next(name for name in names if not name.endswith(("-wal", "-shm", ".lock")))
    for name in names:
        os.remove(os.path.join(meta, name))
    os.rename(cluster.path("last"), os.path.join(meta, database))
    cluster.start("coordinator")
    for name, content in CONTENT.items():
        assert digest(cluster.hearth("cat", f"s3://box/{name}").out) == digest(content), name
    cluster.hearth("cp", "-", "s3://box/new", data=CONTENT["segment"])
    assert cluster.hearth("cat", "s3://box/new").out == CONTENT["segment"]


def nothing_is_trashed_after_a_restore_until_an_operator_says_so(cluster):
    assert cluster.admin("gc", "status", "--json").json[0]["held"]
    assert "gc release" in cluster.status()["attention"]
    cluster.admin("gc", "release")
    assert not cluster.admin("gc", "status", "--json").json[0]["held"]
    assert cluster.status()["attention"] == ""


if __name__ == "__main__":
    main(a_backup_is_a_sound_database, a_backup_under_load_is_sound,
         a_backup_goes_to_standard_output, a_backup_that_cannot_be_written_leaves_nothing,
         a_cluster_goes_on_from_its_backup,
         nothing_is_trashed_after_a_restore_until_an_operator_says_so)
