#!/usr/bin/env python3
"""Judges what hearth-history wrote down: is there, for each key, an order of the calls, each between
its beginning and its end, in which every call saw what it saw?  (D10)

    linearize.py LOG...        exit 0: yes; 1: no, and where it fails

Keys are independent, so each is judged alone, and a listing counts as a read of every key.  A call
without an end, or whose outcome is unknown, happened once at some moment after it began, or never.
A call that failed did not happen.  No two writes of a key write the same value.

So a read names its write, and nothing can stand between the two but other reads of that value: they
are one block (Gibbons and Korach).  So is a chain of conditional writes, each naming what it replaced.
Of a block only two moments matter: `opens`, when the last of its calls begins, and `due`, when the
first ends.  Block A can come before block B unless B is due before A opens.  Therefore one that is due
before it opens holds the key from the one moment to the other; any other can pass in an instant.

A conditional write that was refused in the midst of a chain is believed.

What is left to search is when there was nothing, since reads of nothing do not say who deleted.  The
search goes through the moments at which blocks are due, and does then what has to be done.  Of blocks of
one kind the first that is due is used first, and one that would change nothing - a write where something
is, a delete where nothing is - counts as `done` while it can still be used.  Both keep the states few.
"""
import bisect
import collections
import sys

NONE = "none"
SOME = "something"
FOREVER = float("inf")
WRITES = ("put", "create", "replace")
CHANGES = (*WRITES, "delete")

# `value` is what was written or seen, `expected` what a replace should have found.
Call = collections.namedtuple("Call", "name kind value result begin end expected", defaults=(None,))


class Impossible(Exception):
    """A call that cannot have seen what it saw, and why."""

    def __init__(self, call, why):
        super().__init__(f"{call.name}: {call.kind} {call.value} {call.result}: {why}")


# ---- blocks ----

# What changes the key, if it is used: PUT whatever is there, MAKE nothing, TAKE something, SWAP what it
# expects, DELETE whatever is there.
PUT, MAKE, TAKE, SWAP, DELETE = "put", "make", "take", "swap", "delete"
CHANGING = (PUT, MAKE, TAKE, SWAP, DELETE)
# What looks at it.
NOTHING, SOMETHING, OTHER = "nothing", "something", "other"


class Block:
    """`groups` are the values it writes one after the other, each with its write and its reads."""

    def __init__(self, kind, calls, groups=(), expected=None):
        self.kind, self.groups, self.expected = kind, groups, expected
        self.opens = max(call.begin for call in calls)
        self.due = min(call.end for call in calls)
        self.holds = self.due < self.opens
        self.call = min(calls, key=lambda call: call.end)
        self.last = groups[-1][0].value if groups else NONE

    def shows(self, looker):
        """Is there a moment in its midst at which that one call sees what it saw?"""
        for number, (write, *_) in enumerate(self.groups):
            before = [call.begin for group in self.groups[:number] for call in group] + [write.begin]
            after = [call.end for group in self.groups[number + 1:] for call in group] + [FOREVER]
            if write.value != looker.expected and max(before) <= looker.due and min(after) >= looker.opens:
                return looker.kind in (SOMETHING, OTHER)
        return False


def block_alone(call):
    """Of a call that writes nothing, or nothing that is read."""
    kinds = {"create": SOMETHING, "replace": OTHER, "delete": DELETE, "existed": TAKE, "absent": NOTHING}
    return Block(kinds.get(call.result) or kinds.get(call.kind, NOTHING), [call], expected=call.expected)


def block_from(write, reads, next_of):
    """Of that write and those that replaced it in turn; in their order no call may end before an
    earlier one begins."""
    kind = {"create": MAKE, "replace": SWAP}.get(write.kind, PUT)
    groups, began, expected = [], 0, write.expected
    while write is not None:
        groups.append([write, *reads.get(write.value, [])])
        for call in groups[-1]:
            if call.end < max(began, write.begin if call != write else 0):
                raise Impossible(call, "it ended before that was written")
        began = max(began, *(call.begin for call in groups[-1]))
        write = next_of.pop(write.value, None)
    return Block(kind, [call for group in groups for call in group], groups, expected)


def sort_calls(calls):
    """(writes by value, reads by value, value -> what replaced it, the others)"""
    reads, writes, next_of, others = collections.defaultdict(list), {}, {}, []
    for call in calls:
        if call.kind in WRITES and call.result != "refused":
            assert call.value not in writes, f"{call.name}: another call wrote {call.value}, too"
            writes[call.value] = call
        elif call.kind in CHANGES or call.value == NONE:
            others.append(call)
        else:
            reads[call.value].append(call)
    for call in writes.values():
        if call.kind == "replace" and (call.end != FOREVER or call.value in reads):
            if call.expected in next_of:
                raise Impossible(call, f"{next_of[call.expected].name} had replaced that")
            next_of[call.expected] = call
    return writes, reads, next_of, others


def blocks_of(calls):
    writes, reads, next_of, others = sort_calls(calls)
    for value, readers in reads.items():
        if value not in writes:
            raise Impossible(readers[0], "nobody wrote that")
    first = [write for write in writes.values() if write not in set(next_of.values())]
    blocks = [block_alone(call) for call in others] + [block_from(write, reads, next_of) for write in first]
    for call in next_of.values():
        raise Impossible(call, f"{call.expected} was not there")
    return [block for block in blocks
            if block.kind != OTHER or not any(len(other.groups) > 1 and other.shows(block) for other in blocks)]


# ---- states ----


# `value` is NONE or SOME, or which, where that matters; `held` the block in whose midst this is.
State = collections.namedtuple("State", "value held done used")


class States:
    """A set without those that another one can stand in for: with as much done, and no more used."""

    def __init__(self, states=()):
        self.alike = collections.defaultdict(list)
        for state in states:
            self.add(state)

    def add(self, state):
        """False: it, or a better one, is there."""
        others = self.alike[state.value, state.held]
        if any(other.done >= state.done and other.used <= state.used for other in others):
            return False
        others[:] = [other for other in others
                     if not (state.done >= other.done and state.used <= other.used)] + [state]
        return True

    def __iter__(self):
        for states in self.alike.values():
            yield from states


class Search:
    def __init__(self, blocks):
        self.watched = {block.expected for block in blocks if block.kind in (OTHER, SWAP)}
        self.closed = set(blocks)
        self.open = []  # by when they are due
        self.states = States([State(NONE, None, frozenset(), frozenset())])

    def is_seen(self, block, state):
        """Does that look at what is there?"""
        if state.held:
            return state.held.shows(block)
        if block.kind == OTHER:
            return state.value != block.expected
        return block.kind == (NOTHING if state.value == NONE else SOMETHING)

    def settle(self, state):
        """With what has seen what is there, or would change nothing that anybody can see."""
        passing = DELETE if state.value == NONE else PUT if state.value == SOME else None
        now = [block for block in self.open if self.is_seen(block, state)
               or not state.held and block.kind == passing and block.due != FOREVER
               and block.last not in self.watched]
        return state._replace(done=state.done.union(now))

    def choices(self, state):
        """What may be next: of each kind the first to be due, and all whose value matters."""
        kinds = (PUT, MAKE, DELETE) if state.value == NONE else (PUT, TAKE, DELETE)
        for kind in kinds:
            unused = [block for block in self.open if block.kind == kind and block not in state.used]
            yield from unused[:1]
            yield from (block for block in unused[1:] if block.last in self.watched)
        yield from (block for block in self.open if block.kind == SWAP and block not in state.used
                    and block.expected == state.value)

    def use(self, block, state, held=None):
        """What it overwrites may have been written just before it."""
        hidden = {PUT: (PUT, DELETE), DELETE: (PUT,), TAKE: (PUT,)}.get(block.kind, ())
        done = state.done.union(other for other in self.open if other.due != FOREVER
                                and (other == block or other.kind in hidden))
        value = NONE if block.kind in (TAKE, DELETE) else block.last if block.last in self.watched else SOME
        return self.settle(State(value, held, done, state.used | {block}))

    def begin_early(self, looker, state):
        """A call may have seen the beginning of a block before that is due."""
        for block in self.closed:
            if block.due >= looker.due and block.shows(looker) and (block.kind == PUT or state.value == NONE):
                yield self.use(block, state, held=block)

    def reach(self, is_enough=lambda _: False, looker=None):
        """Every state that changes can lead to, up to those that are enough."""
        seen, waiting = States(), [self.settle(state) for state in self.states]
        waiting = [state for state in waiting if seen.add(state)]
        while waiting:
            state = waiting.pop()
            if state.held or is_enough(state):
                continue
            after = [self.use(block, state) for block in self.choices(state)]
            if looker:
                after += self.begin_early(looker, state)
            waiting += [other for other in after if seen.add(other)]
        return seen

    def end(self, block):
        """It is due: what is left are states in which it is done.  What was only passing by may be used."""
        looker = block if block.kind in (SOMETHING, OTHER) else None
        before = self.reach(lambda state: block in state.used or (
            block in state.done and block.kind not in CHANGING), looker)
        self.open.remove(block)
        self.keep(block, [state._replace(done=state.done - {block}, used=state.used - {block})
                          for state in before if block in state.done])

    def hold(self, block):
        """It is due and not open yet: from now until then the key is its own."""
        before = self.reach()
        self.keep(block, [state for state in before if state.held == block] + [
            self.use(block, state, held=block) for state in before
            if not state.held and (block.kind == PUT or state.value == NONE)])

    def keep(self, block, states):
        could = sorted({state.held.last if state.held else state.value for state in self.states})
        self.states = States(states)
        if not states:
            raise Impossible(block.call, f"it can have been {', '.join(could)}")

    def opens(self, block):
        """All of its calls have begun; where it held the key it does no longer."""
        self.closed.remove(block)
        if not block.holds:
            bisect.insort(self.open, block, key=lambda other: other.due)
        kept = []
        for state in map(self.settle, self.states):
            if state.held == block:
                ended = {block} if block.holds else set()  # what was begun early is still to be due
                state = state._replace(held=None, done=state.done | {block} - ended, used=state.used - ended)
            kept.append(state)
        self.states = States(kept)


def check_key(calls):
    """Raises Impossible; else all is well."""
    blocks = blocks_of(calls)
    search = Search(blocks)
    events = [(block.opens, 0, number, search.opens) for number, block in enumerate(blocks)]
    events += [(block.due, *((1, number, search.hold) if block.holds else (2, number, search.end)))
               for number, block in enumerate(blocks) if block.due != FOREVER]
    for _, _, number, happens in sorted(events, key=lambda event: event[:3]):
        happens(blocks[number])


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
            try:
                check_key(self.calls[key])
            except Impossible as error:
                found.append(f"{key}: {error}")
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
