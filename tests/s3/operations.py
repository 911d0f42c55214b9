#!/usr/bin/env python3
"""The operations of S3 on a real gateway, seen through boto3, and the traps that clients fall into.

Each claim has a bucket of its own.  Keys that SDKs would mend on the way are sent by hand
(signed.py), so that what is tested is the gateway's reading of them.
"""
import base64
import datetime
import hashlib
import os
import sys
import time
import urllib.parse
import xml.etree.ElementTree
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from s3_suite import MIB, bytes_by, code_of, empty, main  # noqa: E402

# ---- buckets ----


def buckets_are_made_listed_and_deleted(s3, bucket):
    assert bucket in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert code_of(s3.create_bucket, Bucket=bucket) == (409, "BucketAlreadyOwnedByYou")
    s3.head_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert code_of(s3.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    assert code_of(s3.head_bucket, Bucket=bucket)[0] == 404
    assert code_of(s3.list_objects_v2, Bucket=bucket) == (404, "NoSuchBucket")
    assert code_of(s3.get_object, Bucket=bucket, Key="k") == (404, "NoSuchBucket")
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"") == (404, "NoSuchBucket")
    s3.create_bucket(Bucket=bucket)


def buckets_are_listed_as_asked(s3, bucket):
    names = [f"{bucket}-{letter}" for letter in "abcde"]

    def page(query):
        status, _, body = s3.raw("GET", "/?" + query)
        root = xml.etree.ElementTree.fromstring(body)
        space = "{http://s3.amazonaws.com/doc/2006-03-01/}"
        found = [e.text for e in root.iter(space + "Name")]
        return status, found, root.findtext(space + "ContinuationToken"), root.findtext(space + "Prefix")

    for name in names:
        s3.create_bucket(Bucket=name)
    prefix = f"prefix={bucket}-"
    assert page(prefix) == (200, names, None, bucket + "-")
    assert page(prefix + "c") == (200, names[2:3], None, bucket + "-c")
    assert page(prefix + "none")[1] == []
    _, first, token, _ = page(prefix + "&max-buckets=2")
    _, second, token, _ = page(prefix + "&max-buckets=2&continuation-token=" + token)
    assert first + second == names[:4]
    assert page(prefix + "&max-buckets=2&continuation-token=" + token)[1:3] == (names[4:], None)
    assert page(prefix + "&max-buckets=5")[1:3] == (names, None)
    assert page(prefix + "&bucket-region=us-east-1")[1] == names
    assert page(prefix + "&bucket-region=moon-1")[1] == []
    for query in ("max-buckets=0", "max-buckets=x", "continuation-token=x"):
        assert code_of(s3.raw, "GET", "/?" + query) == (400, "InvalidArgument"), query
    for name in names:
        s3.delete_bucket(Bucket=name)


def impossible_bucket_names_are_refused(s3, bucket):
    for name in ("ab", "Upper", "a_b", "a..b", "192.168.0.1", "x" * 64, "-a-", "xn--abc"):
        assert code_of(s3.raw, "PUT", "/" + name) == (400, "InvalidBucketName"), name


def what_a_bucket_could_have_is_answered_as_none(s3, bucket):
    none = {
        "get_bucket_policy": "NoSuchBucketPolicy",
        "get_bucket_cors": "NoSuchCORSConfiguration",
        "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
        "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
        "get_bucket_website": "NoSuchWebsiteConfiguration",
        "get_bucket_replication": "ReplicationConfigurationNotFoundError",
        "get_bucket_tagging": "NoSuchTagSet",
        "get_public_access_block": "NoSuchPublicAccessBlockConfiguration",
        "get_bucket_ownership_controls": "OwnershipControlsNotFoundError",
    }
    for call, code in none.items():
        assert code_of(getattr(s3, call), Bucket=bucket) == (404, code), call
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    s3.get_bucket_notification_configuration(Bucket=bucket)
    s3.get_bucket_accelerate_configuration(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_location(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200


def what_is_not_there_is_said_so(s3, bucket):
    for method, target in (("PUT", "?policy"), ("PUT", "?lifecycle"), ("GET", "?inventory"),
                           ("PUT", "/k?retention"), ("GET", "/k?torrent"), ("POST", "/k?restore"),
                           ("PUT", "?cors"), ("POST", "/k?select&select-type=2")):
        assert code_of(s3.raw, method, f"/{bucket}{target}") == (501, "NotImplemented"), target
    for said, answer in (("<Status>Enabled</Status>", (501, "NotImplemented")),
                         ("<Status>Suspended</Status>", (200, None)),
                         ("<a:Status xmlns:a='b'>Suspended</a:Status>", (200, None)),
                         ("<Status>suspended</Status>", (400, "MalformedXML")),
                         ("", (400, "MalformedXML")), ("<Status>", (400, "MalformedXML"))):
        body = f"<VersioningConfiguration>{said}</VersioningConfiguration>".encode()
        assert code_of(s3.raw, "PUT", f"/{bucket}?versioning", body=body) == answer, said


def to_delete_what_no_bucket_has_is_no_error(s3, bucket):
    for what in ("policy", "cors", "lifecycle", "website", "replication", "tagging",
                 "ownershipControls", "publicAccessBlock"):
        assert s3.raw("DELETE", f"/{bucket}?{what}")[0] == 204, what
        assert code_of(s3.raw, "DELETE", f"/is-nowhere?{what}") == (404, "NoSuchBucket"), what


def errors_name_no_machine_of_the_cluster(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for method, target, headers in (
            ("GET", "/is-nowhere", {}), ("DELETE", "/is-nowhere", {}), ("DELETE", f"/{bucket}", {}),
            ("PUT", f"/{bucket}", {}), ("PUT", f"/{bucket}/k", {"If-None-Match": "*"}),
            ("PUT", f"/{bucket}/k", {"If-Match": "0" * 32}), ("GET", "/is-nowhere?uploads", {}),
            ("POST", "/is-nowhere/k?uploads", {}), ("GET", f"/{bucket}/no", {}),
            ("PUT", "/Upper", {}), ("GET", "/Upper", {}), ("GET", f"/{bucket}?list-type=2"
             "&continuation-token=none", {}), ("PUT", f"/{bucket}/no", {
                 "x-amz-copy-source": "is-nowhere/k"})):
        status, _, body = s3.raw(method, target, headers)
        assert 400 <= status < 500 and body.startswith(b"<?xml"), (method, target, status, body)
        assert b"127.0.0.1" not in body, body
    assert code_of(s3.raw, "GET", "/Upper") == (400, "InvalidBucketName")
    assert code_of(s3.raw, "GET", f"/{bucket}?versions&version-id-marker=null") == \
        (400, "InvalidArgument")


EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"


def check_acls(s3, bucket, is_public):
    """Of the bucket and of its object "k"."""
    owner = s3.list_buckets()["Owner"]["ID"]
    for acl in (s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="k")):
        assert acl["Owner"]["ID"] == owner
        grants = [(grant["Grantee"]["Type"], grant["Grantee"].get("ID", grant["Grantee"].get("URI")),
                   grant["Permission"]) for grant in acl["Grants"]]
        assert grants == [("CanonicalUser", owner, "FULL_CONTROL")] + \
            [("Group", EVERYBODY, "READ")] * is_public, grants


def a_bucket_is_private_or_public_read_and_its_objects_with_it(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="private")
    for is_public in (False, True, False):
        said, other = ("public-read", "private") if is_public else ("private", "public-read")
        s3.put_bucket_acl(Bucket=bucket, ACL=said)
        check_acls(s3, bucket, is_public)
        s3.put_object_acl(Bucket=bucket, Key="k", ACL=said)
        assert code_of(s3.put_object_acl, Bucket=bucket, Key="k", ACL=other) == \
            (501, "NotImplemented")
        assert code_of(s3.put_object_acl, Bucket=bucket, Key="no", ACL=said) == (404, "NoSuchKey")
    assert code_of(s3.put_bucket_acl, Bucket="is-nowhere", ACL="private") == (404, "NoSuchBucket")
    assert code_of(s3.get_object_acl, Bucket=bucket, Key="no") == (404, "NoSuchKey")
    assert code_of(s3.get_object_acl, Bucket=bucket, Key="k", VersionId="x") == \
        (404, "NoSuchVersion")


def an_access_list_may_come_as_a_document(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    acl = s3.get_bucket_acl(Bucket=bucket)
    policy = {"Owner": acl["Owner"], "Grants": acl["Grants"]}
    anybody = {"Grantee": {"Type": "Group", "URI": EVERYBODY}, "Permission": "READ"}
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={
        **policy, "Grants": policy["Grants"] + [anybody]})
    check_acls(s3, bucket, True)
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy=policy)
    check_acls(s3, bucket, False)
    for grantee, permission in ((anybody["Grantee"], "WRITE"),
                                ({"Type": "Group", "URI": EVERYBODY + "x"}, "READ"),
                                ({"Type": "CanonicalUser", "ID": "somebody"}, "READ")):
        wanted = {**policy, "Grants": [{"Grantee": grantee, "Permission": permission}]}
        assert code_of(s3.put_bucket_acl, Bucket=bucket, AccessControlPolicy=wanted) == \
            (501, "NotImplemented"), wanted
    check_acls(s3, bucket, False)


def other_access_lists_are_refused(s3, bucket):
    for acl in ("public-read-write", "authenticated-read", "aws-exec-read", "log-delivery-write"):
        assert code_of(s3.put_bucket_acl, Bucket=bucket, ACL=acl) == (501, "NotImplemented"), acl
        assert code_of(s3.create_bucket, Bucket=bucket + "-new", ACL=acl) == (501, "NotImplemented")
    target = f"/{bucket}?acl"
    for method, where in (("PUT", target), ("PUT", f"/{bucket}/k"), ("POST", f"/{bucket}/k?uploads")):
        assert code_of(s3.raw, method, where, {"x-amz-acl": "pink"}) == (400, "InvalidArgument")
    assert code_of(s3.raw, "PUT", target) == (400, "MissingSecurityHeader")
    assert code_of(s3.raw, "PUT", target, body=b"<a/>") == (400, "MalformedACLError")
    assert code_of(s3.raw, "PUT", target, body=b"<a") == (400, "MalformedACLError")
    assert code_of(s3.put_bucket_acl, Bucket=bucket, GrantRead="uri=" + EVERYBODY) == \
        (501, "NotImplemented")
    assert code_of(s3.raw, "PUT", target, {"x-amz-acl": "private"}, b"<a/>") == \
        (400, "InvalidRequest")
    assert code_of(s3.head_bucket, Bucket=bucket + "-new")[0] == 404


def a_bucket_can_be_made_public_read(s3, bucket):
    other = bucket + "-new"
    s3.create_bucket(Bucket=other, ACL="public-read")
    s3.put_object(Bucket=other, Key="k", Body=b"x")
    check_acls(s3, other, True)
    empty(s3, other)


# ---- one object ----


def bytes_come_back_with_their_md5_for_an_etag(s3, bucket):
    for size in (0, 1, 8192, 8193, 1 * MIB, 5 * MIB + 7):
        data = bytes_by(size, size)
        put = s3.put_object(Bucket=bucket, Key=f"k{size}", Body=data)
        assert put["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
        assert put["ServerSideEncryption"] == "AES256" and "VersionId" not in put
        got = s3.get_object(Bucket=bucket, Key=f"k{size}")
        assert got["Body"].read() == data and got["ETag"] == put["ETag"]
        assert got["ContentLength"] == size and got["AcceptRanges"] == "bytes"
        head = s3.head_object(Bucket=bucket, Key=f"k{size}")
        assert head["ContentLength"] == size and head["ETag"] == put["ETag"]
        assert abs(head["LastModified"].timestamp() - time.time()) < 120
    assert code_of(s3.get_object, Bucket=bucket, Key="none") == (404, "NoSuchKey")
    assert code_of(s3.head_object, Bucket=bucket, Key="none")[0] == 404


def headers_and_metadata_come_back(s3, bucket):
    expires = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/x-test; charset=utf-8",
                  CacheControl="max-age=60", ContentDisposition='attachment; filename="a b"',
                  ContentEncoding="gzip", ContentLanguage="de, en", Expires=expires,
                  Metadata={"Colour": "blue", "empty": "", "number": "1"})
    for call in (s3.get_object, s3.head_object):
        answer = call(Bucket=bucket, Key="k")
        assert answer["ContentType"] == "text/x-test; charset=utf-8"
        assert answer["CacheControl"] == "max-age=60"
        assert answer["ContentDisposition"] == 'attachment; filename="a b"'
        assert answer["ContentEncoding"] == "gzip" and answer["ContentLanguage"] == "de, en"
        assert answer["ResponseMetadata"]["HTTPHeaders"]["expires"].endswith("2030 03:04:05 GMT")
        assert answer["Metadata"] == {"colour": "blue", "empty": "", "number": "1"}
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    plain = s3.head_object(Bucket=bucket, Key="plain")
    assert plain["ContentType"] == "binary/octet-stream" and plain["Metadata"] == {}
    got = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="a/b",
                        ResponseCacheControl="no-store", ResponseContentDisposition="inline",
                        ResponseContentEncoding="identity", ResponseContentLanguage="fr")
    assert got["ContentType"] == "a/b" and got["CacheControl"] == "no-store"
    assert got["ContentDisposition"] == "inline" and got["ContentLanguage"] == "fr"
    too_much = {"m": "x" * 2048}
    assert code_of(s3.put_object, Bucket=bucket, Key="big", Body=b"",
                   Metadata=too_much) == (400, "MetadataTooLarge")


def what_cannot_be_done_is_not_ignored(s3, bucket):
    refused = (
        ({"ServerSideEncryption": "aws:kms"}, 501),
        ({"StorageClass": "GLACIER"}, 400),
        ({"GrantRead": "id=abc"}, 501),
        ({"ObjectLockMode": "COMPLIANCE",
          "ObjectLockRetainUntilDate": datetime.datetime(2040, 1, 1)}, 400),
    )
    for arguments, status in refused:
        assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"", **arguments)[0] == status
    assert code_of(s3.head_object, Bucket=bucket, Key="k")[0] == 404


def ranges_are_parts_of_the_whole(s3, bucket):
    data = bytes_by(2, 300000)
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    cases = {"bytes=0-0": (0, 1), "bytes=10-19": (10, 20), "bytes=299990-": (299990, 300000),
             "bytes=299990-999999": (299990, 300000), "bytes=-7": (299993, 300000),
             "bytes=-999999": (0, 300000), "bytes=65530-65550": (65530, 65551)}
    for header, (first, end) in cases.items():
        for call in (s3.get_object, s3.head_object):
            got = call(Bucket=bucket, Key="k", Range=header)
            assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
            told = got["ResponseMetadata"]["HTTPHeaders"]["content-range"]
            assert told == f"bytes {first}-{end - 1}/300000"
            assert got["ContentLength"] == end - first
            if "Body" in got:
                assert got["Body"].read() == data[first:end]
    for header in ("bytes=0-1,3-4", "bytes=5-2", "lines=1-2"):
        got = s3.get_object(Bucket=bucket, Key="k", Range=header)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 200 and got["Body"].read() == data
    for key, header in (("k", "bytes=300000-"), ("k", "bytes=-0"), ("empty", "bytes=0-"),
                        ("empty", "bytes=0-5")):
        assert code_of(s3.get_object, Bucket=bucket, Key=key, Range=header) == \
            (416, "InvalidRange"), (key, header)
        size = 300000 if key == "k" else 0
        for method in ("GET", "HEAD"):
            status, headers, _ = s3.raw(method, f"/{bucket}/{key}", {"range": header})
            assert status == 416 and headers["content-range"] == f"bytes */{size}", headers
    # What was asked of the object comes before what is wanted of it.
    assert code_of(s3.get_object, Bucket=bucket, Key="k", Range="bytes=300000-", IfMatch="other")[0] == 412
    etag = s3.head_object(Bucket=bucket, Key="k")["ETag"]
    assert code_of(s3.get_object, Bucket=bucket, Key="k", Range="bytes=300000-", IfNoneMatch=etag)[0] == 304


def a_range_may_be_wanted_of_one_certain_object(s3, bucket):
    """As browsers go on with a download: of another object they get all of it."""
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")["ETag"]
    made = s3.raw("HEAD", f"/{bucket}/k")[1]["last-modified"]
    for wanted, status in ((etag, 206), (etag.strip('"'), 206), (made, 206), ("W/" + etag, 200),
                           ('"' + "0" * 32 + '"', 200), ("Sat, 01 Jan 2000 00:00:00 GMT", 200)):
        for method in ("GET", "HEAD"):
            got = s3.raw(method, f"/{bucket}/k", {"range": "bytes=2-4", "if-range": wanted})
            assert got[0] == status, (wanted, got)
            assert got[1]["content-length"] == ("3" if status == 206 else "10")
            assert method == "HEAD" or got[2] == (b"234" if status == 206 else b"0123456789")
    assert s3.raw("GET", f"/{bucket}/k", {"if-range": '"other"'})[0] == 200
    assert s3.raw("GET", f"/{bucket}/no", {"range": "bytes=0-", "if-range": etag})[0] == 404
    assert s3.raw("GET", f"/{bucket}/k", {"range": "bytes=20-", "if-range": etag})[0] == 416


def reads_may_depend_on_what_is_there(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    made = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    before = made - datetime.timedelta(seconds=1)
    other = '"' + "0" * 32 + '"'
    for call in (s3.get_object, s3.head_object):
        for arguments in ({"IfMatch": etag}, {"IfMatch": "*"}, {"IfNoneMatch": other},
                          {"IfModifiedSince": before}, {"IfUnmodifiedSince": made},
                          {"IfMatch": etag, "IfUnmodifiedSince": before},
                          {"IfNoneMatch": other, "IfModifiedSince": made}):
            call(Bucket=bucket, Key="k", **arguments)
        for arguments in ({"IfNoneMatch": etag}, {"IfNoneMatch": "*"}, {"IfModifiedSince": made},
                          {"IfMatch": etag, "IfNoneMatch": etag}):
            assert code_of(call, Bucket=bucket, Key="k", **arguments)[0] == 304, arguments
        for arguments in ({"IfMatch": other}, {"IfUnmodifiedSince": before}):
            assert code_of(call, Bucket=bucket, Key="k", **arguments)[0] == 412, arguments
    status, headers, body = s3.raw("GET", f"/{bucket}/k", {"if-none-match": etag})
    assert status == 304 and headers["etag"] == etag and body == b""


def writes_may_depend_on_what_is_there(s3, bucket):
    def put(body, key="k", **headers):
        return s3.plus("put_object", headers, Bucket=bucket, Key=key, Body=body)

    def delete(etag):
        return s3.plus("delete_object", {"If-Match": etag}, Bucket=bucket, Key="k")
    refused = (412, "PreconditionFailed")
    first = put(b"1", **{"If-None-Match": "*"})["ETag"]
    assert code_of(put, b"2", **{"If-None-Match": "*"}) == refused
    second = put(b"2", **{"If-Match": first})["ETag"]
    assert code_of(put, b"3", **{"If-Match": first}) == refused
    assert code_of(put, b"3", **{"If-Match": "junk"}) == refused
    assert code_of(put, b"3", "new", **{"If-Match": "*"}) == (404, "NoSuchKey")
    assert code_of(delete, first) == refused
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"
    delete(second)
    assert code_of(put, b"", **{"If-None-Match": first})[0] == 501


def conditions_of_other_kinds_of_buckets_are_not_passed_over(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"123")
    for header in ("x-amz-if-match-size", "x-amz-if-match-last-modified-time"):
        assert code_of(s3.raw, "DELETE", f"/{bucket}/k", {header: "9"}) == (501, "NotImplemented")
    assert code_of(s3.raw, "PUT", f"/{bucket}/k", {"x-amz-write-offset-bytes": "3"}, b"4") == \
        (501, "NotImplemented")
    for condition in ("<Size>9</Size>", "<LastModifiedTime>2020-01-01T00:00:00Z</LastModifiedTime>"):
        body = f"<Delete><Object><Key>k</Key>{condition}</Object></Delete>".encode()
        md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
        status, _, answer = s3.raw("POST", f"/{bucket}?delete", {"content-md5": md5}, body)
        assert status == 200 and b"<Code>NotImplemented</Code>" in answer, answer
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"123"


def an_owner_may_be_expected(s3, bucket):
    owner = s3.list_buckets()["Owner"]["ID"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", ExpectedBucketOwner=owner)
    s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=owner)
    for call, arguments in ((s3.put_object, {"Key": "k", "Body": b"2"}), (s3.get_object, {"Key": "k"}),
                            (s3.list_objects_v2, {}), (s3.delete_bucket, {})):
        assert code_of(call, Bucket=bucket, ExpectedBucketOwner="111122223333", **arguments) == \
            (403, "AccessDenied"), arguments
    source = {"Bucket": bucket, "Key": "k"}
    s3.copy_object(Bucket=bucket, Key="c", CopySource=source, ExpectedSourceBucketOwner=owner)
    assert code_of(s3.copy_object, Bucket=bucket, Key="c", CopySource=source,
                   ExpectedSourceBucketOwner="111122223333") == (403, "AccessDenied")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"


def only_the_null_version_is_there(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    s3.put_object(Bucket=bucket, Key="k", Body=b"22")
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"22"
    assert code_of(s3.get_object, Bucket=bucket, Key="k", VersionId="abc") == (404, "NoSuchVersion")
    listed = s3.list_object_versions(Bucket=bucket)
    (version,) = listed["Versions"]
    assert version["VersionId"] == "null" and version["IsLatest"] and version["Size"] == 2
    assert "DeleteMarkers" not in listed
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


# ---- keys are bytes ----


def keys_are_bytes_and_no_paths(s3, bucket):
    keys = ["..", ".", "a/../b", "../../etc/passwd", "//", "/", "a//b", "/lead", "trail/", "a/./b",
            "back\\slash", "%2e%2e", "a%2Fb", "a b", "a+b", "a&b=c?d#e", "ä/ö/ü", "e\u0301", "\u00e9",
            "\u65e5\u672c\u8a9e", "\U0001f600", "x" * 1024, "'\"<>&", "tab\tkey", "a:b;c,d@e!f$g*h(i)~"]
    for number, key in enumerate(keys):
        s3.put_object(Bucket=bucket, Key=key, Body=str(number).encode())
    for number, key in enumerate(keys):
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == str(number).encode(), key
    listed = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(keys, key=lambda key: key.encode())
    for key in keys:
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
        assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == \
            str(keys.index(key)).encode(), key
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys + ["copy"]]})
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert code_of(s3.put_object, Bucket=bucket, Key="x" * 1025, Body=b"") == (400, "KeyTooLongError")


def a_key_is_decoded_once(s3, bucket):
    targets = {"/..": b"..", "/%2e%2e": b"..", "/%252e": b"%2e", "/a%2Fb": b"a/b", "/a//b": b"a//b",
               "/a+b": b"a+b", "/a%00b": b"a\0b", "/%ff%fe": b"\xff\xfe"}
    for target, key in targets.items():
        status, _, body = s3.raw("PUT", f"/{bucket}{target}", {}, key)
        assert status == 200, (target, body)
        status, _, body = s3.raw("GET", f"/{bucket}/" + urllib.parse.quote_from_bytes(key, safe="/"))
        assert (status, body) == (200, key), target
    status, _, body = s3.raw("GET", f"/{bucket}?encoding-type=url&list-type=2")
    assert status == 200 and b"a%00b" in body and b"%FF%FE" in body
    for key in (b"a\0b", b"\xff\xfe"):  # which XML cannot say
        assert s3.raw("DELETE", f"/{bucket}/" + urllib.parse.quote_from_bytes(key))[0] == 204


# ---- lists ----


def all_pages(call, token_names, **arguments):
    entries, prefixes = [], []
    for _ in range(100):
        page = call(**arguments)
        entries += [o["Key"] for o in page.get("Contents", []) + page.get("Versions", [])]
        prefixes += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
        if not page["IsTruncated"]:
            return entries, prefixes
        arguments.update({into: page[source] for source, into in token_names.items()})
    raise AssertionError("a listing without an end")


def lists_are_in_the_order_of_bytes_on_pages_of_any_size(s3, bucket):
    keys = ["a/1", "a/2", "b", "foo+1/bar", "foo/bar", "foo/baz/x", "foo/baz/y", "z"]
    for key in reversed(keys):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    ordered = sorted(keys, key=lambda key: key.encode())
    second = {"NextContinuationToken": "ContinuationToken"}
    versions = {"NextKeyMarker": "KeyMarker", "NextVersionIdMarker": "VersionIdMarker"}
    first = {"NextMarker": "Marker"}
    for size in (1, 2, 3, 1000):
        assert all_pages(s3.list_objects_v2, second, Bucket=bucket, MaxKeys=size) == (ordered, [])
        assert all_pages(s3.list_object_versions, versions, Bucket=bucket, MaxKeys=size) == \
            (ordered, [])
        for call, names in ((s3.list_objects_v2, second), (s3.list_objects, first),
                            (s3.list_object_versions, versions)):
            assert all_pages(call, names, Bucket=bucket, MaxKeys=size, Delimiter="/") == \
                (["b", "z"], ["a/", "foo+1/", "foo/"]), (call, size)
            assert all_pages(call, names, Bucket=bucket, MaxKeys=size, Delimiter="/",
                             Prefix="foo/") == (["foo/bar"], ["foo/baz/"])
    page = s3.list_objects(Bucket=bucket, MaxKeys=2)
    assert "NextMarker" not in page and page["IsTruncated"]
    page = s3.list_objects(Bucket=bucket, Marker=page["Contents"][-1]["Key"])
    assert [o["Key"] for o in page["Contents"]] == ordered[2:]


def a_list_says_what_it_was_asked(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b+c/d", Body=b"xy")
    page = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert page["KeyCount"] == 0 and not page["IsTruncated"] and page["MaxKeys"] == 0
    assert code_of(s3.list_objects_v2, Bucket=bucket, MaxKeys=-1) == (400, "InvalidArgument")
    assert code_of(s3.raw, "GET", f"/{bucket}?max-keys=x") == (400, "InvalidArgument")
    assert code_of(s3.raw, "GET", f"/{bucket}?encoding-type=x") == (400, "InvalidArgument")
    assert code_of(s3.list_objects_v2, Bucket=bucket, ContinuationToken="zz") == \
        (400, "InvalidArgument")
    page = s3.list_objects_v2(Bucket=bucket, StartAfter="a b", Prefix="a b", Delimiter="+c/",
                              FetchOwner=True)
    assert page["StartAfter"] == "a b" and page["Prefix"] == "a b" and page["Delimiter"] == "+c/"
    assert [p["Prefix"] for p in page["CommonPrefixes"]] == ["a b+c/"] and page["KeyCount"] == 1
    (entry,) = s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"]
    assert entry["Owner"]["ID"] == s3.list_buckets()["Owner"]["ID"]
    assert entry["Size"] == 2 and entry["StorageClass"] == "STANDARD"
    assert entry["ETag"] == s3.head_object(Bucket=bucket, Key="a b+c/d")["ETag"]
    (entry,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert "Owner" not in entry
    _, _, body = s3.raw("GET", f"/{bucket}?encoding-type=url&prefix=a%20b")
    assert b"<Key>a%20b%2Bc/d</Key>" in body and b"<EncodingType>url</EncodingType>" in body


# ---- deleting ----


def a_thousand_keys_are_deleted_at_once(s3, bucket):
    keys = [f"key-{number:04}" for number in range(999)] + ["a<b&c"]
    for key in keys[::50] + keys[-1:]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    objects = [{"Key": key} for key in keys]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert [d["Key"] for d in answer["Deleted"]] == keys and "Errors" not in answer
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    assert "Deleted" not in answer
    assert code_of(s3.delete_objects, Bucket=bucket,
                   Delete={"Objects": objects + [{"Key": "more"}]}) == (400, "MalformedXML")


def errors_of_single_keys_leave_the_others_deleted(s3, bucket):
    for key in ("a", "b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    objects = [{"Key": "a"}, {"Key": "b", "VersionId": "other"}, {"Key": "x" * 1025}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert [d["Key"] for d in answer["Deleted"]] == ["a"]
    assert [e["Code"] for e in answer["Errors"]] == ["NoSuchVersion", "KeyTooLongError"]
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["b"]


def a_deleting_body_is_read_with_care(s3, bucket):
    def delete(body, digest=True):
        md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
        return code_of(s3.raw, "POST", f"/{bucket}?delete", {"content-md5": md5} if digest else {},
                       body)
    good = b"<Delete><Object><Key>k</Key></Object></Delete>"
    assert delete(good) == (200, None)
    assert delete(good, digest=False) == (400, "InvalidRequest")
    for body in (b"", b"<Delete>", b"<Delete></Delete>", b"<Other/>", b"<Delete><Object/></Delete>",
                 b'<!DOCTYPE d [<!ENTITY e "x">]>' + good, b"<a>" * 100 + b"</a>" * 100):
        assert delete(body) == (400, "MalformedXML"), body
    s3.delete_object(Bucket=bucket, Key="never there")


# ---- copies ----


def a_copy_is_the_source_with_or_without_other_words(s3, bucket):
    data = bytes_by(4, 200000)
    put = s3.put_object(Bucket=bucket, Key="a/ b+?%", Body=data, Metadata={"m": "1"},
                        ContentType="x/y", Tagging="t=1")
    source = {"Bucket": bucket, "Key": "a/ b+?%"}
    copied = s3.copy_object(Bucket=bucket, Key="same", CopySource=source)["CopyObjectResult"]
    assert copied["ETag"] == put["ETag"]
    got = s3.get_object(Bucket=bucket, Key="same")
    assert got["Body"].read() == data and got["Metadata"] == {"m": "1"}
    assert got["ContentType"] == "x/y" and got["TagCount"] == 1
    s3.copy_object(Bucket=bucket, Key="other", CopySource=source, MetadataDirective="REPLACE",
                   Metadata={"n": "2"}, ContentType="z/z", TaggingDirective="REPLACE",
                   Tagging="u=2&v=3")
    head = s3.head_object(Bucket=bucket, Key="other")
    assert head["Metadata"] == {"n": "2"} and head["ContentType"] == "z/z"
    assert len(s3.get_object_tagging(Bucket=bucket, Key="other")["TagSet"]) == 2
    same = {"Bucket": bucket, "Key": "same"}
    assert code_of(s3.copy_object, Bucket=bucket, Key="same", CopySource=same) == \
        (400, "InvalidRequest")
    s3.copy_object(Bucket=bucket, Key="same", CopySource=same, MetadataDirective="REPLACE",
                   Metadata={"n": "3"})
    got = s3.get_object(Bucket=bucket, Key="same")
    assert got["Metadata"] == {"n": "3"} and got["Body"].read() == data


def a_copy_says_what_of_its_source_is_missing(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    part = {"Bucket": bucket, "Key": "m", "UploadId": upload, "PartNumber": 1}
    for source, code in (("is-nowhere/k", "NoSuchBucket"), (f"{bucket}/no", "NoSuchKey")):
        assert code_of(s3.copy_object, Bucket=bucket, Key="l", CopySource=source) == (404, code)
        assert code_of(s3.copy_object, Bucket=bucket, Key="l", CopySource=source,
                       CopySourceIfMatch="x") == (404, code)
        assert code_of(s3.upload_part_copy, CopySource=source, **part) == (404, code)
    part["UploadId"] = "0" * 32
    assert code_of(s3.upload_part_copy, CopySource=f"{bucket}/k", **part) == (404, "NoSuchUpload")
    assert code_of(s3.copy_object, Bucket="is-nowhere", Key="l", CopySource=f"{bucket}/k") == \
        (404, "NoSuchBucket")


def a_copy_may_depend_on_its_source_and_destination(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"x")["ETag"]
    source = {"Bucket": bucket, "Key": "a"}
    made = s3.head_object(Bucket=bucket, Key="a")["LastModified"]
    refused = (412, "PreconditionFailed")
    s3.copy_object(Bucket=bucket, Key="b", CopySource=source, CopySourceIfMatch=etag)
    for arguments in ({"CopySourceIfMatch": '"0"'}, {"CopySourceIfNoneMatch": etag},
                      {"CopySourceIfModifiedSince": made},
                      {"CopySourceIfUnmodifiedSince": made - datetime.timedelta(seconds=1)}):
        assert code_of(s3.copy_object, Bucket=bucket, Key="b", CopySource=source, **arguments) == \
            refused
    status, code = code_of(s3.raw, "PUT", f"/{bucket}/b",
                           {"x-amz-copy-source": f"/{bucket}/a", "if-none-match": "*"})
    assert (status, code) == refused
    missing = {"Bucket": bucket, "Key": "no"}
    assert code_of(s3.copy_object, Bucket=bucket, Key="b", CopySource=missing) == (404, "NoSuchKey")
    for wrong in ("", "/", bucket, f"/{bucket}/", f"{bucket}/a?versionId=7"):
        assert code_of(s3.raw, "PUT", f"/{bucket}/b", {"x-amz-copy-source": wrong})[0] in (400, 404)


# ---- tags, attributes ----


def tags_are_set_told_and_removed(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=%C3%A4%20c")
    before = s3.head_object(Bucket=bucket, Key="k")
    tags = s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "ä c"}]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "z", "Value": ""}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "z", "Value": ""}]
    after = s3.head_object(Bucket=bucket, Key="k")
    assert after["LastModified"] == before["LastModified"] and after["ETag"] == before["ETag"]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    many = [{"Key": f"k{n}", "Value": "v"} for n in range(11)]
    assert code_of(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging={"TagSet": many}) == \
        (400, "InvalidTag")
    twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    assert code_of(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging={"TagSet": twice}) == \
        (400, "InvalidTag")
    assert code_of(s3.get_object_tagging, Bucket=bucket, Key="no") == (404, "NoSuchKey")


def attributes_are_told_as_asked(s3, bucket):
    data = b"hello"
    s3.put_object(Bucket=bucket, Key="k", Body=data, ChecksumAlgorithm="SHA256")
    got = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=[
        "ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"])
    assert got["ETag"] == hashlib.md5(data).hexdigest() and got["ObjectSize"] == 5
    assert got["StorageClass"] == "STANDARD" and "ObjectParts" not in got
    assert got["Checksum"]["ChecksumSHA256"] == \
        base64.b64encode(hashlib.sha256(data).digest()).decode()
    got = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectSize"])
    assert "ETag" not in got and got["ObjectSize"] == 5
    for wanted in ({}, {"x-amz-object-attributes": ""}, {"x-amz-object-attributes": "ETag,Colour"}):
        assert code_of(s3.raw, "GET", f"/{bucket}/k?attributes", wanted) == \
            (400, "InvalidArgument"), wanted


def checksums_are_kept_and_given_back(s3, bucket):
    data = bytes_by(5, 20000)
    expected = {
        "CRC32": base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode(),
        "SHA1": base64.b64encode(hashlib.sha1(data).digest()).decode(),
        "SHA256": base64.b64encode(hashlib.sha256(data).digest()).decode(),
    }
    for name, value in expected.items():
        put = s3.put_object(Bucket=bucket, Key=name, Body=data, ChecksumAlgorithm=name)
        assert put["Checksum" + name] == value
        got = s3.get_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED")
        assert got["Checksum" + name] == value
        assert got["ResponseMetadata"]["HTTPHeaders"]["x-amz-checksum-type"] == "FULL_OBJECT"
        assert got["Body"].read() == data
        head = s3.head_object(Bucket=bucket, Key=name)
        assert "Checksum" + name not in head
        got = s3.get_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED", Range="bytes=0-9")
        assert "Checksum" + name not in got


if __name__ == "__main__":
    main(buckets_are_made_listed_and_deleted, buckets_are_listed_as_asked,
         impossible_bucket_names_are_refused, what_a_bucket_could_have_is_answered_as_none, to_delete_what_no_bucket_has_is_no_error,
         errors_name_no_machine_of_the_cluster, what_is_not_there_is_said_so,
         a_bucket_is_private_or_public_read_and_its_objects_with_it,
         an_access_list_may_come_as_a_document, other_access_lists_are_refused,
         a_bucket_can_be_made_public_read, bytes_come_back_with_their_md5_for_an_etag,
         headers_and_metadata_come_back, what_cannot_be_done_is_not_ignored,
         ranges_are_parts_of_the_whole, a_range_may_be_wanted_of_one_certain_object, reads_may_depend_on_what_is_there,
         writes_may_depend_on_what_is_there, conditions_of_other_kinds_of_buckets_are_not_passed_over,
         an_owner_may_be_expected, only_the_null_version_is_there,
         keys_are_bytes_and_no_paths, a_key_is_decoded_once,
         lists_are_in_the_order_of_bytes_on_pages_of_any_size, a_list_says_what_it_was_asked,
         a_thousand_keys_are_deleted_at_once, errors_of_single_keys_leave_the_others_deleted,
         a_deleting_body_is_read_with_care, a_copy_is_the_source_with_or_without_other_words,
         a_copy_says_what_of_its_source_is_missing,
         a_copy_may_depend_on_its_source_and_destination, tags_are_set_told_and_removed,
         attributes_are_told_as_asked, checksums_are_kept_and_given_back)
