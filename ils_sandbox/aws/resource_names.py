"""Which parameters of AWS's operations name which resources: a row for each, with the ARN that its values make."""

from __future__ import annotations

from collections.abc import Mapping

WHOLE, FIRST = "*", "first"
"""What of a value is kept, where not all of it: nothing, its kind being enough; what comes before its first `/`."""


def _at(service: str, *names: str) -> tuple[str, ...]:
    return tuple(f"arn:aws:{service}:{{_region}}:{{_account}}:{name}" for name in names)


def _global(service: str, *names: str) -> tuple[str, ...]:
    return tuple(f"arn:aws:{service}::{{_account}}:{name}" for name in names)


# Braces hold a parameter, members of structures and of lists by dots; a row counts where all of its parameters are given.
NAMES: Mapping[str, tuple[str, ...]] = {
    "amp": _at("aps", "workspace/{workspaceId:*}"),
    "backup": _at(
        "backup",
        "backup-plan:{BackupPlan.BackupPlanName:*}",
        "backup-plan:{BackupPlanId:*}",
        "backup-vault:{BackupVaultName}",
    ),
    "cloudwatch": (
        *_at("cloudwatch", "alarm:{AlarmName}", "alarm:{AlarmNames}"),
        *_global("cloudwatch", "dashboard/{DashboardName}", "dashboard/{DashboardNames}"),
    ),
    "dynamodb": _at(
        "dynamodb",
        "table/{RequestItems}",
        "table/{SourceTableName}",
        "table/{TableCreationParameters.TableName}",
        "table/{TableName}",
        "table/{TableName}/index/{IndexName}",
        "table/{TargetTableName}",
    ),
    "ec2": _at("ec2", "launch-template/{LaunchTemplateName:*}"),
    "eks": _at(
        "eks",
        "access-entry/{clusterName}/*/*/{principalArn:*}/*",
        "addon/{clusterName}/{addonName}/*",
        "cluster/{clusterName}",
        "cluster/{name}",
        "nodegroup/{clusterName}/{nodegroupName}/*",
        "podidentityassociation/{clusterName}/{associationId:*}",
    ),
    "elasticache": _at(
        "elasticache",
        "cluster:{CacheClusterId}",
        "parametergroup:{CacheParameterGroupName}",
        "replicationgroup:{ReplicationGroupId}",
        "snapshot:{FinalSnapshotIdentifier}",
        "snapshot:{SnapshotName}",
        "snapshot:{SourceSnapshotName}",
        "snapshot:{TargetSnapshotName}",
        "subnetgroup:{CacheSubnetGroupName}",
    ),
    "elbv2": _at(
        "elasticloadbalancing",
        "loadbalancer/app/{Name}/*",
        "loadbalancer/app/{Names}/*",
        "targetgroup/{Name}/*",
        "targetgroup/{Names}/*",
    ),
    "iam": _global(
        "iam",
        "instance-profile/{InstanceProfileName}",
        "oidc-provider/{Url}",
        "policy/{PolicyName}",
        "role/{RoleName}",
        "server-certificate/{ServerCertificateName}",
    ),
    "kms": _at("kms", "{AliasName}", "key/{KeyId:*}", "key/{TargetKeyId:*}"),
    "logs": _at(
        "logs",
        "log-group:{logGroupIdentifier}",
        "log-group:{logGroupName}",
        "log-group:{logGroupName}:log-stream:{logStreamName:*}",
    ),
    "rds": (
        *_at(
            "rds",
            "cluster-pg:{DBClusterParameterGroupName}",
            "cluster-snapshot:{DBClusterSnapshotIdentifier}",
            "cluster-snapshot:{FinalDBSnapshotIdentifier}",
            "cluster-snapshot:{SnapshotIdentifier}",
            "cluster-snapshot:{SourceDBClusterSnapshotIdentifier}",
            "cluster-snapshot:{TargetDBClusterSnapshotIdentifier}",
            "cluster:{DBClusterIdentifier}",
            "cluster:{NewDBClusterIdentifier}",
            "cluster:{SourceDBClusterIdentifier}",
            "db:{DBInstanceIdentifier}",
            "og:{OptionGroupName}",
            "pg:{DBInstanceParameterGroupName}",
            "pg:{DBParameterGroupName}",
            "subgrp:{DBSubnetGroupName}",
        ),
        *_global("rds", "global-cluster:{GlobalClusterIdentifier}"),
    ),
    "route53": (
        "arn:aws:route53:::change/{Id:*}",
        "arn:aws:route53:::hostedzone/{HostedZoneId:*}",
        "arn:aws:route53:::hostedzone/{Id:*}",
        "arn:aws:route53:::hostedzone/{ResourceId:*}",
    ),
    "s3": (
        "arn:aws:s3:::{Bucket}",
        "arn:aws:s3:::{Bucket}/{Delete.Objects.Key:first}",
        "arn:aws:s3:::{Bucket}/{Key:first}",
    ),
    # AWS puts six letters after the name.
    "secretsmanager": _at("secretsmanager", "secret:{Name}-*", "secret:{SecretId}-*", "secret:{SecretIdList}-*"),
    "sns": _at("sns", "{Name}"),
    # Those of AWS itself, which are in nobody's account and begin with a slash.
    "ssm": ("arn:aws:ssm:{_region}::parameter{Name}", "arn:aws:ssm:{_region}::parameter{Names}"),
    "wafv2": _at("wafv2", "regional/webacl/{Name}/{Id:*}"),
    "xray": _at(
        "xray",
        "group/{GroupName}/*",
        "sampling-rule/{RuleName}",
        "sampling-rule/{SamplingRule.RuleName}",
    ),
}

EC2_IDS: Mapping[str, str] = {
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "igw": "internet-gateway",
    "lt": "launch-template",
    "nat": "natgateway",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
"""The beginning of an id -> what it names."""
