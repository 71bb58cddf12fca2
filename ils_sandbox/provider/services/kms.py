"""KMS: keys and their aliases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ils_sandbox.provider.errors import AwsError
from ils_sandbox.provider.fields import flag, json_text, number, text
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
    Update,
    Wait,
)
from ils_sandbox.provider.tagging import pair_tags
from ils_sandbox.provider.values import Plain

_NOT_FOUND = frozenset({"NotFoundException"})


def _after_create(scope: Scope, id_: str, inputs: Plain, _described: Plain) -> None:
    if inputs.get("enableKeyRotation"):
        _change_rotation(scope, id_, {}, inputs)
    if inputs.get("isEnabled") is False:
        scope.call("disable_key", KeyId=id_)


def _change_rotation(scope: Scope, id_: str, _old: Plain, new: Plain) -> None:
    if new.get("enableKeyRotation"):
        period = {"RotationPeriodInDays": new["rotationPeriodInDays"]} if new.get("rotationPeriodInDays") else {}
        scope.call("enable_key_rotation", KeyId=id_, **period)
    else:
        scope.call("disable_key_rotation", KeyId=id_)


def _change_enabled(scope: Scope, id_: str, _old: Plain, new: Plain) -> None:
    scope.call("disable_key" if new.get("isEnabled") is False else "enable_key", KeyId=id_)


def _exists(described: Mapping[str, Any]) -> bool:
    """A key in its waiting period is gone for everybody but those who would cancel that."""
    return described.get("KeyState") not in {"PendingDeletion", "PendingReplicaDeletion"}


def _delete(scope: Scope, id_: str, state: Plain) -> None:
    window = {"PendingWindowInDays": state["deletionWindowInDays"]} if state.get("deletionWindowInDays") else {}
    try:
        scope.call("schedule_key_deletion", KeyId=id_, **window)
    except AwsError as error:
        if error.code != "KMSInvalidStateException" or "pending deletion" not in error.detail:
            raise


def _marked_keys(scope: Scope, _inputs: Plain) -> Iterable[str]:
    """KMS filters by no tag: every key is asked for its own."""
    marked = {"TagKey": MARK, "TagValue": mark_of(scope.urn)}
    marker: Plain = {}
    while True:
        page = scope.call("list_keys", **marker)
        for key in page["Keys"]:
            if marked in scope.call("list_resource_tags", KeyId=key["KeyId"])["Tags"] and _exists(
                scope.call("describe_key", KeyId=key["KeyId"])["KeyMetadata"]
            ):
                yield key["KeyId"]
        if not page.get("Truncated"):
            return
        marker = {"Marker": page["NextMarker"]}


_DETAILS = (
    Detail("Policy", Call("get_key_policy", {"KeyId": "$id", "PolicyName": "default"}, "Policy")),
    Detail(
        "Rotation",
        Call("get_key_rotation_status", {"KeyId": "$id"}),
        missing=frozenset({"UnsupportedOperationException"}),
    ),
    Detail("Tags", Call("list_resource_tags", {"KeyId": "$id"}, "Tags")),
)
_UPDATE_POLICY = Update(frozenset({"policy"}), Call("put_key_policy", {"KeyId": "$id", "PolicyName": "default"}))
_UPDATE_DESCRIPTION = Update(frozenset({"description"}), Call("update_key_description", {"KeyId": "$id"}))
_TAGS = pair_tags("tag_resource", "untag_resource", {"KeyId": "$id"}, key="TagKey", value="TagValue")

KEY = ResourceType(
    name="aws:kms/key:Key",
    service="kms",
    inputs=(
        text("description", computed=True),
        json_text("policy", computed=True),
        flag("bypassPolicyLockoutSafetyCheck", default=False, returned=False),
        text("customKeyStoreId", replace=True),
        text(
            "customerMasterKeySpec",
            member="KeySpec",
            default="SYMMETRIC_DEFAULT",
            replace=True,
        ),
        text(
            "keyUsage",
            default="ENCRYPT_DECRYPT",
            replace=True,
            choices=("ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"),
        ),
        flag("multiRegion", replace=True, computed=True),
        flag("enableKeyRotation", default=False, sent=False, source="Rotation.KeyRotationEnabled"),
        number("rotationPeriodInDays", computed=True, sent=False, source="Rotation.RotationPeriodInDays"),
        flag("isEnabled", default=True, sent=False, source="Enabled"),
        number("deletionWindowInDays", sent=False, returned=False),
        text("xksKeyId", replace=True, source="XksKeyConfiguration.Id"),
    ),
    outputs=(text("arn", source="Arn"), text("keyId")),
    tagging=_TAGS,
    create=Call("create_key", result="KeyMetadata"),
    id="KeyId",
    after_create=_after_create,
    read=Call("describe_key", {"KeyId": "$id"}, "KeyMetadata"),
    present=_exists,
    missing=_NOT_FOUND,
    details=_DETAILS,
    updates=(
        Custom(frozenset({"isEnabled"}), _change_enabled),
        _UPDATE_POLICY,
        _UPDATE_DESCRIPTION,
        Custom(frozenset({"enableKeyRotation", "rotationPeriodInDays"}), _change_rotation),
    ),
    delete=_delete,
    find=FindListed(_marked_keys),
)


def _key_id(key: str) -> str:
    """A key's id, from that or its ARN."""
    return key.rsplit("/", 1)[-1]


def _replicate(scope: Scope, inputs: Plain, request: Plain) -> Plain:
    """A replica is asked for where its primary key is."""
    primary = inputs["primaryKeyArn"]
    request |= {"KeyId": primary, "ReplicaRegion": scope.region}
    answer = scope.clients.call("kms", primary.split(":")[3], "replicate_key", request)
    return dict(answer["ReplicaKeyMetadata"])


def _after_replication(scope: Scope, id_: str, inputs: Plain, _described: Plain) -> None:
    if inputs.get("enabled") is False:
        scope.call("disable_key", KeyId=id_)


def _change_replica_enabled(scope: Scope, id_: str, _old: Plain, new: Plain) -> None:
    _change_enabled(scope, id_, {}, {"isEnabled": new.get("enabled")})


REPLICA_KEY = ResourceType(
    name="aws:kms/replicaKey:ReplicaKey",
    service="kms",
    inputs=(
        text(
            "primaryKeyArn",
            required=True,
            replace=True,
            sent=False,
            source="MultiRegionConfiguration.PrimaryKey.Arn",
        ),
        text("description"),
        json_text("policy", computed=True),
        flag("bypassPolicyLockoutSafetyCheck", default=False, returned=False),
        flag("enabled", default=True, sent=False, source="Enabled"),
        number("deletionWindowInDays", sent=False, returned=False),
    ),
    outputs=(
        text("arn", source="Arn"),
        text("keyId"),
        flag("keyRotationEnabled", source="Rotation.KeyRotationEnabled"),
        text("keySpec"),
        text("keyUsage"),
    ),
    tagging=_TAGS,
    create=_replicate,
    id="KeyId",
    after_create=_after_replication,
    ready=Wait("KeyState", frozenset({"Enabled", "Disabled"})),
    read=Call("describe_key", {"KeyId": "$id"}, "KeyMetadata"),
    present=_exists,
    missing=_NOT_FOUND,
    details=_DETAILS,
    updates=(
        Custom(frozenset({"enabled"}), _change_replica_enabled),
        _UPDATE_POLICY,
        _UPDATE_DESCRIPTION,
    ),
    delete=_delete,
    find=FindNamed(lambda _scope, inputs: _key_id(inputs["primaryKeyArn"])),
)


def _find_alias(scope: Scope, name: str, _state: Plain) -> Plain | None:
    """There is no call for one alias by its name."""
    marker: Plain = {}
    while True:
        page = scope.call("list_aliases", **marker)
        for alias in page["Aliases"]:
            if alias["AliasName"] == name:
                return dict(alias)
        if not page.get("Truncated"):
            return None
        marker = {"Marker": page["NextMarker"]}


def _alias_outputs(scope: Scope, name: str, properties: Plain) -> Plain:
    arn = f"arn:{scope.partition}:kms:{scope.region}:{scope.account()}"
    return {"arn": f"{arn}:{name}", "targetKeyArn": f"{arn}:key/{_key_id(properties['targetKeyId'])}"}


ALIAS = ResourceType(
    name="aws:kms/alias:Alias",
    service="kms",
    inputs=(
        text("name", member="AliasName", replace=True),
        text("namePrefix", replace=True, computed=True, sent=False, returned=False),
        text("targetKeyId", required=True, canonical=_key_id),
    ),
    outputs=(text("arn", returned=False), text("targetKeyArn", returned=False)),
    naming=AutoName(prefix_property="namePrefix", prefix="alias/", longest=256),
    create=Call("create_alias"),
    id=lambda _scope, inputs, _described: str(inputs["name"]),
    read=_find_alias,
    missing=_NOT_FOUND,
    derived=_alias_outputs,
    updates=(Update(frozenset({"targetKeyId"}), Call("update_alias", {"AliasName": "$id"})),),
    delete=Call("delete_alias", {"AliasName": "$id"}),
    find=FindNamed(lambda _scope, inputs: inputs.get("name")),
    validate=lambda inputs: (
        ()
        if not isinstance(inputs["name"], str) or inputs["name"].startswith("alias/")
        else (("name", "expected a name that starts with alias/"),)
    ),
)

TYPES = (KEY, ALIAS, REPLICA_KEY)
