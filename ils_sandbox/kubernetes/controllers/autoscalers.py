"""Horizontal pod autoscalers: replicas follow the metrics, within their bounds and not faster than their policies."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from ils_sandbox.kubernetes import clock, scaling
from ils_sandbox.kubernetes.controllers.ownership import condition, ready, terminating
from ils_sandbox.kubernetes.controllers.recommendations import MetricUnavailable, Pace, Reading, read
from ils_sandbox.kubernetes.controllers.runner import Key, key_of
from ils_sandbox.kubernetes.events import Recorder
from ils_sandbox.kubernetes.kinds import BY_NAME, HORIZONTAL_POD_AUTOSCALER, POD, SCALE, Kind
from ils_sandbox.kubernetes.metrics import Metrics
from ils_sandbox.kubernetes.registry import CONTROLLER, Registry, Write
from ils_sandbox.kubernetes.selectors import matches_selector
from ils_sandbox.kubernetes.settings import Settings
from ils_sandbox.kubernetes.store import Change, EventType, Object, name_of, namespace_of

_ABLE = "the HPA controller was able to"

Conditions = dict[str, tuple[str, str, str]]
"""By type: status, reason, message."""


class Autoscalers:
    def __init__(self, registry: Registry, settings: Settings, metrics: Metrics) -> None:
        self._registry = registry
        self._settings = settings
        self._metrics = metrics
        self._events = Recorder(registry, "horizontal-pod-autoscaler")
        self._paces: dict[str, Pace] = {}

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is HORIZONTAL_POD_AUTOSCALER and _is_new(change):
            yield key_of(change.obj)

    def reconcile(self, key: Key) -> float | None:
        autoscaler = self._registry.cluster.get(HORIZONTAL_POD_AUTOSCALER, *key)
        if autoscaler is None or terminating(autoscaler):
            return None
        target = self._target(autoscaler)
        conditions: Conditions = {}
        status: dict[str, Any] = {**autoscaler.get("status", {})}
        if target is None:
            reference = autoscaler["spec"]["scaleTargetRef"]
            why = f'the HPA controller was unable to get the target\'s current scale: "{reference["name"]}" not found'
            conditions["AbleToScale"] = ("False", "FailedGetScale", why)
            status.setdefault("desiredReplicas", 0)
        else:
            self._follow(autoscaler, *target, status, conditions)
        status["conditions"] = [_condition(autoscaler, name, *found) for name, found in conditions.items()]
        self._registry.set_status(HORIZONTAL_POD_AUTOSCALER, autoscaler, status)
        return self._settings.autoscaler_seconds

    def _target(self, autoscaler: Object) -> tuple[Kind, Object] | None:
        reference = autoscaler["spec"]["scaleTargetRef"]
        kind = BY_NAME.get((reference.get("apiVersion", ""), reference["kind"]))
        if kind is None or not kind.has(SCALE):
            return None
        found = self._registry.cluster.get(kind, namespace_of(autoscaler), reference["name"])
        return None if found is None else (kind, found)

    def _follow(
        self, autoscaler: Object, kind: Kind, target: Object, status: dict[str, Any], conditions: Conditions
    ) -> None:
        spec = autoscaler["spec"]
        current: int = target["spec"]["replicas"]
        least, most = spec["minReplicas"], spec["maxReplicas"]
        conditions["AbleToScale"] = (
            "True",
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale",
        )
        status["currentReplicas"] = target.get("status", {}).get("replicas", 0)
        desired = current
        if not current:
            why = "scaling is disabled since the replica count of the target is zero"
            conditions["ScalingActive"] = ("False", "ScalingDisabled", why)
        elif current > most or current < least:
            desired = min(max(current, least), most)
        else:
            desired = self._wanted(autoscaler, target, current, status, conditions)
        if desired != current:
            self._scale(autoscaler, kind, target, current, desired)
            status["lastScaleTime"] = clock.now()
            conditions["AbleToScale"] = (
                "True",
                "SucceededRescale",
                f"{_ABLE} update the target scale to {desired}",
            )
        status["desiredReplicas"] = desired

    def _wanted(
        self, autoscaler: Object, target: Object, current: int, status: dict[str, Any], conditions: Conditions
    ) -> int:
        spec = autoscaler["spec"]
        readings, problem = self._read(autoscaler, target, current)
        status["currentMetrics"] = [found.shown for found in readings]
        wanted = max((found.replicas for found in readings), default=current)
        if problem is not None and (not readings or wanted < current):  # part of the picture is no reason to shrink
            conditions["ScalingActive"] = (
                "False",
                problem.reason,
                f"the HPA was unable to compute the replica count: {problem}",
            )
            self._events.warning(HORIZONTAL_POD_AUTOSCALER, autoscaler, problem.reason, str(problem))
            return current
        conditions["ScalingActive"] = (
            "True",
            "ValidMetricFound",
            "the HPA was able to successfully calculate a replica count",
        )
        bounded = min(max(wanted, spec["minReplicas"]), spec["maxReplicas"])
        pace = self._paces.setdefault(autoscaler["metadata"]["uid"], Pace())
        now = time.monotonic()
        desired = pace.allowed(spec.get("behavior", {}), current, bounded, now)
        pace.note(desired - current, now)
        limited = "TooManyReplicas" if wanted > bounded else "TooFewReplicas" if wanted < bounded else ""
        conditions["ScalingLimited"] = (
            ("True", limited, f"the desired replica count is {'more' if wanted > bounded else 'less'} than the bound")
            if limited
            else ("False", "DesiredWithinRange", "the desired count is within the acceptable range")
        )
        return desired

    def _read(self, autoscaler: Object, target: Object, current: int) -> tuple[list[Reading], MetricUnavailable | None]:
        usage = self._metrics.usage(namespace_of(target), name_of(target))
        selector = target["spec"]["selector"]
        pods = [
            pod
            for pod in self._registry.cluster.objects(POD, namespace_of(target))
            if matches_selector(selector, pod["metadata"].get("labels", {})) and ready(pod) and not terminating(pod)
        ]
        readings: list[Reading] = []
        problem = None
        for metric in autoscaler["spec"].get("metrics", ()):
            try:
                readings.append(read(metric, usage, pods, current))
            except MetricUnavailable as unavailable:
                problem = problem or unavailable
        return readings, problem

    def _scale(self, autoscaler: Object, kind: Kind, target: Object, current: int, desired: int) -> None:
        scaling.set_scale(self._registry, kind, target, {"spec": {"replicas": desired}}, Write(manager=CONTROLLER))
        reason = "above" if desired > current else "below"
        message = f"New size: {desired}; reason: metrics {reason} target"
        self._events.normal(HORIZONTAL_POD_AUTOSCALER, autoscaler, "SuccessfulRescale", message)


def _is_new(change: Change) -> bool:
    """Its own status is no reason to look again: the next look comes by itself."""
    if change.type is EventType.DELETED or change.previous is None:
        return True
    return bool(change.previous.get("spec") != change.obj.get("spec"))


def _condition(autoscaler: Object, name: str, status: str, reason: str, message: str) -> dict[str, Any]:
    before = condition(autoscaler, name)
    same = before is not None and before["status"] == status
    return {
        "type": name,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": before["lastTransitionTime"] if before and same else clock.now(),
    }
