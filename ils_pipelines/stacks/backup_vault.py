"""Layer backup_vault: where backups are kept, here and in a region that does not fail together with this one."""

from __future__ import annotations

import pulumi

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks.backup_buckets import BackupBucket, BackupBucketArgs, Replication, ReplicationArgs
from ils_pipelines.stacks.backup_keys import BackupKeys, BackupKeysArgs, SigningKeys
from ils_pipelines.stacks.backup_plan import Vaults, VaultsArgs
from ils_pipelines.stacks.keys import current_account_id
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.stacks.outputs import BackupVaultOutputs, TablesOutputs
from ils_pipelines.stacks.regions import provider_in
from ils_pipelines.stacks.transfer_buckets import TransferBucket, TransferBucketArgs
from ils_pipelines.stacks.upstream import Upstream


def declare(environment: Environment, upstream: Upstream) -> None:
    """Declare the layer on top of tables."""
    tables = TablesOutputs.read(upstream)
    naming = Naming.of(environment, Layer.BACKUP_VAULT)
    account, settings = environment.aws, environment.backup_vault
    account_id = current_account_id()
    dr_provider = provider_in("dr", environment, settings.dr_region)
    key_args = BackupKeysArgs(
        naming=naming,
        account=account,
        encryption=environment.encryption,
        account_id=account_id,
        dr_region=settings.dr_region,
        dr_provider=dr_provider,
    )
    keys = BackupKeys("backups", key_args)
    signing_keys = SigningKeys("backup-signing", key_args)

    def bucket(
        name: str, region: str, key_arn: pulumi.Output[str], opts: pulumi.ResourceOptions | None = None
    ) -> BackupBucket:
        args = BackupBucketArgs(
            naming=naming, account=account, settings=settings, account_id=account_id, region=region, key_arn=key_arn
        )
        return BackupBucket(name, args, opts)

    backups = bucket("backups", account.region, keys.arn)
    away = pulumi.ResourceOptions(providers={"aws": dr_provider})
    copies = bucket("copies", settings.dr_region, keys.dr_arn, away)
    transfers = TransferBucket("transfers", TransferBucketArgs(naming, account, account_id, account.region))
    dr_transfers = TransferBucket(
        "transfers-of-copies", TransferBucketArgs(naming, account, account_id, settings.dr_region), away
    )
    Replication(
        "backup-copies",
        ReplicationArgs(
            naming=naming,
            account=account,
            source=backups,
            source_key_arn=keys.arn,
            copies=copies,
            copies_key_arn=keys.dr_arn,
            copies_region=settings.dr_region,
        ),
    )
    vaults = Vaults(
        "vaults",
        VaultsArgs(
            naming=naming,
            settings=settings,
            partition=account.partition,
            key_arn=keys.arn,
            dr_key_arn=keys.dr_arn,
            dr_provider=dr_provider,
            table_arns=(tables.sessions_table_arn, tables.analytics_table_arn),
        ),
    )
    BackupVaultOutputs(
        vault_name=vaults.vault.name,
        vault_arn=vaults.vault.arn,
        plan_id=vaults.plan.id,
        backup_role_arn=vaults.role.arn,
        bucket=backups.name,
        transfer_bucket=transfers.name,
        backup_key_arn=keys.arn,
        signing_key_arn=signing_keys.arn,
        dr_region=pulumi.Output.from_input(settings.dr_region),
        dr_vault_name=vaults.dr_vault.name,
        dr_vault_arn=vaults.dr_vault.arn,
        dr_bucket=copies.name,
        dr_transfer_bucket=dr_transfers.name,
        dr_backup_key_arn=keys.dr_arn,
        dr_signing_key_arn=signing_keys.dr_arn,
    ).export()
