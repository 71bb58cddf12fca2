"""DynamoDB tables."""

from __future__ import annotations

from collections.abc import Iterator

from ils_pipelines.operations.live import Live, Record
from ils_pipelines.operations.posture.evaluators.keys import CUSTOMER_KEY, encrypted
from ils_pipelines.operations.posture.models import Observation


def point_in_time_recovery(live: Live) -> Iterator[Observation]:
    for name, table in own_tables(live):
        answer = live.get("dynamodb", "describe_continuous_backups", TableName=table["TableName"])
        recovery = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        status = recovery.get("PointInTimeRecoveryStatus", "DISABLED")
        yield Observation(name, "point-in-time recovery on", status.lower(), status == "ENABLED")


def encryption(live: Live) -> Iterator[Observation]:
    for name, table in own_tables(live):
        key = table.get("SSEDescription", {})
        if key.get("SSEType") == "KMS" and key.get("Status") in {"ENABLED", "ENABLING", "UPDATING"}:
            yield encrypted(live, name, key.get("KMSMasterKeyArn"))
        else:
            yield Observation(name, CUSTOMER_KEY, "a key that AWS owns", holds=False)


def deletion_protection(live: Live) -> Iterator[Observation]:
    for name, table in own_tables(live):
        on = bool(table.get("DeletionProtectionEnabled"))
        yield Observation(name, "deletion protection on", "on" if on else "off", on)


def own_tables(live: Live) -> Iterator[tuple[str, Record]]:
    for name in live.list("dynamodb", "list_tables", "TableNames"):
        if live.scope.owns_name(str(name)):
            yield f"table {name}", live.get("dynamodb", "describe_table", TableName=name)["Table"]
