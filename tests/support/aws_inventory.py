"""What exists in an emulated account, asked through the same API that anybody would use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import boto3

KINDS = (
    ("ec2", "describe_vpcs", "Vpcs"),
    ("ec2", "describe_subnets", "Subnets"),
    ("ec2", "describe_internet_gateways", "InternetGateways"),
    ("ec2", "describe_nat_gateways", "NatGateways"),
    ("ec2", "describe_addresses", "Addresses"),
    ("ec2", "describe_route_tables", "RouteTables"),
    ("ec2", "describe_vpc_endpoints", "VpcEndpoints"),
    ("ec2", "describe_flow_logs", "FlowLogs"),
    ("ec2", "describe_security_groups", "SecurityGroups"),
    ("ec2", "describe_security_group_rules", "SecurityGroupRules"),
    ("ec2", "describe_launch_templates", "LaunchTemplates"),
    ("iam", "list_roles", "Roles"),
    ("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList"),
    ("kms", "list_keys", "Keys"),
    ("kms", "list_aliases", "Aliases"),
    ("logs", "describe_log_groups", "logGroups"),
    ("eks", "list_clusters", "clusters"),
    ("rds", "describe_db_clusters", "DBClusters"),
    ("rds", "describe_db_instances", "DBInstances"),
    ("rds", "describe_db_subnet_groups", "DBSubnetGroups"),
    ("rds", "describe_db_cluster_parameter_groups", "DBClusterParameterGroups"),
    ("elasticache", "describe_replication_groups", "ReplicationGroups"),
    ("elasticache", "describe_cache_subnet_groups", "CacheSubnetGroups"),
    ("elasticache", "describe_cache_parameter_groups", "CacheParameterGroups"),
    ("dynamodb", "list_tables", "TableNames"),
    ("elbv2", "describe_load_balancers", "LoadBalancers"),
    ("elbv2", "describe_target_groups", "TargetGroups"),
    ("acm", "list_certificates", "CertificateSummaryList"),
    ("s3", "list_buckets", "Buckets"),
    ("secretsmanager", "list_secrets", "SecretList"),
    ("backup", "list_backup_vaults", "BackupVaultList"),
    ("backup", "list_backup_plans", "BackupPlansList"),
    ("sns", "list_topics", "Topics"),
    ("sns", "list_subscriptions", "Subscriptions"),
    ("cloudwatch", "describe_alarms", "MetricAlarms"),
    ("cloudwatch", "list_dashboards", "DashboardEntries"),
    ("amp", "list_workspaces", "workspaces"),
)
REGIONS = ("us-east-1", "us-west-2")
"""Of the environments, and of the copies of their backups."""
OF_ALL_REGIONS = {"iam", "s3"}
GONE = {"deleted", "deleting", "PendingDeletion", "PendingReplicaDeletion"}


@cache
def client(endpoint: str, service: str, region: str = "us-east-1") -> Any:
    """Made once: making one costs more than what is asked of it. Not from several threads at once."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
    )


def inventory(endpoint: str) -> Counter[str]:
    """Number of living objects by region and kind. What AWS only keeps for its records (deleted gateways, keys that wait for
    their deletion) does not count; nor does the key that a service makes of its own when it is first used: it stays.
    """
    wanted = [
        (region, *kind) for region in REGIONS for kind in KINDS if region == REGIONS[0] or kind[0] not in OF_ALL_REGIONS
    ]
    services = {(region, service): client(endpoint, service, region) for region, service, *_ in wanted}

    def count(kind: tuple[str, str, str, str]) -> tuple[str, int]:
        region, service, operation, member = kind
        found = _everything(services[region, service], operation, member)
        if member == "Keys":
            kms = services[region, "kms"]
            of_services = {
                alias.get("TargetKeyId")
                for alias in _everything(kms, "list_aliases", "Aliases")
                if alias["AliasName"].startswith("alias/aws/")
            }
            found = [
                kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in found if key["KeyId"] not in of_services
            ]
        return f"{region} {service}.{member}", sum(not _gone(item) for item in found)

    with ThreadPoolExecutor(4) as pool:
        return +Counter(dict(pool.map(count, wanted)))


def _everything(service: Any, operation: str, member: str) -> list[Any]:
    if not service.can_paginate(operation):
        return list(getattr(service, operation)()[member])
    return [item for page in service.get_paginator(operation).paginate() for item in page[member]]


def _gone(item: Any) -> bool:
    if not isinstance(item, Mapping):
        return False
    # The state of a load balancer is a structure; one that is deleted is listed no more.
    states = (item.get("State"), item.get("KeyState"), item.get("Status"))
    return any(isinstance(state, str) and state in GONE for state in states)
