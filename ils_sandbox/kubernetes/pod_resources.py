"""What a pod asks of a node, and what it may use at the most: the sums over its containers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from ils_sandbox.kubernetes import quantities

Totals = dict[str, Decimal]

REQUESTS = "requests"
LIMITS = "limits"


def totals(pod: Mapping[str, Any], group: str) -> Totals:
    """Requests or limits by resource. Init containers run one after the other and before the others, so the largest of
    them counts, if it is larger than all others together; one that goes on running (a sidecar) counts with the others.
    """
    spec = pod["spec"]
    sidecars = [item for item in spec.get("initContainers", ()) if item.get("restartPolicy") == "Always"]
    result = _sum([*spec["containers"], *sidecars], group)
    for container in spec.get("initContainers", ()):
        if container not in sidecars:
            for name, amount in _sum([container], group).items():
                result[name] = max(amount, result.get(name, Decimal(0)))
    return result


def _sum(containers: Iterable[Mapping[str, Any]], group: str) -> Totals:
    result: Totals = {}
    for container in containers:
        for name, amount in container.get("resources", {}).get(group, {}).items():
            result[name] = result.get(name, Decimal(0)) + quantities.parse(amount)
    return result


def shown(amount: Decimal, like: str = "") -> str:
    """An amount as a quantity; in powers of 1024 when `like`, a quantity of the same resource, is."""
    if like.endswith("i") and amount == amount.to_integral_value():
        return quantities.canonical(f"{int(amount) // 1024}Ki") if amount % 1024 == 0 else str(int(amount))
    return quantities.canonical(f"{amount:f}")
