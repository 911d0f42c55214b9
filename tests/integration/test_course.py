#!/usr/bin/env python3
"""Schedules of troubles, of many seeds: one seed has one schedule, everything happens, and never more at a
time than objects can do without."""
import unittest

from course import (ALL, AT_A_NODE, AWAY, AWAY_MAX, BEHIND_PROXIES, DRAINED_MAX, FILLED_MAX, HALF, NODES, QUIET_EVERY,
                    SLICE, WHEN_QUIET, schedule)

SEEDS = range(300)
PLAN_AFTER = {"plan": {None}, "pause": {"plan"}, "resume": {"pause"}, "cancel": {"plan", "pause"}}


def whole(seed):
    return list(schedule(seed, 20_000, 144))


class World:
    """What follows from events that were carried out; each is judged as it comes."""

    def __init__(self):
        self.trouble, self.wiped, self.plan = {}, 0, None

    def pass_on(self, event):
        if event.verb in WHEN_QUIET:
            assert len(set(event.nodes)) == HALF and not set(event.nodes) & set(BEHIND_PROXIES), event
            self.__init__()
        elif event.verb in AT_A_NODE:
            self.pass_at_node(event.verb, *event.nodes)
            self.judge(event)
        elif event.verb in PLAN_AFTER:
            assert self.plan in PLAN_AFTER[event.verb], event
            self.plan = {"pause": "pause", "cancel": None}.get(event.verb, "plan")

    def pass_at_node(self, verb, node):
        assert 1 <= node <= NODES
        was = self.trouble.pop(node, None)
        assert (was is not None) == (verb in ("back", "remove")), (verb, was)
        assert verb != "remove" or was == "drain", was
        assert node in BEHIND_PROXIES or verb not in ("slow", "cut up", "cut down"), node
        assert node not in BEHIND_PROXIES or verb not in ("wipe", "drain"), node
        if verb in ("wipe", "remove"):
            self.wiped += 1
        elif verb != "back":
            self.trouble[node] = verb

    def judge(self, event):
        verbs = list(self.trouble.values())
        assert self.wiped + sum(verb in AWAY for verb in verbs) <= AWAY_MAX, event
        assert verbs.count("fill") <= FILLED_MAX and verbs.count("drain") <= DRAINED_MAX, event


class Schedules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schedules = [whole(seed) for seed in SEEDS]

    def test_a_seed_has_one_schedule(self):
        self.assertEqual(self.schedules[:10], [whole(seed) for seed in SEEDS[:10]])
        self.assertEqual(len(set(map(str, self.schedules))), len(SEEDS))

    def test_everything_happens_within_forty_events_whatever_the_seed(self):
        for seed, events in zip(SEEDS, self.schedules):
            self.assertEqual({event.verb for event in events[:40]}, ALL, seed)

    def test_everything_happens_in_the_slice(self):
        self.assertEqual({event.verb for event in schedule(**SLICE)}, ALL)

    def test_nothing_happens_that_objects_cannot_do_without(self):
        for events in self.schedules:
            world = World()
            for event in events:
                world.pass_on(event)

    def test_all_come_back_now_and_then_and_in_the_end(self):
        for events in self.schedules:
            for number, event in enumerate(events, 1):
                is_quiet = number % QUIET_EVERY == 0 or number == len(events)
                self.assertEqual(event.verb in WHEN_QUIET, is_quiet, (number, event))

    def test_moments_are_in_order_and_within_the_objects(self):
        for events in self.schedules:
            moments = [event.after for event in events]
            self.assertEqual(moments, sorted(set(moments)))
            self.assertTrue(0 < moments[0] and moments[-1] < 20_000)


if __name__ == "__main__":
    unittest.main()
