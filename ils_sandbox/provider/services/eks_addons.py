"""EKS: add-ons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ils_sandbox.provider.fields import MemberStyle, block, collection, flag, json_text, text
from ils_sandbox.provider.resource import Custom, FindNamed, ResourceType, Scope, Wait
from ils_sandbox.provider.services.eks import timestamp
from ils_sandbox.provider.tagging import map_tags
from ils_sandbox.provider.values import UNKNOWN, Plain

_NOT_FOUND = frozenset({"ResourceNotFoundException"})
_CONFLICTS = ("NONE", "OVERWRITE", "PRESERVE")
_CHANGED = ("addonVersion", "serviceAccountRoleArn", "configurationValues", "podIdentityAssociations")
_READY = Wait(
    "status",
    frozenset({"ACTIVE"}),
    frozenset({"CREATE_FAILED", "UPDATE_FAILED", "DEGRADED", "DELETE_FAILED", "DELETING"}),
    timedelta(minutes=20),
)


def _id(_scope: Scope, inputs: Plain, _described: Plain) -> str:
    return f"{inputs['clusterName']}:{inputs['addonName']}"


def _names(id_: str) -> dict[str, str]:
    cluster, _, addon = id_.partition(":")
    return {"clusterName": cluster, "addonName": addon}


def _create(scope: Scope, inputs: Plain, request: Plain) -> Plain:
    if conflicts := inputs.get("resolveConflictsOnCreate"):
        request["resolveConflicts"] = conflicts
    return _described(scope, scope.call("create_addon", **request)["addon"])


def _read(scope: Scope, id_: str, _known: Plain) -> Plain:
    return _described(scope, scope.call("describe_addon", **_names(id_))["addon"])


def _described(scope: Scope, addon: Plain) -> Plain:
    """With the associations themselves, of which an add-on tells the ARNs."""
    associations = [
        scope.call(
            "describe_pod_identity_association",
            clusterName=addon["clusterName"],
            associationId=arn.rpartition("/")[2],
        )["association"]
        for arn in addon.get("podIdentityAssociations") or ()
    ]
    return {**addon, "podIdentityAssociations": associations}


def _change(scope: Scope, id_: str, old: Plain, new: Plain) -> None:
    entry = scope.type
    fields = tuple(field for field in entry.inputs if field.name in _CHANGED)
    request = entry.codec.request(fields, new)
    for name in ("configurationValues", "serviceAccountRoleArn"):
        if old.get(name) and not new.get(name):
            request[name] = ""
    if old.get("podIdentityAssociations") and not new.get("podIdentityAssociations"):
        request["podIdentityAssociations"] = []
    if conflicts := new.get("resolveConflictsOnUpdate"):
        request["resolveConflicts"] = conflicts
    scope.call("update_addon", **_names(id_), **request)


def _delete(scope: Scope, id_: str, state: Plain) -> None:
    preserve = {"preserve": True} if state.get("preserve") else {}
    scope.call("delete_addon", **_names(id_), **preserve)


def _problems(inputs: Plain) -> Iterator[tuple[str, str]]:
    if inputs.get("resolveConflictsOnCreate") not in (None, UNKNOWN, "NONE", "OVERWRITE"):
        yield "resolveConflictsOnCreate", "expected NONE or OVERWRITE: there is nothing to preserve yet"


ADDON = ResourceType(
    name="aws:eks/addon:Addon",
    service="eks",
    style=MemberStyle.CAMEL,
    inputs=(
        text("clusterName", required=True, replace=True),
        text("addonName", required=True, replace=True),
        text("addonVersion", computed=True),
        json_text("configurationValues"),
        text("serviceAccountRoleArn"),
        block("namespaceConfig", text("namespace"), computed=True, replace=True),
        collection(
            "podIdentityAssociations",
            text("roleArn", required=True),
            text("serviceAccount", required=True),
        ),
        flag("preserve", sent=False, returned=False),
        text("resolveConflictsOnCreate", sent=False, returned=False, choices=_CONFLICTS),
        text("resolveConflictsOnUpdate", sent=False, returned=False, choices=_CONFLICTS),
    ),
    outputs=(
        text("arn", source="addonArn"),
        text("createdAt", decode=timestamp),
        text("modifiedAt", decode=timestamp),
    ),
    tagging=map_tags("resourceArn"),
    create=_create,
    idempotency_member="clientRequestToken",
    id=_id,
    ready=_READY,
    read=_read,
    missing=_NOT_FOUND,
    updates=(Custom(frozenset(_CHANGED), _change),),
    updated=_READY,
    delete=_delete,
    gone=True,
    find=FindNamed(lambda scope, inputs: _id(scope, inputs, {})),
    validate=_problems,
)

TYPES = (ADDON,)
