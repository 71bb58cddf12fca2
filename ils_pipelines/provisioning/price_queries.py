"""How each product of the price table is asked for in the AWS Price List, and known again in what it answers.

Usage types begin with a code of the region, which differs from service to service (`USE1-`, `us-east-1-`, or none): they are
known by their end. Names as in the bulk offer files, https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/index.json.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ils_pipelines.settings.prices import Per

REGIONAL = "regionCode"
UNITS: Mapping[Per, frozenset[str]] = {
    Per.HOUR: frozenset({"hrs", "hours", "hour", "loadbalancer-hours"}),
    Per.GIB_MONTH: frozenset({"gb-mo"}),
    Per.VCPU_HOUR: frozenset({"vcpu-hour", "vcpu-hours"}),
    Per.MONTH: frozenset({"keys", "secrets", "dashboards", "alarms", "key-month"}),
}
"""Units, in lower case, in which a price is quoted: an answer in another one is not taken."""


@dataclass(frozen=True)
class Query:
    """What is asked, and which of the answers is meant."""

    service: str
    usage: str
    """Regular expression that the usage type has to end with."""
    filters: Mapping[str, str] = field(default_factory=dict)
    regional: bool = True
    """Whether products of this kind have a region at all."""

    def wanted(self, region: str) -> dict[str, str]:
        """The filters, by attribute."""
        return {**self.filters, **({REGIONAL: region} if self.regional else {})}

    def means(self, usage_type: str) -> bool:
        return re.search(rf"(^|[-:]){self.usage}$", usage_type) is not None


_EXTENDED = {"databaseEngine": "Aurora PostgreSQL"}

_ONE: Mapping[str, Query] = {
    "eks/standard": Query("AmazonEKS", r"AmazonEKS-Hours:perCluster"),
    "eks/extended": Query("AmazonEKS", r"AmazonEKS-Hours:extendedSupport"),
    "aurora-extended/years-1-2": Query("AmazonRDS", r"ExtendedSupport:Yr1-Yr2:AuroraPostgreSQL\d+", _EXTENDED),
    "aurora-extended/year-3": Query("AmazonRDS", r"ExtendedSupport:Yr3:AuroraPostgreSQL\d+", _EXTENDED),
    "ebs/gp3": Query("AmazonEC2", r"EBS:VolumeUsage\.gp3", {"volumeApiName": "gp3", "productFamily": "Storage"}),
    "nat-gateway": Query("AmazonEC2", r"NatGateway-Hours", {"productFamily": "NAT Gateway"}),
    "public-ipv4": Query("AmazonVPC", r"PublicIPv4:InUseAddress"),
    "kms-key": Query("awskms", r"KMS-Keys"),
    "secret": Query("AWSSecretsManager", r"AWSSecretsManager-Secrets?"),
    "application-load-balancer": Query("AWSELB", r"LoadBalancerUsage", {"productFamily": "Load Balancer-Application"}),
    "cloudwatch/dashboard": Query("AmazonCloudWatch", r"DashboardsUsageHour", regional=False),
    "cloudwatch/alarm": Query("AmazonCloudWatch", r"CW:AlarmMonitorUsage"),
}


def _instance(kind: str) -> Query:
    filters = {
        "instanceType": kind,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
    }
    return Query("AmazonEC2", rf"BoxUsage:{re.escape(kind)}", filters)


def _aurora(kind: str) -> Query:
    # The other usage type of the same instance, InstanceUsageIOOptimized, is that of another storage.
    filters = {"instanceType": kind, "databaseEngine": "Aurora PostgreSQL"}
    return Query("AmazonRDS", r"InstanceUsage:db\.[\w.]+", filters)


def _cache(engine: str) -> Callable[[str], Query]:
    return lambda kind: Query(
        "AmazonElastiCache", r"NodeUsage:cache\.[\w.]+", {"instanceType": kind, "cacheEngine": engine}
    )


_MANY: Mapping[str, Callable[[str], Query]] = {
    "ec2": _instance,
    "aurora": _aurora,
    "redis": _cache("Redis"),
    "valkey": _cache("Valkey"),
}
"""By what a product begins with; its size follows after a slash."""


def query_for(product: str) -> Query | None:
    """How the product is asked for; None for one that the Price List does not have in this way."""
    if product in _ONE:
        return _ONE[product]
    family, _, kind = product.partition("/")
    return _MANY[family](kind) if kind and family in _MANY else None
