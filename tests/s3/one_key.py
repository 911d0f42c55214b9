#!/usr/bin/env python3
"""Sixteen callers write and read one key through two gateways: there is one order of their calls in
which each saw what it saw (D10), and a stale read among them would be found (linearize.py)."""
import hashlib
import os
import random
import sys
import threading
import time

import botocore.exceptions

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from s3_cluster import main  # noqa: E402
from s3_suite import Client, SecondGateway  # noqa: E402
from linearize import CHANGES, FOREVER, NONE, Call, Impossible, check_key  # noqa: E402

THREADS, CALLS_EACH, KEY = 16, 130, "one"
KINDS = ("put", "put", "create", "replace", "delete", "get", "get", "head", "head", "list")
INLINE, SEGMENTED = 100, 20_000  # bytes: in the metadata, and on nodes


class Caller(threading.Thread):
    """Some calls, and when they began and ended."""

    def __init__(self, number, client, bucket):
        super().__init__(daemon=True)
        self.number, self.client, self.bucket = number, client, bucket
        self.chance = random.Random(number)
        self.calls, self.failed = [], None
        self.seen, self.etag = "never", '"0"'  # what was read last

    def run(self):
        try:
            for nth in range(CALLS_EACH):
                kind = self.chance.choice(KINDS)
                if kind == "replace":  # what was seen just now, or few would be done
                    self.call("head", f"{self.number}-{nth}-before")
                self.call(kind, f"{self.number}-{nth}")
        except Exception as error:  # told by whoever waits for it
            self.failed = error

    def call(self, kind, name):
        expected = self.seen if kind == "replace" else None
        begin = time.monotonic_ns()
        value, result = self.do(kind, name)
        end = FOREVER if result == "unknown" else time.monotonic_ns()
        if end != FOREVER or kind in CHANGES:
            self.calls.append(Call(name, kind, value, result, begin, end, expected))

    def do(self, kind, name):
        """(value written or seen, result)"""
        try:
            return getattr(self, kind)(name)
        except botocore.exceptions.ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == 404 and kind in ("get", "head"):
                return NONE, ""
            assert status >= 500, error
            return name, "unknown"

    def body(self, name):
        size = self.chance.choice((INLINE, SEGMENTED))
        return name.encode().ljust(size, b".")

    def put(self, name):
        self.client.put_object(Bucket=self.bucket, Key=KEY, Body=self.body(name),
                               Metadata={"name": name})
        return name, ""

    def create(self, name):
        return self.put_if(name, {"if-none-match": "*"})

    def replace(self, name):
        return self.put_if(name, {"if-match": self.etag})

    def put_if(self, name, condition):
        answer, _, body = self.client.raw(
            "PUT", f"/{self.bucket}/{KEY}", {**condition, "x-amz-meta-name": name}, self.body(name))
        if answer == 412 or answer == 404 and "if-match" in condition:
            return name, "refused"
        assert answer == 200 or answer >= 500, body
        return name, "" if answer == 200 else "unknown"

    def delete(self, name):
        self.client.delete_object(Bucket=self.bucket, Key=KEY)
        return name, ""

    def get(self, _):
        got = self.client.get_object(Bucket=self.bucket, Key=KEY)
        seen = got["Body"].read().rstrip(b".").decode()
        assert seen == got["Metadata"]["name"], "bytes of one object, words of another"
        self.seen, self.etag = seen, got["ETag"]
        return seen, ""

    def head(self, _):
        got = self.client.head_object(Bucket=self.bucket, Key=KEY)
        self.seen, self.etag = got["Metadata"]["name"], got["ETag"]
        return self.seen, ""

    def list(self, _):
        """The ETag says which; it is looked up when all is over."""
        found = self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return found[0]["ETag"].strip('"') if found else NONE, ""


def names_of_etags(callers):
    """By the MD5 of every body that a caller can have written."""
    names = {}
    for caller in callers:
        for call in caller.calls:
            for size in (INLINE, SEGMENTED):
                content = call.name.encode().ljust(size, b".")
                names[hashlib.md5(content).hexdigest()] = call.name
    return names


def run_callers(cluster):
    """What they did and saw."""
    keys = cluster.env["AWS_ACCESS_KEY_ID"], cluster.env["AWS_SECRET_ACCESS_KEY"]
    with SecondGateway(cluster) as second:
        clients = [Client(url, *keys) for url in (cluster.endpoint, second.url)]
        clients[0].create_bucket(Bucket="box")
        callers = [Caller(number, clients[number % 2], "box") for number in range(THREADS)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
            assert caller.failed is None, caller.failed
    names = names_of_etags(callers)
    return [call if call.kind != "list" or call.value == NONE else
            call._replace(value=names[call.value]) for caller in callers for call in caller.calls]


def is_found(history):
    try:
        check_key(history)
    except Impossible:
        return True
    return False


def one_key_has_one_history(cluster):
    history = run_callers(cluster)
    known = [call for call in history if call.end != FOREVER]
    replaced = sum(call.kind == "replace" and call.result == "" for call in known)
    print(f"      {len(history)} calls, {len(known)} with a known end, {replaced} conditional writes done",
          flush=True)
    assert len(known) > 2000 and replaced > 0
    check_key(history)
    reads = sorted((call for call in known if call.kind in ("get", "head") and call.value != NONE),
                   key=lambda call: call.begin)
    old, late = reads[len(reads) // 4], reads[-1]
    others = [call for call in history if call != late]
    assert is_found(others + [late._replace(value=old.value)]), "a stale read was not found"


if __name__ == "__main__":
    main(one_key_has_one_history)
