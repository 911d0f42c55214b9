#!/usr/bin/env python3
"""sync: a destination becomes as its source, and nothing else is touched."""
import os
import signal
import subprocess
import tempfile
import time

from cluster import BIN, expect, leftovers, main, noise


def tree(folder):
    """Name -> content, of all files beneath."""
    found = {}
    for where, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(where, name)
            if not os.path.islink(path):
                with open(path, "rb") as file:
                    found[os.path.relpath(path, folder)] = file.read()
    return found


def bucket(cluster, url):
    """The same of a prefix."""
    with tempfile.TemporaryDirectory(dir=cluster.base) as folder:
        cluster.hearth("cp", "-r", url, folder, fails=None)
        return tree(folder)


def done(result):
    """{(action, name of the last component)} and the sum."""
    *lines, total = result.json
    assert total["summary"]
    return {(line["action"], line["destination"].rsplit("/", 1)[1]) for line in lines}, total


def sync(cluster, *arguments, fails=0):
    return done(cluster.hearth("sync", "--json", *arguments, fails=fails))


def the_first_time_everything_is_copied(cluster):
    cluster.hearth("mb", "s3://box")
    for name, content in (("a", b"1"), ("dir/b", noise(50_000)), ("dir/deep/c", b""), ("a-b", b"4")):
        cluster.write(f"here/{name}", content)
    result = cluster.hearth("sync", cluster.path("here"), "s3://box/there")
    assert sorted(result.lines[:-1])[0] == f"upload {cluster.path('here')}/a to s3://box/there/a (new)"
    assert result.lines[-1] == "4 copied (48.8 KiB), 0 deleted, 0 unchanged, 0 failed", result.lines
    assert bucket(cluster, "s3://box/there") == tree(cluster.path("here"))


def the_second_time_nothing_is(cluster):
    actions, total = sync(cluster, cluster.path("here"), "s3://box/there")
    assert not actions and (total["copied"], total["unchanged"]) == (0, 4)


def what_changed_is_copied(cluster):
    cluster.write("here/a", b"longer")
    cluster.write("here/a-b", b"5")  # the same size, but newer
    cluster.write("here/dir/new", b"6")
    expected = {("upload", "a"), ("upload", "a-b"), ("upload", "new")}
    actions, total = sync(cluster, "--dry-run", cluster.path("here"), "s3://box/there")
    assert actions == expected and total["dry_run"] and total["copied"] == 3
    assert bucket(cluster, "s3://box/there")["a"] == b"1"
    assert cluster.hearth("sync", "-n", cluster.path("here"), "s3://box/there").lines[-1].startswith("(dry run) 3 copied")
    actions, _ = sync(cluster, cluster.path("here"), "s3://box/there")
    assert actions == expected
    assert bucket(cluster, "s3://box/there") == tree(cluster.path("here"))


def content_decides_if_asked(cluster):
    path = cluster.path("here", "a-b")
    with open(path, "wb") as file:
        file.write(b"7")
    os.utime(path, (1, 1))  # the same size, and older
    os.utime(cluster.path("here", "a"))  # newer, and the same bytes
    assert sync(cluster, "-n", cluster.path("here"), "s3://box/there")[0] == {("upload", "a")}
    actions, total = sync(cluster, "--checksum", cluster.path("here"), "s3://box/there")
    assert actions == {("upload", "a-b")} and total["unchanged"] == 4
    assert bucket(cluster, "s3://box/there") == tree(cluster.path("here"))
    assert not sync(cluster, "--checksum", cluster.path("here"), "s3://box/there")[0]
    assert sync(cluster, cluster.path("here"), "s3://box/there")[0] == {("upload", "a")}


def down_and_up_again_is_no_change(cluster):
    sync(cluster, "s3://box/there", cluster.path("back"))
    assert tree(cluster.path("back")) == tree(cluster.path("here"))
    assert not sync(cluster, "s3://box/there", cluster.path("back"))[0]
    assert not sync(cluster, "--checksum", "s3://box/there", cluster.path("back"))[0]
    assert not sync(cluster, cluster.path("back"), "s3://box/there")[0]
    cluster.write("back/a", b"spoilt")
    os.utime(cluster.path("back", "a"), (2e9, 2e9))
    assert sync(cluster, "--checksum", "s3://box/there", cluster.path("back"))[0] == {("download", "a")}
    assert tree(cluster.path("back")) == tree(cluster.path("here"))


def across_no_data_moves(cluster):
    actions, _ = sync(cluster, "s3://box/there", "s3://box/mirror")
    assert len(actions) == 5 and {action for action, _ in actions} == {"copy"}
    assert bucket(cluster, "s3://box/mirror") == bucket(cluster, "s3://box/there")
    assert not sync(cluster, "s3://box/there", "s3://box/mirror")[0]
    assert not sync(cluster, "--checksum", "s3://box/there", "s3://box/mirror")[0]
    for inside in ("s3://box/there", "s3://box/there/deeper", "s3://box"):
        expect(cluster.hearth("sync", "s3://box/there", inside, fails=1).err.splitlines()[-1],
               r"hearth: sync .*: one of them lies within the other")


def extra(cluster):
    cluster.hearth("cp", "-", "s3://box/there/old.txt", data=b"old")
    cluster.hearth("cp", "-", "s3://box/there/old.log", data=b"old")
    cluster.write("back/old/er.txt", b"old")
    os.symlink("a", cluster.path("back", "link"))


def only_asked_it_deletes(cluster):
    extra(cluster)
    assert not sync(cluster, cluster.path("here"), "s3://box/there")[0]
    actions, total = sync(cluster, "--delete", "--dry-run", cluster.path("here"), "s3://box/there")
    assert actions == {("delete", "old.txt"), ("delete", "old.log")} and total["deleted"] == 2
    assert "old.txt" in bucket(cluster, "s3://box/there")
    # What the filters do not mean is not deleted either.
    actions, _ = sync(cluster, "--delete", "--exclude", "*.log", cluster.path("here"), "s3://box/there")
    assert actions == {("delete", "old.txt")}
    assert set(bucket(cluster, "s3://box/there")) == set(tree(cluster.path("here"))) | {"old.log"}
    sync(cluster, "--delete", cluster.path("here"), "s3://box/there")
    assert bucket(cluster, "s3://box/there") == tree(cluster.path("here"))

    actions, _ = sync(cluster, "--delete", "s3://box/there", cluster.path("back"))
    assert actions == {("delete", "er.txt")}
    assert tree(cluster.path("back")) == tree(cluster.path("here"))
    assert not os.path.exists(cluster.path("back", "old")) and os.path.islink(cluster.path("back", "link"))
    sync(cluster, "--delete", "s3://box/there", "s3://box/mirror")
    assert bucket(cluster, "s3://box/mirror") == bucket(cluster, "s3://box/there")


def filters_pick(cluster):
    actions, total = sync(cluster, "--exclude", "*", "--include", "dir/*", "--exclude", "*/deep/*",
                          cluster.path("here"), "s3://box/picked")
    assert actions == {("upload", "b"), ("upload", "new")} and total["unchanged"] == 0
    expect(cluster.hearth("sync", "--exclude", "[", cluster.path("here"), "s3://box/x", fails=2).err,
           r"hearth: --exclude \[: .*")


def a_source_that_is_not_whole_deletes_nothing(cluster):
    before = bucket(cluster, "s3://box/there")
    cluster.hearth("cp", "-", "s3://box/there/extra", data=b"extra")
    os.symlink("nowhere", cluster.path("here", "dangling"))
    result = cluster.hearth("sync", "--delete", cluster.path("here"), "s3://box/there", fails=1)
    assert "a symbolic link to nothing" in result.err
    assert "nothing is deleted: the source could not be read whole" in result.err
    assert set(bucket(cluster, "s3://box/there")) == set(before) | {"extra"}
    # What the filters do not mean does not matter.
    actions, _ = sync(cluster, "--delete", "--exclude", "dangling", cluster.path("here"), "s3://box/there")
    assert actions == {("delete", "extra")}
    os.unlink(cluster.path("here", "dangling"))

    os.makedirs(cluster.path("unmounted"))
    for source in (cluster.path("unmounted"), cluster.path("missing"), "s3://box/nothing"):
        destination = cluster.path("back") if source.startswith("s3") else "s3://box/there"
        cluster.hearth("sync", "--delete", source, destination, fails=1)
    assert bucket(cluster, "s3://box/there") == before
    assert tree(cluster.path("back")) == before
    for arguments in (("s3://nowhere/x", cluster.path("back")), (cluster.path("here"), "s3://nowhere/x")):
        cluster.hearth("sync", "--delete", *arguments, fails=1)


def what_fails_is_named_and_the_rest_is_done(cluster):
    for name in ("1", "2", "z"):
        cluster.write(f"sick/{name}", noise(60_000))
    os.symlink("/proc/self/mem", cluster.path("sick", "unreadable"))
    with open(os.fsencode(cluster.path("sick")) + b"/\xff", "wb"):
        pass
    program = subprocess.Popen(
        [f"{BIN}/hearth", "--config", cluster.config, "sync", "--transfers", "1", "--bwlimit", "40K",
         cluster.path("sick"), "s3://box/sick"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    program.stdout.readline()  # the first of them is there, so all were listed
    os.unlink(cluster.path("sick", "z"))
    out, err = program.communicate()
    assert program.returncode == 1
    text = err.decode(errors="replace")
    assert "z: No such file or directory" in text and "Input/output error" in text and "is not UTF-8" in text, text
    expect(text.splitlines()[-1], r"hearth: sync .*: 3 of 5 failed")
    assert out.decode().splitlines()[-1].endswith("3 failed")
    assert set(bucket(cluster, "s3://box/sick")) == {"1", "2"}


def keys_that_are_no_paths_stay_outside(cluster):
    for key in ("../escape", "/absolute", "a//b", "folder/", "ok"):
        cluster.hearth("cp", "-", f"s3://box/odd/{key}", data=b"x")
    actions, total = sync(cluster, "--delete", "s3://box/odd", cluster.path("outer", "odd"), fails=1)
    os.makedirs(cluster.path("outer"))
    actions, total = sync(cluster, "--delete", "s3://box/odd", cluster.path("outer", "odd"), fails=1)
    assert actions == {("download", "ok")} and total["failed"] == 4
    assert tree(cluster.path("outer")) == {"odd/ok": b"x"}
    os.symlink(cluster.path("here"), cluster.path("outer", "odd", "dir"))
    cluster.hearth("cp", "-", "s3://box/odd/dir/b", data=b"x")
    result = cluster.hearth("sync", "s3://box/odd", cluster.path("outer", "odd"), fails=1)
    assert "symbolic link" in result.err
    assert len(tree(cluster.path("here"))["dir/b"]) == 50_000
    assert not leftovers(cluster.base)


def ctrl_c_leaves_whole_files(cluster):
    for number in range(20):
        cluster.write(f"many/{number}", noise(30_000, seed=number))
    for source, destination in ((cluster.path("many"), "s3://box/many"), ("s3://box/many", cluster.path("again"))):
        program = subprocess.Popen(
            [f"{BIN}/hearth", "--config", cluster.config, "sync", "--bwlimit", "100K", source, destination],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        program.stdout.readline()  # one of them is there
        program.send_signal(signal.SIGINT)
        _, err = program.communicate()
        assert program.returncode == 130, err
        expect(err.decode().strip(), r"hearth: sync .*: interrupted")
        cluster.hearth("sync", source, destination)
        assert not leftovers(cluster.base)
    assert tree(cluster.path("again")) == tree(cluster.path("many")) == bucket(cluster, "s3://box/many")


def a_rate_is_kept_to(cluster):
    cluster.write("slow/a", noise(100_000))
    cluster.write("slow/b", noise(100_000))
    start = time.monotonic()
    cluster.hearth("sync", "--bwlimit", "100K", cluster.path("slow"), "s3://box/slow")
    assert time.monotonic() - start > 1.6  # 195 KiB, and a fifth of a second is free
    for rate in ("0", "fast", "2T", "-1"):
        expect(cluster.hearth("sync", "--bwlimit", rate, cluster.path("slow"), "s3://box/slow", fails=2).err,
               rf"hearth: --bwlimit {rate}: expected bytes a second.*")


if __name__ == "__main__":
    main(the_first_time_everything_is_copied, the_second_time_nothing_is, what_changed_is_copied,
         content_decides_if_asked, down_and_up_again_is_no_change, across_no_data_moves,
         only_asked_it_deletes, filters_pick, a_source_that_is_not_whole_deletes_nothing,
         what_fails_is_named_and_the_rest_is_done, keys_that_are_no_paths_stay_outside, ctrl_c_leaves_whole_files,
         a_rate_is_kept_to)
