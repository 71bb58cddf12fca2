"""Redis or Valkey."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ils_pipelines.settings.layers import Layer
from tests.stacks.conftest import shipped, upstream_of

Runs = Mapping[Layer, Any]
Changed = Callable[..., Runs]


def group_of(run: Any) -> Any:
    (group,) = [group for group in run.of("ReplicationGroup") if not group.component]
    return group


@pytest.fixture
def run(applied: Runs) -> Any:
    return applied[Layer.CACHE]


@pytest.fixture
def group(run: Any) -> dict[str, Any]:
    return dict(group_of(run).inputs)


@pytest.mark.parametrize(
    ("name", "nodes", "several"), [("dev", 1, False), ("staging", 2, True), ("production", 3, True)]
)
def test_several_nodes_fail_over_between_zones(
    of_tier: Callable[[str], Runs], name: str, nodes: int, several: bool
) -> None:
    group = group_of(of_tier(name)[Layer.CACHE]).inputs
    assert group["numCacheClusters"] == nodes
    assert (group["automaticFailoverEnabled"], group["multiAzEnabled"]) == (several, several)


def test_it_speaks_tls_only_and_asks_for_a_token(group: dict[str, Any]) -> None:
    assert (group["transitEncryptionEnabled"], group["transitEncryptionMode"]) == (True, "required")
    assert group["authToken"]


def test_the_token_is_the_one_in_the_secret(run: Any, group: dict[str, Any]) -> None:
    version = run.one("SecretVersion")
    assert group["authToken"] == version.inputs["secretString"]
    assert version.inputs["secretId"] == "auth-token-id"
    assert run.outputs["auth_token_secret_arn"].endswith("Secret/auth-token")


def test_a_plan_and_what_is_applied_by_it_bring_the_same_token(
    up: Callable[..., Any], preview: Callable[..., Any], of_tier: Callable[[str], Runs]
) -> None:
    given = upstream_of(shipped("dev"), Layer.CACHE, of_tier("dev"))

    def token(run: Any) -> str:
        return str(run.one("SecretVersion").inputs["secretString"])

    planned = token(preview("dev", Layer.CACHE, given))
    assert token(up("dev", Layer.CACHE, given)) == planned
    assert re.fullmatch(r"[0-9a-f]{64}", planned)
    assert token(up("dev", Layer.CACHE, upstream_of(shipped("dev"), Layer.CACHE, of_tier("dev")))) != planned


def test_the_token_is_secret_wherever_it_goes(run: Any) -> None:
    assert "secretString" in run.one("SecretVersion").secret_inputs
    assert "authToken" in group_of(run).secret_inputs


def test_only_the_first_token_is_ever_kept(run: Any) -> None:
    assert run.one("SecretVersion").ignore_changes == ("secretString",)


@pytest.mark.parametrize(("name", "days"), [("dev", 0), ("production", 30)])
def test_a_protected_secret_can_be_taken_back(of_tier: Callable[[str], Runs], name: str, days: int) -> None:
    assert of_tier(name)[Layer.CACHE].one("Secret").inputs["recoveryWindowInDays"] == days


@pytest.mark.parametrize(("name", "days"), [("dev", 1), ("staging", 3), ("production", 7)])
def test_snapshots_are_taken_and_kept_as_the_tier_says(of_tier: Callable[[str], Runs], name: str, days: int) -> None:
    group = group_of(of_tier(name)[Layer.CACHE]).inputs
    assert (group["snapshotRetentionLimit"], group["snapshotWindow"]) == (days, "03:00-04:00")


def test_only_production_leaves_a_last_snapshot(group: dict[str, Any], tier: str) -> None:
    assert group.get("finalSnapshotIdentifier") == ("ils-production-final-cache" if tier == "production" else None)


def test_engine_and_port_are_those_of_the_specification(group: dict[str, Any]) -> None:
    assert (group["engine"], group["engineVersion"], group["port"]) == ("redis", "7.1", 6379)


def test_valkey_gets_a_parameter_group_of_its_own(apply_changed: Changed) -> None:
    run = apply_changed(cache={"engine": "valkey", "engine_version": "8.1"})[Layer.CACHE]
    parameters = run.one("ParameterGroup").inputs
    assert (parameters["name"], parameters["family"]) == ("ils-dev-valkey8", "valkey8")
    assert (group_of(run).inputs["engine"], group_of(run).inputs["engineVersion"]) == ("valkey", "8.1")


def test_the_cache_stands_in_private_subnets_behind_its_group(run: Any, group: dict[str, Any]) -> None:
    assert run.one("SubnetGroup").inputs["subnetIds"] == ["private-a-id", "private-b-id"]
    assert group["securityGroupIds"] == ["cache-id"]
