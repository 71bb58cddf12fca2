"""How many replicas the metrics of an autoscaler ask for, and how fast it may get there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ils_sandbox.kubernetes import quantities
from ils_sandbox.kubernetes.metrics import Usage
from ils_sandbox.kubernetes.store import Object

TOLERANCE = 0.1
"""A ratio so near to one changes nothing."""
_DEFAULT_DOWN_WINDOW = 300
_SECONDS_REMEMBERED = 3600


@dataclass(frozen=True)
class Reading:
    """One metric: what is shown of it, and how many replicas it asks for."""

    shown: dict[str, Any]
    replicas: int


class MetricUnavailable(Exception):
    """A metric cannot be had. `reason` is that of the condition."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def read(metric: Mapping[str, Any], usage: Usage, pods: Sequence[Object], current: int) -> Reading:
    """Raises MetricUnavailable."""
    kind = metric["type"]
    if kind in ("Resource", "ContainerResource"):
        return _resource(metric["resource" if kind == "Resource" else "containerResource"], kind, usage, pods, current)
    if kind in ("Pods", "External"):
        return _named(metric["pods" if kind == "Pods" else "external"], kind, usage, current)
    raise MetricUnavailable("InvalidMetricSourceType", f"unsupported in the sandbox: metrics of type {kind}")


def _resource(source: Mapping[str, Any], kind: str, usage: Usage, pods: Sequence[Object], current: int) -> Reading:
    name, target = source["name"], source["target"]
    each = usage.of_each_pod(name, len(pods))
    if each is None:
        raise MetricUnavailable(
            "FailedGetResourceMetric",
            f"failed to get {name} utilization: unable to get metrics for resource {name}: "
            "no metrics returned from resource metrics API",
        )
    key = kind[0].lower() + kind[1:]
    average: dict[str, Any] = {"averageValue": quantities.canonical(f"{each:.3f}")}
    if "averageUtilization" not in target:
        ratio = each / quantities.parse(target["averageValue"])
    else:
        asked = [_request(pod, name) for pod in pods]
        if not asked or None in asked:
            without = next((pod for pod in pods if _request(pod, name) is None), None)
            which = without["metadata"]["name"] if without else ""
            raise MetricUnavailable("FailedGetResourceMetric", f"missing request for {name} in pod {which}")
        utilization = int(each * len(pods) * 100 / sum(found for found in asked if found is not None))
        average["averageUtilization"] = utilization
        ratio = Decimal(utilization) / target["averageUtilization"]
    shown = {"name": name, "current": average}
    if "container" in source:
        shown["container"] = source["container"]
    return Reading({"type": kind, key: shown}, _scaled(float(ratio), len(pods), current))


def _named(source: Mapping[str, Any], kind: str, usage: Usage, current: int) -> Reading:
    name, target = source["metric"]["name"], source["target"]
    found = (usage.pods if kind == "Pods" else usage.external).get(name)
    if found is None:
        what = "FailedGetPodsMetric" if kind == "Pods" else "FailedGetExternalMetric"
        raise MetricUnavailable(what, f"unable to get metric {name}: no metrics returned")
    value = quantities.parse(found)
    if kind == "External" and "averageValue" in target:  # shared by all replicas
        each = value / max(current, 1)
        wanted = math.ceil(value / quantities.parse(target["averageValue"]))
        ratio = each / quantities.parse(target["averageValue"])
        replicas = current if abs(ratio - 1) <= TOLERANCE else wanted
        shown = {"averageValue": quantities.canonical(f"{each:.3f}")}
    else:
        field_name = "averageValue" if kind == "Pods" else "value"
        replicas = _scaled(float(value / quantities.parse(target[field_name])), current, current)
        shown = {field_name: quantities.canonical(found)}
    key = "pods" if kind == "Pods" else "external"
    return Reading({"type": kind, key: {"metric": {"name": name}, "current": shown}}, replicas)


def _scaled(ratio: float, ready: int, current: int) -> int:
    return current if abs(ratio - 1.0) <= TOLERANCE else math.ceil(round(ratio * ready, 9))


def _request(pod: Object, name: str) -> Decimal | None:
    requests = [container.get("resources", {}).get("requests", {}).get(name) for container in pod["spec"]["containers"]]
    return None if None in requests else sum((quantities.parse(request) for request in requests), Decimal(0))


@dataclass
class Pace:
    """What an autoscaler wanted and did in the last hour, by which its policies hold it back."""

    wanted: list[tuple[float, int]] = field(default_factory=list)
    """Moments and the replicas the metrics asked for."""
    changes: list[tuple[float, int]] = field(default_factory=list)
    """Moments and the pods added (or, negative, taken away)."""

    def allowed(self, behavior: Mapping[str, Any], current: int, desired: int, now: float) -> int:
        """How near to `desired` it may go now."""
        self.wanted = [item for item in self.wanted if now - item[0] <= _SECONDS_REMEMBERED]
        self.changes = [item for item in self.changes if now - item[0] <= _SECONDS_REMEMBERED]
        self.wanted.append((now, desired))
        up, down = behavior.get("scaleUp", {}), behavior.get("scaleDown", {})
        lowest = min(self._lately(up.get("stabilizationWindowSeconds", 0), now))
        highest = max(self._lately(down.get("stabilizationWindowSeconds", _DEFAULT_DOWN_WINDOW), now))
        if lowest > current:
            return min(lowest, self._bound(up, _UP, current, now, more=True))
        if highest < current:
            return max(highest, self._bound(down, _DOWN, current, now, more=False))
        return current

    def note(self, change: int, now: float) -> None:
        if change:
            self.changes.append((now, change))

    def _lately(self, window: float, now: float) -> list[int]:
        return [wanted for at, wanted in self.wanted if now - at <= window]

    def _bound(
        self, rules: Mapping[str, Any], default: Sequence[Mapping[str, Any]], current: int, now: float, *, more: bool
    ) -> int:
        select = rules.get("selectPolicy", "Max")
        if select == "Disabled":
            return current
        bounds = []
        for policy in rules.get("policies") or default:
            since = [n for at, n in self.changes if now - at <= policy["periodSeconds"] and (n > 0) == more]
            before = current - sum(since)
            if policy["type"] == "Pods":
                bounds.append(before + policy["value"] if more else before - policy["value"])
            else:
                share = policy["value"] / 100
                bounds.append(math.ceil(before * (1 + share)) if more else math.floor(before * (1 - share)))
        widest: Callable[[list[int]], int] = max if more == (select == "Max") else min
        return max(current, widest(bounds)) if more else min(current, max(0, widest(bounds)))


_UP = ({"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15})
_DOWN = ({"type": "Percent", "value": 100, "periodSeconds": 15},)
