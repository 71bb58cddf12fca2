"""DynamoDB on-demand backups, one for each table, with all that a restored table has lost."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from ils_pipelines.operations.backup.context import PieceFailed, SetContext, Task, utc_now
from ils_pipelines.operations.backup.details import IndexShape, KeptTable, Piece, PieceKind, TableBackup
from ils_pipelines.settings.layers import Layer

TABLES = ("sessions", "analytics")
PREFIX = "table-backup-"
WITHIN = timedelta(hours=2)


def tasks(_context: SetContext) -> Iterator[Task]:
    for table in TABLES:
        yield Task(f"{PREFIX}{table}", PieceKind.TABLE_BACKUP, partial(_take, table))


def _take(which: str, context: SetContext) -> Piece:
    dynamodb, started = context.client("dynamodb"), utc_now()
    table = context.output(Layer.TABLES, f"{which}_table_name")
    name = _name(context, which)
    described = dynamodb.describe_table(TableName=table)["Table"]
    arn = _begun(dynamodb, table, name)
    if arn is None:
        arn = dynamodb.create_backup(TableName=table, BackupName=name)["BackupDetails"]["BackupArn"]
    details = _finished(context, dynamodb, arn)
    return Piece(
        name=f"{PREFIX}{which}",
        region=context.places.here.region,
        arn=arn,
        size=details.get("BackupSizeBytes", 0),
        started=started,
        finished=utc_now(),
        consistency_point=details["BackupCreationDateTime"],
        # As DynamoDB counts them, about every six hours.
        details=TableBackup(**kept_table(dynamodb, described).model_dump(), items=described.get("ItemCount", 0)),
    )


def kept_table(dynamodb: Any, described: dict[str, Any]) -> KeptTable:
    """What a table is beside its items. `described` is DescribeTable's answer."""
    name = described["TableName"]
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    recovery = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = recovery.get("PointInTimeRecoveryDescription", {})
    tags = dynamodb.list_tags_of_resource(ResourceArn=described["TableArn"])["Tags"]
    stream = described.get("StreamSpecification") or {}
    return KeptTable(
        table=name,
        table_arn=described["TableArn"],
        key_arn=(described.get("SSEDescription") or {}).get("KMSMasterKeyArn"),
        ttl_attribute=ttl.get("AttributeName") if ttl["TimeToLiveStatus"] in ("ENABLED", "ENABLING") else None,
        indexes=tuple(
            IndexShape(
                name=index["IndexName"],
                keys=tuple(f"{key['AttributeName']} {key['KeyType']}" for key in index["KeySchema"]),
                projection=index["Projection"]["ProjectionType"],
            )
            for index in sorted(described.get("GlobalSecondaryIndexes") or (), key=lambda each: each["IndexName"])
        ),
        point_in_time_recovery=recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
        recovery_days=recovery.get("RecoveryPeriodInDays"),
        deletion_protection=bool(described.get("DeletionProtectionEnabled")),
        stream=stream.get("StreamViewType") if stream.get("StreamEnabled") else None,
        table_tags=tuple(sorted((each["Key"], each["Value"]) for each in tags if not each["Key"].startswith("aws:"))),
    )


def problems(context: SetContext, piece: Piece) -> Iterator[str]:
    """What is wrong with the backup, in words."""
    found = describe(context.client("dynamodb", region=piece.region), str(piece.arn))
    if found is None:
        yield f"the backup {piece.arn} is not there"
        return
    if found["BackupDetails"]["BackupStatus"] != "AVAILABLE":
        yield f"the backup is {found['BackupDetails']['BackupStatus']}, not AVAILABLE"
    details = piece.details
    assert isinstance(details, TableBackup)  # noqa: S101 the table says so
    if found["SourceTableDetails"]["TableName"] != details.table:
        yield f"the backup is of the table {found['SourceTableDetails']['TableName']}, not of {details.table}"
    created = found["BackupDetails"]["BackupCreationDateTime"]
    if abs((created - piece.consistency_point).total_seconds()) > 1:
        yield f"the backup was made at {created}, not at {piece.consistency_point}"


def delete(context: SetContext, piece: Piece) -> str | None:
    """Why it is not deleted; None when it is, or was. The name says whose it is: it begins with the set's.

    On-demand backups take no tags: AWS's Service Authorization Reference knows `dynamodb:TagResource` for tables alone. Those
    with tags are AWS Backup's recovery points, which are of a vault and not of a set.
    """
    dynamodb = context.client("dynamodb", region=piece.region)
    found = describe(dynamodb, str(piece.arn))
    if found is None:
        return None
    name = found["BackupDetails"]["BackupName"]
    if not name.startswith(f"{context.set_id.resource_name}-"):
        return f"the backup {piece.arn} is named {name}, which is no name of this set"
    dynamodb.delete_backup(BackupArn=piece.arn)
    return None


def delete_unrecorded(context: SetContext, recorded: Collection[str]) -> None:
    """What has the name of the set, and no record; their tables may be gone."""
    names = {_name(context, table) for table in TABLES if f"{PREFIX}{table}" not in recorded}
    if names:
        dynamodb = context.client("dynamodb")
        for arn in tuple(_named(dynamodb, names)):
            dynamodb.delete_backup(BackupArn=arn)


def describe(dynamodb: Any, arn: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]
    except dynamodb.exceptions.BackupNotFoundException:
        return None
    return None if found["BackupDetails"]["BackupStatus"] == "DELETED" else found


def _begun(dynamodb: Any, table: str, name: str) -> str | None:
    """What an interrupted run made: names are not unique, so that it has to be looked for."""
    return next(_named(dynamodb, {name}, TableName=table), None)


def _named(dynamodb: Any, names: Collection[str], **more: str) -> Iterator[str]:
    """The ARNs of the backups that have one of the names."""
    for page in dynamodb.get_paginator("list_backups").paginate(BackupType="USER", **more):
        for each in page["BackupSummaries"]:
            if each["BackupName"] in names and each["BackupStatus"] != "DELETED":
                yield str(each["BackupArn"])


def _name(context: SetContext, which: str) -> str:
    return f"{context.set_id.resource_name}-{which}"


def _finished(context: SetContext, dynamodb: Any, arn: str) -> dict[str, Any]:
    latest: dict[str, Any] = {}

    def ready() -> bool:
        found = describe(dynamodb, arn)
        if found is None:
            raise PieceFailed(f"expected the backup {arn} to become available, found it gone. Take the set again.")
        latest.update(found["BackupDetails"])
        return bool(latest["BackupStatus"] == "AVAILABLE")

    context.wait(f"the backup {arn}", ready, WITHIN)
    return latest
