"""CloudWatch Logs."""

from __future__ import annotations

from ils_sandbox.provider.fields import MemberStyle, flag, number, text
from ils_sandbox.provider.resource import AutoName, Call, Custom, Detail, FindNamed, ResourceType, Scope, Update
from ils_sandbox.provider.tagging import map_tags
from ils_sandbox.provider.values import Plain

_RETENTION_DAYS = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def _after_create(scope: Scope, name: str, inputs: Plain, _described: Plain) -> None:
    if days := inputs.get("retentionInDays"):
        scope.call("put_retention_policy", logGroupName=name, retentionInDays=days)


def _read(scope: Scope, name: str, _state: Plain) -> Plain | None:
    """There is no call for one group by its name, only by a prefix of it."""
    answer = scope.call("describe_log_groups", logGroupNamePrefix=name)
    return next((group for group in answer["logGroups"] if group["logGroupName"] == name), None)


def _change_retention(scope: Scope, name: str, _old: Plain, new: Plain) -> None:
    if days := new.get("retentionInDays"):
        scope.call("put_retention_policy", logGroupName=name, retentionInDays=days)
    else:
        scope.call("delete_retention_policy", logGroupName=name)


def _change_key(scope: Scope, name: str, _old: Plain, new: Plain) -> None:
    if key := new.get("kmsKeyId"):
        scope.call("associate_kms_key", logGroupName=name, kmsKeyId=key)
    else:
        scope.call("disassociate_kms_key", logGroupName=name)


def _derived(scope: Scope, name: str, _properties: Plain) -> Plain:
    return {"arn": f"arn:{scope.partition}:logs:{scope.region}:{scope.account()}:log-group:{name}"}


def _delete(scope: Scope, name: str, state: Plain) -> None:
    if not state.get("skipDestroy"):
        scope.call("delete_log_group", logGroupName=name)


LOG_GROUP = ResourceType(
    name="aws:cloudwatch/logGroup:LogGroup",
    service="logs",
    style=MemberStyle.CAMEL,
    inputs=(
        text("name", member="logGroupName", replace=True),
        text("namePrefix", replace=True, computed=True, sent=False, returned=False),
        text("kmsKeyId"),
        text("logGroupClass", computed=True, replace=True, choices=("STANDARD", "INFREQUENT_ACCESS", "DELIVERY")),
        number("retentionInDays", sent=False, choices=_RETENTION_DAYS),
        flag("deletionProtectionEnabled", computed=True),
        flag("skipDestroy", default=False, sent=False, returned=False),
    ),
    outputs=(text("arn"),),
    naming=AutoName(prefix_property="namePrefix", longest=512),
    tagging=map_tags("resourceArn"),
    create=Call("create_log_group"),
    id=lambda _scope, inputs, _described: str(inputs["name"]),
    after_create=_after_create,
    read=_read,
    missing=frozenset({"ResourceNotFoundException"}),
    details=(Detail("tags", Call("list_tags_for_resource", {"resourceArn": "$arn"}, "tags")),),
    derived=_derived,
    updates=(
        Custom(frozenset({"retentionInDays"}), _change_retention),
        Custom(frozenset({"kmsKeyId"}), _change_key),
        Update(
            frozenset({"deletionProtectionEnabled"}),
            Call("put_log_group_deletion_protection", {"logGroupIdentifier": "$id"}),
        ),
    ),
    delete=_delete,
    find=FindNamed(lambda _scope, inputs: inputs.get("name")),
)

TYPES = (LOG_GROUP,)
