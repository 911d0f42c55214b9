"""What befalls sixteen nodes, their coordinator and their gateway: by a seed, and done to a cluster."""
import collections
import contextlib
import os
import random
import re
import signal
import threading

from cluster import Proxy
from wiping import number_of, wipe

NODES = 16
BEHIND_PROXIES = range(13, NODES + 1)  # a fault of their network costs nobody else anything
AWAY_MAX = 2  # w - k: nodes that do not answer, or have lost all since every object was whole
FILLED_MAX = 4  # as many take no new shards, beside those that are drained
QUIET_EVERY = 8
HALF = 4  # n - k: as many shards of an object that is whole
DRAINED_MAX = 2
OF_NO_NODE = {"coordinator", "gateway", "plan", "pause", "resume", "cancel"}

PLAN_REFUSED = "is stale|runs now|cannot be carried out|is (done|failed|cancelled|paused|planned)"

Event = collections.namedtuple("Event", "after verb nodes")


# ---- what is done when ----


class Course:
    """Which nodes are in which trouble, and how far a plan of moves is."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.trouble = {}  # node -> verb
        self.wiped = 0
        self.plan = None  # None, "plan" (it runs), or "pause"

    def away(self):
        return self.wiped + sum(verb not in ("fill", "drain") for verb in self.trouble.values())

    def count(self, verb):
        return list(self.trouble.values()).count(verb)

    def possible(self):
        """(verb, nodes to choose from)"""
        well = [node for node in range(1, NODES + 1) if node not in self.trouble]
        if self.trouble:
            yield "back", list(self.trouble)
        if self.away() < AWAY_MAX:
            yield from (("kill", well), ("stop", well))
            yield "wipe", [node for node in well if node not in BEHIND_PROXIES]
            for verb in ("slow", "cut up", "cut down"):
                yield verb, [node for node in well if node in BEHIND_PROXIES]
        if self.count("fill") < FILLED_MAX:
            yield "fill", well
        if self.count("drain") < DRAINED_MAX:
            yield "drain", [node for node in well if node not in BEHIND_PROXIES]

    def possible_of_no_node(self):
        after = {None: ("plan",), "plan": ("pause", "cancel"), "pause": ("resume", "cancel")}
        return ("coordinator", "gateway", *after[self.plan])

    def choose(self):
        """(verb, nodes), and from now on it is so."""
        if self.chance.random() < 0.4:
            return self.choose_of_no_node(), []
        verb, nodes = self.chance.choice([one for one in self.possible() if one[1]])
        node = self.chance.choice(nodes)
        if verb == "back":
            del self.trouble[node]
        elif verb == "wipe":
            self.wiped += 1
        else:
            self.trouble[node] = verb
        return verb, [node]

    def choose_of_no_node(self):
        verb = self.chance.choice(self.possible_of_no_node())
        self.plan = {"plan": "plan", "resume": "plan", "pause": "pause", "cancel": None}.get(verb, self.plan)
        return verb

    def heal(self):
        self.trouble, self.wiped, self.plan = {}, 0, None


def schedule(seed, objects, events):
    """The moments are counted in objects written."""
    course = Course(seed)
    moments = sorted(course.chance.sample(range(1, objects), events))
    for number, after in enumerate(moments, 1):
        if number % QUIET_EVERY == 0 or number == events:
            course.heal()
            verb = course.chance.choice(("half away", "half lost"))
            yield Event(after, verb, course.chance.sample(range(1, BEHIND_PROXIES[0]), HALF))
        else:
            yield Event(after, *course.choose())


def show(events):
    for event in events:
        print(f"      after {event.after} objects: {event.verb} {' '.join(map(str, event.nodes))}", flush=True)


# ---- done to a cluster ----


class Front:
    """Whether clients can be served: calls that met an end of the coordinator or of the gateway may fail."""

    def __init__(self):
        self.is_there, self.ends = threading.Event(), 0
        self.is_there.set()

    @contextlib.contextmanager
    def away(self):
        self.is_there.clear()
        self.ends += 1
        yield
        self.ends += 1
        self.is_there.set()

    def moment(self):
        """Waits until it is there; then how often it went or came before."""
        self.is_there.wait()
        return self.ends


class Troubles:
    def __init__(self, cluster):
        self.cluster, self.front = cluster, Front()
        self.proxies = {number: Proxy(cluster, number) for number in BEHIND_PROXIES}
        self.undo = {}  # node -> how it is brought back
        self.plan = None  # the number of the latest

    def begin(self, event):
        if event.verb.startswith("half"):
            self.heal()
        elif event.verb in ("coordinator", "gateway"):
            self.restart(event.verb)
        elif event.verb in OF_NO_NODE:
            self.move(event.verb)
        else:
            self.begin_at(event.nodes[0], event.verb)

    def begin_at(self, node, verb):
        if verb == "back":
            self.undo.pop(node)()
        elif verb == "wipe":
            wipe(self.cluster, node)
        elif verb == "fill":
            self.set_capacity(node, "1M")
            self.undo[node] = lambda: self.set_capacity(node, "0")
        elif verb == "drain":
            self.drain(node)
        elif verb in ("kill", "stop"):
            getattr(self.cluster, verb)(node)
            self.undo[node] = lambda: self.cluster.start(node)
        else:
            self.proxies[node].tell("rate both 30000" if verb == "slow" else verb.replace("cut", "lose"))
            self.undo[node] = lambda: self.proxies[node].tell("heal")

    def restart(self, name):
        with self.front.away():
            self.cluster.kill(name)
            self.cluster.start(name)

    def set_capacity(self, node, size):
        path = os.path.join(self.cluster.dir, "nodes", str(node), "hearth-storaged.conf")
        with open(path) as file:
            text = file.read().split("[volume]")[0]
        with open(path, "w") as file:
            file.write(f"{text}[volume]\ncapacity = {size}\n")
        os.kill(self.cluster.pids()[str(node)], signal.SIGHUP)

    def ask(self, *arguments, refused):
        """What an operator does; None: it was refused, and in these words."""
        result = self.cluster.admin(*arguments, fails=None)
        assert result.code == 0 or re.search(refused, result.err), result.err
        return result if result.code == 0 else None

    def drain(self, node):
        """There may be too few others to take what it has."""
        number = number_of(self.cluster, node)
        self.ask("node", "drain", number, refused="cannot be carried out|nowhere to go")
        self.undo[node] = lambda: self.ask("node", "undrain", number, refused="is not draining")

    def move(self, verb):
        """A plan may have ended, or be stale, before it is told to do anything."""
        if verb == "plan":
            made = self.ask("rebalance", "plan", "--json", refused="runs now|cannot be carried out")
            self.plan = made and made.json[0]["plan"]
            verb = "apply"
        if self.plan is not None:
            self.ask("rebalance", verb, self.plan, refused=PLAN_REFUSED)

    def heal(self):
        """All are back, nothing moves, and everything is whole."""
        for node in list(self.undo):
            self.undo.pop(node)()
        if self.plan is not None:
            self.move("cancel")
        self.cluster.wait_full("240s")
