"""The bucket of a load balancer's access logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from ils_pipelines.settings.account import AwsAccount
from ils_pipelines.stacks import aws, policies
from ils_pipelines.stacks.buckets import encrypt_with_own_key, forget, keep_private, tls_only
from ils_pipelines.stacks.naming import Naming

_LOG_DELIVERY = "logdelivery.elasticloadbalancing.amazonaws.com"


@dataclass(frozen=True)
class AccessLogBucketArgs:
    """What the bucket needs."""

    naming: Naming
    account: AwsAccount
    account_id: pulumi.Output[str]
    keep_days: int


class AccessLogBucket(pulumi.ComponentResource):
    """A private bucket that only the load balancers of this account write to, and that forgets.

    Encrypted with S3's own key: the delivery of access logs can use no other.
    """

    name: pulumi.Output[str]
    policy: aws.s3.BucketPolicy
    """What writes logs depends on it: without it the first test delivery is refused."""

    def __init__(self, name: str, args: AccessLogBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:load_balancer:AccessLogBucket", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        protected = args.naming.protected
        # Bucket names are unique among all accounts and regions.
        full_name = args.account_id.apply(lambda found: args.naming.name("alb-logs", found, args.account.region))
        bucket = aws.s3.Bucket(
            name,
            bucket=full_name,
            force_destroy=not protected,
            tags=full_name.apply(args.naming.tags),
            opts=pulumi.ResourceOptions(parent=self, protect=protected),
        )
        self.name = bucket.bucket
        private = keep_private(name, bucket.bucket, inside)
        encrypt_with_own_key(name, bucket.bucket, inside)
        forget(name, bucket.bucket, inside, days=args.keep_days)

        def policy(account_id: str) -> str:
            arn = f"arn:{args.account.partition}:s3:::{args.naming.name('alb-logs', account_id, args.account.region)}"
            return _policy(arn, account_id)

        self.policy = aws.s3.BucketPolicy(
            name,
            bucket=bucket.bucket,
            policy=args.account_id.apply(policy),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[private]),
        )
        self.register_outputs({"name": self.name})


def _policy(bucket_arn: str, account_id: str) -> str:
    """Load balancers write below their own account's folder; everybody else's way in is TLS and IAM."""
    statements: tuple[dict[str, Any], ...] = (
        {
            "Sid": "LoadBalancersWriteLogs",
            "Effect": "Allow",
            "Principal": {"Service": _LOG_DELIVERY},
            "Action": "s3:PutObject",
            "Resource": f"{bucket_arn}/AWSLogs/{account_id}/*",
        },
        tls_only(bucket_arn),
    )
    return policies.document(*statements)
