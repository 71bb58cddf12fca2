"""DynamoDB tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from ils_sandbox.provider.fields import block, collection, flag, listing, number, text
from ils_sandbox.provider.resource import (
    AutoName,
    Call,
    Custom,
    Detail,
    FindNamed,
    ResourceType,
    Scope,
    Update,
    Wait,
)
from ils_sandbox.provider.tagging import pair_tags
from ils_sandbox.provider.values import UNKNOWN, Plain

_NOT_FOUND = frozenset({"ResourceNotFoundException", "ResourceNotFound", "TableNotFoundException"})
_READY = Wait("TableStatus", frozenset({"ACTIVE"}), timeout=timedelta(minutes=30))
_UPDATE = Call("update_table", {"TableName": "$id"})
_ON = frozenset({"ENABLED", "ENABLING", "UPDATING"})


def _expiry(described: Plain | None) -> Plain:
    enabled = (described or {}).get("TimeToLiveStatus") in _ON
    return {"enabled": True, "attributeName": (described or {})["AttributeName"]} if enabled else {"enabled": False}


def _recovery(described: Plain | None) -> Plain:
    recovery = (described or {}).get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") not in _ON:
        return {"enabled": False}
    days = recovery.get("RecoveryPeriodInDays")
    return {"enabled": True, **({"recoveryPeriodInDays": days} if days else {})}


def _encryption(described: Plain | None) -> Plain:
    """A table is always encrypted; without this, by a key that DynamoDB owns."""
    if (described or {}).get("Status") not in _ON:
        return {"enabled": False}
    return {"enabled": True, "kmsKeyArn": (described or {}).get("KMSMasterKeyArn")}


def _encryption_request(value: Plain) -> Plain:
    if not value.get("enabled"):
        return {"Enabled": False}
    key = {"KMSMasterKeyId": value["kmsKeyArn"]} if value.get("kmsKeyArn") else {}
    return {"Enabled": True, "SSEType": "KMS", **key}


def _stream_request(inputs: Plain) -> Plain:
    if not inputs.get("streamEnabled"):
        return {"StreamEnabled": False}
    return {"StreamEnabled": True, "StreamViewType": inputs.get("streamViewType", "")}


def _key_schema(hash_key: str, range_key: str | None) -> list[Plain]:
    schema = [{"AttributeName": hash_key, "KeyType": "HASH"}]
    return [*schema, {"AttributeName": range_key, "KeyType": "RANGE"}] if range_key else schema


_ATTRIBUTES = collection(
    "attributes",
    text("name", member="AttributeName", required=True),
    text("type", member="AttributeType", required=True, choices=("S", "N", "B")),
    member="AttributeDefinitions",
)
_PROJECTION = (
    text("name", member="IndexName", required=True),
    text("projectionType", member="Projection.ProjectionType", required=True, choices=("ALL", "INCLUDE", "KEYS_ONLY")),
    collection("nonKeyAttributes", member="Projection.NonKeyAttributes"),
)
_GLOBAL_INDEX = (
    *_PROJECTION,
    listing(
        "keySchemas",
        text("attributeName", required=True),
        text("keyType", required=True, choices=("HASH", "RANGE")),
        member="KeySchema",
        required=True,
    ),
    number("readCapacity", member="ProvisionedThroughput.ReadCapacityUnits", computed=True),
    number("writeCapacity", member="ProvisionedThroughput.WriteCapacityUnits", computed=True),
)
_CAPACITY = ("readCapacity", "writeCapacity")


def _create(scope: Scope, inputs: Plain, request: Plain) -> Plain:
    request["KeySchema"] = _key_schema(inputs["hashKey"], inputs.get("rangeKey"))
    if inputs.get("streamEnabled"):
        request["StreamSpecification"] = _stream_request(inputs)
    if indexes := inputs.get("localSecondaryIndexes"):
        request["LocalSecondaryIndexes"] = [
            {**scope.type.codec.request(_PROJECTION, i), "KeySchema": _key_schema(inputs["hashKey"], i["rangeKey"])}
            for i in indexes
        ]
    return dict(scope.call("create_table", **request)["TableDescription"])


def _wait_active(scope: Scope, name: str) -> None:
    """DynamoDB changes one thing at a time, of a table and of its indexes."""

    def poll() -> bool | None:
        table = scope.call("describe_table", TableName=name)["Table"]
        indexes = table.get("GlobalSecondaryIndexes") or ()
        settled = {table["TableStatus"], *(index["IndexStatus"] for index in indexes)} == {"ACTIVE"}
        return True if settled else None

    scope.wait(poll, f"table {name} to become ACTIVE", _READY.timeout)


def _after_create(scope: Scope, name: str, inputs: Plain, _described: Plain) -> None:
    """Expiry and recovery are turned on once the table is there."""
    expiry, recovery = (inputs.get(property_, {}).get("enabled") for property_ in ("ttl", "pointInTimeRecovery"))
    if expiry or recovery:
        _wait_active(scope, name)
    if expiry:
        _change_expiry(scope, name, {}, inputs)
    if recovery:
        _change_recovery(scope, name, {}, inputs)


def _change_expiry(scope: Scope, name: str, old: Plain, new: Plain) -> None:
    before, after = old.get("ttl", {}), new.get("ttl", {})
    # DynamoDB wants the attribute also to turn expiry off.
    attribute = after.get("attributeName") or before.get("attributeName")
    if not (before.get("enabled") or after.get("enabled")):
        return
    specification = {"Enabled": bool(after.get("enabled")), "AttributeName": attribute}
    scope.call("update_time_to_live", TableName=name, TimeToLiveSpecification=specification)


def _change_recovery(scope: Scope, name: str, _old: Plain, new: Plain) -> None:
    wanted = new.get("pointInTimeRecovery", {})
    specification: Plain = {"PointInTimeRecoveryEnabled": bool(wanted.get("enabled"))}
    if wanted.get("enabled") and wanted.get("recoveryPeriodInDays"):
        specification["RecoveryPeriodInDays"] = wanted["recoveryPeriodInDays"]
    # For a while after a table is ACTIVE there are none to be turned on.
    scope.wait(
        lambda: scope.call_unless(
            ("ContinuousBackupsUnavailableException",),
            "update_continuous_backups",
            TableName=name,
            PointInTimeRecoverySpecification=specification,
        ),
        f"backups of table {name}",
        _READY.timeout,
    )


def _change_billing(scope: Scope, name: str, old: Plain, new: Plain) -> None:
    request: Plain = {"BillingMode": new["billingMode"]} if old.get("billingMode") != new["billingMode"] else {}
    if new["billingMode"] == "PROVISIONED":
        capacity = {"ReadCapacityUnits": new.get("readCapacity"), "WriteCapacityUnits": new.get("writeCapacity")}
        request["ProvisionedThroughput"] = capacity
    if request:
        scope.call("update_table", TableName=name, **request)


def _change_stream(scope: Scope, name: str, old: Plain, new: Plain) -> None:
    """The view of a stream cannot change: the stream ends, and another begins."""
    if old.get("streamEnabled") and new.get("streamEnabled"):
        scope.call("update_table", TableName=name, StreamSpecification={"StreamEnabled": False})
        _wait_active(scope, name)
    scope.call("update_table", TableName=name, StreamSpecification=_stream_request(new))


def _change_indexes(scope: Scope, name: str, old: Plain, new: Plain) -> None:
    """An index is made or deleted, one in a call; only its capacity changes in place."""
    codec = scope.type.codec
    before = {index["name"]: index for index in old.get("globalSecondaryIndexes", ())}
    after = {index["name"]: index for index in new.get("globalSecondaryIndexes", ())}
    steps: list[Plain] = []
    remade = {n for n in before.keys() & after.keys() if _shape(scope, before[n]) != _shape(scope, after[n])}
    steps += [{"Delete": {"IndexName": n}} for n in sorted((before.keys() - after.keys()) | remade)]
    steps += [
        {"Create": codec.request(_GLOBAL_INDEX, after[n])} for n in sorted((after.keys() - before.keys()) | remade)
    ]
    for index in (n for n in sorted(before.keys() & after.keys() - remade) if _capacity(after[n])):
        if _capacity(before[index]) != _capacity(after[index]):
            throughput = codec.request(_GLOBAL_INDEX, after[index])["ProvisionedThroughput"]
            steps.append({"Update": {"IndexName": index, "ProvisionedThroughput": throughput}})
    definitions = codec.encode(_ATTRIBUTES, new.get("attributes", []))
    for step in steps:
        scope.call("update_table", TableName=name, AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[step])
        _wait_active(scope, name)


def _shape(scope: Scope, index: Plain) -> Any:
    """All of an index but its capacity."""
    fixed = {key: value for key, value in index.items() if key not in _CAPACITY}
    fixed["nonKeyAttributes"] = sorted(index.get("nonKeyAttributes", ()))
    return scope.type.codec.request(_GLOBAL_INDEX, fixed)


def _capacity(index: Plain) -> tuple[int, ...]:
    return tuple(index[member] for member in _CAPACITY if index.get(member))


def _problems(inputs: Plain) -> Iterable[tuple[str, str]]:
    """DynamoDB wants exactly the attributes that are keys."""
    given = [inputs.get("attributes", []), inputs.get("globalSecondaryIndexes", [])]
    given += [inputs.get("localSecondaryIndexes", [])]
    if UNKNOWN in _leaves([inputs["hashKey"], inputs.get("rangeKey"), *given]):
        return
    defined = {attribute["name"] for attribute in inputs.get("attributes", ())}
    keys = {inputs["hashKey"], inputs.get("rangeKey")} - {None}
    for index in inputs.get("globalSecondaryIndexes", ()):
        keys |= {key["attributeName"] for key in index["keySchemas"]}
    keys |= {index["rangeKey"] for index in inputs.get("localSecondaryIndexes", ())}
    if missing := keys - defined:
        yield "attributes", f"expected a type for each key, found none for {', '.join(sorted(missing))}"
    if unused := defined - keys:
        yield "attributes", f"expected only keys of the table and its indexes, found {', '.join(sorted(unused))}"


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


TABLE = ResourceType(
    name="aws:dynamodb/table:Table",
    service="dynamodb",
    inputs=(
        text("name", member="TableName", replace=True),
        text(
            "hashKey", required=True, replace=True, sent=False, source="KeySchema[?KeyType=='HASH'].AttributeName | [0]"
        ),
        text("rangeKey", replace=True, sent=False, source="KeySchema[?KeyType=='RANGE'].AttributeName | [0]"),
        _ATTRIBUTES,
        text(
            "billingMode",
            default="PROVISIONED",
            source="BillingModeSummary.BillingMode",
            choices=("PROVISIONED", "PAY_PER_REQUEST"),
        ),
        number("readCapacity", member="ProvisionedThroughput.ReadCapacityUnits", computed=True),
        number("writeCapacity", member="ProvisionedThroughput.WriteCapacityUnits", computed=True),
        block("onDemandThroughput", number("maxReadRequestUnits"), number("maxWriteRequestUnits"), computed=True),
        collection("globalSecondaryIndexes", *_GLOBAL_INDEX),
        collection(
            "localSecondaryIndexes",
            *_PROJECTION,
            text("rangeKey", required=True, source="KeySchema[?KeyType=='RANGE'].AttributeName | [0]"),
            replace=True,
            sent=False,
        ),
        block("ttl", flag("enabled"), text("attributeName"), sent=False, decode=_expiry),
        block(
            "pointInTimeRecovery",
            flag("enabled", required=True),
            number("recoveryPeriodInDays", computed=True),
            computed=True,
            sent=False,
            source="Backups",
            decode=_recovery,
        ),
        block(
            "serverSideEncryption",
            flag("enabled", required=True),
            text("kmsKeyArn", computed=True),
            computed=True,
            member="SSESpecification",
            source="SSEDescription",
            encode=_encryption_request,
            decode=_encryption,
        ),
        flag("streamEnabled", sent=False, source="StreamSpecification.StreamEnabled"),
        text("streamViewType", computed=True, sent=False, source="StreamSpecification.StreamViewType"),
        text(
            "tableClass",
            default="STANDARD",
            source="TableClassSummary.TableClass",
            choices=("STANDARD", "STANDARD_INFREQUENT_ACCESS"),
        ),
        flag("deletionProtectionEnabled"),
    ),
    outputs=(
        text("arn", source="TableArn"),
        text("streamArn", source="LatestStreamArn"),
        text("streamLabel", source="LatestStreamLabel"),
    ),
    naming=AutoName(longest=255),
    tagging=pair_tags("tag_resource", "untag_resource", {"ResourceArn": "$arn"}),
    create=_create,
    id="TableName",
    after_create=_after_create,
    ready=_READY,
    read=Call("describe_table", {"TableName": "$id"}, "Table"),
    missing=_NOT_FOUND,
    details=(
        Detail("Tags", Call("list_tags_of_resource", {"ResourceArn": "$arn"}, "Tags"), missing=_NOT_FOUND),
        Detail(
            "Ttl",
            Call("describe_time_to_live", {"TableName": "$id"}, "TimeToLiveDescription"),
            missing=_NOT_FOUND,
        ),
        Detail(
            "Backups",
            Call("describe_continuous_backups", {"TableName": "$id"}, "ContinuousBackupsDescription"),
            missing=_NOT_FOUND,
        ),
    ),
    updates=(
        Custom(frozenset({"billingMode", *_CAPACITY}), _change_billing),
        Update(frozenset({"onDemandThroughput"}), _UPDATE),
        Custom(frozenset({"attributes", "globalSecondaryIndexes"}), _change_indexes),
        Update(frozenset({"serverSideEncryption"}), _UPDATE),
        Custom(frozenset({"streamEnabled", "streamViewType"}), _change_stream),
        Update(frozenset({"tableClass"}), _UPDATE),
        Update(frozenset({"deletionProtectionEnabled"}), _UPDATE),
        Custom(frozenset({"ttl"}), _change_expiry),
        Custom(frozenset({"pointInTimeRecovery"}), _change_recovery),
    ),
    updated=_READY,
    delete=Call("delete_table", {"TableName": "$id"}),
    gone=True,
    find=FindNamed(lambda _scope, inputs: inputs.get("name")),
    validate=_problems,
)

TYPES = (TABLE,)
