#!/usr/bin/env python3
"""What an operator types wrong is refused in one line that says what is wrong, and nothing was done; what
waits for an operator is said with the next command."""
import os
import re
import subprocess
import urllib.request

from cluster import BIN, expect, main, noise, run


def an_object_is_stored(cluster):
    cluster.hearth("mb", "s3://there")
    cluster.hearth("cp", "-", "s3://there/three", data=noise(3_000_000))
    cluster.wait_full()


def verbs_of_admins():
    """As --help lists them: name, and whether it has --json."""
    found = {}
    for line in run([os.path.join(BIN, "hearth-admin"), "--help"]).text.split("\nAlways:")[0].splitlines():
        usage = re.match(r"  hearth-admin (?:--config FILE )?([a-z ]+[a-z])", line)
        if usage:
            name = usage.group(1)
            found[name] = False
        elif line.startswith("    --json"):
            found[name] = True
    return found


def every_verb_of_an_admin_is_alike(cluster):
    """What it is for, what programs read, and that a wrong word is wrong usage."""
    verbs = verbs_of_admins()
    assert len(verbs) >= 39, verbs
    assert [verb for verb, has_json in verbs.items() if not has_json] == ["init"], verbs
    for verb in verbs:
        words = verb.split()
        assert f" {verb} " in cluster.admin(*words, "--help").text.replace("\n", " "), verb
        expect(cluster.admin(*words, "--nonsense", fails=2).err,
               r"hearth-admin: --nonsense: unknown option, or its value is missing .*")
    nouns = {verb.split()[0] for verb in verbs if " " in verb}
    for noun in sorted(nouns):
        expect(cluster.admin(noun, "fly", fails=2).err, rf"hearth-admin: {noun} fly: expected {noun} .*")


WRONG_VALUES = {
    ("node", "drain", "1", "--bandwidth", "fast"): r"--bandwidth fast: expected bytes, .*",
    ("node", "invite", "--owner", "x", "--valid", "soon"): r"--valid soon: expected a time, .*",
    ("node", "invite", "--owner", "x", "--valid", "1ms"): r"--valid 1ms: expected 1s to .*",
    ("rebalance", "plan", "--max-bytes", "0"): r"--max-bytes 0: expected bytes, .*",
    ("rebalance", "apply", "x"): r"plan x: plans have numbers, .*",
    ("audit", "run", "--cells", "0"): r"--cells 0: expected 1 to 10000 .*",
    ("status", "--timeout", "soon"): r"--timeout soon: expected a time, .*",
    ("restore", "backup", "--timeout", "0s"): r"--timeout 0s: expected a time, .*",
    ("simulate", "--uptime", "200"): r"--uptime 200: expected per cent, .*",
    ("simulate", "--nodes", "-1"): r"--nodes -1: expected 1 to .*",
    ("simulate", "--life", "long"): r"--life long: expected a time, .*",
    ("bucket", "set", "there"): r"nothing to set: .*",
    ("bucket", "set", "there", "--quota", "0"): r"--quota 0: expected 1 or more, .*",
    ("bucket", "set", "there", "--public-read", "maybe"): r"--public-read maybe: expected on or off .*",
    ("undelete", "there/k"): r"expected s3://BUCKET/KEY .*",
    ("undelete", "s3://there/k", "--version-id", "12"): r"--version-id 12: expected 32 hex digits, .*",
}


def wrong_values_are_wrong_usage_in_every_verb(cluster):
    for arguments, pattern in WRONG_VALUES.items():
        result = cluster.admin(*arguments, fails=2)
        expect(result.err, rf"hearth-admin: {arguments[0]}.*: " + pattern)
        assert result.out == b"", result.out


def nodes_nobody_knows(cluster):
    for arguments in (("node", "show", "77"), ("node", "drain", "77"), ("node", "undrain", "77"),
                      ("node", "remove", "77"), ("rebalance", "plan", "--node", "77"),
                      ("audit", "status", "--node", "77"), ("audit", "run", "--node", "0123abcd"),
                      ("audit", "evidence", "--node", "0123abcd")):
        result = cluster.admin(*arguments, fails=1)
        expect(result.err, rf"hearth-admin: .*node {arguments[-1]}: no such node \(a number, or 8 .*")
        assert result.out == b"", result.out


def a_drain_that_placement_cannot_satisfy(cluster):
    """Eight nodes, eight shards each: nobody is left who could take them, and nothing was begun."""
    expect(cluster.admin("node", "drain", "2", fails=1).err,
           r"hearth-admin: node drain 2: .*\d+ of \d+ shards have nowhere to go: .* 7 nodes take shards now")
    assert cluster.admin("node", "show", "2", "--json").json[0]["state"] == "alive"
    expect(cluster.admin("node", "remove", "2", fails=1).err,
           r"hearth-admin: node remove 2: .* may still hold data: drain it .*--force.*")
    expect(cluster.admin("node", "remove", "2", "--force", fails=1).err,
           r"hearth-admin: node remove 2: .*: confirm it with 8 or more digits of its id, .*")


def a_profile_that_changes_is_of_what_is_written_next(cluster):
    cluster.wait_full()
    said = cluster.admin("bucket", "set", "there", "--profile", "lean").lines[-1]
    expect(said, r"what is stored already keeps its code until: hearth-admin rebalance plan --bucket there")
    made = cluster.admin(*said.split("hearth-admin ")[1].split(), "--json").json[0]
    assert made["kind"] == "recode" and made["profile"] == "lean" and made["moves"] > 0, made
    cluster.admin("rebalance", "cancel", made["plan"])
    cluster.admin("bucket", "set", "there", "--profile", "local")
    assert cluster.hearth("stat", "--shards", "--json", "s3://there/three").json[0]["segments"][0]["n"] == 8


def metrics(cluster):
    with urllib.request.urlopen(f"http://127.0.0.1:{cluster.port('coordinator-admin')}/metrics") as page:
        return dict(line.rsplit(" ", 1) for line in page.read().decode().splitlines() if line[0] != "#")


def what_stands_still_is_said_with_the_next_command(cluster):
    """In the text, in JSON and in the metrics; and the command is one that works."""
    cluster.admin("bucket", "set", "there", "--profile", "lean")
    made = cluster.admin("rebalance", "plan", "--bucket", "there", "--bandwidth", "1K", "--json").json[0]
    number = str(made["plan"])
    cluster.admin("rebalance", "apply", number)
    cluster.admin("rebalance", "pause", number)
    said = f"plan {number} is paused: hearth-admin rebalance resume {number}, or cancel"
    assert cluster.status()["attention"].splitlines() == [said], cluster.status()["attention"]
    assert cluster.admin("status").lines[1] == "ATTENTION   " + said
    page = metrics(cluster)
    assert page["hearth_attention"] == page["hearth_move_plans_paused"] == "1", page
    cluster.admin(*said.split("hearth-admin ")[1].split(",")[0].split())
    assert cluster.status()["attention"] == ""
    cluster.admin("rebalance", "cancel", number)
    assert metrics(cluster)["hearth_attention"] == "0"
    cluster.admin("bucket", "set", "there", "--profile", "local")


def local_cluster_is_alike(cluster):
    for arguments, code, said in (
            (("up", "--nodes", "9"), 1, r"up --nodes 9: the cluster in .* has 8; .*"),
            (("up", "--profile", "lean"), 1, r"up --profile lean: the cluster in .* was made with local; .*"),
            (("up", "--nodes", "many"), 2, r"--nodes many: expected 1 to 999 .*"),
            (("up", "--colour"), 2, r"--colour: unknown option .*"),
            (("kill", "9"), 2, r"9: no such node here .*"),
            (("stop",), 2, r"stop: which node\? .*")):
        expect(cluster.control(*arguments, fails=code).err, "local-cluster: " + said)
    cluster.control("up", "--nodes", "8", "--profile", "local")


def several(commands):
    """Operators who do not know of one another, all at once; (exit code, what was said) of each."""
    programs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for command in commands]
    said = [program.communicate()[1].decode() for program in programs]
    return [(program.returncode, err) for program, err in zip(programs, said, strict=True)]


def several_admins_at_once(cluster):
    """One of them does it; the others are told how it is."""
    admin = [os.path.join(BIN, "hearth-admin"), "--config", cluster.config]
    made = cluster.admin("rebalance", "plan", "--bucket", "there", "--json").json[0]
    for arguments, refusal in (
            (("rebalance", "apply", str(made["plan"])), rf".*plan {made['plan']} is (running already|done): .*"),
            (("bucket", "create", "local", "fought-over"), r".*exists.*|.*already.*|.*another.*"),
            (("tenant", "create", "fought-over"), r".*a tenant is called so already.*")):
        ends = several([[*admin, *arguments]] * 4)
        assert sorted(code for code, _ in ends) == [0, 1, 1, 1], ends
        for code, err in ends:
            if code == 1:
                expect(err.strip(), rf"hearth-admin: {arguments[0]} {arguments[1]} {refusal}")


if __name__ == "__main__":
    main(an_object_is_stored, every_verb_of_an_admin_is_alike, wrong_values_are_wrong_usage_in_every_verb,
         nodes_nobody_knows, a_drain_that_placement_cannot_satisfy,
         a_profile_that_changes_is_of_what_is_written_next, what_stands_still_is_said_with_the_next_command,
         local_cluster_is_alike, several_admins_at_once)
