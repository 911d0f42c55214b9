#!/usr/bin/env python3
"""The watcher of customer.py complains of a segment that has fewer good shards than before, and of nothing
else: a cluster that only says things."""
import json
import types
import unittest

from cluster import Cluster
from customer import Watcher


def said(*lines, code=0, err=""):
    text = "\n".join(map(json.dumps, lines))
    return types.SimpleNamespace(code=code, err=err, text=text, json=list(lines))


CLEAN = said({"problems": 0})
TOO_BUSY = said({"finding": "unchecked"}, {"problems": 0}, code=3)
MISSING = said({"finding": "missing"}, {"problems": 1}, code=1, err="1 problems")


class Told(Cluster):
    """Key -> segment -> how many holders; fsck answers what it is told to, the last again and again."""

    def __init__(self):  # nothing is made
        self.objects, self.answers = {"a": {"1": 8}, "b": {"2": 6, "3": 8}}, [CLEAN]
        self.deleted = set()

    def hearth(self, verb, *arguments, **_):
        if verb == "ls":
            return said(*({"key": key} for key in self.objects))
        key = arguments[-1].removeprefix("s3://box/")
        if key in self.deleted:
            return said(code=1, err=f"hearth: stat s3://box/{key}: object not found")
        segments = [{"id": number, "holders": [{}] * count} for number, count in self.objects[key].items()]
        return said({"segments": segments})

    def admin(self, *_, **__):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Watching(unittest.TestCase):
    def setUp(self):
        self.cluster = Told()
        self.watcher = Watcher(self.cluster)
        self.watcher.look()

    def sees(self, pattern):
        with self.assertRaisesRegex(AssertionError, pattern):
            self.watcher.look()

    def test_a_holder_less_is_seen(self):
        self.cluster.objects["b"]["2"] = 5
        self.sees("segment 2: 5 shards, 6 before")

    def test_a_holder_less_than_it_had_for_a_while_is_seen(self):
        self.cluster.objects["b"]["2"] = 8
        self.watcher.look()
        self.cluster.objects["b"]["2"] = 7
        self.sees("segment 2: 7 shards, 8 before")

    def test_a_shard_that_is_not_there_is_seen(self):
        self.cluster.answers = [MISSING]
        self.sees("exit 1")

    def test_a_shard_that_is_never_shown_is_seen(self):
        self.cluster.answers = [TOO_BUSY]
        self.sees("never shown")

    def test_a_node_that_is_too_busy_for_a_while_is_asked_again(self):
        self.cluster.answers = [TOO_BUSY, TOO_BUSY, CLEAN]
        self.watcher.look()
        self.assertEqual(self.watcher.looks, 2)

    def test_what_is_deleted_or_new_is_nobodys_loss(self):
        del self.cluster.objects["a"]
        self.cluster.deleted = {"b"}
        self.cluster.objects["c"] = {"4": 6}
        self.watcher.look()

    def test_an_object_that_cannot_be_looked_at_is_seen(self):
        self.cluster.hearth = lambda verb, *_, **__: (
            said({"key": "a"}) if verb == "ls" else said(code=1, err="hearth: stat: the coordinator does not answer"))
        self.sees("does not answer")


if __name__ == "__main__":
    unittest.main()
