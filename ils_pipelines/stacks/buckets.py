"""What every bucket has: it is closed to the public, belongs to its owner alone, and answers over TLS only."""

from __future__ import annotations

from typing import Any

import pulumi

from ils_pipelines.stacks import aws


def keep_private(name: str, bucket: pulumi.Output[str], opts: pulumi.ResourceOptions) -> aws.s3.BucketPublicAccessBlock:
    """Close `bucket` to the public. Its policy waits for the result: S3 refuses changes that come at the same time."""
    private = aws.s3.BucketPublicAccessBlock(
        name,
        bucket=bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=opts,
    )
    aws.s3.BucketOwnershipControls(
        name,
        bucket=bucket,
        rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        opts=opts,
    )
    return private


def tls_only(bucket_arn: str) -> dict[str, Any]:
    """Policy statement: no request in the clear."""
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
