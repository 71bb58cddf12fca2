"""The bucket of backup sets, its copy in the other region, and what copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from ils_pipelines.settings.account import AwsAccount
from ils_pipelines.settings.backup_vault import BackupVault
from ils_pipelines.stacks import aws, policies
from ils_pipelines.stacks.buckets import keep_private, tls_only
from ils_pipelines.stacks.naming import Naming

_ARCHIVE = "GLACIER_IR"  # slower by nothing, dearer to read: backup sets are read when something went wrong


@dataclass(frozen=True)
class BackupBucketArgs:
    """What a bucket needs."""

    naming: Naming
    account: AwsAccount
    settings: BackupVault
    account_id: pulumi.Output[str]
    region: str
    key_arn: pulumi.Output[str]


class BackupBucket(pulumi.ComponentResource):
    """A private, versioned bucket in which nothing can be deleted or overwritten before its time."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    versioning: aws.s3.BucketVersioning
    """What copies from it or into it depends on this."""

    def __init__(self, name: str, args: BackupBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:backup_vault:BackupBucket", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        protected = args.naming.protected
        settings = args.settings
        # Bucket names are unique among all accounts and regions.
        full_name = args.account_id.apply(lambda found: args.naming.name(name, found, args.region))
        bucket = aws.s3.Bucket(
            name,
            bucket=full_name,
            object_lock_enabled=True,
            force_destroy=not protected,
            tags=full_name.apply(args.naming.tags),
            opts=pulumi.ResourceOptions(parent=self, protect=protected),
        )
        self.name, self.arn = bucket.bucket, bucket.arn
        self.versioning = aws.s3.BucketVersioning(
            name,
            bucket=bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=inside,
        )
        after_versioning = pulumi.ResourceOptions(parent=self, depends_on=[self.versioning])
        aws.s3.BucketObjectLockConfiguration(
            name,
            bucket=bucket.bucket,
            rule=aws.s3.BucketObjectLockConfigurationRuleArgs(
                default_retention=aws.s3.BucketObjectLockConfigurationRuleDefaultRetentionArgs(
                    mode=settings.lock_mode.value.upper(), days=settings.lock_days
                )
            ),
            opts=after_versioning,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="aws:kms", kms_master_key_id=args.key_arn
                    ),
                    bucket_key_enabled=True,  # one call to KMS for many objects
                )
            ],
            opts=inside,
        )
        aws.s3.BucketLifecycleConfiguration(
            name, bucket=bucket.bucket, rules=_lifecycle(settings), opts=after_versioning
        )
        private = keep_private(name, bucket.bucket, inside)
        aws.s3.BucketPolicy(
            name,
            bucket=bucket.bucket,
            policy=bucket.arn.apply(lambda arn: policies.document(tls_only(arn))),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[private]),
        )
        self.register_outputs({"name": self.name})


def _lifecycle(settings: BackupVault) -> Sequence[aws.s3.BucketLifecycleConfigurationRuleArgs]:
    """Which sets are kept is decided set by set; the bucket only tidies up after that."""
    everything = aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix="")
    rules = [
        aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="forget-what-was-deleted",
            status="Enabled",
            filter=everything,
            noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=settings.undelete_days
            ),
            abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                days_after_initiation=1
            ),
        ),
        aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="forget-deletions",
            status="Enabled",
            filter=everything,
            expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(expired_object_delete_marker=True),
        ),
    ]
    if settings.archive_after_days:
        rules.append(
            aws.s3.BucketLifecycleConfigurationRuleArgs(
                id="archive",
                status="Enabled",
                filter=everything,
                transitions=[
                    aws.s3.BucketLifecycleConfigurationRuleTransitionArgs(
                        days=settings.archive_after_days, storage_class=_ARCHIVE
                    )
                ],
            )
        )
    return rules


@dataclass(frozen=True)
class ReplicationArgs:
    """What copying needs."""

    naming: Naming
    account: AwsAccount
    source: BackupBucket
    source_key_arn: pulumi.Output[str]
    copies: BackupBucket
    copies_key_arn: pulumi.Output[str]
    copies_region: str


class Replication(pulumi.ComponentResource):
    """Copies every object as it comes. Deletions are not copied: who empties one bucket has not emptied the other."""

    def __init__(self, name: str, args: ReplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:backup_vault:Replication", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        full_name = args.naming.name("backup-copies")
        role = aws.iam.Role(
            "backup-copies",
            name=full_name,
            description="Lets S3 copy backup sets to the other region",
            assume_role_policy=policies.assumable_by("s3.amazonaws.com"),
            tags=args.naming.tags(full_name),
            opts=inside,
        )
        source, copies = args.source, args.copies
        permission = aws.iam.RolePolicy(
            "backup-copies",
            name="copy-backup-sets",
            role=role.name,
            policy=pulumi.Output.all(source.arn, args.source_key_arn, copies.arn, args.copies_key_arn).apply(
                lambda arns: _may_copy(*arns, region=args.account.region, copies_region=args.copies_region)
            ),
            opts=inside,
        )
        enabled = "Enabled"
        aws.s3.BucketReplicationConfig(
            "backup-copies",
            bucket=source.name,
            role=role.arn,
            rules=[
                aws.s3.BucketReplicationConfigRuleArgs(
                    id="everything",
                    priority=1,
                    status=enabled,
                    filter=aws.s3.BucketReplicationConfigRuleFilterArgs(prefix=""),
                    delete_marker_replication=aws.s3.BucketReplicationConfigRuleDeleteMarkerReplicationArgs(
                        status="Disabled"
                    ),
                    source_selection_criteria=aws.s3.BucketReplicationConfigRuleSourceSelectionCriteriaArgs(
                        sse_kms_encrypted_objects=aws.s3.BucketReplicationConfigRuleSourceSelectionCriteriaSseKmsEncryptedObjectsArgs(
                            status=enabled
                        )
                    ),
                    destination=aws.s3.BucketReplicationConfigRuleDestinationArgs(
                        bucket=copies.arn,
                        encryption_configuration=aws.s3.BucketReplicationConfigRuleDestinationEncryptionConfigurationArgs(
                            replica_kms_key_id=args.copies_key_arn
                        ),
                    ),
                )
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission, source.versioning, copies.versioning]),
        )
        self.register_outputs({})


def _may_copy(source: str, source_key: str, copies: str, copies_key: str, *, region: str, copies_region: str) -> str:
    statements: tuple[dict[str, Any], ...] = (
        {
            "Effect": "Allow",
            "Action": ["s3:GetReplicationConfiguration", "s3:ListBucket"],
            "Resource": source,
        },
        {
            "Effect": "Allow",
            "Action": [
                "s3:GetObjectLegalHold",
                "s3:GetObjectRetention",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTagging",
            ],
            "Resource": f"{source}/*",
        },
        {
            "Effect": "Allow",
            "Action": ["s3:ReplicateObject", "s3:ReplicateTags"],
            "Resource": f"{copies}/*",
        },
        _through_s3("kms:Decrypt", source_key, region),
        _through_s3("kms:Encrypt", copies_key, copies_region),
    )
    return policies.document(*statements)


def _through_s3(action: str, key: str, region: str) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Action": action,
        "Resource": key,
        "Condition": {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}},
    }
