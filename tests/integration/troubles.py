"""How each trouble of a course is done to a cluster, and undone."""
import contextlib
import os
import re
import signal
import threading

from course import BEHIND_PROXIES, OF_NO_NODE, WHEN_QUIET
from proxy import Proxy
from wiping import come_back, forget, number_of, wipe

PLAN_REFUSED = "is stale|runs now|cannot be carried out|is (done|failed|cancelled|paused|planned)"


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
        if event.verb in WHEN_QUIET:
            self.heal()
        elif event.verb in ("coordinator", "gateway"):
            self.restart(event.verb)
        elif event.verb == "coordinator away":
            self.restart("coordinator", meanwhile=self.be_without_coordinator)
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
        elif verb == "remove":
            self.remove(node)
        elif verb in ("kill", "stop"):
            getattr(self.cluster, verb)(node)
            self.undo[node] = lambda: self.cluster.start(node)
        else:
            self.proxies[node].tell("rate both 30000" if verb == "slow" else verb.replace("cut", "lose"))
            self.undo[node] = lambda: self.proxies[node].tell("heal")

    def restart(self, name, meanwhile=lambda: None):
        with self.front.away():
            self.cluster.kill(name)
            meanwhile()
            self.cluster.start(name)

    def be_without_coordinator(self):
        """For as long as a client asks for it before it gives up."""
        self.cluster.hearth("ls", "s3://box/", fails=1)

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

    def remove(self, node):
        """One that is drained: when nothing of it is left, or for all that with what it still has.  Its home
        goes on as a new node."""
        number = number_of(self.cluster, node)
        if not self.ask("node", "remove", number, refused="may still hold data"):
            shown = self.cluster.admin("node", "show", number, "--json").json[0]
            self.cluster.admin("node", "remove", number, "--force", "--confirm", shown["id"][:8])
        del self.undo[node]
        forget(self.cluster, node)
        come_back(self.cluster, node)

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
