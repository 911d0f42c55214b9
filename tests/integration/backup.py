#!/usr/bin/env python3
"""hearth-admin backup writes a consistent copy of the metadata while the cluster works; a cluster that
lost its database goes on from it, and hearth-admin restore puts it in place while the cluster works."""
import contextlib
import os
import shutil
import sqlite3
import threading

from cluster import BIN, digest, expect, failpoints, main, noise, run, until

def restore(cluster, name, *arguments, fails=0, env=None):
    config = os.path.join(cluster.dir, "coordinator", "hearth-coordinator.conf")
    return run([os.path.join(BIN, "hearth-coordinator"), "restore", "--config", config,
                cluster.path(name), *arguments], fails=fails, env=env)


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
    expect(restore(cluster, "last", "--replace", fails=1).err, r".* is in use: stop the coordinator first")
    cluster.kill("coordinator")
    shutil.rmtree(os.path.join(cluster.dir, "coordinator", "meta"))
    restore(cluster, "last")
    cluster.start("coordinator")
    for name, content in CONTENT.items():
        assert digest(cluster.hearth("cat", f"s3://box/{name}").out) == digest(content), name
    cluster.hearth("cp", "-", "s3://box/new", data=CONTENT["segment"])
    assert cluster.hearth("cat", "s3://box/new").out == CONTENT["segment"]


def nothing_is_trashed_after_a_restore_until_an_operator_says_so(cluster):
    """A node is away: as long as it cannot be asked, garbage collection does not go on by itself."""
    cluster.kill(8)
    cluster.admin("backup", cluster.path("held"))
    cluster.admin("restore", cluster.path("held"))
    assert cluster.admin("gc", "status", "--json").json[0]["held"]
    assert "gc release" in cluster.status()["attention"]
    cluster.admin("gc", "release")
    assert not cluster.admin("gc", "status", "--json").json[0]["held"]
    assert "gc release" not in cluster.status()["attention"]
    cluster.start(8)


def kept(cluster):
    """What restores have left beside the metadata."""
    meta = os.path.join(cluster.dir, "coordinator", "meta")
    return {name for name in os.listdir(meta) if name.startswith(("restored", "replaced"))}


def what_is_no_backup_of_this_cluster_is_refused(cluster):
    with open(cluster.path("last"), "rb") as file:
        whole = file.read()
    cluster.write("text", b"not a database at all, but quite some text" * 100)
    cluster.write("short", whole[:len(whole) // 2])
    cluster.write("other", whole)
    with sqlite3.connect(cluster.path("other")) as database:
        database.execute("UPDATE cluster_state SET cluster = zeroblob(16)")
    database.close()
    sqlite3.connect(cluster.path("empty")).execute("CREATE TABLE t (x)").connection.close()
    cluster.write("plain", whole)
    with sqlite3.connect(cluster.path("plain")) as database:
        database.execute("UPDATE cluster_state SET is_backup = 0")
    database.close()
    bad = (("text", "was cut short or is damaged"), ("short", "was cut short or is damaged"),
           ("other", "is of cluster 0+, the keys here of"), ("empty", "is no metadata"),
           ("none", "No such file"))
    before = kept(cluster)
    process = cluster.pids()["coordinator"]
    for name, why in (*bad, ("plain", "was not made by a backup")):
        expect(cluster.admin("restore", cluster.path(name), fails=1).err,
               rf"hearth-admin: restore [^\n]*{why}[^\n]*")
    assert cluster.pids()["coordinator"] == process
    cluster.kill("coordinator")
    for name, why in bad:
        expect(restore(cluster, name, "--replace", fails=1).err, f"hearth-coordinator: restore .*{why}.*")
    expect(restore(cluster, "last", fails=1).err, r".*meta\.db is there; --replace puts it aside")
    assert kept(cluster) == before
    cluster.start("coordinator")
    assert cluster.hearth("cat", "s3://box/new").out == CONTENT["segment"]


def killed_at_every_step_of_a_restore_there_is_always_one_whole_database(cluster):
    cluster.admin("backup", cluster.path("again"))
    for failpoint in failpoints("coordinator.restore."):
        cluster.kill("coordinator")
        killed = restore(cluster, "again", "--replace", fails=None,
                         env={"HEARTH_FAILPOINT": f"{failpoint}=kill"})
        assert killed.code == -9, (failpoint, killed.err)
        cluster.start("coordinator")
        assert cluster.hearth("cat", "s3://box/new").out == CONTENT["segment"], failpoint
        cluster.kill("coordinator")
        restore(cluster, "again", "--replace")
        cluster.start("coordinator")
        assert cluster.hearth("cat", "s3://box/new").out == CONTENT["segment"], failpoint


def orphans(cluster):
    """Shards that nobody names, as fsck lists them, and of which segments; how many of them it says that the
    backup cannot know.  Younger ones may still be on their way."""
    lines = cluster.admin("fsck", "--json", fails=None).json
    found = [line for line in lines if line.get("finding") == "orphan"]
    return ({(line["node"], line["shard"]) for line in found}, {line["segment"] for line in found},
            lines[-1]["ahead"])


def still_there(cluster):
    """Shards that nobody names, that were given up, or are in the trash."""
    counts = cluster.admin("fsck", "--json", fails=None).json[-1]
    return counts["orphans"] + counts["in_flight"] + counts["trashed"]


@contextlib.contextmanager
def in_a_copy(cluster):
    """A copy of the cluster runs in its place, and goes; what a restore leaves at nodes goes with it."""
    original = cluster.dir
    cluster.kill(*cluster.pids())
    cluster.dir = cluster.path("copy")
    shutil.copytree(original, cluster.dir)
    try:
        cluster.control("up")
        yield
    finally:
        cluster.kill(*cluster.pids())
        shutil.rmtree(cluster.dir)
        cluster.dir = original
    cluster.control("up")


def yesterdays_backup_under_a_live_fleet_loses_no_shard_of_today(cluster):
    cluster.admin("gc", "release")
    cluster.wait_full()  # or what repair adds after the backup is of today, too
    cluster.admin("backup", cluster.path("yesterday"))
    cluster.hearth("cp", "-", "s3://box/today", data=noise(500_000, seed=9))
    cluster.wait_full()
    today = {segment["id"] for segment in cluster.hearth("stat", "--shards", "--json", "s3://box/today").json[0]["segments"]}
    epoch = cluster.admin("gc", "status", "--json").json[0]["recovery_epoch"]
    with in_a_copy(cluster):
        process = cluster.pids()["coordinator"]
        restored = cluster.admin("restore", cluster.path("yesterday"), "--json").json[0]
        assert restored["recovery_epoch"] == epoch + 1 and restored["garbage_held"], restored
        assert cluster.pids()["coordinator"] == process
        with sqlite3.connect(f"file:{restored['aside']}?mode=ro", uri=True) as before:
            names = [bytes(name) for name, in before.execute("SELECT key FROM object_version")]
        assert b"today" in names and restored["versions"] == len(names) - 1, (restored, names)
        until(lambda: len(orphans(cluster)[0]) == 8, "shards from after the backup are not listed")
        found, segments, ahead = orphans(cluster)
        assert len(found) == 8 and {node for node, _ in found} == set(range(1, 9)), found
        assert segments == today and ahead == 8, (segments, today, ahead)
        for name, content in CONTENT.items():
            assert digest(cluster.hearth("cat", f"s3://box/{name}").out) == digest(content), name
        assert cluster.current("s3://box/today") is None
        cluster.admin("gc", "release")
        cluster.admin("sweep", "run", "--wait")
        until(lambda: still_there(cluster) >= len(found), "a shard of today is gone")
        again = cluster.admin("restore", cluster.path("yesterday"))
        expect(again.text, rf"restored: .*epoch: +{epoch + 2}\n.*aside: .*replaced-.*gc release.*")


def killed_while_an_admin_restores_there_is_always_one_whole_database(cluster):
    cluster.admin("backup", cluster.path("again"))
    for failpoint in failpoints("coordinator.restore."):
        cluster.kill("coordinator")
        cluster.start_broken("coordinator", f"{failpoint}=kill")
        failed = cluster.admin("restore", cluster.path("again"), "--timeout", "1s", fails=1)
        assert "\n" not in failed.err and "coordinator" not in cluster.pids(), (failpoint, failed.err)
        cluster.start("coordinator")
        assert cluster.hearth("cat", "s3://box/new").out == CONTENT["segment"], failpoint
    cluster.admin("restore", cluster.path("again"))
    assert cluster.hearth("cat", "s3://box/new").out == CONTENT["segment"]
    assert not [name for name in kept(cluster) if name.startswith("restored")]
    cluster.kill("coordinator")
    gone = cluster.admin("restore", cluster.path("again"), fails=1)
    assert "\n" not in gone.err and gone.err.startswith("hearth-admin: restore "), gone.err
    cluster.start("coordinator")


if __name__ == "__main__":
    main(a_backup_is_a_sound_database, a_backup_under_load_is_sound,
         a_backup_goes_to_standard_output, a_backup_that_cannot_be_written_leaves_nothing,
         a_cluster_goes_on_from_its_backup,
         nothing_is_trashed_after_a_restore_until_an_operator_says_so,
         what_is_no_backup_of_this_cluster_is_refused,
         killed_at_every_step_of_a_restore_there_is_always_one_whole_database,
         killed_while_an_admin_restores_there_is_always_one_whole_database,
         yesterdays_backup_under_a_live_fleet_loses_no_shard_of_today)
