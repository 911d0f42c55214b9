"""A customer who works while plans move shards, and a watcher who sees that no segment gets worse."""
import threading
import time

from cluster import is_missing, noise


class Customer(threading.Thread):
    """Puts, overwrites and deletes until it is told to stop; whatever is refused is a failure."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.over, self.failed = cluster, threading.Event(), None
        self.kept = {}
        self.start()

    def run(self):
        try:
            for turn in range(10_000):
                if self.over.is_set():
                    return
                key, content = f"busy {turn % 3}", noise(150_000 + turn, seed=turn)
                self.cluster.put(key, content)
                self.kept[key] = content
                if turn % 4 == 3:
                    self.cluster.hearth("rm", f"s3://box/{key}")
                    del self.kept[key]
        except AssertionError as error:
            self.failed = error

    def end(self):
        self.over.set()
        self.join()
        assert self.failed is None, self.failed


class Watcher:
    """Of each segment as many shards are good at each look as at any look before: as many are named by the
    metadata (of the objects below a prefix), and whatever it names (of all) is at its node, with every cell
    as it was stored."""

    def __init__(self, cluster, prefix=""):
        self.cluster, self.prefix, self.most, self.looks = cluster, prefix, {}, 0

    def look(self):
        """Of what is there for good; what is deleted meanwhile has no shards to lose."""
        for entry in self.cluster.hearth("ls", "-r", "--json", f"s3://box/{self.prefix}").json:
            stat = self.cluster.hearth("stat", "--shards", "--json", f"s3://box/{entry['key']}", fails=None)
            assert stat.code == 0 or is_missing(stat), stat.err
            for segment in stat.json[0]["segments"] if stat.code == 0 else ():
                self.compare(segment["id"], len(segment["holders"]))
        self.cluster.fsck_online()
        self.looks += 1

    def compare(self, segment, count):
        before = self.most.setdefault(segment, count)
        assert count >= before, f"segment {segment}: {count} shards, {before} before"
        self.most[segment] = count


def plan(cluster, number):
    return cluster.admin("rebalance", "status", number, "--json").json[0]


def wait_for(cluster, number, condition, limit_s=100, look=lambda: time.sleep(0.1)):
    """Looks until then; no segment is unreadable at any moment: the status says so at each look."""
    end = time.monotonic() + limit_s
    while True:
        now = plan(cluster, number)
        if condition(now):
            return now
        assert time.monotonic() < end, now
        assert cluster.status()["segments_unreadable"] == 0
        look()
