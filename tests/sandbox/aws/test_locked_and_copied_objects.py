"""Objects of buckets with a lock, a policy and a copy in another region: what moto leaves out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.aws.conftest import AwsServer
from tests.support.aws_server import REGION

OTHER = "eu-west-1"
LOCK = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}}}


@pytest.fixture
def key(aws: AwsServer) -> str:
    return str(aws.client("kms", OTHER).create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def buckets(aws: AwsServer, name: str, key: str) -> tuple[str, str]:
    """A bucket and, in another region, the one into which everything is copied; both locked."""
    source, copies = f"{name}-source", f"{name}-copies"
    for bucket, region in ((source, REGION), (copies, OTHER)):
        aws.client("s3", region).create_bucket(
            Bucket=bucket, ObjectLockEnabledForBucket=True, CreateBucketConfiguration={"LocationConstraint": region}
        )
        aws.client("s3").put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=LOCK)
    rule: dict[str, Any] = {
        "ID": "everything",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": "kept/"},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        "Destination": {
            "Bucket": f"arn:aws:s3:::{copies}",
            "EncryptionConfiguration": {"ReplicaKmsKeyID": key},
        },
    }
    aws.client("s3").put_bucket_replication(
        Bucket=source, ReplicationConfiguration={"Role": "arn:aws:iam::123456789012:role/copies", "Rules": [rule]}
    )
    return source, copies


def upload_in_parts(s3: Any, bucket: str, name: str, parts: list[bytes]) -> str:
    target = {"Bucket": bucket, "Key": name}
    upload = s3.create_multipart_upload(**target, ChecksumAlgorithm="CRC32")["UploadId"]
    done = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(**target, UploadId=upload, PartNumber=number, Body=part)["ETag"],
        }
        for number, part in enumerate(parts, start=1)
    ]
    answer = s3.complete_multipart_upload(**target, UploadId=upload, MultipartUpload={"Parts": done})
    return str(answer["VersionId"])


def test_what_came_in_parts_is_locked_as_what_came_at_once(aws: AwsServer, buckets: tuple[str, str]) -> None:
    s3, (source, _) = aws.client("s3"), buckets
    version = upload_in_parts(s3, source, "kept/large", [b"x" * 5 * 2**20, b"y"])

    assert s3.head_object(Bucket=source, Key="kept/large")["ObjectLockMode"] == "GOVERNANCE"
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=source, Key="kept/large", VersionId=version)


def test_objects_are_copied_with_their_version_under_the_other_region_s_key(
    aws: AwsServer, buckets: tuple[str, str], key: str
) -> None:
    s3, there, (source, copies) = aws.client("s3"), aws.client("s3", OTHER), buckets
    versions = {
        "kept/small": s3.put_object(Bucket=source, Key="kept/small", Body=b"small")["VersionId"],
        "kept/large": upload_in_parts(s3, source, "kept/large", [b"x" * 5 * 2**20, b"y"]),
    }
    for name, version in versions.items():
        copy = there.get_object(Bucket=copies, Key=name, VersionId=version)
        original = s3.get_object(Bucket=source, Key=name)
        assert copy["Body"].read() == original["Body"].read()
        assert (copy["SSEKMSKeyId"], copy["ObjectLockMode"]) == (key, "GOVERNANCE")
        assert copy["ETag"] == original["ETag"]


def test_a_copy_takes_its_time_and_its_original_says_so(aws: AwsServer, buckets: tuple[str, str]) -> None:
    s3, there, (source, copies) = aws.client("s3"), aws.client("s3", OTHER), buckets
    aws.control("PUT", "settings", {"copy_seconds": 3600})
    version = s3.put_object(Bucket=source, Key="kept/a", Body=b"a")["VersionId"]
    assert s3.head_object(Bucket=source, Key="kept/a")["ReplicationStatus"] == "PENDING"
    assert "Versions" not in there.list_object_versions(Bucket=copies)

    aws.control("PUT", "settings", {"copy_seconds": 0})
    copy = there.get_object(Bucket=copies, Key="kept/a", VersionId=version)
    assert (copy["Body"].read(), copy["ReplicationStatus"]) == (b"a", "REPLICA")
    assert s3.head_object(Bucket=source, Key="kept/a")["ReplicationStatus"] == "COMPLETED"


def test_what_no_rule_copies_has_no_status_and_what_cannot_be_copied_has_failed(
    aws: AwsServer, buckets: tuple[str, str]
) -> None:
    s3, (source, copies) = aws.client("s3"), buckets
    s3.put_object(Bucket=source, Key="other/a", Body=b"a")
    assert "ReplicationStatus" not in s3.head_object(Bucket=source, Key="other/a")

    aws.client("s3", OTHER).delete_bucket(Bucket=copies)
    s3.put_object(Bucket=source, Key="kept/a", Body=b"a")
    assert s3.head_object(Bucket=source, Key="kept/a")["ReplicationStatus"] == "FAILED"


def test_neither_deletions_nor_other_prefixes_are_copied(aws: AwsServer, buckets: tuple[str, str]) -> None:
    s3, there, (source, copies) = aws.client("s3"), aws.client("s3", OTHER), buckets
    s3.put_object(Bucket=source, Key="kept/a", Body=b"a")
    s3.put_object(Bucket=source, Key="other/a", Body=b"a")
    s3.delete_object(Bucket=source, Key="kept/a")

    assert [each["Key"] for each in there.list_objects_v2(Bucket=copies)["Contents"]] == ["kept/a"]


def test_a_refusal_under_a_condition_is_no_refusal_of_everything(aws: AwsServer, name: str) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{name}/*"}

    def refuse(**condition: Any) -> None:
        policy = {"Version": "2012-10-17", "Statement": [statement | condition]}
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))

    refuse(Condition={"Bool": {"aws:SecureTransport": "false"}})
    s3.put_object(Bucket=name, Key="a", Body=b"a")
    assert s3.get_object(Bucket=name, Key="a")["Body"].read() == b"a"
    refuse()
    with pytest.raises(ClientError, match=r"403|AccessDenied"):
        s3.get_object(Bucket=name, Key="a")


def test_a_replica_of_a_key_verifies_what_the_key_signed(aws: AwsServer) -> None:
    here, there = aws.client("kms"), aws.client("kms", OTHER)
    made = here.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY", MultiRegion=True)["KeyMetadata"]["Arn"]
    replica = here.replicate_key(KeyId=made, ReplicaRegion=OTHER)["ReplicaKeyMetadata"]["Arn"]
    how = {"MessageType": "RAW", "SigningAlgorithm": "ECDSA_SHA_256"}
    signature = here.sign(KeyId=made, Message=b"statement", **how)["Signature"]

    assert there.verify(KeyId=replica, Message=b"statement", Signature=signature, **how)["SignatureValid"]
