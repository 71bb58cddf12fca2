"""DynamoDB: tables take a while to be made; their class, on-demand limits and changes of encryption, which moto drops."""

from __future__ import annotations

from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import durations
from ils_sandbox.aws.overlay.dynamodb_exports import describe_export, export_table, list_exports
from ils_sandbox.aws.overlay.dynamodb_imports import describe_import, import_table, list_imports
from ils_sandbox.aws.overlay.dynamodb_recovery import (
    describe_continuous_backups,
    keep_recording,
    recorder_of,
    restore_table_from_backup,
    restore_table_to_point_in_time,
    update_continuous_backups,
)
from ils_sandbox.aws.overlay.world import Result, Routes, World
from ils_sandbox.aws.responses import AwsError

TABLES = "dynamodb.tables"
_KEPT = ("TableClass", "OnDemandThroughput")


def _name(call: Call) -> str:
    """A table may be named by its ARN."""
    name: str = call.params["TableName"]
    return name.rpartition("/")[2]


def _phase_key(call: Call, name: str) -> str:
    return f"arn:aws:dynamodb:{call.region}:{call.account}:table/{name}"


def _begin(call: Call, world: World, name: str, minutes: float) -> None:
    """A table is being made. Backups of it are there a while after it."""
    key = _phase_key(call, name)
    world.lifecycles.begin(key, "CREATING", minutes)
    world.lifecycles.begin(f"{key}/backups", "ENABLING", minutes + durations.DYNAMODB_BACKUPS_ENABLE)


def _keep(call: Call, world: World, name: str) -> None:
    extras = world.table(TABLES, call).setdefault(name, {})
    extras.update({member: call.params[member] for member in _KEPT if member in call.params})


def _completed(call: Call, world: World, table: Result) -> Result:
    extras: dict[str, Any] = world.table(TABLES, call).get(table["TableName"], {})
    completed = {**table, **_sizes(call, world, table)}
    if "TableClass" in extras:
        completed["TableClassSummary"] = {"TableClass": extras["TableClass"]}
    if "OnDemandThroughput" in extras:
        completed["OnDemandThroughput"] = extras["OnDemandThroughput"]
    phase = world.lifecycles.phase(_phase_key(call, table["TableName"]))
    if phase is not None:
        completed["TableStatus"] = phase
        completed["GlobalSecondaryIndexes"] = [
            {**index, "IndexStatus": phase} for index in completed.get("GlobalSecondaryIndexes") or ()
        ]
    return completed


def _sizes(call: Call, world: World, table: Result) -> Result:
    """At once, where DynamoDB counts every six hours or so. An index has the items that have its keys."""
    backend = world.backend(call, "dynamodb").tables.get(table["TableName"])
    if backend is None:
        return {}
    items = [(item.attrs.keys(), item.size()) for item in backend.all_items()]
    sizes: Result = {"TableSizeBytes": sum(size for _, size in items)}
    if table.get("GlobalSecondaryIndexes"):
        sizes["GlobalSecondaryIndexes"] = []
        for index in table["GlobalSecondaryIndexes"]:
            keys = {each["AttributeName"] for each in index["KeySchema"]}
            own = [size for names, size in items if keys <= names]
            sizes["GlobalSecondaryIndexes"].append({**index, "ItemCount": len(own), "IndexSizeBytes": sum(own)})
    return sizes


def _require_active(call: Call, world: World) -> None:
    name = _name(call)
    if world.lifecycles.phase(_phase_key(call, name)) is not None:
        raise AwsError("ResourceInUseException", f"Attempt to change a resource which is still in use: Table: {name}")


def create_table(call: Call, world: World) -> Result:
    table = world.forward(call)["TableDescription"]
    name = table["TableName"]
    world.table(TABLES, call).pop(name, None)
    _keep(call, world, name)
    _begin(call, world, name, durations.DYNAMODB_TABLE_CREATE)
    return {"TableDescription": _completed(call, world, table)}


def describe_table(call: Call, world: World) -> Result:
    return {"Table": _completed(call, world, world.forward(call)["Table"])}


def update_table(call: Call, world: World) -> Result:
    _require_active(call, world)
    name = _name(call)
    recorder = recorder_of(call, world, name)
    world.forward(call)
    keep_recording(world.backend(call, "dynamodb").get_table(name), recorder)
    _keep(call, world, name)
    encryption = call.params.get("SSESpecification")
    if encryption is not None:
        backend = world.backend(call, "dynamodb").get_table(name)
        key = encryption.get("KMSMasterKeyId") or backend._get_default_encryption_key(call.account, call.region)
        backend.sse_specification = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
        if not encryption.get("Enabled"):
            backend.sse_specification = None
    described = world.invoke(call, "dynamodb", "DescribeTable", TableName=name)["Table"]
    return {"TableDescription": _completed(call, world, described)}


def delete_table(call: Call, world: World) -> Result:
    _require_active(call, world)
    table = world.forward(call)["TableDescription"]
    world.table(TABLES, call).pop(table["TableName"], None)
    world.lifecycles.forget(f"{_phase_key(call, table['TableName'])}/backups")
    return {"TableDescription": {**table, "TableStatus": "DELETING"}}


def update_backups(call: Call, world: World) -> Result:
    _require_active(call, world)
    name = _name(call)
    if world.lifecycles.phase(f"{_phase_key(call, name)}/backups") is not None:
        message = f"Backups are being enabled for the table: {name}. Please retry later"
        raise AwsError("ContinuousBackupsUnavailableException", message)
    return update_continuous_backups(call, world)


def restore_to_moment(call: Call, world: World) -> Result:
    return _begin_restored(call, world, restore_table_to_point_in_time(call, world))


def restore_backup(call: Call, world: World) -> Result:
    return _begin_restored(call, world, restore_table_from_backup(call, world))


def _begin_restored(call: Call, world: World, result: Result) -> Result:
    table = result["TableDescription"]
    _begin(call, world, table["TableName"], durations.DYNAMODB_TABLE_RESTORE)
    return {"TableDescription": _completed(call, world, table)}


def begin_import(call: Call, world: World) -> Result:
    result, name = import_table(call, world)
    if name:
        world.table(TABLES, call).pop(name, None)
        _begin(call, world, name, durations.DYNAMODB_TABLE_IMPORT)
    return result


def when_active(call: Call, world: World) -> Result:
    """What DynamoDB refuses while a table is being made."""
    _require_active(call, world)
    return world.forward(call)


ROUTES: Routes = {
    "CreateTable": create_table,
    "DeleteTable": delete_table,
    "DescribeContinuousBackups": describe_continuous_backups,
    "DescribeExport": describe_export,
    "DescribeImport": describe_import,
    "DescribeTable": describe_table,
    "ExportTableToPointInTime": export_table,
    "ImportTable": begin_import,
    "ListExports": list_exports,
    "ListImports": list_imports,
    "RestoreTableFromBackup": restore_backup,
    "RestoreTableToPointInTime": restore_to_moment,
    "UpdateContinuousBackups": update_backups,
    "UpdateTable": update_table,
    "UpdateTimeToLive": when_active,
}
