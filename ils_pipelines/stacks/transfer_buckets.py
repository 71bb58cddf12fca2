"""A bucket of either region through which tables and caches go on their way into a backup set and out of it.

The buckets of backup sets will not do for that. They are locked, so that nothing can be put there for a moment; and a cache
begins with a file only when S3's own key encrypts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from ils_pipelines.settings.account import AwsAccount
from ils_pipelines.stacks import aws, policies
from ils_pipelines.stacks.buckets import encrypt_with_own_key, forget, keep_private, tls_only
from ils_pipelines.stacks.naming import Naming

_DAYS = 1
"""Whatever an interrupted run left goes after so many."""


@dataclass(frozen=True)
class TransferBucketArgs:
    """What a bucket needs."""

    naming: Naming
    account: AwsAccount
    account_id: pulumi.Output[str]
    region: str


class TransferBucket(pulumi.ComponentResource):
    """Private, and of nothing that is not elsewhere too."""

    name: pulumi.Output[str]

    def __init__(self, name: str, args: TransferBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:backup_vault:TransferBucket", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        full_name = args.account_id.apply(lambda found: args.naming.name("transfers", found, args.region))
        bucket = aws.s3.Bucket(
            name, bucket=full_name, force_destroy=True, tags=full_name.apply(args.naming.tags), opts=inside
        )
        self.name = bucket.bucket
        encrypt_with_own_key(name, bucket.bucket, inside)
        forget(name, bucket.bucket, inside, days=_DAYS)
        private = keep_private(name, bucket.bucket, inside)
        aws.s3.BucketPolicy(
            name,
            bucket=bucket.bucket,
            policy=bucket.arn.apply(lambda arn: policies.document(tls_only(arn), _cache_snapshots(arn, args.region))),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[private]),
        )
        self.register_outputs({"name": self.name})


def _cache_snapshots(bucket_arn: str, region: str) -> dict[str, Any]:
    """Policy statement: ElastiCache writes snapshots here and reads them, as its documentation of exports asks for."""
    return {
        "Sid": "CacheSnapshots",
        "Effect": "Allow",
        "Principal": {"Service": f"{region}.elasticache-snapshot.amazonaws.com"},
        "Action": [
            "s3:GetBucketAcl",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:ListBucketMultipartUploads",
            "s3:ListMultipartUploadParts",
            "s3:PutObject",
        ],
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
    }
