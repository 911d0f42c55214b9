#!/usr/bin/env python3
"""The coordinator is killed at every step of an upload in parts; the gateway, in the middle of one.
Each call has one outcome: boto3 is told that it worked, since libhearth asks again, or nothing of it
is there.  What is left of uploads that nobody goes on with is listed, and can be given up."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from s3_suite import Client, OpenGateway, Revival, bytes_by, cluster_main, failpoints  # noqa: E402

PART = 5 << 20
FIRST, LAST = bytes_by(1, PART), bytes_by(2, 100_000)


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
    with OpenGateway(cluster) as gateway:
        s3 = Client(gateway.url, "nobody", "nothing")
        s3.create_bucket(Bucket="box")
        for point in failpoints("coordinator.upload."):
            cluster.kill("coordinator")
            cluster.start_broken("coordinator", f"{point}=kill")
            revival = Revival(cluster)
            upload(s3, point)
            assert revival.end(), f"{point} was not passed"
            got = s3.get_object(Bucket="box", Key=point)["Body"].read()
            assert got == FIRST + LAST, point
        assert "Uploads" not in s3.list_multipart_uploads(Bucket="box")


def a_killed_gateway_leaves_uploads_that_can_be_given_up(cluster):
    with OpenGateway(cluster) as gateway:
        s3 = Client(gateway.url, "nobody", "nothing")
        begun = [s3.create_multipart_upload(Bucket="box", Key=f"lost/{n}")["UploadId"]
                 for n in range(5)]
        for number, upload_id in enumerate(begun):
            s3.upload_part(Bucket="box", Key=f"lost/{number}", UploadId=upload_id, PartNumber=1,
                           Body=FIRST)
        gateway.kill()
    with OpenGateway(cluster) as gateway:
        s3 = Client(gateway.url, "nobody", "nothing")
        assert "Contents" not in s3.list_objects_v2(Bucket="box", Prefix="lost/")
        listed = s3.list_multipart_uploads(Bucket="box")["Uploads"]
        assert sorted(u["UploadId"] for u in listed) == sorted(begun)
        for entry in listed:
            (part,) = s3.list_parts(Bucket="box", Key=entry["Key"],
                                    UploadId=entry["UploadId"])["Parts"]
            assert part["Size"] == PART
            s3.abort_multipart_upload(Bucket="box", Key=entry["Key"], UploadId=entry["UploadId"])
        assert "Uploads" not in s3.list_multipart_uploads(Bucket="box")


if __name__ == "__main__":
    cluster_main(each_step_has_one_outcome, a_killed_gateway_leaves_uploads_that_can_be_given_up)
