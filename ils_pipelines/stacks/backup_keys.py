"""The keys of backups, one that encrypts and one that signs, and their replicas in the other region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from ils_pipelines.settings.account import AwsAccount
from ils_pipelines.settings.encryption import Encryption
from ils_pipelines.stacks import aws, policies
from ils_pipelines.stacks.keys import EncryptionKey, EncryptionKeyArgs
from ils_pipelines.stacks.naming import Naming

_SERVICES = ("backup", "dynamodb", "elasticache", "rds", "s3")


@dataclass(frozen=True)
class BackupKeysArgs:
    """What the keys need."""

    naming: Naming
    account: AwsAccount
    encryption: Encryption
    account_id: pulumi.Output[str]
    dr_region: str
    dr_provider: aws.Provider


class BackupKeys(pulumi.ComponentResource):
    """A multi-region key: what it encrypted here can be decrypted there, also when this region is gone."""

    arn: pulumi.Output[str]
    dr_arn: pulumi.Output[str]

    def __init__(self, name: str, args: BackupKeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:backup_vault:Keys", name, None, opts)
        account = args.account
        what = f"Backups of {args.naming.name()}"

        def use(region: str, account_id: str) -> dict[str, Any]:
            return policies.used_through(account.partition, account_id, region, _SERVICES)

        primary = EncryptionKey(
            "backups",
            EncryptionKeyArgs(
                naming=args.naming,
                account=account,
                encryption=args.encryption,
                account_id=args.account_id,
                purpose="backups",
                description=what,
                statements=lambda account_id: (use(account.region, account_id),),
                multi_region=True,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        full_name = args.naming.name("backup-copies")
        replica = aws.kms.ReplicaKey(
            "backup-copies",
            primary_key_arn=primary.arn,
            description=f"{what}, in {args.dr_region}",
            deletion_window_in_days=args.encryption.deletion_window_days,
            # A replica has a policy of its own; rotation it has from its primary key.
            policy=args.account_id.apply(
                lambda account_id: policies.document(
                    policies.owned_by_account(account.partition, account_id), use(args.dr_region, account_id)
                )
            ),
            tags=args.naming.tags(full_name),
            opts=pulumi.ResourceOptions(parent=self, provider=args.dr_provider, protect=args.naming.protected),
        )
        aws.kms.Alias(
            "backup-copies",
            name=f"alias/{full_name}",
            target_key_id=replica.key_id,
            opts=pulumi.ResourceOptions(parent=self, provider=args.dr_provider),
        )
        self.arn, self.dr_arn = primary.arn, replica.arn
        self.register_outputs({"arn": self.arn, "dr_arn": self.dr_arn})


class SigningKeys(pulumi.ComponentResource):
    """An asymmetric multi-region key: what it signed here can be verified there, also when this region is gone."""

    arn: pulumi.Output[str]
    dr_arn: pulumi.Output[str]

    def __init__(self, name: str, args: BackupKeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:backup_vault:SigningKeys", name, None, opts)
        account, protected = args.account, args.naming.protected
        what = f"Signs the manifests of backups of {args.naming.name()}"
        full_name, dr_full_name = (args.naming.name(name) for name in ("backup-signing", "backup-signing-copies"))
        days = args.encryption.deletion_window_days
        policy = args.account_id.apply(
            lambda account_id: policies.document(policies.owned_by_account(account.partition, account_id))
        )
        primary = aws.kms.Key(
            "backup-signing",
            description=what,
            customer_master_key_spec="ECC_NIST_P256",
            key_usage="SIGN_VERIFY",
            deletion_window_in_days=days,
            multi_region=True,
            policy=policy,
            tags=args.naming.tags(full_name),
            opts=pulumi.ResourceOptions(parent=self, protect=protected),
        )
        replica = aws.kms.ReplicaKey(
            "backup-signing-copies",
            primary_key_arn=primary.arn,
            description=f"{what}, in {args.dr_region}",
            deletion_window_in_days=days,
            policy=policy,
            tags=args.naming.tags(dr_full_name),
            opts=pulumi.ResourceOptions(parent=self, provider=args.dr_provider, protect=protected),
        )
        aws.kms.Alias(
            "backup-signing",
            name=f"alias/{full_name}",
            target_key_id=primary.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.kms.Alias(
            "backup-signing-copies",
            name=f"alias/{dr_full_name}",
            target_key_id=replica.key_id,
            opts=pulumi.ResourceOptions(parent=self, provider=args.dr_provider),
        )
        self.arn, self.dr_arn = primary.arn, replica.arn
        self.register_outputs({"arn": self.arn, "dr_arn": self.dr_arn})
