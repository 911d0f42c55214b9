#!/usr/bin/env python3
"""The gateway's front: heads, ids, errors, health, metrics, log, its end; whole objects come back."""
import os
import re
import signal
import socket
import time

from s3_cluster import digest, main, noise, refused

SIZES = [0, 1, 8192, 8193, 65536, 1_000_003, (64 << 20) + 1]


def whole_objects_come_back(s3):
    s3.client.create_bucket(Bucket="photos")
    for size in SIZES:
        content = noise(size, seed=size)
        s3.client.put_object(Bucket="photos", Key=f"size/{size}", Body=content)
        back = s3.client.get_object(Bucket="photos", Key=f"size/{size}")
        assert back["ContentLength"] == size
        assert digest(back["Body"].read()) == digest(content), size
        head = s3.client.head_object(Bucket="photos", Key=f"size/{size}")
        assert (head["ContentLength"], head["ETag"]) == (size, back["ETag"])


def native_and_gateway_see_the_same(s3):
    content = noise(300_000, seed=7)
    s3.hearth("cp", s3.write("native", content), "s3://photos/native")
    assert s3.client.get_object(Bucket="photos", Key="native")["Body"].read() == content
    s3.client.put_object(Bucket="photos", Key="foreign", Body=content, ContentType="image/x",
                         Metadata={"camera": "box"})
    assert s3.hearth("cat", "s3://photos/foreign").out == content
    head = s3.client.head_object(Bucket="photos", Key="foreign")
    assert (head["ContentType"], head["Metadata"]) == ("image/x", {"camera": "box"})
    s3.hearth("rm", "s3://photos/foreign")
    with refused(404, "404"):
        s3.client.head_object(Bucket="photos", Key="foreign")


def keys_are_bytes(s3):
    for key in ["../x", "./x", "a//b", "/lead", "trail/", "back\\slash", "per%cent", "%2F", "a+b c",
                "caf\u00e9", "cafe\u0301", "x" * 1024, "<&>\"'"]:
        s3.client.put_object(Bucket="photos", Key=key, Body=key.encode())
        assert s3.client.get_object(Bucket="photos", Key=key)["Body"].read() == key.encode(), key
        s3.client.delete_object(Bucket="photos", Key=key)
        with refused(404, "NoSuchKey"):
            s3.client.get_object(Bucket="photos", Key=key)
    with refused(400, "KeyTooLongError"):
        s3.client.put_object(Bucket="photos", Key="x" * 1025, Body=b"")


def errors_say_what_and_which(s3):
    with refused(404, "NoSuchBucket"):
        s3.client.get_object(Bucket="nobody", Key="k")
    with refused(404, "NoSuchBucket"):
        s3.client.put_object(Bucket="nobody", Key="k", Body=b"x")
    with refused(501, "NotImplemented"):
        s3.client.put_bucket_accelerate_configuration(
            Bucket="photos", AccelerateConfiguration={"Status": "Enabled"})
    status, headers, body = s3.raw("GET", "/photos/a%3Cb%3E?x")
    assert status == 403 and headers["content-type"] == "application/xml", (status, headers)
    ids = re.findall(rb"<RequestId>([0-9a-f]{32})</RequestId>", body)
    assert ids == [headers["x-amz-request-id"].encode()], (ids, headers)
    assert b"<Code>AccessDenied</Code>" in body and b"<Key>a&lt;b&gt;</Key>" in body, body
    assert s3.raw("GET", "/photos/%zz")[0] == 400
    assert s3.raw("PATCH", "/photos/k")[0] == 405


def health_and_metrics_are_told(s3):
    assert s3.raw("GET", "/health/live")[::2] == (200, b"live\n")
    assert s3.raw("GET", "/health/ready")[::2] == (200, b"ready\n")
    status, _, page = s3.raw("GET", "/metrics", port="gateway-admin")
    text = page.decode()
    assert status == 200
    assert re.search(r'^hearth_gateway_requests_total\{operation="PutObject",status="200"\} \d+$',
                     text, re.MULTILINE), text
    assert re.search(r'^hearth_gateway_errors_total\{code="NoSuchKey",status="404"\} \d+$', text,
                     re.MULTILINE), text
    assert "photos" not in text
    assert s3.raw("GET", "/metrics")[0] >= 400


def every_request_has_a_line(s3):
    s3.client.put_object(Bucket="photos", Key="a b\nc", Body=b"12345")
    with open(os.path.join(s3.dir, "gateway", "access.log")) as file:
        line = file.readlines()[-1]
    assert " tenant=local operation=PutObject bucket=photos key=a%20b%0Ac status=200 error=- " \
        "received=5 " in line, line
    with open(os.path.join(s3.dir, "gateway", "access.log")) as file:
        assert s3.env["AWS_SECRET_ACCESS_KEY"] not in file.read()


def an_end_lets_uploads_end(s3):
    """SIGTERM in the middle of an upload: it is finished, and answered; new clients are refused."""
    content = noise(8 << 20, seed=9)
    url = s3.client.generate_presigned_url("put_object", Params={"Bucket": "photos", "Key": "last"})
    target = url.split("/", 3)[3]
    port = int(s3.port("gateway"))
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(f"PUT /{target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                           f"Content-Length: {len(content)}\r\n\r\n".encode() + content[:1 << 20])
        pid = s3.pids()["gateway"]
        while b"in_flight 1" not in s3.raw("GET", "/metrics", port="gateway-admin")[2]:
            time.sleep(0.05)
        os.kill(pid, signal.SIGTERM)
        connection.sendall(content[1 << 20:])
        answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200 ") and b"Connection: close" in answer, answer
        assert connection.recv(1) == b""
    s3.start("gateway")
    assert s3.client.get_object(Bucket="photos", Key="last")["Body"].read() == content


def a_killed_gateway_leaves_nothing_half(s3):
    port = int(s3.port("gateway"))
    url = s3.client.generate_presigned_url("put_object", Params={"Bucket": "photos", "Key": "half"})
    target = url.split("/", 3)[3]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(f"PUT /{target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                           f"Content-Length: 10000000\r\n\r\n".encode() + bytes(5_000_000))
        s3.kill("gateway")
    s3.start("gateway")
    with refused(404, "NoSuchKey"):
        s3.client.get_object(Bucket="photos", Key="half")


main(whole_objects_come_back,
     native_and_gateway_see_the_same,
     keys_are_bytes,
     errors_say_what_and_which,
     health_and_metrics_are_told,
     every_request_has_a_line,
     an_end_lets_uploads_end,
     a_killed_gateway_leaves_nothing_half)
