"""Address ranges, zones and subnets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ils_pipelines.settings.diagnosis import diagnose
from ils_pipelines.settings.network import Network

Paths = Callable[..., list[str]]


def problems_of(network: dict[str, object]) -> list[str]:
    return [problem.path for problem in diagnose({"name": "dev", "network": network}, date(2026, 11, 23))[1]]


def test_a_subnet_outside_the_vpc_is_refused(problem_paths: Paths) -> None:
    network = {"public_subnets": ["10.0.1.0/24", "10.1.2.0/24"]}
    assert problem_paths({"network": network}) == ["network.public_subnets[1]"]


def test_overlapping_subnets_are_refused_at_the_later_one(problem_paths: Paths) -> None:
    network = {"private_subnets": ["10.0.11.0/24", "10.0.2.128/25"]}
    assert problem_paths({"network": network}) == ["network.private_subnets[1]"]


def test_a_subnet_given_twice_is_refused(problem_paths: Paths) -> None:
    network = {"private_subnets": ["10.0.11.0/24", "10.0.11.0/24"]}
    assert problem_paths({"network": network}) == ["network.private_subnets[1]"]


@pytest.mark.parametrize("cidr", ["10.0.0.0/8", "10.0.0.0/29"])
def test_a_vpc_of_a_size_aws_refuses_is_refused(problem_paths: Paths, cidr: str) -> None:
    assert "network.cidr" in problem_paths({"network": {"cidr": cidr}})


def test_a_subnet_smaller_than_aws_takes_is_refused(problem_paths: Paths) -> None:
    network = {"public_subnets": ["10.0.1.0/24", "10.0.2.0/29"]}
    assert problem_paths({"network": network}) == ["network.public_subnets[1]"]


def test_one_zone_is_too_few(problem_paths: Paths) -> None:
    network = {"availability_zones": 1, "public_subnets": ["10.0.1.0/24"], "private_subnets": ["10.0.11.0/24"]}
    assert problem_paths({"network": network}) == ["network.availability_zones"]


def test_a_zone_named_twice_is_refused(problem_paths: Paths) -> None:
    assert problem_paths({"network": {"availability_zones": ["a", "a"]}}) == ["network.availability_zones"]


@pytest.mark.parametrize("zones", [0, "2", True, [], ["a", 1], ["us-east-1a", "us-east-1b"], None])
def test_zones_that_are_neither_a_number_nor_letters_are_refused(problem_paths: Paths, zones: object) -> None:
    assert problem_paths({"network": {"availability_zones": zones}}) == ["network.availability_zones"]


def test_every_zone_needs_a_subnet_of_each_kind(problem_paths: Paths) -> None:
    assert problem_paths({"network": {"availability_zones": 3}}) == [
        "network.public_subnets",
        "network.private_subnets",
    ]


def test_more_zones_than_a_region_is_known_to_have_are_refused(problem_paths: Paths) -> None:
    subnets = {
        "public_subnets": [f"10.0.{number}.0/24" for number in range(1, 4)],
        "private_subnets": [f"10.0.{number}.0/24" for number in range(11, 14)],
    }
    sections = {"aws": {"region": "us-west-1"}, "network": {"availability_zones": 3, **subnets}}
    assert problem_paths(sections) == ["network.availability_zones"]


def test_a_number_of_zones_stands_for_the_first_letters_of_the_region() -> None:
    assert Network(availability_zones=2).zone_names("ap-northeast-1") == ("ap-northeast-1a", "ap-northeast-1c")


def test_letters_choose_the_zones() -> None:
    assert Network(availability_zones=("c", "f")).zone_names("us-east-1") == ("us-east-1c", "us-east-1f")


@st.composite
def carved(draw: st.DrawFn) -> tuple[IPv4Network, list[IPv4Network]]:
    """A VPC and four different subnets cut from it."""
    vpc = IPv4Network((draw(st.integers(0, 2**16 - 1)) << 16, 16))
    blocks = list(vpc.subnets(new_prefix=draw(st.integers(18, 28))))
    chosen = draw(st.lists(st.integers(0, len(blocks) - 1), min_size=4, max_size=4, unique=True))
    return vpc, [blocks[index] for index in chosen]


def network_of(vpc: IPv4Network, subnets: list[IPv4Network]) -> dict[str, object]:
    texts = [str(subnet) for subnet in subnets]
    return {"cidr": str(vpc), "public_subnets": texts[:2], "private_subnets": texts[2:]}


@given(carved())
def test_any_disjoint_subnets_inside_any_vpc_are_accepted(carving: tuple[IPv4Network, list[IPv4Network]]) -> None:
    assert problems_of(network_of(*carving)) == []


@given(carved(), st.integers(0, 3), st.integers(0, 3))
def test_any_subnet_inside_another_one_is_found(
    carving: tuple[IPv4Network, list[IPv4Network]], inner: int, outer: int
) -> None:
    vpc, subnets = carving
    if inner == outer or subnets[outer].prefixlen == 28:
        return
    subnets[inner] = next(subnets[outer].subnets(1))
    later = max(inner, outer)
    kind = "public_subnets" if later < 2 else "private_subnets"
    assert problems_of(network_of(vpc, subnets)) == [f"network.{kind}[{later % 2}]"]


@given(carved(), st.integers(0, 3))
def test_any_subnet_outside_the_vpc_is_found(carving: tuple[IPv4Network, list[IPv4Network]], moved: int) -> None:
    vpc, subnets = carving
    elsewhere = int(subnets[moved].network_address) ^ (1 << 16)
    subnets[moved] = IPv4Network((elsewhere, subnets[moved].prefixlen))
    kind = "public_subnets" if moved < 2 else "private_subnets"
    assert problems_of(network_of(vpc, subnets)) == [f"network.{kind}[{moved % 2}]"]


@given(st.integers(0, 2**32 - 1), st.integers(1, 32))
def test_a_range_with_bits_after_its_prefix_is_refused_with_the_one_that_is_meant(address: int, prefix: int) -> None:
    network = IPv4Network((address, prefix), strict=False)
    text = f"{IPv4Network(address).network_address}/{prefix}"
    _, problems = diagnose({"name": "dev", "cluster": {"private_access_cidrs": [text]}}, date(2026, 11, 23))
    if str(network) == text:
        assert problems == ()
    else:
        assert [problem.remedy for problem in problems] == [f'Write "{network}".']
