#!/usr/bin/env python3
"""More than it may take at once, and a death in the middle of much: SlowDown, and nothing half."""
import contextlib

from s3_cluster import main, noise, refused
from s3_suite import SlowPut, wait_for_some

MIB = 1 << 20


def begin(s3, key, content):
    where = {"Bucket": "busy", "Key": key}
    return SlowPut(s3.client.generate_presigned_url("put_object", Params=where), content)


def more_transfers_than_may_be_are_told_to_slow_down(s3):
    s3.client.create_bucket(Bucket="busy")
    s3.limit_gateway(transfers=2)
    content = noise(300_000)
    uploads = [begin(s3, f"held/{number}", content) for number in range(2)]
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
    s3.limit_gateway(transfers=1, stall="300ms")
    upload = begin(s3, "slow", noise(300_000))
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
    s3.limit_gateway()
    content = noise(4 * MIB)
    uploads = [begin(s3, f"slow/{number}", content) for number in range(64)]
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


def a_death_in_the_middle_of_100_uploads_leaves_nothing_half(s3):
    """Some have sent half of their bytes, the others have said what they will send."""
    s3.limit_gateway(transfers=128, memory="2 GiB", tenant_memory="2 GiB")
    uploads = [begin(s3, f"dying/{number}", noise(MIB, seed=number)) for number in range(100)]
    for upload in wait_for_some(uploads, 20):
        assert upload.status() == 100
        upload.send(MIB // 2)
    s3.kill("gateway")
    for upload in uploads:
        upload.close()
    s3.limit_gateway(transfers=64)
    listed = s3.hearth("ls", "-r", "--json", "s3://busy/").json
    assert not [entry for entry in listed if entry["key"].startswith("dying/")], listed
    s3.client.put_object(Bucket="busy", Key="dying/0", Body=b"anew")


main(more_transfers_than_may_be_are_told_to_slow_down,
     a_slow_client_gives_up_its_place,
     all_slow_uploads_go_through_together_and_one_more_is_told_to_slow_down,
     a_death_in_the_middle_of_100_uploads_leaves_nothing_half)
