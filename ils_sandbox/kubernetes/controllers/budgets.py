"""Pod disruption budgets: their status tells how many pods may be evicted now."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.controllers.ownership import condition, ready, terminating
from ils_sandbox.kubernetes.controllers.runner import Key, key_of
from ils_sandbox.kubernetes.kinds import (
    BY_NAME,
    DEPLOYMENT,
    JOB,
    POD,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
)
from ils_sandbox.kubernetes.registry import Registry
from ils_sandbox.kubernetes.selectors import matches_selector
from ils_sandbox.kubernetes.store import Change, Cluster, Object, name_of, namespace_of

ALLOWED = "DisruptionAllowed"
SECONDS_TO_BE_DELETED = 120
"""An evicted pod that is still there after so long counts again."""


class DisruptionBudgets:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is POD_DISRUPTION_BUDGET:
            yield key_of(change.obj)
        elif change.kind is POD:
            for budget in budgets_of(self._registry.cluster, change.obj):
                yield key_of(budget)
        elif change.kind in (DEPLOYMENT, REPLICA_SET):
            for budget in self._registry.cluster.objects(POD_DISRUPTION_BUDGET, namespace_of(change.obj)):
                yield key_of(budget)

    def reconcile(self, key: Key) -> float | None:
        cluster = self._registry.cluster
        budget = cluster.get(POD_DISRUPTION_BUDGET, *key)
        if budget is None or terminating(budget):
            return None
        selector = budget["spec"].get("selector")
        pods = [pod for pod in cluster.objects(POD, key[0]) if _selects(selector, pod)]
        disrupted = _still_disrupted(budget, pods)
        healthy = sum(ready(pod) and not terminating(pod) and name_of(pod) not in disrupted for pod in pods)
        expected, desired = _expectations(cluster, budget["spec"], pods)
        status: Object = {
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
            "disruptionsAllowed": max(0, healthy - desired) if expected > 0 else 0,
            "observedGeneration": budget["metadata"]["generation"],
        }
        if disrupted:
            status["disruptedPods"] = disrupted
        status["conditions"] = [_condition(budget, allowed=bool(status["disruptionsAllowed"]))]
        self._registry.set_status(POD_DISRUPTION_BUDGET, budget, status)
        return SECONDS_TO_BE_DELETED if disrupted else None


def budgets_of(cluster: Cluster, pod: Object) -> list[Object]:
    """The budgets whose selectors select the pod."""
    budgets = cluster.objects(POD_DISRUPTION_BUDGET, namespace_of(pod))
    return [budget for budget in budgets if _selects(budget["spec"].get("selector"), pod)]


def _selects(selector: Object | None, pod: Object) -> bool:
    return matches_selector(selector, pod["metadata"].get("labels", {}))


def _still_disrupted(budget: Object, pods: list[Object]) -> dict[str, str]:
    since: dict[str, str] = budget.get("status", {}).get("disruptedPods", {})
    going = {name_of(pod) for pod in pods if not terminating(pod)}
    return {name: at for name, at in since.items() if name in going and clock.seconds_since(at) < SECONDS_TO_BE_DELETED}


def _expectations(cluster: Cluster, spec: Object, pods: list[Object]) -> tuple[int, int]:
    """How many pods there should be, and how many of them have to be healthy."""
    if "maxUnavailable" in spec:
        expected = _expected_scale(cluster, pods)
        return expected, max(0, expected - _scaled(spec["maxUnavailable"], expected))
    least = spec.get("minAvailable", 1)
    if isinstance(least, int):
        return len(pods), least
    expected = _expected_scale(cluster, pods)
    return expected, _scaled(least, expected)


def _scaled(value: int | str, total: int) -> int:
    return value if isinstance(value, int) else math.ceil(int(value.rstrip("%")) * total / 100)


def _expected_scale(cluster: Cluster, pods: list[Object]) -> int:
    """The replicas that the controllers of these pods are to have."""
    scales: dict[str, int] = {}
    for pod in pods:
        controller = _controller(cluster, pod)
        if controller is not None:
            scales[controller["metadata"]["uid"]] = controller["spec"].get("replicas", 1)
    return sum(scales.values())


def _controller(cluster: Cluster, obj: Object) -> Object | None:
    """What controls the object in the end: a pod's deployment rather than its replica set."""
    for owner in obj["metadata"].get("ownerReferences", ()):
        kind = BY_NAME.get((owner["apiVersion"], owner["kind"]))
        if owner.get("controller") and kind is not None and kind is not JOB:
            found = cluster.get(kind, namespace_of(obj), owner["name"])
            return (_controller(cluster, found) or found) if found is not None else None
    return None


def _condition(budget: Object, *, allowed: bool) -> Object:
    before = condition(budget, ALLOWED)
    status = "True" if allowed else "False"
    same = before is not None and before["status"] == status
    return {
        "type": ALLOWED,
        "status": status,
        "reason": "SufficientPods" if allowed else "InsufficientPods",
        "message": "",
        "observedGeneration": budget["metadata"]["generation"],
        "lastTransitionTime": before["lastTransitionTime"] if before and same else clock.now(),
    }
