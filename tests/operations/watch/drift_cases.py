"""Ways to change dev behind the product's back, on several types of each layer, and what a scan must say of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest.mock import ANY

from ils_pipelines.settings.layers import Layer
from tests.operations.watch.site import Change, Site, calls, change

CLUSTER = "ils-dev"
WRONG = "by-hand"


@dataclass(frozen=True)
class Case:
    """`path` is empty where the resource is gone."""

    layer: Layer
    resource: str
    path: str
    expected: Any
    found: Any
    breaks: Change

    def __str__(self) -> str:
        return f"{self.layer}-{self.resource}-{self.path or 'missing'}".replace("/", "-")


def _id(layer: Layer, type_: str, name: str) -> Any:
    return lambda site: site.id(layer, type_, name)


def _ec2_tag(type_: str, name: str, key: str, right: str) -> Change:
    return calls(
        "ec2",
        ("create_tags", {"Tags": [{"Key": key, "Value": WRONG}]}),
        ("create_tags", {"Tags": [{"Key": key, "Value": right}]}),
        Resources=lambda site: [site.id(Layer.VPC, type_, name)],
    )


def _vpc_attribute(name: str, wrong: bool, right: bool) -> Change:
    return calls(
        "ec2",
        ("modify_vpc_attribute", {name: {"Value": wrong}}),
        ("modify_vpc_attribute", {name: {"Value": right}}),
        VpcId=_id(Layer.VPC, "Vpc", "vpc"),
    )


@change
def _without_route(site: Site) -> Iterator[None]:
    ec2 = site.client("ec2")
    table = site.id(Layer.VPC, "RouteTable", "public")
    gateway = site.id(Layer.VPC, "InternetGateway", "internet")
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    try:
        yield
    finally:
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def _without_log_group(name: str, days: int) -> Change:
    @change
    def gone(site: Site) -> Iterator[None]:
        logs = site.client("logs")
        before = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
        tags = logs.list_tags_for_resource(resourceArn=before["arn"].removesuffix(":*"))["tags"]
        logs.delete_log_group(logGroupName=name)
        try:
            yield
        finally:
            logs.create_log_group(logGroupName=name, kmsKeyId=before["kmsKeyId"], tags=tags)
            logs.put_retention_policy(logGroupName=name, retentionInDays=days)

    return gone


@change
def _key_pending_deletion(site: Site) -> Iterator[None]:
    kms, key = site.client("kms"), site.id(Layer.ENCRYPTION, "Key", "cache")
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    try:
        yield
    finally:
        kms.cancel_key_deletion(KeyId=key)
        kms.enable_key(KeyId=key)


@change
def _without_alias(site: Site) -> Iterator[None]:
    kms, key = site.client("kms"), site.id(Layer.ENCRYPTION, "Key", "logs")
    kms.delete_alias(AliasName="alias/ils-dev-logs")
    try:
        yield
    finally:
        kms.create_alias(AliasName="alias/ils-dev-logs", TargetKeyId=key)


@change
def _foreign_key_policy(site: Site) -> Iterator[None]:
    kms, key = site.client("kms"), site.id(Layer.ENCRYPTION, "Key", "secrets")
    before = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    opened = json.loads(before)
    opened["Statement"].append({"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(opened))
    try:
        yield
    finally:
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=before)


def _database(wrong: dict[str, Any], right: dict[str, Any]) -> Change:
    fixed = {"DBClusterIdentifier": CLUSTER, "ApplyImmediately": True}
    return calls("rds", ("modify_db_cluster", fixed | wrong), ("modify_db_cluster", fixed | right))


def _cache(wrong: dict[str, Any], right: dict[str, Any]) -> Change:
    fixed = {"ReplicationGroupId": CLUSTER, "ApplyImmediately": True}
    return calls(
        "elasticache", ("modify_replication_group", fixed | wrong), ("modify_replication_group", fixed | right)
    )


def _secret(site: Site) -> str:
    return str(site.output(Layer.CACHE, "auth_token_secret_arn"))


def _idle(seconds: int) -> dict[str, str]:
    return {"Key": "idle_timeout.timeout_seconds", "Value": str(seconds)}


MADE = [{"Key": "owner", "Value": WRONG}]

CASES: tuple[Case, ...] = (
    # -- vpc
    Case(Layer.VPC, "vpc", "enableDnsHostnames", True, False, _vpc_attribute("EnableDnsHostnames", False, True)),
    Case(
        Layer.VPC,
        "public-a",
        "mapPublicIpOnLaunch",
        False,
        True,
        calls(
            "ec2",
            ("modify_subnet_attribute", {"MapPublicIpOnLaunch": {"Value": True}}),
            ("modify_subnet_attribute", {"MapPublicIpOnLaunch": {"Value": False}}),
            SubnetId=_id(Layer.VPC, "Subnet", "public-a"),
        ),
    ),
    Case(Layer.VPC, "database", "tags.layer", "vpc", WRONG, _ec2_tag("SecurityGroup", "database", "layer", "vpc")),
    Case(Layer.VPC, "nat-a", "tags.project", "ils", WRONG, _ec2_tag("NatGateway", "nat-a", "project", "ils")),
    Case(Layer.VPC, "public-internet", "", None, None, _without_route),
    Case(Layer.VPC, "flow-logs", "", None, None, _without_log_group("/ils-dev/flow-logs", 7)),
    # -- encryption
    Case(
        Layer.ENCRYPTION,
        "database",
        "enableKeyRotation",
        True,
        False,
        calls(
            "kms",
            ("disable_key_rotation", {}),
            ("enable_key_rotation", {"RotationPeriodInDays": 365}),
            KeyId=_id(Layer.ENCRYPTION, "Key", "database"),
        ),
    ),
    Case(
        Layer.ENCRYPTION,
        "cluster",
        "tags.owner",
        None,
        WRONG,
        calls(
            "kms",
            ("tag_resource", {"Tags": [{"TagKey": "owner", "TagValue": WRONG}]}),
            ("untag_resource", {"TagKeys": ["owner"]}),
            KeyId=_id(Layer.ENCRYPTION, "Key", "cluster"),
        ),
    ),
    Case(Layer.ENCRYPTION, "secrets", "policy", ANY, ANY, _foreign_key_policy),
    Case(Layer.ENCRYPTION, "logs", "", None, None, _without_alias),
    Case(Layer.ENCRYPTION, "cache", "", None, None, _key_pending_deletion),
    # -- database
    Case(
        Layer.DATABASE,
        "database",
        "backupRetentionPeriod",
        7,
        1,
        _database({"BackupRetentionPeriod": 1}, {"BackupRetentionPeriod": 7}),
    ),
    Case(
        Layer.DATABASE,
        "database-1",
        "publiclyAccessible",
        False,
        True,
        calls(
            "rds",
            ("modify_db_instance", {"DBInstanceIdentifier": "ils-dev-1", "PubliclyAccessible": True}),
            ("modify_db_instance", {"DBInstanceIdentifier": "ils-dev-1", "PubliclyAccessible": False}),
        ),
    ),
    Case(
        Layer.DATABASE,
        "database",
        "tags.owner",
        None,
        WRONG,
        calls(
            "rds",
            ("add_tags_to_resource", {"Tags": MADE}),
            ("remove_tags_from_resource", {"TagKeys": ["owner"]}),
            ResourceName=lambda site: site.output(Layer.DATABASE, "cluster_arn"),
        ),
    ),
    Case(Layer.DATABASE, "postgresql", "", None, None, _without_log_group("/aws/rds/cluster/ils-dev/postgresql", 7)),
    # -- cache
    Case(
        Layer.CACHE,
        "cache",
        "snapshotRetentionLimit",
        1,
        9,
        _cache({"SnapshotRetentionLimit": 9}, {"SnapshotRetentionLimit": 1}),
    ),
    Case(
        Layer.CACHE,
        "auth-token",
        "tags.owner",
        None,
        WRONG,
        calls(
            "secretsmanager",
            ("tag_resource", {"Tags": MADE}),
            ("untag_resource", {"TagKeys": ["owner"]}),
            SecretId=_secret,
        ),
    ),
    Case(
        Layer.CACHE,
        "auth-token",
        "",
        None,
        None,
        calls(
            "secretsmanager", ("delete_secret", {"RecoveryWindowInDays": 7}), ("restore_secret", {}), SecretId=_secret
        ),
    ),
    # -- tables, secrets, load_balancer
    Case(
        Layer.TABLES,
        "sessions",
        "deletionProtectionEnabled",
        False,
        True,
        calls(
            "dynamodb",
            ("update_table", {"DeletionProtectionEnabled": True}),
            ("update_table", {"DeletionProtectionEnabled": False}),
            TableName=lambda site: site.output(Layer.TABLES, "sessions_table_name"),
        ),
    ),
    Case(
        Layer.TABLES,
        "sessions",
        "tags.owner",
        None,
        WRONG,
        calls(
            "dynamodb",
            ("tag_resource", {"Tags": MADE}),
            ("untag_resource", {"TagKeys": ["owner"]}),
            ResourceArn=lambda site: site.output(Layer.TABLES, "sessions_table_arn"),
        ),
    ),
    Case(
        Layer.LOAD_BALANCER,
        "entrance",
        "idleTimeout",
        60,
        999,
        calls(
            "elbv2",
            ("modify_load_balancer_attributes", {"Attributes": [_idle(999)]}),
            ("modify_load_balancer_attributes", {"Attributes": [_idle(60)]}),
            LoadBalancerArn=lambda site: site.output(Layer.LOAD_BALANCER, "load_balancer_arn"),
        ),
    ),
    Case(
        Layer.LOAD_BALANCER,
        "https",
        "sslPolicy",
        "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "ELBSecurityPolicy-2016-08",
        calls(
            "elbv2",
            ("modify_listener", {"SslPolicy": "ELBSecurityPolicy-2016-08"}),
            ("modify_listener", {"SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"}),
            ListenerArn=lambda site: site.output(Layer.LOAD_BALANCER, "https_listener_arn"),
        ),
    ),
    Case(
        Layer.LOAD_BALANCER,
        "app",
        "tags.owner",
        None,
        WRONG,
        calls(
            "elbv2",
            ("add_tags", {"Tags": MADE}),
            ("remove_tags", {"TagKeys": ["owner"]}),
            ResourceArns=lambda site: [site.output(Layer.LOAD_BALANCER, "target_group_arn")],
        ),
    ),
)
