"""What the black-box suites share: claims, each with a bucket of its own, a client, and requests by
hand for what an SDK would not send."""
import http.client
import os
import random
import re
import select
import socket
import subprocess
import sys
import time
import urllib.parse
import xml.etree.ElementTree

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from cluster import BIN, FAKETIME, Revival, failpoints, run  # noqa: E402, F401
import s3_cluster  # noqa: E402

MIB = 1 << 20


def bytes_by(seed, size):
    return random.Random(seed).randbytes(size)


class SecondGateway:
    """Another hearth-gateway for the tenant of the first one, with the same access keys; it ends with
    the test, however that ends."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.log = cluster.path("second", "log")
        self.arguments = [os.path.join(BIN, "hearth-gateway"), "--config", cluster.write(
            "second/hearth-gateway.conf", b"[gateway]\nlisten = 127.0.0.1:0\nadmin =\n")]
        invite = cluster.admin("tenant", "invite", "local", "--gateway").text.strip()
        run([*self.arguments, "join", "--invite", invite, "--root-key",
             os.path.join(cluster.dir, "root.key")])

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.program = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self.arguments], stderr=log)
        self.url = f"http://127.0.0.1:{self.wait_for_port()}"
        return self

    def wait_for_port(self):
        while True:
            with open(self.log) as log:
                found = re.search(r" process.started .* port=(\d+)", log.read())
            if found:
                return found[1]
            assert self.program.poll() is None, self.log
            time.sleep(0.02)

    def __exit__(self, *_):
        self.program.terminate()
        assert self.program.wait() == 0


class SlowPut:
    """A presigned PUT by hand, whose body comes when it is told to."""

    def __init__(self, url, content):
        self.content, self.sent = content, 0
        where = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((where.hostname, where.port), timeout=60)
        self.socket.sendall(f"PUT {where.path}?{where.query} HTTP/1.1\r\nHost: {where.netloc}\r\n"
                            f"Content-Length: {len(content)}\r\n"
                            "Expect: 100-continue\r\n\r\n".encode())

    def status(self):
        """100: the handler has begun to read."""
        return int(self.socket.recv(4096).split()[1])

    def send(self, size):
        self.socket.sendall(self.content[self.sent:self.sent + size])
        self.sent += size

    def fileno(self):
        return self.socket.fileno()

    def close(self):
        self.socket.close()


def wait_for_some(uploads, count):
    """Those whose body is wanted, when there are at least so many."""
    ready = []
    while len(ready) < count:
        ready = select.select(uploads, [], [], 60)[0]
        assert ready, "nobody's turn came"
    return ready


class Client:
    """boto3's client, and raw()."""

    def __init__(self, endpoint, key, secret, region="us-east-1", verify=None):
        self.endpoint = urllib.parse.urlsplit(endpoint)
        self.credentials = botocore.credentials.Credentials(key, secret)
        self.region = region
        self.boto = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret,
            region_name=region, verify=verify, config=botocore.config.Config(
                signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 0},
                max_pool_connections=32))

    def __getattr__(self, name):
        return getattr(self.boto, name)

    def plus(self, name, headers, **arguments):
        """A call with headers that this version of boto3 may not know."""
        def add(request, **_):
            for header, value in headers.items():
                request.headers[header] = value
        event = "before-sign.s3." + "".join(word.capitalize() for word in name.split("_"))
        self.boto.meta.events.register_first(event, add)
        try:
            return getattr(self.boto, name)(**arguments)
        finally:
            self.boto.meta.events.unregister(event, add)

    def raw(self, method, target, headers=None, body=b""):
        """One signed request whose target goes out as it is; what is signed of it is the path as S3
        has it, each byte encoded in one way.  (status, headers, body)."""
        path, mark, query = target.partition("?")
        path = urllib.parse.quote_from_bytes(urllib.parse.unquote_to_bytes(path), safe="/-_.~")
        signed = botocore.awsrequest.AWSRequest(
            method, f"{self.endpoint.scheme}://{self.endpoint.netloc}{path}{mark}{query}",
            data=body, headers=headers or {})
        signed.context["payload_signing_enabled"] = True
        botocore.auth.S3SigV4Auth(self.credentials, "s3", self.region).add_auth(signed)
        connection = http.client.HTTPConnection(self.endpoint.netloc, timeout=60)
        connection.request(method, target, body=body, headers=dict(signed.headers.items()))
        answer = connection.getresponse()
        result = answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read()
        connection.close()
        return result


def code_of(call, *arguments, **names):
    """(status, S3's code) of a call that should fail; code None: it has none, or did not fail."""
    try:
        answer = call(*arguments, **names)
    except botocore.exceptions.ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    if not isinstance(answer, tuple):
        return answer["ResponseMetadata"]["HTTPStatusCode"], None
    status, headers, body = answer
    if status < 300 or not body:
        return status, None
    error = xml.etree.ElementTree.fromstring(body)
    assert error.findtext("RequestId") == headers["x-amz-request-id"], body
    return status, error.findtext("Code")


def empty(client, bucket):
    """By what clean-up code everywhere relies on."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in page.get("Versions", [])]
        if objects:
            client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    client.delete_bucket(Bucket=bucket)



def hold(client, claims):
    """Each claim on a bucket of its own; the first that does not hold ends it."""
    for number, function in enumerate(claims):
        bucket = f"claim-{number}-{os.getpid()}"
        client.create_bucket(Bucket=bucket)
        function(client, bucket)
        empty(client, bucket)
        print(f"ok    {function.__name__}", flush=True)


def main(*claims):
    """The claims on a gateway of their own - or, for a look at one that runs already, on the one of
    AWS_ENDPOINT_URL; with the name of a claim as an argument, only that."""
    chosen = [claim for claim in claims if claim.__name__ in sys.argv[1:]] or claims
    if "AWS_ENDPOINT_URL" in os.environ:
        hold(Client(os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_ACCESS_KEY_ID"],
                    os.environ["AWS_SECRET_ACCESS_KEY"]), chosen)
        return

    def on_a_gateway(cluster):
        hold(Client(cluster.endpoint, cluster.env["AWS_ACCESS_KEY_ID"],
                    cluster.env["AWS_SECRET_ACCESS_KEY"]), chosen)
    s3_cluster.main(on_a_gateway)
