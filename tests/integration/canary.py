#!/usr/bin/env python3
"""Nobody but the customer sees what is stored (D9): content, its hashes, labels and keys appear
nowhere on node disks, in the coordinator's database, its write-ahead log, or any log file.  Names of
buckets and keys are known to the coordinator, and to nobody else."""
import base64
import hashlib
import os
import re

from cluster import main

CONTENT = b"canary-content-2f9b61c4e0"
TYPE = "application/x-canary-type-77aa10"
LABEL, VALUE = "canary-label-5cd2", "canary-value-93be41"
KEY = "canary-key-name-b1470d"
BUCKET = "canary-bucket-4e88"
OBJECTS = {"inline": CONTENT * 20, "segment": CONTENT * 40_000, "stream": CONTENT * 7_001}


def disguises(secret):
    """The same bytes as a program might write them down."""
    return [secret, secret.hex().encode(), secret.hex().upper().encode(),
            base64.b64encode(secret).rstrip(b"=")[:-2], secret[::-1]]


def things_are_stored_read_and_deleted(cluster):
    cluster.hearth("mb", f"s3://{BUCKET}")
    for name, content in OBJECTS.items():
        source = "-" if name == "stream" else cluster.write(f"plain/{name}", content)
        cluster.hearth("cp", "--content-type", TYPE, "--metadata", f"{LABEL}={VALUE}", source,
                       f"s3://{BUCKET}/{KEY}/{name}", data=content)
        assert cluster.hearth("cat", f"s3://{BUCKET}/{KEY}/{name}").out == content
    cluster.hearth("cp", f"s3://{BUCKET}/{KEY}/segment", f"s3://{BUCKET}/{KEY}/copied")
    cluster.hearth("cat", f"s3://{BUCKET}/{KEY}/none", fails=1)
    cluster.hearth("rm", f"s3://{BUCKET}/{KEY}/stream")
    cluster.wait_full()
    cluster.admin("backup", os.path.join(cluster.dir, "coordinator", "backup"))


def cluster_files(cluster):
    """What the coordinator and the nodes wrote; the customer's own configuration is not theirs."""
    for home in ("coordinator", "nodes"):
        for folder, _, files in os.walk(os.path.join(cluster.dir, home)):
            for name in files:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    yield os.path.relpath(path, cluster.dir), file.read()


def find(cluster, secret):
    return sorted({path for path, content in cluster_files(cluster)
                   for disguise in disguises(secret) if disguise in content})


def there_is_something_to_search(cluster):
    size = sum(len(content) for _, content in cluster_files(cluster))
    assert size > 2 * len(OBJECTS["segment"]), size


def content_is_nowhere(cluster):
    assert find(cluster, CONTENT) == []
    for phase in (7, 13):  # the middle of a repetition, were a cut to begin there
        assert find(cluster, (CONTENT * 2)[phase:phase + len(CONTENT)]) == []


def hashes_of_content_are_nowhere(cluster):
    for content in OBJECTS.values():
        assert find(cluster, hashlib.md5(content).digest()) == []
        assert find(cluster, hashlib.sha256(content).digest()) == []


def labels_are_nowhere(cluster):
    for secret in (TYPE, LABEL, VALUE):
        assert find(cluster, secret.encode()) == []


def names_are_known_to_the_coordinator_alone(cluster):
    for name in (KEY, BUCKET):
        places = find(cluster, name.encode())
        assert places and all(place.startswith("coordinator/") for place in places), places
        assert not [place for place in places if place.endswith("log")], places


def the_root_key_is_nowhere(cluster):
    """As bytes, and as its file and the recovery sheet write it: "key-1 0123 4567 89ab cdef check 5e"."""
    path = os.path.join(cluster.dir, "root.key")
    assert os.stat(path).st_mode & 0o077 == 0
    with open(path) as file:
        stored = file.read()
    lines = re.findall(r"^key-\d ((?:[0-9a-f]{4} ){4})check", stored, re.MULTILINE)
    assert len(lines) == 4 and all(line in cluster.hearth("key", "export").text for line in lines)
    for part in [line.strip() for line in lines]:
        secret = bytes.fromhex(part)
        assert len(secret) == 8 and find(cluster, secret) == [], "a part of the root key"
        assert find(cluster, part.encode()) == [], "a line of the root key"


if __name__ == "__main__":
    main(things_are_stored_read_and_deleted, there_is_something_to_search, content_is_nowhere,
         hashes_of_content_are_nowhere, labels_are_nowhere,
         names_are_known_to_the_coordinator_alone, the_root_key_is_nowhere)
