"""What takes minutes in AWS is not there at once, unless the sandbox's clock says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def _poll(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)


@pytest.fixture
def slow(aws: Any) -> Any:
    """A sandbox in which nothing ends by itself for a while."""
    aws.control("PUT", "settings", {"seconds_per_minute": 60})
    return aws


def _fast(aws: Any) -> None:
    aws.control("PUT", "settings", {"seconds_per_minute": 0})


def test_a_nat_gateway_is_pending_and_then_available(slow: Any, network: Any) -> None:
    ec2 = slow.client("ec2")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    created = ec2.create_nat_gateway(SubnetId=network.subnets[0], AllocationId=address)["NatGateway"]
    gateway = created["NatGatewayId"]

    def states(**query: Any) -> list[str]:
        return [each["State"] for each in ec2.describe_nat_gateways(NatGatewayIds=[gateway], **query)["NatGateways"]]

    assert created["State"] == "pending"
    assert states() == ["pending"]
    assert states(Filters=[{"Name": "state", "Values": ["available"]}]) == []
    _fast(slow)
    assert states() == ["available"]
    assert states(Filters=[{"Name": "state", "Values": ["available"]}]) == ["available"]


def test_a_nat_gateway_is_deleting_and_then_deleted_and_frees_its_address(slow: Any, network: Any) -> None:
    ec2 = slow.client("ec2")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    _fast(slow)
    gateway = ec2.create_nat_gateway(SubnetId=network.subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    slow.control("PUT", "settings", {"seconds_per_minute": 60})
    ec2.delete_nat_gateway(NatGatewayId=gateway)

    assert ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"][0]["State"] == "deleting"
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_subnet(SubnetId=network.subnets[0])
    _fast(slow)
    assert ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"][0]["State"] == "deleted"
    assert "AssociationId" not in ec2.describe_addresses(AllocationIds=[address])["Addresses"][0]
    ec2.delete_subnet(SubnetId=network.subnets[0])


def test_time_is_counted_in_the_sandboxs_minutes(aws: Any, network: Any) -> None:
    # A NAT gateway takes 1.8 minutes.
    aws.control("PUT", "settings", {"seconds_per_minute": 0.5})
    ec2 = aws.client("ec2")
    started = time.monotonic()
    created = ec2.create_nat_gateway(SubnetId=network.subnets[0], ConnectivityType="private")["NatGateway"]

    def available() -> bool:
        found = ec2.describe_nat_gateways(NatGatewayIds=[created["NatGatewayId"]])["NatGateways"]
        return bool(found[0]["State"] == "available")

    assert not available()
    _poll(available)
    assert time.monotonic() - started >= 0.9


def test_an_eks_cluster_has_an_endpoint_once_it_is_active(slow: Any, network: Any, role: str, name: str) -> None:
    eks = slow.client("eks")
    eks.create_cluster(name=name, roleArn=role, resourcesVpcConfig={"subnetIds": list(network.subnets)})
    creating = eks.describe_cluster(name=name)["cluster"]
    assert creating["status"] == "CREATING"
    assert "endpoint" not in creating
    with pytest.raises(ClientError, match="not in ACTIVE status"):
        eks.create_nodegroup(clusterName=name, nodegroupName="n", subnets=list(network.subnets), nodeRole=role)
    _fast(slow)
    active = eks.describe_cluster(name=name)["cluster"]
    assert active["status"] == "ACTIVE"
    assert active["endpoint"].startswith("https://")


def test_an_eks_cluster_is_deleting_before_it_is_gone(slow: Any, network: Any, role: str, name: str) -> None:
    eks = slow.client("eks")
    _fast(slow)
    eks.create_cluster(name=name, roleArn=role, resourcesVpcConfig={"subnetIds": list(network.subnets)})
    group = eks.describe_cluster(name=name)["cluster"]["resourcesVpcConfig"]["clusterSecurityGroupId"]
    slow.control("PUT", "settings", {"seconds_per_minute": 60})
    eks.delete_cluster(name=name)
    assert eks.describe_cluster(name=name)["cluster"]["status"] == "DELETING"
    _fast(slow)
    with pytest.raises(eks.exceptions.ResourceNotFoundException):
        eks.describe_cluster(name=name)
    with pytest.raises(ClientError, match="InvalidGroup"):
        slow.client("ec2").describe_security_groups(GroupIds=[group])


def test_an_eks_update_is_in_progress_and_then_successful(slow: Any, network: Any, role: str, name: str) -> None:
    eks = slow.client("eks")
    _fast(slow)
    eks.create_cluster(name=name, version="1.34", roleArn=role, resourcesVpcConfig={"subnetIds": list(network.subnets)})
    eks.describe_cluster(name=name)
    slow.control("PUT", "settings", {"seconds_per_minute": 60})
    update = eks.update_cluster_version(name=name, version="1.35")["update"]
    assert update["status"] == "InProgress"
    assert eks.describe_cluster(name=name)["cluster"]["status"] == "UPDATING"
    with pytest.raises(eks.exceptions.ResourceInUseException):
        eks.update_cluster_config(name=name, upgradePolicy={"supportType": "STANDARD"})
    _fast(slow)
    assert eks.describe_update(name=name, updateId=update["id"])["update"]["status"] == "Successful"
    cluster = eks.describe_cluster(name=name)["cluster"]
    assert (cluster["status"], cluster["version"]) == ("ACTIVE", "1.35")


def test_an_aurora_cluster_and_its_instance_come_and_go(slow: Any, network: Any, name: str) -> None:
    rds = slow.client("rds")
    rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="d", SubnetIds=list(network.subnets))
    created = rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        MasterUsername="ils",
        ManageMasterUserPassword=True,
        DBSubnetGroupName=name,
    )["DBCluster"]
    instance = {"DBInstanceIdentifier": f"{name}-1", "Engine": "aurora-postgresql", "DBInstanceClass": "db.t4g.medium"}
    rds.create_db_instance(DBClusterIdentifier=name, **instance)

    def statuses() -> tuple[str, str]:
        cluster = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
        member = rds.describe_db_instances(DBInstanceIdentifier=f"{name}-1")["DBInstances"][0]
        return cluster["Status"], member["DBInstanceStatus"]

    assert created["Status"] == "creating"
    assert statuses() == ("creating", "creating")
    with pytest.raises(rds.exceptions.InvalidDBClusterStateFault):
        rds.modify_db_cluster(DBClusterIdentifier=name, BackupRetentionPeriod=5)
    _fast(slow)
    assert statuses() == ("available", "available")

    slow.control("PUT", "settings", {"seconds_per_minute": 60})
    rds.delete_db_instance(DBInstanceIdentifier=f"{name}-1", SkipFinalSnapshot=True)
    rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)
    assert statuses() == ("deleting", "deleting")
    with pytest.raises(rds.exceptions.DBClusterAlreadyExistsFault):
        rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-postgresql", MasterUsername="ils",
                              MasterUserPassword="password")  # fmt: skip
    with pytest.raises(rds.exceptions.InvalidDBSubnetGroupStateFault):
        rds.delete_db_subnet_group(DBSubnetGroupName=name)
    _fast(slow)
    with pytest.raises(rds.exceptions.DBClusterNotFoundFault):
        rds.describe_db_clusters(DBClusterIdentifier=name)
    with pytest.raises(rds.exceptions.DBInstanceNotFoundFault):
        rds.describe_db_instances(DBInstanceIdentifier=f"{name}-1")
    rds.delete_db_subnet_group(DBSubnetGroupName=name)


def test_a_replication_group_comes_and_goes(slow: Any, name: str) -> None:
    cache = slow.client("elasticache")
    created = cache.create_replication_group(ReplicationGroupId=name, ReplicationGroupDescription="d")
    assert created["ReplicationGroup"]["Status"] == "creating"
    with pytest.raises(cache.exceptions.InvalidReplicationGroupStateFault):
        cache.delete_replication_group(ReplicationGroupId=name)
    _fast(slow)
    group = cache.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]
    assert group["Status"] == "available"
    assert group["NodeGroups"][0]["PrimaryEndpoint"]["Port"] == 6379
    slow.control("PUT", "settings", {"seconds_per_minute": 60})
    cache.delete_replication_group(ReplicationGroupId=name)
    assert cache.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]["Status"] == "deleting"
    _fast(slow)
    with pytest.raises(cache.exceptions.ReplicationGroupNotFoundFault):
        cache.describe_replication_groups(ReplicationGroupId=name)


def test_botos_waiters_see_it_through(aws: Any, network: Any, role: str, name: str) -> None:
    # 10.2 minutes of a cluster are 0.2 seconds here.
    aws.control("PUT", "settings", {"seconds_per_minute": 0.02})
    eks = aws.client("eks")
    eks.create_cluster(name=name, roleArn=role, resourcesVpcConfig={"subnetIds": list(network.subnets)})
    eks.get_waiter("cluster_active").wait(name=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
    eks.delete_cluster(name=name)
    eks.get_waiter("cluster_deleted").wait(name=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
