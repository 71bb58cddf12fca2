"""Secrets Manager: secrets and their versions."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from ils_sandbox.provider.errors import AwsError
from ils_sandbox.provider.fields import collection, flag, json_text, number, text
from ils_sandbox.provider.marks import MARK, mark_of
from ils_sandbox.provider.resource import (
    AutoName,
    Call,
    Custom,
    Detail,
    FindListed,
    ResourceType,
    Scope,
    Update,
)
from ils_sandbox.provider.tagging import pair_tags
from ils_sandbox.provider.values import Plain

_NOT_FOUND = frozenset({"ResourceNotFoundException"})
_CURRENT = "AWSCURRENT"


def _set_policy(scope: Scope, id_: str, inputs: Plain, _described: Plain) -> None:
    if policy := inputs.get("policy"):
        scope.call("put_resource_policy", SecretId=id_, ResourcePolicy=policy)


def _change_policy(scope: Scope, id_: str, _old: Plain, new: Plain) -> None:
    if new.get("policy"):
        _set_policy(scope, id_, new, {})
    else:
        scope.call("delete_resource_policy", SecretId=id_)


def _delete_secret(scope: Scope, id_: str, state: Plain) -> None:
    window = state.get("recoveryWindowInDays", 30)
    how = {"RecoveryWindowInDays": window} if window else {"ForceDeleteWithoutRecovery": True}
    scope.call("delete_secret", SecretId=id_, **how)


def _marked_secret(scope: Scope, inputs: Plain) -> Iterator[str]:
    secret = scope.call_unless(_NOT_FOUND, "describe_secret", SecretId=inputs["name"])
    mark = {"Key": MARK, "Value": mark_of(scope.urn)}
    if secret and not secret.get("DeletedDate") and mark in secret.get("Tags", ()):
        yield secret["ARN"]


SECRET = ResourceType(
    name="aws:secretsmanager/secret:Secret",
    service="secretsmanager",
    inputs=(
        text("name", replace=True),
        text("namePrefix", replace=True, computed=True, sent=False, returned=False),
        text("description"),
        text("kmsKeyId"),
        json_text("policy", computed=True, sent=False),
        number("recoveryWindowInDays", default=30, sent=False, returned=False),
        flag("forceOverwriteReplicaSecret", default=False, sent=False, returned=False),
    ),
    outputs=(text("arn", source="ARN"),),
    naming=AutoName(prefix_property="namePrefix", longest=512),
    tagging=pair_tags("tag_resource", "untag_resource", {"SecretId": "$id"}),
    create=Call("create_secret"),
    idempotency_member="ClientRequestToken",
    id="ARN",
    after_create=_set_policy,
    read=Call("describe_secret", {"SecretId": "$id"}),
    present=lambda described: not described.get("DeletedDate"),
    missing=_NOT_FOUND,
    details=(Detail("Policy", Call("get_resource_policy", {"SecretId": "$id"}, "ResourcePolicy"), missing=_NOT_FOUND),),
    updates=(
        Update(frozenset({"description", "kmsKeyId"}), Call("update_secret", {"SecretId": "$id"})),
        Custom(frozenset({"policy"}), _change_policy),
    ),
    delete=_delete_secret,
    find=FindListed(_marked_secret),
    validate=lambda inputs: (
        ()
        if inputs["recoveryWindowInDays"] == 0 or 7 <= inputs["recoveryWindowInDays"] <= 30
        else (("recoveryWindowInDays", "expected 0, to delete at once, or 7 to 30 days"),)
    ),
)


def _split(id_: str) -> tuple[str, str]:
    secret, _, version = id_.rpartition("|")
    return secret, version


def _version_id(_scope: Scope, inputs: Plain, described: Plain) -> str:
    return f"{inputs['secretId']}|{described['VersionId']}"


def _decode_binary(value: Any) -> str | None:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _read_version(scope: Scope, id_: str, _known: Plain) -> Plain | None:
    secret, version = _split(id_)
    answer = scope.call_unless(_NOT_FOUND, "get_secret_value", SecretId=secret, VersionId=version)
    return {**answer, "SecretId": secret} if answer else None


def _matching_version(scope: Scope, inputs: Plain) -> Iterable[str]:
    """The current version, if it holds the wanted value."""
    answer = scope.call_unless(_NOT_FOUND, "get_secret_value", SecretId=inputs["secretId"])
    if answer is None:
        return []
    same = (answer.get("SecretString"), _decode_binary(answer.get("SecretBinary"))) == (
        inputs.get("secretString"),
        inputs.get("secretBinary"),
    )
    return [_version_id(scope, inputs, answer)] if same else []


def _change_stages(scope: Scope, id_: str, old: Plain, new: Plain) -> None:
    secret, version = _split(id_)
    before, after = set(old.get("versionStages", ())), set(new.get("versionStages", ()))
    for stage in sorted(after - before):
        holder = _holder(scope, secret, stage)
        moved = {"RemoveFromVersionId": holder} if holder else {}
        scope.call("update_secret_version_stage", SecretId=secret, VersionStage=stage, MoveToVersionId=version, **moved)
    for stage in sorted(before - after - {_CURRENT}):
        scope.call("update_secret_version_stage", SecretId=secret, VersionStage=stage, RemoveFromVersionId=version)


def _holder(scope: Scope, secret: str, stage: str) -> str | None:
    versions = scope.call("describe_secret", SecretId=secret).get("VersionIdsToStages", {})
    return next((version for version, stages in versions.items() if stage in stages), None)


def _forget_version(scope: Scope, id_: str, _state: Plain) -> None:
    """A version cannot be deleted: without stages AWS drops it in time. The current one goes with its secret."""
    secret, version = _split(id_)
    described = scope.call_unless(_NOT_FOUND, "describe_secret", SecretId=secret)
    if described is None or described.get("DeletedDate"):
        return
    stages = described.get("VersionIdsToStages", {}).get(version, ())
    for stage in stages:
        if stage != _CURRENT:
            scope.call("update_secret_version_stage", SecretId=secret, VersionStage=stage, RemoveFromVersionId=version)


def _put_value(scope: Scope, _inputs: Plain, request: Plain) -> Plain:
    return scope.call("put_secret_value", **request)


def _read_unless_deleted(scope: Scope, id_: str, known: Plain) -> Plain | None:
    """Of a secret that waits for its deletion nothing can be read."""
    try:
        return _read_version(scope, id_, known)
    except AwsError as error:
        if error.code == "InvalidRequestException":
            return None
        raise


SECRET_VERSION = ResourceType(
    name="aws:secretsmanager/secretVersion:SecretVersion",
    service="secretsmanager",
    inputs=(
        text("secretId", required=True, replace=True),
        text("secretString", secret=True, replace=True),
        text("secretBinary", secret=True, replace=True, encode=base64.b64decode, decode=_decode_binary),
        collection("versionStages", computed=True),
    ),
    outputs=(
        text("arn", source="ARN"),
        text("secretArn", source="ARN"),
        text("versionId"),
    ),
    create=_put_value,
    idempotency_member="ClientRequestToken",
    id=_version_id,
    read=_read_unless_deleted,
    missing=_NOT_FOUND,
    updates=(Custom(frozenset({"versionStages"}), _change_stages),),
    delete=_forget_version,
    find=FindListed(_matching_version),
    validate=lambda inputs: (
        ()
        if (inputs.get("secretString") is None) != (inputs.get("secretBinary") is None)
        else (("secretString", "expected either secretString or secretBinary"),)
    ),
)

TYPES = (SECRET, SECRET_VERSION)
