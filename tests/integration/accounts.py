#!/usr/bin/env python3
"""An operator keeps accounts: tenants, access keys, reserved buckets; quotas hold; secrets show once."""
from cluster import expect, main, noise


def a_secret_is_shown_once(cluster):
    cluster.admin("tenant", "create", "ann")
    expect(cluster.admin("tenant", "create", "ann", fails=1).err,
           r"hearth-admin: tenant create ann: .*: a tenant is called so already")
    key = cluster.admin("key", "create", "ann", "--json").json[0]
    assert len(key["access_key"]) == 20 and len(key["secret"]) == 40, key
    lines = cluster.admin("key", "create", "ann", "--read-only").lines
    assert [line.split("=")[0] for line in lines] == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    listed = cluster.admin("key", "list", "ann", "--json")
    assert sorted(row["rights"] for row in listed.json) == ["all", "read"]
    assert key["access_key"] in listed.text and key["secret"] not in listed.text
    for path in cluster.logs():
        with open(path, errors="replace") as file:
            assert key["secret"] not in file.read(), path
    cluster.admin("key", "revoke", key["access_key"])
    assert key["access_key"] not in cluster.admin("key", "list").text
    expect(cluster.admin("key", "revoke", key["access_key"], fails=1).err,
           r"hearth-admin: key revoke HK.*: .*no such access key")
    expect(cluster.admin("key", "create", "nobody", fails=1).err,
           r'hearth-admin: key create nobody: .*no tenant is called "nobody"')


def a_bucket_the_operator_made_is_used_by_its_tenant(cluster):
    cluster.admin("bucket", "create", "local", "reserved", "--quota", "1M", "--public-read", "on")
    row = cluster.admin("bucket", "list", "local", "--json").json[0]
    assert row["reserved"] and row["public_read"] and row["quota_bytes"] == 1 << 20, row
    content = noise(100_000)
    cluster.hearth("cp", "-", "s3://reserved/key", data=content)
    assert cluster.hearth("cat", "s3://reserved/key").out == content
    row = cluster.admin("bucket", "list", "--json").json[0]
    assert not row["reserved"] and row["objects"] == 1 and row["bytes"] == 100_000, row
    expect(cluster.admin("bucket", "create", "ann", "reserved", fails=1).err,
           r"hearth-admin: bucket create ann reserved: .*another tenant's")


def no_quota_is_passed(cluster):
    cluster.hearth("cp", "-", "s3://reserved/more", data=noise(900_000))
    expect(cluster.hearth("cp", "-", "s3://reserved/too-much", data=noise(60_000), fails=1).err,
           r"hearth: .*would pass the bucket's quota of 1048576")
    big = cluster.write("big", noise(2 << 20))
    expect(cluster.hearth("cp", big, "s3://reserved/big", fails=1).err, r"hearth: .*quota.*")
    cluster.hearth("cp", "-", "s3://reserved/more", data=noise(900_000, seed=2))  # in its place
    cluster.admin("bucket", "set", "reserved", "--quota", "none", "--quota-objects", "3")
    cluster.hearth("cp", big, "s3://reserved/big")
    expect(cluster.hearth("cp", "-", "s3://reserved/fourth", data=b"", fails=1).err,
           r"hearth: .*quota is 3 objects.*")
    cluster.hearth("rm", "s3://reserved/more")
    cluster.hearth("cp", "-", "s3://reserved/fourth", data=b"")


def what_is_wrong_is_said(cluster):
    for arguments, said in (
            (("bucket", "set", "nowhere", "--quota", "1"), r"no such bucket"),
            (("bucket", "set", "reserved", "--profile", "x"), r'no profile is called "x"')):
        expect(cluster.admin(*arguments, fails=1).err, rf"hearth-admin: bucket set \w+: .*{said}")


if __name__ == "__main__":
    main(a_secret_is_shown_once, a_bucket_the_operator_made_is_used_by_its_tenant,
         no_quota_is_passed, what_is_wrong_is_said)
