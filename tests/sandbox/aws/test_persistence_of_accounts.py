"""What the emulated accounts contain outlives the server."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ils_sandbox.aws.persistence import quiet_after

INLINE = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)


EC2_DESCRIPTIONS = (
    "vpcs",
    "subnets",
    "internet_gateways",
    "addresses",
    "nat_gateways",
    "route_tables",
    "vpc_endpoints",
    "security_groups",
    "security_group_rules",
    "flow_logs",
    "launch_templates",
    "network_acls",
)


def _create_everything(server: Any, network: Any, role: str) -> None:
    """One of each resource type that the layers use, and a few that come later."""
    ec2, kms, iam, logs = (server.client(service) for service in ("ec2", "kms", "iam", "logs"))
    eks, rds, cache, secrets = (server.client(each) for each in ("eks", "rds", "elasticache", "secretsmanager"))
    subnets, group = list(network.subnets), network.group
    tags = [{"Key": "Name", "Value": "kept"}]

    key = kms.create_key(Description="data", Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]["Arn"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    kms.create_alias(AliasName="alias/kept", TargetKeyId=key)

    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    table = ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnets[0])
    ec2.create_vpc_endpoint(VpcId=network.vpc, ServiceName="com.amazonaws.eu-central-1.s3", RouteTableIds=[table])
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 5432,
                "ToPort": 5432,
                "UserIdGroupPairs": [{"GroupId": group, "Description": "each other"}],
            }
        ],
    )
    template = ec2.create_launch_template(
        LaunchTemplateName="kept", LaunchTemplateData={"MetadataOptions": {"HttpTokens": "required"}}
    )["LaunchTemplate"]["LaunchTemplateId"]

    logs.create_log_group(logGroupName="/kept")
    logs.put_retention_policy(logGroupName="/kept", retentionInDays=7)
    ec2.create_flow_logs(
        ResourceIds=[network.vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName="/kept",
        DeliverLogsPermissionArn=role,
        MaxAggregationInterval=60,
    )
    name = role.rpartition("/")[2]
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=INLINE)
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
    iam.create_open_id_connect_provider(
        Url="https://oidc.example.com/id/1", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40]
    )

    eks.create_cluster(name="kept", roleArn=role, resourcesVpcConfig={"subnetIds": subnets})
    eks.describe_cluster(name="kept")
    eks.create_nodegroup(
        clusterName="kept",
        nodegroupName="nodes",
        subnets=subnets,
        nodeRole=role,
        launchTemplate={"id": template, "version": "1"},
    )

    rds.create_db_subnet_group(DBSubnetGroupName="kept", DBSubnetGroupDescription="d", SubnetIds=subnets, Tags=tags)
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="kept", DBParameterGroupFamily="aurora-postgresql15", Description="d"
    )
    rds.create_db_cluster(
        DBClusterIdentifier="kept",
        Engine="aurora-postgresql",
        EngineVersion="15",
        MasterUsername="ils",
        ManageMasterUserPassword=True,
        DBSubnetGroupName="kept",
        DBClusterParameterGroupName="kept",
        StorageType="aurora-iopt1",
    )
    rds.create_db_instance(
        DBInstanceIdentifier="kept-1",
        DBClusterIdentifier="kept",
        Engine="aurora-postgresql",
        DBInstanceClass="db.t4g.medium",
        EnablePerformanceInsights=True,
    )

    cache.create_cache_subnet_group(CacheSubnetGroupName="kept", CacheSubnetGroupDescription="d", SubnetIds=subnets)
    cache.create_cache_parameter_group(
        CacheParameterGroupName="kept", CacheParameterGroupFamily="redis7", Description="d"
    )
    cache.create_replication_group(
        ReplicationGroupId="kept",
        ReplicationGroupDescription="d",
        NumCacheClusters=3,
        CacheSubnetGroupName="kept",
        CacheParameterGroupName="kept",
        TransitEncryptionEnabled=True,
        AuthToken="t" * 32,
        Tags=tags,
    )

    secrets.create_secret(Name="kept", SecretString="value", KmsKeyId=key)
    server.client("dynamodb").create_table(
        TableName="kept",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    server.client("dynamodb").put_item(TableName="kept", Item={"id": {"S": "1"}, "n": {"N": "2"}})
    server.client("s3").create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    server.client("s3").put_object(Bucket="kept", Key="a/b", Body=b"content", Metadata={"c_d": "e"})
    server.client("ssm").put_parameter(Name="/kept", Value="v", Type="String")
    server.client("ecr").create_repository(repositoryName="kept")
    server.client("sns").create_topic(Name="kept")
    server.client("cloudwatch").put_metric_alarm(
        AlarmName="kept", ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, Threshold=1.0, Period=60,
        MetricName="m", Namespace="n", Statistic="Sum",
    )  # fmt: skip


def _described(server: Any, network: Any, role: str) -> dict[str, Any]:
    """Everything, as it is described."""
    role_name = role.rpartition("/")[2]
    calls: dict[str, Callable[[], Any]] = {}

    def add(service: str, operation: str, **params: Any) -> None:
        calls[f"{service} {operation}"] = lambda: getattr(server.client(service), operation)(**params)

    for operation in EC2_DESCRIPTIONS:
        add("ec2", f"describe_{operation}")
    add("ec2", "describe_launch_template_versions", Versions=["$Latest"])
    add("kms", "list_keys")
    add("kms", "describe_key", KeyId="alias/kept")
    add("logs", "describe_log_groups")
    add("iam", "get_role", RoleName=role_name)
    add("iam", "get_role_policy", RoleName=role_name, PolicyName="inline")
    add("iam", "list_attached_role_policies", RoleName=role_name)
    add("iam", "get_policy", PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
    add("iam", "list_open_id_connect_providers")
    add("eks", "describe_cluster", name="kept")
    add("eks", "describe_nodegroup", clusterName="kept", nodegroupName="nodes")
    add("rds", "describe_db_clusters")
    add("rds", "describe_db_instances")
    add("rds", "describe_db_subnet_groups")
    add("rds", "describe_db_cluster_parameter_groups")
    add("elasticache", "describe_replication_groups")
    add("elasticache", "describe_cache_clusters")
    add("elasticache", "describe_cache_subnet_groups")
    add("elasticache", "describe_cache_parameter_groups")
    add("secretsmanager", "list_secrets")
    add("secretsmanager", "get_secret_value", SecretId="kept")
    add("dynamodb", "describe_table", TableName="kept")
    add("dynamodb", "scan", TableName="kept")
    add("ssm", "get_parameter", Name="/kept")
    add("ecr", "describe_repositories")
    add("sns", "list_topics")
    add("cloudwatch", "describe_alarms")
    described = {label: _comparable(call()) for label, call in calls.items()}
    s3_object = server.client("s3").get_object(Bucket="kept", Key="a/b")
    described["s3 get_object"] = {"Body": s3_object["Body"].read(), "Metadata": s3_object["Metadata"]}
    key = server.client("kms").describe_key(KeyId="alias/kept")["KeyMetadata"]["Arn"]
    described["kms rotation"] = _comparable(server.client("kms").get_key_rotation_status(KeyId=key))
    return described


def _comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """Without what differs from call to call."""
    answer.pop("ResponseMetadata")
    for resource in [*answer.get("DBClusters", ()), *answer.get("DBInstances", ())]:
        resource.pop("LatestRestorableTime", None)
        resource.pop("EarliestRestorableTime", None)
    return answer


def test_every_resource_is_described_the_same_after_a_restart(
    own_server: Any, make_network: Any, make_role: Any
) -> None:
    own_server.start()
    network, role = make_network(own_server), make_role(own_server)
    _create_everything(own_server, network, role)
    before = _described(own_server, network, role)

    own_server.end()
    own_server.start()

    after = _described(own_server, network, role)
    assert after == before


def test_what_was_restored_can_be_changed_and_deleted(own_server: Any, make_network: Any, make_role: Any) -> None:
    own_server.start()
    network, role = make_network(own_server), make_role(own_server)
    eks = own_server.client("eks")
    eks.create_cluster(name="c", roleArn=role, resourcesVpcConfig={"subnetIds": list(network.subnets)})
    own_server.end()
    own_server.start()

    eks, ec2 = own_server.client("eks"), own_server.client("ec2")
    eks.update_cluster_config(name="c", upgradePolicy={"supportType": "STANDARD"})
    assert eks.describe_cluster(name="c")["cluster"]["upgradePolicy"] == {"supportType": "STANDARD"}
    eks.delete_cluster(name="c")
    with pytest.raises(eks.exceptions.ResourceNotFoundException):
        eks.describe_cluster(name="c")
    ec2.delete_security_group(GroupId=network.group)
    for subnet in network.subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=network.vpc)
    with pytest.raises(ClientError, match=r"InvalidVpcID\.NotFound"):
        ec2.describe_vpcs(VpcIds=[network.vpc])


def test_a_killed_server_has_saved_shortly_after_the_last_change(own_server: Any) -> None:
    own_server.start()
    snapshot = own_server.directory / "data" / "snapshot"
    own_server.client("ssm").put_parameter(Name="/a", Value="1", Type="String")
    deadline = time.monotonic() + 20
    while not snapshot.exists():
        assert time.monotonic() < deadline, "nothing was saved"
        time.sleep(0.05)

    own_server.end(signal.SIGKILL)
    own_server.start()

    assert own_server.client("ssm").get_parameter(Name="/a")["Parameter"]["Value"] == "1"


@pytest.mark.parametrize(("saving", "quiet"), [(0.0, 0.5), (0.02, 0.5), (0.2, 2.0), (3.0, 5.0)])
def test_what_takes_long_to_save_is_saved_less_often_but_never_later_than_after_five_seconds(
    saving: float, quiet: float
) -> None:
    assert quiet_after(saving) == quiet


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"not a snapshot", "does not begin as a snapshot does"),
        (b'{"format": 0, "moto": "1.0", "python": "2.7"}\nabc', "it was written by"),
    ],
)
def test_a_snapshot_that_cannot_be_read_is_kept_and_named(own_server: Any, content: bytes, reason: str) -> None:
    snapshot = own_server.directory / "data" / "snapshot"
    snapshot.parent.mkdir(parents=True)
    snapshot.write_bytes(content)

    with pytest.raises(AssertionError):
        own_server.start()

    said = own_server.log.read_text()
    assert reason in said
    assert str(snapshot) in said
    assert "ils sandbox reset" in said
    assert "Traceback" not in said
    assert snapshot.read_bytes() == content


def test_phases_under_way_go_on_after_a_restart(own_server: Any, make_network: Any) -> None:
    own_server.start()
    network = make_network(own_server)
    own_server.control("PUT", "settings", {"seconds_per_minute": 60})
    ec2 = own_server.client("ec2")
    nat = ec2.create_nat_gateway(SubnetId=network.subnets[0], ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    own_server.end()
    own_server.start()
    own_server.control("PUT", "settings", {"seconds_per_minute": 60})

    ec2 = own_server.client("ec2")
    assert ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"] == "pending"
    own_server.control("PUT", "settings", {"seconds_per_minute": 0})
    assert ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"] == "available"
