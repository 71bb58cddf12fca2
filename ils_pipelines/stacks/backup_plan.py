"""AWS Backup: a vault here, one in the other region, and what is put into them every night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from ils_pipelines.settings.backup_vault import BackupVault
from ils_pipelines.stacks import aws
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.stacks.roles import ServiceRole, ServiceRoleArgs

_START_WITHIN_MINUTES = 60  # the shortest that AWS takes
_END_WITHIN_MINUTES = 180


@dataclass(frozen=True)
class VaultsArgs:
    """What vaults and plan need."""

    naming: Naming
    settings: BackupVault
    partition: str
    key_arn: pulumi.Output[str]
    dr_key_arn: pulumi.Output[str]
    dr_provider: aws.Provider
    table_arns: Sequence[pulumi.Output[str]]


class Vaults(pulumi.ComponentResource):
    """Recovery points of the tables, every night and copied.

    Aurora and ElastiCache have snapshots of their own; tables have nothing beside point-in-time recovery, which goes with
    the table. Copying tables needs the advanced DynamoDB features of AWS Backup, which accounts of before November 2021 have
    to turn on once.
    """

    vault: aws.backup.Vault
    dr_vault: aws.backup.Vault
    plan: aws.backup.Plan
    role: ServiceRole

    def __init__(self, name: str, args: VaultsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:backup_vault:Vaults", name, None, opts)
        self._args = args
        inside = pulumi.ResourceOptions(parent=self)
        self.vault = self._vault("backups", args.naming.name(), args.key_arn, None)
        self.dr_vault = self._vault("backup-copies", args.naming.name("copies"), args.dr_key_arn, args.dr_provider)
        self.role = ServiceRole(
            "backups",
            ServiceRoleArgs(
                naming=args.naming,
                purpose="backups",
                service="backup.amazonaws.com",
                description="Lets AWS Backup take recovery points",
                partition=args.partition,
                managed_policies=("service-role/AWSBackupServiceRolePolicyForBackup",),
            ),
            opts=inside,
        )
        full_name = args.naming.name("nightly")
        settings = args.settings
        hour, minute = settings.start.split(":")
        self.plan = aws.backup.Plan(
            "nightly",
            name=full_name,
            rules=[
                aws.backup.PlanRuleArgs(
                    rule_name="nightly",
                    target_vault_name=self.vault.name,
                    schedule=f"cron({int(minute)} {int(hour)} ? * * *)",
                    schedule_expression_timezone="Etc/UTC",
                    start_window=_START_WITHIN_MINUTES,
                    completion_window=_END_WITHIN_MINUTES,
                    lifecycle=aws.backup.PlanRuleLifecycleArgs(delete_after=settings.recovery_point_days),
                    recovery_point_tags=args.naming.tags(full_name),
                    copy_actions=[
                        aws.backup.PlanRuleCopyActionArgs(
                            destination_vault_arn=self.dr_vault.arn,
                            lifecycle=aws.backup.PlanRuleCopyActionLifecycleArgs(
                                delete_after=settings.dr_recovery_point_days
                            ),
                        )
                    ],
                )
            ],
            tags=args.naming.tags(full_name),
            opts=inside,
        )
        aws.backup.Selection(
            "tables",
            name=args.naming.name("tables"),
            plan_id=self.plan.id,
            iam_role_arn=self.role.arn,
            resources=list(args.table_arns),
            # AWS Backup tries the role out.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.role]),
        )
        self.register_outputs({"vault": self.vault.name})

    def _vault(
        self, name: str, full_name: str, key_arn: pulumi.Output[str], provider: aws.Provider | None
    ) -> aws.backup.Vault:
        naming = self._args.naming
        return aws.backup.Vault(
            name,
            name=full_name,
            kms_key_arn=key_arn,
            force_destroy=not naming.protected,
            tags=naming.tags(full_name),
            opts=pulumi.ResourceOptions(parent=self, provider=provider, protect=naming.protected),
        )
