"""AWS Backup vaults."""

from __future__ import annotations

from collections.abc import Iterator

from ils_pipelines.operations.live import Live
from ils_pipelines.operations.posture.evaluators.keys import encrypted
from ils_pipelines.operations.posture.models import Observation


def vault_encryption(live: Live) -> Iterator[Observation]:
    for vault in live.list("backup", "list_backup_vaults", "BackupVaultList"):
        if live.scope.owns_name(vault["BackupVaultName"]):
            yield encrypted(live, f"backup vault {vault['BackupVaultName']}", vault.get("EncryptionKeyArn"))
