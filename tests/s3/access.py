#!/usr/bin/env python3
"""Who comes in: signatures of botocore for odd names, presigned addresses, read-only keys, public
buckets, bodies in pieces; and what was changed on its way, which does not."""
import base64
import hashlib
import hmac
import os
import random
import time
import urllib.parse
import zlib

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from s3_cluster import main, noise, refused
from s3_suite import SlowPut

UNSIGNED = "UNSIGNED-PAYLOAD"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"


class Signer(botocore.auth.S3SigV4Auth):
    """botocore's, with a payload that is said, not computed."""

    def __init__(self, s3, payload, region="us-east-1"):
        super().__init__(botocore.credentials.Credentials(
            s3.env["AWS_ACCESS_KEY_ID"], s3.env["AWS_SECRET_ACCESS_KEY"]), "s3", region)
        self.said = payload

    def payload(self, request):
        return self.said


class SignedLongAgo(botocore.auth.S3SigV4QueryAuth):
    def _modify_request_before_signing(self, request):
        then = time.gmtime(time.time() - 2 * 60 * 60)
        request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ", then)
        super()._modify_request_before_signing(request)


def sign(s3, method, target, payload=UNSIGNED, headers=None, region="us-east-1"):
    """Headers for a request by hand."""
    request = botocore.awsrequest.AWSRequest(
        method=method, url=s3.endpoint + target, headers={**(headers or {})})
    request.headers["Host"] = urllib.parse.urlsplit(s3.endpoint).netloc
    request.headers["X-Amz-Content-SHA256"] = payload
    Signer(s3, payload, region).add_auth(request)
    return {name: value for name, value in request.headers.items() if name != "Host"}


def code_of(answer):
    status, _, body = answer
    begin = body.find(b"<Code>")
    return status, body[begin + 6:body.find(b"</Code>")].decode() if begin >= 0 else ""


# ---- signatures ----

def odd_names_are_signed_as_others_sign_them(s3):
    s3.client.create_bucket(Bucket="odd")
    chance = random.Random(4)
    signs = " +~*'()!$&,:;=@%\"<>[]{}|^`#?\\/.-_aZ09\u00e9\u20ac\U0001f3e0"
    for _ in range(60):
        key = "k" + "".join(chance.choice(signs) for _ in range(chance.randint(1, 20)))
        meta = "a" + " " * chance.randint(0, 3) + "b"
        s3.client.put_object(Bucket="odd", Key=key, Body=key.encode(), Metadata={"m": meta})
        assert s3.client.get_object(Bucket="odd", Key=key)["Body"].read() == key.encode(), key
        found = s3.client.list_objects_v2(Bucket="odd", Prefix=key, Delimiter="zz")
        assert key in [row["Key"] for row in found["Contents"]], key
        s3.client.delete_object(Bucket="odd", Key=key)


def queries_are_signed_in_any_order(s3):
    for query in ("list-type=2&prefix=a%2Bb&delimiter=%2F", "prefix=&delimiter=%2F&list-type=2",
                  "list-type=2&x-id=ListObjectsV2", "location", "location=", "max-keys=1&marker=%20",
                  "prefix=%E2%82%AC&list-type=2&fetch-owner=true"):
        target = f"/odd?{query}"
        status, _, body = s3.raw("GET", target, headers=sign(s3, "GET", target))
        assert status == 200, (query, body)


def other_regions_are_told_which(s3):
    for region in ("us-east-1", "US", "auto"):
        headers = sign(s3, "GET", "/odd", region=region)
        assert s3.raw("GET", "/odd", headers=headers)[0] == 200, region
    status, _, body = s3.raw("GET", "/odd", headers=sign(s3, "GET", "/odd", region="eu-west-7"))
    assert status == 400 and b"<Code>AuthorizationHeaderMalformed</Code>" in body, body
    assert b"<Region>" in body, body


def what_is_added_or_changed_is_refused(s3):
    headers = sign(s3, "PUT", "/odd/k")
    for name in ("x-amz-acl", "x-amz-copy-source", "x-amz-meta-a", "x-amz-tagging", "Content-MD5"):
        answer = s3.raw("PUT", "/odd/k", body=b"x", headers={**headers, name: "other/k"})
        assert code_of(answer) == (403, "AccessDenied"), (name, answer)
    assert code_of(s3.raw("PUT", "/odd/l", body=b"x", headers=headers)) == \
        (403, "SignatureDoesNotMatch")
    assert code_of(s3.raw("DELETE", "/odd/k", headers=headers)) == (403, "SignatureDoesNotMatch")
    assert code_of(s3.raw("GET", "/odd/k?X-Amz-Signature=00", headers=headers))[0] == 400
    with refused(403, "SignatureDoesNotMatch"):
        s3.client_of(secret="x" * 40).list_buckets()
    with refused(403, "InvalidAccessKeyId"):
        s3.client_of(key="HK" + "A" * 18).list_buckets()
    assert "Contents" not in s3.client.list_objects_v2(Bucket="odd")


# ---- presigned ----

def presigned_addresses_work_and_end(s3):
    def fetch(url, method="GET", body=None):
        parts = urllib.parse.urlsplit(url)
        return s3.raw(method, f"{parts.path}?{parts.query}", body=body)

    key = "a b+c/\u00e9"
    put = s3.hearth("presign", "--method", "PUT", f"s3://odd/{key}", env=s3.env).text.strip()
    assert fetch(put, "PUT", b"presigned")[0] == 200
    get = s3.hearth("presign", f"s3://odd/{key}", env=s3.env).text.strip()
    assert fetch(get)[::2] == (200, b"presigned")
    assert fetch(s3.client.generate_presigned_url(
        "get_object", Params={"Bucket": "odd", "Key": key}))[::2] == (200, b"presigned")
    assert code_of(fetch(get, "DELETE")) == (403, "SignatureDoesNotMatch")
    assert code_of(fetch(get + "&acl")) == (403, "SignatureDoesNotMatch")
    assert code_of(fetch(get.replace("Expires=3600", "Expires=604801"))) == \
        (400, "AuthorizationQueryParametersError")
    request = botocore.awsrequest.AWSRequest(method="GET", url=f"{s3.endpoint}/odd/x")
    SignedLongAgo(botocore.credentials.Credentials(
        s3.env["AWS_ACCESS_KEY_ID"], s3.env["AWS_SECRET_ACCESS_KEY"]), "s3", "us-east-1",
        3600).add_auth(request)
    status, _, body = fetch(request.url)
    assert status == 403 and b"Request has expired" in body, body
    s3.client.delete_object(Bucket="odd", Key=key)


# ---- rights ----

def a_read_only_key_changes_nothing(s3):
    s3.client.put_object(Bucket="odd", Key="k", Body=b"here")
    made = s3.admin("key", "create", "local", "--read-only", "--json").json[0]
    reader = s3.client_of(key=made["access_key"], secret=made["secret"])
    assert reader.get_object(Bucket="odd", Key="k")["Body"].read() == b"here"
    assert [row["Key"] for row in reader.list_objects_v2(Bucket="odd")["Contents"]] == ["k"]
    for attempt in (lambda: reader.put_object(Bucket="odd", Key="k", Body=b"gone"),
                    lambda: reader.delete_object(Bucket="odd", Key="k"),
                    lambda: reader.create_bucket(Bucket="more"),
                    lambda: reader.create_multipart_upload(Bucket="odd", Key="k"),
                    lambda: reader.copy_object(Bucket="odd", Key="l", CopySource="odd/k")):
        with refused(403, "AccessDenied"):
            attempt()
    assert s3.client.get_object(Bucket="odd", Key="k")["Body"].read() == b"here"


def anybody_reads_a_public_bucket_and_no_other(s3):
    s3.admin("bucket", "create", "local", "open", "--public-read", "on")
    s3.client.put_object(Bucket="open", Key="k", Body=b"for all")
    assert s3.raw("GET", "/open/k")[::2] == (200, b"for all")
    assert s3.raw("HEAD", "/open/k")[0] == 200
    status, _, body = s3.raw("GET", "/open?list-type=2")
    assert status == 200 and b"<Key>k</Key>" in body, body
    for method, target in (("PUT", "/open/l"), ("DELETE", "/open/k"), ("GET", "/open?uploads"),
                           ("GET", "/open?acl"), ("GET", "/"), ("GET", "/odd/k"),
                           ("GET", "/nowhere/k"), ("DELETE", "/open"), ("POST", "/open?delete")):
        answer = s3.raw(method, target, body=b"" if method in ("PUT", "POST") else None)
        assert answer[0] == 403, (method, target, answer)
    assert s3.raw("GET", "/open/k", headers={"Authorization": "Basic eDp5"})[0] == 400


def who_owns_a_bucket_makes_it_public_and_a_reader_does_not(s3):
    made = s3.admin("key", "create", "local", "--read-only", "--json").json[0]
    reader = s3.client_of(key=made["access_key"], secret=made["secret"])
    s3.client.create_bucket(Bucket="shown")
    s3.client.put_object(Bucket="shown", Key="k", Body=b"for all")
    with refused(403, "AccessDenied"):
        reader.put_bucket_acl(Bucket="shown", ACL="public-read")
    assert s3.raw("PUT", "/shown?acl", body=b"", headers={"x-amz-acl": "public-read"})[0] == 403
    s3.client.put_bucket_acl(Bucket="shown", ACL="public-read")
    deadline = time.monotonic() + 60  # that it was not public is remembered for some seconds
    while s3.raw("GET", "/shown/k")[::2] != (200, b"for all"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    s3.client.put_bucket_acl(Bucket="shown", ACL="private")
    rows = {row["bucket"]: row for row in s3.admin("bucket", "list", "--json").json}
    assert rows["open"]["public_read"] and not rows["shown"]["public_read"], rows


# ---- bodies ----

class Pieces:
    """aws-chunked, as the S3 API reference says it."""

    def __init__(self, s3, target, payload, size, headers=None):
        said = {"x-amz-decoded-content-length": str(size), **(headers or {})}
        self.headers = sign(s3, "PUT", target, payload, said)
        self.signs = payload != UNSIGNED_TRAILER
        self.previous = self.headers["Authorization"].rsplit("=", 1)[1]
        self.time = self.headers["X-Amz-Date"]
        self.scope = f"{self.time[:8]}/us-east-1/s3/aws4_request"
        key = b"AWS4" + s3.env["AWS_SECRET_ACCESS_KEY"].encode()
        for part in self.scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        self.key = key

    def signature(self, kind, *hashes):
        text = "\n".join((f"AWS4-HMAC-SHA256-{kind}", self.time, self.scope, self.previous, *hashes))
        self.previous = hmac.digest(self.key, text.encode(), "sha256").hex()
        return self.previous

    def chunk(self, content):
        head = f"{len(content):x}"
        if self.signs:
            signature = self.signature("PAYLOAD", hashlib.sha256(b"").hexdigest(),
                                       hashlib.sha256(content).hexdigest())
            head += f";chunk-signature={signature}"
        return head.encode() + b"\r\n" + content + (b"\r\n" if content else b"")

    def body(self, content, chunk_size=65536, trailer=""):
        pieces = [self.chunk(content[i:i + chunk_size]) for i in range(0, len(content), chunk_size)]
        pieces.append(self.chunk(b""))
        if trailer:
            pieces.append(trailer.encode() + b"\r\n")
        if trailer and self.signs:
            digest = hashlib.sha256((trailer + "\n").encode()).hexdigest()
            pieces.append(f"x-amz-trailer-signature:{self.signature('TRAILER', digest)}\r\n".encode())
        return b"".join(pieces) + b"\r\n"


def crc32_of(content):
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


def bodies_in_pieces_come_out_whole(s3):
    for size in (0, 1, 65536, 300_001):
        content = noise(size, seed=size)
        for payload in (SIGNED_CHUNKS, UNSIGNED_TRAILER, SIGNED_TRAILER):
            trailer, more = "", {}
            if payload != SIGNED_CHUNKS:
                trailer = f"x-amz-checksum-crc32:{crc32_of(content)}"
                more = {"x-amz-trailer": "x-amz-checksum-crc32"}
            pieces = Pieces(s3, "/odd/pieces", payload, size, {"Content-Encoding": "aws-chunked", **more})
            answer = s3.raw("PUT", "/odd/pieces", pieces.body(content, trailer=trailer), pieces.headers)
            assert answer[0] == 200, (size, payload, answer)
            back = s3.client.get_object(Bucket="odd", Key="pieces", ChecksumMode="ENABLED")
            assert back["Body"].read() == content, (size, payload)
            assert back.get("ContentEncoding", "") == "", back
            assert not trailer or back["ChecksumCRC32"] == crc32_of(content), back


def a_spoiled_body_is_never_seen(s3):
    content = noise(300_001)
    s3.client.put_object(Bucket="odd", Key="kept", Body=b"before")

    def attempt(payload, spoil, trailer="", said=None, more=None):
        size = len(content) if said is None else said
        pieces = Pieces(s3, "/odd/kept", payload, size, more)
        body = spoil(bytearray(pieces.body(content, trailer=trailer)))
        answer = s3.raw("PUT", "/odd/kept", bytes(body), pieces.headers)
        assert 400 <= answer[0] < 404, answer
        assert s3.client.get_object(Bucket="odd", Key="kept")["Body"].read() == b"before"

    def flip(where):
        def spoil(body):
            body[where] ^= 1
            return body
        return spoil

    for where in (3, 40, 1000, 150_000, -10, -60):
        attempt(SIGNED_CHUNKS, flip(where))
    attempt(SIGNED_CHUNKS, lambda body: body[:-90])
    attempt(SIGNED_CHUNKS, lambda body: body + b"x")
    for said in (len(content) - 1, len(content) + 1):
        attempt(SIGNED_CHUNKS, lambda body: body, said=said)
    announced = {"x-amz-trailer": "x-amz-checksum-crc32"}
    wrong = f"x-amz-checksum-crc32:{crc32_of(b'other')}"
    for payload in (UNSIGNED_TRAILER, SIGNED_TRAILER):
        attempt(payload, lambda body: body, trailer=wrong, more=announced)
        attempt(payload, lambda body: body, more=announced)
    for header, value in (("Content-MD5", base64.b64encode(b"x" * 16).decode()),
                          ("x-amz-checksum-sha256", base64.b64encode(b"x" * 32).decode())):
        headers = sign(s3, "PUT", "/odd/kept", headers={header: value})
        assert code_of(s3.raw("PUT", "/odd/kept", content, headers)) == (400, "BadDigest")
    headers = sign(s3, "PUT", "/odd/kept", payload=hashlib.sha256(b"other").hexdigest())
    assert code_of(s3.raw("PUT", "/odd/kept", content, headers)) == \
        (400, "XAmzContentSHA256Mismatch")
    assert s3.client.get_object(Bucket="odd", Key="kept")["Body"].read() == b"before"


def a_quota_refuses_before_the_body_is_sent(s3):
    s3.admin("bucket", "set", "open", "--quota", "1M")
    headers = sign(s3, "PUT", "/open/large")
    headers["Expect"] = "100-continue"
    headers["Content-Length"] = str(100 << 20)
    answer = s3.raw("PUT", "/open/large", headers=headers)  # sends no body, and waits for none
    assert code_of(answer) == (403, "QuotaExceeded"), answer
    with refused(403, "QuotaExceeded"):
        s3.client.put_object(Bucket="open", Key="large", Body=noise(2 << 20))


def of_many_puts_at_once_those_begin_that_fit_and_they_end_well(s3):
    s3.admin("bucket", "create", "local", "narrow", "--quota", "5M")
    content = os.urandom(2 << 20)
    puts = [SlowPut(s3.client.generate_presigned_url("put_object", {"Bucket": "narrow", "Key": str(n)}),
                    content) for n in range(6)]
    begun = [put for put in puts if put.status() == 100]
    assert len(begun) == 2, len(begun)
    for put in begun:
        put.send(len(content))
        assert put.status() == 200
    for put in puts:
        put.close()
    rows = {row["bucket"]: row for row in s3.admin("bucket", "list", "--json").json}
    assert (rows["narrow"]["objects"], rows["narrow"]["bytes"]) == (2, 4 << 20), rows["narrow"]


main(odd_names_are_signed_as_others_sign_them, queries_are_signed_in_any_order,
     other_regions_are_told_which, what_is_added_or_changed_is_refused,
     presigned_addresses_work_and_end, a_read_only_key_changes_nothing,
     anybody_reads_a_public_bucket_and_no_other,
     who_owns_a_bucket_makes_it_public_and_a_reader_does_not, bodies_in_pieces_come_out_whole,
     a_spoiled_body_is_never_seen, a_quota_refuses_before_the_body_is_sent,
     of_many_puts_at_once_those_begin_that_fit_and_they_end_well)
