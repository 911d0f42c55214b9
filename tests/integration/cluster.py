"""A cluster of real processes for one test, and the few words the tests are written in.

    with Cluster() as cluster:
        cluster.hearth("mb", "s3://b")
        assert cluster.hearth("ls", "s3://c", fails=1).err == "hearth: ls s3://c: ..."

Whatever happens, every process is ended and the folder removed: on failure, on Ctrl-C, and when the
test takes longer than its limit.  With HEARTH_KEEP=1 the folder of a failure stays, to be looked at.
"""
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("HEARTH_BIN", os.path.join(ROOT, "build", "bin"))
LOCAL_CLUSTER = os.path.join(ROOT, "tools", "local-cluster")

# Another time for a program, by LD_PRELOAD; may not be there.
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"

# What programs log when something that was stored is not there, or not right.
LOSS = re.compile(r" (shard\.damaged|volume\.(log_failed|records_rotted|read_only)|node\.other_disk|"
                  r"process\.failed) | shard\.reported .*(by=itself|code=(NOT_FOUND|CHECKSUM|TRASHED|WRONG)|"
                  r"is not here|does not|not what)")

# A test that hangs is ended by itself, with its cluster, before ctest ends it without.
LIMIT_S = 280


class Result:
    """What a program did: exit code, standard output (bytes) and error (text, stripped)."""

    def __init__(self, completed, seconds):
        self.code = completed.returncode
        self.out = completed.stdout
        self.err = completed.stderr.decode(errors="replace").strip()
        self.seconds = seconds

    @property
    def text(self):
        return self.out.decode()

    @property
    def lines(self):
        return self.text.splitlines()

    @property
    def json(self):
        """One object per line."""
        return [json.loads(line) for line in self.lines]


def run(arguments, fails=0, data=None, env=None, cwd=None):
    """Runs a program, which has to end with exit code `fails` (None: any)."""
    start = time.monotonic()
    completed = subprocess.run(
        arguments, input=data if data is not None else b"", capture_output=True, cwd=cwd,
        env={**os.environ, **(env or {})}, check=False)
    result = Result(completed, time.monotonic() - start)
    if fails is not None and result.code != fails:
        raise AssertionError(
            f"{' '.join(map(str, arguments))}: exit {result.code}, expected {fails}\n"
            f"{result.out[-2000:].decode(errors='replace')}{result.err[-4000:]}")
    return result


class Cluster:
    profile = "local"

    def __init__(self, nodes=8):
        self.count = nodes
        self.base = tempfile.mkdtemp(prefix="hearth-test-")
        self.dir = os.path.join(self.base, "cluster")
        self.config = os.path.join(self.dir, "hearth.conf")
        self.clock = {}  # environment by which the coordinator has another time
        # Uploads that are killed leave their state here, not with whoever runs the test.
        os.environ["XDG_STATE_HOME"] = os.path.join(self.base, "state")

    def __enter__(self):
        try:
            self.prepare()
            self.control("up", "--nodes", str(self.count), "--profile", self.profile)
        except BaseException:
            self._end(failed=True)
            raise
        return self

    def prepare(self):
        """Before anything is made; for clusters on something special."""

    def undo(self):
        """After everything has ended, also when prepare() failed half-way."""

    def __exit__(self, kind, *_):
        self._end(failed=kind is not None)

    def _end(self, failed):
        for pid in self.pids().values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(BrokenPipeError):  # who started the test may be gone
            if failed:
                self._show_logs()
        self.undo()
        if failed and os.environ.get("HEARTH_KEEP"):
            print(f"kept: {self.base}", file=sys.stderr)
        else:
            shutil.rmtree(self.base, ignore_errors=True)

    def _show_logs(self):
        for path in self.logs():
            with open(path, errors="replace") as file:
                tail = file.readlines()[-15:]
            print(f"---- {os.path.relpath(path, self.dir)}\n{''.join(tail)}", file=sys.stderr)

    def logs(self):
        homes = [os.path.join(self.dir, "coordinator")]
        homes += [os.path.join(self.dir, "nodes", str(n)) for n in range(1, self.count + 1)]
        return [path for path in (os.path.join(home, "log") for home in homes)
                if os.path.exists(path)]

    def said_of_loss(self):
        """Lines of logs by which a shard is not what it was; nobody lies and no disk fails, unless the
        test sees to it."""
        found = []
        for path in self.logs():
            with open(path, errors="replace") as file:
                found += [line.strip() for line in file if LOSS.search(line)]
        return found

    def pids(self):
        """Name -> process, of those whose command line names our folder."""
        found = {}
        for folder, _, files in os.walk(self.dir):
            if "pid" not in files:
                continue
            with contextlib.suppress(OSError, ValueError):
                with open(os.path.join(folder, "pid")) as file:
                    pid = int(file.read())
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if folder.encode() + b"/" in file.read():
                        found[os.path.basename(folder)] = pid
        return found

    # ---- the programs ----

    def control(self, verb, *arguments, env=None, fails=0):
        return run([LOCAL_CLUSTER, verb, *map(str, arguments), "--dir", self.dir], env=env,
                   fails=fails)

    def kill(self, *names):
        self.control("kill", *names)

    def stop(self, *names):
        self.control("stop", *names)

    def start(self, *names):
        self.control("start", *names)

    def start_broken(self, name, failpoint):
        """Starts it so that it dies at a failpoint; that may be before it is ready."""
        self.control("start", name, env={"HEARTH_FAILPOINT": failpoint}, fails=None)

    def set_coordinator(self, **settings):
        """Other values for settings of the coordinator, each named once in its file; restarts it."""
        path = os.path.join(self.dir, "coordinator", "hearth-coordinator.conf")
        with open(path) as file:
            text = file.read()
        for name, value in settings.items():
            text, count = re.subn(rf"(?m)^;? *{name} *=.*$", f"{name} = {value}", text)
            assert count == 1, (name, count)
        with open(path, "w") as file:
            file.write(text)
        self.kill("coordinator")
        self.start("coordinator")

    def hearth(self, *arguments, fails=0, data=None, env=None, config=None):
        return run([os.path.join(BIN, "hearth"), "--config", config or self.config,
                    *map(str, arguments)], fails=fails, data=data, env=env)

    def admin(self, *arguments, fails=0, config=None):
        return run([os.path.join(BIN, "hearth-admin"), "--config", config or self.config,
                    *map(str, arguments)], fails=fails)

    def status(self):
        return self.admin("status", "--json").json[0]

    def wait_full(self, timeout="60s"):
        """A read that takes the busy coordinator too long is interrupted; it may be asked again."""
        for _ in range(20):
            result = self.admin("status", "--wait-full", "--timeout", timeout, "--json", fails=None)
            if result.code == 0:
                return result.json[0]
            assert "interrupted" in result.err, result.err
        raise AssertionError(result.err)

    def port(self, name):
        with open(os.path.join(self.dir, "ports")) as file:
            return next(line.split()[1] for line in file if line.split()[0] == str(name))

    def fsck(self):
        """Everything is killed and the whole of it checked, disk by disk; what was counted."""
        names = self.pids()
        if names:
            self.kill(*names)
        return fsck_offline(self.dir, env=self.clock).json[-1]

    def fsck_online(self):
        """As fsck(), while everything runs and nobody is away: what a node was too busy to show is asked for
        again, and what it never shows is not there."""
        for _ in range(20):
            result = self.admin("fsck", "--deep", "--json", fails=None)
            if result.code == 0:
                return result.json[-1]
            assert result.code == 3, f"fsck: exit {result.code}\n{result.text[-8000:]}{result.err}"
        raise AssertionError(f"fsck: never shown\n{result.text[-8000:]}{result.err}")

    def await_death(self, name, point):
        """It was started so that it dies at a failpoint."""
        until(lambda: str(name) not in self.pids(), f"{point} was not passed")

    def put(self, key, content, **how):
        """An object of the bucket that most tests have: box."""
        return self.hearth("cp", "-", f"s3://box/{key}", data=content, **how)

    def check(self, key, content):
        assert digest(self.hearth("cat", f"s3://box/{key}").out) == digest(content), key

    def holders(self, key):
        """Of each segment, how many nodes hold a shard."""
        stat = self.hearth("stat", "--shards", "--json", f"s3://box/{key}").json[0]
        return [len(segment["holders"]) for segment in stat["segments"]]

    def current(self, url):
        """Digest of what a key holds; None: there is no such key."""
        result = self.hearth("cat", url, fails=None)
        assert result.code == 0 or is_missing(result), result.err
        return digest(result.out) if result.code == 0 else None

    def path(self, *parts):
        """A place for files of the test, beside the cluster."""
        return os.path.join(self.base, *parts)

    def write(self, name, content):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return path


def is_missing(result):
    """What a call of hearth failed for is not there."""
    return "not found" in result.err or "no such" in result.err


def fsck_offline(directory, fails=0, env=None):
    """The coordinator's metadata against every disk, with all cells, while none of it runs."""
    result = run([os.path.join(BIN, "hearth-admin"), "fsck", "--deep", "--json",
                  "--offline", os.path.join(directory, "coordinator", "hearth-coordinator.conf"),
                  "--nodes", os.path.join(directory, "nodes")], fails=None, env=env)
    assert result.code == fails, f"fsck --offline: exit {result.code}\n{result.text[-8000:]}{result.err}"
    return result


class Revival(threading.Thread):
    """Starts the coordinator again, without a failpoint, as soon as it has died."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.over = threading.Event()
        self.died = False
        self.start()

    def run(self):
        while not self.over.wait(0.02):
            if "coordinator" not in self.cluster.pids():
                self.died = True
                self.cluster.start("coordinator")

    def end(self):
        self.over.set()
        self.join()
        return self.died


def noise(size, seed=1):
    """Bytes that nothing can compress and that a seed brings back."""
    return random.Random(seed).randbytes(size)


def digest(content):
    return hashlib.sha256(content).hexdigest()


def extents(stat):
    """Which segments hold an object: who holds them, and how well, may change from one moment to the next."""
    return [(segment["id"], segment["offset"], segment["length"]) for segment in stat["segments"]]


def leftovers(folder):
    """Temporary files that a download should not have left."""
    return [name for _, _, files in os.walk(folder) for name in files if name.endswith(".part")]


def expect(text, pattern):
    """`pattern` is a regular expression for the whole text."""
    if not re.fullmatch(pattern, text, re.DOTALL):
        raise AssertionError(f"expected /{pattern}/\n     got {text!r}")


def until(what, otherwise, limit_s=100):
    """Looks until it is so, and returns what is then; a busy machine may take its time."""
    end = time.monotonic() + limit_s
    while not (found := what()):
        assert time.monotonic() < end, otherwise
        time.sleep(0.05)
    return found


def failpoints(prefix):
    """The places of that prefix where a program can be killed, as it lists them itself."""
    listed = run([os.path.join(BIN, "hearth"), "--list-failpoints"]).lines
    names = [line.split()[0] for line in listed if line.startswith(prefix)]
    assert names, f"no failpoint begins with {prefix}"
    return names


def stop_cleanly(limit_s):
    """After so many seconds (0: never), or at SIGTERM, by an exception: clusters end with the test."""
    def too_long(*_):
        raise TimeoutError(f"the test took more than {limit_s} s")
    signal.signal(signal.SIGALRM, too_long)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    signal.alarm(limit_s)


def nothing_is_amiss_on_any_disk(cluster):
    """The last claim of every test."""
    found = cluster.fsck()
    print("      " + ", ".join(f"{count} {name}" for name, count in found.items()))


def main(*claims, nodes=8, world=Cluster):
    """Runs each claim, a function of a cluster, in order on one cluster; says how long each took."""
    stop_cleanly(LIMIT_S)
    try:
        with world(nodes) as cluster:
            for claim in (*claims, nothing_is_amiss_on_any_disk):
                start = time.monotonic()
                print(f"   {claim.__name__} ...", flush=True)
                claim(cluster)
                print(f"ok {claim.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
    except BaseException:  # also the alarm and SIGTERM: the cluster is gone, now say why
        traceback.print_exc()
        sys.exit(1)
