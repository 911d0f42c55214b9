#!/usr/bin/env python3
"""Shards move while customers write: a node is drained, comes back and gets its share again, the
coordinator dies at every step of a move, a bucket gets another profile and what it has follows,
operators say what cannot be done and hear why."""
from cluster import Revival, expect, failpoints, main, noise, until
from customer import Customer, plan, wait_for

NODES = 10
OBJECTS = {f"object {i}": noise(200_000 + 50_000 * i, seed=i) for i in range(8)}


def check_objects(cluster, objects):
    for key, content in objects.items():
        cluster.check(key, content)


def objects_are_stored(cluster):
    cluster.hearth("mb", "s3://box")
    for key, content in OBJECTS.items():
        cluster.put(key, content)
    cluster.wait_full()


def share(now, node):
    return next(line for line in now["nodes"] if line["node"] == node)


def what_cannot_be_done_is_said(cluster):
    for arguments, said in (
            (("rebalance", "apply", 99), r".*no plan 99.*"),
            (("rebalance", "plan", "--node", 77), r".*node 77: no such node.*"),
            (("rebalance", "plan", "--owner", "nobody"), r'.*no node of owner "nobody".*'),
            (("node", "drain", "nonsense"), r".*node nonsense: no such node.*"),
            (("node", "undrain", 1), r".*node 1 is not draining.*"),
            (("node", "remove", 1), r".*node 1 may still hold data: drain it .*\(node drain\).*\(--force\).*"),
            (("node", "remove", 1, "--force"), r".*confirm it with 8 or more digits of its id.*"),
            (("node", "remove", 1, "--force", "--confirm", "00000000"), r".*confirm it with.*"),
            (("node", "set", 1, "--uplink", "fast"), r".*--uplink.*\"fast\": bad number.*"),
            (("node", "set", 1, "--uplink", "2000G"), r".*more than 1 Tbit/s.*"),
            (("node", "set", 77, "--uplink", "40M"), r".*node 77: no such node.*"),
            (("node", "invite", "--owner", "x", "--uplink", "40Mibit"), r".*--uplink.*bad unit.*")):
        expect(cluster.admin(*arguments, fails=1).err, said)
    cluster.admin("rebalance", "plan", "--node", 1, "--domains", fails=2)


def what_a_line_sends_is_known_to_plans(cluster):
    """As thin as a line can be: what its node holds takes days to send."""
    fat = cluster.admin("rebalance", "plan", "--node", 2, "--json").json[0]
    cluster.admin("node", "set", 2, "--uplink", "1K")
    assert cluster.admin("node", "show", 2, "--json").json[0]["uplink_bits"] == 1000
    expect(cluster.admin("node", "show", 2).text, r"(?s).*uplink +1\.0 kbit/s\n.*")
    expect(cluster.admin("node", "show", 1).text, r"(?s).*uplink +not known.*")
    expect(cluster.admin("rebalance", "apply", fat["plan"], fails=1).err, r".*is stale.*")
    cluster.admin("rebalance", "cancel", fat["plan"])
    thin = cluster.admin("rebalance", "plan", "--node", 2, "--bandwidth", "1G", "--json").json[0]
    cluster.admin("rebalance", "cancel", thin["plan"])
    assert thin["duration_ms"] >= 8 * thin["bytes"] and fat["duration_ms"] < 8 * fat["bytes"]
    cluster.admin("node", "set", 2, "--uplink", "0")


def a_node_is_drained_while_customers_write(cluster):
    customer = Customer(cluster)
    made = cluster.admin("node", "drain", 3, "--json").json[0]
    assert made["state"] == "running" and made["kind"] == "drain", made
    expect(cluster.admin("node", "drain", 3, fails=1).err, r".*node 3 is drained by plan \d+ already.*")
    expect(cluster.admin("rebalance", "apply", made["plan"], fails=1).err, r".*is running already.*")
    wait_for(cluster, made["plan"], lambda now: "orders given before" in now["reason"])
    customer.end()
    assert cluster.admin("node", "show", 3, "--json").json[0]["state"] == "draining"
    assert share(plan(cluster, made["plan"]), 3)["held"] == 0
    check_objects(cluster, {**OBJECTS, **customer.kept})
    expect(cluster.admin("node", "remove", 3, fails=1).err, r".*may still hold data.*")


def nodes_fetched_from_one_another(cluster):
    """None of the bytes came by the coordinator, which would have said so."""
    with open(cluster.logs()[0]) as log:
        assert "move.indirect" not in log.read()


def it_stays_after_all_and_gets_its_share(cluster):
    """Twice a plan is made of what is there: the first is stale when the node is back."""
    stale = cluster.admin("rebalance", "plan", "--json").json[0]
    cluster.admin("node", "undrain", 3)
    expect(cluster.admin("rebalance", "apply", stale["plan"], fails=1).err, r".*is stale.*")
    cluster.admin("rebalance", "cancel", stale["plan"])
    made = cluster.admin("rebalance", "plan", "--json").json[0]
    assert made["moves"] > 0 and made["least_percent"] == 0, made
    assert share(made, 3)["take"] > 0
    cluster.admin("rebalance", "apply", made["plan"])
    ended = wait_for(cluster, made["plan"], lambda now: now["state"] != "running")
    assert ended["state"] == "done" and ended["moves_done"] == ended["moves"], ended
    check_objects(cluster, OBJECTS)
    again = cluster.admin("rebalance", "plan", "--json").json[0]
    assert again["least_percent"] > 50, again
    cluster.admin("rebalance", "cancel", again["plan"])


def code_anew(cluster, profile):
    cluster.admin("bucket", "set", "box", "--profile", profile)
    made = cluster.admin("rebalance", "plan", "--bucket", "box", "--json").json[0]
    assert made["kind"] == "recode" and made["profile"] == profile, made
    assert made["moves"] >= len(OBJECTS), made
    assert (made["disk_after"] > made["disk_before"]) == (profile == "local"), made
    return made["plan"]


def a_bucket_is_coded_anew_while_the_coordinator_dies_and_customers_write(cluster):
    expect(cluster.admin("rebalance", "plan", "--bucket", "nothing", fails=1).err,
           r'.*bucket "nothing".*')
    profiles = ("lean", "local", "lean", "local")
    for profile, point in zip(profiles, failpoints("coordinator.recode."), strict=True):
        number = code_anew(cluster, profile)
        cluster.kill("coordinator")
        cluster.start_broken("coordinator", f"{point}=kill")
        revival = Revival(cluster)
        cluster.admin("rebalance", "apply", number, fails=None)
        await_death(revival, point)
        customer = Customer(cluster)
        ended = wait_for(cluster, number, lambda now: now["state"] != "running")
        customer.end()
        assert ended["state"] == "done" and ended["moves_done"] >= len(OBJECTS), ended
        check_objects(cluster, {**OBJECTS, **customer.kept})
        for key in customer.kept:
            cluster.hearth("rm", f"s3://box/{key}")


def a_coordinator_killed_at_every_step_goes_on(cluster):
    for point in failpoints("coordinator.rebalance.planned"):
        cluster.kill("coordinator")
        cluster.start_broken("coordinator", f"{point}=kill")
        revival = Revival(cluster)
        cluster.admin("node", "drain", 5, fails=None)
        await_death(revival, point)
    number = cluster.admin("rebalance", "status", "--json").json[0]["plan"]
    wait_for(cluster, number, lambda now: now["moves_done"] > 0 or "orders" in now["reason"])
    cluster.admin("node", "undrain", 5)
    points = failpoints("coordinator.move.") + failpoints("coordinator.rebalance.progress")
    for node, point in zip((6, 8, 9, 10, 4), points, strict=True):
        made = cluster.admin("rebalance", "plan", "--node", node, "--bandwidth", "1M", "--json").json[0]
        cluster.kill("coordinator")
        cluster.start_broken("coordinator", f"{point}=kill")
        revival = Revival(cluster)
        cluster.admin("rebalance", "apply", made["plan"], fails=None)
        await_death(revival, point)
        cluster.admin("rebalance", "cancel", made["plan"])
        check_objects(cluster, OBJECTS)


def await_death(revival, point):
    until(lambda: revival.died, f"{point} was not passed")
    revival.end()


def a_node_may_be_given_up_with_what_it_holds(cluster):
    node = cluster.admin("node", "show", 7, "--json").json[0]
    cluster.admin("node", "remove", 7, "--force", "--confirm", node["id"][:8])
    assert cluster.admin("node", "show", 7, "--json").json[0]["state"] == "gone"
    expect(cluster.admin("node", "remove", 7, "--force", "--confirm", node["id"][:8], fails=1).err,
           r".*is gone already.*")
    cluster.wait_full()
    check_objects(cluster, OBJECTS)


if __name__ == "__main__":
    main(objects_are_stored, what_cannot_be_done_is_said,
         what_a_line_sends_is_known_to_plans, a_node_is_drained_while_customers_write,
         nodes_fetched_from_one_another, it_stays_after_all_and_gets_its_share,
         a_bucket_is_coded_anew_while_the_coordinator_dies_and_customers_write,
         a_coordinator_killed_at_every_step_goes_on,
         a_node_may_be_given_up_with_what_it_holds, nodes=NODES)
