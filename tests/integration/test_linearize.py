#!/usr/bin/env python3
"""linearize.py finds what cannot have been, and nothing else: small histories by hand, all small ones
against every order there is, and long true ones with one stale read planted."""
import itertools
import random
import unittest

from linearize import FOREVER, NONE, Call, History, check_key, step


def calls(*rows):
    """(kind, value or result, begin, end)"""
    made = []
    for number, (kind, value, begin, end) in enumerate(rows):
        is_result = kind == "delete" or value == "refused"
        made.append(Call(str(number), kind, None if is_result else value, value if is_result else "",
                         begin, end))
    return made


class ByHand(unittest.TestCase):
    def holds(self, *rows):
        self.assertIsNone(check_key(calls(*rows)))

    def fails(self, *rows):
        self.assertIsNotNone(check_key(calls(*rows)))

    def test_what_was_written_is_read(self):
        self.holds(("get", NONE, 0, 1), ("put", "a", 2, 3), ("get", "a", 4, 5), ("head", "a", 6, 7),
                   ("delete", "existed", 8, 9), ("get", NONE, 10, 11), ("delete", "absent", 12, 13))

    def test_a_stale_read_is_found(self):
        self.fails(("put", "a", 0, 1), ("put", "b", 2, 3), ("get", "a", 4, 5))

    def test_an_acknowledged_write_that_is_gone_is_found(self):
        self.fails(("put", "a", 0, 1), ("get", NONE, 2, 3))

    def test_a_delete_that_comes_back_is_found(self):
        self.fails(("put", "a", 0, 1), ("delete", "existed", 2, 3), ("list", "a", 4, 5))

    def test_concurrent_writes_may_be_in_either_order_but_only_one(self):
        both = (("put", "a", 0, 10), ("put", "b", 0, 10))
        self.holds(*both, ("get", "a", 11, 12), ("get", "a", 13, 14))
        self.holds(*both, ("get", "b", 11, 12))
        self.holds(*both, ("get", "a", 2, 3), ("get", "b", 11, 12))
        self.fails(*both, ("get", "a", 11, 12), ("get", "b", 13, 14))

    def test_a_write_is_not_seen_before_it_began(self):
        self.fails(("get", "a", 0, 1), ("put", "a", 2, 3))

    def test_an_unknown_write_happens_once_or_never(self):
        lost = (("put", "a", 0, 1), ("put", "b", 2, FOREVER))
        self.holds(*lost, ("get", "a", 4, 5), ("get", "b", 6, 7))
        self.holds(*lost, ("get", "a", 4, 5), ("get", "a", 6, 7))
        self.fails(*lost, ("get", "b", 4, 5), ("get", "a", 6, 7))
        self.fails(*lost, ("put", "c", 4, 5), ("get", "b", 6, 7), ("get", "c", 8, 9), ("get", "b", 10, 11))

    def test_an_unknown_delete_happens_once_or_never(self):
        lost = (("put", "a", 0, 1), ("delete", "", 2, FOREVER))
        self.holds(*lost, ("get", "a", 4, 5), ("get", NONE, 6, 7), ("put", "b", 8, 9), ("get", "b", 10, 11))
        self.fails(*lost, ("get", NONE, 4, 5), ("put", "b", 6, 7), ("get", NONE, 8, 9))

    def test_only_one_creates(self):
        self.holds(("create", "a", 0, 10), ("create", "refused", 0, 10), ("get", "a", 11, 12))
        self.fails(("create", "a", 0, 10), ("create", "b", 0, 10))
        self.fails(("create", "refused", 0, 1))

    def test_a_delete_knows_whether_there_was_something(self):
        self.fails(("put", "a", 0, 1), ("delete", "absent", 2, 3))
        self.fails(("delete", "existed", 0, 1))
        self.fails(("put", "a", 0, 1), ("delete", "existed", 2, 9), ("delete", "existed", 3, 8))

    def test_many_unknown_writes_are_no_burden(self):
        rows = [("put", f"u{i}", i, FOREVER) for i in range(200)]
        rows += [("get", f"u{i}", 1000 + 2 * i, 1001 + 2 * i) for i in range(200)]
        self.holds(*rows)
        self.fails(*rows, ("get", "u7", 2000, 2001))


def allowed(rows):
    """By trying every order of every choice of the unknown ones."""
    known = [call for call in rows if call.end != FOREVER]
    unknown = [call for call in rows if call.end == FOREVER]
    for count in range(len(unknown) + 1):
        for used in itertools.combinations(unknown, count):
            for order in itertools.permutations(known + list(used)):
                if in_time(order) and from_none(order):
                    return True
    return False


def in_time(order):
    return all(not later.end < earlier.begin
               for i, earlier in enumerate(order) for later in order[i + 1:])


def from_none(order):
    value = NONE
    for call in order:
        value = step(call, value)
        if value is None:
            return False
    return True


class EveryOrder(unittest.TestCase):
    def test_it_agrees_with_every_order_there_is(self):
        chance = random.Random(3)
        agreed = {True: 0, False: 0}
        for _ in range(1000):
            times = chance.sample(range(100), 10)
            rows = []
            for number in range(5):
                begin, end = sorted(times[2 * number:2 * number + 2])
                kind = chance.choice(("put", "put", "create", "delete", "get", "get"))
                value = chance.choice("ab" if kind in ("put", "create") else ("a", "b", NONE))
                if kind == "delete":
                    value = chance.choice(("existed", "absent"))
                if kind == "create" and chance.random() < 0.3:
                    value = "refused"
                if kind in ("put", "delete") and chance.random() < 0.2:
                    end = FOREVER
                    value = "" if kind == "delete" else value
                rows.append((kind, value, begin, end))
            history = calls(*rows)
            truth = allowed(history)
            agreed[truth] += 1
            self.assertEqual(check_key(history) is None, truth, history)
        self.assertGreater(min(agreed.values()), 100, agreed)


class Long(unittest.TestCase):
    """Eight callers on a register that is atomic."""

    def true_history(self, chance, count):
        now, value, rows, moments = 0, NONE, [], []
        free = [0] * 8
        for number in range(count):
            caller = min(range(8), key=lambda i: free[i])
            begin = max(free[caller], now) + chance.randrange(1, 5)
            moment = begin + chance.randrange(1, 40)
            end = moment + chance.randrange(1, 40)
            free[caller] = end
            moments.append((moment, number, begin, end, chance.choice(("put", "get", "get", "delete"))))
        for moment, number, begin, end, kind in sorted(moments):
            if kind == "put":
                value = f"v{number}"
                rows.append((kind, value, begin, end))
            elif kind == "get":
                rows.append((kind, value, begin, end))
            else:
                rows.append((kind, "absent" if value == NONE else "existed", begin, end))
                value = NONE
        return rows

    def test_a_long_true_history_holds_and_one_stale_read_in_it_does_not(self):
        chance = random.Random(9)
        rows = self.true_history(chance, 600)
        self.assertIsNone(check_key(calls(*rows)))
        begins = [row[2] for row in rows]
        for _ in range(4):
            stale = chance.choice([row[1] for row in rows[:300] if row[0] == "put"])
            begin = max(begins) + 1000
            self.assertIsNotNone(check_key(calls(*rows, ("get", stale, begin, begin + 1))))
            at = chance.choice([i for i, row in enumerate(rows) if row[0] == "get" and i > 350])
            planted = rows[:at] + [("get", stale, *rows[at][2:])] + rows[at + 1:]
            self.assertIsNotNone(check_key(calls(*planted)))


class Logs(unittest.TestCase):
    def problems(self, text):
        return History(text.strip().splitlines()).problems()

    def test_a_log_is_understood(self):
        self.assertEqual(self.problems("""
            1 0.0 0 invoke put k1 a
            2 0.1 0 invoke list
            3 0.0 0 ok
            4 0.1 0 ok k1=a
            5 0.0 1 invoke create k1 b
            6 0.0 1 ok refused
            7 0.0 2 invoke delete k1
            8 0.0 2 ok existed
            9 0.0 3 invoke put k2 c
            10 0.0 3 fail SHARDS_LOST too few nodes
            11 0.0 4 invoke get k2
            12 0.0 4 ok none
            13 0.0 5 invoke put k2 d
            14 0.1 1 invoke head k2
            15 0.1 1 ok d
            16 0.1 2 invoke get k2
            17 0.1 2 fail BUSY at its limit"""), [])

    def test_a_failed_put_that_is_seen_is_found(self):
        self.assertEqual(len(self.problems("""
            9 0.0 3 invoke put k2 c
            10 0.0 3 fail SHARDS_LOST too few nodes
            11 0.0 4 invoke get k2
            12 0.0 4 ok c""")), 1)

    def test_a_listing_without_a_key_is_a_read_of_nothing(self):
        self.assertEqual(len(self.problems("""
            1 0.0 0 invoke put k1 a
            2 0.0 0 ok
            3 0.0 1 invoke list
            4 0.0 1 ok k2=x""")), 1)

    def test_wrong_bytes_are_found(self):
        self.assertEqual(len(self.problems("""
            1 0.0 0 invoke get k1
            2 0.0 0 wrong a b""")), 1)


if __name__ == "__main__":
    unittest.main()
