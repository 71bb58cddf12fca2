"""The VPC of an environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from ipaddress import IPv4Network
from itertools import combinations, product
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from ils_pipelines.settings.problems import Finding, dotted
from ils_pipelines.settings.rules import rule
from ils_pipelines.settings.section import Cidr, Flag, LogRetentionDays, Section, refuse

# Regions whose zones open to every account are not just a, b, c: their letters, best first.
_ZONE_LETTERS = {"ap-northeast-1": "acd", "ca-central-1": "abd", "us-west-1": "ac", "us-east-1": "abcdf"}
_SMALLEST_PREFIX = 28
_LARGEST_PREFIX = 16
_ZONE = re.compile("[a-z]")


def _zones(value: Any) -> Any:
    letters = value if isinstance(value, (list, tuple)) else None
    if letters is not None and letters and all(isinstance(zone, str) and _ZONE.fullmatch(zone) for zone in letters):
        return tuple(letters)
    if type(value) is int and value >= 1:
        return value
    raise refuse(
        "is neither a number of availability zones nor a list of their letters", "Write for example 2, or [a, c]."
    )


def zone_letters(region: str) -> str:
    """Letters of the zones that a plain number stands for, in order."""
    return _ZONE_LETTERS.get(region, "abc")


class NatMode(StrEnum):
    """How private subnets reach the internet."""

    SINGLE = "single"
    """One gateway for all zones: cheapest, and its zone's failure cuts all others off."""
    PER_AZ = "per_az"
    """One gateway per zone: a zone's failure stays in that zone."""
    NONE = "none"
    """No way out: only the gateway endpoints of S3 and DynamoDB."""


class GatewayEndpoint(StrEnum):
    """Services whose traffic may stay inside AWS for free."""

    S3 = "s3"
    DYNAMODB = "dynamodb"


class FlowLogs(Section):
    """The record of accepted and rejected connections."""

    enabled: Flag = Field(default=True, description="Whether connections in the VPC are recorded.")
    retention_days: LogRetentionDays = Field(default=7, description="Days the record is kept.")


class Network(Section):
    """VPC, subnets and the ways in and out."""

    cidr: Cidr = Field(default=IPv4Network("10.0.0.0/16"), description="Address range of the VPC, from /16 to /28.")
    availability_zones: Annotated[int | tuple[str, ...], BeforeValidator(_zones)] = Field(
        default=2,
        description="Number of availability zones, or their letters in the order of the subnets, e.g. [a, c].",
    )
    public_subnets: tuple[Cidr, ...] = Field(
        default=(IPv4Network("10.0.1.0/24"), IPv4Network("10.0.2.0/24")),
        description="Ranges of the subnets for load balancers and NAT gateways, one per availability zone.",
    )
    private_subnets: tuple[Cidr, ...] = Field(
        default=(IPv4Network("10.0.11.0/24"), IPv4Network("10.0.12.0/24")),
        description="Ranges of the subnets for nodes, database and cache, one per availability zone.",
    )
    nat: NatMode = Field(default=NatMode.SINGLE, description="How private subnets reach the internet.")
    flow_logs: FlowLogs = Field(default_factory=FlowLogs, description="The record of connections.")
    gateway_endpoints: tuple[GatewayEndpoint, ...] = Field(
        default=(GatewayEndpoint.S3, GatewayEndpoint.DYNAMODB),
        description="Services reached through gateway endpoints, which cost nothing, instead of the NAT gateway.",
    )

    @property
    def zone_count(self) -> int:
        """Number of availability zones."""
        zones = self.availability_zones
        return zones if isinstance(zones, int) else len(zones)

    def zone_names(self, region: str) -> tuple[str, ...]:
        """The availability zones by name, e.g. `us-east-1a`.

        Derived, not asked for: it saves a call in every run, and a zone that opens later moves no subnet.
        """
        zones = self.availability_zones
        letters = zone_letters(region)[:zones] if isinstance(zones, int) else zones
        return tuple(f"{region}{letter}" for letter in letters)


@rule(Network, "availability_zones")
def _two_zones(network: Network, _today: date) -> Iterator[Finding]:
    zones = network.availability_zones
    if network.zone_count < 2:
        yield Finding(
            ("availability_zones",),
            zones,
            "EKS and Aurora need subnets in at least two availability zones",
            "Use 2 or more.",
        )
    if not isinstance(zones, int) and len(set(zones)) < len(zones):
        yield Finding(("availability_zones",), zones, "names a zone twice", "Name each zone once.")


@rule(Network, "cidr")
def _vpc_size(network: Network, _today: date) -> Iterator[Finding]:
    if not _LARGEST_PREFIX <= network.cidr.prefixlen <= _SMALLEST_PREFIX:
        yield Finding(
            ("cidr",), str(network.cidr), "AWS takes VPCs from /16 to /28", f"Use {network.cidr.network_address}/16."
        )


@rule(Network, "availability_zones", "public_subnets")
def _public_subnet_per_zone(network: Network, _today: date) -> Iterator[Finding]:
    yield from _subnet_per_zone(network, "public_subnets", network.public_subnets)


@rule(Network, "availability_zones", "private_subnets")
def _private_subnet_per_zone(network: Network, _today: date) -> Iterator[Finding]:
    yield from _subnet_per_zone(network, "private_subnets", network.private_subnets)


def _subnet_per_zone(network: Network, field: str, subnets: tuple[Cidr, ...]) -> Iterator[Finding]:
    zones = network.zone_count
    if len(subnets) != zones:
        yield Finding(
            (field,),
            [str(subnet) for subnet in subnets],
            f"has {len(subnets)} subnet(s) for {zones} availability zone(s)",
            f"List exactly {zones}, one per zone, or change network.availability_zones.",
        )


_Subnet = tuple[tuple[str, int], IPv4Network]


def _subnets(network: Network, field: str) -> list[_Subnet]:
    """The subnets of one kind with their places."""
    return [((field, index), subnet) for index, subnet in enumerate(getattr(network, field))]


@rule(Network, "cidr", "public_subnets")
def _public_nested(network: Network, _today: date) -> Iterator[Finding]:
    yield from _nested(network, "public_subnets")


@rule(Network, "cidr", "private_subnets")
def _private_nested(network: Network, _today: date) -> Iterator[Finding]:
    yield from _nested(network, "private_subnets")


def _nested(network: Network, field: str) -> Iterator[Finding]:
    for location, subnet in _subnets(network, field):
        if not subnet.subnet_of(network.cidr):
            yield Finding(
                location, str(subnet), f"lies outside the VPC's {network.cidr}", "Choose a range inside network.cidr."
            )


@rule(Network, "public_subnets")
def _disjoint_public(network: Network, _today: date) -> Iterator[Finding]:
    yield from _overlaps(combinations(_subnets(network, "public_subnets"), 2))


@rule(Network, "private_subnets")
def _disjoint_private(network: Network, _today: date) -> Iterator[Finding]:
    yield from _overlaps(combinations(_subnets(network, "private_subnets"), 2))


@rule(Network, "public_subnets", "private_subnets")
def _disjoint_kinds(network: Network, _today: date) -> Iterator[Finding]:
    yield from _overlaps(product(_subnets(network, "public_subnets"), _subnets(network, "private_subnets")))


def _overlaps(pairs: Iterable[tuple[_Subnet, _Subnet]]) -> Iterator[Finding]:
    for (place, first), (location, second) in pairs:
        if first.overlaps(second):
            yield Finding(
                location,
                str(second),
                f"overlaps {first} of network.{dotted(place)}",
                "Give every subnet a range of its own.",
            )


@rule(Network, "public_subnets")
def _public_size(network: Network, _today: date) -> Iterator[Finding]:
    yield from _size(network, "public_subnets")


@rule(Network, "private_subnets")
def _private_size(network: Network, _today: date) -> Iterator[Finding]:
    yield from _size(network, "private_subnets")


def _size(network: Network, field: str) -> Iterator[Finding]:
    for location, subnet in _subnets(network, field):
        if not _LARGEST_PREFIX <= subnet.prefixlen <= _SMALLEST_PREFIX:
            yield Finding(
                location, str(subnet), "AWS takes subnets from /16 to /28", f"Use {subnet.network_address}/24."
            )
