"""Aurora PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ils_pipelines.settings.layers import Layer

Runs = Mapping[Layer, Any]
Changed = Callable[..., Runs]


@pytest.fixture
def run(applied: Runs) -> Any:
    return applied[Layer.DATABASE]


@pytest.fixture
def cluster(run: Any) -> dict[str, Any]:
    return dict(run.one("Cluster").inputs)


@pytest.mark.parametrize(
    ("name", "instances", "days", "protected"),
    [("dev", 1, 7, False), ("staging", 2, 14, False), ("production", 3, 30, True)],
)
def test_the_tiers_differ_as_specified(
    of_tier: Callable[[str], Runs], name: str, instances: int, days: int, protected: bool
) -> None:
    run = of_tier(name)[Layer.DATABASE]
    cluster = run.one("Cluster").inputs
    assert len(run.of("ClusterInstance")) == instances
    assert (cluster["backupRetentionPeriod"], cluster["deletionProtection"]) == (days, protected)


def test_engine_name_and_window_are_those_of_the_specification(cluster: dict[str, Any]) -> None:
    assert (cluster["engine"], cluster["engineVersion"]) == ("aurora-postgresql", "15")
    assert (cluster["databaseName"], cluster["port"], cluster["preferredBackupWindow"]) == (
        "ilsdb",
        5432,
        "03:00-04:00",
    )


def test_the_master_password_is_rds_s_and_nowhere_here(cluster: dict[str, Any]) -> None:
    assert cluster["manageMasterUserPassword"] is True
    assert not {"masterPassword", "masterPasswordWo"} & set(cluster)


def test_no_availability_zones_are_given(cluster: dict[str, Any]) -> None:
    assert "availabilityZones" not in cluster


def test_connections_without_tls_are_refused(run: Any) -> None:
    group = run.one("ClusterParameterGroup").inputs
    assert {"name": "rds.force_ssl", "value": "1", "applyMethod": "immediate"} in group["parameters"]
    assert group["family"] == "aurora-postgresql15"


def test_a_new_major_version_gets_a_parameter_group_beside_the_old_one(
    apply_changed: Changed, of_tier: Callable[[str], Runs]
) -> None:
    before = of_tier("dev")[Layer.DATABASE].one("ClusterParameterGroup").inputs
    after = apply_changed(database={"engine_version": "16"})[Layer.DATABASE].one("ClusterParameterGroup").inputs
    assert (before["name"], after["name"]) == ("ils-dev-aurora-postgresql15", "ils-dev-aurora-postgresql16")
    assert after["family"] == "aurora-postgresql16"


def test_the_log_is_exported_into_a_group_that_is_there_before(run: Any, tier: str) -> None:
    group = run.one("LogGroup")
    assert group.inputs["name"] == f"/aws/rds/cluster/ils-{tier}/postgresql"
    assert group.urn in run.one("Cluster").dependencies
    assert run.one("Cluster").inputs["enabledCloudwatchLogsExports"] == ["postgresql"]


def test_iam_login_and_tags_on_snapshots_are_on(cluster: dict[str, Any]) -> None:
    assert cluster["iamDatabaseAuthenticationEnabled"] is True
    assert cluster["copyTagsToSnapshot"] is True


def test_only_production_leaves_a_last_snapshot(cluster: dict[str, Any], tier: str) -> None:
    expected = ("ils-production-final-database", False) if tier == "production" else (None, True)
    assert (cluster.get("finalSnapshotIdentifier"), cluster["skipFinalSnapshot"]) == expected


def test_no_instance_is_public(run: Any) -> None:
    assert {instance.inputs["publiclyAccessible"] for instance in run.of("ClusterInstance")} == {False}


def test_instances_are_promoted_in_the_order_of_their_numbers(of_tier: Callable[[str], Runs]) -> None:
    instances = of_tier("production")[Layer.DATABASE].of("ClusterInstance")
    assert {i.inputs["identifier"]: i.inputs["promotionTier"] for i in instances} == {
        "ils-production-1": 0,
        "ils-production-2": 1,
        "ils-production-3": 2,
    }


def test_instances_are_monitored_under_a_role_that_may(run: Any) -> None:
    attachment = run.one("RolePolicyAttachment")
    assert attachment.inputs["policyArn"] == "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
    for instance in run.of("ClusterInstance"):
        assert instance.inputs["monitoringInterval"] > 0
        assert instance.inputs["monitoringRoleArn"].endswith("Role/database-monitoring")
        assert attachment.urn in instance.dependencies
        assert instance.inputs["performanceInsightsEnabled"] is True
        assert instance.inputs["autoMinorVersionUpgrade"] is True


def test_monitoring_can_be_turned_off(apply_changed: Changed) -> None:
    run = apply_changed(database={"monitoring_interval_seconds": 0, "performance_insights": False})[Layer.DATABASE]
    (instance,) = run.of("ClusterInstance")
    assert instance.inputs["monitoringInterval"] == 0
    assert instance.inputs["performanceInsightsEnabled"] is False
    assert not {"monitoringRoleArn", "performanceInsightsKmsKeyId"} & set(instance.inputs)
    assert run.of("Role") == []


def test_the_database_stands_in_private_subnets_behind_its_group(run: Any, cluster: dict[str, Any]) -> None:
    assert run.one("SubnetGroup").inputs["subnetIds"] == ["private-a-id", "private-b-id"]
    assert cluster["vpcSecurityGroupIds"] == ["database-id"]


def test_the_outputs_lead_to_the_database_and_its_secret(run: Any) -> None:
    assert run.outputs["endpoint"] == "https://endpoint"
    assert run.outputs["master_secret_arn"] == "arn:master"
    assert (run.outputs["database_name"], run.outputs["master_username"]) == ("ilsdb", "ils_admin")
