"""Cases of backup vaults and keys in another region."""

from __future__ import annotations

from tests.sandbox.provider.bench import Made, Surroundings
from tests.sandbox.provider.case import Case, name


def _retag_vault(around: Surroundings, made: Made) -> object:
    return around.client("backup").tag_resource(ResourceArn=made.plain["arn"], Tags={"team": "drifted"})


CASES = (
    Case(
        "aws:kms/replicaKey:ReplicaKey",
        lambda around: {
            "primaryKeyArn": around.key_of_another_region(),
            "description": "backups",
            "deletionWindowInDays": 7,
            "tags": {"team": "lens"},
        },
        edit=lambda _: {"description": "backups of the other region", "enabled": False},
        replacement=lambda around: {"primaryKeyArn": around.key_of_another_region()},
        drift=lambda around, made: around.client("kms").disable_key(KeyId=made.id),
        drifted="enabled",
    ),
    Case(
        "aws:backup/vault:Vault",
        lambda around: {"name": name(), "kmsKeyArn": around.key, "forceDestroy": True, "tags": {"team": "lens"}},
        edit=lambda _: {"forceDestroy": None, "tags": {"owner": "platform"}},
        replacement=lambda around: {"kmsKeyArn": around.other_key},
        drift=_retag_vault,
        drifted="tags.team",
    ),
)
