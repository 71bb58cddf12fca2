"""ElastiCache keeps what it is told, and refuses what AWS refuses."""

from __future__ import annotations

from typing import Any

import pytest

TOKEN = "a-token-of-enough-length"


@pytest.fixture
def groups(aws: Any, network: Any, name: str) -> str:
    """A subnet group and a parameter group of that name."""
    cache = aws.client("elasticache")
    cache.create_cache_subnet_group(
        CacheSubnetGroupName=name, CacheSubnetGroupDescription="d", SubnetIds=list(network.subnets)
    )
    cache.create_cache_parameter_group(
        CacheParameterGroupName=name, CacheParameterGroupFamily="redis7", Description="d"
    )
    return name


@pytest.fixture
def group(aws: Any, groups: str, network: Any) -> str:
    aws.client("elasticache").create_replication_group(
        ReplicationGroupId=groups,
        ReplicationGroupDescription="sessions",
        NumCacheClusters=3,
        AutomaticFailoverEnabled=True,
        MultiAZEnabled=True,
        CacheNodeType="cache.t4g.small",
        Engine="redis",
        EngineVersion="7.1",
        CacheParameterGroupName=groups,
        CacheSubnetGroupName=groups,
        SecurityGroupIds=[network.group],
        PreferredMaintenanceWindow="mon:05:00-mon:06:00",
        AutoMinorVersionUpgrade=False,
        SnapshotRetentionLimit=5,
        SnapshotWindow="03:00-05:00",
        AuthToken=TOKEN,
        TransitEncryptionEnabled=True,
        AtRestEncryptionEnabled=True,
        KmsKeyId="arn:aws:kms:eu-central-1:123456789012:key/1",
        Tags=[{"Key": "a", "Value": "b"}],
    )
    return groups


def _described(aws: Any, group: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = aws.client("elasticache").describe_replication_groups(ReplicationGroupId=group)[
        "ReplicationGroups"
    ]
    return found[0]


def test_a_replication_group_is_described_as_it_was_created(aws: Any, group: str) -> None:
    expected = {
        "Status": "available",
        "Description": "sessions",
        "AutomaticFailover": "enabled",
        "MultiAZ": "enabled",
        "CacheNodeType": "cache.t4g.small",
        "Engine": "redis",
        "AutoMinorVersionUpgrade": False,
        "SnapshotRetentionLimit": 5,
        "SnapshotWindow": "03:00-05:00",
        "AuthTokenEnabled": True,
        "TransitEncryptionEnabled": True,
        "TransitEncryptionMode": "required",
        "AtRestEncryptionEnabled": True,
        "KmsKeyId": "arn:aws:kms:eu-central-1:123456789012:key/1",
        "ClusterEnabled": False,
    }
    described = _described(aws, group)
    assert {key: described[key] for key in expected} == expected


def test_a_group_of_three_has_a_primary_and_two_replicas_in_both_zones(aws: Any, group: str) -> None:
    described = _described(aws, group)
    (shard,) = described["NodeGroups"]
    members = shard["NodeGroupMembers"]
    assert [member["CurrentRole"] for member in members] == ["primary", "replica", "replica"]
    assert {member["PreferredAvailabilityZone"] for member in members} == {"eu-central-1a", "eu-central-1b"}
    assert described["MemberClusters"] == [f"{group}-{number:03}" for number in (1, 2, 3)]
    assert shard["PrimaryEndpoint"]["Address"].startswith(f"master.{group}.")


def test_members_show_what_the_group_does_not(aws: Any, group: str, network: Any) -> None:
    member = aws.client("elasticache").describe_cache_clusters(CacheClusterId=f"{group}-001", ShowCacheNodeInfo=True)[
        "CacheClusters"
    ][0]
    assert member["EngineVersion"] == "7.1.0"
    assert member["CacheSubnetGroupName"] == group
    assert member["CacheParameterGroup"]["CacheParameterGroupName"] == group
    assert member["SecurityGroups"] == [{"SecurityGroupId": network.group, "Status": "active"}]
    assert member["PreferredMaintenanceWindow"] == "mon:05:00-mon:06:00"
    assert member["CacheNodes"][0]["Endpoint"]["Port"] == 6379


def test_shards_make_a_group_of_several_node_groups(aws: Any, name: str) -> None:
    aws.client("elasticache").create_replication_group(
        ReplicationGroupId=name, ReplicationGroupDescription="d", NumNodeGroups=2, ReplicasPerNodeGroup=1
    )
    described = _described(aws, name)
    assert described["ClusterEnabled"] is True
    assert [group["Slots"] for group in described["NodeGroups"]] == ["0-8191", "8192-16383"]
    assert described["ConfigurationEndpoint"]["Address"].startswith("clustercfg.")
    assert len(described["MemberClusters"]) == 4


def test_a_group_is_changed(aws: Any, group: str) -> None:
    cache = aws.client("elasticache")
    cache.modify_replication_group(
        ReplicationGroupId=group,
        ReplicationGroupDescription="other",
        SnapshotRetentionLimit=7,
        CacheNodeType="cache.r7g.large",
        AuthToken=f"{TOKEN}-2",
        AuthTokenUpdateStrategy="ROTATE",
        ApplyImmediately=True,
    )
    described = _described(aws, group)
    assert described["Description"] == "other"
    assert described["SnapshotRetentionLimit"] == 7
    assert described["CacheNodeType"] == "cache.r7g.large"


def test_the_number_of_replicas_is_changed(aws: Any, group: str) -> None:
    cache = aws.client("elasticache")
    cache.decrease_replica_count(ReplicationGroupId=group, NewReplicaCount=1, ApplyImmediately=True)
    assert len(_described(aws, group)["MemberClusters"]) == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"AuthToken": TOKEN}, "in-transit encryption"),
        ({"AuthToken": "short", "TransitEncryptionEnabled": True}, "Invalid AuthToken"),
        ({"EngineVersion": "3.0"}, "Cannot find version"),
        ({"AutomaticFailoverEnabled": True, "NumCacheClusters": 1}, "at least one replica"),
        ({"MultiAZEnabled": True, "NumCacheClusters": 2}, "automatic failover"),
        ({"CacheSubnetGroupName": "none"}, "not found"),
        ({"CacheParameterGroupName": "none"}, "not found"),
    ],
)
def test_what_does_not_go_together_is_refused(aws: Any, name: str, wrong: dict[str, Any], message: str) -> None:
    cache = aws.client("elasticache")
    with pytest.raises(cache.exceptions.ClientError, match=message):
        cache.create_replication_group(ReplicationGroupId=name, ReplicationGroupDescription="d", **wrong)
    with pytest.raises(cache.exceptions.ReplicationGroupNotFoundFault):
        cache.describe_replication_groups(ReplicationGroupId=name)


def test_parameters_are_set_listed_and_reset(aws: Any, groups: str) -> None:
    cache = aws.client("elasticache")
    change = {"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lru"}
    cache.modify_cache_parameter_group(CacheParameterGroupName=groups, ParameterNameValues=[change])

    def set_by_user() -> list[tuple[str, str]]:
        found = cache.describe_cache_parameters(CacheParameterGroupName=groups, Source="user")["Parameters"]
        return [(each["ParameterName"], each["ParameterValue"]) for each in found]

    assert set_by_user() == [("maxmemory-policy", "allkeys-lru")]
    cache.reset_cache_parameter_group(CacheParameterGroupName=groups, ParameterNameValues=[change])
    assert set_by_user() == []


def test_groups_in_use_are_not_deleted(aws: Any, group: str) -> None:
    cache = aws.client("elasticache")
    with pytest.raises(cache.exceptions.CacheSubnetGroupInUse):
        cache.delete_cache_subnet_group(CacheSubnetGroupName=group)
    with pytest.raises(cache.exceptions.InvalidCacheParameterGroupStateFault):
        cache.delete_cache_parameter_group(CacheParameterGroupName=group)
    cache.delete_replication_group(ReplicationGroupId=group)
    with pytest.raises(cache.exceptions.ReplicationGroupNotFoundFault):
        cache.describe_replication_groups(ReplicationGroupId=group)
    cache.delete_cache_subnet_group(CacheSubnetGroupName=group)
    cache.delete_cache_parameter_group(CacheParameterGroupName=group)
    with pytest.raises(cache.exceptions.CacheSubnetGroupNotFoundFault):
        cache.describe_cache_subnet_groups(CacheSubnetGroupName=group)


def test_a_final_snapshot_outlives_its_group(aws: Any, group: str) -> None:
    cache = aws.client("elasticache")
    cache.delete_replication_group(ReplicationGroupId=group, FinalSnapshotIdentifier=f"{group}-final")
    snapshot = cache.describe_snapshots(SnapshotName=f"{group}-final")["Snapshots"][0]
    assert snapshot["ReplicationGroupId"] == group
    assert snapshot["SnapshotStatus"] == "available"


def test_tags_are_kept_by_arn(aws: Any, group: str) -> None:
    cache = aws.client("elasticache")
    arn = _described(aws, group)["ARN"]
    cache.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "c", "Value": "d"}])
    cache.remove_tags_from_resource(ResourceName=arn, TagKeys=["a"])
    assert cache.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "c", "Value": "d"}]


def test_engine_versions_name_their_parameter_group_family(aws: Any) -> None:
    found = aws.client("elasticache").describe_cache_engine_versions(Engine="redis", DefaultOnly=True)
    (version,) = found["CacheEngineVersions"]
    assert (version["EngineVersion"], version["CacheParameterGroupFamily"]) == ("7.1", "redis7")
