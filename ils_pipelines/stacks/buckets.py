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


def encrypt_with_own_key(name: str, bucket: pulumi.Output[str], opts: pulumi.ResourceOptions) -> None:
    """Have S3 encrypt with its own key, for services that can use no other."""
    aws.s3.BucketServerSideEncryptionConfiguration(
        name,
        bucket=bucket,
        rules=[
            aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                apply_server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                    sse_algorithm="AES256"
                )
            )
        ],
        opts=opts,
    )


def forget(name: str, bucket: pulumi.Output[str], opts: pulumi.ResourceOptions, *, days: int) -> None:
    """Have everything deleted after so many days, and what was never uploaded to its end after one."""
    aws.s3.BucketLifecycleConfiguration(
        name,
        bucket=bucket,
        rules=[
            aws.s3.BucketLifecycleConfigurationRuleArgs(
                id="forget",
                status="Enabled",
                filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
                abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                    days_after_initiation=1
                ),
            )
        ],
        opts=opts,
    )


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
