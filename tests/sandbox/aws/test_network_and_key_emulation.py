"""EC2, KMS, CloudWatch Logs and IAM: what moto drops or does wrong is put right."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError


def _rules(aws: Any, group: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = aws.client("ec2").describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [group]}]
    )["SecurityGroupRules"]
    return found


def _allow_from(aws: Any, group: str, source: str, description: str) -> dict[str, Any]:
    created: list[dict[str, Any]] = aws.client("ec2").authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 5432,
                "ToPort": 5432,
                "UserIdGroupPairs": [{"GroupId": source, "Description": description}],
            }
        ],
        TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": [{"Key": "a", "Value": "b"}]}],
    )["SecurityGroupRules"]
    return created[0]


@pytest.fixture
def other_group(aws: Any, network: Any, name: str) -> str:
    ec2 = aws.client("ec2")
    return str(ec2.create_security_group(GroupName=f"{name}-2", Description="d", VpcId=network.vpc)["GroupId"])


def test_a_rule_that_refers_to_a_group_keeps_its_description(aws: Any, network: Any, other_group: str) -> None:
    created = _allow_from(aws, network.group, other_group, "from the cluster")
    assert created["Description"] == "from the cluster"
    described = next(rule for rule in _rules(aws, network.group) if not rule["IsEgress"])
    assert described["Description"] == "from the cluster"
    assert described["Tags"] == [{"Key": "a", "Value": "b"}]
    group = aws.client("ec2").describe_security_groups(GroupIds=[network.group])["SecurityGroups"][0]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["Description"] == "from the cluster"


def test_a_rules_description_is_changed(aws: Any, network: Any, other_group: str) -> None:
    rule = _allow_from(aws, network.group, other_group, "before")
    aws.client("ec2").modify_security_group_rules(
        GroupId=network.group,
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": rule["SecurityGroupRuleId"],
                "SecurityGroupRule": {
                    "IpProtocol": "tcp",
                    "FromPort": 5432,
                    "ToPort": 5433,
                    "ReferencedGroupId": other_group,
                    "Description": "after",
                },
            }
        ],
    )
    changed = next(each for each in _rules(aws, network.group) if not each["IsEgress"])
    assert (changed["Description"], changed["ToPort"]) == ("after", 5433)


@pytest.mark.parametrize("description", ["the controller's webhook", "d" * 256])
def test_a_description_that_ec2_does_not_take_is_refused(aws: Any, network: Any, description: str) -> None:
    ec2 = aws.client("ec2")
    ranges = [{"CidrIp": "10.0.0.0/8", "Description": description}]
    permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": ranges}

    with pytest.raises(ClientError, match=r"InvalidParameterValue.*Invalid rule description"):
        ec2.authorize_security_group_ingress(GroupId=network.group, IpPermissions=[permission])
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        ec2.create_security_group(GroupName="described", Description=description, VpcId=network.vpc)


def test_a_rule_for_every_protocol_has_no_ports(aws: Any, network: Any) -> None:
    egress = next(rule for rule in _rules(aws, network.group) if rule["IsEgress"])
    assert (egress["IpProtocol"], egress["FromPort"], egress["ToPort"]) == ("-1", -1, -1)


def test_the_default_group_of_a_new_vpc_lets_its_members_reach_each_other(aws: Any, network: Any) -> None:
    filters = [{"Name": "vpc-id", "Values": [network.vpc]}, {"Name": "group-name", "Values": ["default"]}]
    group = aws.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"][0]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]


def test_subnet_attributes_are_kept(aws: Any, network: Any) -> None:
    ec2, subnet = aws.client("ec2"), network.subnets[0]
    ec2.modify_subnet_attribute(SubnetId=subnet, EnableDns64={"Value": True})
    ec2.modify_subnet_attribute(SubnetId=subnet, PrivateDnsHostnameTypeOnLaunch="resource-name")
    ec2.modify_subnet_attribute(SubnetId=subnet, EnableResourceNameDnsAAAARecordOnLaunch={"Value": True})
    described = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]
    assert described["EnableDns64"] is True
    assert described["PrivateDnsNameOptionsOnLaunch"]["HostnameType"] == "resource-name"
    assert described["PrivateDnsNameOptionsOnLaunch"]["EnableResourceNameDnsAAAARecord"] is True


def test_a_gateway_endpoint_is_in_its_route_tables_and_nowhere_else(aws: Any, network: Any) -> None:
    ec2 = aws.client("ec2")
    first, second = (ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"] for _ in range(2))
    endpoint = ec2.create_vpc_endpoint(
        VpcId=network.vpc, ServiceName="com.amazonaws.eu-central-1.s3", RouteTableIds=[first]
    )["VpcEndpoint"]
    assert endpoint["PrivateDnsEnabled"] is False

    def routed() -> list[str]:
        tables = ec2.describe_route_tables(RouteTableIds=[first, second])["RouteTables"]
        return [
            table["RouteTableId"]
            for table in tables
            if any(route.get("GatewayId") == endpoint["VpcEndpointId"] for route in table["Routes"])
        ]

    assert routed() == [first]
    ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint["VpcEndpointId"], RemoveRouteTableIds=[first], AddRouteTableIds=[second]
    )
    assert routed() == [second]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])
    assert routed() == []


def test_a_launch_template_is_described_as_it_was_created(aws: Any, name: str) -> None:
    ec2 = aws.client("ec2")
    data = {
        "BlockDeviceMappings": [
            {
                "DeviceName": "/dev/xvda",
                "Ebs": {"VolumeSize": 50, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True},
            }
        ],
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled"},
        "Monitoring": {"Enabled": True},
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}],
    }
    template = ec2.create_launch_template(
        LaunchTemplateName=name,
        LaunchTemplateData=data,
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": [{"Key": "c", "Value": "d"}]}],
    )["LaunchTemplate"]
    versions = ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"])
    assert versions["LaunchTemplateVersions"][0]["LaunchTemplateData"] == data
    assert template["Tags"] == [{"Key": "c", "Value": "d"}]


def test_flow_logs_keep_their_interval_and_format(aws: Any, network: Any, role: str) -> None:
    ec2 = aws.client("ec2")
    given = {
        "TrafficType": "ALL",
        "LogDestinationType": "cloud-watch-logs",
        "LogGroupName": "/flow",
        "DeliverLogsPermissionArn": role,
        "MaxAggregationInterval": 60,
        "LogFormat": "${version} ${vpc-id}",
    }
    aws.client("logs").create_log_group(logGroupName="/flow")
    (identifier,) = ec2.create_flow_logs(ResourceIds=[network.vpc], ResourceType="VPC", **given)["FlowLogIds"]
    described = ec2.describe_flow_logs(FlowLogIds=[identifier])["FlowLogs"][0]
    assert {key: described[key] for key in given} == given


def test_a_call_repeated_with_its_client_token_makes_nothing_new(aws: Any, network: Any) -> None:
    ec2 = aws.client("ec2")
    given = {"SubnetId": network.subnets[0], "ConnectivityType": "private", "ClientToken": network.vpc}
    first = ec2.create_nat_gateway(**given)["NatGateway"]["NatGatewayId"]
    assert ec2.create_nat_gateway(**given)["NatGateway"]["NatGatewayId"] == first
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        ec2.create_nat_gateway(**{**given, "SubnetId": network.subnets[1]})


def test_an_address_serves_one_gateway_only(aws: Any, network: Any) -> None:
    ec2 = aws.client("ec2")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=network.subnets[0], AllocationId=address)
    with pytest.raises(ClientError, match=r"Resource\.AlreadyAssociated"):
        ec2.create_nat_gateway(SubnetId=network.subnets[1], AllocationId=address)


def test_what_others_depend_on_is_not_deleted(aws: Any, network: Any, other_group: str) -> None:
    ec2 = aws.client("ec2")
    rule = _allow_from(aws, network.group, other_group, "d")
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_security_group(GroupId=other_group)
    ec2.revoke_security_group_ingress(GroupId=network.group, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    ec2.delete_security_group(GroupId=other_group)

    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    for subnet in network.subnets:
        ec2.delete_subnet(SubnetId=subnet)
    with pytest.raises(ClientError, match=gateway):
        ec2.delete_vpc(VpcId=network.vpc)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    with pytest.raises(ClientError, match=network.group):
        ec2.delete_vpc(VpcId=network.vpc)
    ec2.delete_security_group(GroupId=network.group)
    ec2.delete_vpc(VpcId=network.vpc)


def test_a_keys_rotation_period_is_kept(aws: Any) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    status = kms.get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 180)


def test_a_key_is_deleted_by_its_arn_and_the_deletion_taken_back(aws: Any) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    scheduled = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (scheduled["KeyState"], scheduled["PendingWindowInDays"]) == ("PendingDeletion", 7)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    kms.cancel_key_deletion(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"


def test_a_key_says_what_it_is_for(aws: Any) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (metadata["KeyUsage"], metadata["MultiRegion"]) == ("ENCRYPT_DECRYPT", False)


def test_a_log_groups_key_is_set_and_taken_away(aws: Any, name: str) -> None:
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=f"/{name}")

    def key() -> str | None:
        found = logs.describe_log_groups(logGroupNamePrefix=f"/{name}")["logGroups"][0].get("kmsKeyId")
        return None if found is None else str(found)

    logs.associate_kms_key(logGroupName=f"/{name}", kmsKeyId="arn:key")
    assert key() == "arn:key"
    logs.disassociate_kms_key(logGroupName=f"/{name}")
    assert key() is None


def test_awss_managed_policies_can_be_attached(aws: Any, role: str) -> None:
    iam, name = aws.client("iam"), role.rpartition("/")[2]
    policies = ["AmazonEKSClusterPolicy", "AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"]
    for policy in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert sorted(each["PolicyName"] for each in attached) == sorted(policies)


def test_an_oidc_provider_is_described_as_it_was_created(aws: Any, name: str) -> None:
    iam = aws.client("iam")
    given = {"ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": ["a" * 40], "Tags": [{"Key": "a", "Value": "b"}]}
    arn = iam.create_open_id_connect_provider(Url=f"https://example.com/id/{name}", **given)["OpenIDConnectProviderArn"]
    described = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert {key: described[key] for key in given} == given


def test_a_secrets_value_is_versioned_and_its_key_kept(aws: Any, name: str) -> None:
    secrets = aws.client("secretsmanager")
    arn = secrets.create_secret(Name=name, KmsKeyId="arn:key", SecretString=json.dumps({"v": 1}))["ARN"]
    version = secrets.put_secret_value(SecretId=arn, SecretString=json.dumps({"v": 2}))["VersionId"]
    current = secrets.get_secret_value(SecretId=arn)
    assert (current["VersionId"], json.loads(current["SecretString"])) == (version, {"v": 2})
    assert secrets.describe_secret(SecretId=arn)["KmsKeyId"] == "arn:key"


def test_an_internet_gateway_and_an_address_stay_while_a_nat_gateway_uses_them(aws: Any, network: Any) -> None:
    ec2 = aws.client("ec2")
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=network.subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    with pytest.raises(ClientError, match=nat):
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    with pytest.raises(ClientError, match=r"InvalidIPAddress\.InUse"):
        ec2.release_address(AllocationId=address)
    ec2.delete_nat_gateway(NatGatewayId=nat)
    ec2.release_address(AllocationId=address)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)


def test_subnets_and_groups_stay_while_a_cache_uses_them(aws: Any, network: Any, name: str) -> None:
    ec2, cache = aws.client("ec2"), aws.client("elasticache")
    cache.create_cache_subnet_group(
        CacheSubnetGroupName=name, CacheSubnetGroupDescription="d", SubnetIds=list(network.subnets)
    )
    cache.create_replication_group(
        ReplicationGroupId=name,
        ReplicationGroupDescription="d",
        CacheSubnetGroupName=name,
        SecurityGroupIds=[network.group],
    )
    with pytest.raises(ClientError, match=name):
        ec2.delete_subnet(SubnetId=network.subnets[0])
    with pytest.raises(ClientError, match=name):
        ec2.delete_security_group(GroupId=network.group)


def test_what_a_key_of_several_regions_encrypts_is_decrypted_in_all_of_them(aws: Any) -> None:
    kms, there = aws.client("kms"), aws.client("kms", region="eu-west-1")
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    for client in (kms, there):
        assert client.decrypt(CiphertextBlob=made["CiphertextBlob"], KeyId=key)["Plaintext"] == made["Plaintext"]
