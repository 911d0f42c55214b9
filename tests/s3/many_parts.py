#!/usr/bin/env python3
"""As many parts as S3 allows: 10,000, of 5 MiB each but for the last, 49 GiB in all.  All but that one
are copied by reference, so that nothing of it has to be sent or stored."""
import http.client
import os
import sys
import threading
import xml.etree.ElementTree

import botocore.auth
import botocore.awsrequest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from s3_suite import bytes_by, code_of, main  # noqa: E402

PARTS, PART_SIZE, THREADS = 10_000, 5 << 20, 8
SOURCE, LAST = bytes_by(1, PART_SIZE), bytes_by(2, 100)
SIZE = (PARTS - 1) * PART_SIZE + len(LAST)


class Copier(threading.Thread):
    """Every so many-th part; on one connection, by hand: boto3 takes ten times as long as the gateway."""

    def __init__(self, s3, bucket, upload_id, first):
        super().__init__(daemon=True)
        self.s3, self.bucket, self.upload_id = s3, bucket, upload_id
        self.numbers = range(first, PARTS, THREADS)
        self.connection = http.client.HTTPConnection(s3.endpoint.netloc, timeout=60)
        self.etags, self.error = {}, None

    def run(self):
        try:
            for number in self.numbers:
                self.etags[number] = self.copy(number)
        except Exception as error:  # told by whoever waits for it
            self.error = error

    def copy(self, number):
        target = f"/{self.bucket}/all?partNumber={number}&uploadId={self.upload_id}"
        request = botocore.awsrequest.AWSRequest(
            "PUT", f"{self.s3.endpoint.scheme}://{self.s3.endpoint.netloc}{target}", data=b"",
            headers={"x-amz-copy-source": f"/{self.bucket}/one"})
        botocore.auth.S3SigV4Auth(self.s3.credentials, "s3", self.s3.region).add_auth(request)
        self.connection.request("PUT", target, body=b"", headers=dict(request.headers.items()))
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return xml.etree.ElementTree.fromstring(body).findtext("{*}ETag")


def copy_parts(s3, bucket, upload_id):
    """ETags by number."""
    copiers = [Copier(s3, bucket, upload_id, first) for first in range(1, THREADS + 1)]
    etags = {}
    for copier in copiers:
        copier.start()
    for copier in copiers:
        copier.join()
        if copier.error:
            raise copier.error
        etags |= copier.etags
    return etags


def ten_thousand_parts_become_one_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="one", Body=SOURCE)
    which = {"Bucket": bucket, "Key": "all"}
    upload = {**which, "UploadId": s3.create_multipart_upload(**which)["UploadId"]}
    etags = copy_parts(s3, bucket, upload["UploadId"])
    etags[PARTS] = s3.upload_part(**upload, PartNumber=PARTS, Body=LAST)["ETag"]
    assert code_of(s3.upload_part, **upload, PartNumber=PARTS + 1, Body=LAST) == (400, "InvalidArgument")
    listed = [part for page in s3.get_paginator("list_parts").paginate(**upload) for part in page["Parts"]]
    assert [part["PartNumber"] for part in listed] == list(range(1, PARTS + 1))
    assert all(part["ETag"] == etags[part["PartNumber"]] for part in listed)
    parts = [{"PartNumber": number, "ETag": etags[number]} for number in range(1, PARTS + 1)]
    done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert done["ETag"].endswith(f'-{PARTS}"'), done
    about = s3.head_object(**which)
    assert (about["ContentLength"], about["ETag"]) == (SIZE, done["ETag"])
    check_ranges(s3, which)


def check_ranges(s3, which):
    """Across the joint of two parts in the midst, and the end; and the last part by its number."""
    joint = 6789 * PART_SIZE
    for first, last, expected in (
            (joint - 70, joint + 69, SOURCE[-70:] + SOURCE[:70]),
            (SIZE - 150, SIZE - 1, SOURCE[-50:] + LAST)):
        assert s3.get_object(**which, Range=f"bytes={first}-{last}")["Body"].read() == expected, first
    part = s3.get_object(**which, PartNumber=PARTS)
    assert (part["PartsCount"], part["Body"].read()) == (PARTS, LAST)


if __name__ == "__main__":
    main(ten_thousand_parts_become_one_object)
