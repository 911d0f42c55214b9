#!/usr/bin/env python3
"""Four writers and twelve readers of one key through two gateways: there is one order of their calls
in which each saw what it saw (D10).  Judged by linearize.py, whose search grows with the changes that
are under way at once."""
import hashlib
import os
import random
import sys
import threading
import time

import botocore.exceptions

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from s3_suite import Client, OpenGateway, cluster_main  # noqa: E402
from linearize import CHANGES, FOREVER, NONE, Call, check_key  # noqa: E402

THREADS, CALLS_EACH, KEY = 16, 40, "one"
READS = ("get", "get", "head", "list")
INLINE, SEGMENTED = 100, 20_000  # bytes: in the metadata, and on nodes


class Caller(threading.Thread):
    """Some calls, and when they began and ended."""

    def __init__(self, number, client, bucket):
        super().__init__(daemon=True)
        self.number, self.client, self.bucket = number, client, bucket
        self.chance = random.Random(number)
        self.calls, self.failed = [], None

    def run(self):
        try:
            for nth in range(CALLS_EACH):
                self.call(f"{self.number}-{nth}")
        except Exception as error:  # told by whoever waits for it
            self.failed = error

    def call(self, name):
        kind = self.chance.choice(CHANGES if self.number % 4 == 0 else READS)
        begin = time.monotonic_ns()
        value, result = self.do(kind, name)
        end = FOREVER if result == "unknown" else time.monotonic_ns()
        if end != FOREVER or kind in CHANGES:
            self.calls.append(Call(name, kind, value, result, begin, end))

    def do(self, kind, name):
        """(value written or seen, result)"""
        try:
            return getattr(self, kind)(name)
        except botocore.exceptions.ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == 404 and kind in ("get", "head"):
                return NONE, ""
            if status == 412 and kind == "create":
                return name, "refused"
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
        answer, _, body = self.client.raw(
            "PUT", f"/{self.bucket}/{KEY}", {"if-none-match": "*", "x-amz-meta-name": name},
            self.body(name))
        if answer == 412:
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
        return seen, ""

    def head(self, _):
        return self.client.head_object(Bucket=self.bucket, Key=KEY)["Metadata"]["name"], ""

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


def one_key_has_one_history(cluster):
    with OpenGateway(cluster) as first, OpenGateway(cluster) as second:
        clients = [Client(gateway.url, gateway.access_key, gateway.secret_key)
                   for gateway in (first, second)]
        clients[0].create_bucket(Bucket="box")
        callers = [Caller(number, clients[number % 2], "box") for number in range(THREADS)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
            assert caller.failed is None, caller.failed
    names = names_of_etags(callers)
    calls = [call if call.kind != "list" or call.value == NONE else
             call._replace(value=names[call.value]) for caller in callers for call in caller.calls]
    known = sum(call.end != FOREVER for call in calls)
    assert known > THREADS * CALLS_EACH // 2, known
    print(f"      {len(calls)} calls, {known} with a known end", flush=True)
    impossible = check_key(calls)
    assert impossible is None, impossible


if __name__ == "__main__":
    cluster_main(one_key_has_one_history)
