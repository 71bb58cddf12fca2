"""DynamoDB: a table from a backup or as it was at a moment, and everything that a restore loses put on it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.restore.errors import RestoreFailed, restoring
from ils_pipelines.operations.restore.ground import Ground, require_made_of
from ils_pipelines.operations.restore.place import Place
from ils_pipelines.operations.restore.waiting import wait_for, wait_until
from ils_pipelines.operations.scope import tags_of

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

_ON = frozenset({"ENABLED", "ENABLING"})


@dataclass(frozen=True)
class Index:
    """A global secondary index."""

    name: str
    keys: tuple[str, ...]
    """Each with its role, e.g. `userId HASH`."""
    projection: str


@dataclass(frozen=True)
class TableShape:
    """What a table is beside its items. A restore brings back the keys and the indexes, and none of the rest."""

    ttl_attribute: str | None
    indexes: tuple[Index, ...]
    recovery_days: int | None
    """Of point-in-time recovery; None where it is off."""
    deletion_protection: bool
    stream: str | None
    """StreamViewType."""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FromBackup:
    arn: str

    def __str__(self) -> str:
        return f"backup {self.arn}"


@dataclass(frozen=True)
class FromExport:
    """Files of an export, of which a table can be made in any region."""

    bucket: str
    data: str
    """Key prefix of the files."""
    keys: tuple[str, ...]
    """Of the table, each with its role, e.g. `sessionId HASH`."""
    attributes: tuple[tuple[str, str], ...]
    """Name and type of whatever is part of a key."""
    indexes: tuple[Index, ...]

    def __str__(self) -> str:
        return f"export s3://{self.bucket}/{self.data}"


@dataclass(frozen=True)
class FromTable:
    """What a table that is there held at a moment; the latest that can be had without one."""

    table: str
    moment: datetime | None = None

    def __str__(self) -> str:
        when = "now" if self.moment is None else f"{self.moment.isoformat()}"
        return f"table {self.table} as of {when}"


Source = FromBackup | FromTable | FromExport


def begin_table(target: Target, place: Place, ground: Ground, name: str, source: Source) -> None:
    """Have a table restored. Does not wait. Raises `RestoreFailed`.

    DynamoDB takes no tags here, so that until `finish_table` only the name tells whose the table is.
    """
    dynamodb = target.client("dynamodb", region=place.region)
    with restoring(f"table {name}", str(source)):
        if not name.startswith(place.name):
            raise RestoreFailed(f"expected a name that begins with {place.name}, found {name}")
        if table_is_there(target, place, name, source):
            return
        own_key: dict[str, Any] = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": ground.keys.tables}
        encryption: dict[str, Any] = {} if ground.keys.tables is None else {"SSESpecificationOverride": own_key}
        if isinstance(source, FromExport):
            _begin_import(dynamodb, name, source, {} if ground.keys.tables is None else {"SSESpecification": own_key})
        elif isinstance(source, FromBackup):
            dynamodb.restore_table_from_backup(TargetTableName=name, BackupArn=source.arn, **encryption)
        else:
            when: dict[str, Any] = (
                {"UseLatestRestorableTime": True} if source.moment is None else {"RestoreDateTime": source.moment}
            )
            dynamodb.restore_table_to_point_in_time(
                SourceTableName=source.table, TargetTableName=name, **when, **encryption
            )


def _begin_import(dynamodb: Any, name: str, source: FromExport, encryption: dict[str, Any]) -> None:
    made: dict[str, Any] = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": each, "AttributeType": kind} for each, kind in source.attributes],
        "KeySchema": _key_schema(source.keys),
        "BillingMode": "PAY_PER_REQUEST",
        **encryption,
    }
    if source.indexes:
        made["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index.name,
                "KeySchema": _key_schema(index.keys),
                "Projection": {"ProjectionType": index.projection},
            }
            for index in source.indexes
        ]
    dynamodb.import_table(
        S3BucketSource={"S3Bucket": source.bucket, "S3KeyPrefix": source.data},
        InputFormat="DYNAMODB_JSON",
        InputCompressionType="GZIP",
        TableCreationParameters=made,
    )


def _key_schema(keys: tuple[str, ...]) -> list[dict[str, str]]:
    pairs = (key.split() for key in keys)
    return [{"AttributeName": attribute, "KeyType": role} for attribute, role in pairs]


def finish_import(target: Target, place: Place, name: str) -> None:
    """Wait until all items of a table that is made of an export are there. Raises `RestoreFailed`.

    Before `finish_table`: until time to live is on, the table holds exactly what was exported.
    """
    dynamodb = target.client("dynamodb", region=place.region)
    latest: dict[str, Any] = {}
    with restoring(f"table {name}", f"the import of table {name}"):

        def done() -> bool:
            latest.update(_newest_import(dynamodb, name))
            return latest.get("ImportStatus") not in ("IN_PROGRESS", "CANCELLING")

        wait_until(f"the import of table {name}", done)
    if latest.get("ImportStatus") != "COMPLETED" or latest.get("ErrorCount"):
        raise RestoreFailed(
            f"table {name} could not be restored: expected all items of the export, found {latest.get('ErrorCount', 0)} that "
            f"DynamoDB did not take ({latest.get('FailureCode')}: {latest.get('FailureMessage')}). CloudWatch's log group "
            "/aws-dynamodb/imports names them. Use another set."
        )


def _newest_import(dynamodb: Any, name: str) -> dict[str, Any]:
    """Raises botocore's ClientError, of a table that is not there as well."""
    found = _imports(dynamodb, dynamodb.describe_table(TableName=name)["Table"]["TableArn"])
    if not found:
        raise RestoreFailed(f"expected table {name} to be made of an export, found no import of it")
    newest = max(found, key=lambda each: each["StartTime"])
    described: dict[str, Any] = dynamodb.describe_import(ImportArn=newest["ImportArn"])["ImportTableDescription"]
    return described


def _imports(dynamodb: Any, table: str) -> list[dict[str, Any]]:
    """Of a table, by its ARN. botocore has no paginator for this."""
    asked: dict[str, Any] = {"TableArn": table}
    found: list[dict[str, Any]] = []
    while True:
        page = dynamodb.list_imports(**asked)
        found += page["ImportSummaryList"]
        if not page.get("NextToken"):
            return found
        asked["NextToken"] = page["NextToken"]


def table_is_there(target: Target, place: Place, name: str, source: Source) -> bool:
    """Whether an earlier run made it. Raises `RestoreFailed` where it is made of anything but `source`; botocore's
    ClientError.
    """
    dynamodb = target.client("dynamodb", region=place.region)
    try:
        table = dynamodb.describe_table(TableName=name)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        return False
    # A table gets its tags last, but DynamoDB knows from the beginning.
    require_made_of(f"table {name}", str(_in_seconds(source)), _origin(dynamodb, table, source))
    return True


def _origin(dynamodb: Any, table: dict[str, Any], source: Source) -> str | None:
    """What a table that is there was made of, as `source` is told; None where DynamoDB does not say."""
    summary = table.get("RestoreSummary")
    if summary is None:
        begun = _imports(dynamodb, table["TableArn"])
        if not begun:
            return None
        bucket = max(begun, key=lambda each: each["StartTime"])["S3BucketSource"]
        return f"export s3://{bucket['S3Bucket']}/{bucket['S3KeyPrefix']}"
    if "SourceBackupArn" in summary:
        return str(FromBackup(summary["SourceBackupArn"]))
    latest = isinstance(source, FromTable) and source.moment is None
    moment = None if latest else summary["RestoreDateTime"]
    return str(_in_seconds(FromTable(summary["SourceTableArn"].rpartition("/")[2], moment)))


def _in_seconds(source: Source) -> Source:
    """A moment as exactly as DynamoDB keeps it."""
    if not isinstance(source, FromTable) or source.moment is None:
        return source
    return replace(source, moment=source.moment.astimezone(UTC).replace(microsecond=0))


def finish_table(target: Target, place: Place, name: str, shape: TableShape) -> None:
    """Wait for the table, then put on it what the restore lost. Raises `RestoreFailed`."""
    dynamodb = target.client("dynamodb", region=place.region)
    with restoring(f"table {name}", f"the restore of table {name}"):
        wait_for(dynamodb, "table_exists", TableName=name)
        arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
        # Tags first: from then on the sweep finds it by them.
        tags = [{"Key": key, "Value": value} for key, value in {**shape.tags, **place.tags_of(name)}.items()]
        dynamodb.tag_resource(ResourceArn=arn, Tags=tags)
        there = read_shape(dynamodb, name)
        if shape.ttl_attribute and there.ttl_attribute != shape.ttl_attribute:
            dynamodb.update_time_to_live(
                TableName=name,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": shape.ttl_attribute},
            )
        if shape.recovery_days and there.recovery_days is None:
            _turn_on_recovery(dynamodb, name, shape.recovery_days)
        changes: dict[str, Any] = {}
        if shape.deletion_protection and not there.deletion_protection:
            changes["DeletionProtectionEnabled"] = True
        if shape.stream and there.stream != shape.stream:
            changes["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": shape.stream}
        if changes:
            dynamodb.update_table(TableName=name, **changes)
            wait_for(dynamodb, "table_exists", TableName=name)


def _turn_on_recovery(dynamodb: Any, name: str, days: int) -> None:
    """DynamoDB refuses it for a while after a table has become active: seconds, or minutes."""
    wanted = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": days}

    def done() -> bool:
        try:
            dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=wanted)
        except dynamodb.exceptions.ContinuousBackupsUnavailableException:
            return False
        return True

    wait_until(f"point-in-time recovery of table {name}", done)


def read_shape(dynamodb: Any, name: str) -> TableShape:
    """What a table that is there has. Raises botocore's ClientError."""
    table = dynamodb.describe_table(TableName=name)["Table"]
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription") or {}
    stream = table.get("StreamSpecification") or {}
    return TableShape(
        ttl_attribute=ttl.get("AttributeName") if ttl["TimeToLiveStatus"] in _ON else None,
        indexes=tuple(
            sorted(
                (
                    Index(
                        index["IndexName"],
                        tuple(f"{key['AttributeName']} {key['KeyType']}" for key in index["KeySchema"]),
                        index["Projection"]["ProjectionType"],
                    )
                    for index in table.get("GlobalSecondaryIndexes") or ()
                ),
                key=lambda index: index.name,
            )
        ),
        recovery_days=(
            recovery.get("RecoveryPeriodInDays") or _USUAL_DAYS
            if recovery.get("PointInTimeRecoveryStatus") in _ON
            else None
        ),
        deletion_protection=bool(table.get("DeletionProtectionEnabled")),
        stream=stream.get("StreamViewType") if stream.get("StreamEnabled") else None,
        tags=tags_of(dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]),
    )


_USUAL_DAYS = 35


def shape_flaws(wanted: TableShape, found: TableShape) -> Iterator[str]:
    """What a restored table lacks; its tags may be more than those of its source."""
    pairs: tuple[tuple[str, object, object], ...] = (
        ("time to live", wanted.ttl_attribute, found.ttl_attribute),
        ("global secondary indexes", wanted.indexes, found.indexes),
        ("point-in-time recovery", wanted.recovery_days is not None, found.recovery_days is not None),
        ("deletion protection", wanted.deletion_protection, found.deletion_protection),
        ("stream", wanted.stream, found.stream),
    )
    for what, expected, there in pairs:
        if expected != there:
            yield f"{what}: expected {_said(expected)}, found {_said(there)}"
    missing = sorted(key for key in wanted.tags if key not in found.tags)
    if missing:
        yield f"tags: {', '.join(missing)} missing"


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(index.name for index in value) or "none"
    return "none" if value is None else str(value)
