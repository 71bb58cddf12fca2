"""AWS Backup: vaults."""

from __future__ import annotations

from collections.abc import Mapping

from ils_sandbox.provider.fields import flag, number, text
from ils_sandbox.provider.resource import AutoName, Call, Detail, FindNamed, ResourceType, Scope, Tagging
from ils_sandbox.provider.values import Plain

_NOT_FOUND = frozenset({"ResourceNotFoundException"})


def _tag(scope: Scope, _name: str, properties: Plain, tags: Mapping[str, str]) -> None:
    scope.call("tag_resource", ResourceArn=properties["arn"], Tags=dict(tags))


def _untag(scope: Scope, _name: str, properties: Plain, names: list[str]) -> None:
    scope.call("untag_resource", ResourceArn=properties["arn"], TagKeyList=names)


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
    tagging=Tagging("BackupVaultTags", dict, "Tags", lambda tags: dict(tags or {}), _tag, _untag),
    create=Call("create_backup_vault"),
    idempotency_member="CreatorRequestId",
    id="BackupVaultName",
    reread=True,
    read=Call("describe_backup_vault", {"BackupVaultName": "$id"}),
    missing=_NOT_FOUND,
    details=(Detail("Tags", Call("list_tags", {"ResourceArn": "$arn"}, "Tags"), missing=_NOT_FOUND),),
    before_delete=_empty,
    delete=Call("delete_backup_vault", {"BackupVaultName": "$id"}),
    find=FindNamed(lambda _scope, inputs: inputs.get("name")),
)

TYPES = (VAULT,)
