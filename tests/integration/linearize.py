#!/usr/bin/env python3
"""Judges what hearth-history wrote down: is there, for each key, an order of the calls, each between
its beginning and its end, in which every call saw what it saw?  (D10)

    linearize.py LOG...        exit 0: yes; 1: no, and where it fails

Keys are independent, so each is searched alone, and a listing counts as a read of every key.  A call
without an end, or whose outcome is unknown, happened once at some moment after it began, or never.
A call that failed did not happen.

The search goes through the beginnings and ends in time and keeps every state the key can be in
(Wing and Gong, with Lowe's memory):  (value, calls that began and count already, unknown calls used).
Of two that differ only in the unknown calls used, the one that used fewer can do all the other can.
"""
import collections
import sys

NONE = "none"
FOREVER = float("inf")
CHANGES = ("put", "create", "delete")

Call = collections.namedtuple("Call", "name kind value result begin end")
State = collections.namedtuple("State", "value done used")


def step(call, value):
    """What the key holds after the call; None: the call cannot have seen what it saw."""
    if call.kind == "put":
        return call.value
    if call.kind == "create":
        if call.result == "refused":
            return value if value != NONE else None
        return call.value if value == NONE else None
    if call.kind == "delete":
        if call.result == "existed" and value == NONE or call.result == "absent" and value != NONE:
            return None
        return NONE
    return value if call.value == value else None


class States:
    """A set without those that another one can stand in for."""

    def __init__(self):
        self.used = collections.defaultdict(list)  # (value, done) -> sets of unknown calls used

    def add(self, state):
        """False: it, or a better one, is there."""
        sets = self.used[state.value, state.done]
        if any(other <= state.used for other in sets):
            return False
        sets[:] = [other for other in sets if not state.used <= other] + [state.used]
        return True

    def __iter__(self):
        for (value, done), sets in self.used.items():
            for used in sets:
                yield State(value, done, used)


def is_seen(change, running):
    """An unknown change can wait until just before a call that sees it, so now or never matters."""
    if change.kind == "delete":
        return any(call.value == NONE or call.result == "absent" or call.kind == "create"
                   for call in running)
    return any(call.value == change.value or call.result in ("existed", "refused")
               for call in running)


def settle(state, running):
    """What saw what is there now, and changes nothing whenever it happens, may as well count now:
    without that, every set of reads under way at once would be a state of its own."""
    now = [call for call in running if call not in state.done
           and (call.kind not in CHANGES or call.result in ("refused", "absent"))
           and step(call, state.value) == state.value]
    return state._replace(done=state.done | frozenset(now)) if now else state


def after_end(states, call, running, unknown):
    """Every state in which `call` counts, from states in which others may have come first."""
    unknown = [change for change in unknown if is_seen(change, running)]
    result = States()
    seen = States()
    waiting = []
    for state in states:
        state = settle(state, running)
        if call in state.done:
            result.add(State(state.value, state.done - {call}, state.used))
        elif seen.add(state):
            waiting.append(state)
    while waiting:
        state = waiting.pop()
        for other in running:
            value = None if other in state.done else step(other, state.value)
            if value is None:
                continue
            if other == call:
                result.add(State(value, state.done, state.used))
                continue
            after = settle(State(value, state.done | {other}, state.used), running)
            if call in after.done:
                result.add(after._replace(done=after.done - {call}))
            elif seen.add(after):
                waiting.append(after)
        for other in unknown:
            value = None if other in state.used else step(other, state.value)
            if value is not None:
                after = settle(State(value, state.done, state.used | {other}), running)
                if call in after.done:
                    result.add(after._replace(done=after.done - {call}))
                elif seen.add(after):
                    waiting.append(after)
    return result


def check_key(calls, start=NONE):
    """None: all is well.  Else the call that cannot have seen what it saw, and what it could."""
    events = [(call.begin, 1, call) for call in calls]
    events += [(call.end, 0, call) for call in calls if call.end != FOREVER]
    events.sort(key=lambda event: event[:2])  # at one moment ends come first: stricter than need be
    states = States()
    states.add(State(start, frozenset(), frozenset()))
    running, unknown = [], []
    for _, begins, call in events:
        if begins:
            (unknown if call.end == FOREVER else running).append(call)
            continue
        before = states
        states = after_end(before, call, running, unknown)
        running.remove(call)
        if not states.used:
            return call, sorted({state.value for state in before})
    return None


# ---- histories ----

READS = ("get", "head")


class History:
    """The lines of any number of logs."""

    def __init__(self, lines):
        self.began = {}
        self.calls = collections.defaultdict(list)  # by key
        self.lists = []
        self.wrong = []
        self.counts = collections.Counter()
        for line in lines:
            self.read(line.split())
        for begin, kind, key, value, name in self.began.values():  # nobody lived to see their end
            self.counts["unknown"] += 1
            self.add(Call(name, kind, value, "", begin, FOREVER), key)
        for name, begin, end, found in self.lists:
            for key in list(self.calls):
                self.calls[key].append(Call(name, "list", found.get(key, NONE), "", begin, end))

    def read(self, words):
        time, thread, number, outcome, *rest = words
        name = f"{thread}/{number}"
        if outcome == "invoke":
            kind, key, value = (rest + [None, None])[:3]
            assert name not in self.began, name
            self.began[name] = (int(time), kind, key, value, name)
            return
        begin, kind, key, value, _ = self.began.pop(name)
        self.counts[outcome] += 1
        self.end(outcome, rest, Call(name, kind, value, "", begin, int(time)), key)

    def end(self, outcome, rest, call, key):
        if outcome == "wrong":
            self.wrong.append(f"{call.name}: {key}: bytes have the digest {rest[0]}, should {rest[1]}")
        elif outcome == "unknown":
            self.add(call._replace(end=FOREVER), key)
        elif outcome == "ok" and call.kind == "list":
            self.lists.append((call.name, call.begin, call.end, dict(w.split("=") for w in rest)))
        elif outcome == "ok" and call.kind in READS:
            self.add(call._replace(value=rest[0]), key)
        elif outcome == "ok":
            self.add(call._replace(result=rest[0] if rest else ""), key)

    def add(self, call, key):
        """A read that saw nothing says nothing."""
        if call.kind != "list" and not (call.kind in READS and call.end == FOREVER):
            self.calls[key].append(call)

    def impossible(self):
        """One line for each key with a call that cannot have seen what it saw."""
        found = []
        for key in sorted(self.calls):
            failed = check_key(self.calls[key])
            if failed:
                call, could = failed
                seen = call.value if call.kind != "delete" else call.result
                found.append(f"{call.name}: {call.kind} {key} saw {seen} {call.result}; "
                             f"it can have been {', '.join(could)}")
        return found

    def problems(self):
        return self.wrong + self.impossible()


def read_logs(paths):
    lines = []
    for path in paths:
        with open(path) as file:
            lines += [line for line in file if line.endswith("\n")]
    lines.sort(key=lambda line: int(line.split(" ", 1)[0]))
    return History(lines)


if __name__ == "__main__":
    history = read_logs(sys.argv[1:])
    wrong = history.problems()
    print("\n".join(wrong + [f"{sum(history.counts.values())} calls: {dict(history.counts)}"]))
    sys.exit(1 if wrong else 0)
