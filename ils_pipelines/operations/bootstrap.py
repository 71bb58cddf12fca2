"""What has to be in an account before its first environment: the bucket and the key of Pulumi's state, and, for the
environment in whose cluster Dagster runs, the bucket of what its runs print.

Bucket and key of the state cannot be resources of an environment: the state of every resource is kept in the one, sealed by
the other. The logs tell of the environment's own making and end, so they outlive it. Each step looks first and changes only
what is missing, so that running it again repairs, and otherwise does nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from ils_pipelines.errors import IlsError
from ils_pipelines.targets.account import caller_identity

if TYPE_CHECKING:
    from ils_pipelines.targets.aws import AwsTarget

OLD_VERSIONS_DAYS = 365
"""How long overwritten states are kept: a mistake that is noticed at the next audit can still be looked into."""
_TAGS = {"project": "ils", "managed-by": "ils-pipelines"}
_STATE = "pulumi-state"


class BootstrapFailed(IlsError):
    """A step could not be done; what was done before stays, and the next run goes on from there."""


@dataclass(frozen=True)
class Step:
    """One thing that has to be so."""

    what: str
    changed: bool
    """Whether it was not so before."""


def bootstrap(target: AwsTarget) -> Iterator[Step]:
    """Make the bucket and the key that the environment's file names, with the caller's own credentials, not the role's.

    Raises `TargetUnavailable` before anything is made in another account than the file's, and `BootstrapFailed`.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    target.check_account(caller_identity(target.state_client, target.environment.aws))
    engine = target.environment.engine
    key, bucket = urlsplit(engine.secrets_provider), urlsplit(engine.backend or "")
    if bucket.scheme != "s3":
        raise BootstrapFailed(
            f"expected engine.backend of {target.environment.name} to be a bucket, found "
            f"{engine.backend or 'nothing'}. Write for example s3://ils-pulumi-state?region=us-east-1&awssdk=v2."
        )
    try:
        key_arn = None
        if key.scheme == "awskms" and key.netloc == "alias":
            kms = target.state_client("kms", region=_region(target, key.query))
            key_arn, steps = _key(kms, f"alias{key.path}")
            yield from steps
        forgotten = {"NoncurrentVersionExpiration": {"NoncurrentDays": OLD_VERSIONS_DAYS}}
        kept = _Kept(f"overwritten versions kept for {OLD_VERSIONS_DAYS} days", "old-versions", forgotten)
        yield from _bucket(target, bucket.netloc, _region(target, bucket.query), key_arn, _STATE, kept)
        if target.environment.dagster is not None:
            home = target.environment.dagster
            ended = {
                "Expiration": {"Days": home.logs_days},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            }
            kept = _Kept(f"logs kept for {home.logs_days} days", "logs", ended)
            yield from _bucket(target, home.logs_bucket, target.environment.aws.region, key_arn, "dagster-logs", kept)
    except (BotoCoreError, ClientError) as error:
        raise BootstrapFailed(
            f"expected to make what {target.environment.name} keeps its state in, found that AWS refuses ({error}). "
            "Bootstrapping needs an administrator of the account, once; see docs/production.md."
        ) from error


def _region(target: AwsTarget, query: str) -> str:
    return parse_qs(query).get("region", [target.environment.aws.region])[0]


def _key(kms: Any, alias: str) -> tuple[str, list[Step]]:
    """The key behind the alias, made if there is none."""
    steps = []
    try:
        arn = str(kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"])
        steps.append(Step(f"key {alias}", changed=False))
    except kms.exceptions.NotFoundException:
        tags = [{"TagKey": name, "TagValue": value} for name, value in {**_TAGS, "purpose": _STATE}.items()]
        made = kms.create_key(Description="Seals the state of ILS environments", Tags=tags)["KeyMetadata"]
        kms.create_alias(AliasName=alias, TargetKeyId=made["KeyId"])
        arn = str(made["Arn"])
        steps.append(Step(f"key {alias}", changed=True))
    rotated = kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"]
    if not rotated:
        kms.enable_key_rotation(KeyId=arn)
    steps.append(Step(f"yearly rotation of {alias}", changed=not rotated))
    return arn, steps


@dataclass(frozen=True)
class _Kept:
    """How long what is in a bucket stays."""

    what: str
    rule: str
    actions: dict[str, Any]
    """Of the rule of the bucket's life cycle."""


def _bucket(
    target: AwsTarget, bucket: str, region: str, key_arn: str | None, purpose: str, kept: _Kept
) -> Iterator[Step]:
    from botocore.exceptions import ClientError

    s3 = target.state_client("s3", region=region)
    try:
        s3.head_bucket(Bucket=bucket)
        yield Step(f"bucket {bucket}", changed=False)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        # us-east-1 is the one region that may not be named.
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **place)
        yield Step(f"bucket {bucket}", changed=True)
    for setting in _settings(bucket, target.environment.aws.partition, key_arn, purpose, kept):
        changed = not _holds(setting.answer, _read(s3, setting.name, bucket))
        if changed:
            getattr(s3, f"put_{setting.name}")(Bucket=bucket, **setting.parameters)
        yield Step(setting.what, changed=changed)


@dataclass(frozen=True)
class _Setting:
    """One setting of a bucket: S3 has a get and a put of that name for it."""

    what: str
    name: str
    answer: dict[str, Any]
    """What the get answers, among other things, when it is set as it should be."""
    parameters: dict[str, Any]


def _settings(bucket: str, partition: str, key_arn: str | None, purpose: str, kept: _Kept) -> tuple[_Setting, ...]:
    algorithm = {"SSEAlgorithm": "aws:kms", **({"KMSMasterKeyID": key_arn} if key_arn else {})}
    encryption = {
        "ServerSideEncryptionConfiguration": {
            "Rules": [{"ApplyServerSideEncryptionByDefault": algorithm, "BucketKeyEnabled": True}]
        }
    }
    blocks = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    closed = {"PublicAccessBlockConfiguration": dict.fromkeys(blocks, True)}
    only_tls = {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:{partition}:s3:::{bucket}", f"arn:{partition}:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [only_tls]})}
    rules = {"Rules": [{"ID": kept.rule, "Status": "Enabled", "Filter": {"Prefix": ""}, **kept.actions}]}
    labels = {**_TAGS, "purpose": purpose}
    tags = {"TagSet": [{"Key": name, "Value": value} for name, value in sorted(labels.items())]}
    versioning = {"Status": "Enabled"}
    return (
        _Setting("no public access", "public_access_block", closed, closed),
        _Setting("every version kept", "bucket_versioning", versioning, {"VersioningConfiguration": versioning}),
        _Setting("encrypted by the key", "bucket_encryption", encryption, encryption),
        _Setting("reached over TLS alone", "bucket_policy", policy, policy),
        _Setting(
            kept.what,
            "bucket_lifecycle_configuration",
            rules,
            {"LifecycleConfiguration": rules},
        ),
        _Setting("tagged", "bucket_tagging", tags, {"Tagging": tags}),
    )


def _read(s3: Any, name: str, bucket: str) -> dict[str, Any]:
    """The setting as it is; empty when it was never set, for which S3 has an error each (NoSuchBucketPolicy, …)."""
    from botocore.exceptions import ClientError

    try:
        answer: dict[str, Any] = getattr(s3, f"get_{name}")(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return {}
        raise
    return answer


def _holds(wanted: Any, found: Any) -> bool:
    """Whether `found` has everything that `wanted` has: AWS adds what was not asked for."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_holds(value, found.get(name)) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_holds, wanted, found))
    return bool(wanted == found)
