"""One case for every resource type: how to make it, to edit it, to replace it, and to change it behind our back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.sandbox.provider.bench import REGION, TRUST, Made, Surroundings

Inputs = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """What the contract needs to know of one resource type.

    `edit` and `replacement` are laid over the inputs; None in them takes a property out.
    """

    token: str
    inputs: Callable[[Surroundings], Inputs]
    replacement: Callable[[Surroundings], Inputs]
    edit: Callable[[Surroundings], Inputs] | None = None
    drift: Callable[[Surroundings, Made], object] | None = None
    drifted: str = ""
    """How the path of the property that the drift is seen in starts."""
    survives_delete: bool = False
    """Deleting it only lets go of it: AWS keeps it as long as what it belongs to."""
    shares_identity: bool = False
    """It is known by what it connects: a second one like it is the same."""


def name() -> str:
    return f"thing-{uuid.uuid4().hex[:8]}"


def policy(action: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})


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


NETWORK = (
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

FOUNDATIONS = (
    Case(
        "aws:kms/key:Key",
        lambda _: {
            "description": "database",
            "enableKeyRotation": True,
            "deletionWindowInDays": 7,
            "policy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                            "Action": "kms:*",
                            "Resource": "*",
                        }
                    ],
                }
            ),
            "tags": {"Name": "key"},
        },
        edit=lambda _: {"description": "database and backups", "tags": {"Name": "renamed"}},
        replacement=lambda _: {"customerMasterKeySpec": "RSA_2048"},
        drift=lambda around, made: around.client("kms").disable_key_rotation(KeyId=made.id),
        drifted="enableKeyRotation",
    ),
    Case(
        "aws:kms/alias:Alias",
        lambda around: {"name": f"alias/{name()}", "targetKeyId": around.key},
        edit=lambda around: {"targetKeyId": around.other_key},
        replacement=lambda _: {"name": f"alias/{name()}"},
        drift=lambda around, made: around.client("kms").update_alias(AliasName=made.id, TargetKeyId=around.other_key),
        drifted="targetKeyId",
        shares_identity=True,
    ),
    Case(
        "aws:cloudwatch/logGroup:LogGroup",
        lambda around: {"name": name(), "retentionInDays": 7, "kmsKeyId": around.key, "tags": {"team": "lens"}},
        edit=lambda _: {"retentionInDays": 30},
        replacement=lambda _: {"name": name()},
        drift=lambda around, made: around.client("logs").delete_retention_policy(logGroupName=made.id),
        drifted="retentionInDays",
    ),
    Case(
        "aws:iam/role:Role",
        lambda _: {"name": name(), "assumeRolePolicy": TRUST, "tags": {"team": "lens"}},
        edit=lambda _: {
            "assumeRolePolicy": TRUST.replace("eks.", "ec2."),
            "description": "nodes",
            "maxSessionDuration": 7200,
        },
        replacement=lambda _: {"path": "/lens/"},
        drift=lambda around, made: around.client("iam").update_role(RoleName=made.id, MaxSessionDuration=7200),
        drifted="maxSessionDuration",
    ),
    Case(
        "aws:iam/rolePolicy:RolePolicy",
        lambda around: {"role": around.role()[0], "name": "inline", "policy": policy("logs:PutLogEvents")},
        edit=lambda _: {"policy": policy("logs:*")},
        replacement=lambda _: {"name": "another"},
        drift=lambda around, made: around.client("iam").put_role_policy(
            RoleName=made.plain["role"], PolicyName="inline", PolicyDocument=policy("*")
        ),
        drifted="policy",
        shares_identity=True,
    ),
    Case(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        lambda around: {"role": around.role()[0], "policyArn": around.policy_arns[0]},
        replacement=lambda around: {"policyArn": around.policy_arns[1]},
        shares_identity=True,
    ),
    Case(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        lambda _: {
            "url": f"https://oidc.eks.{REGION}.amazonaws.com/id/{uuid.uuid4().hex.upper()}",
            "clientIdLists": ["sts.amazonaws.com"],
            "thumbprintLists": ["9" * 40],
            "tags": {"team": "lens"},
        },
        edit=lambda _: {"thumbprintLists": ["8" * 40]},
        replacement=lambda _: {"url": f"https://oidc.eks.{REGION}.amazonaws.com/id/{uuid.uuid4().hex.upper()}"},
        drift=lambda around, made: around.client("iam").update_open_id_connect_provider_thumbprint(
            OpenIDConnectProviderArn=made.id, ThumbprintList=["7" * 40]
        ),
        drifted="thumbprintLists",
    ),
    Case(
        "aws:secretsmanager/secret:Secret",
        lambda around: {
            "name": name(),
            "description": "cache token",
            "kmsKeyId": around.key,
            "recoveryWindowInDays": 0,
            "tags": {"team": "lens"},
        },
        edit=lambda _: {"description": "the cache's token", "tags": {"team": "platform"}},
        replacement=lambda _: {"name": name()},
        drift=lambda around, made: around.client("secretsmanager").update_secret(
            SecretId=made.id, Description="drifted"
        ),
        drifted="description",
    ),
    Case(
        "aws:secretsmanager/secretVersion:SecretVersion",
        lambda around: {"secretId": around.secret(), "secretString": f"token-{uuid.uuid4().hex}"},
        replacement=lambda _: {"secretString": f"token-{uuid.uuid4().hex}"},
        survives_delete=True,
        shares_identity=True,
    ),
)

SERVICES = (
    Case(
        "aws:eks/cluster:Cluster",
        lambda around: {
            "name": name(),
            "roleArn": around.role_arn,
            "version": "1.34",
            "vpcConfig": {
                "subnetIds": around.subnets[:2],
                "securityGroupIds": [around.security_group()],
                "endpointPrivateAccess": True,
                "endpointPublicAccess": True,
                "publicAccessCidrs": ["203.0.113.0/24"],
            },
            "enabledClusterLogTypes": ["api", "audit"],
            "encryptionConfig": {"provider": {"keyArn": around.key}, "resources": ["secrets"]},
            "accessConfig": {
                "authenticationMode": "API_AND_CONFIG_MAP",
                "bootstrapClusterCreatorAdminPermissions": True,
            },
            "upgradePolicy": {"supportType": "STANDARD"},
            "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16"},
            "bootstrapSelfManagedAddons": False,
            "deletionProtection": False,
            "tags": {"team": "lens"},
        },
        edit=lambda around: {
            "version": "1.35",
            "vpcConfig": {
                "subnetIds": around.subnets[:2],
                "endpointPrivateAccess": True,
                "endpointPublicAccess": False,
            },
            "enabledClusterLogTypes": ["api", "audit", "scheduler"],
        },
        replacement=lambda around: {"roleArn": around.role()[1]},
        drift=lambda around, made: around.client("eks").update_cluster_config(
            name=made.id, resourcesVpcConfig={"endpointPrivateAccess": False}
        ),
        drifted="vpcConfig.endpointPrivateAccess",
    ),
    Case(
        "aws:eks/nodeGroup:NodeGroup",
        lambda around: {
            "clusterName": around.cluster,
            "nodeGroupName": name(),
            "nodeRoleArn": around.role_arn,
            "subnetIds": around.subnets[:2],
            "scalingConfig": {"desiredSize": 2, "minSize": 2, "maxSize": 5},
            "updateConfig": {"maxUnavailable": 1},
            "instanceTypes": ["t3.medium"],
            "capacityType": "ON_DEMAND",
            "labels": {"pool": "general"},
            "taints": [{"key": "dedicated", "value": "lens", "effect": "NO_SCHEDULE"}],
            "tags": {"team": "lens"},
        },
        edit=lambda _: {
            "scalingConfig": {"desiredSize": 3, "minSize": 2, "maxSize": 5},
            "labels": {"pool": "spot", "zone": "a"},
            "taints": None,
        },
        replacement=lambda _: {"capacityType": "SPOT"},
        drift=lambda around, made: around.client("eks").update_nodegroup_config(
            clusterName=made.plain["clusterName"],
            nodegroupName=made.plain["nodeGroupName"],
            scalingConfig={"minSize": 2, "desiredSize": 2, "maxSize": 9},
        ),
        drifted="scalingConfig.maxSize",
    ),
    Case(
        "aws:rds/subnetGroup:SubnetGroup",
        lambda around: {"name": name(), "subnetIds": around.subnets[:2], "tags": {"team": "lens"}},
        edit=lambda around: {"subnetIds": around.subnets[1:], "description": "private"},
        replacement=lambda _: {"name": name()},
        drift=lambda around, made: around.client("rds").modify_db_subnet_group(
            DBSubnetGroupName=made.id, SubnetIds=around.subnets
        ),
        drifted="subnetIds",
    ),
    Case(
        "aws:rds/clusterParameterGroup:ClusterParameterGroup",
        lambda _: {
            "name": name(),
            "family": "aurora-postgresql15",
            "description": "made by a test",
            "parameters": [
                {"name": "rds.force_ssl", "value": "1"},
                {"name": "shared_preload_libraries", "value": "pg_stat_statements", "applyMethod": "pending-reboot"},
            ],
            "tags": {"team": "lens"},
        },
        edit=lambda _: {
            "parameters": [{"name": "rds.force_ssl", "value": "1"}, {"name": "log_statement", "value": "ddl"}]
        },
        replacement=lambda _: {"family": "aurora-postgresql16"},
        drift=lambda around, made: around.client("rds").modify_db_cluster_parameter_group(
            DBClusterParameterGroupName=made.id,
            Parameters=[{"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}],
        ),
        drifted="parameters",
    ),
    Case(
        "aws:rds/cluster:Cluster",
        lambda around: {
            "clusterIdentifier": name(),
            "engine": "aurora-postgresql",
            "engineVersion": "15",
            "databaseName": "ilsdb",
            "masterUsername": "ils",
            "manageMasterUserPassword": True,
            "masterUserSecretKmsKeyId": around.key,
            "storageEncrypted": True,
            "kmsKeyId": around.key,
            "dbSubnetGroupName": around.database_subnet_group,
            "vpcSecurityGroupIds": [around.security_group()],
            "backupRetentionPeriod": 7,
            "preferredBackupWindow": "03:00-04:00",
            "preferredMaintenanceWindow": "sun:05:00-sun:06:00",
            "deletionProtection": False,
            "iamDatabaseAuthenticationEnabled": True,
            "enabledCloudwatchLogsExports": ["postgresql"],
            "copyTagsToSnapshot": True,
            "applyImmediately": True,
            "skipFinalSnapshot": True,
            "tags": {"team": "lens"},
        },
        edit=lambda _: {"backupRetentionPeriod": 30, "preferredBackupWindow": "02:00-03:00"},
        replacement=lambda _: {"databaseName": "another"},
        drift=lambda around, made: around.client("rds").modify_db_cluster(
            DBClusterIdentifier=made.id, BackupRetentionPeriod=1, ApplyImmediately=True
        ),
        drifted="backupRetentionPeriod",
    ),
    Case(
        "aws:rds/clusterInstance:ClusterInstance",
        lambda around: {
            "identifier": name(),
            "clusterIdentifier": around.database,
            "engine": "aurora-postgresql",
            "instanceClass": "db.t4g.medium",
            "dbSubnetGroupName": around.database_subnet_group,
            "publiclyAccessible": False,
            "monitoringInterval": 60,
            "monitoringRoleArn": around.role_arn,
            "performanceInsightsEnabled": True,
            "performanceInsightsKmsKeyId": around.key,
            "promotionTier": 1,
            "applyImmediately": True,
            "tags": {"team": "lens"},
        },
        edit=lambda _: {"instanceClass": "db.r6g.large"},
        replacement=lambda _: {"identifier": name()},
        drift=lambda around, made: around.client("rds").modify_db_instance(
            DBInstanceIdentifier=made.id, AutoMinorVersionUpgrade=False, ApplyImmediately=True
        ),
        drifted="autoMinorVersionUpgrade",
    ),
    Case(
        "aws:elasticache/subnetGroup:SubnetGroup",
        lambda around: {"name": name(), "subnetIds": around.subnets[:2], "tags": {"team": "lens"}},
        edit=lambda around: {"subnetIds": around.subnets[1:]},
        replacement=lambda _: {"name": name()},
        drift=lambda around, made: around.client("elasticache").modify_cache_subnet_group(
            CacheSubnetGroupName=made.id, SubnetIds=around.subnets
        ),
        drifted="subnetIds",
    ),
    Case(
        "aws:elasticache/parameterGroup:ParameterGroup",
        lambda _: {
            "name": name(),
            "family": "redis7",
            "parameters": [{"name": "maxmemory-policy", "value": "volatile-lru"}],
            "tags": {"team": "lens"},
        },
        edit=lambda _: {"parameters": [{"name": "maxmemory-policy", "value": "allkeys-lru"}]},
        replacement=lambda _: {"family": "valkey8"},
        drift=lambda around, made: around.client("elasticache").modify_cache_parameter_group(
            CacheParameterGroupName=made.id,
            ParameterNameValues=[{"ParameterName": "maxmemory-policy", "ParameterValue": "noeviction"}],
        ),
        drifted="parameters",
    ),
    Case(
        "aws:elasticache/replicationGroup:ReplicationGroup",
        lambda around: {
            "replicationGroupId": name(),
            "description": "sessions",
            "engine": "redis",
            "engineVersion": "7.1",
            "nodeType": "cache.t4g.micro",
            "numCacheClusters": 2,
            "automaticFailoverEnabled": True,
            "multiAzEnabled": True,
            "atRestEncryptionEnabled": True,
            "transitEncryptionEnabled": True,
            "authToken": "a-token-of-sixteen-characters",
            "authTokenUpdateStrategy": "SET",
            "kmsKeyId": around.key,
            "subnetGroupName": around.cache_subnet_group,
            "securityGroupIds": [around.security_group()],
            "snapshotRetentionLimit": 7,
            "snapshotWindow": "03:00-04:00",
            "maintenanceWindow": "sun:05:00-sun:06:00",
            "port": 6379,
            "applyImmediately": True,
            "tags": {"team": "lens"},
        },
        edit=lambda _: {"numCacheClusters": 3, "snapshotRetentionLimit": 3, "description": "sessions and queues"},
        replacement=lambda _: {"port": 6380},
        drift=lambda around, made: around.client("elasticache").modify_replication_group(
            ReplicationGroupId=made.id, SnapshotRetentionLimit=1, ApplyImmediately=True
        ),
        drifted="snapshotRetentionLimit",
    ),
)

CASES = (*NETWORK, *FOUNDATIONS, *SERVICES)
