"""A snapshot of a cache goes to S3 as an RDB file, and a cache begins with such a file, as far as ElastiCache lets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.data.conftest import OTHER_REGION, REGION, TOKEN, until

READS = ("s3:GetObject", "s3:ListBucket", "s3:GetBucketAcl")
ALL = (*READS, "s3:PutObject", "s3:ListMultipartUploadParts", "s3:ListBucketMultipartUploads")
MakeBucket = Callable[..., str]


@pytest.fixture
def make_bucket(site: Any, name: str) -> MakeBucket:
    """A bucket that ElastiCache's snapshot service may do that with."""

    def make(region: str = REGION, actions: tuple[str, ...] = ALL) -> str:
        s3, bucket = site.client("s3", region), f"{name}-{region}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": f"{region}.elasticache-snapshot.amazonaws.com"},
            "Action": list(actions),
            "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        }
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        return bucket

    return make


@pytest.fixture
def snapshot(site: Any, name: str) -> str:
    """Of a cache with two keys."""
    site.make_cache(name).connect().mset({"a": "1", "b": "2"})
    site.client("elasticache").create_snapshot(ReplicationGroupId=name, SnapshotName=name)
    await_snapshot(site, name)
    return name


def await_snapshot(site: Any, name: str) -> None:
    client = site.client("elasticache")
    until(
        lambda: client.describe_snapshots(SnapshotName=name)["Snapshots"][0]["SnapshotStatus"] == "available",
        f"snapshot {name} is available",
    )


def export(site: Any, snapshot: str, bucket: str) -> str:
    site.client("elasticache").copy_snapshot(
        SourceSnapshotName=snapshot, TargetSnapshotName="exported", TargetBucket=bucket
    )
    return "exported-0001.rdb"


def begin(site: Any, name: str, *arns: str, region: str = REGION) -> None:
    site.client("elasticache", region).create_replication_group(
        ReplicationGroupId=name,
        ReplicationGroupDescription="d",
        Engine="valkey",
        TransitEncryptionEnabled=True,
        AuthToken=TOKEN,
        SnapshotArns=list(arns),
    )


def test_a_cache_of_another_region_begins_with_what_was_exported(
    site: Any, name: str, snapshot: str, make_bucket: MakeBucket
) -> None:
    here, there = make_bucket(), make_bucket(OTHER_REGION)
    content = site.client("s3").get_object(Bucket=here, Key=export(site, snapshot, here))["Body"].read()
    site.client("s3", OTHER_REGION).put_object(Bucket=there, Key="folder/my.rdb", Body=content)
    begin(site, f"{name}-r", f"arn:aws:s3:::{there}/folder/my.rdb", region=OTHER_REGION)

    client = site.client("elasticache", OTHER_REGION)

    def group() -> Any:
        return client.describe_replication_groups(ReplicationGroupId=f"{name}-r")["ReplicationGroups"][0]

    until(lambda: group()["Status"] == "available", "the group is available")
    from ils_pipelines.operations.access.cache import CacheAccess

    endpoint = group()["NodeGroups"][0]["PrimaryEndpoint"]
    cache = CacheAccess(endpoint["Address"], endpoint["Port"], TOKEN, site.state.data.ca_file).connect()
    assert cache.mget("a", "b") == [b"1", b"2"]


def test_a_cache_that_nobody_connected_to_is_exported_as_an_empty_file(
    site: Any, name: str, make_bucket: MakeBucket
) -> None:
    site.make_cache(name)
    site.client("elasticache").create_snapshot(ReplicationGroupId=name, SnapshotName=name)
    await_snapshot(site, name)
    bucket = make_bucket()
    begin(site, f"{name}-r", f"arn:aws:s3:::{bucket}/{export(site, name, bucket)}")
    assert site.cache(f"{name}-r").connect().dbsize() == 0


def test_exports_that_elasticache_refuses_are_refused(site: Any, snapshot: str, make_bucket: MakeBucket) -> None:
    bucket = make_bucket()
    export(site, snapshot, bucket)
    with pytest.raises(ClientError, match=r"already contains an object with key exported-0001\.rdb"):
        export(site, snapshot, bucket)
    with pytest.raises(ClientError, match="does not exist"):
        export(site, snapshot, "never-was")
    with pytest.raises(ClientError, match="outside of the region"):
        export(site, snapshot, make_bucket(OTHER_REGION))


@pytest.mark.parametrize(
    ("left_out", "right"), [("s3:ListBucket", "READ"), ("s3:PutObject", "WRITE"), ("s3:GetBucketAcl", "READ_ACP")]
)
def test_a_bucket_that_does_not_let_elasticache_in_is_refused(
    site: Any, name: str, make_bucket: MakeBucket, left_out: str, right: str
) -> None:
    site.make_cache(name)
    site.client("elasticache").create_snapshot(ReplicationGroupId=name, SnapshotName=name)
    await_snapshot(site, name)
    bucket = make_bucket(actions=tuple(each for each in ALL if each != left_out))
    with pytest.raises(ClientError, match=f"not been granted {right} permissions"):
        export(site, name, bucket)


def test_files_that_elasticache_refuses_are_refused(site: Any, name: str, make_bucket: MakeBucket) -> None:
    bucket, s3 = make_bucket(actions=READS), site.client("s3")
    with pytest.raises(ClientError, match="does not exist"):
        begin(site, name, f"arn:aws:s3:::{bucket}/never-was.rdb")
    s3.put_object(Bucket=bucket, Key="a.rdb", Body=b"REDIS0011", ServerSideEncryption="aws:kms")
    with pytest.raises(ClientError, match="only SSE-S3"):
        begin(site, name, f"arn:aws:s3:::{bucket}/a.rdb")
    with pytest.raises(ClientError, match="outside of the region"):
        begin(site, name, f"arn:aws:s3:::{make_bucket(OTHER_REGION)}/a.rdb")


def test_a_file_of_something_else_makes_no_cache(site: Any, name: str, make_bucket: MakeBucket) -> None:
    bucket = make_bucket()
    site.client("s3").put_object(Bucket=bucket, Key="a.rdb", Body=b"something else")
    begin(site, name, f"arn:aws:s3:::{bucket}/a.rdb")
    until(lambda: site.group(name)["Status"] == "create-failed", "the group has failed")
