"""`getZone`: a hosted zone by its name or its id."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from pulumi.provider.experimental.provider import InvokeRequest

from ils_sandbox.provider.errors import ProviderError
from ils_sandbox.provider.values import UNKNOWN, plain, property_value
from tests.sandbox.provider.bench import Surroundings


@pytest.fixture
def zone(surroundings: Surroundings) -> tuple[str, str]:
    """Name and id of a new public zone."""
    name = f"{uuid.uuid4().hex[:8]}.example.net"
    answer = surroundings.client("route53").create_hosted_zone(Name=name, CallerReference=uuid.uuid4().hex)
    return name, str(answer["HostedZone"]["Id"].rpartition("/")[2])


def get_zone(around: Surroundings, **arguments: Any) -> dict[str, Any]:
    request = InvokeRequest(
        "aws:route53/getZone:getZone", {name: property_value(value) for name, value in arguments.items()}
    )
    return plain(asyncio.run(around.provider.invoke(request)).return_value or {})


@pytest.mark.parametrize("suffix", ["", "."])
def test_a_zone_is_found_by_its_name(surroundings: Surroundings, zone: tuple[str, str], suffix: str) -> None:
    name, id_ = zone
    found = get_zone(surroundings, name=f"{name}{suffix}", privateZone=False)
    assert (found["zoneId"], found["name"], found["privateZone"]) == (id_, name, False)
    assert found["arn"] == f"arn:aws:route53:::hostedzone/{id_}"
    assert len(found["nameServers"]) == 4


def test_a_zone_is_found_by_its_id(surroundings: Surroundings, zone: tuple[str, str]) -> None:
    name, id_ = zone
    assert get_zone(surroundings, zoneId=id_)["name"] == name


def test_a_zone_that_is_not_there_is_an_error_that_names_it(surroundings: Surroundings) -> None:
    with pytest.raises(ProviderError, match=r"one public hosted zone named 'absent\.example\.net', found 0"):
        get_zone(surroundings, name="absent.example.net")


def test_a_private_zone_is_not_taken_for_a_public_one(surroundings: Surroundings, zone: tuple[str, str]) -> None:
    with pytest.raises(ProviderError, match="one private hosted zone"):
        get_zone(surroundings, name=zone[0], privateZone=True)


def test_a_zone_of_an_unknown_name_is_unknown(surroundings: Surroundings) -> None:
    assert get_zone(surroundings, name=UNKNOWN)["zoneId"] is UNKNOWN
