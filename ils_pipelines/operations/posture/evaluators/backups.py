"""AWS Backup: vaults, and what its plans select."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ils_pipelines.operations.live import Live, Record
from ils_pipelines.operations.posture.evaluators.keys import encrypted
from ils_pipelines.operations.posture.evaluators.tables import own_tables
from ils_pipelines.operations.posture.models import Observation
from ils_pipelines.operations.scope import tags_of


def vault_encryption(live: Live) -> Iterator[Observation]:
    for vault in live.list("backup", "list_backup_vaults", "BackupVaultList"):
        if live.scope.owns_name(vault["BackupVaultName"]):
            yield encrypted(live, f"backup vault {vault['BackupVaultName']}", vault.get("EncryptionKeyArn"))


def tables_in_a_plan(live: Live) -> Iterator[Observation]:
    """Asks the plans and not for recovery points, which a new table has only after its first night."""
    for name, table in own_tables(live):
        arn = table["TableArn"]
        # Those of others may select by tags as well, and are asked only when none of the environment's does.
        plans = _selecting(live, arn, own=True) or _selecting(live, arn, own=False)
        found = f"in {', '.join(plans)}" if plans else "in no plan"
        yield Observation(name, "selected by a plan of AWS Backup", found, holds=bool(plans))


def _selecting(live: Live, arn: str, *, own: bool) -> list[str]:
    return [plan for plan, selection in _selections(live, own=own) if _selects(live, selection, arn)]


def _selections(live: Live, *, own: bool) -> Iterator[tuple[str, Record]]:
    """Every selection of the environment's plans or of the others, with the name of its plan."""
    for plan in live.list("backup", "list_backup_plans", "BackupPlansList"):
        if live.scope.owns_name(plan["BackupPlanName"]) is not own:
            continue
        plan_id = plan["BackupPlanId"]
        listed = live.list("backup", "list_backup_selections", "BackupSelectionsList", BackupPlanId=plan_id)
        for each in listed:
            answer = live.get("backup", "get_backup_selection", BackupPlanId=plan_id, SelectionId=each["SelectionId"])
            yield plan["BackupPlanName"], answer["BackupSelection"]


def _selects(live: Live, selection: Record, arn: str) -> bool:
    """As AWS Backup chooses: named or tagged, meeting every condition, and not left out."""
    if any(fnmatchcase(arn, pattern) for pattern in selection.get("NotResources") or ()):
        return False
    named = any(fnmatchcase(arn, pattern) for pattern in selection.get("Resources") or ())
    wanted, conditions = selection.get("ListOfTags") or (), selection.get("Conditions") or {}
    if not wanted and not any(conditions.values()):
        return named
    tags = tags_of(live.get("dynamodb", "list_tags_of_resource", ResourceArn=arn).get("Tags"))
    tagged = any(tags.get(each["ConditionKey"]) == each["ConditionValue"] for each in wanted)
    return (named or tagged) and _meets(conditions, tags)


def _meets(conditions: Mapping[str, Any], tags: Mapping[str, str]) -> bool:
    for kind, each in conditions.items():
        for condition in each or ():
            value = tags.get(condition["ConditionKey"].removeprefix("aws:ResourceTag/"), "")
            match = fnmatchcase if kind.endswith("Like") else str.__eq__
            if match(value, condition["ConditionValue"]) is ("Not" in kind):
                return False
    return True
