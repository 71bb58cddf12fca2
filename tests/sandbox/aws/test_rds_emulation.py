"""Aurora keeps what it is told, and refuses what AWS refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest


@pytest.fixture
def key(aws: Any) -> str:
    return str(aws.client("kms").create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def subnet_group(aws: Any, network: Any, name: str) -> str:
    aws.client("rds").create_db_subnet_group(
        DBSubnetGroupName=name, DBSubnetGroupDescription="d", SubnetIds=list(network.subnets)
    )
    return name


@pytest.fixture
def settings(network: Any, role: str, subnet_group: str, key: str) -> dict[str, Any]:
    """Everything that a cluster's program sets."""
    return {
        "DBClusterIdentifier": subnet_group,
        "Engine": "aurora-postgresql",
        "EngineVersion": "15.12",
        "DatabaseName": "ilsdb",
        "MasterUsername": "ils",
        "ManageMasterUserPassword": True,
        "MasterUserSecretKmsKeyId": key,
        "DBSubnetGroupName": subnet_group,
        "VpcSecurityGroupIds": [network.group],
        "BackupRetentionPeriod": 30,
        "PreferredBackupWindow": "03:00-04:00",
        "PreferredMaintenanceWindow": "sun:05:00-sun:06:00",
        "StorageEncrypted": True,
        "KmsKeyId": key,
        "EnableCloudwatchLogsExports": ["postgresql"],
        "DeletionProtection": True,
        "CopyTagsToSnapshot": True,
        "EnableIAMDatabaseAuthentication": True,
        "Port": 5433,
        "StorageType": "aurora-iopt1",
        "EngineLifecycleSupport": "open-source-rds-extended-support-disabled",
        "CACertificateIdentifier": "rds-ca-ecc384-g1",
        "EnablePerformanceInsights": True,
        "PerformanceInsightsKMSKeyId": key,
        "PerformanceInsightsRetentionPeriod": 7,
        "MonitoringInterval": 60,
        "MonitoringRoleArn": role,
        "DatabaseInsightsMode": "standard",
        "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 4.0},
        "Tags": [{"Key": "a", "Value": "b"}],
    }


@pytest.fixture
def cluster(aws: Any, settings: dict[str, Any]) -> str:
    aws.client("rds").create_db_cluster(**settings)
    return str(settings["DBClusterIdentifier"])


def _cluster(aws: Any, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = aws.client("rds").describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    return found[0]


def _add_instance(aws: Any, cluster: str, number: int, **more: Any) -> dict[str, Any]:
    rds = aws.client("rds")
    name = f"{cluster}-{number}"
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBClusterIdentifier=cluster,
        Engine="aurora-postgresql",
        DBInstanceClass="db.t4g.medium",
        **more,
    )
    found: list[dict[str, Any]] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    return found[0]


# Parameter of the creation -> key of the description, where it is another one.
RENAMED = {
    "DBSubnetGroupName": "DBSubnetGroup",
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "Tags": "TagList",
}
SHOWN_OTHERWISE = {
    "ManageMasterUserPassword",
    "MasterUserSecretKmsKeyId",
    "VpcSecurityGroupIds",
    "CACertificateIdentifier",
}


def test_a_cluster_is_described_as_it_was_created(aws: Any, cluster: str, settings: dict[str, Any]) -> None:
    described = _cluster(aws, cluster)
    plain = {RENAMED.get(key, key): value for key, value in settings.items() if key not in SHOWN_OTHERWISE}
    assert {each: described.get(each) for each in plain} == plain
    assert [group["VpcSecurityGroupId"] for group in described["VpcSecurityGroups"]] == settings["VpcSecurityGroupIds"]
    assert described["CertificateDetails"]["CAIdentifier"] == "rds-ca-ecc384-g1"


def test_the_managed_master_secret_exists_with_the_clusters_user(aws: Any, cluster: str, key: str) -> None:
    secret = _cluster(aws, cluster)["MasterUserSecret"]
    assert secret["SecretStatus"] == "active"
    assert secret["KmsKeyId"] == key
    value = aws.client("secretsmanager").get_secret_value(SecretId=secret["SecretArn"])["SecretString"]
    assert json.loads(value)["username"] == "ils"
    assert len(json.loads(value)["password"]) >= 20


def test_two_clusters_have_two_passwords(aws: Any, settings: dict[str, Any]) -> None:
    passwords = set()
    for suffix in "ab":
        name = f"{settings['DBClusterIdentifier']}-{suffix}"
        aws.client("rds").create_db_cluster(**{**settings, "DBClusterIdentifier": name})
        arn = _cluster(aws, name)["MasterUserSecret"]["SecretArn"]
        passwords.add(aws.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    assert len(passwords) == 2


@pytest.mark.parametrize(("asked", "got"), [("15", "15.17"), ("15.10", "15.10")])
def test_a_major_version_means_its_newest_minor(aws: Any, settings: dict[str, Any], asked: str, got: str) -> None:
    aws.client("rds").create_db_cluster(**{**settings, "EngineVersion": asked})
    assert _cluster(aws, settings["DBClusterIdentifier"])["EngineVersion"] == got


@pytest.mark.parametrize("version", ["15.2", "15.4", "99"])
def test_versions_that_cannot_be_created_are_refused(aws: Any, settings: dict[str, Any], version: str) -> None:
    rds = aws.client("rds")
    with pytest.raises(rds.exceptions.ClientError, match=f"Cannot find version {version}"):
        rds.create_db_cluster(**{**settings, "EngineVersion": version})


def test_a_key_that_does_not_exist_is_refused(aws: Any, settings: dict[str, Any], key: str) -> None:
    rds = aws.client("rds")
    with pytest.raises(rds.exceptions.KMSKeyNotAccessibleFault):
        rds.create_db_cluster(**{**settings, "KmsKeyId": f"{key[:-4]}0000"})


def test_engine_versions_are_listed_with_family_and_upgrade_targets(aws: Any) -> None:
    rds = aws.client("rds")
    found = rds.describe_db_engine_versions(Engine="aurora-postgresql", EngineVersion="15")["DBEngineVersions"]
    assert {version["DBParameterGroupFamily"] for version in found} == {"aurora-postgresql15"}
    assert found[-1]["EngineVersion"] == "15.17"
    targets = {target["EngineVersion"]: target["IsMajorVersionUpgrade"] for target in found[0]["ValidUpgradeTarget"]}
    assert targets["15.12"] is False
    assert targets["16.13"] is True


def test_a_version_that_is_withdrawn_is_made_no_more_and_described_only_to_who_asks_for_all(
    aws: Any, settings: dict[str, Any]
) -> None:
    rds, asked = aws.client("rds"), {"Engine": "aurora-postgresql", "EngineVersion": "15.12"}
    aws.control("PUT", "settings", {"withdrawn": ["15.12"]})

    with pytest.raises(rds.exceptions.ClientError, match=r"Cannot find version 15\.12"):
        rds.create_db_cluster(**settings)
    assert rds.describe_db_engine_versions(**asked)["DBEngineVersions"] == []
    (described,) = rds.describe_db_engine_versions(**asked, IncludeAll=True)["DBEngineVersions"]
    assert described["Status"] == "deprecated"
    assert "15.17" in {each["EngineVersion"] for each in described["ValidUpgradeTarget"]}


def test_deletion_protection_is_honoured(aws: Any, cluster: str) -> None:
    rds = aws.client("rds")
    with pytest.raises(rds.exceptions.ClientError, match="deletion protection"):
        rds.delete_db_cluster(DBClusterIdentifier=cluster, SkipFinalSnapshot=True)
    assert _cluster(aws, cluster)["Status"] == "available"
    rds.modify_db_cluster(DBClusterIdentifier=cluster, DeletionProtection=False)
    rds.delete_db_cluster(DBClusterIdentifier=cluster, SkipFinalSnapshot=True)


def test_a_cluster_is_changed(aws: Any, cluster: str) -> None:
    rds = aws.client("rds")
    rds.modify_db_cluster(
        DBClusterIdentifier=cluster,
        BackupRetentionPeriod=8,
        PreferredBackupWindow="02:00-03:00",
        CloudwatchLogsExportConfiguration={"DisableLogTypes": ["postgresql"], "EnableLogTypes": ["instance"]},
        EnableIAMDatabaseAuthentication=False,
        CopyTagsToSnapshot=False,
        EngineVersion="15.13",
        StorageType="aurora",
        EnablePerformanceInsights=False,
        ApplyImmediately=True,
    )
    expected = {
        "BackupRetentionPeriod": 8,
        "PreferredBackupWindow": "02:00-03:00",
        "EnabledCloudwatchLogsExports": ["instance"],
        "IAMDatabaseAuthenticationEnabled": False,
        "CopyTagsToSnapshot": False,
        "EngineVersion": "15.13",
        "StorageType": "aurora",
        "PerformanceInsightsEnabled": False,
    }
    described = _cluster(aws, cluster)
    assert {key: described[key] for key in expected} == expected


def test_an_instance_is_described_as_it_was_created(aws: Any, cluster: str, role: str, key: str) -> None:
    given = {
        "PubliclyAccessible": False,
        "PerformanceInsightsKMSKeyId": key,
        "PerformanceInsightsRetentionPeriod": 31,
        "MonitoringInterval": 30,
        "MonitoringRoleArn": role,
        "AutoMinorVersionUpgrade": False,
        "PromotionTier": 3,
        "CACertificateIdentifier": "rds-ca-rsa4096-g1",
        "CopyTagsToSnapshot": True,
        "PreferredMaintenanceWindow": "mon:05:00-mon:06:00",
    }
    instance = _add_instance(aws, cluster, 1, **given, EnablePerformanceInsights=True)
    assert {each: instance.get(each) for each in given} == given
    assert instance["PerformanceInsightsEnabled"] is True
    assert instance["EngineVersion"] == "15.12"
    assert instance["StorageType"] == "aurora-iopt1"
    assert instance["DBSubnetGroup"]["DBSubnetGroupName"] == cluster


def test_instances_spread_over_the_zones_and_have_ids_of_their_own(aws: Any, cluster: str) -> None:
    instances = [_add_instance(aws, cluster, number) for number in (1, 2)]
    assert {instance["AvailabilityZone"] for instance in instances} == {"eu-central-1a", "eu-central-1b"}
    assert len({instance["DbiResourceId"] for instance in instances}) == 2
    members = _cluster(aws, cluster)["DBClusterMembers"]
    assert [member["IsClusterWriter"] for member in members] == [True, False]


def test_a_cluster_with_instances_is_not_deleted(aws: Any, cluster: str) -> None:
    rds = aws.client("rds")
    _add_instance(aws, cluster, 1)
    rds.modify_db_cluster(DBClusterIdentifier=cluster, DeletionProtection=False)
    with pytest.raises(rds.exceptions.InvalidDBClusterStateFault):
        rds.delete_db_cluster(DBClusterIdentifier=cluster, SkipFinalSnapshot=True)


def test_a_subnet_group_is_changed_and_still_there(aws: Any, subnet_group: str, network: Any) -> None:
    rds = aws.client("rds")
    rds.modify_db_subnet_group(
        DBSubnetGroupName=subnet_group, DBSubnetGroupDescription="other", SubnetIds=list(network.subnets)
    )
    found = rds.describe_db_subnet_groups(DBSubnetGroupName=subnet_group)["DBSubnetGroups"][0]
    assert found["DBSubnetGroupDescription"] == "other"
    with pytest.raises(rds.exceptions.DBSubnetGroupAlreadyExistsFault):
        rds.create_db_subnet_group(
            DBSubnetGroupName=subnet_group, DBSubnetGroupDescription="d", SubnetIds=list(network.subnets)
        )


def test_parameters_of_a_cluster_parameter_group_are_set_and_reset(aws: Any, name: str) -> None:
    rds = aws.client("rds")
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=name, DBParameterGroupFamily="aurora-postgresql15", Description="d"
    )
    parameter = {"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "immediate"}
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName=name, Parameters=[parameter])

    def values() -> dict[str, str]:
        found = rds.describe_db_cluster_parameters(DBClusterParameterGroupName=name, Source="user")["Parameters"]
        return {each["ParameterName"]: each["ParameterValue"] for each in found}

    assert values() == {"rds.force_ssl": "1"}
    rds.reset_db_cluster_parameter_group(DBClusterParameterGroupName=name, Parameters=[parameter])
    assert values() == {}


def test_a_parameter_group_in_use_is_not_deleted(aws: Any, settings: dict[str, Any], name: str) -> None:
    rds = aws.client("rds")
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=name, DBParameterGroupFamily="aurora-postgresql15", Description="d"
    )
    rds.create_db_cluster(**settings, DBClusterParameterGroupName=name)
    with pytest.raises(rds.exceptions.InvalidDBParameterGroupStateFault):
        rds.delete_db_cluster_parameter_group(DBClusterParameterGroupName=name)


# -- other versions ---------------------------------------------------------------------------------------------------


def test_another_version_waits_for_the_maintenance_window(aws: Any, cluster: str) -> None:
    rds = aws.client("rds")
    _add_instance(aws, cluster, 1)
    rds.modify_db_cluster(DBClusterIdentifier=cluster, EngineVersion="15.17", PreferredMaintenanceWindow=_window(3))

    waiting = _cluster(aws, cluster)
    aws.control("PUT", "settings", {"minutes_ahead": 4 * 60})
    there = _cluster(aws, cluster)
    instance = rds.describe_db_instances(DBInstanceIdentifier=f"{cluster}-1")["DBInstances"][0]

    assert (waiting["EngineVersion"], waiting["PendingModifiedValues"]["EngineVersion"]) == ("15.12", "15.17")
    assert (there["EngineVersion"], there.get("PendingModifiedValues")) == ("15.17", None)
    assert instance["EngineVersion"] == "15.17"


def test_another_version_comes_at_once_where_that_is_asked_for(aws: Any, cluster: str) -> None:
    rds = aws.client("rds")
    _add_instance(aws, cluster, 1)
    aws.control("PUT", "settings", {"seconds_per_minute": 60})

    rds.modify_db_cluster(DBClusterIdentifier=cluster, EngineVersion="15.17", ApplyImmediately=True)
    statuses = {
        _cluster(aws, cluster)["Status"],
        rds.describe_db_instances(DBInstanceIdentifier=f"{cluster}-1")["DBInstances"][0]["DBInstanceStatus"],
    }
    aws.control("PUT", "settings", {"seconds_per_minute": 0})

    assert statuses == {"upgrading"}
    assert (_cluster(aws, cluster)["Status"], _cluster(aws, cluster)["EngineVersion"]) == ("available", "15.17")


@pytest.mark.parametrize(
    ("version", "why"), [("15.10", "Cannot upgrade"), ("16.13", "AllowMajorVersionUpgrade"), ("15.2", "Cannot find")]
)
def test_a_version_that_a_cluster_cannot_be_brought_to_is_refused(
    aws: Any, cluster: str, version: str, why: str
) -> None:
    rds = aws.client("rds")
    with pytest.raises(rds.exceptions.ClientError, match=why):
        rds.modify_db_cluster(DBClusterIdentifier=cluster, EngineVersion=version, ApplyImmediately=True)
    assert _cluster(aws, cluster)["EngineVersion"] == "15.12"


def _window(hours: int) -> str:
    """A maintenance window of an hour that opens in so many hours."""
    opens = datetime.now(UTC) + timedelta(hours=hours)
    return f"{opens:%a:%H:%M}-{opens + timedelta(hours=1):%a:%H:%M}".lower()
