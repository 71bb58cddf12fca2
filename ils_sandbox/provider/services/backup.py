"""AWS Backup: vaults, plans, and what a plan backs up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ils_sandbox.provider.fields import block, collection, flag, mapping, number, text
from ils_sandbox.provider.marks import MARK, mark_of
from ils_sandbox.provider.resource import (
    AutoName,
    Call,
    Custom,
    Detail,
    FindListed,
    FindNamed,
    ResourceType,
    Scope,
    Tagging,
)
from ils_sandbox.provider.values import Plain

_NOT_FOUND = frozenset({"ResourceNotFoundException"})


def _tag(scope: Scope, _name: str, properties: Plain, tags: Mapping[str, str]) -> None:
    scope.call("tag_resource", ResourceArn=properties["arn"], Tags=dict(tags))


def _untag(scope: Scope, _name: str, properties: Plain, names: list[str]) -> None:
    scope.call("untag_resource", ResourceArn=properties["arn"], TagKeyList=names)


def _tagging(member: str) -> Tagging:
    return Tagging(member, dict, "Tags", lambda tags: dict(tags or {}), _tag, _untag)


_TAGS = Detail("Tags", Call("list_tags", {"ResourceArn": "$arn"}, "Tags"), missing=_NOT_FOUND)


def _empty(scope: Scope, name: str, state: Plain) -> None:
    """Delete every recovery point, if the program said so and there are any."""
    described = scope.call_unless(_NOT_FOUND, "describe_backup_vault", BackupVaultName=name)
    if not state.get("forceDestroy") or not (described or {}).get("NumberOfRecoveryPoints"):
        return
    more: Plain = {}
    while True:
        page = scope.call("list_recovery_points_by_backup_vault", BackupVaultName=name, **more)
        for point in page.get("RecoveryPoints", ()):
            scope.call("delete_recovery_point", BackupVaultName=name, RecoveryPointArn=point["RecoveryPointArn"])
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


VAULT = ResourceType(
    name="aws:backup/vault:Vault",
    service="backup",
    inputs=(
        text("name", member="BackupVaultName", replace=True),
        text("kmsKeyArn", member="EncryptionKeyArn", replace=True, computed=True),
        flag("forceDestroy", default=False, sent=False, returned=False),
    ),
    outputs=(text("arn", source="BackupVaultArn"), number("recoveryPoints", source="NumberOfRecoveryPoints")),
    naming=AutoName(longest=50),
    tagging=_tagging("BackupVaultTags"),
    create=Call("create_backup_vault"),
    idempotency_member="CreatorRequestId",
    id="BackupVaultName",
    reread=True,
    read=Call("describe_backup_vault", {"BackupVaultName": "$id"}),
    missing=_NOT_FOUND,
    details=(_TAGS,),
    before_delete=_empty,
    delete=Call("delete_backup_vault", {"BackupVaultName": "$id"}),
    find=FindNamed(lambda _scope, inputs: inputs.get("name")),
)

_LIFECYCLE = block(
    "lifecycle",
    number("coldStorageAfter", member="MoveToColdStorageAfterDays"),
    number("deleteAfter", member="DeleteAfterDays"),
    flag("optInToArchiveForSupportedResources", computed=True),
)
_RULES = collection(
    "rules",
    text("ruleName", required=True),
    text("targetVaultName", member="TargetBackupVaultName", required=True),
    text("schedule", member="ScheduleExpression", computed=True),
    text("scheduleExpressionTimezone", computed=True),
    number("startWindow", member="StartWindowMinutes", computed=True),
    number("completionWindow", member="CompletionWindowMinutes", computed=True),
    flag("enableContinuousBackup", computed=True),
    _LIFECYCLE,
    mapping("recoveryPointTags"),
    collection(
        "copyActions", text("destinationVaultArn", member="DestinationBackupVaultArn", required=True), _LIFECYCLE
    ),
    member="BackupPlan.Rules",
    required=True,
)
_PLAN = (text("name", member="BackupPlan.BackupPlanName", replace=True), _RULES)


def _marked_plans(scope: Scope, _inputs: Plain) -> Iterator[str]:
    for plan in _pages(scope, "list_backup_plans", "BackupPlansList"):
        tags = scope.call("list_tags", ResourceArn=plan["BackupPlanArn"]).get("Tags", {})
        if tags.get(MARK) == mark_of(scope.urn):
            yield plan["BackupPlanId"]


def _pages(scope: Scope, operation: str, member: str, **parameters: Any) -> Iterator[Plain]:
    more: Plain = {}
    while True:
        page = scope.call_unless(_NOT_FOUND, operation, **parameters, **more) or {}
        yield from page.get(member, ())
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


def _replace_rules(scope: Scope, id_: str, _old: Plain, new: Plain) -> None:
    """A plan is written as a whole."""
    scope.call("update_backup_plan", BackupPlanId=id_, **scope.type.codec.request(_PLAN, new))


PLAN = ResourceType(
    name="aws:backup/plan:Plan",
    service="backup",
    inputs=_PLAN,
    outputs=(text("arn", source="BackupPlanArn"), text("version", source="VersionId")),
    naming=AutoName(longest=50),
    tagging=_tagging("BackupPlanTags"),
    create=Call("create_backup_plan"),
    idempotency_member="CreatorRequestId",
    id="BackupPlanId",
    reread=True,
    read=Call("get_backup_plan", {"BackupPlanId": "$id"}),
    missing=_NOT_FOUND,
    present=lambda described: not described.get("DeletionDate"),
    details=(_TAGS,),
    updates=(Custom(frozenset({"rules"}), _replace_rules),),
    delete=Call("delete_backup_plan", {"BackupPlanId": "$id"}),
    find=FindListed(_marked_plans),
)


def _like_it(scope: Scope, inputs: Plain) -> Iterator[str]:
    """A plan has one selection of a name."""
    for listed in _pages(scope, "list_backup_selections", "BackupSelectionsList", BackupPlanId=inputs["planId"]):
        if listed["SelectionName"] == inputs["name"]:
            yield listed["SelectionId"]


_SELECTION = "BackupSelection."

SELECTION = ResourceType(
    name="aws:backup/selection:Selection",
    service="backup",
    inputs=(
        text("planId", member="BackupPlanId", required=True, replace=True),
        text("name", member=f"{_SELECTION}SelectionName", replace=True),
        text("iamRoleArn", member=f"{_SELECTION}IamRoleArn", required=True, replace=True),
        collection("resources", member=f"{_SELECTION}Resources", replace=True),
        collection("notResources", member=f"{_SELECTION}NotResources", replace=True, computed=True),
        collection(
            "selectionTags",
            text("type", member="ConditionType", required=True, choices=("STRINGEQUALS",)),
            text("key", member="ConditionKey", required=True),
            text("value", member="ConditionValue", required=True),
            member=f"{_SELECTION}ListOfTags",
            replace=True,
        ),
    ),
    naming=AutoName(longest=50),
    create=Call("create_backup_selection"),
    idempotency_member="CreatorRequestId",
    id="SelectionId",
    reread=True,
    read=Call("get_backup_selection", {"BackupPlanId": "$planId", "SelectionId": "$id"}),
    missing=_NOT_FOUND,
    delete=Call("delete_backup_selection", {"BackupPlanId": "$planId", "SelectionId": "$id"}),
    find=FindListed(_like_it),
)

TYPES = (VAULT, PLAN, SELECTION)
