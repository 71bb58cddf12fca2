"""The eviction subresource of pods: a deletion that a disruption budget may refuse."""

from __future__ import annotations

from typing import Any

from ils_sandbox.kubernetes import clock, statuses
from ils_sandbox.kubernetes.controllers.budgets import budgets_of
from ils_sandbox.kubernetes.controllers.ownership import condition, ready, terminating
from ils_sandbox.kubernetes.kinds import POD, POD_DISRUPTION_BUDGET
from ils_sandbox.kubernetes.registry import Deletion, Registry
from ils_sandbox.kubernetes.store import Object, name_of, namespace_of

_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."


def evict(registry: Registry, pod: Object, eviction: Any, deletion: Deletion) -> Object:
    """Delete a pod if its disruption budget allows it. Returns a success; raises a 429 when it does not."""
    named = eviction.get("metadata", {}).get("name") if isinstance(eviction, dict) else None
    if named != name_of(pod):
        raise statuses.bad_request("name in URL does not match name in Eviction object")
    if not _unguarded(pod):
        _take_from_budget(registry, pod, dry_run=deletion.dry_run)
    if not deletion.dry_run:
        pod = _note_disruption(registry, pod)
    registry.delete(POD, namespace_of(pod), name_of(pod), deletion)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _unguarded(pod: Object) -> bool:
    return pod["status"]["phase"] in ("Succeeded", "Failed", "Pending") or terminating(pod)


def _take_from_budget(registry: Registry, pod: Object, *, dry_run: bool) -> None:
    budgets = budgets_of(registry.cluster, pod)
    if not budgets:
        return
    if len(budgets) > 1:
        why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise statuses.ApiError(500, "", why)
    budget = budgets[0]
    status = budget.get("status", {})
    if not ready(pod):
        healthy, desired = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
        always = budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow"
        if always or healthy >= desired > 0:
            return  # it does not count as healthy, so nothing that the budget guards is lost
    if status.get("observedGeneration", 0) < budget["metadata"]["generation"]:
        why = f"The disruption budget {name_of(budget)} is still being processed by the server."
        raise _too_many_requests(why, retry_after=10)
    if not status["disruptionsAllowed"]:
        raise _too_many_requests(_not_allowed(budget))
    if not dry_run:
        left = status["disruptionsAllowed"] - 1
        disrupted = {**status.get("disruptedPods", {}), name_of(pod): clock.now()}
        conditions = status.get("conditions", [])
        if not left:
            conditions = [{**found, "status": "False", "reason": "InsufficientPods"} for found in conditions]
        changed = {**status, "disruptionsAllowed": left, "disruptedPods": disrupted, "conditions": conditions}
        registry.set_status(POD_DISRUPTION_BUDGET, budget, changed)


def _not_allowed(budget: Object) -> str:
    name, status = name_of(budget), budget["status"]
    if status["currentHealthy"] <= status["desiredHealthy"]:
        needs, has = status["desiredHealthy"], status["currentHealthy"]
        return f"The disruption budget {name} needs {needs} healthy pods and has {has} currently"
    return f"The disruption budget {name} does not allow evicting pods currently"


def _too_many_requests(why: str, retry_after: int = 0) -> statuses.ApiError:
    details: dict[str, Any] = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    if retry_after:
        details["retryAfterSeconds"] = retry_after
    return statuses.ApiError(429, "TooManyRequests", _REFUSED, details)


def _note_disruption(registry: Registry, pod: Object) -> Object:
    disrupted = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
        "lastTransitionTime": clock.now(),
    }
    if condition(pod, "DisruptionTarget") is not None:
        return pod
    conditions = [*pod["status"].get("conditions", ()), disrupted]
    return registry.set_status(POD, pod, {**pod["status"], "conditions": conditions})
