#!/usr/bin/env python3
"""The coordinator is killed at every step of an upload in parts; the gateway, in the middle of a
hundred.  Each call has one outcome: boto3 is told that it worked, since libhearth asks again, or
nothing of it is there.  What is left of uploads that nobody goes on with is listed, can be completed or
given up, and is collected."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from s3_cluster import main  # noqa: E402
from s3_suite import (FAKETIME, Client, Revival, SlowPut, bytes_by, code_of, failpoints,  # noqa: E402
                      wait_for_some)

PART = 5 << 20
FIRST, LAST = bytes_by(1, PART), bytes_by(2, 100_000)
UPLOADS = 100


def client_of(cluster):
    return Client(cluster.endpoint, cluster.env["AWS_ACCESS_KEY_ID"], cluster.env["AWS_SECRET_ACCESS_KEY"])


def upload(s3, key):
    upload_id = s3.create_multipart_upload(Bucket="box", Key=key)["UploadId"]
    parts = []
    for number, data in enumerate((FIRST, LAST), 1):
        answer = s3.upload_part(Bucket="box", Key=key, UploadId=upload_id, PartNumber=number,
                                Body=data)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    s3.complete_multipart_upload(Bucket="box", Key=key, UploadId=upload_id,
                                 MultipartUpload={"Parts": parts})


def each_step_has_one_outcome(cluster):
    cluster.set_coordinator(undelete="0s")  # what is deleted here is collected below
    s3 = client_of(cluster)
    s3.create_bucket(Bucket="box")
    for point in failpoints("coordinator.upload."):
        cluster.kill("coordinator")
        cluster.start_broken("coordinator", f"{point}=kill")
        revival = Revival(cluster)
        upload(s3, point)
        assert revival.end(), f"{point} was not passed"
        got = s3.get_object(Bucket="box", Key=point)["Body"].read()
        assert got == FIRST + LAST, point
        s3.delete_object(Bucket="box", Key=point)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="box")


def content_of(number):
    """Of the first part of an upload: large enough for the nodes."""
    return bytes_by(number, 50_000)


def begin_uploads(s3):
    """Each with its first part: upload id -> number."""
    begun = {}
    for number in range(UPLOADS):
        key = f"lost/{number}"
        upload_id = s3.create_multipart_upload(Bucket="box", Key=key)["UploadId"]
        s3.upload_part(Bucket="box", Key=key, UploadId=upload_id, PartNumber=1, Body=content_of(number))
        begun[upload_id] = number
    return begun


def send_halves(s3, begun):
    """A second part for each, half of its bytes sent where they are taken already."""
    sending = []
    for upload_id, number in begun.items():
        where = {"Bucket": "box", "Key": f"lost/{number}", "UploadId": upload_id, "PartNumber": 2}
        sending.append(SlowPut(s3.generate_presigned_url("upload_part", Params=where), FIRST[:1 << 20]))
    for part in wait_for_some(sending, 20):
        assert part.status() == 100
        part.send(1 << 19)
    return sending


def a_gateway_killed_in_the_middle_of_100_uploads_leaves_nothing_half(cluster):
    cluster.limit_gateway(transfers=128, memory="2 GiB", tenant_memory="2 GiB")
    s3 = client_of(cluster)
    begun = begin_uploads(s3)
    sending = send_halves(s3, begun)
    cluster.kill("gateway")
    for part in sending:
        part.close()
    cluster.start("gateway")
    assert "Contents" not in s3.list_objects_v2(Bucket="box")
    listed = s3.list_multipart_uploads(Bucket="box")["Uploads"]
    assert sorted(entry["UploadId"] for entry in listed) == sorted(begun)
    for entry in listed:
        end_upload(s3, entry, begun[entry["UploadId"]])
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="box")


def end_upload(s3, entry, number):
    """Its first part is whole, of the second there is nothing; every other is completed with that."""
    which = {"Bucket": "box", "Key": entry["Key"], "UploadId": entry["UploadId"]}
    (part,) = s3.list_parts(**which)["Parts"]
    assert (part["PartNumber"], part["Size"]) == (1, len(content_of(number))), part
    if number % 2:
        parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
        s3.complete_multipart_upload(**which, MultipartUpload={"Parts": parts})
        assert s3.get_object(Bucket="box", Key=entry["Key"])["Body"].read() == content_of(number)
    else:
        s3.abort_multipart_upload(**which)
        assert code_of(s3.get_object, Bucket="box", Key=entry["Key"]) == (404, "NoSuchKey")


def garbage(cluster):
    """What still has to be collected, of any kind; each object is one segment."""
    status = cluster.status()
    kinds = {kind: status[kind] for kind in ("intents_open", "bodies_doomed", "shards_dead")}
    kinds["segments"] = status["segments"] - status["objects"]
    return {kind: count for kind, count in kinds.items() if count}


def what_nobody_names_is_collected(cluster):
    """The coordinator's clock goes on by a day, when uploads are over, and then by as long as their
    last readers may take."""
    if not os.path.exists(FAKETIME):
        print("      not run: no faketime")
        return
    assert garbage(cluster)
    cluster.write("clock", b"+0")  # at first, for the coordinator's certificate is of when it starts
    cluster.clock = {"LD_PRELOAD": FAKETIME, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1",
                     "FAKETIME_TIMESTAMP_FILE": cluster.path("clock")}
    cluster.kill("coordinator")
    cluster.control("start", "coordinator", env=cluster.clock)
    minutes = 25 * 60
    while garbage(cluster):
        minutes += 1
        assert minutes < 3 * 24 * 60, garbage(cluster)
        cluster.write("clock", f"+{minutes}m".encode())
    print(f"      all of it {minutes} minutes later", flush=True)
    assert len(client_of(cluster).list_objects_v2(Bucket="box")["Contents"]) == UPLOADS // 2


if __name__ == "__main__":
    main(each_step_has_one_outcome, a_gateway_killed_in_the_middle_of_100_uploads_leaves_nothing_half,
         what_nobody_names_is_collected)
