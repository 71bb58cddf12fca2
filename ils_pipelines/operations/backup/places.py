"""Where an environment's backups are: buckets and keys, here and in the other region, as its backup_vault layer made them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ils_pipelines.operations.backup.errors import NoBackupPlace
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target


@dataclass(frozen=True)
class BackupSide:
    """One of the two regions that backups are in."""

    region: str
    bucket: str
    transfers: str
    """The bucket through which exports go on their way into a set, and out of it."""
    key_arn: str
    """What encrypts the bucket, and copies of snapshots."""
    signing_key_arn: str
    """What signs manifests; the keys of both regions verify what either signed."""


@dataclass(frozen=True)
class BackupPlaces:
    """Both of them."""

    here: BackupSide
    there: BackupSide
    """Of the copies."""

    def side(self, region: str) -> BackupSide:
        return self.there if region == self.there.region else self.here


def find_places(target: Target) -> BackupPlaces:
    """Ask the stack of the layer. Raises `NoBackupPlace` while there is none."""
    outputs = layer_work(target, Layer.BACKUP_VAULT).outputs() or {}
    environment = target.environment
    try:
        found = {name: str(outputs[name].value) for name in _NAMES}
    except KeyError as missing:
        raise NoBackupPlace(
            f"expected environment {environment.name} to have a layer backup_vault with the output {missing}, found none. "
            f"Provision it first: ils up {environment.name}"
        ) from None
    return BackupPlaces(
        here=BackupSide(
            environment.aws.region,
            found["bucket"],
            found["transfer_bucket"],
            found["backup_key_arn"],
            found["signing_key_arn"],
        ),
        there=BackupSide(
            found["dr_region"],
            found["dr_bucket"],
            found["dr_transfer_bucket"],
            found["dr_backup_key_arn"],
            found["dr_signing_key_arn"],
        ),
    )


_NAMES = (
    "bucket",
    "transfer_bucket",
    "backup_key_arn",
    "signing_key_arn",
    "dr_region",
    "dr_bucket",
    "dr_transfer_bucket",
    "dr_backup_key_arn",
    "dr_signing_key_arn",
)
