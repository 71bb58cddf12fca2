"""DynamoDB tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ils_pipelines.settings.layers import Layer

Runs = Mapping[Layer, Any]


@pytest.fixture
def run(applied: Runs) -> Any:
    return applied[Layer.TABLES]


def table(run: Any, name: str) -> dict[str, Any]:
    return dict(run.one("Table", name).inputs)


def test_sessions_are_found_by_their_id(run: Any) -> None:
    sessions = table(run, "sessions")
    assert (sessions["hashKey"], sessions.get("rangeKey")) == ("sessionId", None)
    assert sessions["attributes"] == [{"name": "sessionId", "type": "S"}]
    assert not sessions.get("globalSecondaryIndexes")


def test_events_are_found_by_kind_and_time(run: Any) -> None:
    analytics = table(run, "analytics")
    assert (analytics["hashKey"], analytics["rangeKey"]) == ("eventType", "timestamp")
    types = {attribute["name"]: attribute["type"] for attribute in analytics["attributes"]}
    assert types == {"eventType": "S", "timestamp": "N", "userId": "S"}


def test_events_are_found_by_user_and_time(run: Any) -> None:
    (index,) = table(run, "analytics")["globalSecondaryIndexes"]
    assert [(key["attributeName"], key["keyType"]) for key in index["keySchemas"]] == [
        ("userId", "HASH"),
        ("timestamp", "RANGE"),
    ]
    assert index["projectionType"] == "ALL"


@pytest.mark.parametrize("name", ["sessions", "analytics"])
def test_items_expire(run: Any, name: str) -> None:
    assert table(run, name)["ttl"] == {"enabled": True, "attributeName": "expiresAt"}


@pytest.mark.parametrize("name", ["sessions", "analytics"])
def test_requests_are_paid_for_and_nothing_is_sized(run: Any, name: str) -> None:
    found = table(run, name)
    assert found["billingMode"] == "PAY_PER_REQUEST"
    assert {"readCapacity", "writeCapacity"} & set(found) == set()


@pytest.mark.parametrize("name", ["sessions", "analytics"])
def test_a_table_lies_under_the_key_of_tables(run: Any, name: str) -> None:
    encryption = table(run, name)["serverSideEncryption"]
    assert encryption["enabled"] is True
    assert encryption["kmsKeyArn"].endswith("Key/tables")


@pytest.mark.parametrize(
    ("name", "recovery"),
    [
        ("dev", {"enabled": True, "recoveryPeriodInDays": 1}),
        ("staging", {"enabled": True, "recoveryPeriodInDays": 7}),
        ("production", {"enabled": True, "recoveryPeriodInDays": 35}),
    ],
)
def test_recovery_reaches_back_as_the_tier_says(
    of_tier: Callable[[str], Runs], name: str, recovery: dict[str, Any]
) -> None:
    tables = of_tier(name)[Layer.TABLES].of("Table")
    assert [found.inputs["pointInTimeRecovery"] for found in tables] == [recovery, recovery]


def test_only_production_refuses_to_delete_tables(run: Any, tier: str) -> None:
    assert {found.inputs["deletionProtectionEnabled"] for found in run.of("Table")} == {tier == "production"}


def test_names_and_addresses_are_handed_on(run: Any, tier: str) -> None:
    assert run.outputs["sessions_table_name"] == f"ils-{tier}-sessions"
    assert run.outputs["analytics_table_name"] == f"ils-{tier}-analytics"
    assert run.outputs["sessions_table_arn"].endswith("Table/sessions")
    assert run.outputs["analytics_table_arn"].endswith("Table/analytics")
