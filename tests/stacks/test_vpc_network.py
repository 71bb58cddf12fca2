"""Subnets, gateways, routes and flow logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ils_pipelines.settings.layers import Layer

Runs = Mapping[Layer, Any]
Changed = Callable[..., Runs]


@pytest.fixture
def vpc(applied: Runs) -> Any:
    return applied[Layer.VPC]


def test_the_subnets_are_those_of_the_specification(vpc: Any) -> None:
    assert {
        subnet.name: (subnet.inputs["cidrBlock"], subnet.inputs["availabilityZone"]) for subnet in vpc.of("Subnet")
    } == {
        "public-a": ("10.0.1.0/24", "us-east-1a"),
        "public-b": ("10.0.2.0/24", "us-east-1b"),
        "private-a": ("10.0.11.0/24", "us-east-1a"),
        "private-b": ("10.0.12.0/24", "us-east-1b"),
    }


def test_no_subnet_hands_out_public_addresses(vpc: Any) -> None:
    assert {subnet.inputs["mapPublicIpOnLaunch"] for subnet in vpc.of("Subnet")} == {False}


def test_load_balancers_find_their_subnets(vpc: Any) -> None:
    roles = {
        subnet.name: [key for key in subnet.inputs["tags"] if key.startswith("kubernetes.io")]
        for subnet in vpc.of("Subnet")
    }
    assert roles["public-a"] == ["kubernetes.io/role/elb"]
    assert roles["private-a"] == ["kubernetes.io/role/internal-elb"]


@pytest.mark.parametrize(("name", "gateways"), [("dev", ["nat-a"]), ("production", ["nat-a", "nat-b"])])
def test_there_is_one_nat_gateway_in_dev_and_one_per_zone_in_production(
    of_tier: Callable[[str], Runs], name: str, gateways: list[str]
) -> None:
    run = of_tier(name)[Layer.VPC]
    assert sorted(gateway.name for gateway in run.of("NatGateway")) == gateways
    assert sorted(address.name for address in run.of("Eip")) == gateways


def default_routes(run: Any) -> dict[str, str]:
    return {
        route.inputs["routeTableId"]: route.inputs.get("natGatewayId") or route.inputs["gatewayId"]
        for route in run.of("Route")
        if route.inputs["destinationCidrBlock"] == "0.0.0.0/0"
    }


def test_in_dev_all_private_subnets_share_a_gateway(of_tier: Callable[[str], Runs]) -> None:
    assert default_routes(of_tier("dev")[Layer.VPC]) == {
        "public-id": "internet-id",
        "private-a-id": "nat-a-id",
        "private-b-id": "nat-a-id",
    }


def test_in_production_every_zone_uses_its_own_gateway(of_tier: Callable[[str], Runs]) -> None:
    assert default_routes(of_tier("production")[Layer.VPC]) == {
        "public-id": "internet-id",
        "private-a-id": "nat-a-id",
        "private-b-id": "nat-b-id",
    }


def test_without_nat_private_subnets_have_no_way_out(apply_changed: Changed) -> None:
    run = apply_changed(network={"nat": "none"})[Layer.VPC]
    assert default_routes(run) == {"public-id": "internet-id"}
    assert run.of("Eip") == []
    assert run.outputs["nat_public_ips"] == []


def test_going_to_one_gateway_per_zone_replaces_no_route_table(
    apply_changed: Changed, of_tier: Callable[[str], Runs]
) -> None:
    def tables(run: Any) -> list[str]:
        return sorted(table.urn for table in run.of("RouteTable"))

    assert tables(apply_changed(network={"nat": "per_az"})[Layer.VPC]) == tables(of_tier("dev")[Layer.VPC])


def test_every_subnet_has_a_route_table(vpc: Any) -> None:
    associated = {row.inputs["subnetId"]: row.inputs["routeTableId"] for row in vpc.of("RouteTableAssociation")}
    assert associated == {
        "public-a-id": "public-id",
        "public-b-id": "public-id",
        "private-a-id": "private-a-id",
        "private-b-id": "private-b-id",
    }


def test_gateways_wait_for_the_vpc_to_be_connected(vpc: Any) -> None:
    internet = vpc.one("InternetGateway").urn
    waiting = vpc.of("NatGateway") + vpc.of("Eip")
    assert [resource.name for resource in waiting if internet not in resource.dependencies] == []


def test_s3_and_dynamodb_are_reached_without_nat_from_every_subnet(vpc: Any) -> None:
    endpoints = {endpoint.inputs["serviceName"]: endpoint.inputs for endpoint in vpc.of("VpcEndpoint")}
    assert set(endpoints) == {"com.amazonaws.us-east-1.s3", "com.amazonaws.us-east-1.dynamodb"}
    for endpoint in endpoints.values():
        assert endpoint["vpcEndpointType"] == "Gateway"
        assert set(endpoint["routeTableIds"]) == {"public-id", "private-a-id", "private-b-id"}


@pytest.mark.parametrize(("name", "days"), [("dev", 7), ("staging", 14), ("production", 30)])
def test_flow_logs_are_kept_as_long_as_the_tier_says(of_tier: Callable[[str], Runs], name: str, days: int) -> None:
    assert of_tier(name)[Layer.VPC].one("LogGroup").inputs["retentionInDays"] == days


def test_flow_logs_record_everything_into_their_group(vpc: Any) -> None:
    log = vpc.one("FlowLog").inputs
    assert (log["trafficType"], log["vpcId"]) == ("ALL", "vpc-id")
    assert log["logDestination"].endswith("LogGroup/flow-logs")


def test_the_flow_log_role_writes_into_its_group_alone(vpc: Any) -> None:
    statements = json.loads(vpc.one("RolePolicy").inputs["policy"])["Statement"]
    writing = [statement for statement in statements if "logs:PutLogEvents" in statement["Action"]]
    assert [all("LogGroup/flow-logs" in resource for resource in s["Resource"]) for s in writing] == [True]


def test_flow_logs_can_be_turned_off(apply_changed: Changed) -> None:
    run = apply_changed(network={"flow_logs": {"enabled": False, "retention_days": 7}})[Layer.VPC]
    assert run.of("FlowLog") == []
    assert run.calls == []


def test_three_zones_by_letter(apply_changed: Changed) -> None:
    network = {
        "availability_zones": ["a", "c", "d"],
        "public_subnets": ["10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"],
        "private_subnets": ["10.0.11.0/24", "10.0.12.0/24", "10.0.13.0/24"],
    }
    run = apply_changed(network=network)[Layer.VPC]
    assert run.outputs["private_subnet_ids"] == ["private-a-id", "private-c-id", "private-d-id"]
