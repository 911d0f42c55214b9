#!/usr/bin/env python3
"""What is wrong is said in one line that names it, with exit 1 (failed) or 2 (wrong usage); nothing is
lost and nothing is half done."""
import os
import shutil
import signal
import subprocess
import threading
import time

from cluster import BIN, Cluster, digest, expect, leftovers, main, noise, run


def refuses(cluster, pattern, *arguments, fails=1, **how):
    """One line on standard error, nothing on standard output."""
    result = cluster.hearth(*arguments, fails=fails, **how)
    expect(result.err, "hearth: " + pattern)
    assert result.out == b"", result.out


def buckets(cluster):
    cluster.hearth("mb", "s3://there")
    refuses(cluster, r"mb s3://there: .*exists.*", "mb", "s3://there")
    refuses(cluster, r"rb s3://missing: .*no.*bucket.*|rb s3://missing: .*not found.*", "rb", "s3://missing")
    refuses(cluster, r"ls s3://missing: .*missing.*", "ls", "s3://missing")
    refuses(cluster, r"cp - s3://missing/k: .*missing.*", "cp", "-", "s3://missing/k", data=b"x" * 9000)
    cluster.hearth("cp", "-", "s3://there/k", data=b"x")
    refuses(cluster, r"rb s3://there: .*holds objects.*", "rb", "s3://there")
    refuses(cluster, r"mb s3://b/k: .*without a key", "mb", "s3://b/k")


def bucket_names(cluster):
    for name in ("Upper", "a", "ab", "x" * 64, "under_score", "dot..dot", "-begin", "end-", "192.168.0.1",
                 "white space", "ümlaut"):
        refuses(cluster, r"mb s3://.*", "mb", f"s3://{name}")
    assert [line.split()[2] for line in cluster.hearth("ls").lines] == ["there"]
    cluster.hearth("mb", "s3://" + "x" * 63)
    cluster.hearth("rb", "s3://" + "x" * 63)


def keys(cluster):
    refuses(cluster, r"cp - s3://there: the key is missing", "cp", "-", "s3://there")
    refuses(cluster, r"cp - s3://there/.*: key of 1025 bytes .*", "cp", "-", "s3://there/" + "k" * 1025, data=b"x")
    refuses(cluster, r"cp - s3://there/.*: key .* is not UTF-8.*", "cp", "-", os.fsdecode(b"s3://there/\xff\xfe"), data=b"x")
    refuses(cluster, r"cat s3://there/none: .*(not found|no such).*", "cat", "s3://there/none")
    refuses(cluster, r"stat s3://there/none: .*(not found|no such).*", "stat", "s3://there/none")
    refuses(cluster, r"rm s3://there/none: no such object", "rm", "s3://there/none")
    refuses(cluster, r"ls s3://there/none: no key begins so", "ls", "s3://there/none")
    cluster.hearth("cp", "-", "s3://there/" + "k" * 1024, data=b"long")
    assert cluster.hearth("cat", "s3://there/" + "k" * 1024).out == b"long"


ODD_KEYS = ["../up", "a/../../up", "/absolute", "a//b", "a/./b", "trailing/", "new\nline", "esc\x1b[2J",
            "..", ".", "c" * 256]


def odd_keys_are_stored_as_they_are_and_never_become_paths(cluster):
    cluster.hearth("mb", "s3://odd")
    for index, key in enumerate(ODD_KEYS):
        cluster.hearth("cp", "-", f"s3://odd/{key}", data=b"%d" % index)
        assert cluster.hearth("cat", f"s3://odd/{key}").out == b"%d" % index
    cluster.hearth("cp", "-", "s3://odd/good/one", data=b"good")
    assert len(cluster.hearth("ls", "-r", "s3://odd").lines) == len(ODD_KEYS) + 1
    assert sorted(entry["key"] for entry in cluster.hearth("ls", "-r", "--json", "s3://odd").json) == sorted(
        ODD_KEYS + ["good/one"])

    os.makedirs(cluster.path("outer"))
    result = cluster.hearth("cp", "-r", "s3://odd", cluster.path("outer", "inner"), fails=1)
    lines = result.err.splitlines()
    assert len(lines) == len(ODD_KEYS) + 1, result.err
    assert all("cannot be a file name" in line for line in lines[:-1]), result.err
    expect(lines[-1], rf"hearth: cp s3://odd .*: {len(ODD_KEYS)} of {len(ODD_KEYS) + 1} failed")
    found = [os.path.join(folder, name) for folder, _, files in os.walk(cluster.path("outer")) for name in files]
    assert found == [cluster.path("outer", "inner", "good", "one")], found


def usage(cluster):
    for arguments, pattern in (
            ((), r".*command is missing.*"),
            (("fly",), r"fly: unknown command.*"),
            (("cp", "a"), r".*expected SRC DST.*"),
            (("cp", "a", "b"), r"cp a b: one of them must be s3://.*"),
            (("cp", "-r", "-", "s3://there/k"), r"cp -r - .*stream.*"),
            (("cp", "-r", "--transfers", "0", "/tmp", "s3://there"), r"--transfers 0: expected 1 to 32.*"),
            (("cp", "-r", "--transfers", "many", "/tmp", "s3://there"), r"--transfers many: .*"),
            (("ls", "--colour"), r"--colour: unknown option.*"),
            (("ls", "--log-level", "loud"), r"--log-level loud: .*"),
    ):
        refuses(cluster, pattern, *arguments, fails=2)
    expect(run([os.path.join(BIN, "hearth"), "ls"], fails=2, env={"HEARTH_CONFIG": ""}).err, r"hearth: .*config.*")
    for program in ("hearth", "hearth-admin", "hearth-coordinator", "hearth-storaged"):
        path = os.path.join(BIN, program)
        assert run([path, "--help"]).text.startswith(program + " - ")
        expect(run([path, "--version"]).text.strip(), program + r" \d+\.\d+\.\d+")


def sources(cluster):
    refuses(cluster, r"cp .*/none s3://there/k: read .*/none: No such file or directory",
            "cp", cluster.path("none"), "s3://there/k")
    refuses(cluster, r"cp .* s3://there/k: read .*: it is a directory \(-r copies one\)",
            "cp", cluster.base, "s3://there/k")
    refuses(cluster, r"cp .*/none s3://there/tree: read .*/none: No such file or directory",
            "cp", "-r", cluster.path("none"), "s3://there/tree")
    cluster.write("tree/good", b"good")
    os.symlink("nowhere", cluster.path("tree", "dangling"))
    os.symlink(".", cluster.path("tree", "loop"))
    os.mkfifo(cluster.path("tree", "fifo"))
    with open(os.fsencode(cluster.path("tree")) + b"/\xff", "wb"):
        pass
    result = cluster.hearth("cp", "-r", cluster.path("tree"), "s3://there/tree", fails=1)
    for part in ("a symbolic link to nothing", "leads back to a directory", "neither a file nor a directory",
                 "is not UTF-8", "4 of 5 failed"):
        assert part in result.err, (part, result.err)
    assert [line.split()[-1] for line in cluster.hearth("ls", "s3://there/tree/").lines] == ["good"]


def put_while(cluster, size, change):
    """Puts a file through a slow reader's eyes: `change` is called while it is being read."""
    path = cluster.write("moving", noise(size, seed=9))
    program = subprocess.Popen(
        [os.path.join(BIN, "hearth"), "--config", cluster.config, "cp", path, "s3://there/moving"],
        stderr=subprocess.PIPE)
    wait_for_offset(program.pid, path)
    os.kill(program.pid, signal.SIGSTOP)
    change(path)
    os.kill(program.pid, signal.SIGCONT)
    _, err = program.communicate()
    return program.returncode, err.decode().strip()


def wait_for_offset(pid, path):
    """Until the process has the file open and has read some of it."""
    while True:
        for number in os.listdir(f"/proc/{pid}/fd"):
            try:
                if os.readlink(f"/proc/{pid}/fd/{number}") == path:
                    with open(f"/proc/{pid}/fdinfo/{number}") as info:
                        if int(info.readline().split()[1]) > 0:
                            return
            except OSError:
                pass
        time.sleep(0.001)


def append(path):
    with open(path, "ab") as file:
        file.write(b"more")


def sources_that_do_not_hold_still(cluster):
    size = 200 << 20  # more than the process may hold: it cannot have read all of it
    for change, words in ((append, "grew"), (lambda path: os.truncate(path, 100), "shrank"), (os.unlink, "deleted")):
        code, err = put_while(cluster, size, change)
        assert code == 1, (code, err)
        expect(err, rf"hearth: cp .*/moving s3://there/moving: .*{words}.* while it was read")
        refuses(cluster, r"stat s3://there/moving: .*", "stat", "s3://there/moving")


def destinations(cluster):
    cluster.hearth("cp", "-", "s3://there/three", data=noise(3_000_000))
    refuses(cluster, r"cp s3://there/three .*/none/x: write .*/none/x: open its directory: No such file or directory",
            "cp", "s3://there/three", cluster.path("none", "x"))
    refuses(cluster, r"cp s3://there/three /dev/full: .*No space left on device",
            "cp", "s3://there/three", "/dev/full")
    refuses(cluster, r"cp s3://there/three /proc/x: .*", "cp", "s3://there/three", "/proc/x")
    os.makedirs(cluster.path("taken", "three"))
    refuses(cluster, r"cp s3://there/three .*/taken: write three: it is a directory",
            "cp", "s3://there/three", cluster.path("taken"))
    cluster.hearth("cat", "s3://there/none", fails=1)
    old = cluster.write("kept", b"old")
    refuses(cluster, r"cp s3://there/none .*", "cp", "s3://there/none", old)
    with open(old, "rb") as file:
        assert file.read() == b"old"
    assert leftovers(cluster.base) == []


def a_full_disk(cluster):
    """As when the disk is full, the system refuses to write on: here, beyond a limit on file sizes."""
    command = f"ulimit -f 1024; trap '' XFSZ; exec {BIN}/hearth --config {cluster.config} cp s3://there/three {cluster.path('small')}"
    result = run(["bash", "-c", command], fails=1)
    expect(result.err, r"hearth: cp s3://there/three .*/small: .*write small after \d+ bytes: File too large")
    assert leftovers(cluster.base) == [] and not os.path.exists(cluster.path("small"))


def interrupted(cluster, arguments, ready):
    program = subprocess.Popen(
        [os.path.join(BIN, "hearth"), "--config", cluster.config, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ready(program)
    program.send_signal(signal.SIGINT)
    limit = threading.Timer(10, program.kill)
    limit.start()
    program.wait()
    limit.cancel()
    err = program.stderr.read().decode().strip()
    for stream in (program.stdin, program.stdout, program.stderr):
        try:
            stream.close()
        except BrokenPipeError:
            pass
    return program.returncode, err


def feed(program):
    program.stdin.write(noise(5_000_000))
    program.stdin.flush()


def ctrl_c(cluster):
    code, err = interrupted(cluster, ["cp", "-", "s3://there/interrupted"], feed)
    assert code == 130, (code, err)
    expect(err, r"hearth: cp - s3://there/interrupted: .*(interrupted|cancelled).*")
    refuses(cluster, r"stat s3://there/interrupted: .*", "stat", "s3://there/interrupted")

    content = noise(150 << 20, seed=11)
    cluster.hearth("cp", cluster.write("big", content), "s3://there/big")

    def some_has_arrived(program):
        while not leftovers(cluster.path("down")):
            assert program.poll() is None, program.stderr.read()
            time.sleep(0.001)

    os.makedirs(cluster.path("down"))
    code, err = interrupted(cluster, ["cp", "s3://there/big", cluster.path("down", "big")], some_has_arrived)
    assert code == 130, (code, err)
    assert os.listdir(cluster.path("down")) == []
    cluster.hearth("cp", "s3://there/big", cluster.path("down", "big"))
    with open(cluster.path("down", "big"), "rb") as file:
        assert digest(file.read()) == digest(content)


def configurations(cluster):
    with open(cluster.config) as file:
        good = file.read()
    where = os.path.join(cluster.dir, "bad.conf")  # beside the keys it names

    def refuses_config(text, pattern):
        with open(where, "w") as file:
            file.write(text)
        refuses(cluster, pattern, "ls", config=where)

    line = good.count("\n") + 2
    refuses_config(good + "\n[nonsense]\nx = 1\n", rf"ls: .*bad\.conf:{line + 1}: .*")
    refuses_config("no ini at all\n", r"ls: .*bad\.conf:1: .*")
    refuses(cluster, r"ls: .*/none\.conf.*No such file or directory.*|ls: .*none\.conf.*", "ls",
            config=os.path.join(cluster.dir, "none.conf"))
    os.unlink(where)

    node = os.path.join(cluster.dir, "nodes", "1", "hearth-storaged.conf")
    with open(node) as file:
        good = file.read()
    for change, words in (("[volume]\ncapacity = 10 parsecs\n", "10 parsecs"), ("[limits]\nstreams = many\n", "many"),
                          ("[limits]\nstreams = 0\n", "0"), ("[volume]\ncolour = red\n", "colour")):
        bad = os.path.join(os.path.dirname(node), "bad.conf")
        with open(bad, "w") as file:
            file.write(change)
        result = run([os.path.join(BIN, "hearth-storaged"), "--config", bad], fails=1)
        expect(result.err, rf"hearth-storaged: .*bad\.conf:2: .*{words}.*")
        os.unlink(bad)


def wrong_root_key(cluster):
    other = cluster.path("other-customer")
    os.makedirs(other)
    invite = cluster.admin("tenant", "invite", "local").text.strip()
    config = os.path.join(other, "hearth.conf")
    cluster.hearth("init", invite, config=config)  # the same tenant, a new root key
    refuses(cluster, r"cp - s3://there/k: .*root key.*", "cp", "-", "s3://there/k", config=config, data=b"x")
    refuses(cluster, r"cat s3://there/three: .*root key.*", "cat", "s3://there/three", config=config)
    sheet = cluster.write("sheet", cluster.hearth("key", "export").out)
    os.chmod(sheet, 0o600)
    invite = cluster.admin("tenant", "invite", "local").text.strip()
    second = os.path.join(other, "again", "hearth.conf")
    os.makedirs(os.path.dirname(second))
    cluster.hearth("init", "--root-key", sheet, invite, config=second)
    assert digest(cluster.hearth("cat", "s3://there/three", config=second).out) == digest(noise(3_000_000))


def invites(cluster):
    invite = cluster.admin("tenant", "invite", "local").text.strip()
    folder = cluster.path("invited")
    os.makedirs(folder)

    def init(name, word, pattern):
        refuses(cluster, pattern, "init", word, config=os.path.join(folder, name))
        assert os.listdir(folder) == before, os.listdir(folder)

    before = []
    init("a", "hearth1nonsense", r"init\b.*: .*")
    init("a", invite[:-3], r"init\b.*: .*")
    node_invite = cluster.admin("node", "invite", "--owner", "somebody").text.strip()
    init("a", node_invite, r"init\b.*: .*node.*")
    cluster.hearth("init", invite, config=os.path.join(folder, "first", "hearth.conf"), fails=None)
    shutil.rmtree(os.path.join(folder, "first"), ignore_errors=True)
    init("second", invite, r"init\b.*: .*(used|invit).*")
    short = cluster.admin("tenant", "invite", "--valid", "1s", "local").text.strip()
    time.sleep(1.2)  # an invite lives by the coordinator's clock, and this one for a second
    init("second", short, r"init\b.*: .*expired.*")
    refuses(cluster, r"init.*: .*(exists|already).*", "init", invite)


def profiles(cluster):
    refuses(cluster, r"mb s3://wide: .*", "mb", "--profile", "nonsense", "s3://wide")
    refuses(cluster, r"mb s3://wide: .*profile home needs 50 nodes.* [0-9]+ more are missing.*",
            "mb", "--profile", "home", "s3://wide")


def strangers(cluster):
    """Another cluster's customer and node are not ours."""
    with Cluster(nodes=1) as other:
        backup = other.path("backup")
        other.admin("backup", backup)
        config = os.path.join(other.dir, "hearth.conf")
        with open(config) as file:
            text = file.read()
        for name in ("coordinator", "enrolment"):
            text = text.replace(f"127.0.0.1:{other.port(name)}", f"127.0.0.1:{cluster.port(name)}")
        with open(config, "w") as file:
            file.write(text)
        refuses(cluster, r"ls: .*another answers there than our coordinator.*", "ls", config=config)
        expect(cluster.admin("restore", backup, fails=1).err,
               rf"hearth-admin: restore {backup}: .* is of cluster [0-9a-f]+, the keys here of [0-9a-f]+")


def coordinators_that_are_not_there(cluster):
    """The first address in the file need not answer."""
    config = os.path.join(cluster.dir, "two-addresses.conf")
    backup = os.path.join(cluster.base, "backup")
    with open(cluster.config) as file:
        text = file.read()
    with open(config, "w") as file:
        file.write(text.replace("addresses = ", "addresses = 127.0.0.1:1, "))
    assert cluster.admin("status", "--json", config=config).json[0]["nodes_alive"] == 8
    cluster.admin("backup", backup, config=config)
    assert os.path.getsize(backup) > 0
    with open(config, "w") as file:
        file.write(text.replace(f":{cluster.port('coordinator')}", ":1"))
    expect(cluster.admin("status", fails=1, config=config).err, r"hearth-admin: status: .*127\.0\.0\.1:1: .*")


def daemons(cluster):
    home = os.path.join(cluster.dir, "nodes", "2")
    config = os.path.join(home, "hearth-storaged.conf")
    storaged = os.path.join(BIN, "hearth-storaged")
    expect(run([storaged, "--config", config], fails=1).err.splitlines()[-1], r"hearth-storaged: .*")

    # The port of a running node, the volume of another one, a newer format.
    cluster.kill(2)
    with open(config) as file:
        good = file.read()
    with open(config, "w") as file:
        file.write(good.replace(f":{cluster.port('2')}", f":{cluster.port('3')}"))
    expect(run([storaged, "--config", config], fails=1).err.splitlines()[-1],
           rf"hearth-storaged: .*{cluster.port('3')}.*")
    with open(config, "w") as file:
        file.write(good)
    volume, other = os.path.join(home, "volume"), os.path.join(cluster.dir, "nodes", "3", "volume")
    os.rename(volume, volume + ".mine")
    shutil.copytree(other, volume)
    expect(run([storaged, "--config", config], fails=1).err.splitlines()[-1], r"hearth-storaged: .*node.*")
    shutil.rmtree(volume)
    os.rename(volume + ".mine", volume)
    cluster.start(2)

    coordinator = os.path.join(cluster.dir, "coordinator", "hearth-coordinator.conf")
    expect(run([os.path.join(BIN, "hearth-coordinator"), "--config", coordinator], fails=1).err.splitlines()[-1],
           r"hearth-coordinator: .*")
    expect(run([os.path.join(BIN, "hearth-coordinator"), "init", "--dir", os.path.dirname(coordinator)],
               fails=1).err, r"hearth-coordinator: .*")
    assert cluster.status()["nodes_alive"] == 8


def admins(cluster):
    expect(cluster.admin("node", "lost", "77", fails=1).err, r"hearth-admin: node lost 77: node 77: no such node.*")
    expect(cluster.admin("node", "lost", "--found", "77", fails=1).err,
           r"hearth-admin: node lost 77: node 77: no such node.*")
    expect(cluster.admin("node", "show", "77", fails=1).err, r"hearth-admin: node show 77: node 77: no such node.*")
    expect(cluster.admin("node", "show", fails=2).err, r"hearth-admin: arguments are missing: expected NODE .*")
    expect(cluster.admin("sweep", "run", "now", fails=2).err, r"hearth-admin: now: expected no arguments .*")
    expect(cluster.admin("node", "invite", fails=2).err, r"hearth-admin: --owner NAME is missing.*")
    cluster.kill(1)
    cluster.hearth("cp", "-", "s3://there/short", data=noise(100_000))
    result = cluster.admin("status", "--wait-full", "--timeout", "2s", fails=1)
    expect(result.err, r"hearth-admin: status: after 2\.0 s, \d+ of \d+ segments are still below n")
    cluster.start(1)


if __name__ == "__main__":
    main(buckets, bucket_names, keys, odd_keys_are_stored_as_they_are_and_never_become_paths, usage,
         sources, sources_that_do_not_hold_still, destinations, a_full_disk, ctrl_c, configurations,
         wrong_root_key, invites, profiles, strangers, coordinators_that_are_not_there, daemons, admins)
