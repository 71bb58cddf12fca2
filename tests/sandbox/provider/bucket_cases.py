"""Cases of S3."""

from __future__ import annotations

import json

from tests.sandbox.provider.bench import Made, Surroundings
from tests.sandbox.provider.case import Case, Inputs, name


def _secure_transport(bucket: str, effect: str = "Deny") -> str:
    statement = {
        "Effect": effect,
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _policy(around: Surroundings) -> Inputs:
    bucket = around.bucket()
    return {"bucket": bucket, "policy": _secure_transport(bucket)}


def _retag(around: Surroundings, made: Made) -> object:
    return around.client("s3").put_bucket_tagging(
        Bucket=made.id, Tagging={"TagSet": [{"Key": "team", "Value": "drifted"}]}
    )


def _copying(around: Surroundings, rule: str, prefix: str = "") -> Inputs:
    return {
        "id": rule,
        "priority": 1,
        "status": "Enabled",
        "filter": {"prefix": prefix},
        "deleteMarkerReplication": {"status": "Disabled"},
        "sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": "Enabled"}},
        "destination": {
            "bucket": f"arn:aws:s3:::{around.versioned_bucket()}",
            "encryptionConfiguration": {"replicaKmsKeyId": around.key},
        },
    }


def _stop_copying(around: Surroundings, made: Made) -> None:
    s3 = around.client("s3")
    configuration = s3.get_bucket_replication(Bucket=made.id)["ReplicationConfiguration"]
    configuration["Rules"][0]["Status"] = "Disabled"
    s3.put_bucket_replication(Bucket=made.id, ReplicationConfiguration=configuration)


CASES = (
    Case(
        "aws:s3/bucket:Bucket",
        lambda _: {"bucket": name(), "forceDestroy": True, "objectLockEnabled": True, "tags": {"team": "lens"}},
        edit=lambda _: {"forceDestroy": False, "tags": {"owner": "platform"}},
        replacement=lambda _: {"bucket": name()},
        drift=_retag,
        drifted="tags.team",
    ),
    Case(
        "aws:s3/bucketVersioning:BucketVersioning",
        lambda around: {"bucket": around.bucket(), "versioningConfiguration": {"status": "Enabled"}},
        edit=lambda _: {"versioningConfiguration": {"status": "Suspended"}},
        replacement=lambda around: {"bucket": around.bucket()},
        drift=lambda around, made: around.client("s3").put_bucket_versioning(
            Bucket=made.id, VersioningConfiguration={"Status": "Suspended"}
        ),
        drifted="versioningConfiguration.status",
        survives_delete=True,
        shares_identity=True,
    ),
    Case(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        lambda around: {
            "bucket": around.bucket(),
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": around.key},
                    "bucketKeyEnabled": True,
                }
            ],
        },
        edit=lambda _: {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
        replacement=lambda around: {"bucket": around.bucket()},
        drift=lambda around, made: around.client("s3").put_bucket_encryption(
            Bucket=made.id,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        ),
        drifted="rules",
        shares_identity=True,
    ),
    Case(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        lambda around: {
            "bucket": around.bucket(),
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
        edit=lambda _: {"restrictPublicBuckets": None},
        replacement=lambda around: {"bucket": around.bucket()},
        drift=lambda around, made: around.client("s3").put_public_access_block(
            Bucket=made.id, PublicAccessBlockConfiguration={"BlockPublicAcls": True}
        ),
        drifted="blockPublicPolicy",
        shares_identity=True,
    ),
    Case(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        lambda around: {"bucket": around.bucket(), "rule": {"objectOwnership": "BucketOwnerEnforced"}},
        edit=lambda _: {"rule": {"objectOwnership": "BucketOwnerPreferred"}},
        replacement=lambda around: {"bucket": around.bucket()},
        drift=lambda around, made: around.client("s3").put_bucket_ownership_controls(
            Bucket=made.id, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
        ),
        drifted="rule.objectOwnership",
        shares_identity=True,
    ),
    Case(
        "aws:s3/bucketPolicy:BucketPolicy",
        _policy,
        edit=lambda _: {"policy": _secure_transport("another")},
        replacement=lambda around: {"bucket": around.bucket()},
        drift=lambda around, made: around.client("s3").put_bucket_policy(
            Bucket=made.id, Policy=_secure_transport(made.id, "Allow")
        ),
        drifted="policy",
        shares_identity=True,
    ),
    Case(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        lambda around: {
            "bucket": around.bucket(),
            "rules": [
                {
                    "id": "expire",
                    "status": "Enabled",
                    "filter": {},
                    "expiration": {"days": 90},
                    "transitions": [{"days": 30, "storageClass": "STANDARD_IA"}],
                    "noncurrentVersionExpiration": {"noncurrentDays": 30, "newerNoncurrentVersions": 2},
                    "noncurrentVersionTransitions": [{"noncurrentDays": 10, "storageClass": "GLACIER"}],
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                },
                {
                    "id": "large",
                    "status": "Disabled",
                    "filter": {"and": {"prefix": "x/", "tags": {"a": "b"}, "objectSizeGreaterThan": 500}},
                    "expiration": {"days": 3},
                },
                {"id": "all", "status": "Enabled", "expiration": {"expiredObjectDeleteMarker": True}},
            ],
        },
        edit=lambda _: {
            "rules": [{"id": "expire", "status": "Enabled", "filter": {"prefix": "y/"}, "expiration": {"days": 30}}]
        },
        replacement=lambda around: {"bucket": around.bucket()},
        drift=lambda around, made: around.client("s3").put_bucket_lifecycle_configuration(
            Bucket=made.id,
            LifecycleConfiguration={
                "Rules": [{"ID": "expire", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]
            },
        ),
        drifted="rules[0].expiration.days",
        shares_identity=True,
    ),
    Case(
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        lambda around: {
            "bucket": around.locked_bucket(),
            "rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 30}},
        },
        edit=lambda _: {"rule": {"defaultRetention": {"mode": "COMPLIANCE", "years": 1}}},
        replacement=lambda around: {"bucket": around.locked_bucket()},
        drift=lambda around, made: around.client("s3").put_object_lock_configuration(
            Bucket=made.id, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
        ),
        drifted="rule",
        survives_delete=True,
        shares_identity=True,
    ),
    Case(
        "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
        lambda around: {
            "bucket": around.versioned_bucket(),
            "role": around.role_arn,
            "rules": [_copying(around, "everything")],
        },
        edit=lambda around: {"rules": [_copying(around, "sets", prefix="sets/")]},
        replacement=lambda around: {"bucket": around.versioned_bucket()},
        drift=_stop_copying,
        drifted="rules[0].status",
        shares_identity=True,
    ),
)
