"""What the file of an ephemeral environment says: its base's, with a name, a network and an end of its own.

Everything else is taken over as it stands in the base at that moment; a later change of the base changes nothing here.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from datetime import datetime
from ipaddress import IPv4Network
from typing import Any

from ils_pipelines.errors import IlsError
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.network import Network

POOL = IPv4Network("10.0.0.0/8")
"""Where networks are taken from when none is given."""
POOL_PREFIX = 16

_SWITCHED_OFF = (
    ("protection",),
    ("requires_approval",),
    ("cluster", "deletion_protection"),
    ("database", "deletion_protection"),
    ("database", "final_snapshot"),
    ("cache", "final_snapshot"),
    ("tables", "deletion_protection"),
    ("load_balancer", "deletion_protection"),
)
"""What would stand in the way of a teardown that nobody attends, or leave something behind."""


class NoFreeNetwork(IlsError):
    """The network that was asked for is taken or too small, or there is none left. Nothing was made."""


def choose_network(others: Iterable[Environment]) -> IPv4Network:
    """The first /16 of 10.0.0.0/8 that no other environment uses. Raises `NoFreeNetwork`."""
    taken = [other.network.cidr for other in others]
    for candidate in POOL.subnets(new_prefix=POOL_PREFIX):
        if not any(candidate.overlaps(network) for network in taken):
            return candidate
    raise NoFreeNetwork(
        f"expected a /{POOL_PREFIX} of {POOL} that no other environment uses, found all taken. Tear one down, or give a "
        "network with --cidr. Nothing was made."
    )


def check_network(cidr: IPv4Network, others: Iterable[Environment]) -> None:
    """Raise `NoFreeNetwork` when another environment uses a part of `cidr`."""
    for other in others:
        if other.network.cidr.overlaps(cidr):
            raise NoFreeNetwork(
                f"expected a network that no other environment uses, found {cidr}, which overlaps {other.network.cidr} of "
                f"{other.name}. Leave --cidr out to have one chosen. Nothing was made."
            )


def moved_subnets(base: Network, cidr: IPv4Network) -> tuple[list[IPv4Network], list[IPv4Network]]:
    """The public and the private subnets of `base` inside `cidr`: at the same places where they fit, else in equal parts.

    Raises `NoFreeNetwork` when it is too small for as many.
    """
    if cidr.prefixlen <= base.cidr.prefixlen:
        shift = int(cidr.network_address) - int(base.cidr.network_address)
        return [_shifted(subnet, shift) for subnet in base.public_subnets], [
            _shifted(subnet, shift) for subnet in base.private_subnets
        ]
    public, private = len(base.public_subnets), len(base.private_subnets)
    prefix = cidr.prefixlen + max(public + private - 1, 1).bit_length()
    if prefix > 28:
        raise NoFreeNetwork(
            f"expected a network with room for {public + private} subnets of at least /28, found {cidr}. Use a larger one, "
            "for example a /20. Nothing was made."
        )
    parts = list(cidr.subnets(new_prefix=prefix))
    return parts[:public], parts[public : public + private]


def _shifted(subnet: IPv4Network, by: int) -> IPv4Network:
    return IPv4Network((int(subnet.network_address) + by, subnet.prefixlen))


def derived(
    data: Mapping[str, Any], base: Environment, *, name: str, cidr: IPv4Network, created: datetime, expires: datetime
) -> dict[str, Any]:
    """The content of the new file. `data` is what the file of `base` says."""
    public, private = moved_subnets(base.network, cidr)
    made: dict[str, Any] = copy.deepcopy(dict(data))
    made["name"] = name
    made["description"] = f"Made from {base.name} for a time; torn down by itself."
    made["ephemeral"] = {"base": base.name, "created": _text(created), "expires": _text(expires)}
    network = made.setdefault("network", {})
    network["cidr"] = str(cidr)
    network["public_subnets"] = [str(subnet) for subnet in public]
    network["private_subnets"] = [str(subnet) for subnet in private]
    for *sections, switch in _SWITCHED_OFF:
        section = made
        for step in sections:
            section = section.setdefault(step, {})
        section[switch] = False
    made.setdefault("secrets", {})["recovery_window_days"] = 0
    made.setdefault("backup_vault", {}).update(lock_mode="governance", lock_days=1)
    made.setdefault("schedules", {})["drill"] = "never"
    # The base's own name stays with the base: two certificates for one name would do, two DNS records would not.
    made.setdefault("load_balancer", {})["domain"] = f"{name}.{base.load_balancer.domain}"
    made.get("app", {}).pop("namespace", None)
    for waiver in made.get("posture_waivers", []):
        if "resource" in waiver:
            waiver["resource"] = waiver["resource"].replace(f"ils-{base.name}-", f"ils-{name}-")
    return made


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
