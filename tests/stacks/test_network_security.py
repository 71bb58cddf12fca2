"""Who can reach whom, in every tier."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ils_pipelines.settings.layers import Layer

Runs = Mapping[Layer, Any]
EVERYWHERE = "0.0.0.0/0"


@pytest.fixture
def vpc(applied: Runs) -> Any:
    return applied[Layer.VPC]


def rules(run: Any, kind: str = "SecurityGroup") -> list[dict[str, Any]]:
    found = run.of(f"{kind}IngressRule") + run.of(f"{kind}EgressRule")
    return [dict(rule.inputs) for rule in found]


def flows(run: Any, direction: str) -> set[tuple[str, str, int, int, str]]:
    """Group, peer, ports and protocol of all rules of a direction."""
    return {
        (
            rule.inputs["securityGroupId"].removesuffix("-id"),
            rule.inputs.get("referencedSecurityGroupId", rule.inputs.get("cidrIpv4")).removesuffix("-id"),
            int(rule.inputs["fromPort"]),
            int(rule.inputs["toPort"]),
            rule.inputs["ipProtocol"],
        )
        for rule in run.of(f"SecurityGroup{direction}Rule")
    }


def test_only_the_load_balancer_is_open_to_the_internet(vpc: Any) -> None:
    assert {flow for flow in flows(vpc, "Ingress") if flow[1] == EVERYWHERE} == {
        ("load-balancer", EVERYWHERE, 80, 80, "tcp"),
        ("load-balancer", EVERYWHERE, 443, 443, "tcp"),
    }


def test_only_nodes_call_the_internet_and_only_by_https(vpc: Any) -> None:
    assert {flow for flow in flows(vpc, "Egress") if flow[1] == EVERYWHERE} == {("nodes", EVERYWHERE, 443, 443, "tcp")}


@pytest.mark.parametrize(
    ("group", "reached"),
    [
        ("database", {("nodes", 5432)}),
        ("cache", {("nodes", 6379)}),
        ("cluster", {("nodes", 443)}),
    ],
)
def test_a_group_is_reached_from_nodes_on_its_port_alone(vpc: Any, group: str, reached: set[tuple[str, int]]) -> None:
    assert {(peer, first) for name, peer, first, _, _ in flows(vpc, "Ingress") if name == group} == reached


def test_the_load_balancer_reaches_the_application_port_alone(vpc: Any) -> None:
    assert {flow[1:3] for flow in flows(vpc, "Egress") if flow[0] == "load-balancer"} == {("nodes", 5000)}


@pytest.mark.parametrize("group", ["database", "cache"])
def test_database_and_cache_call_nobody(vpc: Any, group: str) -> None:
    assert [flow for flow in flows(vpc, "Egress") if flow[0] == group] == []


def test_no_rule_opens_all_ports_or_protocols(vpc: Any) -> None:
    assert [flow for direction in ("Ingress", "Egress") for flow in flows(vpc, direction) if flow[4] == "-1"] == []
    assert [
        flow for direction in ("Ingress", "Egress") for flow in flows(vpc, direction) if flow[2] < 22 < flow[3]
    ] == []


def test_every_rule_between_groups_exists_at_both_ends(vpc: Any) -> None:
    ingress = {(peer, group, *rest) for group, peer, *rest in flows(vpc, "Ingress") if peer != EVERYWHERE}
    egress = {(group, peer, *rest) for group, peer, *rest in flows(vpc, "Egress") if peer != EVERYWHERE}
    assert ingress == egress


def test_every_rule_and_group_says_what_it_is_for(vpc: Any) -> None:
    assert [rule for rule in rules(vpc) if len(rule["description"]) < 10] == []
    assert [group.name for group in vpc.of("SecurityGroup") if not group.inputs["description"]] == []


def test_descriptions_are_of_characters_that_ec2_takes(vpc: Any) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html"""
    described = [*rules(vpc), *(group.inputs for group in vpc.of("SecurityGroup"))]
    taken = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")
    assert [each["description"] for each in described if not taken.fullmatch(each["description"])] == []


def test_groups_carry_no_inline_rules(vpc: Any) -> None:
    assert [group.name for group in vpc.of("SecurityGroup") if {"ingress", "egress"} & set(group.inputs)] == []


def test_the_default_group_lets_nothing_through(vpc: Any) -> None:
    default = vpc.one("DefaultSecurityGroup")
    assert default.inputs["vpcId"] == "vpc-id"
    assert not {"ingress", "egress"} & set(default.inputs)


def test_operators_networks_reach_the_kubernetes_api(apply_changed: Callable[..., Runs]) -> None:
    run = apply_changed(cluster={"private_access_cidrs": ["10.8.0.0/24"]})[Layer.VPC]
    assert ("cluster", "10.8.0.0/24", 443, 443, "tcp") in flows(run, "Ingress")


def test_ports_follow_the_file(apply_changed: Callable[..., Runs]) -> None:
    run = apply_changed(app={"port": 8080}, database={"port": 5433}, cache={"port": 6380})[Layer.VPC]
    ports = {(group, port) for group, _, port, _, _ in flows(run, "Ingress")}
    assert {("nodes", 8080), ("database", 5433), ("cache", 6380)} <= ports
    assert not {("nodes", 5000), ("database", 5432), ("cache", 6379)} & ports
