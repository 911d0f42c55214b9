#!/usr/bin/env python3
"""linearize.py finds what cannot have been, and nothing else: small histories by hand, many small ones
against every order there is, and long true ones with one stale read planted."""
import random
import unittest

from linearize import CHANGES, FOREVER, NONE, WRITES, Call, History, Impossible, check_key

ROUNDS = 4000


def calls(*rows):
    """(kind, value or result, begin, end); replace: (kind, (expected, value or "refused"), begin, end)"""
    made = []
    for number, (kind, value, begin, end) in enumerate(rows):
        expected = None
        if kind == "replace":
            expected, value = value
        is_result = kind == "delete" or value == "refused"
        made.append(Call(str(number), kind, f"refused-{number}" if is_result else value,
                         value if is_result else "", begin, end, expected))
    return made


def is_possible(history):
    try:
        check_key(history)
    except Impossible:
        return False
    return True


class ByHand(unittest.TestCase):
    def holds(self, *rows):
        self.assertTrue(is_possible(calls(*rows)))

    def fails(self, *rows):
        self.assertFalse(is_possible(calls(*rows)))

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

    def test_a_replace_comes_right_after_what_it_replaces(self):
        first = ("put", "a", 0, 1)
        self.holds(first, ("replace", ("a", "b"), 2, 9), ("get", "a", 3, 4), ("get", "b", 5, 6))
        self.holds(first, ("replace", ("a", "b"), 2, 9), ("replace", ("b", "c"), 3, 8), ("get", "c", 10, 11))
        self.fails(first, ("put", "b", 2, 3), ("replace", ("a", "c"), 4, 5))
        self.fails(first, ("replace", ("a", "b"), 2, 9), ("replace", ("a", "c"), 2, 9))
        self.fails(first, ("delete", "", 2, 3), ("replace", ("a", "b"), 4, 5))

    def test_a_replace_is_not_refused_without_a_reason(self):
        first = ("put", "a", 0, 1)
        self.fails(first, ("replace", ("a", "refused"), 2, 3))
        self.fails(first, ("replace", ("a", "refused"), 2, 3), ("get", "a", 4, 5))
        self.holds(first, ("replace", ("a", "refused"), 2, 9), ("put", "b", 3, 8))
        self.holds(first, ("delete", "", 2, 3), ("replace", ("a", "refused"), 4, 5))

    def test_many_unknown_writes_are_no_burden(self):
        rows = [("put", f"u{i}", i, FOREVER) for i in range(200)]
        rows += [("get", f"u{i}", 1000 + 2 * i, 1001 + 2 * i) for i in range(200)]
        self.holds(*rows)
        self.fails(*rows, ("get", "u7", 2000, 2001))


def after(call, value):
    """What the key holds after the call; None: the call cannot have seen what it saw."""
    refused = call.result == "refused"
    if call.kind == "create" and refused == (value == NONE):
        return None
    if call.kind == "replace" and refused == (value == call.expected):
        return None
    if call.kind == "delete":
        fits = {"existed": value != NONE, "absent": value == NONE}.get(call.result, True)
        return NONE if fits else None
    if call.kind in WRITES:
        return value if refused else call.value
    return value if call.value == value else None


def has_order(left, value=NONE):
    """By trying each that may come next, where unknown ones may never come."""
    if all(call.end == FOREVER for call in left):
        return True
    first_end = min(call.end for call in left)
    for call in left:
        then = after(call, value) if call.begin <= first_end else None
        if then is not None and has_order([other for other in left if other != call], then):
            return True
    return False


class EveryOrder(unittest.TestCase):
    def some_history(self, chance, count):
        """Values are those of the writes there are, mostly."""
        times = chance.sample(range(100), 2 * count)
        kinds = chance.choices(("put", "put", "create", "replace", "delete", "get", "get"), k=count)
        values = [f"v{i}" for i, kind in enumerate(kinds) if kind in WRITES] + [NONE]
        rows = []
        for number, kind in enumerate(kinds):
            begin, end = sorted(times[2 * number:2 * number + 2])
            value = f"v{number}" if kind in WRITES else chance.choice(values)
            if kind == "delete":
                value = chance.choice(("existed", "absent", ""))
            if kind in ("create", "replace") and chance.random() < 0.4:
                value = "refused"
            if kind in CHANGES and chance.random() < 0.15 and value != "refused":
                end = FOREVER
                value = "" if kind == "delete" else value
            if kind == "replace":
                value = chance.choice(values[:-1]), value
            rows.append((kind, value, begin, end))
        return calls(*rows)

    def test_it_agrees_with_every_order_there_is(self):
        chance = random.Random(3)
        agreed, believed = {True: 0, False: 0}, 0
        for _ in range(ROUNDS):
            history = self.some_history(chance, chance.randrange(3, 9))
            truth, said = has_order(history), is_possible(history)
            refused = any(call.kind == "replace" and call.result == "refused" for call in history)
            if said and not truth and refused:
                believed += 1
                continue
            agreed[truth] += 1
            self.assertEqual(said, truth, history)
        self.assertGreater(min(agreed.values()), ROUNDS // 20, agreed)
        self.assertLess(believed, ROUNDS // 100)


class Long(unittest.TestCase):
    """Sixteen callers on a register that is atomic, half of their calls changes."""

    KINDS = ("put", "put", "create", "replace", "delete") + ("get",) * 5

    def true_history(self, chance, count):
        moments, free = [], [0] * 16
        for number in range(count):
            caller = min(range(len(free)), key=lambda i: free[i])
            begin = free[caller] + chance.randrange(1, 5)
            moment = begin + chance.randrange(1, 40)
            free[caller] = moment + chance.randrange(1, 40)
            moments.append((moment, number, begin, free[caller], chance.choice(self.KINDS)))
        value, seen, rows = NONE, "never", []
        for _, number, begin, end, kind in sorted(moments):
            row, value = self.take_place(kind, f"v{number}", seen, value)
            seen = value if kind == "get" and value != NONE else seen
            rows.append((kind, row, begin, end))
        return rows

    def take_place(self, kind, new, expected, value):
        """(what the caller knows of it, what is there then)"""
        if kind == "get":
            return value, value
        if kind == "delete":
            return "", NONE
        if kind == "create" and value != NONE:
            return "refused", value
        if kind == "replace" and value != expected:
            return (expected, "refused"), value
        return (expected, new) if kind == "replace" else new, new

    def test_a_long_true_history_holds_and_one_stale_read_in_it_does_not(self):
        chance = random.Random(9)
        rows = self.true_history(chance, 2500)
        self.assertTrue(is_possible(calls(*rows)))
        last = max(row[3] for row in rows) + 1000
        rows += [("put", "new", last, last + 1)]
        self.assertTrue(is_possible(calls(*rows, ("get", "new", last + 2, last + 3))))
        for _ in range(4):
            stale = chance.choice([row[1] for row in rows[:1000] if row[0] == "put"])
            self.assertFalse(is_possible(calls(*rows, ("get", stale, last + 2, last + 3))))
            at = chance.choice([i for i, row in enumerate(rows) if row[0] == "get" and i > 1100])
            planted = rows[:at] + [("get", stale, *rows[at][2:])] + rows[at + 1:]
            self.assertFalse(is_possible(calls(*planted)))


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
