"""When what befalls sixteen nodes, their coordinator and their gateway: by a seed, and nothing is done."""
import collections
import random

NODES = 16
BEHIND_PROXIES = range(13, NODES + 1)  # a fault of their network costs nobody else anything
AWAY_MAX = 2  # w - k: nodes that do not answer, or have lost all since every object was whole
FILLED_MAX = 4  # as many take no new shards, beside those that are drained
QUIET_EVERY = 8
HALF = 4  # n - k: as many shards of an object that is whole
DRAINED_MAX = 2
SLICE = {"seed": 705, "objects": 300, "events": 20}  # short, and everything happens

AT_A_NODE = {"kill", "stop", "wipe", "slow", "cut up", "cut down", "fill", "drain", "remove", "back"}
OF_NO_NODE = {"coordinator", "coordinator away", "gateway", "plan", "pause", "resume", "cancel"}
WHEN_QUIET = {"half away", "half lost"}
AWAY = {"kill", "stop", "slow", "cut up", "cut down"}
ALL = AT_A_NODE | OF_NO_NODE | WHEN_QUIET
BEFORE = {"pause": "plan", "cancel": "plan", "resume": "pause", "remove": "drain",
          **dict.fromkeys(AWAY | {"wipe"}, "back")}

class Event(collections.namedtuple("Event", "after verb nodes")):
    __slots__ = ()

    def __str__(self):
        return " ".join([self.verb, *map(str, self.nodes)])


class Course:
    """Which nodes are in which trouble, how far a plan of moves is, and what has happened already."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.trouble = {}  # node -> verb
        self.wiped = 0
        self.plan = None  # None, "plan" (it runs), or "pause"
        self.had = set()

    def away(self):
        return self.wiped + sum(verb in AWAY for verb in self.trouble.values())

    def having(self, verb):
        return [node for node, its in self.trouble.items() if its == verb]

    def at_nodes(self):
        """Verb -> nodes to choose from."""
        well = [node for node in range(1, NODES + 1) if node not in self.trouble]
        near = [node for node in well if node not in BEHIND_PROXIES]
        far = [node for node in well if node in BEHIND_PROXIES]
        found = {"back": list(self.trouble)}
        if self.away() < AWAY_MAX:
            found |= {"kill": well, "stop": well, "wipe": near, "remove": self.having("drain"),
                      "slow": far, "cut up": far, "cut down": far}
        if len(self.having("fill")) < FILLED_MAX:
            found["fill"] = well
        if len(self.having("drain")) < DRAINED_MAX:
            found["drain"] = near
        return {verb: nodes for verb, nodes in found.items() if nodes}

    def of_no_node(self):
        after = {None: ("plan",), "plan": ("pause", "cancel"), "pause": ("resume", "cancel")}
        return dict.fromkeys(("coordinator", "coordinator away", "gateway", *after[self.plan]), ())

    def wanted(self):
        """What never happened is wanted first, then what has to come before it, and in the end anything."""
        new = ALL - self.had
        yield new
        while new:
            new = {BEFORE[verb] for verb in new if verb in BEFORE}
            yield new
        yield OF_NO_NODE if self.chance.random() < 0.4 else AT_A_NODE

    def choose(self):
        """(verb, nodes), and from now on it is so."""
        possible = {**self.at_nodes(), **self.of_no_node()}
        verbs = next(filter(None, ([verb for verb in possible if verb in some] for some in self.wanted())))
        verb = self.chance.choice(verbs)
        nodes = [self.chance.choice(possible[verb])] if possible[verb] else []
        self.note(verb, nodes)
        return verb, nodes

    def note(self, verb, nodes):
        self.had.add(verb)
        if verb in OF_NO_NODE:
            self.plan = {"plan": "plan", "resume": "plan", "pause": "pause", "cancel": None}.get(verb, self.plan)
        elif verb == "wipe":
            self.wiped += 1
        elif verb in ("back", "remove"):
            self.wiped += verb == "remove"
            del self.trouble[nodes[0]]
        else:
            self.trouble[nodes[0]] = verb

    def be_quiet(self):
        """All are back and nothing moves; then half of the shards of an object are away, or lost."""
        self.trouble, self.wiped, self.plan = {}, 0, None
        verb = self.chance.choice(sorted(WHEN_QUIET - self.had or WHEN_QUIET))
        self.had.add(verb)
        return verb, self.chance.sample(range(1, BEHIND_PROXIES[0]), HALF)


def schedule(seed, objects, events):
    """The moments are counted in objects written."""
    course = Course(seed)
    moments = sorted(course.chance.sample(range(1, objects), events))
    for number, after in enumerate(moments, 1):
        is_quiet = number % QUIET_EVERY == 0 or number == events
        yield Event(after, *(course.be_quiet() if is_quiet else course.choose()))


def show(events):
    for event in events:
        print(f"      after {event.after} objects: {event}", flush=True)
