"""Every resource type the provider knows, by token."""

from __future__ import annotations

from collections.abc import Mapping

from ils_sandbox.provider.resource import ResourceType
from ils_sandbox.provider.services import (
    acm,
    amp,
    backup,
    cloudwatch,
    dynamodb,
    ec2_flow_log,
    ec2_launch_template,
    ec2_network,
    ec2_routing,
    ec2_security,
    ec2_security_rules,
    eks,
    eks_access,
    eks_addons,
    elasticache,
    elasticache_groups,
    iam,
    kms,
    lb,
    lb_listener,
    logs,
    rds,
    rds_groups,
    route53,
    s3_bucket,
    s3_settings,
    secretsmanager,
    sns,
    wafv2,
    xray,
)

_SERVICES = (
    ec2_network,
    ec2_routing,
    ec2_flow_log,
    ec2_security,
    ec2_security_rules,
    ec2_launch_template,
    kms,
    iam,
    logs,
    eks,
    rds_groups,
    rds,
    elasticache_groups,
    elasticache,
    secretsmanager,
    dynamodb,
    lb,
    lb_listener,
    acm,
    s3_bucket,
    s3_settings,
    sns,
    cloudwatch,
    backup,
    amp,
    eks_addons,
    eks_access,
    route53,
    wafv2,
    xray,
)

TYPES: Mapping[str, ResourceType] = {entry.name: entry for service in _SERVICES for entry in service.TYPES}
