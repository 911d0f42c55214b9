#!/usr/bin/env python3
"""More than it may take at once, and a death in the middle of much: SlowDown, and nothing half."""
import contextlib
import os
import select
import socket

from s3_cluster import main, noise, refused

MIB = 1 << 20


def set_limits(s3, **limits):
    """The gateway is started anew with these."""
    path = os.path.join(s3.dir, "gateway", "hearth-gateway.conf")
    with open(path) as file:
        text = file.read().split("[limits]")[0]
    with open(path, "w") as file:
        file.write(text + "[limits]\n" + "".join(f"{n} = {v}\n" for n, v in limits.items()))
    if "gateway" in s3.pids():
        s3.kill("gateway")
    s3.start("gateway")


class Upload:
    """A put by hand, whose body comes when it is told to."""

    def __init__(self, s3, key, content):
        port = int(s3.port("gateway"))
        url = s3.client.generate_presigned_url("put_object", Params={"Bucket": "busy", "Key": key})
        self.content, self.sent = content, 0
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.sendall(f"PUT /{url.split('/', 3)[3]} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                            f"Content-Length: {len(content)}\r\n"
                            "Expect: 100-continue\r\n\r\n".encode())

    def status(self):
        """100: the handler has begun to read."""
        answer = self.socket.recv(4096)
        return int(answer.split()[1])

    def send(self, size):
        self.socket.sendall(self.content[self.sent:self.sent + size])
        self.sent += size

    def fileno(self):
        return self.socket.fileno()

    def close(self):
        self.socket.close()


def more_transfers_than_may_be_are_told_to_slow_down(s3):
    s3.client.create_bucket(Bucket="busy")
    set_limits(s3, transfers=2)
    content = noise(300_000)
    uploads = [Upload(s3, f"held/{number}", content) for number in range(2)]
    assert [upload.status() for upload in uploads] == [100, 100]
    with refused(503, "SlowDown"):
        s3.client.put_object(Bucket="busy", Key="third", Body=content)
    s3.client.head_bucket(Bucket="busy")  # what is small goes on
    for upload in uploads:
        upload.send(len(content))
        assert upload.status() == 200
        upload.close()
    s3.client.put_object(Bucket="busy", Key="third", Body=content)
    assert s3.client.get_object(Bucket="busy", Key="held/1")["Body"].read() == content


def a_slow_client_gives_up_its_place(s3):
    set_limits(s3, transfers=1, stall="300ms")
    upload = Upload(s3, "slow", noise(300_000))
    assert upload.status() == 100
    upload.send(1000)
    while True:  # until the place is free
        with contextlib.suppress(AssertionError):
            with refused(503, "SlowDown"):
                s3.client.put_object(Bucket="busy", Key="quick", Body=b"x")
            continue
        break
    upload.close()
    with refused(404, "NoSuchKey"):
        s3.client.get_object(Bucket="busy", Key="slow")


def peak_mib(s3):
    with open(f"/proc/{s3.pids()['gateway']}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024


def all_slow_uploads_go_through_together_and_one_more_is_told_to_slow_down(s3):
    """More than may send shards at once; each has sent most of its bytes before any sends the rest."""
    set_limits(s3)
    content = noise(4 * MIB)
    uploads = [Upload(s3, f"slow/{number}", content) for number in range(64)]
    for part in (MIB, 2 * MIB, MIB - 1):
        for upload in uploads:
            if upload.sent == 0:
                assert upload.status() == 100
            upload.send(part)
    with refused(503, "SlowDown"):
        s3.client.put_object(Bucket="busy", Key="one more", Body=content)
    for upload in reversed(uploads):
        upload.send(1)
    for upload in uploads:
        assert upload.status() == 200
        upload.close()
    for number in (0, 40, 63):
        key = f"slow/{number}"
        assert s3.client.get_object(Bucket="busy", Key=key)["Body"].read() == content
    assert peak_mib(s3) <= 1024, peak_mib(s3)


def wait_for_some(uploads, count):
    """Those whose body is wanted, when there are at least so many."""
    ready = []
    while len(ready) < count:
        ready = select.select(uploads, [], [], 60)[0]
        assert ready, "nobody's turn came"
    return ready


def a_death_in_the_middle_of_100_uploads_leaves_nothing_half(s3):
    """Some have sent half of their bytes, the others have said what they will send."""
    set_limits(s3, transfers=128, memory="2 GiB")
    uploads = [Upload(s3, f"dying/{number}", noise(MIB, seed=number)) for number in range(100)]
    for upload in wait_for_some(uploads, 20):
        assert upload.status() == 100
        upload.send(MIB // 2)
    s3.kill("gateway")
    for upload in uploads:
        upload.close()
    set_limits(s3, transfers=64)
    listed = s3.hearth("ls", "-r", "--json", "s3://busy/").json
    assert not [entry for entry in listed if entry["key"].startswith("dying/")], listed
    s3.client.put_object(Bucket="busy", Key="dying/0", Body=b"anew")


main(more_transfers_than_may_be_are_told_to_slow_down,
     a_slow_client_gives_up_its_place,
     all_slow_uploads_go_through_together_and_one_more_is_told_to_slow_down,
     a_death_in_the_middle_of_100_uploads_leaves_nothing_half)
