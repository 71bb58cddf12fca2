"""Cases of backup vaults, plans and keys in another region."""

from __future__ import annotations

from tests.sandbox.provider.bench import Made, Surroundings
from tests.sandbox.provider.case import Case, Inputs, name


def _retag_vault(around: Surroundings, made: Made) -> object:
    return around.client("backup").tag_resource(ResourceArn=made.plain["arn"], Tags={"team": "drifted"})


def _rule(vault: str, days: int) -> Inputs:
    return {
        "ruleName": "nightly",
        "targetVaultName": vault,
        "schedule": "cron(30 4 ? * * *)",
        "scheduleExpressionTimezone": "Etc/UTC",
        "startWindow": 60,
        "completionWindow": 180,
        "lifecycle": {"deleteAfter": days},
        "recoveryPointTags": {"team": "lens"},
        "copyActions": [
            {
                "destinationVaultArn": f"arn:aws:backup:eu-west-1:123456789012:backup-vault:{vault}",
                "lifecycle": {"deleteAfter": days},
            }
        ],
    }


def _shorter_plan(around: Surroundings, made: Made) -> object:
    rule = {"RuleName": "by-hand", "TargetBackupVaultName": around.vault, "Lifecycle": {"DeleteAfterDays": 1}}
    plan = {"BackupPlanName": made.plain["name"], "Rules": [rule]}
    return around.client("backup").update_backup_plan(BackupPlanId=made.id, BackupPlan=plan)


_TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/sessions"

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
    Case(
        "aws:backup/plan:Plan",
        lambda around: {"name": name(), "rules": [_rule(around.vault, 7)], "tags": {"team": "lens"}},
        edit=lambda around: {"rules": [_rule(around.vault, 35)], "tags": {"team": "platform"}},
        replacement=lambda _: {"name": name()},
        drift=_shorter_plan,
        drifted="rules",
    ),
    Case(
        "aws:backup/selection:Selection",
        lambda around: {
            "name": name(),
            "planId": around.backup_plan(),
            "iamRoleArn": around.role_arn,
            "resources": [_TABLE],
            "notResources": [f"{_TABLE}-old"],
            "selectionTags": [{"type": "STRINGEQUALS", "key": "team", "value": "lens"}],
        },
        replacement=lambda _: {"resources": [f"{_TABLE}-2"]},
        shares_identity=True,
    ),
)
