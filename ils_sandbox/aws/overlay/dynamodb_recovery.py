"""DynamoDB's continuous backups and what is restored from them: moto copies what the table holds now, whatever is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError

_USUAL_DAYS = 35
_OVERRIDES = {"BillingModeOverride": "billing_mode", "SSESpecificationOverride": "sse_specification"}


def update_continuous_backups(call: Call, world: World) -> Result:
    result = world.forward(call)
    table = find_table(call, world, call.params["TableName"])
    asked = call.params["PointInTimeRecoverySpecification"]
    if not asked.get("PointInTimeRecoveryEnabled"):
        table.stream_shard = None if _recorder(table) else table.stream_shard
        return result
    period = timedelta(days=asked.get("RecoveryPeriodInDays") or _USUAL_DAYS)
    recorder = _recorder(table)
    if recorder is None:
        from ils_sandbox.aws.overlay.dynamodb_recorder import Recorder

        recorder = Recorder(table, period)
        if table.stream_shard is not None:
            recorder.follow(table.stream_shard)
        table.stream_shard = recorder
    recorder.period = period
    return {"ContinuousBackupsDescription": _described(result["ContinuousBackupsDescription"], table)}


def describe_continuous_backups(call: Call, world: World) -> Result:
    result = world.forward(call)
    table = find_table(call, world, call.params["TableName"])
    return {"ContinuousBackupsDescription": _described(result["ContinuousBackupsDescription"], table)}


def restore_table_to_point_in_time(call: Call, world: World) -> Result:
    params = call.params
    source = find_table(call, world, params.get("SourceTableName") or params["SourceTableArn"])
    recorder = _recorder(source)
    if recorder is None:
        message = f"Point in time recovery is not enabled for table '{source.name}'"
        raise AwsError("PointInTimeRecoveryUnavailableException", message)
    recorder.forget_old()
    now = datetime.now(UTC)
    moment = now if params.get("UseLatestRestorableTime") else aware(params.get("RestoreDateTime"))
    if not recorder.since <= moment <= now:
        message = f"RestoreDateTime has to be between {recorder.since.isoformat()} and {now.isoformat()}"
        raise AwsError("InvalidRestoreTimeException", message)
    items = recorder.items_at(moment)
    world.forward(call, {**params, "SourceTableName": source.name})
    from ils_sandbox.aws.overlay.dynamodb_recorder import replace_items

    target = find_table(call, world, params["TargetTableName"])
    replace_items(target, items)
    # moto has the moment of the call.
    target.restore_date_time = moment.timestamp()
    return _restored(call, world, source, target)


def restore_table_from_backup(call: Call, world: World) -> Result:
    world.forward(call)
    backup = world.backend(call, "dynamodb").get_backup(call.params["BackupArn"])
    return _restored(call, world, backup.table, find_table(call, world, call.params["TargetTableName"]))


def keep_recording(table: Any, recorder: Any) -> None:
    """moto begins a stream by putting it where the recorder is."""
    if recorder is not None and table.stream_shard is not recorder:
        if table.stream_shard is not None:
            recorder.follow(table.stream_shard)
        table.stream_shard = recorder


def recorder_of(call: Call, world: World, name: str) -> Any:
    """What records the changes of a table; None while nothing does, or there is no such table."""
    table = world.backend(call, "dynamodb").tables.get(name)
    return None if table is None else _recorder(table)


def _restored(call: Call, world: World, source: Any, target: Any) -> Result:
    """A restored table has its source's billing and encryption, unless told otherwise."""
    target.billing_mode, target.sse_specification = source.billing_mode, source.sse_specification
    for given, attribute in _OVERRIDES.items():
        if given in call.params:
            setattr(target, attribute, call.params[given])
    described = world.invoke(call, "dynamodb", "DescribeTable", TableName=target.name)["Table"]
    return {"TableDescription": described}


def _recorder(table: Any) -> Any:
    return table.stream_shard if hasattr(table.stream_shard, "items_at") else None


def _described(description: Result, table: Any) -> Result:
    recorder = _recorder(table)
    if recorder is None:
        return description
    recorder.forget_old()
    window = {"EarliestRestorableDateTime": recorder.since, "LatestRestorableDateTime": datetime.now(UTC)}
    return {
        **description,
        "PointInTimeRecoveryDescription": {**description["PointInTimeRecoveryDescription"], **window},
    }


def find_table(call: Call, world: World, name: str) -> Any:
    """moto's table, by name or ARN. Raises TableNotFoundException."""
    table = world.backend(call, "dynamodb").tables.get(name.rpartition("/")[2])
    if table is None:
        raise AwsError("TableNotFoundException", f"Table not found: {name}")
    return table


def aware(moment: Any) -> datetime:
    """A moment as a parameter may give it."""
    if moment is None:
        raise AwsError("ValidationException", "Either RestoreDateTime or UseLatestRestorableTime has to be given.")
    if isinstance(moment, int | float):
        return datetime.fromtimestamp(moment, UTC)
    parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
