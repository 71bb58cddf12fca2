"""Which IAM action allows which call.

For most the action is `service:Operation`. The table below has the others (source: "Actions, resources, and condition keys"
of the Service Authorization Reference; S3's are in its user guide, "Required permissions for Amazon S3 API operations").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

PREFIXES = {"amp": "aps", "elbv2": "elasticloadbalancing", "resourcegroupstaggingapi": "tag"}
"""botocore's name of a service -> the prefix of its actions, where they differ."""

ACTIONS: Mapping[tuple[str, str], str] = {
    # The parts of an upload belong to the object that it becomes.
    ("s3", "CompleteMultipartUpload"): "s3:PutObject",
    ("s3", "CreateMultipartUpload"): "s3:PutObject",
    ("s3", "UploadPart"): "s3:PutObject",
    ("s3", "DeleteBucketEncryption"): "s3:PutEncryptionConfiguration",
    ("s3", "DeleteBucketLifecycle"): "s3:PutLifecycleConfiguration",
    ("s3", "DeleteBucketOwnershipControls"): "s3:PutBucketOwnershipControls",
    ("s3", "DeleteBucketReplication"): "s3:PutReplicationConfiguration",
    ("s3", "DeleteBucketTagging"): "s3:PutBucketTagging",
    ("s3", "DeleteObjects"): "s3:DeleteObject",
    ("s3", "DeletePublicAccessBlock"): "s3:PutBucketPublicAccessBlock",
    ("s3", "GetBucketEncryption"): "s3:GetEncryptionConfiguration",
    ("s3", "GetBucketLifecycleConfiguration"): "s3:GetLifecycleConfiguration",
    ("s3", "GetBucketReplication"): "s3:GetReplicationConfiguration",
    ("s3", "GetObjectLockConfiguration"): "s3:GetBucketObjectLockConfiguration",
    ("s3", "GetPublicAccessBlock"): "s3:GetBucketPublicAccessBlock",
    ("s3", "HeadBucket"): "s3:ListBucket",
    ("s3", "HeadObject"): "s3:GetObject",
    ("s3", "ListBuckets"): "s3:ListAllMyBuckets",
    ("s3", "ListObjectVersions"): "s3:ListBucketVersions",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "PutBucketEncryption"): "s3:PutEncryptionConfiguration",
    ("s3", "PutBucketLifecycleConfiguration"): "s3:PutLifecycleConfiguration",
    ("s3", "PutBucketReplication"): "s3:PutReplicationConfiguration",
    ("s3", "PutObjectLockConfiguration"): "s3:PutBucketObjectLockConfiguration",
    ("s3", "PutPublicAccessBlock"): "s3:PutBucketPublicAccessBlock",
}

FREE = frozenset({"sts:GetCallerIdentity"})
"""Allowed to every identity; no policy needs to name it."""

Calls = Mapping[str, Iterable[str]]
"""Operations by service, as botocore names both."""


def action(service: str, operation: str) -> str:
    """The action that allows a call, e.g. `ec2:CreateVpc`."""
    return ACTIONS.get((service, operation), f"{PREFIXES.get(service, service)}:{operation}")


def actions(calls: Calls) -> frozenset[str]:
    """The actions that a policy has to allow for these calls."""
    found = {action(service, operation) for service, operations in calls.items() for operation in operations}
    return frozenset(found - FREE)
