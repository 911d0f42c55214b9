#!/usr/bin/env python3
"""A coordinator that is lost with its disk is rebuilt from the recovery kit and the nodes alone, and
serves every object up to the last shipment; killed at any step of that, it is rebuilt the second time.
"""
import os
import re
import shutil
import signal

from cluster import BIN, Cluster, digest, expect, failpoints, main, noise, run, until

SIZES = [1, 5000, 100_000, 1_000_000, 5_000_000]


class Shipping(Cluster):
    """A cluster whose nodes keep its metadata."""

    def control(self, verb, *arguments, **options):
        extra = ["--shipping"] if verb == "up" else []
        return super().control(verb, *arguments, *extra, **options)

    @property
    def home(self):
        return os.path.join(self.dir, "coordinator")

    def coordinator(self, *arguments, fails=0, data=None, env=None):
        return run([os.path.join(BIN, "hearth-coordinator"), *map(str, arguments)], fails=fails,
                   data=data, env=env)

    def shipped(self):
        """Lines of the log that tell of a shipment."""
        with open(os.path.join(self.home, "log"), errors="replace") as file:
            return [line for line in file if " metadata.shipped " in line]

    def ship(self, kind="kind="):
        """Waits for two shipments that begin after now: what was written before is in the first."""
        before = sum(kind in line for line in self.shipped())
        until(lambda: sum(kind in line for line in self.shipped()) >= before + 2, "nothing is shipped")

    def alive(self):
        return sum(node["state"] == "alive" for node in self.admin("node", "list", "--json").json)

    def garbage_was_held(self):
        """It is, or it was until each node had said what it holds, which may be any moment after a start."""
        if self.admin("gc", "status", "--json").json[0]["held"]:
            return True
        with open(os.path.join(self.home, "log"), errors="replace") as file:
            return " garbage.released by=reconciliation" in file.read()

    def kit(self):
        return self.coordinator("kit", "--config",
                                os.path.join(self.home, "hearth-coordinator.conf")).out

    def lose_coordinator(self, how=signal.SIGKILL):
        """Killed, maybe in the middle of a shipment, and its disk is gone; only the log stays, for
        the test."""
        if "coordinator" in self.pids():
            os.kill(self.pids()["coordinator"], how)
        until(lambda: "coordinator" not in self.pids(), "the coordinator does not end")
        for name in os.listdir(self.home):
            path = os.path.join(self.home, name)
            if name == "log":
                continue
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)

    def rebuild(self, kit, *arguments, fails=0, env=None):
        return self.coordinator(
            "rebuild", "--kit", "-", "--dir", self.home, "--heartbeat", "1s",
            "--listen", f"127.0.0.1:{self.port('coordinator')}",
            "--enrol", f"127.0.0.1:{self.port('enrolment')}", *arguments, fails=fails, data=kit,
            env=env)

    def start_coordinator(self, shipping):
        path = os.path.join(self.home, "hearth-coordinator.conf")
        with open(path) as file:
            text = file.read()
        text = re.sub(r"(?m)^(sweep|repair|reclaim|ship|snapshot) *=.*", r"\1 = 1s", text)
        text = re.sub(r"(?m)^shipping *=.*", f"shipping = {'yes' if shipping else 'no'}", text)
        with open(path, "w") as file:
            file.write(text)
        self.start("coordinator")


def read_all_back(cluster, objects):
    for name, content in objects.items():
        assert digest(cluster.hearth("cat", f"s3://box/{name}").out) == digest(content), name


OBJECTS = {}


def metadata_is_shipped_while_objects_come_and_go(cluster):
    cluster.hearth("mb", "s3://box")
    for number, size in enumerate(SIZES):
        OBJECTS[f"first-{number}"] = noise(size, seed=number)
        cluster.hearth("cp", "-", f"s3://box/first-{number}", data=OBJECTS[f"first-{number}"])
    cluster.hearth("cp", "-", "s3://box/deleted", data=noise(10_000))
    cluster.ship()
    for number, size in enumerate(SIZES):
        OBJECTS[f"second-{number}"] = noise(size, seed=100 + number)
        cluster.hearth("cp", "-", f"s3://box/second-{number}", data=OBJECTS[f"second-{number}"])
    cluster.hearth("rm", "s3://box/deleted")
    cluster.ship()


def a_page_of_paper_is_all_that_is_kept(cluster):
    kit = cluster.kit().decode()
    assert kit.startswith("HEARTH RECOVERY KIT 1\n")
    assert len(kit.splitlines()) < 70 and max(map(len, kit.splitlines())) < 100
    assert kit.count(" node ") == 8


def a_wrong_word_of_it_is_named_and_nothing_is_made(cluster):
    kit = cluster.kit()
    wrong = kit.replace(b"02 master  ", b"02 master  0", 1)
    home = cluster.path("nowhere")
    for text, why in ((wrong, "line 02 is not as it was printed"), (b"", "not a recovery kit"),
                      (kit[:800], r"it ends after line|not as it was printed")):
        err = cluster.coordinator("rebuild", "--kit", "-", "--dir", home, data=text, fails=1).err
        assert re.search(why, err), err
        assert not os.path.exists(home)


def what_is_there_is_not_written_over(cluster):
    expect(cluster.rebuild(cluster.kit(), fails=1).err,
           r"hearth-coordinator: rebuild .*meta\.db is there; move it away if it is lost")


def killed_at_every_step_it_is_rebuilt_the_second_time(cluster):
    kit = cluster.kit()
    for failpoint in failpoints("coordinator.rebuild."):
        cluster.lose_coordinator()
        result = cluster.rebuild(kit, fails=None, env={"HEARTH_FAILPOINT": f"{failpoint}=kill"})
        assert result.code == -9, (failpoint, result.code, result.err)
        if os.path.exists(os.path.join(cluster.home, "meta", "meta.db")):
            assert failpoint.endswith("named"), failpoint  # only when all of it is there
        else:
            cluster.rebuild(kit)


def the_rebuilt_coordinator_serves_all_that_was_shipped(cluster):
    cluster.start_coordinator(shipping=True)
    read_all_back(cluster, OBJECTS)
    assert cluster.current("s3://box/deleted") is None
    assert cluster.garbage_was_held()
    until(lambda: cluster.alive() == 8, "nodes stay away")
    OBJECTS["third"] = noise(300_000, seed=7)
    cluster.hearth("cp", "-", "s3://box/third", data=OBJECTS["third"])
    cluster.ship()


def a_coordinator_killed_at_every_step_of_a_shipment_goes_on(cluster):
    for failpoint in failpoints("coordinator.ship."):
        cluster.kill("coordinator")
        cluster.start_broken("coordinator", f"{failpoint}=kill")
        cluster.await_death("coordinator", failpoint)
        cluster.start("coordinator")
    read_all_back(cluster, OBJECTS)


def after_a_start_only_what_changed_is_shipped(cluster):
    """Killed and started again, and lost then: the snapshot of before the start is what it follows on."""
    path = os.path.join(cluster.home, "hearth-coordinator.conf")
    with open(path) as file:
        text = file.read()
    cluster.kill("coordinator")
    with open(path, "w") as file:
        file.write(re.sub(r"(?m)^snapshot *=.*", "snapshot = 1h", text))
    cluster.start("coordinator")
    cluster.ship()
    for round_ in range(2):
        cluster.kill("coordinator")
        before = len(cluster.shipped())
        cluster.start("coordinator")
        OBJECTS[f"restart-{round_}"] = noise(200_000, seed=round_)
        cluster.hearth("cp", "-", f"s3://box/restart-{round_}", data=OBJECTS[f"restart-{round_}"])
        cluster.ship()
        assert not any("kind=snapshot" in line for line in cluster.shipped()[before:]), cluster.shipped()
    kit = cluster.kit()
    cluster.lose_coordinator()
    assert "changes:    0" not in cluster.rebuild(kit).text
    cluster.start_coordinator(shipping=True)
    read_all_back(cluster, OBJECTS)


def it_can_be_lost_again_with_half_of_the_nodes(cluster):
    """What the kit says of 1 to 4 is no longer true; the others are named, or call by themselves."""
    kit = cluster.kit()
    until(lambda: cluster.alive() == 8, "nodes stay away")
    cluster.ship("kind=snapshot")
    cluster.lose_coordinator(signal.SIGTERM)  # what has just been sealed may have six holders
    cluster.kill(1, 2, 3, 4)
    result = cluster.rebuild(kit, "--nodes", f"127.0.0.1:{cluster.port(5)}", "--wait", "3s")
    assert result.text.count("\nno node:") + result.text.startswith("no node:") == 4, result.text
    cluster.start_coordinator(shipping=False)
    read_all_back(cluster, OBJECTS)
    cluster.start(1, 2, 3, 4)
    cluster.wait_full()
    cluster.admin("gc", "release")  # what repair had stored since the shipment is nobody's
    cluster.admin("gc", "run", "--wait")


if __name__ == "__main__":
    main(metadata_is_shipped_while_objects_come_and_go, a_page_of_paper_is_all_that_is_kept,
         a_wrong_word_of_it_is_named_and_nothing_is_made, what_is_there_is_not_written_over,
         killed_at_every_step_it_is_rebuilt_the_second_time,
         the_rebuilt_coordinator_serves_all_that_was_shipped,
         a_coordinator_killed_at_every_step_of_a_shipment_goes_on,
         after_a_start_only_what_changed_is_shipped,
         it_can_be_lost_again_with_half_of_the_nodes, world=Shipping)
