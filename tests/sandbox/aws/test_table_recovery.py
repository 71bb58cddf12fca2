"""A table restored to a moment holds what it held then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError


def _make(server: Any, name: str, **more: Any) -> Any:
    client = server.client("dynamodb")
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )
    return client


def _enable(client: Any, name: str) -> None:
    client.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )


def _put(client: Any, name: str, number: int, value: str) -> datetime:
    """Put an item; the moment just after."""
    client.put_item(TableName=name, Item={"id": {"S": "a"}, "n": {"N": str(number)}, "v": {"S": value}})
    return datetime.now(UTC)


def _values(client: Any, name: str) -> dict[str, str]:
    return {item["n"]["N"]: item["v"]["S"] for item in client.scan(TableName=name)["Items"]}


def _restore(client: Any, name: str, moment: datetime) -> dict[str, str]:
    target = f"{name}-{moment.timestamp()}"
    client.restore_table_to_point_in_time(SourceTableName=name, TargetTableName=target, RestoreDateTime=moment)
    return _values(client, target)


@pytest.mark.parametrize("stream", [False, True], ids=["no stream", "a stream"])
def test_every_moment_since_recovery_was_enabled_can_be_gone_back_to(aws: Any, name: str, stream: bool) -> None:
    more = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}} if stream else {}
    client = _make(aws, name, **more)
    _put(client, name, 1, "before")
    _enable(client, name)
    enabled = datetime.now(UTC)
    second = _put(client, name, 2, "second")
    client.update_item(
        TableName=name,
        Key={"id": {"S": "a"}, "n": {"N": "1"}},
        UpdateExpression="SET v = :v",
        ExpressionAttributeValues={":v": {"S": "changed"}},
    )
    changed = datetime.now(UTC)
    client.batch_write_item(
        RequestItems={name: [{"DeleteRequest": {"Key": {"id": {"S": "a"}, "n": {"N": n}}}} for n in ("1", "2")]}
    )
    deleted = datetime.now(UTC)
    assert _restore(client, name, enabled) == {"1": "before"}
    assert _restore(client, name, second) == {"1": "before", "2": "second"}
    assert _restore(client, name, changed) == {"1": "changed", "2": "second"}
    assert _restore(client, name, deleted) == {}


def test_a_stream_begun_later_does_not_end_the_recording(aws: Any, name: str) -> None:
    client = _make(aws, name)
    _enable(client, name)
    first = _put(client, name, 1, "first")
    client.update_table(
        TableName=name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    )
    second = _put(client, name, 1, "second")
    assert (_restore(client, name, first), _restore(client, name, second)) == ({"1": "first"}, {"1": "second"})


def test_recovery_is_refused_for_a_while_after_a_table_is_active(aws: Any, name: str) -> None:
    aws.control("PUT", "settings", {"seconds_per_minute": 10})
    client = _make(aws, name)
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 400})
    with pytest.raises(client.exceptions.ContinuousBackupsUnavailableException, match="retry later"):
        _enable(client, name)
    aws.control("PUT", "settings", {"seconds_per_minute": 0})
    _enable(client, name)


@pytest.mark.parametrize("away", [timedelta(hours=-1), timedelta(hours=1)], ids=["too early", "in the future"])
def test_a_moment_outside_the_window_is_refused(aws: Any, name: str, away: timedelta) -> None:
    client = _make(aws, name)
    _enable(client, name)
    with pytest.raises(ClientError, match="InvalidRestoreTimeException"):
        _restore(client, name, datetime.now(UTC) + away)


def test_without_recovery_nothing_can_be_gone_back_to(aws: Any, name: str) -> None:
    client = _make(aws, name)
    with pytest.raises(ClientError, match="PointInTimeRecoveryUnavailableException"):
        _restore(client, name, datetime.now(UTC))


def test_a_restored_table_keeps_its_billing_and_loses_recovery(aws: Any, name: str) -> None:
    client = _make(aws, name)
    _enable(client, name)
    client.restore_table_to_point_in_time(
        SourceTableName=name, TargetTableName=f"{name}-r", UseLatestRestorableTime=True
    )
    table = client.describe_table(TableName=f"{name}-r")["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    backups = client.describe_continuous_backups(TableName=f"{name}-r")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"


def test_a_restored_table_says_what_it_was_made_of(aws: Any, name: str) -> None:
    client = _make(aws, name)
    _enable(client, name)
    moment = _put(client, name, 1, "then")
    _restore(client, name, moment)
    backup = client.create_backup(TableName=name, BackupName=name)["BackupDetails"]["BackupArn"]
    client.restore_table_from_backup(TargetTableName=f"{name}-b", BackupArn=backup)
    to_moment, of_backup = (
        client.describe_table(TableName=each)["Table"]["RestoreSummary"]
        for each in (f"{name}-{moment.timestamp()}", f"{name}-b")
    )
    assert (to_moment["SourceTableArn"].rpartition("/")[2], "SourceBackupArn" in to_moment) == (name, False)
    assert abs(to_moment["RestoreDateTime"] - moment) < timedelta(milliseconds=1)
    assert of_backup["SourceBackupArn"] == backup


def test_what_was_recorded_outlives_the_server(own_server: Any, name: str) -> None:
    server = own_server.start()
    client = _make(server, name)
    _enable(client, name)
    moment = _put(client, name, 1, "then")
    _put(client, name, 1, "now")
    server.end()
    client = server.start().client("dynamodb")
    assert _restore(client, name, moment) == {"1": "then"}
