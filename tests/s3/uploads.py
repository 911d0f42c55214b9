#!/usr/bin/env python3
"""Uploads in parts on a real gateway, seen through boto3."""
import base64
import concurrent.futures
import hashlib
import os
import sys
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from s3_suite import MIB, bytes_by, code_of, main  # noqa: E402

PART = 5 * MIB


def begin(s3, bucket, key="k", **arguments):
    return s3.create_multipart_upload(Bucket=bucket, Key=key, **arguments)["UploadId"]


def part(s3, bucket, upload, number, data, key="k", **arguments):
    answer = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=data,
                            **arguments)
    return {"PartNumber": number, "ETag": answer["ETag"]}


def complete(s3, bucket, upload, parts, key="k", **headers):
    return s3.plus("complete_multipart_upload", headers, Bucket=bucket, Key=key, UploadId=upload,
                   MultipartUpload={"Parts": parts})


def etag_of(*datas):
    digest = hashlib.md5(b"".join(hashlib.md5(data).digest() for data in datas))
    return f'"{digest.hexdigest()}-{len(datas)}"'


def parts_become_one_object(s3, bucket):
    datas = [bytes_by(n, size) for n, size in enumerate((PART, PART + 1, 12345))]
    upload = begin(s3, bucket, ContentType="x/y", Metadata={"m": "1"}, Tagging="t=1",
                   CacheControl="no-store")
    parts = [part(s3, bucket, upload, 10 * n + 1, datas[n]) for n in (2, 0, 1)]
    assert code_of(s3.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")
    parts.sort(key=lambda p: p["PartNumber"])
    done = complete(s3, bucket, upload, parts)
    assert done["ETag"] == etag_of(*datas) and done["Bucket"] == bucket and done["Key"] == "k"
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == b"".join(datas) and got["ETag"] == done["ETag"]
    assert got["ContentType"] == "x/y" and got["Metadata"] == {"m": "1"} and got["TagCount"] == 1
    assert got["CacheControl"] == "no-store"
    edge = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={PART - 3}-{PART + 3}")
    assert edge["Body"].read() == b"".join(datas)[PART - 3:PART + 4]
    for number, data in enumerate(datas, 1):
        got = s3.get_object(Bucket=bucket, Key="k", PartNumber=number)
        assert got["PartsCount"] == 3 and got["Body"].read() == data
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert s3.head_object(Bucket=bucket, Key="k", PartNumber=number)["ContentLength"] == len(data)
    assert code_of(s3.get_object, Bucket=bucket, Key="k", PartNumber=4) == (416, "InvalidPartNumber")
    assert code_of(s3.get_object, Bucket=bucket, Key="k", PartNumber=0) == (400, "InvalidArgument")
    parts = s3.get_object_attributes(Bucket=bucket, Key="k", MaxParts=2,
                                     ObjectAttributes=["ObjectParts"])["ObjectParts"]
    assert parts["TotalPartsCount"] == 3 and parts["IsTruncated"]


def completing_again_says_the_same(s3, bucket):
    upload = begin(s3, bucket)
    parts = [part(s3, bucket, upload, 1, b"small")]
    first = complete(s3, bucket, upload, parts)
    s3.put_object(Bucket=bucket, Key="k", Body=b"something else by now")
    assert complete(s3, bucket, upload, parts)["ETag"] == first["ETag"] == etag_of(b"small")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"something else by now"
    assert code_of(s3.abort_multipart_upload, Bucket=bucket, Key="k", UploadId=upload) == \
        (404, "NoSuchUpload")
    assert code_of(s3.list_parts, Bucket=bucket, Key="k", UploadId=upload) == (404, "NoSuchUpload")


def wrong_parts_are_named(s3, bucket):
    upload = begin(s3, bucket)
    first = part(s3, bucket, upload, 1, b"too small for a first part")
    second = part(s3, bucket, upload, 2, b"last")
    other = {"PartNumber": 2, "ETag": '"' + "0" * 32 + '"'}
    absent = {"PartNumber": 3, "ETag": second["ETag"]}
    for code, parts in (("EntityTooSmall", [first, second]), ("InvalidPartOrder", [second, first]),
                        ("InvalidPart", [other]), ("InvalidPart", [absent])):
        assert code_of(complete, s3, bucket, upload, parts) == (400, code), code
    empty = b"<CompleteMultipartUpload></CompleteMultipartUpload>"
    assert code_of(s3.raw, "POST", f"/{bucket}/k?uploadId={upload}", {}, empty) == \
        (400, "MalformedXML")
    assert code_of(complete, s3, bucket, "0" * 32, [first]) == (404, "NoSuchUpload")
    assert code_of(complete, s3, bucket, "nonsense", [first]) == (404, "NoSuchUpload")
    assert code_of(complete, s3, bucket, upload, [second], key="another") == (404, "NoSuchUpload")
    assert code_of(s3.upload_part, Bucket=bucket, Key="k", UploadId="0" * 32, PartNumber=1,
                   Body=b"x") == (404, "NoSuchUpload")
    for number in (0, 10001):
        assert code_of(s3.upload_part, Bucket=bucket, Key="k", UploadId=upload, PartNumber=number,
                       Body=b"x") == (400, "InvalidArgument")
    complete(s3, bucket, upload, [second])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"last"


def the_last_part_of_a_number_counts(s3, bucket):
    upload = begin(s3, bucket)
    old = part(s3, bucket, upload, 10000, b"old")
    new = part(s3, bucket, upload, 10000, b"new")
    assert code_of(complete, s3, bucket, upload, [old]) == (400, "InvalidPart")
    complete(s3, bucket, upload, [new])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"


def an_upload_completes_only_on_its_condition(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"there")["ETag"]
    upload = begin(s3, bucket)
    parts = [part(s3, bucket, upload, 1, b"data")]
    refused = (412, "PreconditionFailed")
    assert code_of(complete, s3, bucket, upload, parts, **{"If-None-Match": "*"}) == refused
    assert code_of(complete, s3, bucket, upload, parts, **{"If-Match": '"' + "0" * 32 + '"'}) == refused
    complete(s3, bucket, upload, parts, **{"If-Match": etag})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"data"


def parts_and_uploads_are_listed_until_they_end(s3, bucket):
    uploads = {key: begin(s3, bucket, key) for key in ("a", "b/1", "b/2", "c")}
    for number in (1, 2, 5):
        part(s3, bucket, uploads["a"], number, b"x" * number, "a")
    listed = s3.list_parts(Bucket=bucket, Key="a", UploadId=uploads["a"], MaxParts=2)
    assert [(p["PartNumber"], p["Size"]) for p in listed["Parts"]] == [(1, 1), (2, 2)]
    assert listed["IsTruncated"] and listed["NextPartNumberMarker"] == 2
    rest = s3.list_parts(Bucket=bucket, Key="a", UploadId=uploads["a"], PartNumberMarker=2)
    assert [p["PartNumber"] for p in rest["Parts"]] == [5] and not rest["IsTruncated"]

    def keys(**arguments):
        page = s3.list_multipart_uploads(Bucket=bucket, **arguments)
        return ([u["Key"] for u in page.get("Uploads", [])],
                [p["Prefix"] for p in page.get("CommonPrefixes", [])], page)
    assert keys()[0] == ["a", "b/1", "b/2", "c"]
    assert keys(Prefix="b/")[0] == ["b/1", "b/2"]
    assert keys(Delimiter="/")[:2] == (["a", "c"], ["b/"])
    found, prefixes, markers = [], [], {}
    for _ in range(10):
        some, more, page = keys(Delimiter="/", MaxUploads=1, **markers)
        found, prefixes = found + some, prefixes + more
        if not page["IsTruncated"]:
            break
        markers = {"KeyMarker": page["NextKeyMarker"]}
        if page.get("NextUploadIdMarker"):
            markers["UploadIdMarker"] = page["NextUploadIdMarker"]
    assert (found, prefixes) == (["a", "c"], ["b/"])
    for key, upload in uploads.items():
        s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
    assert keys()[0] == []
    assert code_of(s3.list_multipart_uploads, Bucket="no-" + bucket) == (404, "NoSuchBucket")


def a_part_is_copied_out_of_another_object(s3, bucket):
    data = bytes_by(7, 2 * PART + 100)
    s3.put_object(Bucket=bucket, Key="large source", Body=data)
    s3.put_object(Bucket=bucket, Key="small", Body=b"in the metadata")
    upload = begin(s3, bucket)
    source = {"Bucket": bucket, "Key": "large source"}

    def copied(number, **arguments):
        answer = s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number,
                                     **arguments)
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}
    parts = [copied(1, CopySource=source, CopySourceRange=f"bytes=50-{PART + 99}"),
             copied(2, CopySource=source),
             copied(3, CopySource={"Bucket": bucket, "Key": "small"}, CopySourceRange="bytes=3-6")]
    assert code_of(copied, 4, CopySource=source,
                   CopySourceRange=f"bytes=0-{len(data)}")[0] in (400, 416)
    assert code_of(copied, 4, CopySource=source, CopySourceRange="bytes=5-")[0] == 400
    assert code_of(copied, 4, CopySource={"Bucket": bucket, "Key": "no"}) == (404, "NoSuchKey")
    assert code_of(copied, 4, CopySource=source, CopySourceIfMatch='"0"')[0] == 412
    complete(s3, bucket, upload, parts)
    s3.delete_object(Bucket=bucket, Key="large source")
    got = s3.get_object(Bucket=bucket, Key="k")["Body"].read()
    assert got == data[50:PART + 100] + data + b"in the metadata"[3:7]


def check_part_checksums(s3, bucket, key, field, whole, sums):
    """GetObjectAttributes page by page, and each part by its number."""
    for number, one in enumerate(sums, 1):
        found = s3.get_object_attributes(
            Bucket=bucket, Key=key, MaxParts=1, PartNumberMarker=number - 1,
            ObjectAttributes=["ObjectParts", "Checksum"])
        assert found["Checksum"][field] == whole
        page = found["ObjectParts"]
        assert (page["TotalPartsCount"], page["PartNumberMarker"], page["NextPartNumberMarker"],
                page["MaxParts"], page["IsTruncated"]) == \
            (len(sums), number - 1, number, 1, number < len(sums)), page
        assert [(row["PartNumber"], row[field]) for row in page["Parts"]] == [(number, one)], page
        head = s3.head_object(Bucket=bucket, Key=key, PartNumber=number, ChecksumMode="ENABLED")
        assert head[field] == one
        got = s3.get_object(Bucket=bucket, Key=key, PartNumber=number, ChecksumMode="ENABLED")
        assert len(got["Body"].read()) == page["Parts"][0]["Size"] and got[field] == one
        assert field not in s3.head_object(Bucket=bucket, Key=key, PartNumber=number)


def checksums_of_parts_make_that_of_the_object(s3, bucket):
    datas = [bytes_by(8, PART), bytes_by(9, 1000)]

    def text(raw):
        return base64.b64encode(raw).decode()
    digest = {"CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
              "SHA1": lambda data: hashlib.sha1(data).digest(),
              "SHA256": lambda data: hashlib.sha256(data).digest()}
    for name, kind in (("CRC32", "COMPOSITE"), ("CRC32", "FULL_OBJECT"), ("SHA1", "COMPOSITE"),
                       ("SHA256", "COMPOSITE")):
        sums = [digest[name](data) for data in datas]
        field = "Checksum" + name
        upload = s3.plus("create_multipart_upload", {"x-amz-checksum-type": kind}, Bucket=bucket,
                         Key=name, ChecksumAlgorithm=name)["UploadId"]
        parts = []
        for number, data in enumerate(datas, 1):
            answer = s3.upload_part(Bucket=bucket, Key=name, UploadId=upload, PartNumber=number,
                                    Body=data, ChecksumAlgorithm=name)
            assert answer[field] == text(sums[number - 1])
            parts.append({"PartNumber": number, "ETag": answer["ETag"], field: answer[field]})
        listed = s3.list_parts(Bucket=bucket, Key=name, UploadId=upload)
        assert listed["ChecksumAlgorithm"] == name and listed["Parts"][0][field] == text(sums[0])
        wrong = [dict(parts[0], **{field: text(sums[1])}), parts[1]]
        assert code_of(complete, s3, bucket, upload, wrong, name) == (400, "InvalidPart")
        done = complete(s3, bucket, upload, parts, name)
        expected = text(digest[name](b"".join(sums))) + "-2" if kind == "COMPOSITE" else \
            text(digest[name](b"".join(datas)))
        assert done[field] == expected
        head = s3.head_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED")
        assert head[field] == expected
        assert head["ResponseMetadata"]["HTTPHeaders"]["x-amz-checksum-type"] == kind
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": name})
        for key in (name, "copy"):
            check_part_checksums(s3, bucket, key, field, expected, [text(one) for one in sums])
    assert code_of(s3.plus, "create_multipart_upload", {"x-amz-checksum-type": "FULL_OBJECT"},
                   Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256") == (400, "InvalidRequest")


def a_part_that_comes_without_a_checksum_gets_that_of_its_upload(s3, bucket):
    """As older clients send them, whose user has asked for checksums elsewhere."""
    datas = [bytes_by(11, PART), bytes_by(12, 1000)]
    for name, kind, digest in (
            ("CRC32", "FULL_OBJECT", lambda data: zlib.crc32(data).to_bytes(4, "big")),
            ("SHA256", "COMPOSITE", lambda data: hashlib.sha256(data).digest())):
        field = "Checksum" + name
        upload = s3.plus("create_multipart_upload", {"x-amz-checksum-type": kind}, Bucket=bucket,
                         Key=name, ChecksumAlgorithm=name)["UploadId"]
        sums = [base64.b64encode(digest(data)).decode() for data in datas]
        parts = []
        for number, data in enumerate(datas, 1):
            target = f"/{bucket}/{name}?partNumber={number}&uploadId={upload}"
            status, headers, _ = s3.raw("PUT", target, body=data)
            assert status == 200 and headers["x-amz-checksum-" + name.lower()] == sums[number - 1], headers
            parts.append({"PartNumber": number, "ETag": headers["etag"]})
            sha1 = base64.b64encode(hashlib.sha1(data).digest()).decode()
            assert code_of(s3.raw, "PUT", target, {"x-amz-checksum-sha1": sha1}, data) == (400, "InvalidRequest")
        listed = s3.list_parts(Bucket=bucket, Key=name, UploadId=upload)["Parts"]
        assert [row[field] for row in listed] == sums
        whole = digest(b"".join(datas)) if kind == "FULL_OBJECT" else \
            digest(b"".join(digest(data) for data in datas))
        expected = base64.b64encode(whole).decode() + ("-2" if kind == "COMPOSITE" else "")
        assert complete(s3, bucket, upload, parts, name)[field] == expected
        assert s3.head_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED")[field] == expected
    assert code_of(s3.upload_part, Bucket=bucket, Key="k", UploadId="00" * 16, PartNumber=1,
                   Body=b"x") == (404, "NoSuchUpload")


def what_is_said_of_the_whole_is_looked_at(s3, bucket):
    data = bytes_by(10, 1000)
    sums = {"crc32": zlib.crc32(data).to_bytes(4, "big"), "sha1": hashlib.sha1(data).digest()}
    texts = {name: base64.b64encode(value).decode() for name, value in sums.items()}
    whole = hashlib.sha1(sums["sha1"]).digest()
    composite = base64.b64encode(whole).decode()
    for name, kind, right, wrong in (
            ("crc32", "FULL_OBJECT", (texts["crc32"],), ("AAAAAA==", texts["crc32"] + "-1")),
            ("sha1", "COMPOSITE", (composite + "-1", composite), (texts["sha1"], composite + "-2"))):
        header = "x-amz-checksum-" + name
        for said in right:
            upload = s3.plus("create_multipart_upload", {"x-amz-checksum-type": kind}, Bucket=bucket,
                             Key="k", ChecksumAlgorithm=name.upper())["UploadId"]
            parts = [part(s3, bucket, upload, 1, data, ChecksumAlgorithm=name.upper())]
            for other in wrong:
                assert code_of(complete, s3, bucket, upload, parts, **{header: other}) == \
                    (400, "BadDigest"), other
            for refused in ({"x-amz-checksum-sha256": "A" * 43 + "="}, {"x-amz-mp-object-size": "999"},
                            {"x-amz-mp-object-size": "1000x"}):
                assert code_of(complete, s3, bucket, upload, parts, **refused) == \
                    (400, "InvalidRequest"), refused
            complete(s3, bucket, upload, parts, **{header: said, "x-amz-mp-object-size": "1000"})
    upload = begin(s3, bucket)
    parts = [part(s3, bucket, upload, 1, data)]
    assert code_of(complete, s3, bucket, upload, parts, **{"x-amz-checksum-crc32": texts["crc32"]}) == \
        (400, "InvalidRequest")  # nobody knows whether it is right
    assert code_of(s3.plus, "create_multipart_upload", {"x-amz-checksum-type": "FULL_OBJECT"},
                   Bucket=bucket, Key="k") == (400, "InvalidRequest")
    listed = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload, MaxParts=0)
    assert "Parts" not in listed and not listed["IsTruncated"]


def many_parts_arrive_at_once(s3, bucket):
    count = 40
    datas = [bytes_by(n, PART if n + 1 < count else 77) for n in range(4)] * 10
    datas[-1] = b"the end"
    upload = begin(s3, bucket)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda n: part(s3, bucket, upload, n + 1, datas[n]), range(count)))
    assert complete(s3, bucket, upload, parts)["ETag"] == etag_of(*datas)
    wanted, got = hashlib.sha256(b"".join(datas)), hashlib.sha256()
    for chunk in s3.get_object(Bucket=bucket, Key="k")["Body"].iter_chunks(1 << 20):
        got.update(chunk)
    assert got.digest() == wanted.digest()


def a_whole_file_goes_and_comes_as_sdks_do_it(s3, bucket):
    import tempfile
    data = bytes_by(11, 20 * MIB + 3)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file")
        with open(path, "wb") as file:
            file.write(data)
        s3.upload_file(path, bucket, "k")
        s3.download_file(bucket, "k", path + ".back")
        with open(path + ".back", "rb") as file:
            assert file.read() == data
    s3.copy({"Bucket": bucket, "Key": "k"}, bucket, "copy")
    assert s3.head_object(Bucket=bucket, Key="copy")["ContentLength"] == len(data)


def join_copies(s3, bucket, source, count, key):
    """An object that is another one, so many times; only the metadata knows."""
    upload = begin(s3, bucket, key)

    def copied(number):
        answer = s3.upload_part_copy(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number,
                                     CopySource={"Bucket": bucket, "Key": source})
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        return upload, list(pool.map(copied, range(1, count + 1)))


def an_object_may_have_five_tebibytes_and_no_more(s3, bucket):
    segment = bytes_by(12, 64 * MIB)
    s3.put_object(Bucket=bucket, Key="64 MiB", Body=segment)
    upload, parts = join_copies(s3, bucket, "64 MiB", 80, "5 GiB")
    complete(s3, bucket, upload, parts, "5 GiB")
    upload, parts = join_copies(s3, bucket, "5 GiB", 1025, "5 TiB")
    assert code_of(complete, s3, bucket, upload, parts, "5 TiB") == (400, "EntityTooLarge")
    complete(s3, bucket, upload, parts[:-1], "5 TiB")
    assert s3.head_object(Bucket=bucket, Key="5 TiB")["ContentLength"] == 5 << 40
    for offset in (0, (2 << 40) + 64 * MIB - 50, (5 << 40) - 100):
        got = s3.get_object(Bucket=bucket, Key="5 TiB", Range=f"bytes={offset}-{offset + 99}")
        at = offset % len(segment)
        assert got["Body"].read() == (segment[at:] + segment)[:100], offset
    assert code_of(s3.upload_part_copy, Bucket=bucket, Key="k", UploadId=begin(s3, bucket),
                   PartNumber=1, CopySource={"Bucket": bucket, "Key": "5 TiB"})[0] == 400
    s3.copy_object(Bucket=bucket, Key="again", CopySource={"Bucket": bucket, "Key": "5 TiB"})
    assert s3.head_object(Bucket=bucket, Key="again")["ContentLength"] == 5 << 40


if __name__ == "__main__":
    main(parts_become_one_object, completing_again_says_the_same, wrong_parts_are_named,
         the_last_part_of_a_number_counts, an_upload_completes_only_on_its_condition,
         parts_and_uploads_are_listed_until_they_end, a_part_is_copied_out_of_another_object,
         checksums_of_parts_make_that_of_the_object,
         a_part_that_comes_without_a_checksum_gets_that_of_its_upload, what_is_said_of_the_whole_is_looked_at, many_parts_arrive_at_once,
         a_whole_file_goes_and_comes_as_sdks_do_it,
         an_object_may_have_five_tebibytes_and_no_more)
