"""Cases of the network's resource types."""

from __future__ import annotations

from tests.sandbox.provider.bench import REGION, Made, Surroundings
from tests.sandbox.provider.case import Case, name


def _retag_ec2(around: Surroundings, made: Made) -> object:
    return around.client("ec2").create_tags(Resources=[made.id], Tags=[{"Key": "Name", "Value": "drifted"}])


def _open(around: Surroundings, made: Made) -> object:
    return around.client("ec2").authorize_security_group_ingress(
        GroupId=made.id,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    )


def _rule(direction: str) -> Case:
    def drift(around: Surroundings, made: Made) -> object:
        return around.client("ec2").modify_security_group_rules(
            GroupId=made.plain["securityGroupId"],
            SecurityGroupRules=[
                {
                    "SecurityGroupRuleId": made.id,
                    "SecurityGroupRule": {
                        "IpProtocol": "tcp",
                        "FromPort": 443,
                        "ToPort": 444,
                        "CidrIpv4": "10.0.0.0/16",
                        "Description": "HTTPS",
                    },
                }
            ],
        )

    return Case(
        f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule",
        lambda around: {
            "securityGroupId": around.security_group(),
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
            "cidrIpv4": "10.0.0.0/16",
            "description": "HTTPS",
            "tags": {"Name": "rule"},
        },
        edit=lambda _: {"toPort": 445, "description": "HTTPS and SMB"},
        replacement=lambda around: {"securityGroupId": around.security_group()},
        drift=drift,
        drifted="toPort",
    )


CASES = (
    Case(
        "aws:ec2/vpc:Vpc",
        lambda _: {"cidrBlock": "10.1.0.0/16", "enableDnsHostnames": True, "tags": {"Name": "vpc"}},
        edit=lambda _: {"enableDnsHostnames": False, "tags": {"Name": "renamed", "team": "lens"}},
        replacement=lambda _: {"cidrBlock": "10.2.0.0/16"},
        drift=lambda around, made: around.client("ec2").modify_vpc_attribute(
            VpcId=made.id, EnableDnsSupport={"Value": False}
        ),
        drifted="enableDnsSupport",
    ),
    Case(
        "aws:ec2/subnet:Subnet",
        lambda around: {
            "vpcId": around.other_vpc,
            "cidrBlock": around.free_block("10.9"),
            "availabilityZone": f"{REGION}a",
            "tags": {"Name": "subnet", "kubernetes.io/role/elb": "1"},
        },
        edit=lambda _: {"mapPublicIpOnLaunch": True},
        replacement=lambda _: {"availabilityZone": f"{REGION}b"},
        drift=lambda around, made: around.client("ec2").modify_subnet_attribute(
            SubnetId=made.id, MapPublicIpOnLaunch={"Value": True}
        ),
        drifted="mapPublicIpOnLaunch",
    ),
    Case(
        "aws:ec2/internetGateway:InternetGateway",
        lambda around: {
            "vpcId": str(around.client("ec2").create_vpc(CidrBlock="10.3.0.0/16")["Vpc"]["VpcId"]),
            "tags": {"Name": "gateway"},
        },
        edit=lambda _: {"tags": {"Name": "renamed"}},
        replacement=lambda _: {"region": "eu-west-1"},
        drift=lambda around, made: around.client("ec2").detach_internet_gateway(
            InternetGatewayId=made.id, VpcId=made.plain["vpcId"]
        ),
        drifted="vpcId",
    ),
    Case(
        "aws:ec2/eip:Eip",
        lambda _: {"domain": "vpc", "tags": {"Name": "address"}},
        edit=lambda _: {"tags": {"Name": "renamed"}},
        replacement=lambda _: {"region": "eu-west-1"},
        drift=_retag_ec2,
        drifted="tags.Name",
    ),
    Case(
        "aws:ec2/natGateway:NatGateway",
        lambda around: {
            "allocationId": around.address(),
            "subnetId": around.subnets[0],
            "tags": {"Name": "nat"},
        },
        edit=lambda _: {"tags": None},
        replacement=lambda around: {"subnetId": around.subnets[1]},
        drift=_retag_ec2,
        drifted="tags.Name",
    ),
    Case(
        "aws:ec2/routeTable:RouteTable",
        lambda around: {"vpcId": around.vpc, "tags": {"Name": "table"}},
        edit=lambda _: {"tags": {"team": "lens"}},
        replacement=lambda around: {"vpcId": around.other_vpc},
        drift=_retag_ec2,
        drifted="tags.Name",
    ),
    Case(
        "aws:ec2/route:Route",
        lambda around: {
            "routeTableId": around.route_table(),
            "destinationCidrBlock": "0.0.0.0/0",
            "gatewayId": around.gateway,
        },
        edit=lambda around: {"gatewayId": None, "natGatewayId": around.nat_gateway},
        replacement=lambda _: {"destinationCidrBlock": "192.168.0.0/16"},
        drift=lambda around, made: around.client("ec2").replace_route(
            RouteTableId=made.plain["routeTableId"],
            DestinationCidrBlock="0.0.0.0/0",
            NatGatewayId=around.nat_gateway,
        ),
        drifted="natGatewayId",
        shares_identity=True,
    ),
    Case(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        lambda around: {
            "routeTableId": around.route_table(),
            "subnetId": str(
                around.client("ec2").create_subnet(VpcId=around.vpc, CidrBlock=around.free_block("10.0"))["Subnet"][
                    "SubnetId"
                ]
            ),
        },
        replacement=lambda around: {"routeTableId": around.route_table()},
        shares_identity=True,
    ),
    Case(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        lambda around: {
            "vpcId": around.vpc,
            "serviceName": f"com.amazonaws.{REGION}.s3",
            "vpcEndpointType": "Gateway",
            "routeTableIds": [around.route_table()],
            "tags": {"Name": "s3"},
        },
        edit=lambda around: {"routeTableIds": [around.route_table()]},
        replacement=lambda _: {"serviceName": f"com.amazonaws.{REGION}.dynamodb"},
        drift=lambda around, made: around.client("ec2").modify_vpc_endpoint(
            VpcEndpointId=made.id, AddRouteTableIds=[around.route_table()]
        ),
        drifted="routeTableIds",
    ),
    Case(
        "aws:ec2/flowLog:FlowLog",
        lambda around: {
            "vpcId": str(around.client("ec2").create_vpc(CidrBlock="10.4.0.0/16")["Vpc"]["VpcId"]),
            "trafficType": "ALL",
            "logDestinationType": "cloud-watch-logs",
            "logDestination": around.log_group_arn(),
            "iamRoleArn": around.role_arn,
            "maxAggregationInterval": 600,
            "tags": {"Name": "flows"},
        },
        edit=lambda _: {"tags": {"Name": "renamed"}},
        replacement=lambda _: {"trafficType": "REJECT"},
        drift=_retag_ec2,
        drifted="tags.Name",
    ),
    Case(
        "aws:ec2/securityGroup:SecurityGroup",
        lambda around: {
            "name": name(),
            "description": "made by a test",
            "vpcId": around.vpc,
            "ingress": [
                {"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/8"], "description": "in"}
            ],
            "tags": {"Name": "group"},
        },
        edit=lambda _: {
            "ingress": [{"protocol": "tcp", "fromPort": 80, "toPort": 80, "cidrBlocks": ["10.0.0.0/8"]}],
            "egress": [{"protocol": "udp", "fromPort": 53, "toPort": 53, "self": True}],
        },
        replacement=lambda _: {"description": "another description"},
        drift=_open,
        drifted="ingress[1]",
    ),
    Case(
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        lambda around: {
            "vpcId": str(around.client("ec2").create_vpc(CidrBlock="10.5.0.0/16")["Vpc"]["VpcId"]),
            "tags": {"Name": "unused"},
        },
        edit=lambda _: {"ingress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/8"]}]},
        replacement=lambda around: {"vpcId": around.other_vpc},
        drift=_open,
        drifted="ingress",
        survives_delete=True,
    ),
    _rule("Ingress"),
    _rule("Egress"),
    Case(
        "aws:ec2/launchTemplate:LaunchTemplate",
        lambda around: {
            "name": name(),
            "description": "nodes",
            "updateDefaultVersion": True,
            "vpcSecurityGroupIds": [around.security_group()],
            "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
            "monitoring": {"enabled": True},
            "blockDeviceMappings": [
                {
                    "deviceName": "/dev/xvda",
                    "ebs": {
                        "volumeSize": 20,
                        "volumeType": "gp3",
                        "encrypted": "true",
                        "deleteOnTermination": "true",
                        "kmsKeyId": around.key,
                    },
                }
            ],
            "tagSpecifications": [{"resourceType": "instance", "tags": {"Name": "node"}}],
            "tags": {"Name": "template"},
        },
        edit=lambda _: {
            "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 2}
        },
        replacement=lambda _: {"name": name()},
        drift=lambda around, made: around.client("ec2").create_launch_template_version(
            LaunchTemplateId=made.id, SourceVersion="1", LaunchTemplateData={"Monitoring": {"Enabled": False}}
        ),
        drifted="monitoring.enabled",
    ),
)
