"""Programs that use a bucket from many threads while a test breaks things, and the judgement of what
they saw: every acknowledged write is there, no byte is wrong, each key is linearizable."""
import os
import random
import subprocess
import time

from cluster import BIN
from linearize import read_logs


class Callers:
    def __init__(self, cluster, processes=2, threads=4, keys=20, pause_ms=50, seed=1, bucket="history"):
        self.cluster, self.bucket, self.threads, self.keys = cluster, bucket, threads, keys
        self.pause_ms, self.seed, self.chance = pause_ms, seed, random.Random(seed)
        self.started = self.killed = 0
        self.sizes, self.counted = {}, 0
        cluster.hearth("mb", f"s3://{bucket}")
        self.programs = [self._start() for _ in range(processes)]

    def _arguments(self, verb):
        self.started += 1
        log = self.cluster.path(f"{self.bucket}-{self.started}")
        self.sizes[log] = 0
        return [os.path.join(BIN, "hearth-history"), verb, "--config", self.cluster.config, "--history", log,
                "--bucket", self.bucket, "--process", str(self.started), "--seed", str(self.seed),
                "--threads", str(self.threads), "--keys", str(self.keys), "--pause", str(self.pause_ms)]

    def _start(self):
        return subprocess.Popen(self._arguments("run"), stdin=subprocess.PIPE, stderr=subprocess.PIPE)

    def kill_one(self):
        """SIGKILL in the middle of whatever its threads do; another takes its place."""
        at = self.chance.randrange(len(self.programs))
        self.programs[at].kill()
        self.programs[at].communicate()
        self.programs[at] = self._start()
        self.killed += 1

    def calls(self):
        """Begun so far."""
        for log, read in self.sizes.items():
            if os.path.exists(log):
                with open(log, "rb") as file:
                    file.seek(read)
                    new = file.read()
                self.sizes[log] += len(new)
                self.counted += new.count(b" invoke ")
        return self.counted

    def wait_for(self, calls):
        """Until so many more have begun."""
        goal = self.calls() + calls
        while self.calls() < goal:
            for program in self.programs:
                assert program.poll() is None, program.stderr.read().decode()
            time.sleep(0.01)

    def end(self):
        """They finish what they are doing."""
        for program in self.programs:
            _, said = program.communicate(timeout=120)
            assert program.returncode == 0, said.decode()
        self.programs = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in self.programs:
            program.kill()
            program.communicate()

    def judge(self):
        """With all faults gone: reads every key, and says what there was."""
        self.end()
        self.cluster.wait_full("120s")
        subprocess.run(self._arguments("read"), check=True, stdin=subprocess.DEVNULL)
        return Verdict(read_logs([log for log in self.sizes if os.path.exists(log)]))


class Verdict:
    """What the callers saw: `lost` are keys without what was acknowledged last, or with a past that
    cannot have been, `wrong` are reads of bytes that nobody wrote."""

    def __init__(self, history):
        self.acknowledged = history.counts["ok"]
        self.lost, self.wrong = history.impossible(), history.wrong
        self.others = {name: count for name, count in history.counts.items() if name not in ("ok", "wrong")}

    def __str__(self):
        others = "".join(f", {count} {name}" for name, count in sorted(self.others.items()))
        return (f"{self.acknowledged} calls acknowledged, {len(self.lost)} lost, "
                f"{len(self.wrong)} wrong{others}")

    def check(self):
        assert not self.lost + self.wrong, "\n".join((self.lost + self.wrong)[:20])
        assert self.acknowledged > sum(self.others.values()), str(self)
